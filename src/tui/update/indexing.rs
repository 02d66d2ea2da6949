//! Starting, pausing and stopping an indexing run.

use std::path::PathBuf;

use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::indexing::{Indexing, Standing};
use super::super::state::list::List;
use super::gate;

/// Whether a run is under way.
pub(super) fn is_running(state: &State) -> bool {
    state.indexing.as_ref().is_some_and(Indexing::is_running)
}

/// Indexes the photos below `paths`, and deselects them.
pub(super) fn index(state: &mut State, paths: Vec<PathBuf>) -> Vec<Effect> {
    if gate::show_unless_open(state) {
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
    match run.standing {
        Standing::Running => {
            run.standing = Standing::Paused;
            vec![Effect::Ask(Request::PauseIndexing)]
        }
        Standing::Paused => {
            run.standing = Standing::Running;
            vec![Effect::Ask(Request::ResumeIndexing)]
        }
        _ => Vec::new(),
    }
}

/// Stops the run; what it has done is kept.
pub(super) fn stop(state: &mut State) -> Vec<Effect> {
    match &mut state.indexing {
        Some(run) if run.is_running() && run.standing != Standing::Stopping => {
            run.standing = Standing::Stopping;
            vec![Effect::Ask(Request::StopIndexing)]
        }
        _ => Vec::new(),
    }
}
