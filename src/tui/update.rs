//! Actions and replies change the state and return effects: what the event loop must do or ask of the workers.
//!
//! Must never wait: no file, no lock, no network.

mod answer;
mod commands;
mod export;
mod folders;
mod indexing;
mod intake;
mod jump;
mod leaving;
mod lists;
mod lock_screen;
mod movement;
mod overlay;
mod photos;
mod refusal;
mod trust;
mod typed_path;
mod viewer;

use std::time::Duration;

use super::action::Action;
use super::commands::CommandKind;
use super::request::{Effect, Reply, Request};
use super::state::cursor::Step;
use super::state::overlay::Overlay;
use super::state::results::Amount;
use super::state::text_field::TextField;
use super::state::tiles::Resize;
use super::state::vault::Task;
use super::state::{State, Tab};
use lists::with_list;

pub use commands::{command_refusal, run_command};
pub use export::export;
pub use intake::submit_plan;
pub use leaving::finish;
pub use lock_screen::key::FormKey;
pub use lock_screen::{lock_screen_key, look_if_due, skip_lock_screen};
pub use overlay::{answer, close, decline};
pub use photos::{current_photo, information};
pub use refusal::refusal;
pub(in crate::tui) use viewer::{can_fetch, subject, upcoming};

/// Applies a reply. A reply that is out of date changes nothing.
pub fn receive(state: &mut State, reply: Reply) -> Vec<Effect> {
    let mut effects = answer::receive(state, reply);
    effects.extend(viewer::follow(state));
    effects.extend(information(state));
    effects
}

/// Time passes.
pub fn advance(state: &mut State, by: Duration) -> Vec<Effect> {
    state.tick = state.tick.wrapping_add(1);
    if let Some(run) = &mut state.indexing {
        run.advance(by);
    }
    state.browser.surveys.advance(by);
    if let Some(run) = &mut state.exporting {
        run.advance(by);
    }
    if state.collection.task == Some(Task::Checking) {
        state.collection.checking.advance(by);
    }
    viewer::advance(state, by)
}

/// Performs `action`, or says why not. Moving past the end of a list is not worth a message.
pub fn apply(state: &mut State, action: Action) -> Vec<Effect> {
    let mut effects = perform(state, action);
    effects.extend(viewer::follow(state));
    effects.extend(information(state));
    effects
}

fn perform(state: &mut State, action: Action) -> Vec<Effect> {
    state.messages.mark_read();
    if state.lock_screen.is_none() {
        state.first_tab = None;
    }
    let step = movement::step_of(action);
    if let Some(reason) = refusal(state, action) {
        if step.is_none() && !is_silent(action) {
            state.messages.refuse(reason);
        }
        return Vec::new();
    }
    if let Some(effects) = viewer::apply(state, action) {
        return effects;
    }
    if let Some(step) = step {
        return walk(state, step);
    }
    match action {
        Action::Enter => return folders::open(state),
        Action::Back => lists::back(state),
        Action::NextView => folders::next_view(state),
        Action::Files => state.tab = Tab::Files,
        Action::Results => state.tab = Tab::Results,
        Action::Vault => state.tab = Tab::Vault,
        Action::Indexing => state.tab = Tab::Indexing,
        Action::Filter => lists::start_filter(state),
        Action::Select => with_list(state, lists::select_and_move_on),
        Action::SelectRange => with_list(state, |list| list.toggle_range()),
        Action::SelectAll => with_list(state, |list| list.toggle_all()),
        Action::InvertSelection => with_list(state, |list| list.invert()),
        Action::Similar => return photos::similar(state),
        Action::Zoom => return viewer::open(state),
        Action::Compare => return viewer::compare(state),
        Action::Slideshow => {
            let mut effects = viewer::open(state);
            effects.extend(viewer::apply(state, action).unwrap_or_default());
            return effects;
        }
        Action::CopyNames => return photos::copy_names(state),
        Action::Parent => return folders::parent(state),
        Action::Home => return folders::home(state),
        Action::Sort => lists::sort_next(state),
        Action::Reload => return folders::reload(state),
        Action::Index => return intake::plan(state, state.browser.list.targets()),
        Action::IndexFolder => return intake::plan(state, vec![state.browser.folder.clone()]),
        Action::PauseIndexing => return indexing::toggle_pause(state),
        Action::StopIndexing => return indexing::stop_all(state),
        Action::RaiseThreshold => state.results.move_threshold(1),
        Action::LowerThreshold => state.results.move_threshold(-1),
        Action::MoreResults => state.results.move_top(Amount::More),
        Action::FewerResults => state.results.move_top(Amount::Fewer),
        // Text may stand where a picture comes that covers only a part of its cells.
        Action::Arrangement => {
            lists::rearrange(state);
            return vec![Effect::Redraw];
        }
        Action::LargerThumbnails => return lists::resize(state, Resize::Larger),
        Action::SmallerThumbnails => return lists::resize(state, Resize::Smaller),
        Action::Export => photos::ask_where_to_export(state, photos::subject(state)),
        Action::ExportMatches => photos::ask_where_to_export(state, state.results.matches()),
        Action::PreviousQuery => state.history.previous(&mut state.results),
        Action::NextQuery => state.history.next(&mut state.results),
        Action::Jump => return overlay::open_palette(state, CommandKind::Go),
        Action::OpenVault => return overlay::open_palette(state, CommandKind::Open),
        Action::StopExport => return export::stop(state),
        Action::OpenOutside => photos::ask(state, photos::Purpose::OpenOutside),
        Action::Download => return photos::download(state),
        Action::Remove => photos::ask(state, photos::Purpose::Remove),
        Action::Check => return photos::check(state),
        Action::Details => return photos::toggle_information(state),
        Action::Help => state.overlay = Some(Overlay::Help { filter: TextField::default(), scroll: 0 }),
        Action::Palette => {
            state.overlay = Some(Overlay::Palette { filter: TextField::default(), cursor: Default::default() });
            return vec![Effect::Ask(Request::KnownVaults)];
        }
        Action::Log => state.overlay = Some(Overlay::Log { scroll: 0 }),
        Action::CyclePictures => return vec![Effect::CyclePictures],
        Action::AskTerminal => return vec![Effect::AskTerminal],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Lock => return leaving::lock(state),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return leaving::quit(state),
        // Movements were handled above; what works in windows and text fields only was refused.
        _ => {}
    }
    Vec::new()
}

/// Esc with nothing to close and the key of the shown tab are not mistakes.
fn is_silent(action: Action) -> bool {
    matches!(action, Action::Back | Action::Files | Action::Results | Action::Vault | Action::Indexing)
}

/// Moves in the shown list; in the files, left and right move between folders.
fn walk(state: &mut State, step: Step) -> Vec<Effect> {
    match (state.tab, step) {
        (Tab::Files, Step::Left) => folders::parent(state),
        (Tab::Files, Step::Right) => folders::open(state),
        _ => {
            movement::step(state, step);
            Vec::new()
        }
    }
}
