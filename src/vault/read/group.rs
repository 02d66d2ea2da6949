//! A group of segments. Its list and deduplication index are read on first use, so that a writer to a large vault reads
//! only a few pages.
//!
//! Must never: be read to count images; that is in the mapping.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::segment::Segment;
use super::source::{Source, read_once};
use crate::vault::backend::blocks::Blocks;
use crate::vault::backend::generation;
use crate::vault::error::Error;
use crate::vault::format::dedup::{DedupEntry, DedupFile};
use crate::vault::format::entries::{GroupEntry, SegmentEntry};
use crate::vault::format::group;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{GroupPart, Object};

/// A group whose files are read on first use.
pub(in crate::vault) struct Group {
    source: Arc<Source>,
    entry: GroupEntry,
    generation: u64,
    segments: OnceLock<Vec<Arc<Segment>>>,
    dedup: OnceLock<Blocks>,
}

impl Group {
    /// The group of an entry. Reuses segments that were already read: `known`, by id.
    pub(in crate::vault) fn new(
        source: &Arc<Source>,
        entry: &GroupEntry,
        generation: u64,
        known: &HashMap<Id, Arc<Segment>>,
    ) -> Self {
        let (segments, dedup) = (OnceLock::new(), OnceLock::new());
        let loaded = Self { source: Arc::clone(source), entry: entry.clone(), generation, segments, dedup };
        if !known.is_empty()
            && let Ok(list) = loaded.list()
        {
            loaded.segments.get_or_init(|| loaded.of_list(&list, known));
        }
        loaded
    }

    /// Its entry in the mapping.
    pub(in crate::vault) fn entry(&self) -> &GroupEntry {
        &self.entry
    }

    /// Its segments in scan order.
    ///
    /// # Errors
    /// When the list is missing or damaged, and so is its copy in the deduplication index.
    pub(in crate::vault) fn segments(&self) -> Result<&[Arc<Segment>], Error> {
        let segments = read_once(&self.segments, || Ok(self.of_list(&self.list()?, &HashMap::new())))?;
        Ok(segments)
    }

    /// The segments read so far.
    pub(in crate::vault) fn known_segments(&self) -> &[Arc<Segment>] {
        self.segments.get().map_or(&[], Vec::as_slice)
    }

    /// The image with this content.
    ///
    /// # Errors
    /// When the deduplication index is missing, or damaged where the content would be.
    pub(in crate::vault) fn find(&self, content: &Digest) -> Result<Option<Id>, Error> {
        self.file()?.find(content)
    }

    /// The deduplication entries of all its images in ascending order.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub(in crate::vault) fn dedup_entries(&self) -> Result<Vec<DedupEntry>, Error> {
        self.file()?.all()
    }

    /// Whether the list is intact, and whether its copy in the deduplication index is.
    pub(in crate::vault) fn check_list(&self) -> (Result<(), Error>, Result<(), Error>) {
        (
            self.map_superseded(generation::read_list(&*self.source.backend, &self.entry)).map(drop),
            self.copied_list().map(drop),
        )
    }

    /// Whether the whole deduplication index is intact.
    pub(in crate::vault) fn check_tags(&self) -> Result<(), Error> {
        self.map_superseded(self.source.backend.read_verified(&group::expected(&self.entry, GroupPart::Tags))).map(drop)
    }

    fn of_list(&self, list: &[SegmentEntry], known: &HashMap<Id, Arc<Segment>>) -> Vec<Arc<Segment>> {
        let segment = |entry: &SegmentEntry| Segment::of(&self.source, entry, self.generation, known);
        list.iter().map(segment).collect()
    }

    fn list(&self) -> Result<Vec<SegmentEntry>, Error> {
        self.map_superseded(generation::read_list(&*self.source.backend, &self.entry)).or_else(|error| {
            let copy = self.copied_list().map_err(|_| error)?;
            log::warn!("the list of a group is damaged; using its copy");
            Ok(copy)
        })
    }

    fn copied_list(&self) -> Result<Vec<SegmentEntry>, Error> {
        let object = Object::Group(self.entry.id, GroupPart::Tags);
        let list = self.file()?.list()?;
        group::decode_list(&list, &self.entry)
            .ok_or(Error::Damaged { object, what: "it does not list the group's segments" })
    }

    fn file(&self) -> Result<DedupFile<'_>, Error> {
        let tags = group::expected(&self.entry, GroupPart::Tags);
        let bytes = read_once(&self.dedup, || self.map_superseded(self.source.backend.pages(&tags)))?;
        Ok(DedupFile { keys: &self.source.keys, group: &self.entry, bytes })
    }

    fn map_superseded<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.source.map_superseded(self.generation, outcome)
    }
}
