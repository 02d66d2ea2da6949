//! A group of segments. Its list and deduplication index are read on first use, so that a writer to a large vault reads
//! only a few pages.
//!
//! Must never: be read to count images; that is in the mapping.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::segment::Segment;
use super::source::{Source, read_once};
use crate::ckks::CheckVectors;
use crate::vault::backend::blocks::Blocks;
use crate::vault::backend::generation;
use crate::vault::error::Error;
use crate::vault::format::dedup::{DedupEntry, DedupFile, OpenedPages};
use crate::vault::format::entries::{GroupEntry, SegmentEntry};
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{GroupPart, Object};
use crate::vault::format::sealed::SealedObject;
use crate::vault::format::shape::Shape;

/// A group whose files are read on first use.
pub(in crate::vault) struct Group {
    source: Arc<Source>,
    entry: GroupEntry,
    generation: u64,
    segments: OnceLock<Vec<Arc<Segment>>>,
    dedup: OnceLock<(Object, Blocks, OpenedPages)>,
    checks: OnceLock<CheckVectors>,
}

impl Group {
    /// The group of an entry. Reuses segments that were already read: `known`, by id.
    pub(in crate::vault) fn new(
        source: &Arc<Source>,
        entry: &GroupEntry,
        generation: u64,
        known: &HashMap<Id, Arc<Segment>>,
    ) -> Self {
        let (segments, dedup, checks) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let loaded = Self { source: Arc::clone(source), entry: entry.clone(), generation, segments, dedup, checks };
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
    /// When the list is missing or damaged, and so is its copy.
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

    /// The check vectors of all its blocks.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub(in crate::vault) fn checks(&self) -> Result<&CheckVectors, Error> {
        read_once(&self.checks, || self.map_superseded(self.source.checks(self.entry.id, &self.checks_file()?)))
    }

    /// The file of its check vectors.
    pub(in crate::vault) fn checks_file(&self) -> Result<Expected, Error> {
        let object = || Object::Group(self.entry.id, GroupPart::List);
        self.source.shape.group_checks(&self.entry).ok_or_else(|| Error::Missing { object: object() })
    }

    /// Whether the list is intact, and whether its copy is.
    pub(in crate::vault) fn check_list(&self) -> (Result<(), Error>, Result<(), Error>) {
        (self.map_superseded(self.read_list()).map(drop), self.copied_list().map(drop))
    }

    /// Whether the whole deduplication index is intact.
    pub(in crate::vault) fn check_tags(&self) -> Result<(), Error> {
        self.map_superseded(self.source.backend.read_verified(&self.expected(GroupPart::Tags)?)).map(drop)
    }

    /// One of its files.
    pub(in crate::vault) fn expected(&self, part: GroupPart) -> Result<Expected, Error> {
        let object = || Object::Group(self.entry.id, part);
        self.source.shape.group(&self.entry, part).ok_or_else(|| Error::Missing { object: object() })
    }

    fn read_list(&self) -> Result<Vec<SegmentEntry>, Error> {
        generation::read_list(&*self.source.backend, &self.source.shape, &self.entry)
    }

    fn of_list(&self, list: &[SegmentEntry], known: &HashMap<Id, Arc<Segment>>) -> Vec<Arc<Segment>> {
        let segment = |entry: &SegmentEntry| Segment::of(&self.source, entry, self.generation, known);
        list.iter().map(segment).collect()
    }

    fn list(&self) -> Result<Vec<SegmentEntry>, Error> {
        self.map_superseded(self.read_list()).or_else(|error| {
            let copy = self.copied_list().map_err(|_| error)?;
            log::warn!("the list of a group is damaged; using its copy");
            Ok(copy)
        })
    }

    fn copied_list(&self) -> Result<Vec<SegmentEntry>, Error> {
        let (object, list) = if self.source.shape == Shape::Old {
            (self.expected(GroupPart::Tags)?.object, self.file()?.old_list()?)
        } else {
            let file = self.expected(GroupPart::Copy)?;
            let list = self.source.open_expected(&SealedObject::GroupCopy(self.entry.id), &file);
            (file.object, self.map_superseded(list)?)
        };
        generation::decode_list(&self.source.shape, &self.entry, &list)
            .ok_or(Error::Damaged { object, what: "it does not list the group's segments" })
    }

    fn file(&self) -> Result<DedupFile<'_>, Error> {
        let (object, bytes, opened) = read_once(&self.dedup, || {
            let tags = self.expected(GroupPart::Tags)?;
            let pages = self.map_superseded(self.source.backend.pages(&tags))?;
            Ok((tags.object, pages, OpenedPages::new(self.entry.images)))
        })?;
        Ok(DedupFile { keys: &self.source.keys, group: &self.entry, object, bytes, opened })
    }

    fn map_superseded<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.source.map_superseded(self.generation, outcome)
    }
}
