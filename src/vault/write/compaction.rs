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

use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::dedup;
use crate::vault::format::dedup::DedupEntry;
use crate::vault::format::entries::{GroupEntry, SEGMENT_IMAGES, SegmentEntry};
use crate::vault::format::group;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{GroupPart, Object};
use crate::vault::format::sealed::VaultKeys;
use crate::vault::read::group::Group;
use crate::vault::read::segment::Segment;

/// How many of one size are merged into one of the next.
const FAN: usize = 8;
/// Groups with at least this many segments are not merged further.
const LARGE: usize = FAN * FAN;

/// A segment in no group.
pub(super) enum Ungrouped {
    /// Unchanged.
    Kept(Arc<Segment>),
    /// Written by this commit, with the contents of its images.
    Written(SegmentEntry, Vec<(Digest, Id)>),
}

impl Ungrouped {
    /// Its entry in the mapping.
    pub(super) fn entry(&self) -> &SegmentEntry {
        match self {
            Self::Kept(segment) => segment.entry(),
            Self::Written(entry, _) => entry,
        }
    }

    fn is_full(&self) -> bool {
        self.entry().images == SEGMENT_IMAGES
    }

    /// The deduplication entries of its images. `number` is its position in the group.
    fn dedup_entries(&self, number: u32) -> Result<Vec<DedupEntry>, Error> {
        let entry = |(content, id)| DedupEntry { content, id, segment: number };
        Ok(match self {
            Self::Kept(segment) => segment.catalogue()?.iter().map(|row| entry((row.content, row.id))).collect(),
            Self::Written(_, contents) => contents.iter().copied().map(entry).collect(),
        })
    }
}

/// A group of the next generation.
pub(super) enum PlannedGroup {
    /// Unchanged.
    Kept(Arc<Group>),
    /// To be written.
    New(Members),
}

impl PlannedGroup {
    fn segments(&self) -> usize {
        match self {
            Self::Kept(group) => group.entry().segments,
            Self::New(members) => members.segments.len(),
        }
    }
}

/// The content of a group.
#[derive(Default)]
pub(super) struct Members {
    segments: Vec<SegmentEntry>,
    dedup: Vec<DedupEntry>,
}

impl Members {
    /// The members of `group` except the segments numbered `without`; `None` when too few remain for a group.
    ///
    /// # Errors
    /// When a file of the group is damaged.
    pub(super) fn of_group(group: &Group, without: &[usize]) -> Result<Option<Self>, Error> {
        let stays: Vec<bool> = (0..group.entry().segments).map(|number| !without.contains(&number)).collect();
        let segments = group.segments()?.iter().zip(&stays);
        let segments: Vec<_> =
            segments.filter(|(_, stays)| **stays).map(|(segment, _)| segment.entry().clone()).collect();
        if segments.len() < FAN {
            return Ok(None);
        }
        let mut numbers = 0..;
        let renumbered: Vec<Option<u32>> =
            stays.iter().map(|stays| if *stays { numbers.next() } else { None }).collect();
        let kept = |entry: DedupEntry| {
            let segment = (*renumbered.get(entry.segment as usize)?)?;
            Some(DedupEntry { segment, ..entry })
        };
        Ok(Some(Self { segments, dedup: group.dedup_entries()?.into_iter().filter_map(kept).collect() }))
    }

    fn of_segments(ungrouped: &[Ungrouped]) -> Result<Self, Error> {
        let mut members = Self::default();
        for (number, segment) in (0..).zip(ungrouped) {
            members.segments.push(segment.entry().clone());
            members.dedup.extend(segment.dedup_entries(number)?);
        }
        Ok(members)
    }

    fn merged(groups: &[PlannedGroup]) -> Result<Self, Error> {
        let mut members = Self::default();
        for group in groups {
            let first = members.segments.len() as u32;
            let shifted = |entry: &DedupEntry| DedupEntry { segment: first + entry.segment, ..entry.clone() };
            match group {
                PlannedGroup::Kept(group) => {
                    members.dedup.extend(group.dedup_entries()?.iter().map(shifted));
                    members.segments.extend(group.segments()?.iter().map(|segment| segment.entry().clone()));
                }
                PlannedGroup::New(more) => {
                    members.dedup.extend(more.dedup.iter().map(shifted));
                    members.segments.extend_from_slice(&more.segments);
                }
            }
        }
        Ok(members)
    }

