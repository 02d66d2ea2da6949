//! The photo view: opening it, moving on in it, and what its keys do.

use std::time::Duration;

use super::super::action::Action;
use super::super::preview::Subject;
use super::super::request::{Effect, Request};
use super::super::state::browser::Kind;
use super::super::state::list::List;
use super::super::state::results::Query;
use super::super::state::viewer::{self, Direction, SLIDE, Viewer, ZoomStep};
use super::super::state::{State, Tab};
use super::photos::current_photo;
use super::{lists, movement};

/// Shows the photo under the cursor over the whole screen. On a remote vault, the key press counts for this photo.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    let Some(photo) = current_photo(state) else { return Vec::new() };
    if let Some(list) = state.list_mut() {
        list.filter_mut().is_typing = false;
    }
    state.viewer = Some(Viewer::new(photo));
    ask_camera_data(state)
}

/// What the view does with `action`; `None` if it means the same as on the tab.
pub(super) fn apply(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    let step = direction(action);
    let fetches = action == Action::Enter && can_fetch(state);
    let viewer = state.viewer.as_mut()?;
    if !is_part_of_slideshow(action) {
        viewer.slideshow = None;
    }
    match action {
        Action::Enter if fetches => return Some(fetch(state)),
        Action::Close | Action::Enter => state.viewer = None,
        Action::Zoom => viewer.toggle_zoom(),
        Action::LargerThumbnails => viewer.zoom = viewer.next_zoom(ZoomStep::In).unwrap_or(viewer.zoom),
        Action::SmallerThumbnails => viewer.zoom = viewer.next_zoom(ZoomStep::Out).unwrap_or(viewer.zoom),
        Action::Rotate => viewer.turn(),
        Action::Compare if viewer.compared.is_some() => viewer.compare(None),
        Action::Compare => return Some(compare(state)),
        Action::Slideshow => viewer.slideshow = if viewer.slideshow.is_some() { None } else { Some(Duration::ZERO) },
        Action::Details => {
            state.shows_information = !state.shows_information;
            return Some(ask_camera_data(state));
        }
        Action::NextPhoto => go(state, Side::After),
        Action::PreviousPhoto => go(state, Side::Before),
        Action::Select => {
            lists::with_list(state, |list| list.toggle_current());
            go(state, Side::After);
        }
        Action::Files | Action::Results | Action::Vault | Action::Indexing | Action::NextView => {
            state.viewer = None;
            return None;
        }
        _ => match step {
            Some(direction) if viewer.is_larger_than_room() => viewer.pan(direction),
            Some(Direction::Right | Direction::Down) => go(state, Side::After),
            Some(Direction::Left | Direction::Up) => go(state, Side::Before),
            None => {
                let step = movement::step_of(action)?;
                let before = state.list().map(List::cursor);
                movement::step(state, step);
                leave_folder(state, before.map_or(0, |cursor| cursor.at));
            }
        },
    }
    Some(Vec::new())
}

/// Keys that a slideshow goes on after.
fn is_part_of_slideshow(action: Action) -> bool {
    let goes_on = matches!(action, Action::NextPhoto | Action::PreviousPhoto | Action::Slideshow);
    goes_on || movement::step_of(action).is_some()
}

fn direction(action: Action) -> Option<Direction> {
    Some(match action {
        Action::Left => Direction::Left,
        Action::Right => Direction::Right,
        Action::Up => Direction::Up,
        Action::Down => Direction::Down,
        _ => return None,
    })
}

/// Brings the view up to date after anything that may have changed the list or its cursor.
pub(super) fn follow(state: &mut State) -> Vec<Effect> {
    let photo = if state.viewer.is_some() { current_photo(state) } else { None };
    let (Some(viewer), Some(photo)) = (&mut state.viewer, photo) else {
        // There is nothing left to show.
        state.viewer = None;
        return Vec::new();
    };
    if viewer.show(photo) { ask_camera_data(state) } else { Vec::new() }
}

/// Advances the slideshow. Its time runs only while the photo can be seen.
pub(super) fn advance(state: &mut State, by: Duration) -> Vec<Effect> {
    let is_seen = |viewer: &Viewer| viewer.photos().all(|photo| viewer.has_shown(&subject(state, viewer, photo)));
    if !state.viewer.as_ref().is_some_and(is_seen) {
        return Vec::new();
    }
    let Some(elapsed) = state.viewer.as_mut().and_then(|viewer| viewer.slideshow.as_mut()) else { return Vec::new() };
    *elapsed += by;
    if *elapsed < SLIDE {
        return Vec::new();
    }
    let place = neighbour(state, Side::After);
    match (place, &mut state.viewer) {
        (None, Some(viewer)) => viewer.slideshow = None,
        _ => go(state, Side::After),
    }
    follow(state)
}

/// A side of the cursor in the list.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Side {
    Before,
    After,
}

