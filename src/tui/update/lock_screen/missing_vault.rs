//! The screen for a vault that is not at its path: keys, and the results of looking again.

use std::path::PathBuf;

use super::super::super::request::{Effect, Request};
use super::super::super::state::State;
use super::super::super::state::lock_screen::{Choice, FirstRun, LockScreen, Look, MissingVault, Step, Unlock};
use super::super::super::state::text_field::TextField;
use super::super::typed_path::expand_home;
use super::key::FormKey;
use super::unlock::{look_if_due, open};
use crate::services::format::count;
use crate::services::session::Presence;

/// Handles a key. Letters choose nothing: the user may still be typing a passphrase.
pub(super) fn key(state: &mut State, key: FormKey) -> Vec<Effect> {
    let Some(LockScreen::MissingVault(absent)) = &mut state.lock_screen else { return Vec::new() };
    if absent.is_looking {
        return Vec::new();
    }
    absent.error = None;
    match (&mut absent.other, key) {
        (Some(path), FormKey::Edit(edit)) => path.edit(edit),
        (Some(path), FormKey::Submit) if path.text().trim().is_empty() => {
            absent.error = Some("type the path of a vault".to_owned());
        }
        (Some(path), FormKey::Submit) => {
            let vault = expand_home(path.text());
            state.preferences.vault = Some(vault.clone());
            state.lock_screen = Some(LockScreen::Unlock(Unlock::new(vault)));
            return look_if_due(state);
        }
        (Some(_), FormKey::Next | FormKey::Previous) | (None, FormKey::Edit(_)) => {}
        (None, FormKey::Next) => absent.step(1),
        (None, FormKey::Previous) => absent.step(-1),
        (None, FormKey::Submit) => return choose(state),
    }
    Vec::new()
}

fn choose(state: &mut State) -> Vec<Effect> {
    let Some(LockScreen::MissingVault(absent)) = &mut state.lock_screen else { return Vec::new() };
    match absent.choice {
        Choice::TryAgain => {
            absent.is_looking = true;
            vec![Effect::Ask(Request::Look { vault: absent.vault.clone(), trusted: None })]
        }
        Choice::OpenAnother => {
            absent.other = Some(TextField::default());
            Vec::new()
        }
        Choice::CreateHere => {
            let folder = absent.vault.clone();
            state.lock_screen =
                Some(LockScreen::FirstRun(FirstRun { step: Step::Passphrase, ..FirstRun::new(folder) }));
            Vec::new()
        }
    }
}

/// Handles what was found at the path of a vault. Results for other paths are ignored.
pub(in super::super) fn looked(state: &mut State, vault: PathBuf, found: Result<Presence, String>) -> Vec<Effect> {
    match (&mut state.lock_screen, found) {
        (Some(LockScreen::Unlock(unlock)), found) if unlock.vault == vault && unlock.look == Look::Asked => match found
        {
            Ok(Presence::Vault) => {
                unlock.look = Look::Done;
                // The passphrase may have been entered meanwhile.
                return if unlock.is_working { open(state) } else { Vec::new() };
            }
            Ok(found) => state.lock_screen = Some(LockScreen::MissingVault(MissingVault::new(vault, found))),
            Err(reason) => {
                (unlock.look, unlock.is_working, unlock.error) = (Look::Failed, false, Some(reason));
            }
        },
        (Some(LockScreen::MissingVault(absent)), found) if absent.vault == vault && absent.is_looking => match found {
            Ok(Presence::Vault) => state.lock_screen = Some(LockScreen::Unlock(Unlock::found(vault))),
            Ok(found) => {
                absent.is_looking = false;
                absent.found = found;
                absent.tries += 1;
                absent.error = Some(format!("still not there (tried {} more)", count(absent.tries, "time")));
            }
            Err(reason) => {
                absent.is_looking = false;
                absent.error = Some(reason);
            }
        },
        _ => {}
    }
    Vec::new()
}
