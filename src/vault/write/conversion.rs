//! The new files of an upgrade, written as the old ones are read: vectors projected, records and lists encoded anew,
//! thumbnails moved into packs.
//!
//! Must never: write an original, or remove a file that the last saved draft lists.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::compaction::{NextGeneration, PlannedGroup, Ungrouped, WrittenSegment};
use super::draft;
use super::packing::{Packing, Thumbnails};
use crate::durable::IfLocked;
use crate::vault::backend::generation;
use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::entries::{SEGMENT_IMAGES, SegmentEntry};
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::Id;
use crate::vault::format::layout::{Object, Part};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::mapping::Contents;
use crate::vault::format::old::images::ListedThumbnail;
use crate::vault::format::record::ThumbnailPlace;
use crate::vault::format::sealed::PREFIX_BYTES;
use crate::vault::format::segment::Row;
use crate::vault::format::vectors;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;

/// Most thumbnails of a part: they are held in memory together.
const PART_THUMBNAILS: usize = 256;

/// What an upgrade has done since the last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeProgress {
    /// Photos whose vectors, records and thumbnails were written.
    Written(usize),
    /// Photos that were checked after the commit.
    Checked(usize),
}

/// The unit vector of the new space for a vector of the old one, 2048 numbers; `None` when it has no direction there.
pub type Project<'a> = dyn Fn(&[f32]) -> Option<Vec<f32>> + Sync + 'a;

fn without_prefix(file: &[u8]) -> Vec<u8> {
    file.get(PREFIX_BYTES..).unwrap_or_default().to_vec()
}

/// A photo on its way into a segment.
struct Waiting {
    row: Row,
    thumbnail: Option<ListedThumbnail>,
}

/// The new files, written as the old ones are read.
pub(super) struct Conversion<'a> {
    source: &'a Arc<Source>,
    writer: &'a dyn Writer,
    space: Id,
    /// Remembers everything written so far, after each segment. Returns whether that worked.
    save: &'a dyn Fn(Contents) -> bool,
    /// How many images that the old vault lists next are in the draft.
    already_written: usize,
    rows: Vec<Waiting>,
    next: NextGeneration,
    /// The segments that are in no large group, with check vectors of their own.
    segments: Vec<SegmentEntry>,
    packing: Packing<'a>,
    pub(super) without_vector: usize,
    /// Files that the next draft does not list.
    replaced: Vec<Object>,
    /// Check vectors of segments in groups, which only drafts list.
    only_in_drafts: Vec<Object>,
    /// Files of the old format that were read or are not needed. The list of a group may be damaged, so they are
    /// collected on the way.
    obsolete: Vec<Object>,
    progress: &'a (dyn Fn(UpgradeProgress) + Sync),
}

impl<'a> Conversion<'a> {
    /// Nothing yet.
    pub(super) fn new(
        source: &'a Arc<Source>,
        writer: &'a dyn Writer,
        space: Id,
        save: &'a dyn Fn(Contents) -> bool,
        progress: &'a (dyn Fn(UpgradeProgress) + Sync),
    ) -> Self {
        Self {
            source,
            writer,
            space,
            save,
            already_written: 0,
            rows: Vec::new(),
            next: NextGeneration::default(),
            segments: Vec::new(),
            packing: Packing::empty(source, writer),
            without_vector: 0,
            replaced: Vec::new(),
            only_in_drafts: Vec::new(),
            obsolete: Vec::new(),
            progress,
        }
    }

    /// Starts from a draft whose files are all there, and otherwise anew. Returns the number of photos in it.
    pub(super) fn resume(&mut self, draft: Option<&Snapshot>) -> Result<usize, Error> {
        let mut adopted = None;
        if let Some(draft) = draft
            && let Some(files) = draft::intact(self.source, draft)?
        {
            match self.writer.adopt(&files) {
                Ok(()) => adopted = Some(draft),
                Err(error) if error.is_unreadable() => self.writer.discard(&files),
                Err(error) => return Err(error),
            }
        }
        // Makes room: what an interrupted upgrade left may be much.
        self.writer.remove_abandoned()?;
        let Some(draft) = adopted else { return Ok(0) };
        draft.prefetch_listing();
        for segment in draft.segments()? {
            let records = segment.read_records()?;
            self.without_vector += records.iter().filter(|record| record.without_vector.contains(&self.space)).count();
        }
        self.packing = Packing::new(self.source, self.writer, draft.packs());
        self.next.groups.extend(draft.groups().iter().cloned().map(PlannedGroup::Kept));
        for segment in draft.ungrouped() {
            let (entry, segment) = (segment.entry().clone(), Arc::clone(segment));
            self.add(Ungrouped::Kept { entry, segment, new_checks: None })?;
        }
        self.already_written = draft.len();
        (self.progress)(UpgradeProgress::Written(draft.len()));
        Ok(draft.len())
    }

    /// What is written so far.
    pub(super) fn contents(&self) -> Contents {
        let large = self.next.groups.iter().filter_map(PlannedGroup::kept);
        Contents {
            groups: large.map(|group| group.entry().clone()).collect(),
            segments: self.segments.clone(),
            packs: self.packing.entries(),
            tables: Vec::new(),
        }
    }

    /// Removes everything that is written, as far as it is known: `written` is what [`Self::contents`] says.
    pub(super) fn discard_all(&mut self, written: &Snapshot) {
        if let Ok(files) = draft::files(self.source, written) {
            self.writer.discard(&files.into_iter().map(|file| file.object).collect::<Vec<_>>());
        }
        self.writer.discard(&self.packing.take_obsolete());
        self.writer.discard(&self.replaced);
    }

