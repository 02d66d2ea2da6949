//! Which segments a commit rewrites, and rewriting them.
//!
//! All segments but the last are kept full. A commit rewrites the segments that lose an image, and the last one if it
//! has room; where only records change, it writes the records alone. Every other file stays. Rewritten segments are
//! encrypted from the exact vectors, under new nonces and new names. So the cost of adding images does not depend on
//! the size of the vault.
//!
//! Must never: remove a file. Obsolete files are only listed, and stay until after the commit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::compaction::{FAN, NextGeneration, PlannedGroup, Ungrouped, WrittenSegment};
use super::group::Members;
use super::history::IfDamaged;
use crate::ckks::CheckVectors;
use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::entries::{SEGMENT_IMAGES, SegmentEntry};
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{GroupPart, Object, Part};
use crate::vault::format::list::ListedImage;
use crate::vault::format::record;
use crate::vault::format::record::{Found, Record, ThumbnailPlace};
use crate::vault::format::sealed::SealedObject;
use crate::vault::format::segment::Row;
use crate::vault::format::tombstone::Tombstone;
use crate::vault::read::group::Group;
use crate::vault::read::segment::Segment;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;

/// What a commit changes.
#[derive(Clone, Default)]
pub(super) struct Changes {
    /// New images.
    pub(super) additions: Vec<Row>,
    /// Images to leave out.
    pub(super) removals: HashSet<Id>,
    /// More places where images were found.
    pub(super) places: HashMap<Id, Vec<Found>>,
    /// The replacement images of a segment, by its id.
    pub(super) replaced: HashMap<Id, Vec<Row>>,
    /// Groups whose files are rebuilt.
    pub(super) regrouped: HashSet<Id>,
    /// Whether the table of sources is written anew from what is left of it.
    pub(super) renews_sources: bool,
    /// Whether the table of tombstones is written anew from what is left of it.
    pub(super) renews_tombstones: bool,
    /// What becomes of a history that cannot be read.
    pub(super) if_history_is_damaged: IfDamaged,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.additions.is_empty()
            && self.removals.is_empty()
            && self.places.is_empty()
            && self.replaced.is_empty()
            && self.regrouped.is_empty()
            && !self.renews_sources
            && !self.renews_tombstones
            && self.if_history_is_damaged == IfDamaged::Refuse
    }

    /// Which segments of a group are rewritten, by number.
    fn touched(&self, group: &Group) -> Vec<usize> {
        if self.removals.is_empty() && self.replaced.is_empty() {
            return Vec::new();
        }
        // Images in an unreadable list cannot be found, so none of them is being removed.
        let segments = group.segments().unwrap_or_default().iter().enumerate();
        segments.filter(|(_, segment)| self.touches(segment)).map(|(at, _)| at).collect()
    }

    /// Whether a segment loses an image or is replaced.
    fn touches(&self, segment: &Segment) -> bool {
        self.replaced.contains_key(&segment.entry().id) || has_any(segment, |id| self.removals.contains(id))
    }

    /// Whether an image of a segment was found at more places.
    fn amends(&self, segment: &Segment) -> bool {
        !self.places.is_empty() && has_any(segment, |id| self.places.contains_key(id))
    }

    fn amend(&mut self, record: &mut Record) {
        for found in self.places.remove(&record.id).unwrap_or_default() {
            // Another writer may have added places meanwhile.
            if record.has_room_for([&found]) {
                record.add_found(found);
            }
        }
    }
}

/// Whether the readable list of a segment has such an image.
fn has_any(segment: &Segment, is_one: impl Fn(&Id) -> bool) -> bool {
    segment.images().is_ok_and(|images| images.iter().any(|image| is_one(&image.id)))
}

/// The outcome of a rewriting.
pub(super) struct Rewritten {
    /// With segments written but not yet durable and groups still to be written.
    pub(super) next: NextGeneration,
    /// Files that it makes obsolete.
    pub(super) obsolete: Vec<Object>,
    /// Thumbnails that no record refers to any more.
    pub(super) dead: Vec<ThumbnailPlace>,
    /// Of the images that were removed.
    pub(super) tombstones: Vec<Tombstone>,
}

/// The rewriting of one commit.
pub(super) struct Rewriting<'a> {
    source: &'a Source,
    writer: &'a dyn Writer,
    changes: Changes,
    now: i64,
    /// Images waiting to be written into a segment.
    rows: Vec<Row>,
    written: Vec<Ungrouped>,
    obsolete: Vec<Object>,
    dead: Vec<ThumbnailPlace>,
    tombstones: Vec<Tombstone>,
}

