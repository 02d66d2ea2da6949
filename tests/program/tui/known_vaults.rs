//! Another vault in the place of the known one: the application asks before it takes the passphrase.

use std::fs;
use std::path::PathBuf;

use cipherlens::services::copies::{Check, CheckKind, KnownCopy};
use cipherlens::services::open_vault::CopyAge;
use cipherlens::services::session::{Presence, VaultId, passphrase};
use cipherlens::tui::request::{Contents, Reply};
use cipherlens::tui::state::lock_screen::{LockScreen, Unlock};
use cipherlens::tui::state::vault::Session;

use crate::support::pseudo_terminal::Kind;
use crate::support::scene::copy_folder;
use crate::tui::stage::{Stage, photos};
use crate::tui::user::{PASSPHRASE, User};

fn vault() -> PathBuf {
    PathBuf::from("/vaults/holiday.vault")
}

/// A stage that asks for the passphrase of a vault.
fn locked() -> Stage {
    let mut stage = Stage::new(100, 24);
    stage.application.state.lock_screen = Some(LockScreen::Unlock(Unlock::new(vault())));
    stage
}

/// A stage on which another vault was found before a passphrase was entered.
fn found_another() -> Stage {
    let mut stage = locked();
    stage.keys("'w");
    assert_eq!(stage.asked(), ["look at /vaults/holiday.vault"]);
    stage.reply(Reply::OtherVault { vault: vault(), found: VaultId::from([1; 16]), passphrase: None });
    stage
}

#[test]
fn the_passphrase_is_taken_only_once_it_is_known_which_vault_is_there() {
    let mut stage = locked();
    stage.keys("'words");
    assert_eq!(stage.asked(), ["look at /vaults/holiday.vault"]);
    stage.keys("enter");
    assert!(stage.screen().contains("looking for the vault"), "{}", stage.screen());
    assert_eq!(stage.asked(), [""; 0]);
    stage.reply(Reply::Looked { vault: vault(), found: Ok(Presence::Vault) });
    assert_eq!(stage.asked(), ["open /vaults/holiday.vault"]);
    assert!(stage.screen().contains("deriving the key"), "{}", stage.screen());
    // An answer that comes twice opens nothing twice.
    stage.reply(Reply::Looked { vault: vault(), found: Ok(Presence::Vault) });
    assert_eq!(stage.asked(), [""; 0]);
}

#[test]
fn why_the_vault_cannot_be_looked_at_is_said_before_the_passphrase_is_taken() {
    let mut stage = locked();
    stage.keys("'words enter");
    stage.reply(Reply::Looked { vault: vault(), found: Err("nas does not answer".to_owned()) });
    assert!(stage.screen().contains("nas does not answer"), "{}", stage.screen());
    stage.asked();
    stage.keys("enter");
    assert_eq!(stage.asked(), ["look at /vaults/holiday.vault"], "what was typed is kept");
    stage.keys("esc");
    assert!(stage.application.state.lock_screen.is_none(), "nobody has to wait for it");
}

#[test]
fn the_passphrase_of_another_vault_is_asked_for_after_a_yes() {
    let mut stage = found_another();
    insta::assert_snapshot!("another_vault", stage.screen());
    stage.keys("ctrl-t");
    assert_eq!(stage.asked(), [""; 0]);
    assert!(!stage.screen().contains("typed, not shown"), "what was typed before is wiped: {}", stage.screen());
    stage.keys("'words enter");
    assert_eq!(stage.asked(), ["open /vaults/holiday.vault, trusting it"]);
    assert!(stage.screen().contains("deriving the key"), "{}", stage.screen());
    stage.reply(Reply::Opened { vault: vault(), result: Ok(CopyAge::Newest) });
    assert!(stage.application.state.lock_screen.is_none());
}

#[test]
fn a_passphrase_from_a_file_opens_another_vault_after_a_yes() {
    let mut stage = locked();
    stage.application.state.session = Session::Opening { vault: vault() };
    assert!(stage.application.start().len() == 1, "opening it tells which vault it is");
    let passphrase = passphrase(&b"words".to_vec().into()).unwrap();
    stage.reply(Reply::OtherVault { vault: vault(), found: VaultId::from([1; 16]), passphrase: Some(passphrase) });
    stage.keys("ctrl-t");
    assert_eq!(stage.asked(), ["open /vaults/holiday.vault, trusting it, with what was given"]);
    stage.reply(Reply::Opened { vault: vault(), result: Ok(CopyAge::Newest) });
    assert!(stage.application.state.lock_screen.is_none());
}

