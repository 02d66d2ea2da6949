//! Finding out which vault is to be unlocked, and opening it.

use super::super::super::request::{Effect, Request};
use super::super::super::state::State;
use super::super::super::state::lock_screen::{LockScreen, Look, Unlock};
use super::super::super::state::vault::Session;

/// Has a worker find out which vault is at the address that the screen asks about, unless that is known or being found
/// out.
pub fn look_if_due(state: &mut State) -> Vec<Effect> {
    match &mut state.lock_screen {
        // Not while it is being opened with a passphrase that was given at the start: that tells the same.
        Some(LockScreen::Unlock(unlock)) if unlock.look == Look::Due && !is_opening(&state.session) => {
            unlock.look = Look::Asked;
            vec![Effect::Ask(Request::Look { vault: unlock.vault.clone(), trusted: unlock.trusted })]
        }
        _ => Vec::new(),
    }
}

fn is_opening(session: &Session) -> bool {
    matches!(session, Session::Opening { .. })
}

/// Opens the vault with the passphrase that was typed for it.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    let Some(LockScreen::Unlock(unlock)) = &mut state.lock_screen else { return Vec::new() };
    let Unlock { vault, trusted, passphrase, .. } = unlock;
    let (vault, trusted, passphrase) = (vault.clone(), *trusted, std::mem::take(passphrase));
    state.session = Session::Opening { vault: vault.clone() };
    vec![Effect::Ask(Request::Open { vault, trusted, passphrase })]
}
