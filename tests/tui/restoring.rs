//! However the program ends, the terminal is as it was before.

use std::path::PathBuf;
use std::time::Duration;

use cipherlens::services::settings::Mouse;
use cipherlens::tui::preview::SentPictures;
use cipherlens::tui::terminal::Screen;

use crate::pseudo_terminal::{Kind, PseudoTerminal, Start};

/// A folder with one photo in it, and the program browsing it in a terminal of this kind.
fn browsing(kind: Kind) -> (PseudoTerminal, String) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("photos");
    std::fs::create_dir(&folder).unwrap();
    let picture = cipherlens::preview::test_picture();
    picture.save(folder.join("wheel.png")).unwrap();
    let folder = folder.to_string_lossy().into_owned();
    let start = Start { kind, columns: 100, rows: 30, arguments: &["--folder", &folder], environment: &[] };
    // The modes before: a terminal of the same make that nothing was done to.
    let before = PseudoTerminal::untouched_modes();
    let mut terminal = PseudoTerminal::start_in(home, &start);
    // Keys typed before the terminal has answered would be taken for a part of its answers.
    terminal.until("the answers", |terminal| {
        terminal.screen().contains("test picture: ") && !terminal.screen().contains("no pictures")
    });
    terminal.keys("\x1b");
    terminal.until_screen("wheel.png");
    assert!(terminal.is_alternate_screen());
    (terminal, before)
}

#[track_caller]
fn is_restored(terminal: &PseudoTerminal, before: &str) {
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
}

#[test]
fn quitting_restores_the_terminal_and_deletes_kitty_s_pictures() {
    let (mut terminal, before) = browsing(Kind::Kitty);
    terminal.until("a picture", |terminal| terminal.has_written(0, b"\x1b_Gq=2,i="));
    terminal.keys("q");
    assert!(terminal.wait().success());
    is_restored(&terminal, &before);
    let text = String::from_utf8_lossy(&terminal.written).into_owned();
    let sent: Vec<&str> = text.split("\x1b_Gq=2,i=").skip(1).filter_map(|rest| rest.split(',').next()).collect();
    assert!(!sent.is_empty());
    for id in sent {
        assert!(text.contains(&format!("\x1b_Ga=d,d=I,i={id},q=2")), "picture {id} stays in the terminal");
    }
}

#[test]
fn signals_that_end_the_program_restore_the_terminal() {
    for signal in ["TERM", "HUP", "INT"] {
        let (mut terminal, before) = browsing(Kind::Sixel);
        terminal.signal(signal);
        assert!(!terminal.wait().success(), "{signal} is no success");
        is_restored(&terminal, &before);
    }
}

#[test]
fn stopping_gives_the_terminal_back_and_continuing_draws_again() {
    let (mut terminal, before) = browsing(Kind::Sixel);
    terminal.keys("\x1a");
    terminal.until("the shell's screen", |terminal| !terminal.is_alternate_screen());
    terminal.settle(Duration::from_millis(200));
    assert_eq!(terminal.modes(), before);
    terminal.signal("CONT");
    terminal.until("the application's screen", PseudoTerminal::is_alternate_screen);
    terminal.until_screen("wheel.png");
    terminal.keys("q");
    assert!(terminal.wait().success());
    is_restored(&terminal, &before);
}

/// Not a test by itself: what [`a_panic_restores_the_terminal_before_it_is_told`] runs in a pseudo-terminal.
#[test]
#[ignore = "takes over the terminal it runs in"]
fn child_that_panics() {
    let _screen = Screen::take(Mouse::Taken, SentPictures::default()).unwrap();
    panic!("the roof is on fire");
}

#[test]
fn a_panic_restores_the_terminal_before_it_is_told() {
    let before = PseudoTerminal::untouched_modes();
    let program: PathBuf = std::env::current_exe().unwrap();
    let arguments = ["--exact", "restoring::child_that_panics", "--ignored", "--nocapture"];
    let start = Start { kind: Kind::Silent, columns: 80, rows: 24, arguments: &arguments, environment: &[] };
    let mut terminal = PseudoTerminal::start_program(&program, tempfile::tempdir().unwrap(), &start);
    assert!(!terminal.wait().success());
    is_restored(&terminal, &before);
    let text = String::from_utf8_lossy(&terminal.written).into_owned();
    let left = text.find("\x1b[?1049l").unwrap();
    let told = text.find("the roof is on fire").unwrap();
    assert!(left < told, "the message is on the screen that stays");
}
