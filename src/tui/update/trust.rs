//! The question whether to trust a vault that is at the address of another one, and its answers.
//!
//! The passphrase that was typed waits for the answer. It is wiped with any answer but yes.

use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::lock_screen::Untrusted;
use super::super::state::overlay::{Overlay, Question};
use super::super::state::vault::Session;

/// Asks. Nothing is asked about a vault that is not being opened any more.
pub(super) fn ask(state: &mut State, untrusted: Untrusted) {
    if state.session != (Session::Opening { vault: untrusted.vault.clone() }) {
        return;
    }
    state.session = Session::Closed;
    if let Some(lock_screen) = &mut state.lock_screen {
        lock_screen.set_working(false);
    }
    state.untrusted = Some(untrusted);
    state.overlay = Some(Overlay::Confirm(Question::TrustVault));
}

/// Yes: opens the vault, if it is still the same one.
pub(super) fn accept(state: &mut State) -> Vec<Effect> {
    let Some(Untrusted { vault, found, passphrase }) = state.untrusted.take() else { return Vec::new() };
    if let Some(lock_screen) = &mut state.lock_screen {
        lock_screen.set_working(true);
    }
    state.session = Session::Opening { vault: vault.clone() };
    vec![Effect::Ask(Request::OpenTrusted { vault, found, passphrase })]
}

/// No: back to the screen that asks for a vault.
pub(super) fn refuse(state: &mut State) {
    state.untrusted = None;
    let reason = "not opened: another vault is at this address than before";
    match &mut state.lock_screen {
        Some(lock_screen) => lock_screen.set_error(reason.to_owned()),
        None => state.messages.error(reason),
    }
}
