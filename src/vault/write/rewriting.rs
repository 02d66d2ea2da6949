//! Which segments a commit rewrites, and rewriting them.
//!
//! All segments but the last are kept full. A commit rewrites the segments that lose an image, and the last one if it
//! has room; every other file stays. Rewritten segments are encrypted from the exact vectors, under new nonces and new
//! names. So the cost of adding images does not depend on the size of the vault.
//!
//! Must never: remove a file. Obsolete files are only listed, and stay until after the commit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::compaction::{Members, NextGeneration, PlannedGroup, Ungrouped};
use crate::vault::backend::generation;
use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::entries::{SEGMENT_IMAGES, SegmentEntry};
use crate::vault::format::group;
use crate::vault::format::hex::Id;
use crate::vault::format::images::ListedImage;
use crate::vault::format::layout::{Object, Part};
use crate::vault::format::segment;
use crate::vault::format::segment::{EncodedSegment, Row};
use crate::vault::read::group::Group;
use crate::vault::read::segment::Segment;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;

/// What a commit changes.
#[derive(Default)]
pub(super) struct Changes {
    /// New images.
    pub(super) additions: Vec<Row>,
    /// Images to leave out.
    pub(super) removals: HashSet<Id>,
    /// The replacement images of a segment, by its id.
    pub(super) replaced: HashMap<Id, Vec<Row>>,
    /// Groups whose files are rebuilt.
    pub(super) regrouped: HashSet<Id>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.additions.is_empty() && self.removals.is_empty() && self.replaced.is_empty() && self.regrouped.is_empty()
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
        let is_removed = |image: &ListedImage| self.removals.contains(&image.id);
        self.replaced.contains_key(&segment.entry().id)
            // As above.
            || (!self.removals.is_empty() && segment.images().is_ok_and(|images| images.iter().any(is_removed)))
    }
}

/// The rewriting of one commit.
pub(super) struct Rewriting<'a> {
    source: &'a Source,
    writer: &'a dyn Writer,
    changes: Changes,
    /// Images waiting to be written into a segment.
    rows: Vec<Row>,
    written: Vec<Ungrouped>,
    obsolete: Vec<Object>,
}

impl<'a> Rewriting<'a> {
    pub(super) fn new(source: &'a Source, writer: &'a dyn Writer, changes: Changes) -> Self {
        Self { source, writer, changes, rows: Vec::new(), written: Vec::new(), obsolete: Vec::new() }
    }

    /// The next generation, with segments written but not yet durable and groups still to be written, and the files
    /// that it makes obsolete.
    pub(super) fn run(mut self, base: &Snapshot) -> Result<(NextGeneration, Vec<Object>), Error> {
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
            } else if has_room {
                // The one with room stays last.
                kept_last = Some(Ungrouped::Kept(Arc::clone(segment)));
            } else {
                next.ungrouped.push(Ungrouped::Kept(Arc::clone(segment)));
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
        next.compact(&mut self.obsolete);
        Ok((next, self.obsolete))
    }

    fn rewrite_group(&mut self, group: &Arc<Group>, next: &mut NextGeneration) -> Result<(), Error> {
        let touched = self.changes.touched(group);
        if touched.is_empty() && !self.changes.regrouped.contains(&group.entry().id) {
            next.groups.push(PlannedGroup::Kept(Arc::clone(group)));
            return Ok(());
        }
        let segments = group.segments()?;
        for &at in &touched {
            self.take_rows(&segments[at])?;
            self.write_full()?;
        }
        match Members::of_group(group, &touched) {
            Ok(Some(members)) => next.groups.push(PlannedGroup::New(members)),
            // Too few for a group; or its deduplication index is damaged and must be rebuilt from the catalogues.
            Ok(None) | Err(_) => {
                let stay = (0..).zip(segments).filter(|(at, _)| !touched.contains(at));
                next.ungrouped.extend(stay.map(|(_, segment)| Ungrouped::Kept(Arc::clone(segment))));
            }
        }
        self.obsolete.extend(group::files(group.entry().id));
        Ok(())
    }

    /// Moves the remaining images of a segment to `rows`.
    fn take_rows(&mut self, segment: &Segment) -> Result<(), Error> {
        let entry = segment.entry();
        let current = match self.changes.replaced.remove(&entry.id) {
            Some(rows) => {
                self.obsolete.extend(dropped_objects(segment, &rows));
                rows
            }
            None => rows_of(self.source, entry)?,
        };
        for row in current {
            if self.changes.removals.contains(&row.listed.id) {
                self.obsolete.extend(row.listed.objects());
            } else {
                self.rows.push(row);
            }
        }
        self.obsolete.extend(segment::files(entry.id));
        Ok(())
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
        let id = Id::random()?;
        self.writer.announce(&segment::files(id))?;
        let segment = EncodedSegment::new(&self.source.keys, &self.source.holder, id, rows)?;
        for part in Part::ALL {
            self.writer.stage(&Object::Segment(id, part), &segment.pieces(part))?;
        }
        let contents = rows.iter().map(|row| (row.entry.content, row.entry.id)).collect();
        self.written.push(Ungrouped::Written(segment.entry(), contents));
        Ok(())
    }
}

/// Files that a segment references and its replacement `rows` do not: those of dropped images, and replaced thumbnails.
/// Empty when its list cannot be read.
fn dropped_objects(segment: &Segment, rows: &[Row]) -> Vec<Object> {
    let kept: HashSet<Object> = rows.iter().flat_map(|row| row.listed.objects()).collect();
    let named = segment.images().unwrap_or_default().iter().flat_map(ListedImage::objects);
    named.filter(|object| !kept.contains(object)).collect()
}

/// All rows of a segment.
fn rows_of(source: &Source, entry: &SegmentEntry) -> Result<Vec<Row>, Error> {
    let (list, entries) = (generation::read_images(&*source.backend, entry)?, source.catalogue(entry)?);
    if list.iter().zip(&entries).any(|(listed, entry)| listed.id != entry.id) {
        let object = Object::Segment(entry.id, Part::Catalogue);
        return Err(Error::Damaged { object, what: "it does not match the image list" });
    }
    let rows = list.into_iter().zip(entries).zip(source.vectors(entry)?);
    Ok(rows.map(|((listed, entry), vector)| Row { listed, entry, vector }).collect())
}
