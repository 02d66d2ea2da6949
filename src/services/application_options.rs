//! Options of the terminal application, merged from flags and settings, except how pictures are drawn.

use std::path::PathBuf;
use std::time::Duration;

use crate::services::app_dirs::AppDirs;
use crate::services::session::Passphrase;
use crate::services::settings::theme::ThemeChoice;
use crate::services::settings::{CellSize, Motion, Mouse, OnLock};

/// What the application shows first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// The files of the folder.
    Files,
    /// The photos of the vault, unless it is empty.
    Vault,
}

/// How the application is started. Has no `Debug`: it may hold a passphrase.
pub struct ApplicationOptions {
    /// The vault to open, if one is known.
    pub vault: Option<PathBuf>,
    /// The passphrase, if a flag says where to read it.
    pub passphrase: Option<Passphrase>,
    /// The folder to show first.
    pub folder: PathBuf,
    /// What is shown once a vault is open.
    pub start: Start,
    /// A photo matches when its similarity is at least this.
    pub threshold: f32,
    /// Pixels of a character cell, overriding what the terminal reports.
    pub cell_size: Option<CellSize>,
    /// Whether the program reacts to clicks and the wheel.
    pub mouse: Mouse,
    /// Whether anything is animated.
    pub motion: Motion,
    /// Locks after this long without a key; `None` for never.
    pub lock_after: Option<Duration>,
    /// What locking does to an indexing run.
    pub on_lock: OnLock,
    /// The file with the user's keys; it need not exist.
    pub keymap: PathBuf,
    /// The colours.
    pub theme: ThemeChoice,
    /// The program's own folders.
    pub dirs: AppDirs,
}
