//! Actions on photos: searching, copying names, and everything that takes photos out of the vault.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::super::request::{Effect, Request};
use super::super::state::browser::Kind;
use super::super::state::checking::Checking;
use super::super::state::list::List;
use super::super::state::overlay::{Overlay, Question};
use super::super::state::results::{Query, Results};
use super::super::state::text_field::TextField;
use super::super::state::vault::Task;
use super::super::state::{Pane, State, Tab};
use super::lock_screen;
use crate::services::format::count;
use crate::services::library::{PhotoId, StoredPhoto};
use crate::services::name::{inert, pasteable};

/// The photo under the cursor of the shown tab.
#[must_use]
pub fn current_photo(state: &State) -> Option<Query> {
    match state.tab {
        Tab::Files => {
            let entry = state.browser.list.current().filter(|entry| entry.kind == Kind::Photo)?;
            Some(Query::File(entry.path.clone()))
        }
        Tab::Results => state.results.list.current().map(|found| Query::Stored(found.photo.clone())),
        Tab::Vault => state.collection.list.current().map(|photo| Query::Stored(photo.clone())),
        Tab::Indexing => None,
    }
}

/// The stored photos that an action applies to.
pub(super) fn subject(state: &State) -> Vec<PhotoId> {
    match state.tab {
        Tab::Results => state.results.list.targets(),
        Tab::Vault => state.collection.list.targets(),
        Tab::Files | Tab::Indexing => Vec::new(),
    }
}

/// Whether an action on stored photos has any.
pub(super) fn has_subject(state: &State) -> bool {
    match state.tab {
        Tab::Results => state.results.list.has_targets(),
        Tab::Vault => state.collection.list.has_targets(),
        Tab::Files | Tab::Indexing => false,
    }
}

/// Searches for photos like the one under the cursor.
pub(super) fn similar(state: &mut State) -> Vec<Effect> {
    match current_photo(state) {
        Some(query) => search(state, query),
        None => Vec::new(),
    }
}

/// Searches for `query`.
pub(super) fn search(state: &mut State, query: Query) -> Vec<Effect> {
    if lock_screen::show_unless_open(state) {
        return Vec::new();
    }
    state.tab = Tab::Results;
    state.pane = Pane::List;
    state.overlay = None;
    state.viewer = None;
    if state.results.query.is_some() {
        let next = Results::new(state.results.threshold(), state.results.top());
        state.history.keep(std::mem::replace(&mut state.results, next));
    }
    state.results.begin(query.clone());
    vec![Effect::Ask(Request::Search(query))]
}

/// Repeats the search that is shown: it failed, or the vault has changed.
pub(super) fn search_again(state: &mut State) -> Vec<Effect> {
    let Some(query) = state.results.query.clone() else { return Vec::new() };
    state.results.begin(query.clone());
    vec![Effect::Ask(Request::Search(query))]
}

/// Copies the names of the photos that an action would apply to: paths of files, quoted for a shell, and names of
/// stored photos. No control character reaches the clipboard.
pub(super) fn copy_names(state: &mut State) -> Vec<Effect> {
    let mut quoted = 0;
    let names: Vec<String> = match state.tab {
        Tab::Files => {
            let subject = state.browser.list.targets();
            let words: Vec<Cow<'_, str>> = subject.iter().map(|path| pasteable(path)).collect();
            quoted = words.iter().filter(|word| matches!(word, Cow::Owned(_))).count();
            words.into_iter().map(Cow::into_owned).collect()
        }
        Tab::Results | Tab::Vault => {
            let wanted: BTreeSet<PhotoId> = subject(state).into_iter().collect();
            let found = state.results.list.visible().map(|found| &found.photo);
            let known: Vec<&StoredPhoto> = match state.tab {
                Tab::Results => found.collect(),
                _ => state.collection.list.items().iter().collect(),
            };
            let wanted = known.iter().filter(|photo| wanted.contains(&photo.id));
            wanted.map(|photo| inert(&photo.name).into_owned()).collect()
        }
        Tab::Indexing => Vec::new(),
    };
    if names.is_empty() {
        return Vec::new();
    }
    let copied = format!("copied {}", count(names.len(), "name"));
    if quoted == 0 {
        state.messages.info(copied);
    } else {
        state
            .messages
            .warn(format!("{copied}; {quoted} quoted as $'...' because they contain characters that do not print"));
    }
    vec![Effect::Copy(names.join("\n"))]
}

/// Asks for the folder to export `photos` to.
pub(super) fn ask_where_to_export(state: &mut State, photos: Vec<PhotoId>) {
    let folder = TextField::suggesting(state.preferences.export_folder.display().to_string());
    state.overlay = Some(Overlay::ExportTo { photos, folder });
}

/// An action that needs a confirmation.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    OpenOutside,
    Download,
    Remove,
}

/// Asks for confirmation before photos leave the vault.
pub(super) fn ask(state: &mut State, purpose: Purpose) {
    let photos = subject(state);
    let Some(first) = photos.first().copied() else { return };
    let question = match purpose {
        Purpose::OpenOutside => match current_photo(state) {
            Some(Query::Stored(photo)) => Question::OpenOutside(photo.id),
            _ => Question::OpenOutside(first),
        },
        Purpose::Download => Question::Download(photos),
        Purpose::Remove => Question::Remove(photos),
    };
    state.overlay = Some(Overlay::Confirm(question));
}

/// Asks before photos are sent through the terminal. One that stores no files gets a command instead: nothing leaves
/// the vault then, so there is nothing to ask.
pub(super) fn download(state: &mut State) -> Vec<Effect> {
    if state.preferences.stores_files {
        ask(state, Purpose::Download);
        return Vec::new();
    }
    let photos = subject(state);
    state.collection.task = Some(Task::Downloading);
    vec![Effect::Ask(Request::Download(photos))]
}

/// Checks every byte of the vault.
pub(super) fn check(state: &mut State) -> Vec<Effect> {
    state.collection.task = Some(Task::Checking);
    state.collection.health = None;
    state.collection.checking = Checking::default();
    vec![Effect::Ask(Request::Check)]
}

/// Shows or hides the information pane.
pub(super) fn toggle_information(state: &mut State) -> Vec<Effect> {
    state.shows_information = !state.shows_information;
    if state.viewport.is_one_pane {
        state.pane = if state.shows_information { Pane::Preview } else { Pane::List };
    }
    match stored_photo(state).filter(|_| state.shows_information && !state.session.is_remote()) {
        Some(photo) => {
            state.informed_of = Some(photo);
            vec![Effect::Ask(Request::Exif(photo))]
        }
        None => Vec::new(),
    }
}

/// The stored photo under the cursor of the shown tab.
fn stored_photo(state: &State) -> Option<PhotoId> {
    match state.tab {
        Tab::Results => state.results.list.current().map(|found| found.photo.id),
        Tab::Vault => state.collection.list.current().map(|photo| photo.id),
        Tab::Files | Tab::Indexing => None,
    }
}

/// Whether the cursor is on this stored photo.
pub(super) fn is_current(state: &State, photo: PhotoId) -> bool {
    stored_photo(state) == Some(photo)
}

/// Reads the recorded camera data of the photo under the cursor if the information pane shows another one. No original
/// is fetched for a photo that the cursor only passes.
pub fn information(state: &mut State) -> Vec<Effect> {
    let photo = stored_photo(state).filter(|_| state.shows_information && state.viewer.is_none());
    if photo == state.informed_of {
        return Vec::new();
    }
    state.informed_of = photo;
    photo.map(|photo| Effect::Ask(Request::RecordedExif(photo))).into_iter().collect()
}
