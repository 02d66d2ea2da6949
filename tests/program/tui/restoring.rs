//! The terminal is restored however the program ends.

use std::path::PathBuf;

use cipherlens::preview::protocols::{self, StoredImage};
use cipherlens::preview::tmux::Multiplexer;
use cipherlens::services::settings::Mouse;
use cipherlens::tui::preview::SentPictures;
use cipherlens::tui::terminal::Screen;

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::tui::user::User;

/// The program browsing a folder of one photo, and the terminal modes before it started.
fn browsing(kind: Kind) -> (PseudoTerminal, String) {
    let user = User::new();
    let folder = user.path("photos");
    std::fs::create_dir(&folder).unwrap();
    cipherlens::preview::test_picture().save(folder.join("wheel.png")).unwrap();
    // The modes of an untouched terminal.
    let before = PseudoTerminal::untouched_modes();
    let mut terminal = user.browse(kind, &folder, "wheel.png", &[], &[]);
    assert!(terminal.is_alternate_screen());
    if kind == Kind::Kitty {
        terminal.until("a picture", |terminal| terminal.kept_pictures() > 0);
    }
    (terminal, before)
}

/// Asserts that the terminal is restored.
#[track_caller]
pub(crate) fn is_restored(terminal: &PseudoTerminal, before: &str) {
    assert!(!terminal.is_alternate_screen(), "the alternate screen is left");
    assert_eq!(terminal.modes(), before, "raw mode is undone");
    for (what, sequence) in [
        ("mouse reports end", "\x1b[?1000l"),
        ("paste reports end", "\x1b[?2004l"),
        ("focus reports end", "\x1b[?1004l"),
        ("the cursor is shown", "\x1b[?25h"),
    ] {
        assert!(terminal.has_written(0, sequence.as_bytes()), "{what}");
    }
    assert_eq!(terminal.kept_pictures(), 0, "the terminal keeps pictures");
}

#[test]
fn quitting_restores_the_terminal_and_deletes_its_pictures() {
    for kind in [Kind::Sixel, Kind::Kitty, Kind::Silent] {
        let (mut terminal, before) = browsing(kind);
        terminal.keys("q");
        assert!(terminal.wait().success());
        is_restored(&terminal, &before);
    }
}

#[test]
fn signals_that_end_the_program_restore_the_terminal_and_delete_its_pictures() {
    for (signal, kind) in [("TERM", Kind::Kitty), ("HUP", Kind::Kitty), ("INT", Kind::Kitty), ("TERM", Kind::Sixel)] {
        let (mut terminal, before) = browsing(kind);
        terminal.signal(signal);
        assert!(!terminal.wait().success(), "{signal} is no success");
        is_restored(&terminal, &before);
    }
}

#[test]
fn suspending_restores_the_terminal_and_continuing_redraws() {
    let (mut terminal, before) = browsing(Kind::Sixel);
    terminal.keys("\x1a");
    terminal.until("the shell's screen", |terminal| !terminal.is_alternate_screen());
    terminal.until("its modes", |terminal| terminal.modes() == before);
    // Continuing it earlier would do nothing, and it would then stop for good.
    terminal.until("the program's stop", PseudoTerminal::is_stopped);
    terminal.signal("CONT");
    terminal.until("the application's screen", PseudoTerminal::is_alternate_screen);
    terminal.until_screen("wheel.png");
    terminal.keys("q");
    assert!(terminal.wait().success());
    is_restored(&terminal, &before);
}

/// Not a test by itself: [`a_panic_restores_the_terminal_before_its_message_is_printed`] runs it in a pseudo-terminal.
#[test]
#[ignore = "takes over the terminal it runs in"]
fn child_that_panics() {
    let sent = SentPictures::default();
    let _screen = Screen::take(Mouse::Taken, sent.clone()).unwrap();
    print!("\x1b_Gq=2,i=4711,a=T,f=24,s=1,v=1;AAAA\x1b\\");
    let protocol = protocols::by_value("kitty").unwrap();
    sent.add(Some(StoredImage { protocol, id: 4711 }), Multiplexer::None);
    panic!("the roof is on fire");
}

#[test]
fn a_panic_restores_the_terminal_before_its_message_is_printed() {
    let before = PseudoTerminal::untouched_modes();
    let program: PathBuf = std::env::current_exe().unwrap();
    let arguments = ["--exact", "tui::restoring::child_that_panics", "--ignored", "--nocapture"];
    let start = Start { kind: Kind::Silent, columns: 80, rows: 24, arguments: &arguments, environment: &[] };
    let mut terminal = PseudoTerminal::start_program(&program, tempfile::tempdir().unwrap(), &start);
    assert!(!terminal.wait().success());
    assert!(terminal.has_written(0, b"i=4711,a=T"), "a picture was sent");
    is_restored(&terminal, &before);
    let text = String::from_utf8_lossy(&terminal.written).into_owned();
    let left = text.find("\x1b[?1049l").unwrap();
    let told = text.find("the roof is on fire").unwrap();
    assert!(left < told, "the message is on the normal screen");
}