impl<'a> Rewriting<'a> {
    /// `now` is in seconds since 1970.
    pub(super) fn new(source: &'a Source, writer: &'a dyn Writer, changes: Changes, now: i64) -> Self {
        let (rows, written, obsolete) = (Vec::new(), Vec::new(), Vec::new());
        let (dead, tombstones) = (Vec::new(), Vec::new());
        Self { source, writer, changes, now, rows, written, obsolete, dead, tombstones }
    }

    /// Writes the segments of the next generation.
    pub(super) fn run(mut self, base: &Snapshot) -> Result<Rewritten, Error> {
        let mut next = NextGeneration::default();
        for group in base.groups() {
            self.rewrite_group(group, &mut next)?;
        }
        let mut kept_last = None;
        for segment in base.ungrouped() {
            let has_room = segment.len() < SEGMENT_IMAGES;
            let fills_up = has_room && !(self.rows.is_empty() && self.changes.additions.is_empty());
            if fills_up || self.changes.touches(segment) {
                self.take_rows(segment)?;
                self.write_full()?;
                continue;
            }
            let (entry, segment) = (self.amended(segment)?, Arc::clone(segment));
            let kept = Ungrouped::Kept { entry, segment, new_checks: None };
            if has_room {
                // The one with room stays last.
                kept_last = Some(kept);
            } else {
                next.ungrouped.push(kept);
            }
        }
        self.rows.append(&mut self.changes.additions);
        self.write_full()?;
        if !self.rows.is_empty() {
            let last = std::mem::take(&mut self.rows);
            self.write_segment(&last)?;
        }
        next.ungrouped.append(&mut self.written);
        next.ungrouped.extend(kept_last);
        next.compact(self.source, &mut self.obsolete);
        Ok(Rewritten { next, obsolete: self.obsolete, dead: self.dead, tombstones: self.tombstones })
    }

    fn rewrite_group(&mut self, group: &Arc<Group>, next: &mut NextGeneration) -> Result<(), Error> {
        let touched = self.changes.touched(group);
        let is_rebuilt = self.changes.regrouped.contains(&group.entry().id);
        if touched.is_empty() && !is_rebuilt {
            next.groups.push(self.amended_group(group)?);
            return Ok(());
        }
        let segments = group.segments()?;
        for &at in &touched {
            self.take_rows(&segments[at])?;
            self.write_full()?;
        }
        let entries: Vec<SegmentEntry> = (0..)
            .zip(segments)
            .map(
                |(at, segment)| {
                    if touched.contains(&at) { Ok(segment.entry().clone()) } else { self.amended(segment) }
                },
            )
            .collect::<Result<_, Error>>()?;
        let members = if is_rebuilt && touched.is_empty() {
            Members::rebuilt(self.source, group, &entries)
        } else {
            Members::of_group(self.source, group, &entries, &touched)
        };
        match members {
            Ok(members) if members.segments.len() >= FAN => next.groups.push(PlannedGroup::New(members)),
            // Too few for a group, or a file of the group is damaged: without a group they need check vectors of their
            // own again.
            _ => {
                for (at, (segment, entry)) in segments.iter().zip(&entries).enumerate() {
                    if !touched.contains(&at) {
                        let (entry, checks) = self.with_own_checks(segment, entry)?;
                        let segment = Arc::clone(segment);
                        next.ungrouped.push(Ungrouped::Kept { entry, segment, new_checks: Some(checks) });
                    }
                }
            }
        }
        self.obsolete.extend(self.source.shape.group_files(group.entry()).map(|file| file.object));
        Ok(())
    }

    fn amended_group(&mut self, group: &Arc<Group>) -> Result<PlannedGroup, Error> {
        let kept = PlannedGroup::Kept(Arc::clone(group));
        if self.changes.places.is_empty() {
            return Ok(kept);
        }
        // Images in an unreadable list cannot be found, so no place of theirs was added.
        let segments = group.segments().unwrap_or_default();
        if !segments.iter().any(|segment| self.changes.amends(segment)) {
            return Ok(kept);
        }
        let entries = segments.iter().map(|segment| self.amended(segment)).collect::<Result<_, _>>()?;
        let lists = [GroupPart::List, GroupPart::Copy];
        self.obsolete.extend(lists.into_iter().filter_map(|part| Some(group.expected(part).ok()?.object)));
        Ok(PlannedGroup::Amended(Arc::clone(group), entries))
    }

