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
//! | [`terminal`] | the terminal, taken over and given back |
//!
//! Must never: wait in the event loop, or write a decrypted photo to a disk that outlives the moment.

pub mod action;
pub mod application;
mod fuzzy;
pub mod keymap;
mod overrides;
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
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crossterm::event::Event;
use ratatui_image::picker::{Capability, Picker};

use crate::cipher::Passphrase;
use crate::preview::{Choice, Link, Probe, Reason};
use crate::services::places::Places;

use application::Application;
use keymap::Keymap;
use preview::{Pictures, SentPictures};
use request::Effect;
pub use state::Motion;
use state::gate::{FirstRun, Gate, Unlock};
use state::vault::Session;
use state::{Preferences, State};
pub use terminal::Mouse;
use terminal::Screen;
use theme::{Background, Colours, Theme};
use worker::{Happening, Workers};

/// How the application is started.
pub struct Options {
    /// The vault to open or to propose.
    pub vault: Option<PathBuf>,
    /// Its passphrase, where it need not be typed.
    pub passphrase: Option<Passphrase>,
    /// The folder that is shown first.
    pub folder: PathBuf,
    /// Similarity from which a photo matches.
    pub threshold: f32,
    /// How pictures are drawn.
    pub preview: Choice,
    /// Whether the mouse is taken.
    pub mouse: Mouse,
    /// Whether anything moves by itself.
    pub motion: Motion,
    /// Locks after this long without a key; never without.
    pub lock_after: Option<Duration>,
    /// The user's folders: keymap and theme lie beside the settings.
    pub places: Places,
}

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

/// Matches listed at most, at first.
const FIRST_TOP: usize = 50;
/// The shortest time between frames that no key asked for.
const FRAME: Duration = Duration::from_millis(16);
/// One step of a working mark, and of the clock of an indexing run.
const TICK: Duration = Duration::from_millis(120);
/// How often an idle application looks whether it is time to lock.
const IDLE: Duration = Duration::from_secs(1);

/// Runs the application until the user ends it.
///
/// # Errors
/// When the terminal cannot be used, a part of the program failed, or a signal ended it.
pub fn run(mut options: Options) -> Result<(), Error> {
    let sent = SentPictures::default();
    let mut screen = Screen::take(options.mouse, sent.clone())?;
    let mut application = build(&options, sent);
    // The first frame comes before the terminal is asked anything: a silent one is waited for two seconds.
    screen.draw(&mut application)?;
    let (happenings, inbox) = channel();
    let mut workers = Workers::start(&happenings, options.places.clone());
    for effect in application.start() {
        if let Effect::Ask(request) = effect {
            workers.ask(request);
        }
    }
    if let (Some(Gate::Unlock(unlock)), Some(passphrase)) = (&mut application.state.gate, options.passphrase.take()) {
        unlock.is_working = true;
        application.state.session = Session::Opening { vault: unlock.vault.clone() };
        workers.open_with(unlock.vault.clone(), passphrase);
    }
    use_terminal(&mut application, &options);
    #[cfg(unix)]
    worker::read_signals(&happenings)?;
    worker::read_events(&happenings);
    let mut session = Loop { application, screen, workers, lock_after: options.lock_after };
    let ended = session.run(&inbox);
    let Loop { screen, workers, .. } = session;
    // The terminal comes back at once. Threads do not unwind at a process's end: what runs is ended, keys are wiped here.
    drop(screen);
    workers.finish();
    ended
}

fn link() -> Link {
    Link::of_environment()
}

fn build(options: &Options, sent: SentPictures) -> Application {
    let preferences = Preferences {
        threshold: options.threshold,
        top: FIRST_TOP,
        motion: options.motion,
        export_folder: std::env::current_dir().unwrap_or_else(|_| options.folder.clone()).join("exported"),
        vault: options.vault.clone(),
    };
    let mut state = State::new(options.folder.clone(), preferences);
    state.gate = Some(match &options.vault {
        Some(vault) if vault.exists() => Gate::Unlock(Unlock::new(vault.clone())),
        Some(vault) => Gate::FirstRun(FirstRun::new(vault.clone())),
        None => {
            let home = std::env::home_dir().unwrap_or_else(|| options.folder.clone());
            Gate::FirstRun(FirstRun::new(home.join("photos.vault")))
        }
    });
    let mut keymap = Keymap::default();
    for warning in keymap.lay_over(&user_file(options, "keymap.toml")) {
        state.journal.warn(format!("keymap.toml, line {}: {}", warning.line, warning.what));
    }
    let theme = theme(&mut state, options, Background::Unknown);
    Application::new(state, keymap, theme, Pictures::new(link(), sent))
}

/// The user's file of this name beside the settings; empty when there is none.
fn user_file(options: &Options, name: &str) -> String {
    std::fs::read_to_string(options.places.settings_file().with_file_name(name)).unwrap_or_default()
}

fn theme(state: &mut State, options: &Options, background: Background) -> Theme {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = if is_plain { Colours::PicturesOnly } else { Colours::Text };
    let (theme, warnings) = Theme::new(background, colours, &user_file(options, "theme.toml"));
    for warning in warnings {
        let text = format!("theme.toml, line {}: {}", warning.line, warning.what);
        if !state.journal.messages().any(|message| message.text == text) {
            state.journal.warn(text);
        }
    }
    theme
}

/// Asks the terminal what it understands, before anything else reads its answers.
fn use_terminal(application: &mut Application, options: &Options) {
    let Probe { picker, reason, .. } = crate::preview::probe(options.preview, link());
    application.theme = theme(&mut application.state, options, picker.as_ref().map_or(Background::Unknown, background));
    if reason == Reason::Silent {
        application.state.journal.note("the terminal says nothing about pictures: drawn in half blocks");
    }
    application.pictures.use_terminal(picker);
}

