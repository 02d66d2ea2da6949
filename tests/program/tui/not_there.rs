//! A known vault that is missing, such as on an unmounted disk: nothing is created in its place unless the user asks.

use std::fs;
use std::path::{Path, PathBuf};

use cipherlens::services::session::Presence;
use cipherlens::tui::request::Reply;
use cipherlens::tui::state::lock_screen::LockScreen;

use crate::support::pseudo_terminal::{Kind, PseudoTerminal};
use crate::tui::stage::Stage;
use crate::tui::user::{PASSPHRASE, User};

/// A user whose empty vault, the last used, was moved from `photos.vault` to `elsewhere.vault`.
fn user_with_moved_vault() -> User {
    let user = User::with_vault();
    fs::rename(user.path("photos.vault"), user.path("elsewhere.vault")).unwrap();
    user
}

fn start(user: User, arguments: &[&str], environment: &[(&str, &str)]) -> PseudoTerminal {
    let mut terminal = user.start(Kind::Sixel, arguments, environment);
    terminal.until_screen("There is no vault at");
    terminal
}

/// Quits without a vault. The terminal keeps the home folder alive.
#[track_caller]
fn leave(terminal: &mut PseudoTerminal) {
    terminal.keys("\x1b");
    terminal.until_screen("no vault is open");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

/// Presses Enter repeatedly, which must change nothing.
#[track_caller]
fn enter_creates_nothing(mut terminal: PseudoTerminal, vault: &Path) {
    let was_there = vault.exists();
    for times in ["1 time", "2 times", "3 times", "4 times"] {
        terminal.keys("\r");
        terminal.until_screen(&format!("still not there (tried {times} more)"));
    }
    let screen = terminal.screen();
    assert!(screen.contains("There is no vault at") && !screen.contains("a new vault"), "{screen}");
    leave(&mut terminal);
    assert!(vault.parent().is_some_and(Path::exists));
    assert_eq!(vault.exists(), was_there);
    assert_eq!(fs::read_dir(vault).map_or(0, Iterator::count), 0, "nothing was created");
}

#[derive(Clone, Copy, Debug)]
enum Known {
    ByFlag,
    ByEnvironment,
    BySettings,
    UsedLast,
}

fn missing(known: Known, is_mount_point: bool) {
    let user = user_with_moved_vault();
    let vault = match known {
        Known::UsedLast => user.path("photos.vault"),
        _ => user.path("disk"),
    };
    if is_mount_point {
        fs::create_dir(&vault).unwrap();
    }
    let path = vault.to_str().unwrap().to_owned();
    let mut terminal = match known {
        Known::ByFlag => start(user, &["--vault", &path], &[]),
        Known::ByEnvironment => start(user, &[], &[("CIPHERLENS_VAULT", &path)]),
        Known::BySettings => {
            fs::create_dir_all(user.path(".config/cipherlens")).unwrap();
            fs::write(user.path(".config/cipherlens/config.toml"), format!("vault = {path:?}\n")).unwrap();
            start(user, &[], &[])
        }
        Known::UsedLast => start(user, &[], &[]),
    };
    let name = vault.file_name().unwrap().to_str().unwrap();
    terminal.until_screen(name);
    // The last line, so the whole window is drawn.
    terminal.until_screen("create a new, empty vault");
    assert_eq!(terminal.screen().contains("The folder is there"), is_mount_point, "{}", terminal.screen());
    enter_creates_nothing(terminal, &vault);
}

#[test]
fn a_vault_named_by_a_flag_that_is_missing_is_not_created() {
    missing(Known::ByFlag, false);
    missing(Known::ByFlag, true);
}

#[test]
fn a_vault_named_by_the_environment_that_is_missing_is_not_created() {
    missing(Known::ByEnvironment, false);
    missing(Known::ByEnvironment, true);
}

#[test]
fn a_vault_named_by_the_settings_that_is_missing_is_not_created() {
    missing(Known::BySettings, false);
    missing(Known::BySettings, true);
}

#[test]
fn the_vault_used_last_that_is_missing_is_not_created() {
    missing(Known::UsedLast, false);
    missing(Known::UsedLast, true);
}

#[test]
fn a_passphrase_from_a_file_creates_no_vault_where_one_is_missing() {
    let user = user_with_moved_vault();
    let [vault, passphrase] = ["disk", "passphrase"].map(|name| user.path(name).to_str().unwrap().to_owned());
    let terminal = start(user, &["--vault", &vault, "--passphrase-file", &passphrase], &[]);
    enter_creates_nothing(terminal, Path::new(&vault));
}

#[test]
fn a_vault_that_is_mounted_meanwhile_is_found_by_trying_again() {
    let user = user_with_moved_vault();
    let paths = ["elsewhere.vault", "photos.vault"].map(|name| user.path(name));
    let mut terminal = start(user, &[], &[]);
    fs::rename(&paths[0], &paths[1]).unwrap();
    terminal.keys("\r");
    unlock(terminal, "photos.vault, 0 photos");
}

#[test]
fn another_vault_is_opened_by_its_path() {
    let user = user_with_moved_vault();
    let mut terminal = start(user, &[], &[]);
    // A letter chooses nothing: it may be part of a passphrase.
    terminal.keys(&format!("{PASSPHRASE}\x1b[B\r"));
    terminal
        .until("a field", |terminal| terminal.screen().contains("vault  ") && terminal.screen().contains("esc back"));
    assert!(!terminal.screen().contains("correct"), "{}", terminal.screen());
    terminal.keys("~/nowhere\r");
    terminal.until_screen("~/nowhere");
    terminal.until_screen("There is no vault at");
    terminal.keys("\x1b[B\r");
    terminal.until_screen("esc back");
    terminal.keys("~/elsewhere.vault\r");
    unlock(terminal, "elsewhere.vault, 0 photos");
}

#[track_caller]
fn unlock(mut terminal: PseudoTerminal, opened: &str) {
    terminal.until_screen("cannot be read without the passphrase");
    terminal.keys(&format!("{PASSPHRASE}\r"));
    terminal.until_screen(opened);
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn a_new_vault_takes_two_steps_down_and_a_passphrase_typed_twice() {
    let user = user_with_moved_vault();
    let vault = user.path("photos.vault");
    let mut terminal = start(user, &[], &[]);
    terminal.keys("\x1b[B\x1b[B");
    terminal.until_screen("▸ create a new, empty vault");
    terminal.keys("\r");
    terminal.until_screen("a new vault");
    assert!(!vault.exists());
    for _ in 0..2 {
        terminal.keys(&format!("{PASSPHRASE}\r"));
    }
    // Only wait for the start: the default cost takes too long on a busy machine.
    terminal.until_screen("creating the vault");
    terminal.keys("\x03");
    assert!(terminal.wait().success());
}

#[test]
fn without_any_known_vault_there_is_the_first_run() {
    let mut terminal = User::new().start(Kind::Sixel, &[], &[]);
    terminal.until_screen("a new vault");
    terminal.until_screen("photos.vault");
    leave(&mut terminal);
}

#[test]
fn a_reply_about_another_vault_or_after_leaving_is_ignored() {
    let looked = |path: &str, found| Reply::Looked { vault: PathBuf::from(path), found: Ok(found) };
    let mut stage = Stage::new(80, 24);
    stage.application.state.preferences.vault = Some(PathBuf::from("/disk/photos.vault"));
    // The passphrase is asked for before the path has been checked.
    stage.keys("j j j s");
    stage.reply(looked("/other", Presence::Nothing));
    assert!(matches!(stage.application.state.lock_screen, Some(LockScreen::Unlock(_))));
    stage.keys("'secret enter");
    assert_eq!(stage.asked(), ["look at /disk/photos.vault"]);
    stage.reply(looked("/other", Presence::Vault));
    assert_eq!(stage.asked(), [""; 0], "it is not known yet which vault is there");
    stage.reply(looked("/disk/photos.vault", Presence::Vault));
    assert_eq!(stage.asked(), ["open /disk/photos.vault"]);
    stage.reply(looked("/disk/photos.vault", Presence::Nothing));
    assert!(matches!(stage.application.state.lock_screen, Some(LockScreen::Unlock(_))), "wait for the open");
    let vault = PathBuf::from("/disk/photos.vault");
    stage.reply(Reply::Opened { vault, result: Err("there is no vault".to_owned()) });
    assert_eq!(stage.asked(), ["look at /disk/photos.vault"]);
    stage.reply(looked("/disk/photos.vault", Presence::Folder));
    assert!(stage.screen().contains("The folder is there, without a vault in it"));
    stage.keys("up up up enter");
    assert_eq!(stage.asked(), ["look at /disk/photos.vault"]);
    // Leaving does not wait for a disk that does not respond.
    stage.keys("esc");
    assert!(stage.application.state.lock_screen.is_none());
    stage.reply(looked("/disk/photos.vault", Presence::Vault));
    assert!(stage.application.state.lock_screen.is_none());
}
