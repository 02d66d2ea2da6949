//! What the program tells a user who looks at another window: title, progress, and a notification at the end.

use std::time::Duration;

use cipherlens::services::check::Report;
use cipherlens::tui::request::{Effect, Ending, Exported, IndexingUpdate, Reply};

use crate::support::pseudo_terminal::{Kind, PseudoTerminal};
use crate::tui::stage::Stage;
use crate::tui::user::{User, sample};

const GHOSTTY: [(&str, &str); 2] = [("TERM_PROGRAM", "ghostty"), ("TERM_PROGRAM_VERSION", "1.2.3")];
const PROGRESS: &[u8] = b"\x1b]9;4;1;";
const PAUSED: &[u8] = b"\x1b]9;4;4;";
const REMOVED: &[u8] = b"\x1b]9;4;0;0\x1b\\";

/// The application, which has begun to index the sample photos and was paused.
fn paused(environment: &[(&str, &str)]) -> PseudoTerminal {
    let user = User::with_vault();
    let mut terminal = user.start_unlocked(Kind::Silent, &sample(""), environment);
    terminal.until_screen("altered/");
    terminal.keys("I\r");
    terminal.until("a title", |terminal| terminal.has_written(0, b"% indexing - photos.vault - cipherlens\x1b\\"));
    terminal.keys("p");
    terminal.until("a title", |terminal| terminal.has_written(0, b"% indexing, paused - photos.vault - "));
    terminal
}

#[test]
fn a_terminal_that_draws_progress_is_shown_it_until_the_run_ends() {
    let mut terminal = paused(&GHOSTTY);
    terminal.until("progress", |terminal| terminal.has_written(0, PROGRESS) && terminal.has_written(0, PAUSED));
    assert!(!terminal.has_written(0, REMOVED));
    terminal.keys("x");
    terminal.until("no progress", |terminal| terminal.has_written(0, REMOVED));
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn progress_is_removed_on_lock_suspend_and_exit() {
    let mut terminal = paused(&GHOSTTY);
    let before = terminal.written.len();
    terminal.keys("\x1a");
    terminal.until("no progress", |terminal| terminal.has_written(before, REMOVED));
    // Continuing it earlier would do nothing, and it would then stop for good. A stopped program writes nothing.
    while !terminal.is_stopped() {
        terminal.read_for(Duration::from_millis(5));
    }
    terminal.signal("CONT");
    terminal.until("progress again", |terminal| terminal.has_written(before, PAUSED));
    let before = terminal.written.len();
    terminal.keys("q");
    terminal.until_screen("Quit?");
    terminal.keys("y");
    assert!(terminal.wait().success());
    assert!(terminal.has_written(before, REMOVED));

    let mut terminal = paused(&GHOSTTY);
    let before = terminal.written.len();
    terminal.keys("L");
    terminal.until("no progress", |terminal| terminal.has_written(before, REMOVED));
    // Until then, quitting asks.
    terminal.until_screen("indexing stopped");
    let title = String::from_utf8_lossy(&terminal.written[before..]).into_owned();
    let last = title.rsplit("\x1b]2;").next().unwrap();
    assert!(!last.contains("photos.vault"), "a locked vault is not named: {last:?}");
    terminal.keys("\x03");
    assert!(terminal.wait().success());
}

#[test]
fn a_plain_xterm_is_sent_neither_progress_nor_a_notification() {
    let mut terminal = paused(&[]);
    terminal.keys("x");
    terminal.until_screen("stopped");
    terminal.keys("q");
    assert!(terminal.wait().success());
    for sequence in [b"\x1b]9".as_slice(), b"\x1b]99", b"\x1b]777"] {
        assert!(!terminal.has_written(0, sequence), "{}", String::from_utf8_lossy(sequence));
    }
}

#[test]
fn the_end_of_each_long_operation_is_announced_in_counts() {
    let announced = |stage: &mut Stage, reply: Reply| {
        stage.effects.clear();
        stage.reply(reply);
        let texts = stage.effects.iter().filter_map(|effect| match effect {
            Effect::Announce(_, text) => Some(text.clone()),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    };
    let mut stage = Stage::with_vault(100, 30);
    stage.keys("I enter");
    let ended = Reply::Indexing(IndexingUpdate::Ended(Ending::Done));
    assert_eq!(announced(&mut stage, ended), ["indexing is done: 0 photos added"]);
    let outcome =
        Exported { exported: 3, failed: vec!["/photos/boat.jpg: damaged".to_owned()], left: 2, ..Exported::default() };
    let exported = Reply::Exported { folder: "/exported".into(), outcome };
    assert_eq!(announced(&mut stage, exported), ["export ended: 3 photos exported, 1 failed, 2 left"]);
    let report = Report { photos: 8, ..Report::default() };
    assert_eq!(announced(&mut stage, Reply::Checked(Ok(report))), ["the check is done: 8 photos, all intact"]);
    assert_eq!(announced(&mut stage, Reply::Checked(Err("cut".to_owned()))), ["the check failed"]);
}
