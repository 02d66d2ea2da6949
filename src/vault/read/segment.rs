//! A segment whose files are read and verified on first use, and kept.
//!
//! Must never: keep the exact vectors, which are large and rarely needed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

use super::source::{Source, read_once};
use crate::vault::backend::blocks::Blocks;
use crate::vault::backend::generation;
use crate::vault::error::Error;
use crate::vault::format::catalogue::CatalogueEntry;
use crate::vault::format::entries::SegmentEntry;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::hints::Hints;
use crate::vault::format::images::ListedImage;
use crate::vault::format::layout::{Object, Part};
use crate::vault::format::sealed::SealedObject;
use crate::vault::format::segment;

/// A segment whose files are read on first use.
pub struct Segment {
    source: Arc<Source>,
    entry: SegmentEntry,
    generation: u64,
    blocks: OnceLock<Blocks>,
    hints: OnceLock<Hints>,
    images: OnceLock<Vec<ListedImage>>,
    catalogue: OnceLock<Vec<CatalogueEntry>>,
}

impl Segment {
    /// The segment of an entry. Reuses the one in `known`, if it is there.
    pub(in crate::vault) fn of(
        source: &Arc<Source>,
        entry: &SegmentEntry,
        generation: u64,
        known: &HashMap<Id, Arc<Self>>,
    ) -> Arc<Self> {
        if let Some(known) = known.get(&entry.id).filter(|known| known.entry == *entry) {
            return Arc::clone(known);
        }
        Arc::new(Self {
            source: Arc::clone(source),
            entry: entry.clone(),
            generation,
            blocks: OnceLock::new(),
            hints: OnceLock::new(),
            images: OnceLock::new(),
            catalogue: OnceLock::new(),
        })
    }

    /// Whether a file was already read.
    pub(super) fn has_read(&self, part: Part) -> bool {
        match part {
            Part::Blocks => self.blocks.get().is_some(),
            Part::Hints => self.hints.get().is_some(),
            Part::Images => self.images.get().is_some(),
            Part::Catalogue => self.catalogue.get().is_some(),
            Part::Vectors => false,
        }
    }

    /// Number of images: at least one.
    #[expect(clippy::len_without_is_empty, reason = "a segment is never empty")]
    pub fn len(&self) -> usize {
        self.entry.images
    }

    /// Its entry in the mapping.
    pub fn entry(&self) -> &SegmentEntry {
        &self.entry
    }

    /// Its encrypted blocks, mapped and verified.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn blocks(&self) -> Result<&[u8], Error> {
        let blocks = read_once(&self.blocks, || {
            self.map_superseded(self.source.backend.blocks(&segment::expected(&self.entry, Part::Blocks)))
        })?;
        Ok(blocks)
    }

    /// Call this before using anything computed from [`Self::blocks`].
    ///
    /// # Errors
    /// When the file was truncated since it was mapped.
    pub fn require_whole_blocks(&self) -> Result<(), Error> {
        let object = Object::Segment(self.entry.id, Part::Blocks);
        self.blocks.get().map_or(Ok(()), |blocks| blocks.require_whole(&object))
    }

    pub(super) fn is_whole(&self) -> bool {
        self.blocks.get().is_none_or(Blocks::is_whole)
    }

    /// What decrypting its scores needs.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn hints(&self) -> Result<&Hints, Error> {
        read_once(&self.hints, || self.map_superseded(generation::read_hints(&*self.source.backend, &self.entry)))
    }

    /// Its images in slot order.
    ///
    /// # Errors
    /// When the list is missing or damaged.
    pub fn images(&self) -> Result<&[ListedImage], Error> {
        let images = read_once(&self.images, || {
            self.map_superseded(generation::read_images(&*self.source.backend, &self.entry))
        })?;
        Ok(images)
    }

    /// Names, dates and sizes in slot order.
    ///
    /// # Errors
    /// When the catalogue is missing or damaged.
    pub fn catalogue(&self) -> Result<&[CatalogueEntry], Error> {
        let entries = read_once(&self.catalogue, || self.map_superseded(self.source.catalogue(&self.entry)))?;
        Ok(entries)
    }

    /// The exact vectors in slot order. Not kept in memory.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn vectors(&self) -> Result<Vec<Vec<f32>>, Error> {
        self.map_superseded(self.source.vectors(&self.entry))
    }

    /// Opens a photo or a thumbnail of the segment.
    pub(super) fn open(&self, sealed: &SealedObject, digest: &Digest) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.map_superseded(self.source.open(sealed, digest))
    }

    fn map_superseded<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.source.map_superseded(self.generation, outcome)
    }
}
