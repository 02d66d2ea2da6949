//! What is chosen or answered in a window.

use std::path::PathBuf;

use super::super::action::Action;
use super::super::request::{Effect, Request};
use super::super::state::State;
use super::super::state::overlay::{Overlay, Question};
use super::super::state::vault::Task;

/// Closes the palette and does what was chosen in it.
pub fn choose(state: &mut State, action: Action) -> Vec<Effect> {
    state.overlay = None;
    super::apply(state, action)
}

/// Answers the question on the screen with yes, and closes it.
pub fn answer(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Confirm(question)) = state.overlay.take() else { return Vec::new() };
    let (task, request) = match question {
        Question::Quit => return vec![Effect::Quit],
        Question::QuitExporting => return super::quit_unless_indexing(state),
        Question::GoOn(roots) => return super::begin_indexing(state, roots),
        Question::UseOlder { .. } => (Task::Accepting, Request::AcceptOlder),
        Question::Remove(photos) => (Task::Removing, Request::Remove(photos)),
        Question::OpenOutside(photo) => (Task::Opening, Request::OpenOutside(photo)),
        Question::Download(photos) => (Task::Downloading, Request::Download(photos)),
    };
    if state.collection.task.is_some() {
        state.journal.warn(super::refusal::BUSY);
        return Vec::new();
    }
    state.collection.task = Some(task);
    vec![Effect::Ask(request)]
}

/// Answers the question on the screen with no, and closes it.
pub fn decline(state: &mut State) -> Vec<Effect> {
    match state.overlay.take() {
        Some(Overlay::Confirm(Question::GoOn(_))) => vec![Effect::Ask(Request::ForgetUnfinished)],
        _ => Vec::new(),
    }
}

/// `~` at the start of a typed path is the home folder, as in a shell.
pub(super) fn expand_home(typed: &str) -> PathBuf {
    let typed = typed.trim();
    match (typed.strip_prefix('~'), std::env::home_dir()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
        _ => PathBuf::from(typed),
    }
}
