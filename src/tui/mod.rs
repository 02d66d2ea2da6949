//! The terminal application: browse, index, search and view photos by keyboard, locally or over ssh.
//!
//! | module | content |
//! |---|---|
//! | [`state`] | what the application knows, as plain data |
//! | [`action`], [`keymap`] | what a user can do, and with which keys |
//! | [`palette`], [`commands`] | actions by name, and commands with an argument |
//! | [`update`] | actions and replies change the state and return effects |
//! | [`request`] | what is asked of the workers, and what they reply |
//! | [`screens`], [`theme`] | state to cells |
//! | [`preview`] | the pictures among the cells |
//! | [`application`] | all of the above without a terminal: keys in, cells out |
//! | [`worker`] | the services on their threads |
//! | [`answers`] | separates the terminal's replies from keys |
//! | [`delivery`] | sends photos through the terminal |
//! | [`attention`] | progress and notifications for a user who looks at another window |
//! | [`terminal`] | takes the terminal over and restores it |
//! | `pane` | in tmux: whether pixels would land in this pane |
//! | `idle` | when to lock |
//! | `startup` | the user's keymap and theme files, and the first state |
//! | `event` | what the event loop reacts to |
//! | `event_loop` | connects all of these |
//!
//! Must never: wait in the event loop, or leave a decrypted photo on a disk.

pub mod action;
pub mod answers;
pub mod application;
pub mod attention;
pub mod commands;
pub mod delivery;
mod error;
mod event;
mod event_loop;
mod format;
mod fuzzy;
mod idle;
pub mod keymap;
pub mod locale;
mod overrides;
pub mod palette;
mod pane;
pub mod preview;
pub mod request;
pub mod screens;
mod startup;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
mod worker;

use std::sync::mpsc::channel;

use crate::preview::Choice;
use crate::services::application_options::ApplicationOptions;
use event_loop::EventLoop;
use preview::SentPictures;
use request::Effect;
use state::lock_screen::LockScreen;
use state::vault::Session;
use terminal::Screen;
use worker::{IsNew, Workers};

pub use error::Error;

/// Runs the application until the user ends it.
///
/// # Errors
/// When the terminal cannot be used, a thread panicked, or a signal ended the program.
pub fn run(mut options: ApplicationOptions, preview: Choice) -> Result<(), Error> {
    let sent = SentPictures::default();
    let mut screen = Screen::take(options.mouse, sent.clone())?;
    let (mut application, theme_file) = startup::build(&options, sent);
    // The first frame is drawn before any work starts.
    screen.draw(&mut application)?;
    let (events, inbox) = channel();
    #[cfg(unix)]
    worker::read_signals(&events)?;
    let mut workers = Workers::start(&events, options.dirs.clone());
    if let (Some(vault), Some(passphrase)) = (options.vault.clone(), options.passphrase.take()) {
        if let Some(LockScreen::Unlock(unlock)) = &mut application.state.lock_screen {
            unlock.is_working = true;
        }
        application.state.session = Session::Opening { vault: vault.clone() };
        // Never create one here: an unmounted disk would look like a vault that lost all its photos.
        workers.open_with(vault, passphrase, IsNew::No);
    }
    for effect in application.start() {
        if let Effect::Ask(request) = effect {
            workers.ask(request);
        }
    }
    EventLoop::new(application, screen, workers, options, preview, theme_file).run(&inbox)
}
