//! An outdated copy of the vault: it opens read-only with a warning, until the user accepts it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cipherlens::services::open_vault::CopyAge;
use cipherlens::tui::request::Reply;
use cipherlens::tui::state::vault::Session;

use crate::support::pseudo_terminal::Kind;
use crate::tui::stage::Stage;
use crate::tui::user::{User, sample};

/// A stage on which a copy of this age was just opened.
fn opened(age: CopyAge) -> Stage {
    let mut stage = Stage::new(100, 24);
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
    assert!(screen.contains("Use it from now on?") && screen.contains("generation 2 here, 3 seen before"), "{screen}");
    stage.keys("n I");
    assert!(stage.asked().is_empty());
    assert!(stage.screen().contains("is read-only"), "{}", stage.screen());
    stage.keys("!");
    assert!(stage.screen().contains("this copy of the vault is older"), "{}", stage.screen());

    let mut stage = opened(CopyAge::Older { found: 2, seen: 3 });
    stage.application.paste("mU y");
    stage.keys("y");
    assert!(stage.asked().is_empty(), "text meant for the passphrase is not an answer");
    stage.keys("U");
    assert_eq!(stage.asked(), ["accept the older copy"]);
    stage.reply(Reply::AcceptedOlder(Ok(())));
    stage.keys("I");
    assert_eq!(stage.asked(), ["index [\"/photos/2024\"]"]);
}

#[test]
fn a_copy_that_was_changed_separately_is_read_only() {
    let mut stage = opened(CopyAge::Forked { found: 3, seen: 3 });
    assert!(stage.screen().contains("was changed separately"), "{}", stage.screen());
    stage.reply(Reply::Unfinished(vec![PathBuf::from("/photos")]));
    stage.keys("I");
    assert!(stage.asked().is_empty());
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

    let arguments = user.arguments(&photos);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut terminal = user.start(Kind::Silent, &arguments, &[]);
    terminal.until_screen("Use it from now on?");
    terminal.keys("U");
    terminal.until_screen("this copy of the vault is used from now on");
    terminal.keys("i");
    terminal.until_screen("indexed: 1 added");
    terminal.keys("q");
    assert!(terminal.wait().success());
}
