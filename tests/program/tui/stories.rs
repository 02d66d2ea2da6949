//! What people come for, from the first key to the last, with the real program in a pseudo-terminal.
//!
//! Going on with an interrupted run is in `interrupted.rs`, a connection that was lost in
//! `tests/program/remote/application.rs`.

use std::fs;
use std::path::PathBuf;

use crate::support::pseudo_terminal::{Kind, PseudoTerminal};
use crate::tui::user::{PASSPHRASE, User, sample};

/// A photo, and one that was made of it.
const ORIGINAL: &str = "photos/elephant/image_0002.jpg";
const ALTERED: &str = "altered/elephant_image_0002_cropped.jpg";

/// A folder with an elephant and other photos.
fn pictures(user: &User) -> PathBuf {
    let folder = user.path("pictures");
    fs::create_dir(&folder).unwrap();
    for (name, photo) in [
        ("elephant.jpg", ORIGINAL),
        ("pizza.jpg", "photos/pizza/image_0001.jpg"),
        ("watch.jpg", "photos/watch/image_0001.jpg"),
    ] {
        fs::copy(sample(photo), folder.join(name)).unwrap();
    }
    folder
}

fn start(user: User, arguments: &[&str]) -> PseudoTerminal {
    user.start(Kind::Silent, arguments, &[])
}

#[test]
fn first_run_to_first_match() {
    let user = User::new();
    let folder = pictures(&user);
    let query = user.path("query");
    fs::create_dir(&query).unwrap();
    fs::copy(sample(ALTERED), query.join("cropped.jpg")).unwrap();
    let vault = user.path("my.vault").display().to_string();
    let mut terminal = start(user, &["--folder", folder.to_str().unwrap()]);
    terminal.until_screen("passphrase");
    // Where the vault is to be, and its passphrase twice.
    terminal.keys(&format!("\x15{vault}\r{PASSPHRASE}\r{PASSPHRASE}\r"));
    terminal.until_screen("● my.vault, 0 photos");
    terminal.until_screen("elephant.jpg");
    terminal.keys("I");
    terminal.until_screen("3 photos");
    terminal.until_screen("all of them are new");
    terminal.keys("\r");
    terminal.until_screen("● my.vault, 3 photos");
    terminal.until_screen("indexed: 3 added");
    terminal.keys(&format!(":search {}/cropped.jpg\r", query.display()));
    terminal.until_screen("1 match ≥ 0.80 among 3 photos");
    // The status line names the photo under the cursor.
    terminal.until_screen("elephant.jpg");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn find_a_photo_and_export_it() {
    let user = User::with_vault();
    let folder = pictures(&user);
    let vault = user.path("photos.vault").display().to_string();
    user.run(&["--vault", &vault, "add", folder.to_str().unwrap()]);
    let target = user.path("found");
    let passphrase = user.path("passphrase").display().to_string();
    let mut terminal = start(user, &["--vault", &vault, "--passphrase-file", &passphrase]);
    terminal.until_screen("1 of 3");
    terminal.keys(&format!(":search {}\r", sample(ALTERED).display()));
    terminal.until_screen("1 match ≥ 0.80 among 3 photos");
    terminal.keys("E");
    terminal.until_screen("export 1 photo to");
    terminal.keys(&format!("\x15{}\r", target.display()));
    terminal.until_screen("exported 1 photo to");
    assert_eq!(fs::read(target.join("elephant.jpg")).unwrap(), fs::read(sample(ORIGINAL)).unwrap());
    // The same by a command, of the photo under the cursor in the timeline.
    let other = target.with_file_name("other");
    terminal.keys("3:go pizza\r");
    terminal.until_screen("\n pizza.jpg");
    terminal.keys(&format!(":export {}\r", other.display()));
    terminal.until("the photo", |_| other.join("pizza.jpg").exists());
    // Quitting asks while the export still runs.
    terminal.until("the end of the export", |terminal| {
        let screen = terminal.screen();
        screen.contains("exported 1 photo to") && screen.contains("/other")
    });
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn another_vault_is_opened_from_within() {
    let user = User::with_vault();
    let folder = pictures(&user);
    let [first, second] = ["photos.vault", "second.vault"].map(|name| user.path(name).display().to_string());
    user.run(&["--vault", &first, "add", folder.to_str().unwrap()]);
    user.run(&["init", "--argon2-memory-mib", "19", "--argon2-passes", "1", &second]);
    let mut terminal = start(user, &["--vault", &first]);
    terminal.until_screen("passphrase");
    terminal.keys(&format!("{PASSPHRASE}\r"));
    terminal.until_screen("● photos.vault, 3 photos");
    terminal.keys("O");
    // The known vaults are offered.
    terminal.until_screen("second.vault");
    terminal.keys("second\r");
    terminal.until("the lock screen", |terminal| {
        let screen = terminal.screen();
        screen.contains("passphrase") && screen.contains("second.vault") && !screen.contains("3 photos")
    });
    terminal.keys(&format!("{PASSPHRASE}\r"));
    terminal.until_screen("● second.vault, 0 photos");
    // And back, by its path.
    terminal.keys(&format!(":open {first}\r"));
    terminal.until_screen("passphrase");
    terminal.keys(&format!("{PASSPHRASE}\r"));
    terminal.until_screen("● photos.vault, 3 photos");
    terminal.until_screen("1 of 3");
    terminal.keys("q");
    assert!(terminal.wait().success());
}
