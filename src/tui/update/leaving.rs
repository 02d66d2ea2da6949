//! Locking, opening another vault, and quitting; and what they do to runs under way.

use std::path::PathBuf;

use super::super::request::{Effect, Request};
use super::super::state::indexing::RunStatus;
use super::super::state::lock_screen::{LockScreen, Unlock};
use super::super::state::overlay::{Overlay, Question};
use super::super::state::vault::Session;
use super::super::state::{State, Tab};
use super::{export, indexing, lock_screen};
use crate::services::session::Presence;
use crate::services::settings::OnLock;

/// Locks: wipes keys, names and pictures, and stops an export after the current photo.
///
/// An indexing run continues and keeps its keys, unless the settings say otherwise or it is paused: a run that may stay
/// paused for days must not keep keys in memory.
pub(super) fn lock(state: &mut State) -> Vec<Effect> {
    let is_paused = state.indexing.as_ref().is_some_and(|run| run.status == RunStatus::Paused);
    let stops = is_paused || state.preferences.on_lock == OnLock::Pause;
    let mut effects = if stops { indexing::stop(state) } else { Vec::new() };
    effects.extend(export::stop(state));
    state.forget_vault();
    state.session = Session::Closed;
    lock_screen::show(state);
    effects.extend([Effect::Ask(Request::Close), Effect::ForgetPictures]);
    effects
}

/// Opens another vault, if it is there: a mistyped path must not lock the open one.
pub(super) fn look_for_vault(state: &mut State, vault: PathBuf) -> Vec<Effect> {
    if state.session.open().is_none() {
        return open_vault(state, vault);
    }
    if state.session.open() == Some(&vault) {
        state.messages.refuse("this vault is already open");
        return Vec::new();
    }
    state.wanted_vault = Some(vault.clone());
    vec![Effect::Ask(Request::Look { vault, trusted: None })]
}

/// Handles what is at the path of another vault that is to be opened.
pub(super) fn found_other(state: &mut State, vault: PathBuf, found: Result<Presence, String>) -> Vec<Effect> {
    state.wanted_vault = None;
    let reason = match found {
        Ok(Presence::Vault) => return open_vault(state, vault),
        Ok(_) => "there is no vault".to_owned(),
        Err(reason) => reason,
    };
    state.messages.error(format!("{} was not opened: {reason}", vault.display()));
    Vec::new()
}

/// Locks the open vault and asks for the passphrase of another one.
pub(super) fn open_vault(state: &mut State, vault: PathBuf) -> Vec<Effect> {
    let mut effects = if state.session.open().is_some() { lock(state) } else { Vec::new() };
    state.overlay = None;
    state.untrusted = None;
    state.preferences.vault = Some(vault.clone());
    state.lock_screen = Some(LockScreen::Unlock(Unlock::new(vault)));
    state.first_tab = Some(Tab::Vault);
    state.tab = Tab::Files;
    effects.extend(lock_screen::look_if_due(state));
    effects
}

/// Shows that the program ends as soon as the indexing run, if there is one, has committed its progress.
pub fn finish(state: &mut State) {
    state.overlay = None;
    state.viewer = None;
    state.untrusted = None;
    if indexing::is_running(state) {
        drop(indexing::stop(state));
        state.messages.info("finishing the current photos; the program ends when they are saved");
    }
}

/// Quits, but asks first while photos are exported or indexed.
pub(super) fn quit(state: &mut State) -> Vec<Effect> {
    if state.exporting.is_some() {
        state.overlay = Some(Overlay::Confirm(Question::QuitExporting));
        return Vec::new();
    }
    quit_despite_export(state)
}

/// Quits, but asks first while photos are indexed.
pub(super) fn quit_despite_export(state: &mut State) -> Vec<Effect> {
    if indexing::is_running(state) {
        state.overlay = Some(Overlay::Confirm(Question::Quit));
        return Vec::new();
    }
    vec![Effect::Quit]
}