/// The place of the next photo on this side of the cursor.
fn neighbour(state: &State, side: Side) -> Option<usize> {
    let list = state.list()?;
    let at = list.cursor().at;
    match side {
        Side::After => (at + 1..list.count()).find(|place| is_photo(state, *place)),
        Side::Before => (0..at.min(list.count())).rev().find(|place| is_photo(state, *place)),
    }
}

fn is_photo(state: &State, place: usize) -> bool {
    state.tab != Tab::Files || state.browser.list.at(place).is_some_and(|entry| entry.kind == Kind::Photo)
}

fn go(state: &mut State, side: Side) {
    if let Some(place) = neighbour(state, side) {
        move_to(state, place);
    }
}

fn move_to(state: &mut State, place: usize) {
    lists::with_list(state, |list| list.cursor_mut().at = place);
}

/// Moves from a folder to the nearest photo, or back.
fn leave_folder(state: &mut State, before: usize) {
    let is_on_photo = state.list().is_some_and(|list| is_photo(state, list.cursor().at));
    if !is_on_photo {
        let place = neighbour(state, Side::After).or(neighbour(state, Side::Before)).unwrap_or(before);
        move_to(state, place);
    }
}

/// The photo after the one under the cursor, to be drawn ahead of time. On a remote vault there is none: nothing is
/// fetched there in the order of results.
pub(in crate::tui) fn upcoming(state: &State) -> Option<Subject> {
    let place = neighbour(state, Side::After).filter(|_| !state.session.is_remote())?;
    Some(match state.tab {
        Tab::Files => Subject::File(state.browser.list.at(place)?.path.clone()),
        Tab::Results => Subject::Photo(state.results.list.at(place)?.photo.id),
        Tab::Vault => Subject::Photo(state.collection.list.at(place)?.id),
        Tab::Indexing => return None,
    })
}

/// What the view draws of a photo: the photo itself or, while that was not fetched from a remote vault, its thumbnail.
pub(in crate::tui) fn subject(state: &State, viewer: &Viewer, photo: &Query) -> Subject {
    match photo {
        Query::File(path) => Subject::File(path.clone()),
        Query::Stored(photo) if state.session.is_remote() && !viewer.is_fetched(photo.id) => {
            Subject::Thumbnail(photo.id)
        }
        Query::Stored(photo) => Subject::Photo(photo.id),
    }
}

/// Whether a photo of the view has yet to be fetched.
pub(in crate::tui) fn can_fetch(state: &State) -> bool {
    let Some(viewer) = &state.viewer else { return false };
    state.session.is_remote() && viewer.photos().filter_map(viewer::id_of).any(|id| !viewer.is_fetched(id))
}

fn fetch(state: &mut State) -> Vec<Effect> {
    if let Some(viewer) = &mut state.viewer {
        viewer.fetch();
    }
    ask_camera_data(state)
}

/// Asks for the camera data of the photo under the cursor, if they are shown. On a remote vault, only what its record
/// has until the photo was fetched.
fn ask_camera_data(state: &State) -> Vec<Effect> {
    let Some(viewer) = state.viewer.as_ref().filter(|_| state.shows_information) else { return Vec::new() };
    match viewer::id_of(viewer.photo()) {
        Some(id) if state.session.is_remote() && !viewer.is_fetched(id) => vec![Effect::Ask(Request::RecordedExif(id))],
        Some(id) => vec![Effect::Ask(Request::Exif(id))],
        None => Vec::new(),
    }
}

/// Compares the photo under the cursor with another one, which the tab decides.
pub(super) fn compare(state: &mut State) -> Vec<Effect> {
    let Some(Pair { left, right }) = pair(state) else { return Vec::new() };
    if let Some(place) = right {
        move_to(state, place);
    }
    let Some(photo) = current_photo(state) else { return Vec::new() };
    let viewer = state.viewer.get_or_insert_with(|| Viewer::new(photo.clone()));
    viewer.show(photo);
    viewer.compare(Some(left));
    ask_camera_data(state)
}

/// Two photos to compare.
struct Pair {
    left: Query,
    /// The place of the right one; `None` for the one under the cursor.
    right: Option<usize>,
}

/// The photos to compare: in the results the query and the photo under the cursor; elsewhere the two that are selected,
/// or the first other one that is selected or else the photo before, and the one under the cursor.
fn pair(state: &State) -> Option<Pair> {
    let photo = current_photo(state)?;
    if state.tab == Tab::Results {
        let left = state.results.query.clone().filter(|query| !viewer::is_same(query, &photo))?;
        return Some(Pair { left, right: None });
    }
    let selected = selected_places(state);
    if let [first, second] = selected[..]
        && selection_count(state) == 2
    {
        return Some(Pair { left: photo_at(state, first)?, right: Some(second) });
    }
    let at = state.list()?.cursor().at;
    let left = selected.into_iter().find(|place| *place != at).or_else(|| neighbour(state, Side::Before))?;
    Some(Pair { left: photo_at(state, left)?, right: None })
}

