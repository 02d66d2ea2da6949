//! Selecting, filtering and leaving the list of the shown tab.

use super::super::request::Effect;
use super::super::state::cursor::Step;
use super::super::state::grid_layout::GridLayout;
use super::super::state::list::{Filter, List};
use super::super::state::sections::Grouping;
use super::super::state::tiles::{Arrangement, Resize};
use super::super::state::{Pane, State, Tab};

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
    list.cursor_mut().step(Step::Right, &shape, 1);
}

/// Sorts the shown list by its next order.
pub(super) fn sort_next(state: &mut State) {
    let title = match state.tab {
        Tab::Vault => {
            let order = state.collection.order().next();
            state.collection.sort_by(order);
            order.title()
        }
        _ => {
            state.browser.sort_next();
            state.browser.sorting.title()
        }
    };
    state.messages.info(format!("sorted {title}"));
}

/// Shows the next arrangement: on the vault timeline, folders and list, on the results grid and list.
pub(super) fn rearrange(state: &mut State) {
    if state.tab == Tab::Vault && state.tiles.arrangement == Arrangement::Grid {
        if state.collection.grouping() == Grouping::Months {
            state.collection.group_by(Grouping::Folders);
            return;
        }
        state.collection.group_by(Grouping::Months);
    }
    state.tiles.rearrange();
}

/// Makes the thumbnails larger or smaller.
pub(super) fn resize(state: &mut State, resize: Resize) -> Vec<Effect> {
    state.tiles.resize(resize);
    vec![Effect::Redraw]
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
