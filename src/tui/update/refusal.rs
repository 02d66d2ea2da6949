//! Why an action would do nothing now. One rule for three uses: hints and the palette leave out refused actions, and a
//! refused key says why.

use super::super::action::Action;
use super::super::state::browser::Kind;
use super::super::state::indexing::{Indexing, RunStatus};
use super::super::state::list::List;
use super::super::state::results::Amount;
use super::super::state::tiles::{Arrangement, Resize};
use super::super::state::vault::Session;
use super::super::state::{Pane, State, Tab};
use super::photos::{current_photo, has_subject};
use super::{indexing, lists, movement, viewer};

const NOT_HERE: &str = "this does nothing on this tab";
const EMPTY: &str = "the list is empty";
const FILES_ONLY: &str = "this works on the Files tab";
const RESULTS_ONLY: &str = "this works on the Results tab";
const NO_RESULTS: &str = "there are no results";
const VAULT_PHOTOS_ONLY: &str = "this works on photos in the vault: move onto one on the Results or Vault tab";
const READ_ONLY: &str = "read only, because this copy of the vault is not the newest: lock, and unlock it to be asked \
                         again whether to use it";
pub(super) const BUSY: &str = "the vault is busy; wait until it is done";

/// Why `action` would do nothing; `None` if it would do something.
#[must_use]
pub fn refusal(state: &State, action: Action) -> Option<&'static str> {
    if let Some(decided) = viewer::refusal(state, action) {
        return decided;
    }
    match action {
        Action::Left if state.tab == Tab::Files => parent(state),
        Action::Right if state.tab == Tab::Files => {
            let is_folder = state.browser.list.current().is_some_and(|entry| entry.kind == Kind::Folder);
            refuse_if(!is_folder, "this is not a folder")
        }
        Action::Up
        | Action::Down
        | Action::Left
        | Action::Right
        | Action::PageUp
        | Action::PageDown
        | Action::HalfPageUp
        | Action::HalfPageDown
        | Action::Top
        | Action::Bottom => refuse_if(!movement::moves(state, action), "the list ends here"),
        Action::Enter => {
            let has_entry = state.tab == Tab::Files && state.browser.list.current().is_some();
            refuse_if(!has_entry && current_photo(state).is_none(), NOT_HERE)
        }
        Action::Jump => refuse_if(shown_items(state) == 0, EMPTY),
        Action::PreviousQuery => refuse_if(state.tab != Tab::Results, RESULTS_ONLY)
            .or(refuse_if(!state.history.has_previous(), "there is no search before this one")),
        Action::NextQuery => refuse_if(state.tab != Tab::Results, RESULTS_ONLY)
            .or(refuse_if(!state.history.has_next(), "there is no search after this one")),
        Action::ExportMatches => refuse_if(state.tab != Tab::Results, RESULTS_ONLY)
            .or(refuse_if(state.results.matches().is_empty(), "there is no match to export"))
            .or(stored(state, Action::Export)),
        Action::OpenVault => open_vault(state),
        // The photo view has decided about these.
        Action::NextPhoto | Action::PreviousPhoto | Action::Rotate | Action::Compare | Action::Slideshow => None,
        Action::Zoom => refuse_if(current_photo(state).is_none(), "move onto a photo to show it large"),
        Action::Back => refuse_if(!lists::can_go_back(state), "there is nothing to close"),
        Action::Files => refuse_if(state.tab == Tab::Files, "the Files tab is already shown"),
        Action::Results => refuse_if(state.tab == Tab::Results, "the Results tab is already shown"),
        Action::Vault => refuse_if(state.tab == Tab::Vault, "the Vault tab is already shown"),
        Action::Indexing => refuse_if(state.tab == Tab::Indexing, "the Indexing tab is already shown"),
        Action::Filter => refuse_if(is_known_to_be_empty(state), EMPTY),
        Action::Select | Action::SelectRange => refuse_if(shown_items(state) == 0, "there is nothing to select"),
        Action::SelectAll | Action::InvertSelection => {
            refuse_if(shown_photos(state) == 0, "there are no photos to select")
        }
        Action::Similar => similar(state),
        Action::CopyNames => copy_names(state),
        Action::Parent => parent(state),
        Action::Home => refuse_if(state.tab != Tab::Files, FILES_ONLY),
        Action::Sort => sort(state),
        Action::Reload => reload(state),
        Action::Index | Action::IndexFolder => index(state, action),
        Action::PauseIndexing => pause(state),
        Action::StopIndexing => match &state.indexing {
            Some(run) if run.status == RunStatus::Stopping => Some("indexing is already stopping"),
            Some(run) if run.is_running() => None,
            _ => Some("nothing is being indexed"),
        },
        Action::RaiseThreshold => threshold(state, 1),
        Action::LowerThreshold => threshold(state, -1),
        Action::MoreResults => amount(state, Amount::More),
        Action::FewerResults => amount(state, Amount::Fewer),
        Action::Arrangement => refuse_if(!has_tiles(state), NOT_HERE),
        Action::LargerThumbnails => thumbnails(state, Resize::Larger),
        Action::SmallerThumbnails => thumbnails(state, Resize::Smaller),
        Action::Details => refuse_if(!has_subject(state), VAULT_PHOTOS_ONLY),
        Action::Export | Action::OpenOutside | Action::Download | Action::Remove => {
            refuse_if(!has_subject(state), VAULT_PHOTOS_ONLY).or(stored(state, action))
        }
        Action::StopExport => match &state.exporting {
            Some(run) if run.is_stopping => Some("the export is already stopping"),
            Some(_) => None,
            None => Some("nothing is being exported"),
        },
        Action::Check => refuse_if(state.tab != Tab::Vault, "this works on the Vault tab")
            .or(refuse_if(state.session.open().is_none(), "no vault is open"))
            .or(refuse_if(state.collection.task.is_some(), BUSY)),
        Action::Lock => refuse_if(matches!(state.session, Session::Opening { .. }), "the vault is being opened"),
        Action::NextView
        | Action::Help
        | Action::Palette
        | Action::Log
        | Action::CyclePictures
        | Action::AskTerminal
        | Action::Redraw
        | Action::Suspend
        | Action::Quit => None,
        Action::Close
        | Action::Submit
        | Action::Yes
        | Action::No
        | Action::TrustVault
        | Action::UseOlder
        | Action::ClearFilter
        | Action::Skip
        | Action::NextField
        | Action::PreviousField
        | Action::DeleteBackward
        | Action::DeleteForward
        | Action::DeleteWord
        | Action::ClearLine
        | Action::CharLeft
        | Action::CharRight
        | Action::LineStart
        | Action::LineEnd => Some("this works in windows and text fields only"),
    }
}

