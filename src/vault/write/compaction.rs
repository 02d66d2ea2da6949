//! Compaction: keeps the mapping small and makes duplicates quick to find in a large vault. Full segments become
//! groups, and groups become larger ones, as in a log-structured merge tree (O'Neil, Cheng, Gawlick, O'Neil 1996).
//!
//! Eight full segments make a group, and eight groups of fewer than 64 segments make one of 64 or more, which is final.
//! So a mapping lists at most 8 full segments, 7 small groups, and one large group per 65,536 images; each image is
//! written into a group twice in its life, and the work of one commit is bounded.
//!
//! Must never: fail a commit. If compaction finds a damaged file, it is skipped and the files that it would have
//! replaced stay.

use std::sync::Arc;

use super::group::{Members, write_amended};
use crate::ckks::CheckVectors;
use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::entries::{GroupEntry, SEGMENT_IMAGES, SegmentEntry};
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{Object, Part};
use crate::vault::format::segment::{EncodedSegment, Row};
use crate::vault::read::group::Group;
use crate::vault::read::segment::Segment;
use crate::vault::read::source::Source;

/// How many of one size are merged into one of the next.
pub(super) const FAN: usize = 8;
/// Groups with at least this many segments are not merged further.
const LARGE: usize = FAN * FAN;

/// A segment in no group.
pub(super) enum Ungrouped {
    /// Its images are as before. The entry differs from the segment's where its records were written anew.
    Kept(SegmentEntry, Arc<Segment>),
    /// Written by this commit.
    Written(WrittenSegment),
}

/// A segment written by this commit.
pub(super) struct WrittenSegment {
    pub(super) entry: SegmentEntry,
    /// The contents of its images.
    pub(super) contents: Vec<(Digest, Id)>,
    pub(super) checks: CheckVectors,
}

impl WrittenSegment {
    /// Encrypts and stages a segment with these images, at least 1 and at most one segment's worth.
    pub(super) fn write(source: &Source, writer: &dyn Writer, rows: &[Row]) -> Result<Self, Error> {
        let segment = EncodedSegment::new(&source.keys, source.search()?, Id::random()?, rows)?;
        let (files, entry) = segment.files();
        writer.announce(&files.iter().map(|(object, _)| object.clone()).collect::<Vec<_>>())?;
        for (object, pieces) in &files {
            writer.stage(object, pieces)?;
        }
        let contents = rows.iter().map(|row| (row.record.content, row.record.id)).collect();
        Ok(Self { entry, contents, checks: segment.into_checks() })
    }
}

impl Ungrouped {
    /// Its entry in the mapping.
    pub(super) fn entry(&self) -> &SegmentEntry {
        match self {
            Self::Kept(entry, _) => entry,
            Self::Written(written) => &written.entry,
        }
    }

    fn is_full(&self) -> bool {
        self.entry().images == SEGMENT_IMAGES
    }

    fn join(&self, members: &mut Members) -> Result<(), Error> {
        match self {
            Self::Kept(entry, segment) => {
                let contents = segment.records()?.iter().map(|record| (record.content, record.id));
                members.add_segment(entry, contents, segment.checks()?)
            }
            Self::Written(WrittenSegment { entry, contents, checks }) => {
                members.add_segment(entry, contents.iter().copied(), checks)
            }
        }
    }

    /// The file that it no longer needs once it is in a group.
    fn own_checks(&self, source: &Source) -> Option<Object> {
        source.shape.segment(self.entry(), Part::Checks).map(|file| file.object)
    }
}

/// A group of the next generation.
pub(super) enum PlannedGroup {
    /// Unchanged.
    Kept(Arc<Group>),
    /// With other records: the entries of its segments.
    Amended(Arc<Group>, Vec<SegmentEntry>),
    /// To be written.
    New(Members),
}

impl PlannedGroup {
    fn segments(&self) -> usize {
        match self {
            Self::Kept(group) | Self::Amended(group, _) => group.entry().segments,
            Self::New(members) => members.segments.len(),
        }
    }

    fn join(&self, members: &mut Members) -> Result<(), Error> {
        match self {
            Self::Kept(group) => {
                let entries: Vec<_> = group.segments()?.iter().map(|segment| segment.entry().clone()).collect();
                members.add_members(&entries, &group.dedup_entries()?, group.checks()?)
            }
            Self::Amended(group, entries) => members.add_members(entries, &group.dedup_entries()?, group.checks()?),
            Self::New(more) => members.add_members(&more.segments, &more.dedup, &more.checks),
        }
    }
}

/// The groups and ungrouped segments of the next generation.
#[derive(Default)]
pub(super) struct NextGeneration {
    pub(super) groups: Vec<PlannedGroup>,
    /// All full except the last.
    pub(super) ungrouped: Vec<Ungrouped>,
}

impl NextGeneration {
    /// Merges full segments into groups, and small groups into larger ones, where there are enough. Adds the files that
    /// are needed no longer to `obsolete`.
    pub(super) fn compact(&mut self, source: &Source, obsolete: &mut Vec<Object>) {
        while self.ungrouped.len() >= FAN && self.ungrouped[..FAN].iter().all(Ungrouped::is_full) {
            let Ok(members) = joined(source, &self.ungrouped[..FAN], Ungrouped::join) else { break };
            obsolete.extend(self.ungrouped.drain(..FAN).filter_map(|segment| segment.own_checks(source)));
            self.groups.push(PlannedGroup::New(members));
        }
        let is_small = |group: &PlannedGroup| group.segments() < LARGE;
        while self.groups.iter().filter(|group| is_small(group)).count() >= FAN {
            let (mut small, large): (Vec<_>, Vec<_>) = std::mem::take(&mut self.groups).into_iter().partition(is_small);
            self.groups = large;
            let merged = joined(source, &small[..FAN], PlannedGroup::join);
            let is_merged = merged.is_ok();
            if let Ok(members) = merged {
                for group in small.drain(..FAN) {
                    if let PlannedGroup::Kept(group) | PlannedGroup::Amended(group, _) = group {
                        obsolete.extend(source.shape.group_files(group.entry()).map(|file| file.object));
                    }
                }
                self.groups.push(PlannedGroup::New(members));
            }
            self.groups.append(&mut small);
            if !is_merged {
                return;
            }
        }
    }

    /// Writes the new groups, and returns the entries of the next mapping.
    pub(super) fn write(
        self,
        source: &Source,
        writer: &dyn Writer,
    ) -> Result<(Vec<GroupEntry>, Vec<SegmentEntry>), Error> {
        let written = |group| match group {
            PlannedGroup::Kept(group) => Ok(group.entry().clone()),
            PlannedGroup::Amended(group, entries) => write_amended(&source.keys, writer, group.entry(), &entries),
            PlannedGroup::New(members) => members.write(source, writer),
        };
        let groups = self.groups.into_iter().map(written).collect::<Result<_, Error>>()?;
        Ok((groups, self.ungrouped.iter().map(|segment| segment.entry().clone()).collect()))
    }
}

fn joined<T>(
    source: &Source,
    all: &[T],
    join: impl Fn(&T, &mut Members) -> Result<(), Error>,
) -> Result<Members, Error> {
    let mut members = Members::empty(source)?;
    all.iter().try_for_each(|one| join(one, &mut members))?;
    Ok(members)
}
