//! The vault: open or not, and the photos in it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::list::{Item, ListState};
use crate::services::check;
use crate::services::copies::{Advice, KnownCopy};
use crate::services::library::Statistics;
use crate::services::library::{PhotoId, StoredPhoto};

/// Whether a vault is open.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Session {
    /// No vault is open.
    #[default]
    Closed,
    /// A key is being derived.
    Opening {
        /// The vault.
        vault: PathBuf,
    },
    /// A vault is open.
    Open {
        /// The vault.
        vault: PathBuf,
    },
}

impl Session {
    /// The vault that is open.
    #[must_use]
    pub fn open(&self) -> Option<&PathBuf> {
        match self {
            Self::Open { vault } => Some(vault),
            Self::Closed | Self::Opening { .. } => None,
        }
    }
}

/// A long operation on the vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Task {
    /// An older copy is being accepted as current.
    Accepting,
    /// Photos are being removed.
    Removing,
    /// Every byte is being checked.
    Checking,
    /// A photo is being opened in another program.
    Opening,
    /// Photos are being sent through the terminal.
    Downloading,
}

impl Item for StoredPhoto {
    type Key = PhotoId;

    fn key(&self) -> &PhotoId {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// The photos of the vault.
#[derive(Clone, Default)]
pub struct Collection {
    /// All of them, newest first.
    pub list: ListState<StoredPhoto>,
    /// Whether they have been listed.
    pub is_listed: bool,
    /// Why they cannot be read.
    pub error: Option<String>,
    /// Whether this copy of the vault is not the newest and so read-only.
    pub is_read_only: bool,
    /// The operation in progress.
    pub task: Option<Task>,
    /// Size of the vault.
    pub statistics: Option<Statistics>,
    /// The known copies of the vault.
    pub copies: Vec<KnownCopy>,
    /// What to do if this copy is not the newest, and another one is known.
    pub advice: Option<Advice>,
    /// What the last check found.
    pub health: Option<check::Report>,
    /// Camera, exposure and the like of one photo.
    pub exif: Option<(PhotoId, Vec<(String, String)>)>,
}

impl Collection {
    /// Sets the photos that the vault holds.
    pub fn listed(&mut self, mut photos: Vec<StoredPhoto>) {
        photos.sort_by(|left, right| right.date().cmp(&left.date()).then_with(|| left.name.cmp(&right.name)));
        let ids: BTreeSet<PhotoId> = photos.iter().map(|photo| photo.id).collect();
        self.list.retain_selected(|id| ids.contains(id));
        self.list.set_items(photos);
        self.is_listed = true;
        self.error = None;
        self.arrange();
    }

    /// Applies the filter.
    pub fn arrange(&mut self) {
        self.list.show(self.list.filtered());
    }
}
