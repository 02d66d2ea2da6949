//! How the application is started, and why it may fail.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::cipher::Passphrase;
use crate::preview::Choice;
use crate::services::places::Places;
use crate::services::settings::{CellSize, Motion, Mouse, OnLock};

/// How the application is started.
pub struct Options {
    /// The vault to open, if one is known.
    pub vault: Option<PathBuf>,
    /// Its passphrase, if the user need not type it.
    pub passphrase: Option<Passphrase>,
    /// The folder to show first.
    pub folder: PathBuf,
    /// Similarity (cosine, -1 to 1) from which a photo is a match.
    pub threshold: f32,
    /// How pictures are drawn.
    pub preview: Choice,
    /// Cell size in pixels; overrides what the terminal reports.
    pub cell_size: Option<CellSize>,
    /// Whether to capture the mouse.
    pub mouse: Mouse,
    /// Whether spinners turn.
    pub motion: Motion,
    /// Locks after this long without a key; `None` never locks.
    pub lock_after: Option<Duration>,
    /// What locking does to an indexing run.
    pub on_lock: OnLock,
    /// The user's keymap file; it need not exist.
    pub keymap: PathBuf,
    /// The user's theme file; it need not exist.
    pub theme: PathBuf,
    /// The user's folders.
    pub places: Places,
}

/// Why the application ended other than by the user's choice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The terminal cannot be used.
    #[error("cannot use the terminal")]
    Terminal(#[from] io::Error),
    /// A thread panicked.
    #[error("a part of the program failed; the message above says which")]
    WorkerDied,
    /// A signal ended it.
    #[error("ended by signal {0}")]
    Signal(i32),
}
