//! One generation of a vault: its groups, segments and images.
//!
//! Every file is read once, on first use: opening 100,000 photos reads only the mapping, a search reads group lists,
//! blocks, hints and check vectors, and showing matches opens only the records of their segments. Files are immutable,
//! so a snapshot stays consistent while others write. A file that a newer generation has removed gives
//! [`Error::Superseded`].
//!
//! Must never: write, or return bytes that the mapping does not authenticate.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::group::Group;
use super::packs::Packs;
use super::segment::Segment;
use super::source::{Source, read_once};
use super::tables::read_rows;
use crate::vault::backend::generation;
use crate::vault::error::Error;
use crate::vault::format::expected::Expected;
use crate::vault::format::fields::Rows;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{GroupPart, Part};
use crate::vault::format::mapping::{Mapping, SignedMapping};
use crate::vault::format::shape::Shape;
use crate::vault::format::table;
use crate::vault::format::table::Table;
use crate::vault::format::tombstone;
use crate::vault::format::tombstone::Tombstone;

/// A generation of the vault.
pub struct Snapshot {
    pub(in crate::vault) signed: SignedMapping,
    pub(super) source: Arc<Source>,
    groups: Vec<Arc<Group>>,
    packs: Packs,
    /// Whether a search has read the blocks before.
    pub(super) was_scanned: AtomicBool,
    /// The segments in no group.
    ungrouped: Vec<Arc<Segment>>,
    sources: OnceLock<Vec<table::Source>>,
    tombstones: OnceLock<Vec<Tombstone>>,
    /// All segments in scan order.
    segments: OnceLock<Vec<Arc<Segment>>>,
    pub(super) positions: OnceLock<Vec<Position>>,
    /// The contents of the images in no group.
    pub(super) contents: OnceLock<HashMap<Digest, Id>>,
}

/// Where an image is.
pub(super) struct Position {
    pub(super) id: Id,
    pub(super) segment: Arc<Segment>,
    pub(super) slot: usize,
}

impl Snapshot {
    /// The generation described by `signed`, which must be authenticated. Reuses segments that `previous` has read.
    pub(in crate::vault) fn new(source: &Arc<Source>, signed: SignedMapping, previous: Option<&Self>) -> Self {
        let generation = signed.mapping.generation;
        let known = previous.map(Self::known_segments).unwrap_or_default();
        let ungrouped = &signed.mapping.segments;
        let ungrouped = ungrouped.iter().map(|entry| Segment::of(source, entry, generation, &known)).collect();
        let group = |entry| {
            let known_group = previous.into_iter().flat_map(|previous| &previous.groups);
            let mut whole_group = known_group.filter(|known| known.known_segments().iter().all(|one| one.is_whole()));
            match whole_group.find(|known| known.entry() == entry) {
                Some(known) => Arc::clone(known),
                None => Arc::new(Group::new(source, entry, generation, &known)),
            }
        };
        let groups = signed.mapping.groups.iter().map(group).collect();
        let (segments, positions, contents) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let packs = Packs::new(source, &signed.mapping, previous.map(Self::packs));
        let was_scanned = previous.is_some_and(|previous| previous.was_scanned.load(Ordering::Relaxed)).into();
        let source = Arc::clone(source);
        let (sources, tombstones) = (OnceLock::new(), OnceLock::new());
        Self {
            signed,
            source,
            groups,
            packs,
            was_scanned,
            ungrouped,
            sources,
            tombstones,
            segments,
            positions,
            contents,
        }
    }

    /// The segments read so far, except those whose blocks were truncated since: they must be mapped again.
    fn known_segments(&self) -> HashMap<Id, Arc<Segment>> {
        let of_groups = self.groups.iter().flat_map(|group| group.known_segments());
        let whole = of_groups.chain(&self.ungrouped).filter(|known| known.is_whole());
        whole.map(|known| (known.entry().id, Arc::clone(known))).collect()
    }

    /// The mapping of this generation.
    pub fn mapping(&self) -> &Mapping {
        &self.signed.mapping
    }

    /// The same with its tag.
    pub fn signed(&self) -> &SignedMapping {
        &self.signed
    }