    /// Reads an old segment, and writes those that are full.
    pub(super) fn take(&mut self, old: &Source, entry: &SegmentEntry, project: &Project<'_>) -> Result<(), Error> {
        let images = generation::read_images(&*old.backend, &old.shape, entry)?;
        self.obsolete.extend(old.shape.segment_files(entry).map(|file| file.object));
        let thumbnails = images.old_thumbnails.iter().flatten();
        self.obsolete.extend(thumbnails.map(|thumbnail| Object::Thumbnail(thumbnail.id)));
        let listed = images.list.images;
        let known = self.already_written.min(listed.len());
        self.already_written -= known;
        if known == listed.len() {
            return Ok(());
        }
        let records = old.records(entry)?;
        if listed.iter().zip(&records).any(|(listed, record)| listed.id != record.id) {
            let object = old.expected(entry, Part::Records)?.object;
            return Err(Error::Damaged { object, what: "it does not match the image list" });
        }
        let projected: Vec<Option<Vec<f32>>> = old
            .vectors(entry)?
            .par_iter()
            .map(|vector| project(vector.as_deref()?).map(|vector| vectors::rounded(&vector)))
            .collect();
        for (((listed, mut record), vector), thumbnail) in
            listed.into_iter().zip(records).zip(projected).zip(images.old_thumbnails).skip(known)
        {
            if vector.is_none() {
                record.without_vector.insert(self.space);
                self.without_vector += 1;
            }
            record.check()?;
            let row = Row { listed, companions: Vec::new(), record, vector };
            self.rows.push(Waiting { row, thumbnail });
        }
        while self.rows.len() >= SEGMENT_IMAGES {
            let rest = self.rows.split_off(SEGMENT_IMAGES);
            let full = std::mem::replace(&mut self.rows, rest);
            self.write(full)?;
        }
        Ok(())
    }

    /// Writes a segment and its thumbnails.
    fn write(&mut self, waiting: Vec<Waiting>) -> Result<(), Error> {
        let mut rows = Vec::with_capacity(waiting.len());
        let mut waiting = waiting.into_iter().peekable();
        while waiting.peek().is_some() {
            let mut some: Vec<Waiting> = waiting.by_ref().take(PART_THUMBNAILS).collect();
            self.pack(&mut some)?;
            (self.progress)(UpgradeProgress::Written(some.len()));
            rows.extend(some.into_iter().map(|waiting| waiting.row));
        }
        let written = WrittenSegment::write(self.source, self.writer, &rows)?;
        self.add(Ungrouped::Written(written))?;
        // The answer says that everything sent before has arrived.
        self.writer.lock(IfLocked::Refuse)?;
        if (self.save)(self.contents()) {
            self.writer.discard(&std::mem::take(&mut self.replaced));
        }
        Ok(())
    }

    /// Adds a segment that is written, and writes a group if that makes it large.
    fn add(&mut self, segment: Ungrouped) -> Result<(), Error> {
        self.segments.push(segment.entry().clone());
        self.next.ungrouped.push(segment);
        // Drafts list segments of small groups with check vectors of their own.
        self.next.compact(self.source, &mut self.only_in_drafts);
        let grouped = self.next.write_large(self.source, self.writer)?;
        let own = |entry: SegmentEntry| self.source.shape.segment(&entry, Part::Checks).map(|file| file.object);
        self.replaced.extend(self.segments.drain(..grouped).filter_map(own));
        Ok(())
    }

    /// Moves the thumbnails of some photos into a part of a pack.
    fn pack(&mut self, some: &mut [Waiting]) -> Result<(), Error> {
        let file = |listed: &ListedThumbnail| {
            let object = Object::Thumbnail(listed.id);
            Expected { limit: largest_bytes(&object), object, digest: listed.digest }
        };
        let files: Vec<Expected> = some.iter().filter_map(|one| one.thumbnail.as_ref().map(file)).collect();
        let mut read = HashMap::with_capacity(files.len());
        self.source.backend.read_many(&files, &mut |file, bytes| {
            // The keys and the object stay, so what was sealed stays as it is, without its prefix.
            read.insert(file.digest.0, without_prefix(bytes));
        });
        let mut thumbnails = Thumbnails::new()?;
        for one in some {
            let Some(listed) = one.thumbnail.take() else { continue };
            let sealed = match read.remove(&listed.digest.0) {
                Some(sealed) => sealed,
                // Says what is wrong with it.
                None => without_prefix(&self.source.backend.read_verified(&file(&listed))?),
            };
            let number = thumbnails.sealed.len() as u32;
            one.row.record.thumbnail = Some(ThumbnailPlace { part: thumbnails.part, number });
            thumbnails.sealed.push((listed.id, sealed));
        }
        self.packing.add(&thumbnails)?;
        self.packing.merge()?;
        self.replaced.extend(self.packing.take_obsolete());
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(&mut self) -> Result<Contents, Error> {
        if !self.rows.is_empty() {
            let last = std::mem::take(&mut self.rows);
            self.write(last)?;
        }
        let (groups, segments) = self.next.write(self.source, self.writer)?;
        Ok(Contents { groups, segments, packs: self.packing.entries(), tables: Vec::new() })
    }

    /// Files that the next generation does not reference: of the old format, but not those that its mapping names, and
    /// of this upgrade.
    pub(super) fn into_obsolete(self) -> Vec<Object> {
        [self.obsolete, self.only_in_drafts, self.replaced].concat()
    }
}
