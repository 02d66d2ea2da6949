//! Moving the cursor of the list on the shown tab; on the indexing tab, through the failures.

use super::super::action::Action;
use super::super::state::cursor::{Cursor, Step};
use super::super::state::grid_layout::GridLayout;
use super::super::state::{State, Tab};

/// The step that `action` takes in a list, if it moves the cursor at all.
pub(super) fn step_of(action: Action) -> Option<Step> {
    Some(match action {
        Action::Up => Step::Up,
        Action::Down => Step::Down,
        Action::Left => Step::Left,
        Action::Right => Step::Right,
        Action::PageUp => Step::PageUp,
        Action::PageDown => Step::PageDown,
        Action::HalfPageUp => Step::HalfPageUp,
        Action::HalfPageDown => Step::HalfPageDown,
        Action::Top => Step::Top,
        Action::Bottom => Step::Bottom,
        _ => return None,
    })
}

/// The cursor of the shown list, and the layout of its items.
fn cursor_and_layout(state: &State) -> (Cursor, GridLayout<'_>) {
    let Some(list) = state.list() else {
        let run = state.indexing.as_ref();
        return run.map_or((Cursor::default(), GridLayout::whole(0, 1)), |run| {
            (run.failure, GridLayout::whole(run.failures.len(), 1))
        });
    };
    let columns = state.viewport.columns;
    let layout = match state.tab {
        Tab::Results => state.results.layout(columns),
        Tab::Vault => state.collection.layout(columns),
        Tab::Files | Tab::Indexing => GridLayout::whole(list.count(), 1),
    };
    (list.cursor(), layout)
}

/// The cursor of the shown list after `step`.
fn after(state: &State, step: Step) -> Cursor {
    let (mut cursor, layout) = cursor_and_layout(state);
    cursor.step(step, &layout, state.viewport.lines);
    cursor
}

/// Whether `action` would move the cursor.
pub(super) fn moves(state: &State, action: Action) -> bool {
    step_of(action).is_some_and(|step| after(state, step).at != cursor_and_layout(state).0.at)
}

/// Moves the cursor of the shown list.
pub(super) fn step(state: &mut State, step: Step) {
    let cursor = after(state, step);
    if let Some(list) = state.list_mut() {
        *list.cursor_mut() = cursor;
    } else if let Some(run) = &mut state.indexing {
        run.failure = cursor;
    }
}
