//! Starting, pausing and stopping an indexing run.

use std::path::PathBuf;

use super::super::format;
use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::indexing::{Indexing, RunStatus};

/// Whether a run is under way.
pub(super) fn is_running(state: &State) -> bool {
    state.indexing.as_ref().is_some_and(Indexing::is_running)
}

/// Starts a run over `paths`.
pub(super) fn start(state: &mut State, paths: Vec<PathBuf>) -> Vec<Effect> {
    state.indexing = Some(Indexing::after(state.indexing.as_ref(), paths.clone()));
    vec![Effect::Ask(Request::Index(paths))]
}

/// Starts the run that waits longest, if one does.
pub(super) fn start_next(state: &mut State) -> Vec<Effect> {
    state.queue.pop_front().map_or_else(Vec::new, |run| start(state, run.paths))
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

/// Stops the run and drops those that wait, because somebody asked for that.
pub(super) fn stop_all(state: &mut State) -> Vec<Effect> {
    let mut effects = stop(state);
    if state.queue.is_empty() {
        return effects;
    }
    let dropped = format::count(state.queue.len(), "waiting run");
    state.messages.info(format!("stopping; {dropped} taken off the queue"));
    let running = state.indexing.as_ref().map_or(&[][..], |run| &run.roots);
    // What the stopped run has left is offered again, as always.
    let paths: Vec<_> =
        state.queue.drain(..).flat_map(|run| run.paths).filter(|path| !running.contains(path)).collect();
    effects.push(Effect::Ask(Request::Dequeue(paths)));
    effects
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
