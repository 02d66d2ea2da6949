//! The vault: open or not, and the photos in it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::fuzzy;
use super::browser::Filter;
use super::cursor::{Cursor, Mark, Range};
use super::{PhotoId, StoredPhoto};
use crate::services::check;
use crate::services::library::Statistics;

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

/// Something being done to the photos of the vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Task {
    /// An older copy becomes the one that counts.
    Accepting,
    /// Photos are removed.
    Removing,
    /// Every byte is checked.
    Checking,
    /// A photo is given to another program.
    Opening,
    /// Photos are sent through the terminal.
    Downloading,
}

/// The photos of the vault.
#[derive(Clone, Default)]
pub struct Collection {
    /// All of them, newest first.
    photos: Vec<StoredPhoto>,
    /// Indices into `photos` that are shown.
    visible: Vec<usize>,
    /// Whether they were read.
    pub is_listed: bool,
    /// Why they cannot be read.
    pub error: Option<String>,
    /// The place among the shown photos.
    pub cursor: Cursor,
    /// Selected photos.
    pub selected: BTreeSet<PhotoId>,
    /// The range that is being marked among the shown photos.
    pub range: Range,
    /// Narrows the photos by name.
    pub filter: Filter,
    /// Whether this copy of the vault is not the newest, and can be read only.
    pub is_read_only: bool,
    /// What is being done to them.
    pub task: Option<Task>,
    /// What the vault holds and takes.
    pub statistics: Option<Statistics>,
    /// What the last check found.
    pub health: Option<check::Report>,
    /// Camera, exposure and the like of one photo.
    pub exif: Option<(PhotoId, Vec<(String, String)>)>,
}

impl Collection {
    /// The photos were read.
    pub fn listed(&mut self, mut photos: Vec<StoredPhoto>) {
        photos.sort_by(|left, right| right.date().cmp(&left.date()).then_with(|| left.name.cmp(&right.name)));
        let ids: BTreeSet<PhotoId> = photos.iter().map(|photo| photo.id).collect();
        self.selected.retain(|id| ids.contains(id));
        self.photos = photos;
        self.is_listed = true;
        self.error = None;
        self.arrange();
    }

    /// Applies the filter.
    pub fn arrange(&mut self) {
        let pattern = self.filter.line.text();
        self.visible = if pattern.is_empty() {
            (0..self.photos.len()).collect()
        } else {
            fuzzy::matching(pattern, self.photos.iter().map(|photo| photo.name.as_str()))
        };
        self.range = Range::default();
        self.cursor.stay_within(self.visible.len());
    }

    /// All photos.
    #[must_use]
    pub fn photos(&self) -> &[StoredPhoto] {
        &self.photos
    }

    /// The shown photos, in order.
    pub fn visible(&self) -> impl ExactSizeIterator<Item = &StoredPhoto> {
        self.visible.iter().map(|index| &self.photos[*index])
    }

    /// The shown photo at `place`.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&StoredPhoto> {
        self.visible.get(place).map(|index| &self.photos[*index])
    }

    /// The photo under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&StoredPhoto> {
        self.at(self.cursor.at)
    }

    /// Whether the photo at `place` is taken.
    #[must_use]
    pub fn mark(&self, place: usize) -> Mark {
        match self.at(place) {
            Some(photo) if self.selected.contains(&photo.id) => Mark::Selected,
            Some(_) if self.range.holds(place, self.cursor) => Mark::InRange,
            _ => Mark::None,
        }
    }

    /// Begins a range at the cursor, or selects the range that was begun.
    pub fn toggle_range(&mut self) {
        let places = self.range.toggle(self.cursor).into_iter().flatten();
        let ids: Vec<PhotoId> = places.filter_map(|place| Some(self.at(place)?.id)).collect();
        self.selected.extend(ids);
    }

    /// What an operation is about: the selection or, without one, the photo under the cursor.
    #[must_use]
    pub fn subject(&self) -> Vec<PhotoId> {
        if self.selected.is_empty() {
            self.current().map(|photo| photo.id).into_iter().collect()
        } else {
            self.selected.iter().copied().collect()
        }
    }
}
