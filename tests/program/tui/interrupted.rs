//! Indexing runs that end before they are done: no sealed photo is lost, and the next start offers to resume.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::tui::user::{PASSPHRASE, User, sample};

/// The question about an interrupted run.
const OFFER: &str = "Resume it?";

/// A user with an empty vault.
struct Owner(User);

impl Owner {
    fn new() -> Self {
        Self(User::with_vault())
    }

    /// Starts the program in a folder of photos with the vault unlocked.
    fn start(&self, photos: &str, more: &[&str]) -> PseudoTerminal {
        let mut terminal = self.start_locked(photos, more);
        unlock(&mut terminal);
        terminal
    }

    fn start_locked(&self, photos: &str, more: &[&str]) -> PseudoTerminal {
        let (home, folder) = (self.0.path(""), sample(photos));
        let mut arguments = vec!["--folder", folder.to_str().unwrap()];
        arguments.extend(more);
        let environment = [("HOME", home.to_str().unwrap())];
        let start =
            Start { kind: Kind::Silent, columns: 110, rows: 32, arguments: &arguments, environment: &environment };
        let mut terminal = PseudoTerminal::start(&start);
        terminal.until_answered();
        terminal
    }

    /// Sealed photos, committed or not.
    fn sealed(&self) -> usize {
        fs::read_dir(self.0.path("photos.vault/encrypted_images")).unwrap().count()
    }

    fn committed(&self) -> usize {
        let list: serde_json::Value = serde_json::from_str(&self.0.run(&["list", "--json"])).unwrap();
        list.as_array().unwrap().len()
    }

    /// Waits until the program has sealed this many photos.
    fn until_sealed(&self, terminal: &mut PseudoTerminal, photos: usize) {
        terminal.until("sealed photos", |_| self.sealed() >= photos);
    }

    /// Waits for `text`; the time limit starts again with each sealed photo.
    fn until_screen_while_sealing(&self, terminal: &mut PseudoTerminal, text: &str) {
        loop {
            let before = self.sealed();
            terminal.until(text, |terminal| terminal.screen().contains(text) || self.sealed() > before);
            if terminal.screen().contains(text) {
                return;
            }
        }
    }
}

fn unlock(terminal: &mut PseudoTerminal) {
    terminal.keys(PASSPHRASE);
    terminal.keys("\r");
    // The name of the open vault on the tab bar.
    terminal.until_screen("● photos.vault");
}

/// The number of photos below a folder of samples.
fn photos_in(folder: &str) -> usize {
    let files = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files(sample(folder)).map(|path| if path.is_dir() { files(path).count() } else { 1 }).sum()
}

#[test]
fn a_terminal_that_dies_while_photos_are_indexed_costs_no_sealed_photo() {
    let owner = Owner::new();
    let mut terminal = owner.start("photos", &[]);
    terminal.keys("I\r");
    owner.until_sealed(&mut terminal, 3);
    let status = terminal.hang_up();
    assert!(status.signal().is_none() && status.exit_code() != 101, "{status:?}");
    let committed = owner.committed();
    assert!((3..photos_in("photos")).contains(&committed), "{committed}");
    let mut terminal = owner.start("photos", &[]);
    terminal.until_screen(OFFER);
}

#[test]
fn indexing_continues_behind_the_lock_screen_which_shows_its_progress() {
    let owner = Owner::new();
    let mut terminal = owner.start("photos/watch", &[]);
    terminal.keys("I\r");
    owner.until_sealed(&mut terminal, 1);
    terminal.keys("L");
    terminal.until("the lock screen", |terminal| {
        let screen = terminal.screen();
        screen.contains("passphrase  ") && screen.contains("indexing") && !screen.contains("image_")
    });
    owner.until_screen_while_sealing(&mut terminal, "indexing is done: 10 of 10");
    assert_eq!(owner.committed(), 10);
    unlock(&mut terminal);
    terminal.until_screen("● photos.vault, 10 photos");
    assert!(!terminal.screen().contains(OFFER), "{}", terminal.screen());
}

