//! The terminal application: browse, index, search and look, by keyboard, also over a network link.
//!
//! | room | what lives there |
//! |---|---|
//! | [`state`] | what the application knows, as plain data |
//! | [`action`], [`keymap`] | what a user can do, and with which keys |
//! | [`update`] | actions and replies change the state, and say what is to be done elsewhere |
//! | [`request`] | what is asked of the services, and what they answer |
//! | [`screens`], [`theme`] | state to cells |
//! | [`preview`] | the pictures among the cells |
//! | [`application`] | all of the above without a terminal: keys in, cells out |
//! | [`worker`] | the services on their threads |
//! | [`answers`] | what the terminal says among the keys |
//! | [`delivery`] | photos on their way through the terminal |
//! | [`terminal`] | the terminal, taken over and given back |
//! | `pane` | in tmux: whether pixels would land in the own pane |
//! | `idle` | when an application that nobody uses locks itself |
//! | `event_loop` | joins all of these |
//!
//! Must never: wait in the event loop, or write a decrypted photo to a disk that outlives the moment.

pub mod action;
pub mod answers;
pub mod application;
pub mod delivery;
mod event_loop;
mod fuzzy;
mod idle;
pub mod keymap;
pub mod locale;
mod overrides;
mod pane;
pub mod preview;
pub mod request;
pub mod screens;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
mod words;
mod worker;

use std::io;
use std::path::Path;
use std::sync::mpsc::channel;

use ratatui_image::picker::Capability;

use crate::preview::{Choice, Link};
use crate::services::application_options::ApplicationOptions;
use crate::services::search::DEFAULT_TOP;
use crate::services::session;

use application::Application;
use event_loop::EventLoop;
use keymap::Keymap;
use overrides::Warning;
use preview::{Pictures, SentPictures};
use request::Effect;
use state::gate::Gate;
use state::vault::Session;
use state::{Preferences, State};
use terminal::Screen;
use theme::{Background, Colours, Theme};
use worker::{IsNew, Workers};

/// Why the application ended otherwise than by the user's wish.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The terminal cannot be used.
    #[error("cannot use the terminal")]
    Terminal(#[from] io::Error),
    /// A part of the program failed.
    #[error("a part of the program failed; the message above says which")]
    WorkerDied,
    /// A signal ended it.
    #[error("ended by signal {0}")]
    Signal(i32),
}

/// Runs the application until the user ends it.
///
/// # Errors
/// When the terminal cannot be used, a part of the program failed, or a signal ended it.
pub fn run(mut options: ApplicationOptions, preview: Choice) -> Result<(), Error> {
    let sent = SentPictures::default();
    let mut screen = Screen::take(options.mouse, sent.clone())?;
    let mut application = build(&options, sent);
    // The first frame comes before anything else is begun.
    screen.draw(&mut application)?;
    let (app_events, inbox) = channel();
    #[cfg(unix)]
    worker::read_signals(&app_events)?;
    let mut workers = Workers::start(&app_events, options.dirs.clone());
    for effect in application.start() {
        if let Effect::Ask(request) = effect {
            workers.ask(request);
        }
    }
    if let (Some(vault), Some(passphrase)) = (options.vault.clone(), options.passphrase.take()) {
        if let Some(Gate::Unlock(unlock)) = &mut application.state.gate {
            unlock.is_working = true;
        }
        application.state.session = Session::Opening { vault: vault.clone() };
        // Never a new vault: at the path of one whose disk is not mounted, it would be taken for the old one emptied.
        workers.open_with(vault, passphrase, IsNew::No);
    }
    EventLoop::new(application, screen, workers, options, preview).run(&inbox)
}

fn build(options: &ApplicationOptions, sent: SentPictures) -> Application {
    let preferences = Preferences {
        threshold: options.threshold,
        top: DEFAULT_TOP,
        characters: locale::characters(|name| std::env::var_os(name)),
        motion: options.motion,
        export_folder: std::env::current_dir().unwrap_or_else(|_| options.folder.clone()).join("exported"),
        vault: options.vault.clone(),
        on_lock: options.on_lock,
    };
    let mut state = State::new(options.folder.clone(), preferences);
    // Whether the vault is there is looked up by a worker: a disk that does not answer must not delay the first frame.
    state.gate = Some(Gate::for_question(session::first_question(options.vault.as_deref(), &options.folder)));
    let mut keymap = Keymap::default();
    let warnings = keymap.lay_over(&user_file(&mut state, &options.keymap));
    warn(&mut state, &options.keymap, warnings);
    let theme = theme(&mut state, options, Background::Unknown);
    Application::new(state, keymap, theme, Pictures::new(Link::of_environment(), sent))
}

/// The theme for a terminal, the user's file laid over it; what is wrong with that file is told once.
fn theme(state: &mut State, options: &ApplicationOptions, background: Background) -> Theme {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = if is_plain { Colours::PicturesOnly } else { Colours::Text };
    let (theme, warnings) = Theme::new(background, colours, &user_file(state, &options.theme));
    warn(state, &options.theme, warnings);
    theme
}

/// The text of a user's file; empty when there is none.
fn user_file(state: &mut State, path: &Path) -> String {
    match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                warn_once(state, format!("{}: {error}", path.display()));
            }
            String::new()
        }
    }
}

fn warn(state: &mut State, path: &Path, warnings: Vec<Warning>) {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    for warning in warnings {
        warn_once(state, format!("{name}, line {}: {}", warning.line, warning.what));
    }
}

fn warn_once(state: &mut State, text: String) {
    if !state.journal.messages().any(|message| message.text == text) {
        state.journal.warn(text);
    }
}

/// Light or dark, by the luma of the background that the terminal named (ITU-R BT.601).
fn background(answers: &[Capability]) -> Background {
    let named = answers.iter().find_map(|capability| match capability {
        Capability::Background(red, green, blue) => Some([*red, *green, *blue].map(u32::from)),
        _ => None,
    });
    match named {
        Some([red, green, blue]) if 299 * red + 587 * green + 114 * blue > 127_500 => Background::Light,
        Some(_) => Background::Dark,
        None => Background::Unknown,
    }
}