/// Why there is no [`pair`]. Every frame asks this, so it must not go through the list.
fn no_pair(state: &State) -> Option<&'static str> {
    let Some(photo) = current_photo(state) else { return Some("move onto a photo to compare it") };
    if state.tab == Tab::Results {
        let is_query = state.results.query.as_ref().is_none_or(|query| viewer::is_same(query, &photo));
        return is_query.then_some("this is the query itself: move to another photo to compare it");
    }
    let has_other = state.list().is_some_and(List::selects_another_photo) || neighbour(state, Side::Before).is_some();
    (!has_other).then_some("there is no photo before this one: move on, or select one, to compare two")
}

fn selection_count(state: &State) -> usize {
    match state.tab {
        Tab::Files => state.browser.list.selected().len(),
        Tab::Vault => state.collection.list.selected().len(),
        Tab::Results | Tab::Indexing => 0,
    }
}

/// The places of the selected photos in the list.
fn selected_places(state: &State) -> Vec<usize> {
    let (files, stored) = (&state.browser.list, &state.collection.list);
    let is_selected = |place: &usize| match state.tab {
        Tab::Files => files.at(*place).is_some_and(|entry| files.selected().contains(&entry.path)),
        Tab::Vault => stored.at(*place).is_some_and(|photo| stored.selected().contains(&photo.id)),
        Tab::Results | Tab::Indexing => false,
    };
    if selection_count(state) == 0 {
        return Vec::new();
    }
    let places = 0..state.list().map_or(0, List::count);
    places.filter(|place| is_photo(state, *place)).filter(is_selected).collect()
}

fn photo_at(state: &State, place: usize) -> Option<Query> {
    match state.tab {
        Tab::Files => Some(Query::File(state.browser.list.at(place)?.path.clone())),
        Tab::Results => Some(Query::Stored(state.results.list.at(place)?.photo.clone())),
        Tab::Vault => Some(Query::Stored(state.collection.list.at(place)?.clone())),
        Tab::Indexing => None,
    }
}

/// Whether the view decides about `action`, and why it would do nothing.
pub(super) fn refusal(state: &State, action: Action) -> Option<Option<&'static str>> {
    let refuse_if = |is_refused: bool, reason| Some(is_refused.then_some(reason));
    let Some(viewer) = &state.viewer else {
        return match action {
            Action::Compare => Some(no_pair(state)),
            Action::Slideshow => refuse_if(current_photo(state).is_none(), "move onto a photo to start a slideshow"),
            Action::NextPhoto | Action::PreviousPhoto | Action::Rotate => {
                Some(Some("this works on a photo that is shown large"))
            }
            _ => None,
        };
    };
    match action {
        Action::Close | Action::Enter | Action::Rotate | Action::Details => Some(None),
        Action::Zoom => Some(zoom(state, viewer, None)),
        Action::LargerThumbnails => Some(zoom(state, viewer, Some(ZoomStep::In))),
        Action::SmallerThumbnails => Some(zoom(state, viewer, Some(ZoomStep::Out))),
        Action::Compare if viewer.compared.is_some() => Some(None),
        Action::Compare => Some(no_pair(state)),
        Action::Slideshow => {
            refuse_if(viewer.slideshow.is_none() && neighbour(state, Side::After).is_none(), "this is the last photo")
        }
        Action::NextPhoto => refuse_if(neighbour(state, Side::After).is_none(), "this is the last photo"),
        Action::PreviousPhoto => refuse_if(neighbour(state, Side::Before).is_none(), "this is the first photo"),
        Action::Left | Action::Right | Action::Up | Action::Down => {
            let direction = direction(action)?;
            let does = match direction {
                direction if viewer.is_larger_than_room() => viewer.can_pan(direction),
                Direction::Left | Direction::Up => neighbour(state, Side::Before).is_some(),
                Direction::Right | Direction::Down => neighbour(state, Side::After).is_some(),
            };
            refuse_if(!does, "the photo or the list ends here")
        }
        Action::Jump
        | Action::Back
        | Action::Filter
        | Action::SelectRange
        | Action::SelectAll
        | Action::InvertSelection
        | Action::PreviousQuery
        | Action::NextQuery
        | Action::Parent
        | Action::Home
        | Action::Sort
        | Action::RaiseThreshold
        | Action::LowerThreshold
        | Action::MoreResults
        | Action::FewerResults
        | Action::Arrangement
        | Action::IndexFolder => Some(Some("this works on the list: close the photo first")),
        _ => None,
    }
}

/// Why the view cannot be zoomed by a step or, without one, between as large as fits and pixel by pixel.
fn zoom(state: &State, viewer: &Viewer, step: Option<ZoomStep>) -> Option<&'static str> {
    if viewer.can_zoom() {
        let is_at_end = step.is_some_and(|step| viewer.next_zoom(step).is_none());
        is_at_end.then_some("this is as far as it goes")
    } else if can_fetch(state) {
        Some("this is the thumbnail: fetch the photo itself first")
    } else {
        Some("the photo is not drawn yet")
    }
}
