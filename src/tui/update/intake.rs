//! Planning a run: what it would add is shown before it begins, and it waits if another one is under way.

use std::path::PathBuf;

use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::browser::Kind;
use super::super::state::intake::{Plan, QueuedRun};
use super::super::state::list::List;
use super::super::state::overlay::Overlay;
use super::super::state::surveys::SurveyRequest;
use super::{indexing, lock_screen};
use crate::services::survey::{NewPhotos, Survey, Thoroughness};

/// Shows what adding `paths` would do. A single photo is added at once.
pub(super) fn plan(state: &mut State, paths: Vec<PathBuf>) -> Vec<Effect> {
    if lock_screen::show_unless_open(state) {
        return Vec::new();
    }
    if let [path] = &paths[..]
        && state.browser.list.items().iter().any(|entry| entry.kind == Kind::Photo && entry.path == *path)
    {
        state.browser.list.clear_selection();
        return start_or_queue(state, QueuedRun { paths, new_photos: Some(NewPhotos::AtMost(1)) });
    }
    let request = state.browser.surveys.request(paths, Thoroughness::Whole);
    state.overlay = Some(Overlay::Plan(Plan::new(request)));
    Vec::new()
}

/// Starts what is planned, and deselects it. With nothing to add the window is closed.
pub fn submit_plan(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Plan(Plan { request, survey })) = state.overlay.take() else { return Vec::new() };
    if survey.has_nothing_new() {
        return Vec::new();
    }
    state.browser.list.clear_selection();
    let new_photos = survey.is_over.then(|| survey.new_photos());
    start_or_queue(state, QueuedRun { paths: request.paths, new_photos })
}

/// Starts a run, or has it wait for the one under way.
fn start_or_queue(state: &mut State, run: QueuedRun) -> Vec<Effect> {
    if !indexing::is_running(state) {
        return indexing::start(state, run.paths);
    }
    if state.queue.iter().any(|queued| queued.paths == run.paths) {
        state.messages.refuse("this is waiting already, to be added after the run under way");
        return Vec::new();
    }
    let paths = run.paths.clone();
    state.queue.push_back(run);
    state.messages.info(match state.queue.len() {
        1 => "added to the queue: it is next after the run under way".to_owned(),
        runs => format!("added to the queue, as the last of {runs}"),
    });
    vec![Effect::Ask(Request::Queue(paths))]
}

/// Takes the counts of a survey for the plan and the folders.
pub(super) fn surveyed(state: &mut State, request: &SurveyRequest, survey: Survey) {
    state.browser.surveys.receive(request, &survey);
    if let Some(Overlay::Plan(plan)) = &mut state.overlay
        && plan.request == *request
    {
        plan.survey = survey;
    }
}
