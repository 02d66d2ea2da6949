//! Photos opened in another program: what it gets, and what a killed instance leaves behind.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::tui::user::{User, sample};

/// The time limit of each step, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A user with a vault, a runtime folder, and a viewer that records its argument and umask.
struct Desk {
    user: User,
    runtime: PathBuf,
}

impl Desk {
    /// The vault holds one JPEG, under this name.
    fn with_photo_called(name: &str) -> Self {
        let user = User::with_vault();
        let photo = user.path(name);
        fs::copy(sample("photos/butterfly/image_0001.jpg"), &photo).unwrap();
        user.run(&["add", photo.to_str().unwrap()]);
        let (programs, runtime) = (user.path("programs"), user.path("runtime"));
        for folder in [&programs, &runtime] {
            fs::create_dir(folder).unwrap();
        }
        let viewer = programs.join("xdg-open");
        let text = "#!/bin/sh\necho \"$(umask) $1\" >>\"$HOME/given\"\n";
        fs::write(&viewer, text).unwrap();
        fs::set_permissions(&viewer, fs::Permissions::from_mode(0o755)).unwrap();
        Self { user, runtime }
    }

    /// Starts the application and waits until the vault is open.
    fn start(&self) -> PseudoTerminal {
        let [vault, passphrase, home] =
            ["photos.vault", "passphrase", "."].map(|name| self.user.path(name).to_str().unwrap().to_owned());
        let search_path = format!("{}:/usr/bin:/bin", self.user.path("programs").display());
        let start = Start {
            kind: Kind::Sixel,
            columns: 120,
            rows: 36,
            arguments: &["--vault", &vault, "--passphrase-file", &passphrase],
            environment: &[
                ("PATH", &search_path),
                ("HOME", &home),
                ("TMPDIR", &home),
                ("XDG_RUNTIME_DIR", self.runtime.to_str().unwrap()),
            ],
        };
        let mut terminal = PseudoTerminal::start_in(TempDir::new().unwrap(), &start);
        terminal.until_answered();
        terminal.until_screen("1 photo");
        terminal
    }

    /// Opens the photo in the viewer; returns umask and file.
    fn open(&self, terminal: &mut PseudoTerminal) -> (String, PathBuf) {
        let given = self.user.path("given");
        let lines = || fs::read_to_string(&given).unwrap_or_default().lines().count();
        let before = lines();
        terminal.keys("3");
        terminal.until_screen("1 of 1");
        terminal.keys("o");
        terminal.until_screen("Give a decrypted copy to another program?");
        terminal.keys("y");
        until("the viewer", || lines() > before);
        let text = fs::read_to_string(&given).unwrap();
        let (umask, path) = text.lines().last().unwrap().split_once(' ').unwrap();
        (umask.to_owned(), PathBuf::from(path))
    }

    fn log(&self) -> String {
        let folder = self.user.path(".local/state/cipherlens/log");
        let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        files.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

/// Waits for something outside the terminal.
fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "no {what} within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_viewer_is_chosen_by_content_whatever_the_stored_name() {
    for (name, expected) in [("x.desktop", "x.jpg"), ("x.html", "x.jpg"), ("x.JPG", "x.jpg")] {
        let desk = Desk::with_photo_called(name);
        let mut terminal = desk.start();
        let (umask, path) = desk.open(&mut terminal);
        assert_eq!(path.file_name().unwrap(), expected);
        assert!(path.starts_with(&desk.runtime), "{}", path.display());
        assert_eq!(fs::read(&path).unwrap(), fs::read(sample("photos/butterfly/image_0001.jpg")).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_ne!(umask, "0077", "the viewer has the umask of the session");
        terminal.keys("q");
        assert!(terminal.wait().success());
        assert!(!path.exists() && fs::read_dir(&desk.runtime).unwrap().next().is_none());
    }
}

#[test]
fn leftovers_of_a_killed_instance_are_removed_and_files_of_a_running_one_are_not() {
    let desk = Desk::with_photo_called("photo.jpg");
    let mut killed = desk.start();
    let (_, left) = desk.open(&mut killed);
    killed.signal("KILL");
    killed.wait();
    assert!(left.exists());
    let elsewhere = desk.user.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(elsewhere.join("photo.jpg"), "pixels").unwrap();
    let link = desk.runtime.join("cipherlens-open-aB3dE6");
    symlink(&elsewhere, &link).unwrap();

    let mut running = desk.start();
    until("a swept folder", || desk.log().matches("removed 1 folder that an earlier run left").count() == 1);
    assert!(!left.exists() && !left.parent().unwrap().exists());
    let (_, shown) = desk.open(&mut running);
    let mut killed = desk.start();
    let (_, left) = desk.open(&mut killed);
    killed.signal("KILL");
    killed.wait();

    let mut another = desk.start();
    until("another swept folder", || desk.log().matches("removed 1 folder that an earlier run left").count() == 2);
    assert!(!left.exists());
    assert_eq!(fs::read(&shown).unwrap(), fs::read(sample("photos/butterfly/image_0001.jpg")).unwrap());
    assert_eq!(fs::read_to_string(link.join("photo.jpg")).unwrap(), "pixels", "a link is not followed");
    for terminal in [&mut running, &mut another] {
        terminal.keys("q");
        assert!(terminal.wait().success());
    }
    assert!(!shown.exists());
}
