//! Actions and replies change the state; what is to be done elsewhere comes back as effects. Nothing here waits.

mod answer;
mod export;
mod gate;
mod overlay;
mod photos;
mod refusal;

use super::action::Action;
use super::request::{Effect, Request};
use super::state::browser::Kind;
use super::state::cursor::{Cursor, Shape, Step};
use super::state::indexing::{Indexing, Standing};
use super::state::line::Line;
use super::state::list::{Filter, List};
use super::state::overlay::{Overlay, Question};
use super::state::tiles::Resize;
use super::state::{Pane, State, Tab};
use crate::services::settings::OnLock;

pub use answer::receive;
pub use export::export;
pub use gate::{GateKey, gate_key, skip_gate};
pub use overlay::{answer, choose, decline};
pub use photos::current_photo;
pub use refusal::refusal;

/// Does `action`, or says why not. At the end of a list, or where there is none, moving says nothing.
pub fn apply(state: &mut State, action: Action) -> Vec<Effect> {
    state.journal.read();
    let step = step_of(action);
    if let Some(reason) = refusal(state, action) {
        if step.is_none() && !is_silent(action) {
            state.journal.refuse(reason);
        }
        return Vec::new();
    }
    if let Some(step) = step {
        return movement(state, action, step);
    }
    match action {
        Action::Enter => return enter(state),
        Action::Back => back(state),
        Action::NextView => next_view(state),
        Action::Files => state.tab = Tab::Files,
        Action::Results => state.tab = Tab::Results,
        Action::Vault => state.tab = Tab::Vault,
        Action::Indexing => state.tab = Tab::Indexing,
        Action::Filter => begin_filter(state),
        Action::Select => with_list(state, select_and_move_on),
        Action::SelectRange => with_list(state, |list| list.toggle_range()),
        Action::SelectAll => with_list(state, |list| list.toggle_all()),
        Action::InvertSelection => with_list(state, |list| list.invert()),
        Action::Similar => return photos::similar(state),
        Action::Zoom => zoom(state),
        Action::CopyNames => return photos::copy_names(state),
        Action::Parent => return parent(state),
        Action::Home => return home(state),
        Action::Sort => {
            state.browser.sort_next();
            state.journal.note(format!("sorted {}", state.browser.sorting.title()));
        }
        Action::Reload => return reload(state),
        Action::Index => return index(state, state.browser.list.targets()),
        Action::IndexFolder => return index(state, vec![state.browser.folder.clone()]),
        Action::PauseIndexing => return pause(state),
        Action::StopIndexing => return stop(state),
        Action::RaiseThreshold => state.results.move_threshold(1),
        Action::LowerThreshold => state.results.move_threshold(-1),
        Action::MoreResults => state.results.move_top(super::state::results::Amount::More),
        Action::FewerResults => state.results.move_top(super::state::results::Amount::Fewer),
        Action::Arrangement => state.tiles.rearrange(),
        Action::LargerThumbnails => state.tiles.resize(Resize::Larger),
        Action::SmallerThumbnails => state.tiles.resize(Resize::Smaller),
        Action::Export => photos::ask_where_to_export(state),
        Action::StopExport => return export::stop(state),
        Action::OpenOutside => photos::ask(state, photos::Purpose::OpenOutside),
        Action::Download => photos::ask(state, photos::Purpose::Download),
        Action::Remove => photos::ask(state, photos::Purpose::Remove),
        Action::Check => return photos::check(state),
        Action::Details => return photos::details(state),
        Action::Help => state.overlay = Some(Overlay::Help { filter: Line::default(), scroll: 0 }),
        Action::Palette => {
            state.overlay = Some(Overlay::Palette { filter: Line::default(), cursor: Default::default() });
        }
        Action::Log => state.overlay = Some(Overlay::Log { scroll: 0 }),
        Action::CyclePictures => return vec![Effect::CyclePictures],
        Action::AskTerminal => return vec![Effect::AskTerminal],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Lock => return lock(state),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return quit(state),
        // The rest was a movement.
        _ => {}
    }
    Vec::new()
}

