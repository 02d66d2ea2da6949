//! A segment whose files are read and verified on first use, and kept.
//!
//! Must never: keep the exact vectors, which are large and rarely needed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::source::{Source, read_once};
use crate::ckks::CheckVectors;
use crate::vault::backend::blocks::Blocks;
use crate::vault::backend::generation;
use crate::vault::backend::generation::Images;
use crate::vault::error::Error;
use crate::vault::format::entries::SegmentEntry;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::Id;
use crate::vault::format::hints::Hints;
use crate::vault::format::layout::Part;
use crate::vault::format::list::ListedImage;
use crate::vault::format::old::images::ListedThumbnail;
use crate::vault::format::record::Record;

/// A segment whose files are read on first use.
pub struct Segment {
    source: Arc<Source>,
    entry: SegmentEntry,
    generation: u64,
    blocks: OnceLock<Blocks>,
    hints: OnceLock<Hints>,
    checks: OnceLock<CheckVectors>,
    images: OnceLock<Images>,
    records: OnceLock<Vec<Record>>,
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
            checks: OnceLock::new(),
            images: OnceLock::new(),
            records: OnceLock::new(),
        })
    }

    /// Whether a file was already read.
    pub(super) fn has_read(&self, part: Part) -> bool {
        match part {
            Part::Blocks => self.blocks.get().is_some(),
            Part::Hints => self.hints.get().is_some(),
            Part::Checks => self.checks.get().is_some(),
            Part::List | Part::OldList => self.images.get().is_some(),
            Part::Records | Part::OldCatalogue => self.records.get().is_some(),
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

    /// A file of the segment, with its limit and digest.
    ///
    /// # Errors
    /// When the segment has no such file.
    pub(in crate::vault) fn expected(&self, part: Part) -> Result<Expected, Error> {
        self.source.expected(&self.entry, part)
    }

    /// Its encrypted blocks, mapped but not verified: check vectors verify what is computed from them.
    ///
    /// # Errors
    /// When they are missing or have another length.
    pub fn blocks(&self) -> Result<&[u8], Error> {
        let blocks =
            read_once(&self.blocks, || self.map_superseded(self.source.backend.blocks(&self.expected(Part::Blocks)?)))?;
        Ok(blocks)
    }

    /// Reads its encrypted blocks, which are not verified, into a buffer that can be used again.
    ///
    /// # Errors
    /// As [`Self::blocks`].
    pub(super) fn read_blocks(&self, buffer: &mut Vec<u8>) -> Result<(), Error> {
        self.map_superseded(self.source.backend.read_blocks(&self.expected(Part::Blocks)?, buffer))
    }

    /// Reads and verifies its encrypted blocks.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub(in crate::vault) fn verified_blocks(&self) -> Result<Vec<u8>, Error> {
        self.map_superseded(self.source.backend.read_verified(&self.expected(Part::Blocks)?))
    }

    /// Call this before using anything computed from [`Self::blocks`].
    ///
    /// # Errors
    /// When the file was truncated since it was mapped.
    pub fn require_whole_blocks(&self) -> Result<(), Error> {
        let Some(blocks) = self.blocks.get() else { return Ok(()) };
        blocks.require_whole(&self.expected(Part::Blocks)?.object)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.blocks.get().is_none_or(Blocks::is_whole)
    }

    /// Reads a file of the segment and compares its digest.
    pub(super) fn verify(&self, part: Part) -> Result<(), Error> {
        self.map_superseded(self.source.backend.read_verified(&self.expected(part)?)).map(drop)
    }

    /// What decrypting its scores needs.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn hints(&self) -> Result<&Hints, Error> {
        let source = &self.source;
        read_once(&self.hints, || {
            self.map_superseded(generation::read_hints(&*source.backend, &source.shape, &self.entry))
        })
    }

    /// The check vectors of a segment in no group.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn checks(&self) -> Result<&CheckVectors, Error> {
        read_once(&self.checks, || {
            self.map_superseded(self.source.checks(self.entry.id, &self.expected(Part::Checks)?))
        })
    }

    /// Its images in slot order.
    ///
    /// # Errors
    /// When the list is missing or damaged.
    pub fn images(&self) -> Result<&[ListedImage], Error> {
        Ok(&self.list()?.list.images)
    }

    /// Files that belong to its images, in ascending order of their ids.
    ///
    /// # Errors
    /// As [`Self::images`].
    pub fn companions(&self) -> Result<&[ListedImage], Error> {
        Ok(&self.list()?.list.companions)
    }

    /// The thumbnail of the image in a slot, in formats 1 and 2.
    pub(super) fn old_thumbnail(&self, slot: usize) -> Result<Option<&ListedThumbnail>, Error> {
        Ok(self.list()?.old_thumbnails.get(slot).and_then(Option::as_ref))
    }

    fn list(&self) -> Result<&Images, Error> {
        let source = &self.source;
        read_once(&self.images, || {
            self.map_superseded(generation::read_images(&*source.backend, &source.shape, &self.entry))
        })
    }

    /// What is known about its images, in slot order.
    ///
    /// # Errors
    /// When the records are missing or damaged.
    pub fn records(&self) -> Result<&[Record], Error> {
        let records = read_once(&self.records, || self.read_records())?;
        Ok(records)
    }

    /// The same, read again and not kept: for passing over a whole vault.
    ///
    /// # Errors
    /// As [`Self::records`].
    pub fn read_records(&self) -> Result<Vec<Record>, Error> {
        self.map_superseded(self.source.records(&self.entry))
    }

    /// The exact vectors in slot order; `None` for an image without one. Not kept in memory.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn vectors(&self) -> Result<Vec<Option<Vec<f32>>>, Error> {
        self.map_superseded(self.source.vectors(&self.entry))
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn map_superseded<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.source.map_superseded(self.generation, outcome)
    }
}
