//! Another vault in the place of the known one: the application asks before it opens it.

use std::fs;
use std::path::PathBuf;

use cipherlens::services::copies::{Check, CheckKind, KnownCopy};
use cipherlens::services::open_vault::CopyAge;
use cipherlens::services::session::{VaultId, passphrase};
use cipherlens::tui::request::{Contents, Reply};
use cipherlens::tui::state::lock_screen::{LockScreen, Unlock};

use crate::support::pseudo_terminal::Kind;
use crate::support::scene::copy_folder;
use crate::tui::stage::Stage;
use crate::tui::user::{PASSPHRASE, User};

fn vault() -> PathBuf {
    PathBuf::from("/vaults/holiday.vault")
}

/// A stage on which another vault was found while the passphrase was to open it.
fn found_another() -> Stage {
    let mut stage = Stage::new(100, 24);
    stage.application.state.lock_screen = Some(LockScreen::Unlock(Unlock::new(vault())));
    stage.keys("'words enter");
    assert_eq!(stage.asked(), ["open /vaults/holiday.vault"]);
    let passphrase = passphrase(&b"words".to_vec().into()).unwrap();
    stage.reply(Reply::OtherVault { vault: vault(), found: VaultId::from([1; 16]), passphrase });
    stage
}

#[test]
fn a_yes_opens_it_with_the_passphrase_that_was_typed() {
    let mut stage = found_another();
    insta::assert_snapshot!("another_vault", stage.screen());
    stage.keys("y");
    assert_eq!(stage.asked(), ["open /vaults/holiday.vault, trusting it"]);
    assert!(stage.screen().contains("deriving the key"), "{}", stage.screen());
    stage.reply(Reply::Opened { vault: vault(), result: Ok(CopyAge::Newest) });
    assert!(stage.application.state.lock_screen.is_none());
}

#[test]
fn anything_else_leaves_it_closed_and_wipes_the_passphrase() {
    for keys in ["n", "esc", "q"] {
        let mut stage = found_another();
        stage.keys("x");
        assert!(stage.application.state.untrusted.is_some(), "x is no answer");
        stage.keys(keys);
        assert!(stage.application.state.untrusted.is_none(), "{keys}");
        assert_eq!(stage.asked(), [""; 0], "{keys}");
        let screen = stage.screen();
        assert!(screen.contains("not opened: another vault is at this address than before"), "{screen}");
        assert!(!screen.contains("Trust it from now on?"), "{screen}");
        stage.keys("'words enter");
        assert_eq!(stage.asked(), ["open /vaults/holiday.vault"], "it can be tried again");
    }
    let mut stage = found_another();
    let effects = stage.application.lock();
    assert!(effects.is_empty() && stage.application.state.untrusted.is_none(), "locked while nobody was there");
}

#[test]
fn the_application_opens_another_vault_only_after_a_yes() {
    let (user, other) = (User::with_vault(), User::with_vault());
    fs::remove_dir_all(user.path("photos.vault")).unwrap();
    copy_folder(&other.path("photos.vault"), &user.path("photos.vault"));
    let list = user.path(".local/state/cipherlens/known_vaults.json");
    let before = fs::read(&list).unwrap();
    let mut terminal = user.start(Kind::Silent, &[], &[]);
    terminal.until_screen("passphrase");
    terminal.keys(&format!("{PASSPHRASE}\r"));
    terminal.until_screen("Trust it from now on?");
    terminal.keys("n");
    terminal.until_screen("not opened: another vault is at this address");
    assert_eq!(fs::read(&list).unwrap(), before);
    terminal.keys(&format!("{PASSPHRASE}\r"));
    terminal.until_screen("Trust it from now on?");
    terminal.keys("y");
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
    contents.copies.push(copy("ssh://attic/holiday.vault", 1, CopyAge::Older { found: 1, seen: 7 }, None));
    stage.reply(Reply::Collection(Ok(contents)));
    let screen = stage.screen();
    assert!(screen.contains("and 2 more: cipherlens copies lists all") && !screen.contains("ssh://"), "{screen}");
}