    /// Where photos were found. Leaves out what cannot be read: it is only what folders were called, which must not
    /// keep anyone from the photos. A check reports it.
    ///
    /// # Errors
    /// [`Error::Superseded`]; when the files cannot be reached.
    pub fn sources(&self) -> Result<&[table::Source], Error> {
        let sources = read_once(&self.sources, || {
            let mut sources = Vec::new();
            for (number, page) in self.mapping().pages(Table::Sources.name()).iter().enumerate() {
                match self.sources_in(number, page) {
                    Ok(some) => sources.extend(some),
                    Err(Error::Damaged { object, .. } | Error::Missing { object } | Error::TooLarge { object, .. }) => {
                        log::warn!("{object} cannot be read: the names of some folders are lost");
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(sources)
        })?;
        Ok(sources)
    }

    fn sources_in(&self, number: usize, page: &Digest) -> Result<Vec<table::Source>, Error> {
        let rows = self.rows(Table::Sources, number, page)?;
        table::sources_of_rows(&rows).map_err(|fault| fault.in_file(&Shape::table_page(*page).object))
    }

    /// Photos that were removed, in the order in which that was written: after a merge not that of the times.
    ///
    /// # Errors
    /// When a page is missing or damaged.
    pub fn tombstones(&self) -> Result<&[Tombstone], Error> {
        let tombstones = read_once(&self.tombstones, || {
            let mut tombstones = Vec::new();
            for (number, page) in self.mapping().pages(Table::Tombstones.name()).iter().enumerate() {
                let rows = self.rows(Table::Tombstones, number, page)?;
                let some = tombstone::of_rows(&rows);
                tombstones.extend(some.map_err(|fault| fault.in_file(&Shape::table_page(*page).object))?);
            }
            Ok(tombstones)
        })?;
        Ok(tombstones)
    }

    fn rows(&self, table: Table, number: usize, page: &Digest) -> Result<Rows, Error> {
        let rows = read_rows(&*self.source.backend, &self.source.keys, table, number, page);
        self.source.map_superseded(self.mapping().generation, rows)
    }

    pub(in crate::vault) fn source(&self) -> &Source {
        &self.source
    }

    /// The thumbnails.
    pub(in crate::vault) fn packs(&self) -> &Packs {
        &self.packs
    }

    /// Every file of this generation except header and mapping.
    ///
    /// # Errors
    /// The first image list that is missing or damaged.
    pub fn files(&self) -> Result<Vec<Expected>, Error> {
        generation::named_files(&*self.source.backend, self.mapping())
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.mapping().images()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The groups; their segments come first in scan order.
    pub(in crate::vault) fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// The segments in no group.
    pub(in crate::vault) fn ungrouped(&self) -> &[Arc<Segment>] {
        &self.ungrouped
    }

    /// The segments in scan order.
    ///
    /// # Errors
    /// When the list of a group is missing or damaged, and so is its copy.
    pub fn segments(&self) -> Result<impl ExactSizeIterator<Item = &Segment>, Error> {
        Ok(self.shared_segments()?.iter().map(Arc::as_ref))
    }

    pub(super) fn shared_segments(&self) -> Result<&[Arc<Segment>], Error> {
        let segments = read_once(&self.segments, || {
            self.prefetch_groups(GroupPart::List);
            let mut segments = Vec::new();
            for group in &self.groups {
                segments.extend_from_slice(group.segments()?);
            }
            segments.extend_from_slice(&self.ungrouped);
            Ok(segments)
        })?;
        Ok(segments)
    }

    /// The segments of groups with a readable list, and those in no group.
    pub(in crate::vault) fn readable_segments(&self) -> Vec<&Arc<Segment>> {
        let of_groups = self.groups.iter().flat_map(|group| group.segments().unwrap_or_default());
        of_groups.chain(&self.ungrouped).collect()
    }

    /// Announces that these files of `segments` will be read, except those already read.
    pub(super) fn prefetch<'a>(&self, segments: impl IntoIterator<Item = &'a Arc<Segment>>, parts: &[Part]) {
        let wanted = segments.into_iter().flat_map(|segment| {
            let missing = parts.iter().filter(|part| !segment.has_read(**part));
            missing.filter_map(|part| segment.expected(*part).ok()).collect::<Vec<_>>()
        });
        let wanted: Vec<_> = wanted.collect();
        if !wanted.is_empty() {
            self.source.backend.prefetch(&wanted);
        }
    }

    pub(super) fn prefetch_groups(&self, part: GroupPart) {
        let wanted: Vec<_> = self.groups.iter().filter_map(|group| group.expected(part).ok()).collect();
        if !wanted.is_empty() {
            self.source.backend.prefetch(&wanted);
        }
    }

    /// Announces that the check vectors of all groups will be read.
    pub(super) fn prefetch_checks(&self) {
        let wanted: Vec<_> = self.groups.iter().filter_map(|group| group.checks_file().ok()).collect();
        if !wanted.is_empty() {
            self.source.backend.prefetch(&wanted);
        }
    }

    /// Announces that the lists of all images will be read, so that a cache can fetch them at once.
    pub fn prefetch_images(&self) {
        self.prefetch(self.readable_segments(), &[Part::List]);
    }

    /// Announces that every image will be listed, so that a cache can fetch all lists and records at once.
    pub fn prefetch_listing(&self) {
        self.prefetch(self.readable_segments(), &[Part::List, Part::Records]);
    }

    /// Announces that details of the images at these positions will be needed, so that a cache can fetch the lists and
    /// records of their segments at once.
    ///
    /// # Errors
    /// As [`Self::segments`].
    pub fn prefetch_details(&self, positions: &[usize]) -> Result<(), Error> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        let mut rest = sorted.as_slice();
        let mut end = 0;
        let holds_one = |segment: &&Arc<Segment>| {
            end += segment.len();
            let inside = rest.partition_point(|position| *position < end);
            rest = &rest[inside..];
            inside > 0
        };
        let segments: Vec<_> = self.shared_segments()?.iter().filter(holds_one).collect();
        self.prefetch(segments, &[Part::List, Part::Records]);
        Ok(())
    }
}
