//! Answers to questions.

use super::super::commands::CommandKind;
use super::super::request::{Effect, Request};
use super::super::state::cursor::Cursor;
use super::super::state::overlay::{Overlay, Question};
use super::super::state::text_field::TextField;
use super::super::state::vault::Task;
use super::super::state::{State, Tab};
use super::{indexing, leaving, refusal, trust};

/// Opens the palette with the beginning of a command.
pub(super) fn open_palette(state: &mut State, command: CommandKind) -> Vec<Effect> {
    let filter = TextField::with(format!("{} ", command.command().name));
    // Going nowhere stays in the section of the cursor.
    let at = match (command, state.tab) {
        (CommandKind::Go, Tab::Vault) => state.collection.layout(1).section_of(state.collection.list.cursor.at),
        _ => 0,
    };
    state.overlay = Some(Overlay::Palette { filter, cursor: Cursor { at, top: 0 } });
    vec![Effect::Ask(Request::KnownVaults)]
}

/// Answers the question with yes and closes it.
pub fn answer(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Confirm(question)) = state.overlay.take() else { return Vec::new() };
    let (task, request) = match question {
        Question::Quit => return vec![Effect::Quit],
        Question::QuitExporting => return leaving::quit_despite_export(state),
        Question::ResumeIndexing(roots) => return indexing::start(state, roots),
        Question::TrustVault => return trust::accept(state),
        Question::UseOlder(_) => (Task::Accepting, Request::AcceptOlder),
        Question::Remove(photos) => (Task::Removing, Request::Remove(photos)),
        Question::OpenOutside(photo) => (Task::Opening, Request::OpenOutside(photo)),
        Question::Download(photos) => (Task::Downloading, Request::Download(photos)),
    };
    if state.collection.task.is_some() {
        state.messages.warn(refusal::BUSY);
        return Vec::new();
    }
    state.collection.task = Some(task);
    vec![Effect::Ask(request)]
}

/// Answers the question with no and closes it.
pub fn decline(state: &mut State) -> Vec<Effect> {
    if state.overlay == Some(Overlay::Confirm(Question::TrustVault)) {
        close(state);
    }
    match state.overlay.take() {
        Some(Overlay::Confirm(Question::ResumeIndexing(_))) => vec![Effect::Ask(Request::ForgetUnfinished)],
        _ => Vec::new(),
    }
}

/// Closes the window. A question in it stays unanswered; a vault that is not trusted stays closed.
pub fn close(state: &mut State) {
    if state.overlay.take() == Some(Overlay::Confirm(Question::TrustVault)) {
        trust::refuse(state);
    }
}
