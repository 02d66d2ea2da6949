//! Threads that do what takes time, so that the event loop never waits. Each kind of work has its own: a slow picture
//! holds up no listing, and indexing holds up neither.

mod folders;
mod pictures;

use std::sync::mpsc::{Sender, channel};
use std::thread;

use crossterm::event::Event;

use super::preview::{Fulfilled, Wish};
use super::request::{Reply, Request};
use crate::preview::Encoder;

/// Something happened that the event loop must look at.
pub(super) enum Happening {
    /// A key, a click, a paste, a new size.
    Terminal(Event),
    /// The terminal is gone.
    TerminalLost,
    /// A signal of this number arrived.
    Signal(i32),
    /// A worker answered.
    Reply(Reply),
    /// A picture came.
    Picture(Box<Fulfilled>),
    /// A worker died; the panic hook has said why.
    WorkerDied,
}

/// Tells the event loop when its thread dies.
struct Mourner(Sender<Happening>);

impl Drop for Mourner {
    fn drop(&mut self) {
        if thread::panicking() {
            // When the loop is gone too, nobody needs to be told.
            let _ = self.0.send(Happening::WorkerDied);
        }
    }
}

/// Starts a thread whose death the event loop hears of.
fn start(name: &str, happenings: &Sender<Happening>, work: impl FnOnce() + Send + 'static) {
    let mourner = Mourner(happenings.clone());
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _mourner = mourner;
        work();
    });
    if started.is_err() {
        let _ = happenings.send(Happening::WorkerDied);
    }
}

/// The workers.
pub(super) struct Workers {
    folders: Sender<std::path::PathBuf>,
    pictures: Sender<pictures::Wanted>,
    asked: Vec<Wish>,
}

impl Workers {
    /// Starts them; they answer to `happenings`.
    #[must_use]
    pub(super) fn start(happenings: &Sender<Happening>) -> Self {
        let (folders, wanted_folders) = channel();
        let (pictures, wanted_pictures) = channel();
        let answers = happenings.clone();
        start("folders", happenings, move || folders::work(&wanted_folders, &answers));
        let answers = happenings.clone();
        start("pictures", happenings, move || pictures::work(&wanted_pictures, &answers));
        Self { folders, pictures, asked: Vec::new() }
    }

    /// Asks for something; the answer comes as a [`Happening`].
    pub(super) fn ask(&self, request: Request) {
        // A worker that is gone has been mourned.
        match request {
            Request::List(folder) => drop(self.folders.send(folder)),
            _ => {}
        }
    }

    /// Asks for the pictures that the last frame wanted, unless they are asked for already.
    pub(super) fn want(&mut self, encoder: Option<&Encoder>, wishes: &[Wish]) {
        if self.asked != wishes {
            self.asked = wishes.to_vec();
            if let Some(encoder) = encoder {
                let _ = self.pictures.send(pictures::Wanted { encoder: encoder.clone(), wishes: wishes.to_vec() });
            }
        }
    }

    /// A wished-for picture came.
    pub(super) fn fulfilled(&mut self, wish: &Wish) {
        self.asked.retain(|asked| asked != wish);
    }
}

/// Reads the terminal's events. Starts only after the terminal was asked what it understands.
pub(super) fn read_events(happenings: &Sender<Happening>) {
    let events = happenings.clone();
    start("events", happenings, move || {
        while let Ok(event) = crossterm::event::read() {
            if events.send(Happening::Terminal(event)).is_err() {
                return;
            }
        }
        let _ = events.send(Happening::TerminalLost);
    });
}

/// Receives the signals that end, stop and continue a program.
///
/// # Errors
/// When the system lets none be received.
#[cfg(unix)]
pub(super) fn read_signals(happenings: &Sender<Happening>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT])?;
    let events = happenings.clone();
    start("signals", happenings, move || {
        for signal in signals.forever() {
            if events.send(Happening::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}
