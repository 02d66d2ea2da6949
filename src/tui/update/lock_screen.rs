//! The screens that ask for a vault: the first run, unlocking, and a missing vault.

pub(super) mod key;
mod missing_vault;
mod unlock;

use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::lock_screen::{FirstRun, LockScreen, Look, Step};
use super::super::state::text_field::PassphraseField;
use super::super::state::vault::Session;
use super::typed_path::expand_home;
use crate::services::session;
use key::FormKey;

pub(super) use missing_vault::looked;
pub use unlock::look_if_due;
use unlock::open;

/// Shows the screen that asks for the vault.
pub(super) fn show(state: &mut State) {
    state.overlay = None;
    state.untrusted = None;
    let question = session::first_question(state.preferences.vault.as_deref(), &state.browser.folder);
    state.lock_screen = Some(LockScreen::for_question(question));
}

/// Shows the screen that asks for the vault unless one is open. Returns whether it did.
pub(super) fn show_unless_open(state: &mut State) -> bool {
    let is_open = state.session.open().is_some();
    if !is_open {
        show(state);
    }
    !is_open
}

/// Leaves the screen without a vault: files can still be browsed.
pub fn skip_lock_screen(state: &mut State) {
    let is_working = match &mut state.lock_screen {
        Some(LockScreen::FirstRun(first)) => first.is_working,
        // Do not wait for a disk or a machine that does not respond.
        Some(LockScreen::Unlock(unlock)) => unlock.is_working && unlock.look != Look::Asked,
        Some(LockScreen::MissingVault(absent)) if absent.other.is_some() => {
            absent.other = None;
            return;
        }
        Some(LockScreen::MissingVault(_)) => false,
        None => return,
    };
    if !is_working {
        state.lock_screen = None;
        state.messages.warn("no vault is open: adding photos and searching need one");
    }
}

/// Handles a key.
pub fn lock_screen_key(state: &mut State, key: FormKey) -> Vec<Effect> {
    match &mut state.lock_screen {
        Some(LockScreen::Unlock(unlock)) if !unlock.is_working => match key {
            FormKey::Edit(edit) => {
                unlock.error = None;
                unlock.passphrase.edit(edit);
                return look_if_due(state);
            }
            FormKey::Submit if unlock.passphrase.is_empty() => unlock.error = Some("type the passphrase".to_owned()),
            FormKey::Submit => {
                unlock.is_working = true;
                unlock.error = None;
                if unlock.look == Look::Failed {
                    unlock.look = Look::Due;
                }
                return if unlock.look == Look::Done { open(state) } else { look_if_due(state) };
            }
            FormKey::Next | FormKey::Previous => {}
        },
        Some(LockScreen::FirstRun(first)) if !first.is_working => match first_run_key(first, key) {
            Ready::Yes => return create(state),
            Ready::NotYet => {}
        },
        Some(LockScreen::MissingVault(_)) => return missing_vault::key(state, key),
        _ => {}
    }
    Vec::new()
}

#[derive(Eq, PartialEq)]
enum Ready {
    Yes,
    NotYet,
}

fn first_run_key(first: &mut FirstRun, key: FormKey) -> Ready {
    match key {
        FormKey::Edit(edit) => {
            first.error = None;
            match first.step {
                Step::Folder => first.folder.edit(edit),
                Step::Passphrase => drop(first.passphrase.edit(edit)),
                Step::Again => drop(first.again.edit(edit)),
            }
        }
        FormKey::Previous => {
            first.step = match first.step {
                Step::Folder | Step::Passphrase => Step::Folder,
                Step::Again => Step::Passphrase,
            };
        }
        FormKey::Next | FormKey::Submit => match first.step {
            Step::Folder if first.folder.text().trim().is_empty() => {
                first.error = Some("type the folder of the vault".to_owned());
            }
            Step::Folder => first.step = Step::Passphrase,
            Step::Passphrase if first.passphrase.is_empty() => {
                first.error = Some("choose a passphrase, such as five random words".to_owned());
            }
            Step::Passphrase => first.step = Step::Again,
            Step::Again if !first.again.matches(&first.passphrase) => {
                first.error = Some("the passphrases do not match".to_owned());
                first.again = PassphraseField::default();
            }
            Step::Again => return Ready::Yes,
        },
    }
    Ready::NotYet
}

fn create(state: &mut State) -> Vec<Effect> {
    let Some(LockScreen::FirstRun(first)) = &mut state.lock_screen else { return Vec::new() };
    let vault = expand_home(first.folder.text());
    first.is_working = true;
    first.again = PassphraseField::default();
    let passphrase = std::mem::take(&mut first.passphrase);
    state.session = Session::Opening { vault: vault.clone() };
    vec![Effect::Ask(Request::Create { vault, passphrase })]
}
