//! A vault that is not at its path: what typed keys do there, and what a look at the path changes.

use std::path::PathBuf;

use super::super::super::request::{Effect, Request};
use super::super::super::state::State;
use super::super::super::state::gate::{Choice, FirstRun, Gate, NotThere, Step, Unlock};
use super::super::super::state::line::Line;
use super::super::typed_path::expand_home;
use super::key::GateKey;
use crate::services::format::count;
use crate::services::session::Presence;

/// A key was pressed. Letters choose nothing: they may be those of a passphrase that was being typed.
pub(super) fn key(state: &mut State, key: GateKey) -> Vec<Effect> {
    let Some(Gate::NotThere(absent)) = &mut state.gate else { return Vec::new() };
    if absent.is_looking {
        return Vec::new();
    }
    absent.error = None;
    match (&mut absent.other, key) {
        (Some(path), GateKey::Edit(edit)) => path.edit(edit),
        (Some(path), GateKey::Submit) if path.text().trim().is_empty() => {
            absent.error = Some("type the path of a vault".to_owned());
        }
        (Some(path), GateKey::Submit) => {
            let vault = expand_home(path.text());
            state.preferences.vault = Some(vault.clone());
            state.gate = Some(Gate::Unlock(Unlock::new(vault.clone())));
            return vec![Effect::Ask(Request::Look(vault))];
        }
        (Some(_), GateKey::Next | GateKey::Previous) | (None, GateKey::Edit(_)) => {}
        (None, GateKey::Next) => absent.step(1),
        (None, GateKey::Previous) => absent.step(-1),
        (None, GateKey::Submit) => return choose(state),
    }
    Vec::new()
}

fn choose(state: &mut State) -> Vec<Effect> {
    let Some(Gate::NotThere(absent)) = &mut state.gate else { return Vec::new() };
    match absent.choice {
        Choice::TryAgain => {
            absent.is_looking = true;
            vec![Effect::Ask(Request::Look(absent.vault.clone()))]
        }
        Choice::OpenAnother => {
            absent.other = Some(Line::default());
            Vec::new()
        }
        Choice::CreateHere => {
            let folder = absent.vault.clone();
            state.gate = Some(Gate::FirstRun(FirstRun { step: Step::Passphrase, ..FirstRun::new(folder) }));
            Vec::new()
        }
    }
}

/// Somebody looked at the path of a vault. What the gate is not about any more changes nothing.
pub(in super::super) fn looked(state: &mut State, vault: PathBuf, found: Presence) {
    match &mut state.gate {
        Some(Gate::Unlock(unlock)) if unlock.vault == vault && !unlock.is_working && found != Presence::Vault => {
            state.gate = Some(Gate::NotThere(NotThere::new(vault, found)));
        }
        Some(Gate::NotThere(absent)) if absent.vault == vault && absent.is_looking => {
            if found == Presence::Vault {
                state.gate = Some(Gate::Unlock(Unlock::new(vault)));
            } else {
                absent.is_looking = false;
                absent.found = found;
                absent.tries += 1;
                absent.error = Some(format!("still not there (looked {} more)", count(absent.tries, "time")));
            }
        }
        _ => {}
    }
}
