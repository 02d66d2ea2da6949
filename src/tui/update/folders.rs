//! Moving between folders and tabs, opening the entry under the cursor, and reloading a list.

use std::path::{Path, PathBuf};

use super::super::request::{Effect, Request};
use super::super::state::browser::Kind;
use super::super::state::{Pane, State, Tab};
use super::{photos, viewer};

/// Opens the folder under the cursor, or shows the photo large.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    if state.tab == Tab::Files
        && let Some(entry) = state.browser.list.current()
        && entry.kind == Kind::Folder
    {
        let folder = entry.path.clone();
        return go_to(state, folder);
    }
    viewer::open(state)
}

/// Shows a folder.
pub(super) fn go_to(state: &mut State, folder: PathBuf) -> Vec<Effect> {
    state.browser.enter(folder.clone());
    vec![Effect::Ask(Request::List(folder))]
}

/// Goes to the parent folder.
pub(super) fn parent(state: &mut State) -> Vec<Effect> {
    match state.browser.folder.parent().map(Path::to_owned) {
        Some(folder) => go_to(state, folder),
        None => Vec::new(),
    }
}

/// Goes to the home folder.
pub(super) fn home(state: &mut State) -> Vec<Effect> {
    match std::env::home_dir() {
        Some(folder) => go_to(state, folder),
        None => Vec::new(),
    }
}

/// Reloads the list of the shown tab; on the results, searches again.
pub(super) fn reload(state: &mut State) -> Vec<Effect> {
    match state.tab {
        Tab::Files => {
            state.browser.is_loading = true;
            state.browser.surveys.outdate();
            vec![Effect::Ask(Request::List(state.browser.folder.clone()))]
        }
        Tab::Vault => vec![Effect::Ask(Request::Collection)],
        Tab::Results => photos::search_again(state),
        Tab::Indexing => Vec::new(),
    }
}

/// Shows the next tab or, on a screen with room for only one of list and picture, the other of the two.
pub(super) fn next_view(state: &mut State) {
    if state.viewport.is_one_pane && state.tab != Tab::Indexing {
        state.pane = match state.pane {
            Pane::List => Pane::Preview,
            Pane::Preview => Pane::List,
        };
        return;
    }
    let at = Tab::ALL.iter().position(|tab| *tab == state.tab).unwrap_or(0);
    state.tab = Tab::ALL[(at + 1) % Tab::ALL.len()];
}
