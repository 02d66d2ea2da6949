//! Windows over the tab. One at a time; Esc closes it.

use std::path::PathBuf;

use super::cursor::Cursor;
use super::line::Line;
use crate::services::library::PhotoId;

/// A window over the tab.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Overlay {
    /// All keys that are bound now, narrowed by the typed letters.
    Help {
        /// The letters.
        filter: Line,
        /// The first line shown.
        scroll: usize,
    },
    /// Every action by name.
    Palette {
        /// The letters.
        filter: Line,
        /// The action under the cursor.
        cursor: Cursor,
    },
    /// All messages.
    Log {
        /// Lines scrolled up from the newest.
        scroll: usize,
    },
    /// A question before something that cannot be undone or that takes photos out of the vault.
    Confirm(Question),
    /// Where exported photos go.
    ExportTo {
        /// The photos.
        photos: Vec<PhotoId>,
        /// The folder.
        folder: Line,
    },
    /// A photo as large as the screen.
    Zoom,
}

/// A question answered with yes or no.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// Remove photos from the vault for good.
    Remove(Vec<PhotoId>),
    /// Give a photo to another program of this machine.
    OpenOutside(PhotoId),
    /// Send photos through the terminal to the machine in front of the user.
    Download(Vec<PhotoId>),
    /// Use an older copy of the vault from now on.
    UseOlder {
        /// The generation of this copy.
        found: u64,
        /// The newest generation that this machine has seen.
        seen: u64,
    },
    /// Quit while indexing runs.
    Quit,
    /// Quit while photos are exported.
    QuitExporting,
    /// Go on with an interrupted indexing run, which was given these paths.
    GoOn(Vec<PathBuf>),
}
