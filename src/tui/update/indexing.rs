//! Starting, pausing and stopping an indexing run.

use std::path::PathBuf;

use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::indexing::{Indexing, RunStatus};
use super::super::state::list::List;
use super::lock_screen;

/// Whether a run is under way.
pub(super) fn is_running(state: &State) -> bool {
    state.indexing.as_ref().is_some_and(Indexing::is_running)
}

/// Indexes the photos below `paths`, and deselects them.
pub(super) fn index(state: &mut State, paths: Vec<PathBuf>) -> Vec<Effect> {
    if lock_screen::show_unless_open(state) {
        return Vec::new();
    }
    state.browser.list.clear_selection();
    start(state, paths)
}

/// Starts a run over `paths`.
pub(super) fn start(state: &mut State, paths: Vec<PathBuf>) -> Vec<Effect> {
    state.indexing = Some(Indexing::new());
    vec![Effect::Ask(Request::Index(paths))]
}

/// Pauses the run, or resumes it.
pub(super) fn toggle_pause(state: &mut State) -> Vec<Effect> {
    let Some(run) = &mut state.indexing else { return Vec::new() };
    match run.status {
        RunStatus::Running => {
            run.status = RunStatus::Paused;
            vec![Effect::Ask(Request::PauseIndexing)]
        }
        RunStatus::Paused => {
            run.status = RunStatus::Running;
            vec![Effect::Ask(Request::ResumeIndexing)]
        }
        _ => Vec::new(),
    }
}

/// Stops the run; its progress is saved.
pub(super) fn stop(state: &mut State) -> Vec<Effect> {
    match &mut state.indexing {
        Some(run) if run.is_running() && run.status != RunStatus::Stopping => {
            run.status = RunStatus::Stopping;
            vec![Effect::Ask(Request::StopIndexing)]
        }
        _ => Vec::new(),
    }
}