    fn write(mut self, keys: &VaultKeys, writer: &dyn Writer) -> Result<GroupEntry, Error> {
        let id = Id::random()?;
        self.dedup.sort_unstable_by_key(|entry| entry.content.0);
        let list = group::encode_list(id, &self.segments);
        let tags = dedup::seal(keys, id, &self.dedup, &list)?;
        writer.announce(&group::files(id))?;
        writer.stage(&Object::Group(id, GroupPart::List), &[&list])?;
        writer.stage(&Object::Group(id, GroupPart::Tags), &[&tags])?;
        Ok(GroupEntry {
            id,
            segments: self.segments.len(),
            images: self.segments.iter().map(|segment| segment.images).sum(),
            group: Digest::of(&[&list]),
            tags: Digest::of(&[&tags]),
        })
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
    /// Merges full segments into groups, and small groups into larger ones, where there are enough. Adds the files of
    /// merged groups to `obsolete`.
    pub(super) fn compact(&mut self, obsolete: &mut Vec<Object>) {
        while self.ungrouped.len() >= FAN && self.ungrouped[..FAN].iter().all(Ungrouped::is_full) {
            let Ok(members) = Members::of_segments(&self.ungrouped[..FAN]) else { break };
            self.ungrouped.drain(..FAN);
            self.groups.push(PlannedGroup::New(members));
        }
        let is_small = |group: &PlannedGroup| group.segments() < LARGE;
        while self.groups.iter().filter(|group| is_small(group)).count() >= FAN {
            let (mut small, large): (Vec<_>, Vec<_>) = std::mem::take(&mut self.groups).into_iter().partition(is_small);
            self.groups = large;
            let merged = Members::merged(&small[..FAN]);
            let is_merged = merged.is_ok();
            if let Ok(members) = merged {
                for group in small.drain(..FAN) {
                    if let PlannedGroup::Kept(group) = group {
                        obsolete.extend(group::files(group.entry().id));
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
        keys: &VaultKeys,
        writer: &dyn Writer,
    ) -> Result<(Vec<GroupEntry>, Vec<SegmentEntry>), Error> {
        let written = |group| match group {
            PlannedGroup::Kept(group) => Ok(group.entry().clone()),
            PlannedGroup::New(members) => members.write(keys, writer),
        };
        let groups = self.groups.into_iter().map(written).collect::<Result<_, Error>>()?;
        Ok((groups, self.ungrouped.iter().map(|segment| segment.entry().clone()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Ungrouped {
        let (id, digest) = (Id::random().unwrap(), Digest::of(&[]));
        let entry = SegmentEntry {
            id,
            images: SEGMENT_IMAGES,
            ckks: digest,
            json: digest,
            hints: digest,
            vectors: digest,
            catalogue: digest,
        };
        Ungrouped::Written(entry, vec![(Digest::of(&[&id.0]), id)])
    }

    #[test]
    fn a_mapping_lists_few_segments_and_groups() {
        let mut next = NextGeneration::default();
        let mut ids = Vec::new();
        for segments in 1..=2000 {
            let segment = full();
            ids.push(segment.entry().id);
            next.ungrouped.push(segment);
            next.compact(&mut Vec::new());
            let (small, large): (Vec<_>, Vec<_>) = next.groups.iter().partition(|group| group.segments() < LARGE);
            assert_eq!(next.ungrouped.len(), segments % FAN);
            assert_eq!(small.len(), segments / FAN % FAN);
            assert_eq!(large.len(), segments / LARGE);
        }
        // Each segment is in one group, under the number in its deduplication entries.
        let mut found = Vec::new();
        for group in &next.groups {
            let PlannedGroup::New(members) = group else { panic!("all were written here") };
            assert_eq!(members.dedup.len(), members.segments.len());
            for entry in &members.dedup {
                assert_eq!(members.segments[entry.segment as usize].id, entry.id);
            }
            found.extend(members.segments.iter().map(|segment| segment.id));
        }
        found.extend(next.ungrouped.iter().map(|segment| segment.entry().id));
        found.sort();
        ids.sort();
        assert_eq!(found, ids);
    }

    #[test]
    fn a_segment_with_room_is_never_grouped() {
        let mut next = NextGeneration { ungrouped: (0..FAN).map(|_| full()).collect(), ..NextGeneration::default() };
        let Ungrouped::Written(last, _) = &mut next.ungrouped[FAN - 1] else { panic!("it is new") };
        last.images -= 1;
        next.compact(&mut Vec::new());
        assert_eq!((next.groups.len(), next.ungrouped.len()), (0, FAN));
    }
}