    /// The entry of a segment that keeps its images, with its records written anew where something was added to them.
    fn amended(&mut self, segment: &Segment) -> Result<SegmentEntry, Error> {
        let mut entry = segment.entry().clone();
        if !self.changes.amends(segment) {
            return Ok(entry);
        }
        let mut records = segment.read_records()?;
        records.iter_mut().for_each(|record| self.changes.amend(record));
        let plaintext = record::encode(&records)?;
        let sealed = self.source.keys.seal(&SealedObject::Records(entry.id), &plaintext)?;
        let digest = Digest::of(&sealed.parts());
        self.stage(&Object::Segment(digest.name(), Part::Records), &sealed.parts())?;
        self.obsolete.push(segment.expected(Part::Records)?.object);
        entry.records = digest;
        Ok(entry)
    }

    /// Check vectors of its own for a segment that leaves a group, and its entry with them.
    fn with_own_checks(&self, segment: &Segment, entry: &SegmentEntry) -> Result<(SegmentEntry, CheckVectors), Error> {
        let search = self.source.search()?;
        let checks = super::group::checks_of(search, segment)?;
        let sealed = self.source.keys.seal(&SealedObject::Checks(entry.id, search.space), &checks.to_bytes())?;
        let digest = Digest::of(&sealed.parts());
        self.stage(&Object::Segment(digest.name(), Part::Checks), &sealed.parts())?;
        let mut entry = entry.clone();
        entry.features.iter_mut().flatten().for_each(|features| features.checks = Some(digest));
        Ok((entry, checks))
    }

    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        self.writer.announce(std::slice::from_ref(object))?;
        self.writer.stage(object, parts)
    }

    /// Moves the remaining images of a segment to `rows`.
    fn take_rows(&mut self, segment: &Segment) -> Result<(), Error> {
        let current = match self.changes.replaced.remove(&segment.entry().id) {
            Some(rows) => {
                self.drop_replaced(segment, &rows);
                rows
            }
            None => rows_of(self.source, segment)?,
        };
        for mut row in current {
            if self.changes.removals.contains(&row.listed.id) {
                self.obsolete.push(row.listed.object());
                self.obsolete.extend(row.companions.iter().map(ListedImage::object));
                self.dead.extend(row.record.thumbnail);
                self.tombstones.push(Tombstone::new(row.record.content, self.now, row.record.file_name().to_vec()));
            } else {
                self.changes.amend(&mut row.record);
                self.rows.push(row);
            }
        }
        self.obsolete.extend(self.source.shape.segment_files(segment.entry()).map(|file| file.object));
        Ok(())
    }

    /// Notes what a segment refers to and its replacement `rows` do not: dropped originals and thumbnails. Nothing is
    /// noted where its list or its records cannot be read.
    fn drop_replaced(&mut self, segment: &Segment, rows: &[Row]) {
        let kept: HashSet<Id> = rows.iter().map(|row| row.listed.id).collect();
        let dropped = segment.images().unwrap_or_default().iter().filter(|image| !kept.contains(&image.id));
        self.obsolete.extend(dropped.map(ListedImage::object));
        let shown: HashSet<ThumbnailPlace> = rows.iter().filter_map(|row| row.record.thumbnail).collect();
        let before = segment.records().unwrap_or_default().iter().filter_map(|record| record.thumbnail);
        self.dead.extend(before.filter(|place| !shown.contains(place)));
    }

    /// Writes full segments from the front of `rows` while there are enough images.
    fn write_full(&mut self) -> Result<(), Error> {
        while self.rows.len() >= SEGMENT_IMAGES {
            let rest = self.rows.split_off(SEGMENT_IMAGES);
            let full = std::mem::replace(&mut self.rows, rest);
            self.write_segment(&full)?;
        }
        Ok(())
    }

    fn write_segment(&mut self, rows: &[Row]) -> Result<(), Error> {
        self.written.push(Ungrouped::Written(WrittenSegment::write(self.source, self.writer, rows)?));
        Ok(())
    }
}

/// All rows of a segment.
pub(super) fn rows_of(source: &Source, segment: &Segment) -> Result<Vec<Row>, Error> {
    let entry = segment.entry();
    let (list, records) = (segment.images()?.to_vec(), segment.read_records()?);
    if list.iter().zip(&records).any(|(listed, record)| listed.id != record.id) {
        let object = segment.expected(Part::Records)?.object;
        return Err(Error::Damaged { object, what: "it does not match the image list" });
    }
    let companions = segment.companions()?;
    let row = |((listed, record), vector): ((ListedImage, Record), Option<Vec<f32>>)| {
        let belongs = |one: &&ListedImage| record.companions.iter().any(|known| known.id == one.id);
        let companions = companions.iter().filter(belongs).cloned().collect();
        Row { listed, companions, record, vector }
    };
    Ok(list.into_iter().zip(records).zip(source.vectors(entry)?).map(row).collect())
}
