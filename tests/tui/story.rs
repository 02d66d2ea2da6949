//! One story from beginning to end, told in every kind of terminal: unlock, index, search, look, export, lock, quit.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::pseudo_terminal::{Kind, PseudoTerminal};
use crate::restoring::is_restored;
use crate::user::{PASSPHRASE, User, sample};

/// What is searched for: a copy of the sixth flamingo, spoilt by recompression.
const QUERY: &str = "flamingo_image_0006_recompressed.jpg";

/// Tells the story on the `photos` photos below `folder`; the query is among them, in `altered`, and so is its original.
fn tell(user: User, kind: Kind, folder: &Path, photos: usize) {
    let before = PseudoTerminal::untouched_modes();
    let vault = user.path("photos.vault").to_string_lossy().into_owned();
    let exported = user.path("exported");
    let folder = folder.to_string_lossy().into_owned();
    let mut terminal = user.start(kind, &["--vault", &vault, "--folder", &folder], &[]);

    // Unlock: a wrong passphrase first.
    terminal.until_screen("passphrase");
    terminal.keys("hunter2\r");
    terminal.until_screen("✗");
    assert!(!terminal.screen().contains("hunter2"));
    terminal.keys(PASSPHRASE);
    terminal.keys("\r");
    terminal.until_screen("altered/");
    assert!(!terminal.screen().contains(PASSPHRASE));

    // Index the folder that is shown, and all below it.
    terminal.keys("I4");
    terminal.until_screen("✓ done");
    terminal.until_screen(&format!("photos.vault, {photos} photos"));
    assert!(terminal.screen().contains("100 %"), "{}", terminal.screen());

    // Search with a file.
    terminal.keys("1l");
    terminal.until_screen("flamingo_image_0006");
    terminal.keys("/flamingo\r");
    terminal.until_screen(&format!("╭ {QUERY}"));
    terminal.keys("s");
    terminal.until_screen("searched encrypted");
    terminal.until_screen(&format!("3 of {photos} photos"));

    // Move: the best match is the query itself, the second its original.
    let from = terminal.written.len();
    terminal.keys("l");
    terminal.until_screen("╭ image_0006.jpg");
    terminal.until("its picture", |terminal| match kind {
        Kind::Sixel => terminal.has_drawn(from, b"\x1bP"),
        Kind::Kitty => terminal.has_drawn(from, b"\x1b_Gq=2,i="),
        Kind::Silent => terminal.screen_from(80).contains('▀'),
    });

    // Raise the threshold from 0.80 to 0.85: the third match scores 0.815.
    terminal.keys("+");
    terminal.until_screen(&format!("2 of {photos} photos"));
    assert!(terminal.screen().contains("0.85"), "{}", terminal.screen());
    assert!(terminal.screen().contains("╭ image_0006.jpg"), "the cursor stays where it is");

    // Export: the same bytes that were put in.
    terminal.keys("e\x15");
    terminal.keys(&exported.to_string_lossy());
    terminal.keys("\r");
    terminal.until_screen("exported 1 photo to");
    let bytes = std::fs::read(exported.join("image_0006.jpg")).unwrap();
    assert_eq!(bytes, std::fs::read(sample("photos/flamingo/image_0006.jpg")).unwrap());
    assert_eq!(std::fs::read_dir(&exported).unwrap().count(), 1);

    // Lock: names and pictures are gone.
    terminal.keys("L");
    terminal.until_screen("passphrase");
    terminal.settle(Duration::from_millis(100));
    assert!(!terminal.screen().contains("image_0006") && !terminal.screen().contains('▀'), "{}", terminal.screen());
    assert_eq!(terminal.kept_pictures(), 0, "the terminal keeps pictures of a locked vault");

    // Quit.
    terminal.keys("\x03");
    assert!(terminal.wait().success());
    is_restored(&terminal, &before);
}

#[test]
fn all_sample_photos_in_a_terminal_that_draws_sixels() {
    tell(User::with_vault(), Kind::Sixel, &sample(""), 106);
}

/// A folder with the query and the ten flamingos, in the shape of the sample photos.
fn few(user: &User) -> PathBuf {
    let folder = user.path("few");
    for part in ["altered", "photos/flamingo"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    std::fs::copy(sample("altered").join(QUERY), folder.join("altered").join(QUERY)).unwrap();
    for number in 1..=10 {
        let name = format!("photos/flamingo/image_{number:04}.jpg");
        std::fs::copy(sample(&name), folder.join(name)).unwrap();
    }
    folder
}

#[test]
fn a_few_photos_in_kitty_and_in_a_terminal_that_answers_nothing() {
    for kind in [Kind::Kitty, Kind::Silent] {
        let user = User::with_vault();
        let folder = few(&user);
        tell(user, kind, &folder, 11);
    }
}