/// Light or dark, by the luma of the background that the terminal named (ITU-R BT.601).
fn background(picker: &Picker) -> Background {
    let named = picker.capabilities().iter().find_map(|capability| match capability {
        Capability::Background(red, green, blue) => Some([*red, *green, *blue].map(u32::from)),
        _ => None,
    });
    match named {
        Some([red, green, blue]) if 299 * red + 587 * green + 114 * blue > 127_500 => Background::Light,
        Some(_) => Background::Dark,
        None => Background::Unknown,
    }
}

/// Whether the application goes on.
#[derive(Eq, PartialEq)]
enum Next {
    GoOn,
    End,
}

struct Loop {
    application: Application,
    screen: Screen,
    workers: Workers,
    lock_after: Option<Duration>,
}

impl Loop {
    fn run(&mut self, inbox: &std::sync::mpsc::Receiver<Happening>) -> Result<(), Error> {
        let mut last_key = Instant::now();
        let mut last_tick = Instant::now();
        let mut last_frame = Instant::now();
        let mut is_stale = true;
        loop {
            if is_stale {
                self.draw()?;
                last_frame = Instant::now();
                is_stale = false;
            }
            let patience = if self.application.state.is_working() { TICK } else { IDLE };
            let first = match inbox.recv_timeout(patience.saturating_sub(last_tick.elapsed())) {
                Ok(happening) => Some(happening),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Err(Error::WorkerDied),
            };
            let mut has_key = false;
            let mut next = first;
            // Everything that waits is looked at before the next frame; what no key asked for waits for its time.
            while let Some(happening) = next {
                has_key |= matches!(happening, Happening::Terminal(_));
                if self.handle(happening)? == Next::End {
                    return Ok(());
                }
                is_stale = true;
                next = match FRAME.checked_sub(last_frame.elapsed()) {
                    Some(rest) if !has_key => inbox.recv_timeout(rest).ok(),
                    _ => inbox.try_recv().ok(),
                };
            }
            if has_key {
                last_key = Instant::now();
            }
            if last_tick.elapsed() >= patience {
                if self.application.state.is_working() {
                    self.application.advance(last_tick.elapsed());
                    is_stale = true;
                }
                last_tick = Instant::now();
            }
            if self.lock_after.is_some_and(|after| last_key.elapsed() >= after) {
                let effects = self.application.lock();
                is_stale |= !effects.is_empty();
                self.perform(effects)?;
                last_key = Instant::now();
            }
        }
    }

    fn draw(&mut self) -> Result<(), Error> {
        self.screen.draw(&mut self.application)?;
        self.workers.want(self.application.pictures.encoder(), self.application.pictures.wishes());
        Ok(())
    }

    fn handle(&mut self, happening: Happening) -> Result<Next, Error> {
        let effects = match happening {
            Happening::Terminal(Event::Key(key)) => self.application.key(key),
            Happening::Terminal(Event::Mouse(mouse)) => self.application.mouse(mouse),
            Happening::Terminal(Event::Paste(text)) => self.application.paste(&text),
            // After another window covered this one, or in tmux another pane, pictures may be gone.
            Happening::Terminal(Event::FocusGained | Event::Resize(..)) => vec![Effect::Redraw],
            Happening::Terminal(Event::FocusLost) => Vec::new(),
            Happening::Reply(reply) => self.application.receive(reply),
            Happening::Picture(fulfilled) => {
                self.workers.fulfilled(&fulfilled.wish);
                let forgetting = self.application.pictures.receive(*fulfilled);
                self.screen.send(forgetting.as_bytes())?;
                Vec::new()
            }
            Happening::TerminalLost => return Ok(Next::End),
            Happening::WorkerDied => return Err(Error::WorkerDied),
            Happening::Signal(signal) => return self.signal(signal),
        };
        self.perform(effects)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Result<Next, Error> {
        for effect in effects {
            match effect {
                Effect::Ask(request) => self.workers.ask(request),
                Effect::Copy(text) => self.screen.copy(&text)?,
                Effect::Download(bytes) => self.screen.send(&bytes)?,
                Effect::CyclePictures => {
                    let forgetting = self.application.pictures.cycle();
                    self.screen.send(forgetting.as_bytes())?;
                    self.screen.clear()?;
                    let name = self.application.pictures.protocol_name();
                    self.application.state.journal.note(format!("pictures drawn by {name}"));
                }
                Effect::ForgetPictures => {
                    let forgetting = self.application.pictures.forget();
                    self.screen.send(forgetting.as_bytes())?;
                    self.screen.clear()?;
                }
                Effect::Redraw => self.screen.clear()?,
                Effect::Suspend => self.suspend()?,
                Effect::Quit => return Ok(Next::End),
            }
        }
        Ok(Next::GoOn)
    }

    #[cfg(unix)]
    fn signal(&mut self, signal: i32) -> Result<Next, Error> {
        use signal_hook::consts::{SIGCONT, SIGTSTP};
        match signal {
            SIGTSTP => self.suspend()?,
            // Continued after a stop that nobody announced (SIGSTOP): the screen may be anyone's.
            SIGCONT => self.screen.resume()?,
            _ => return Err(Error::Signal(signal)),
        }
        Ok(Next::GoOn)
    }

    #[cfg(not(unix))]
    fn signal(&mut self, signal: i32) -> Result<Next, Error> {
        Err(Error::Signal(signal))
    }

    /// Gives the terminal back and stops, until the shell continues the program.
    fn suspend(&mut self) -> Result<(), Error> {
        #[cfg(unix)]
        {
            let _ = self.application.pictures.forget();
            self.screen.release();
            signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
            self.screen.resume()?;
        }
        Ok(())
    }
}