/// Esc with nothing to close, and the key of the tab that is shown, are no mistakes.
fn is_silent(action: Action) -> bool {
    matches!(action, Action::Back | Action::Files | Action::Results | Action::Vault | Action::Indexing)
}

fn step_of(action: Action) -> Option<Step> {
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

/// The place in the list of the shown tab, and how its items stand.
fn place(state: &State) -> (Cursor, Shape) {
    let Some(list) = state.list() else { return (Cursor::default(), Shape::whole(0, 1)) };
    let columns = state.shown.columns;
    let shape = match state.tab {
        Tab::Results => state.results.shape(columns),
        Tab::Files => Shape::whole(list.count(), 1),
        Tab::Vault | Tab::Indexing => Shape::whole(list.count(), columns),
    };
    (list.cursor(), shape)
}

/// Where `step` leads in the list of the shown tab.
fn stepped(state: &State, step: Step) -> Cursor {
    let (mut cursor, shape) = place(state);
    cursor.step(step, shape, state.shown.lines);
    cursor
}

/// Whether `action` moves the cursor.
fn moves(state: &State, action: Action) -> bool {
    step_of(action).is_some_and(|step| stepped(state, step) != place(state).0)
}

fn movement(state: &mut State, action: Action, step: Step) -> Vec<Effect> {
    match (state.tab, action) {
        (Tab::Files, Action::Left) => return parent(state),
        (Tab::Files, Action::Right) => return enter(state),
        _ => {
            let cursor = stepped(state, step);
            with_list(state, |list| *list.cursor_mut() = cursor);
        }
    }
    Vec::new()
}

fn enter(state: &mut State) -> Vec<Effect> {
    if state.tab == Tab::Files
        && let Some(entry) = state.browser.list.current()
        && entry.kind == Kind::Folder
    {
        let folder = entry.path.clone();
        return go_to(state, folder);
    }
    zoom(state);
    Vec::new()
}

/// Lists another folder.
fn go_to(state: &mut State, folder: std::path::PathBuf) -> Vec<Effect> {
    state.browser.enter(folder.clone());
    vec![Effect::Ask(Request::List(folder))]
}

fn parent(state: &mut State) -> Vec<Effect> {
    match state.browser.folder.parent().map(std::path::Path::to_owned) {
        Some(folder) => go_to(state, folder),
        None => Vec::new(),
    }
}

fn home(state: &mut State) -> Vec<Effect> {
    match std::env::home_dir() {
        Some(folder) => go_to(state, folder),
        None => Vec::new(),
    }
}

fn reload(state: &mut State) -> Vec<Effect> {
    match state.tab {
        Tab::Files => {
            state.browser.is_loading = true;
            vec![Effect::Ask(Request::List(state.browser.folder.clone()))]
        }
        Tab::Vault => vec![Effect::Ask(Request::Collection)],
        Tab::Results => match state.results.query.clone() {
            Some(query) => photos::search(state, query),
            None => Vec::new(),
        },
        Tab::Indexing => Vec::new(),
    }
}

fn zoom(state: &mut State) {
    if current_photo(state).is_some() {
        state.overlay = Some(Overlay::Zoom);
    }
}

/// Changes the list of the shown tab, if there is one.
fn with_list(state: &mut State, change: impl FnOnce(&mut dyn List)) {
    if let Some(list) = state.list_mut() {
        change(list);
    }
}

fn select_and_move_on(list: &mut dyn List) {
    list.toggle_current();
    // Right is the next item, however many stand side by side.
    let shape = Shape::whole(list.count(), 1);
    list.cursor_mut().step(Step::Right, shape, 1);
}

/// Whether Esc ends something: a range, a filter, a selection, the large picture of a narrow screen.
fn has_something_to_close(state: &State) -> bool {
    state.list().is_some_and(|list| list.has_range() || !list.filter().line.text().is_empty() || list.has_selection())
        || (state.shown.is_one_pane && state.pane == Pane::Preview)
}

/// Esc: the innermost thing ends first. The tab stays.
fn back(state: &mut State) {
    match state.list_mut() {
        Some(list) if list.has_range() => list.cancel_range(),
        Some(list) if !list.filter().line.text().is_empty() => {
            *list.filter_mut() = Filter::default();
            state.arrange();
        }
        Some(list) if list.has_selection() => list.clear_selection(),
        _ => state.pane = Pane::List,
    }
}

fn begin_filter(state: &mut State) {
    state.browser.remember_place();
    with_list(state, |list| list.filter_mut().is_typing = true);
}

fn next_view(state: &mut State) {
    if state.shown.is_one_pane && state.tab != Tab::Indexing {
        state.pane = match state.pane {
            Pane::List => Pane::Preview,
            Pane::Preview => Pane::List,
        };
        return;
    }
    let at = Tab::ALL.iter().position(|tab| *tab == state.tab).unwrap_or(0);
    state.tab = Tab::ALL[(at + 1) % Tab::ALL.len()];
}

/// Whether a vault is open; when not, the way to open one is shown.
fn needs_vault(state: &mut State) -> bool {
    if state.session.open().is_some() {
        return false;
    }
    gate::show(state);
    true
}

fn index(state: &mut State, paths: Vec<std::path::PathBuf>) -> Vec<Effect> {
    if needs_vault(state) {
        return Vec::new();
    }
    state.browser.list.clear_selection();
    begin_indexing(state, paths)
}

/// Whether a run is under way.
fn is_indexing(state: &State) -> bool {
    state.indexing.as_ref().is_some_and(Indexing::is_running)
}

fn begin_indexing(state: &mut State, paths: Vec<std::path::PathBuf>) -> Vec<Effect> {
    state.indexing = Some(Indexing::new());
    vec![Effect::Ask(Request::Index(paths))]
}

fn pause(state: &mut State) -> Vec<Effect> {
    let Some(run) = &mut state.indexing else { return Vec::new() };
    match run.standing {
        Standing::Running => {
            run.standing = Standing::Paused;
            vec![Effect::Ask(Request::PauseIndexing)]
        }
        Standing::Paused => {
            run.standing = Standing::Running;
            vec![Effect::Ask(Request::ResumeIndexing)]
        }
        _ => Vec::new(),
    }
}

fn stop(state: &mut State) -> Vec<Effect> {
    match &mut state.indexing {
        Some(run) if run.is_running() && run.standing != Standing::Stopping => {
            run.standing = Standing::Stopping;
            vec![Effect::Ask(Request::StopIndexing)]
        }
        _ => Vec::new(),
    }
}

/// Locks: keys, names and pictures are forgotten. An export ends with the photo in hand. An indexing run
/// goes on and keeps its own keys until it ends, unless
/// the user wants it otherwise or has paused it: a run that may be held for days needs no keys in memory.
pub fn lock(state: &mut State) -> Vec<Effect> {
    let is_paused = state.indexing.as_ref().is_some_and(|run| run.standing == Standing::Paused);
    let stops = is_paused || state.preferences.on_lock == OnLock::Pause;
    let mut effects = if stops { stop(state) } else { Vec::new() };
    effects.extend(export::stop(state));
    state.forget_vault();
    state.session = super::state::vault::Session::Closed;
    gate::show(state);
    effects.extend([Effect::Ask(Request::Close), Effect::ForgetPictures]);
    effects
}

/// The application ends as soon as the run, if there is one, has kept what it has done: the screen says so meanwhile.
pub fn finish(state: &mut State) {
    state.overlay = None;
    if is_indexing(state) {
        drop(stop(state));
        state.journal.note("finishing the photos in hand; the program ends when they are safe");
    }
}

fn quit(state: &mut State) -> Vec<Effect> {
    if state.exporting.is_some() {
        state.overlay = Some(Overlay::Confirm(Question::QuitExporting));
        return Vec::new();
    }
    quit_unless_indexing(state)
}

fn quit_unless_indexing(state: &mut State) -> Vec<Effect> {
    if is_indexing(state) {
        state.overlay = Some(Overlay::Confirm(Question::Quit));
        return Vec::new();
    }
    vec![Effect::Quit]
}
