//! Windows over the tab or the photo view, one at a time.

use std::path::PathBuf;

use super::cursor::Cursor;
use super::intake::Plan;
use super::text_field::TextField;
use crate::services::library::PhotoId;
use crate::services::open_vault::CopyAge;

/// A window over the tab.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Overlay {
    /// All bound keys that match the typed letters.
    Help {
        /// The letters.
        filter: TextField,
        /// The first line shown.
        scroll: usize,
    },
    /// Every action by name.
    Palette {
        /// The letters.
        filter: TextField,
        /// The action under the cursor.
        cursor: Cursor,
    },
    /// All messages.
    Log {
        /// Lines scrolled up from the newest.
        scroll: usize,
    },
    /// A question before an action that cannot be undone or takes photos out of the vault.
    Confirm(Question),
    /// The prompt for the folder to export to.
    ExportTo {
        /// The photos.
        photos: Vec<PhotoId>,
        /// The folder.
        folder: TextField,
    },
    /// What a run would add, before it begins.
    Plan(Plan),
}

/// A question answered with yes or no.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// Remove photos from the vault for good.
    Remove(Vec<PhotoId>),
    /// Open a photo in another program on this machine.
    OpenOutside(PhotoId),
    /// Send photos through the terminal to the machine in front of the user.
    Download(Vec<PhotoId>),
    /// Open the vault that is at the address of another one, and trust it from now on.
    TrustVault,
    /// Use a copy of the vault that is not the newest from now on.
    UseOlder(CopyAge),
    /// Quit while indexing runs.
    Quit,
    /// Quit while photos are exported.
    QuitExporting,
    /// Resume an interrupted indexing run of these paths.
    ResumeIndexing(Vec<PathBuf>),
}
