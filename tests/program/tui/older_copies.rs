//! An outdated copy of the vault: it opens read-only with a warning, until the user accepts it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cipherlens::services::copies::{Advice, AdvisedAction, KnownCopy};
use cipherlens::services::open_vault::CopyAge;
use cipherlens::tui::request::Reply;
use cipherlens::tui::state::overlay::{Overlay, Question};
use cipherlens::tui::state::vault::Session;

use crate::support::pseudo_terminal::Kind;
use crate::tui::stage::Stage;
use crate::tui::user::{User, sample};

/// A stage on which a copy of this age was just opened.
fn opened(age: CopyAge) -> Stage {
    opened_at(100, 24, age)
}

fn opened_at(columns: u16, rows: u16, age: CopyAge) -> Stage {
    let mut stage = Stage::new(columns, rows);
    let vault = PathBuf::from("/vaults/holiday.vault");
    stage.application.state.session = Session::Opening { vault: vault.clone() };
    stage.reply(Reply::Opened { vault, result: Ok(age) });
    stage.effects.clear();
    stage
}

#[test]
fn an_older_copy_is_used_only_after_a_yes() {
    let mut stage = opened(CopyAge::Older { found: 2, seen: 3 });
    let screen = stage.screen();
    assert!(screen.contains("an older copy of the vault") && screen.contains("this one has generation 2"), "{screen}");
    stage.keys("n I");
    assert!(stage.asked().is_empty());
    let screen = stage.screen();
    assert!(screen.contains("read only, because this copy of the vault is not the newest"), "{screen}");
    stage.keys("!");
    assert!(stage.screen().contains("this copy of the vault is older"), "{}", stage.screen());

    let mut stage = opened(CopyAge::Older { found: 2, seen: 3 });
    stage.application.paste("mU y");
    stage.keys("y");
    assert!(stage.asked().is_empty(), "text meant for the passphrase is not an answer");
    stage.keys("U");
    assert_eq!(stage.asked(), ["accept the older copy"]);
    stage.reply(Reply::AcceptedOlder(Ok(())));
    assert_eq!(stage.asked(), ["collection"], "its copies compare with it in another way now");
    stage.keys("I enter");
    assert_eq!(stage.asked(), ["index [\"/photos/2024\"]"]);
}

#[test]
fn a_copy_that_was_changed_separately_is_read_only() {
    let mut stage = opened(CopyAge::Forked { found: 3, seen: 3 });
    assert!(stage.screen().contains("two copies were changed separately"), "{}", stage.screen());
    stage.reply(Reply::Unfinished(vec![PathBuf::from("/photos")]));
    stage.keys("I enter");
    assert!(stage.asked().is_empty());
}

#[test]
fn a_copy_that_is_only_read_says_so_until_it_is_accepted() {
    for (columns, name) in [(100, "● read only: holiday.vault, 0 photos"), (50, "● read only")] {
        let mut stage = opened_at(columns, 24, CopyAge::Older { found: 2, seen: 3 });
        stage.keys("n");
        assert!(stage.screen().contains(name), "{}", stage.screen());
        stage.reply(Reply::AcceptedOlder(Ok(())));
        assert!(!stage.screen().contains("read only"), "{}", stage.screen());
    }
}

/// The question about a copy of this age, at every size, with and without another copy that is known.
fn questions(name: &str, age: CopyAge, other: Option<Advice>) {
    for (columns, rows) in [(120, 40), (80, 24), (60, 20), (40, 12), (20, 5)] {
        let mut stage = Stage::with_vault(columns, rows);
        stage.application.state.overlay = Some(Overlay::Confirm(Question::UseOlder(age)));
        stage.application.state.collection.is_read_only = true;
        stage.application.state.collection.advice = other.clone();
        let screen = stage.screen();
        // At any size the keys are shown, and what they do begins.
        assert!(screen.contains("n  only read it") && screen.contains("U  use it"), "{screen}");
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen);
    }
}

#[test]
fn the_question_about_an_older_copy_names_every_way_out() {
    let address = "/media/usb/photos.vault".to_owned();
    let other = KnownCopy { address, generation: 3, age: CopyAge::Newest, seen: 0, last_check: None };
    let command = "cipherlens push /media/usb/photos.vault /vaults/holiday.vault".to_owned();
    let advice = Advice { action: AdvisedAction::Update, other, command };
    questions("older_copy", CopyAge::Older { found: 2, seen: 3 }, Some(advice));
}

#[test]
fn the_question_about_a_copy_that_was_changed_separately_names_the_command_that_merges() {
    questions("forked_copy", CopyAge::Forked { found: 5, seen: 3 }, None);
}

#[test]
fn a_restored_backup_can_be_changed_after_a_yes() {
    let user = User::with_vault();
    let vault = user.path("photos.vault");
    let text = vault.to_string_lossy().into_owned();
    assert!(Command::new("cp").arg("-R").args([&vault, &user.path("backup")]).status().unwrap().success());
    let photos = sample("photos/watch");
    user.run(&["--vault", &text, "add", photos.join("image_0001.jpg").to_str().unwrap()]);
    fs::remove_dir_all(&vault).unwrap();
    fs::rename(user.path("backup"), &vault).unwrap();

    let mut terminal = user.start_unlocked(Kind::Silent, &photos, &[]);
    terminal.until_screen("use it from now on");
    terminal.keys("U");
    terminal.until_screen("this copy of the vault is used from now on");
    terminal.keys("i");
    terminal.until_screen("indexed: 1 added");
    terminal.keys("q");
    assert!(terminal.wait().success());
}