#[test]
fn locking_that_pauses_indexing_keeps_sealed_photos_and_offers_to_resume() {
    let owner = Owner::new();
    let mut terminal = owner.start("photos", &["--lock", "pause"]);
    terminal.keys("I\r");
    owner.until_sealed(&mut terminal, 1);
    terminal.keys("L");
    terminal.until_screen("indexing stopped at");
    let committed = owner.committed();
    assert!((1..photos_in("photos")).contains(&committed), "{committed}");
    unlock(&mut terminal);
    terminal.until_screen(OFFER);
    terminal.keys("y");
    owner.until_screen_while_sealing(&mut terminal, "indexed: ");
    assert_eq!(owner.committed(), photos_in("photos"));
}

#[test]
fn a_run_interrupted_by_quitting_is_offered_at_the_next_start_and_can_be_completed() {
    let owner = Owner::new();
    let mut terminal = owner.start("photos", &[]);
    terminal.keys("I\r");
    owner.until_sealed(&mut terminal, 1);
    terminal.keys("q");
    terminal.until_screen("Indexing is still running. Quit?");
    terminal.keys("y");
    assert!(terminal.wait().success());
    let committed = owner.committed();
    assert!((1..photos_in("photos")).contains(&committed), "{committed}");

    // In another folder: the paths of the run were remembered.
    let mut terminal = owner.start("altered", &[]);
    terminal.until_screen(OFFER);
    terminal.keys("y");
    owner.until_screen_while_sealing(&mut terminal, "indexed: ");
    assert_eq!(owner.committed(), photos_in("photos"));
    terminal.keys("q");
    assert!(terminal.wait().success());

    let mut terminal = owner.start("altered", &[]);
    terminal.until_screen(&format!("● photos.vault, {} photos", photos_in("photos")));
    terminal.settle(Duration::from_millis(300));
    assert!(!terminal.screen().contains(OFFER), "it is done: {}", terminal.screen());
}

#[test]
fn a_run_that_waited_when_the_program_ended_is_offered_too() {
    let owner = Owner::new();
    let mut terminal = owner.start("photos", &[]);
    terminal.keys("I\r");
    owner.until_sealed(&mut terminal, 1);
    // Paused, so that it cannot end before the program does.
    terminal.keys("p");
    terminal.until_screen("paused");
    terminal.keys("Gi\r");
    terminal.until_screen("added to the queue");
    terminal.keys("q");
    terminal.until_screen("1 waiting run to begin");
    terminal.keys("y");
    assert!(terminal.wait().success());
    let mut terminal = owner.start("altered", &[]);
    terminal.until_screen(OFFER);
    terminal.until_screen("and 1 more");
}

#[test]
fn a_killed_run_is_offered_until_the_user_declines() {
    let owner = Owner::new();
    let mut terminal = owner.start("photos", &[]);
    terminal.keys("I\r");
    owner.until_sealed(&mut terminal, 1);
    terminal.signal("KILL");
    assert!(!terminal.wait().success());
    for answer in ["\x1b", "n"] {
        let mut terminal = owner.start("photos", &[]);
        terminal.until_screen(OFFER);
        terminal.keys(answer);
        terminal.until("the answer", |terminal| !terminal.screen().contains(OFFER));
        terminal.keys("q");
        assert!(terminal.wait().success());
    }
    let mut terminal = owner.start("photos", &[]);
    terminal.until_screen("● photos.vault, ");
    terminal.settle(Duration::from_millis(300));
    assert!(!terminal.screen().contains(OFFER), "{}", terminal.screen());
}

/// `cipherlens add` on all samples.
fn adding(owner: &Owner) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
    command.arg("--passphrase-file").arg(owner.0.path("passphrase")).arg("add").arg(sample("photos"));
    command.env_clear().env("HOME", owner.0.path("")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn an_interrupted_add_is_offered_in_the_application_and_a_running_one_is_not() {
    let owner = Owner::new();
    let mut child = adding(&owner);
    let patience = Instant::now() + Duration::from_secs(120);
    while owner.sealed() < 1 {
        assert!(Instant::now() < patience, "no photo was sealed");
        std::thread::sleep(Duration::from_millis(5));
    }
    // A stopped process still counts as alive.
    let signal = |name: &str| {
        let command = format!("kill -s {name} {}", child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    };
    signal("STOP");
    let mut terminal = owner.start("photos", &[]);
    terminal.settle(Duration::from_millis(500));
    assert!(!terminal.screen().contains(OFFER), "it is still running: {}", terminal.screen());
    terminal.keys("q");
    assert!(terminal.wait().success());
    signal("INT");
    signal("CONT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut terminal = owner.start("photos", &[]);
    terminal.until_screen(OFFER);
}