#[test]
fn what_is_typed_for_the_passphrase_is_no_answer_and_anything_else_leaves_it_closed() {
    for keys in ["n", "esc", "q"] {
        let mut stage = found_another();
        stage.keys("x y Y U enter");
        stage.application.paste("y");
        assert!(stage.application.state.untrusted.is_some(), "these are no answers");
        stage.keys(keys);
        assert!(stage.application.state.untrusted.is_none(), "{keys}");
        assert_eq!(stage.asked(), [""; 0], "{keys}");
        let screen = stage.screen();
        assert!(screen.contains("not opened: another vault is at this address than before"), "{screen}");
        assert!(!screen.contains("Trust it from now on?"), "{screen}");
        stage.keys("'words enter");
        assert_eq!(stage.asked(), ["look at /vaults/holiday.vault"], "it can be tried again");
    }
    let mut stage = found_another();
    let effects = stage.application.lock();
    assert!(effects.is_empty() && stage.application.state.untrusted.is_none(), "locked while nobody was there");
}

#[test]
fn an_answer_about_a_vault_that_is_not_asked_for_any_more_changes_nothing() {
    let mut stage = locked();
    stage.keys("'w esc");
    stage.reply(Reply::OtherVault { vault: vault(), found: VaultId::from([1; 16]), passphrase: None });
    assert!(stage.application.state.untrusted.is_none() && stage.application.state.overlay.is_none());
}

#[test]
fn the_application_asks_about_another_vault_before_the_passphrase() {
    let (user, other) = (User::with_vault(), User::with_vault());
    fs::remove_dir_all(user.path("photos.vault")).unwrap();
    copy_folder(&other.path("photos.vault"), &user.path("photos.vault"));
    let list = user.path(".local/state/cipherlens/known_vaults.json");
    let before = fs::read(&list).unwrap();
    let mut terminal = user.start(Kind::Silent, &[], &[]);
    terminal.until_screen("Trust it from now on?");
    terminal.keys("n");
    terminal.until_screen("not opened: another vault is at this address");
    assert_eq!(fs::read(&list).unwrap(), before);
    // The first letter asks again.
    terminal.keys("c");
    terminal.until_screen("Trust it from now on?");
    terminal.keys("\x14");
    terminal.until("the question to go", |terminal| !terminal.screen().contains("Trust it from now on?"));
    terminal.keys(&format!("{PASSPHRASE}\r"));
    terminal.until_screen("● photos.vault, 0 photos");
    assert_ne!(fs::read(&list).unwrap(), before);
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn the_vault_tab_names_the_known_copies() {
    let copy = |address: &str, generation, age, last_check| KnownCopy {
        address: address.to_owned(),
        generation,
        age,
        seen: 0,
        last_check,
    };
    let check = |damages, kind| Check { at: 951_827_696, damages, kind };
    let mut contents = Contents {
        copies: vec![
            copy("/vaults/holiday.vault", 7, CopyAge::Newest, Some(check(0, CheckKind::Full))),
            copy("/media/usb\u{1b}[31m/holiday.vault", 4, CopyAge::Older { found: 4, seen: 7 }, None),
            copy("ssh://nas/holiday.vault", 7, CopyAge::Forked { found: 7, seen: 7 }, Some(check(2, CheckKind::Files))),
        ],
        ..Contents::default()
    };
    let mut stage = Stage::with_vault(100, 24);
    stage.keys("3");
    assert!(!stage.screen().contains("copy /"));
    stage.reply(Reply::Collection(Ok(contents.clone())));
    insta::assert_snapshot!("copies", stage.screen());
    assert!(!stage.screen().contains("copy /vaults/"), "a copy that needs nothing is in the information pane only");
    for name in ["attic", "cellar"] {
        let address = format!("ssh://{name}/holiday.vault");
        contents.copies.push(copy(&address, 1, CopyAge::Older { found: 1, seen: 7 }, None));
    }
    stage.reply(Reply::Collection(Ok(contents)));
    let screen = stage.screen();
    assert!(screen.contains("and 2 more: cipherlens copies lists all") && !screen.contains("attic"), "{screen}");
    stage.reply(Reply::Collection(Ok(Contents { photos: photos(), ..Contents::default() })));
    stage.keys("K");
    assert!(stage.screen().contains("information"), "{}", stage.screen());
}
