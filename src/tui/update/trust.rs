//! The question whether to trust a vault that is at the address of another one, and its answers.
//!
//! It comes before the passphrase is asked for. What has been typed by then is wiped, but for a passphrase that was
//! given before the vault was found; that one waits for the answer, and is wiped with any answer but yes.

use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::lock_screen::{LockScreen, Look, Unlock, Untrusted};
use super::super::state::overlay::{Overlay, Question};
use super::super::state::vault::Session;

/// Asks. Nothing is asked about a vault that is neither looked for nor being opened any more.
pub(super) fn ask(state: &mut State, untrusted: Untrusted) {
    let is_opening = state.session == (Session::Opening { vault: untrusted.vault.clone() });
    let is_looked_for = match &mut state.lock_screen {
        Some(LockScreen::Unlock(unlock)) => unlock.vault == untrusted.vault && unlock.look == Look::Asked,
        Some(LockScreen::MissingVault(missing)) => missing.vault == untrusted.vault && missing.is_looking,
        Some(LockScreen::FirstRun(_)) | None => false,
    };
    if !is_opening && !is_looked_for {
        return;
    }
    state.session = Session::Closed;
    match &mut state.lock_screen {
        Some(LockScreen::FirstRun(first)) => first.is_working = false,
        _ => state.lock_screen = Some(LockScreen::Unlock(Unlock::new(untrusted.vault.clone()))),
    }
    state.untrusted = Some(untrusted);
    state.overlay = Some(Overlay::Confirm(Question::TrustVault));
}

/// Yes: opens the vault, if it is still the same one, or asks for its passphrase.
pub(super) fn accept(state: &mut State) -> Vec<Effect> {
    let Some(Untrusted { vault, found, passphrase }) = state.untrusted.take() else { return Vec::new() };
    let Some(passphrase) = passphrase else {
        let unlock = Unlock { trusted: Some(found), ..Unlock::found(vault) };
        state.lock_screen = Some(LockScreen::Unlock(unlock));
        return Vec::new();
    };
    match &mut state.lock_screen {
        Some(LockScreen::Unlock(unlock)) => (unlock.is_working, unlock.trusted) = (true, Some(found)),
        Some(LockScreen::FirstRun(first)) => first.is_working = true,
        Some(LockScreen::MissingVault(_)) | None => {}
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
