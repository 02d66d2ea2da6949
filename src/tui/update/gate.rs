//! The first run and unlocking: what typed keys do there.

pub(super) mod key;
mod not_there;

use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::gate::{FirstRun, Gate, Step};
use super::super::state::line::Passphrase;
use super::super::state::vault::Session;
use super::typed_path::expand_home;
use crate::services::session;
use key::GateKey;

pub(super) use not_there::looked;

/// Shows the gate that leads to an open vault.
pub(super) fn show(state: &mut State) {
    state.overlay = None;
    let question = session::first_question(state.preferences.vault.as_deref(), &state.browser.folder);
    state.gate = Some(Gate::for_question(question));
}

/// Shows the gate unless a vault is open; says whether it did.
pub(super) fn show_unless_open(state: &mut State) -> bool {
    let is_open = state.session.open().is_some();
    if !is_open {
        show(state);
    }
    !is_open
}

/// Leaves the gate without a vault: files can be looked at all the same.
pub fn skip_gate(state: &mut State) {
    let is_working = match &mut state.gate {
        Some(Gate::FirstRun(first)) => first.is_working,
        Some(Gate::Unlock(unlock)) => unlock.is_working,
        Some(Gate::NotThere(absent)) if absent.other.is_some() => {
            absent.other = None;
            return;
        }
        // A look at a disk that does not answer keeps nobody here.
        Some(Gate::NotThere(_)) => false,
        None => return,
    };
    if !is_working {
        state.gate = None;
        state.journal.note("no vault is open: files can be looked at; indexing and searching ask for one");
    }
}

/// A key was pressed in the gate.
pub fn gate_key(state: &mut State, key: GateKey) -> Vec<Effect> {
    match &mut state.gate {
        Some(Gate::Unlock(unlock)) if !unlock.is_working => match key {
            GateKey::Edit(edit) => {
                unlock.error = None;
                unlock.passphrase.edit(edit);
            }
            GateKey::Submit if unlock.passphrase.is_empty() => unlock.error = Some("type the passphrase".to_owned()),
            GateKey::Submit => {
                unlock.is_working = true;
                unlock.error = None;
                let vault = unlock.vault.clone();
                let passphrase = std::mem::take(&mut unlock.passphrase);
                return open(state, vault, passphrase);
            }
            GateKey::Next | GateKey::Previous => {}
        },
        Some(Gate::FirstRun(first)) if !first.is_working => match first_run_key(first, key) {
            Ready::Yes => return create(state),
            Ready::NotYet => {}
        },
        Some(Gate::NotThere(_)) => return not_there::key(state, key),
        _ => {}
    }
    Vec::new()
}

#[derive(Eq, PartialEq)]
enum Ready {
    Yes,
    NotYet,
}

fn first_run_key(first: &mut FirstRun, key: GateKey) -> Ready {
    match key {
        GateKey::Edit(edit) => {
            first.error = None;
            match first.step {
                Step::Folder => first.folder.edit(edit),
                Step::Passphrase => drop(first.passphrase.edit(edit)),
                Step::Again => drop(first.again.edit(edit)),
            }
        }
        GateKey::Previous => {
            first.step = match first.step {
                Step::Folder | Step::Passphrase => Step::Folder,
                Step::Again => Step::Passphrase,
            };
        }
        GateKey::Next | GateKey::Submit => match first.step {
            Step::Folder if first.folder.text().trim().is_empty() => {
                first.error = Some("name the folder that is to be the vault".to_owned());
            }
            Step::Folder => first.step = Step::Passphrase,
            Step::Passphrase if first.passphrase.is_empty() => {
                first.error = Some("choose a passphrase, such as five random words".to_owned());
            }
            Step::Passphrase => first.step = Step::Again,
            Step::Again if !first.again.matches(&first.passphrase) => {
                first.error = Some("the two passphrases differ".to_owned());
                first.again = Passphrase::default();
            }
            Step::Again => return Ready::Yes,
        },
    }
    Ready::NotYet
}

fn create(state: &mut State) -> Vec<Effect> {
    let Some(Gate::FirstRun(first)) = &mut state.gate else { return Vec::new() };
    let vault = expand_home(first.folder.text());
    first.is_working = true;
    first.again = Passphrase::default();
    let passphrase = std::mem::take(&mut first.passphrase);
    state.session = Session::Opening { vault: vault.clone() };
    vec![Effect::Ask(Request::Create { vault, passphrase })]
}

fn open(state: &mut State, vault: std::path::PathBuf, passphrase: Passphrase) -> Vec<Effect> {
    state.session = Session::Opening { vault: vault.clone() };
    vec![Effect::Ask(Request::Open { vault, passphrase })]
}