/// Why an action on stored photos cannot be done now.
fn stored(state: &State, action: Action) -> Option<&'static str> {
    match action {
        Action::Export => refuse_if(state.exporting.is_some(), "an export is already running: wait, or stop it first"),
        _ => refuse_if(action == Action::Remove && state.collection.is_read_only, READ_ONLY)
            .or(refuse_if(state.collection.task.is_some(), BUSY)),
    }
}

fn refuse_if(is_refused: bool, reason: &'static str) -> Option<&'static str> {
    is_refused.then_some(reason)
}

/// How many items the list of the shown tab shows.
fn shown_items(state: &State) -> usize {
    state.list().map_or(0, List::count)
}

/// How many of those are photos.
fn shown_photos(state: &State) -> usize {
    state.list().map_or(0, List::photo_count)
}

/// Whether the list is known to have no items, filtered or not. A list that is still loading may get some, and letters
/// typed meanwhile must go into the filter, not act as keys.
fn is_known_to_be_empty(state: &State) -> bool {
    match state.tab {
        Tab::Files => !state.browser.is_loading && state.browser.list.items().is_empty(),
        Tab::Results => !state.results.is_searching && state.results.listed().is_empty(),
        Tab::Vault => {
            let is_read = state.collection.is_listed || state.session.open().is_none();
            is_read && state.collection.list.items().is_empty()
        }
        Tab::Indexing => true,
    }
}

fn parent(state: &State) -> Option<&'static str> {
    refuse_if(state.tab != Tab::Files, FILES_ONLY)
        .or(refuse_if(state.browser.folder.parent().is_none(), "there is no folder above this one"))
}

