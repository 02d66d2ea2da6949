//! Selecting, filtering and leaving the list of the shown tab.

use super::super::state::cursor::{GridLayout, Step};
use super::super::state::list::{Filter, List};
use super::super::state::{Pane, State};

/// Changes the list of the shown tab, if there is one.
pub(super) fn with_list(state: &mut State, change: impl FnOnce(&mut dyn List)) {
    if let Some(list) = state.list_mut() {
        change(list);
    }
}

/// Selects or deselects the item under the cursor and moves to the next one.
pub(super) fn select_and_move_on(list: &mut dyn List) {
    list.toggle_current();
    // In a grid the next item is to the right; in one column, `Right` moves down.
    let shape = GridLayout::whole(list.count(), 1);
    list.cursor_mut().step(Step::Right, shape, 1);
}

/// Starts typing a filter for the shown list.
pub(super) fn start_filter(state: &mut State) {
    state.browser.remember_place();
    with_list(state, |list| list.filter_mut().is_typing = true);
}

/// Whether [`back`] would change anything.
pub(super) fn can_go_back(state: &State) -> bool {
    let list_has_some = state
        .list()
        .is_some_and(|list| list.has_range() || !list.filter().field.text().is_empty() || list.has_selection());
    list_has_some || (state.viewport.is_one_pane && state.pane == Pane::Preview)
}

/// Ends the innermost of range, filter, selection and large picture. The tab stays.
pub(super) fn back(state: &mut State) {
    match state.list_mut() {
        Some(list) if list.has_range() => list.cancel_range(),
        Some(list) if !list.filter().field.text().is_empty() => {
            *list.filter_mut() = Filter::default();
            state.arrange();
        }
        Some(list) if list.has_selection() => list.clear_selection(),
        _ => state.pane = Pane::List,
    }
}
