//! What locking and quitting do while photos are indexed: keys and replies in, requests and screens out.

use std::path::PathBuf;

use cipherlens::services::progress::Stage as Step;
use cipherlens::services::settings::OnLock;
use cipherlens::services::skipped::SkippedCounts;
use cipherlens::tui::request::{Ending, IndexingUpdate, Reply};
use cipherlens::tui::state::vault::Session;

use crate::tui::stage::{Stage, committed, entered};

/// The vault of the stage. It must exist, or locking would show it as missing.
fn indexing() -> Stage {
    let mut stage = Stage::with_vault(100, 30);
    stage.application.state.preferences.vault = Some(PathBuf::from("ssh://nas/holiday.vault"));
    stage.keys("I enter");
    stage.reply(Reply::Indexing(IndexingUpdate::Found { total: 81, skipped: SkippedCounts::default() }));
    seal(&mut stage, 19);
    stage.reply(Reply::Indexing(committed(12)));
    stage.effects.clear();
    stage
}

fn seal(stage: &mut Stage, photos: usize) {
    for number in 0..photos {
        stage.reply(Reply::Indexing(entered(Step::Sealing, format!("/photos/secret_{number}.jpg"))));
    }
}

#[test]
fn locking_does_not_stop_the_run_and_shows_it_without_names() {
    let mut stage = indexing();
    stage.keys("L");
    assert_eq!(stage.asked(), ["close", "forget pictures"]);
    seal(&mut stage, 1);
    let screen = stage.screen();
    assert!(screen.contains("still indexing: 20 of 81"), "{screen}");
    assert!(screen.contains("its keys stay in memory until it ends"), "{screen}");
    assert!(!screen.contains("cannot be read without"), "{screen}");
    assert!(!screen.contains("secret"), "{screen}");
    stage.keys("esc 4");
    assert!(stage.screen().contains("20 added") && !stage.screen().contains("secret"), "{}", stage.screen());
    stage.keys("p");
    assert!(stage.asked().is_empty(), "a run paused behind the lock would keep its keys for ever");
    stage.keys("L");
    stage.effects.clear();
    stage.reply(Reply::Indexing(committed(20)));
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Done)));
    assert!(stage.asked().is_empty(), "a locked vault is not read");
    let screen = stage.screen();
    assert!(screen.contains("indexing is done"), "{screen}");
    assert!(screen.contains("cannot be read without"), "{screen}");
}

#[test]
fn locking_stops_a_paused_run_and_any_run_if_the_settings_say_so() {
    for (on_lock, keys) in [(OnLock::Pause, "L"), (OnLock::Continue, "p L")] {
        let mut stage = indexing();
        stage.application.state.preferences.on_lock = on_lock;
        stage.keys(keys);
        let asked = stage.asked();
        assert!(asked.ends_with(&["stop", "close", "forget pictures"].map(str::to_owned)), "{asked:?}");
        assert!(stage.screen().contains("indexing is stopping, saving progress"), "{}", stage.screen());
        stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Stopped)));
        assert!(stage.screen().contains("indexing stopped at 19 of 81; unlock to resume"), "{}", stage.screen());
    }
}

#[test]
fn quitting_says_what_is_saved_and_asks_on_the_lock_screen_too() {
    let mut stage = indexing();
    stage.keys("q");
    let screen = stage.screen();
    assert!(screen.contains("12 safe in the vault; 7 encrypted, saved before the program"), "{screen}");
    assert!(screen.contains("62 to go; the next start offers to resume"), "{screen}");
    stage.keys("n L");
    stage.asked();
    stage.keys("ctrl-c");
    assert!(stage.asked().is_empty());
    stage.keys("y");
    assert_eq!(stage.asked(), ["quit"]);
    stage.application.finish();
    assert!(stage.screen().contains("indexing is stopping, saving progress"), "{}", stage.screen());
}

#[test]
fn the_quit_question_is_updated_when_the_run_ends() {
    let mut stage = indexing();
    stage.keys("q");
    stage.reply(Reply::Indexing(committed(81)));
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Done)));
    let screen = stage.screen();
    assert!(screen.contains("indexing has ended; 81 safe in the vault"), "{screen}");
    assert!(!screen.contains("still running") && !screen.contains("offers to resume"), "{screen}");
    stage.keys("y");
    assert!(stage.asked().ends_with(&["quit".to_owned()]));
}

#[test]
fn an_interrupted_run_is_resumed_forgotten_or_left_for_later() {
    let roots = || vec![PathBuf::from("/photos/2023"), PathBuf::from("/photos/2024")];
    for (key, asked) in [
        ("y", &["index [\"/photos/2023\", \"/photos/2024\"]"][..]),
        ("n", &["forget the unfinished run"]),
        ("esc", &[]),
        ("q", &[]),
    ] {
        let mut stage = Stage::with_vault(100, 30);
        stage.effects.clear();
        stage.reply(Reply::Unfinished(roots()));
        assert!(stage.screen().contains("/photos/2023 and 1 more"), "{}", stage.screen());
        stage.keys(key);
        assert_eq!(stage.asked(), asked, "{key}");
        assert!(stage.application.state.overlay.is_none(), "{key}");
    }
    let mut stage = indexing();
    stage.reply(Reply::Unfinished(roots()));
    assert!(stage.application.state.overlay.is_none(), "the run has been resumed");
    let mut stage = Stage::with_vault(100, 30);
    stage.application.state.session = Session::Closed;
    stage.reply(Reply::Unfinished(roots()));
    assert!(stage.application.state.overlay.is_none(), "the vault is locked");
}