fn similar(state: &State) -> Option<&'static str> {
    refuse_if(current_photo(state).is_none(), "move onto a photo to search for photos like it")
        .or(refuse_if(matches!(state.session, Session::Opening { .. }), "the vault is being opened"))
}

fn copy_names(state: &State) -> Option<&'static str> {
    let is_empty = match state.tab {
        Tab::Files => state.browser.list.targets().is_empty(),
        Tab::Results | Tab::Vault => !has_subject(state),
        Tab::Indexing => true,
    };
    refuse_if(is_empty, "there is no name to copy")
}

fn sort(state: &State) -> Option<&'static str> {
    match state.tab {
        Tab::Files => refuse_if(state.browser.list.items().is_empty(), EMPTY),
        Tab::Results => Some("results are always sorted by score"),
        Tab::Vault => refuse_if(state.collection.list.items().is_empty(), EMPTY),
        Tab::Indexing => Some(NOT_HERE),
    }
}

fn open_vault(state: &State) -> Option<&'static str> {
    refuse_if(matches!(state.session, Session::Opening { .. }), "the vault is being opened")
        .or(refuse_if(indexing::is_running(state), "indexing is still running: wait, or stop it first"))
        .or(refuse_if(state.exporting.is_some(), "an export is still running: wait, or stop it first"))
}

fn reload(state: &State) -> Option<&'static str> {
    match state.tab {
        Tab::Files => None,
        Tab::Results => refuse_if(state.results.query.is_none(), "no search yet"),
        Tab::Vault => refuse_if(state.session.open().is_none(), "no vault is open"),
        Tab::Indexing => Some(NOT_HERE),
    }
}

fn index(state: &State, action: Action) -> Option<&'static str> {
    let is_empty = action == Action::Index && state.browser.list.targets().is_empty();
    refuse_if(state.tab != Tab::Files, "move onto a photo or folder on the Files tab to index it")
        .or(refuse_if(is_empty, "there is nothing to index here"))
        .or(refuse_if(state.collection.is_read_only, READ_ONLY))
}

fn pause(state: &State) -> Option<&'static str> {
    match state.indexing.as_ref().filter(|run| run.is_running()) {
        None => Some("nothing is being indexed"),
        Some(_) if state.session.open().is_none() => Some("unlock the vault to pause indexing, or stop it"),
        Some(Indexing { status: RunStatus::Running | RunStatus::Paused, .. }) => None,
        Some(Indexing { status: RunStatus::Stopping, .. }) => Some("indexing is already stopping"),
        Some(_) => Some("indexing is still looking for photos"),
    }
}

fn threshold(state: &State, steps: i32) -> Option<&'static str> {
    let results = &state.results;
    refuse_if(state.tab != Tab::Results, RESULTS_ONLY)
        .or(refuse_if(results.listed().is_empty(), NO_RESULTS))
        .or(refuse_if(results.next_threshold(steps) == results.threshold(), "the threshold cannot go further"))
}

fn amount(state: &State, amount: Amount) -> Option<&'static str> {
    let end = match amount {
        Amount::More => "all results are already listed",
        Amount::Fewer => "this is the shortest list",
    };
    refuse_if(state.tab != Tab::Results, RESULTS_ONLY)
        .or(refuse_if(state.results.listed().is_empty(), NO_RESULTS))
        .or(refuse_if(state.results.next_top(amount).is_none(), end))
}

/// Whether a grid or list of stored photos is on the screen.
fn has_tiles(state: &State) -> bool {
    let is_list_shown = !state.viewport.is_one_pane || state.pane == Pane::List;
    matches!(state.tab, Tab::Results | Tab::Vault) && shown_items(state) > 0 && is_list_shown
}

fn thumbnails(state: &State, resize: Resize) -> Option<&'static str> {
    let end = match resize {
        Resize::Larger => "thumbnails are at their largest",
        Resize::Smaller => "thumbnails are at their smallest",
    };
    refuse_if(!has_tiles(state), "there are no thumbnails here")
        .or(refuse_if(state.tiles.arrangement == Arrangement::List, "there are no thumbnails in the list view"))
        .or(refuse_if(!state.tiles.can_resize(resize), end))
}
