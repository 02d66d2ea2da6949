//! Compaction: keeps the mapping small and makes duplicates quick to find in a large vault. Full segments become
//! groups, and groups become larger ones, as in a log-structured merge tree (O'Neil, Cheng, Gawlick, O'Neil 1996).
//!
//! Eight full segments make a group, and eight groups of fewer than 64 segments make one of 64 or more, which is final.
//! So a mapping lists at most 8 full segments, 7 small groups, and one large group per 65,536 images; each image is
//! written into a group twice in its life, and the work of one commit is bounded.
//!
//! Must never: fail a commit. If compaction finds a damaged file, it is skipped and the files that it would have
//! replaced stay.

use std::collections::HashMap;
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
    /// Its images are as before.
    Kept {
        /// Differs from the segment's own where this commit has written records or check vectors anew.
        entry: SegmentEntry,
        segment: Arc<Segment>,
        /// Of one that has just left its group.
        new_checks: Option<CheckVectors>,
    },
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
            Self::Kept { entry, .. } => entry,
            Self::Written(written) => &written.entry,
        }
    }

    fn is_full(&self) -> bool {
        self.entry().images == SEGMENT_IMAGES
    }

    fn join(&self, members: &mut Members) -> Result<(), Error> {
        match self {
            Self::Kept { entry, segment, new_checks } => {
                let contents = segment.records()?.iter().map(|record| (record.content, record.id));
                let checks = new_checks.as_ref().map_or_else(|| segment.checks(), Ok)?;
                members.add_segment(entry, contents, checks)
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

    /// The group if it is unchanged.
    pub(super) fn kept(&self) -> Option<&Arc<Group>> {
        match self {
            Self::Kept(group) => Some(group),
            Self::Amended(..) | Self::New(_) => None,
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

    /// Writes the new groups that are merged no further, and returns how many segments are in them.
    pub(super) fn write_large(&mut self, source: &Arc<Source>, writer: &dyn Writer) -> Result<usize, Error> {
        let mut segments = 0;
        for group in &mut self.groups {
            if group.segments() >= LARGE
                && let PlannedGroup::New(members) = group
            {
                let entry = members.write(source, writer)?;
                segments += entry.segments;
                *group = PlannedGroup::Kept(Arc::new(Group::new(source, &entry, 0, &HashMap::new())));
            }
        }
        Ok(segments)
    }

    /// Writes the new groups, and returns the entries of the next mapping.
    pub(super) fn write(
        &mut self,
        source: &Source,
        writer: &dyn Writer,
    ) -> Result<(Vec<GroupEntry>, Vec<SegmentEntry>), Error> {
        let written = |group: &mut PlannedGroup| match group {
            PlannedGroup::Kept(group) => Ok(group.entry().clone()),
            PlannedGroup::Amended(group, entries) => write_amended(&source.keys, writer, group.entry(), entries),
            PlannedGroup::New(members) => members.write(source, writer),
        };
        let groups = self.groups.iter_mut().map(written).collect::<Result<_, Error>>()?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::MasterKey;
    use crate::ckks::SealedBlock;
    use crate::vault::format::entries::FeaturesEntry;
    use crate::vault::format::sealed::VaultKeys;
    use crate::vault::format::segment::Search;
    use crate::vault::format::shape::Shape;
    use crate::vault::format::space::tests::features;
    use crate::vault::format::space::{FeatureSpace, Space};

    const DIMENSION: usize = 128;

    /// Keys without a vault: what would be read is missing.
    fn source() -> Arc<Source> {
        let features = FeatureSpace { dimension: DIMENSION, ..features() };
        let keys = VaultKeys::new(Id::random().unwrap(), MasterKey::generate().unwrap());
        let search = Search::new(&keys, &Space::new(features).unwrap()).unwrap();
        let shape = Shape::Current { spaces: vec![*search.holder.parameters()] };
        let backend = crate::vault::local("a vault that does not exist");
        Arc::new(Source { backend, keys: Arc::new(keys), shape, search: Some(search) })
    }

    fn block(source: &Source) -> SealedBlock {
        let mut vector = vec![0.0; DIMENSION];
        vector[0] = 1.0;
        source.search().unwrap().holder.seal(&[vector]).unwrap()
    }

    /// Check vectors of these blocks, made anew.
    fn checks(source: &Source, blocks: &[SealedBlock]) -> CheckVectors {
        let holder = &source.search().unwrap().holder;
        let mut checks = CheckVectors::empty(holder.parameters(), 0);
        blocks.iter().for_each(|block| checks.add_sealed(holder, block).unwrap());
        checks
    }

    fn entry(images: usize) -> SegmentEntry {
        let (id, digest) = (Id::random().unwrap(), Digest::of(&[]));
        let checks = Some(Digest::of(&[&id.0]));
        let features = FeaturesEntry { ckks: digest, hints: digest, vectors: digest, checks };
        SegmentEntry { id, images, list: digest, records: digest, features: vec![Some(features)] }
    }

    /// A full segment with one photo that has the segment's id.
    fn full(source: &Source, blocks: &[SealedBlock]) -> Ungrouped {
        let entry = entry(SEGMENT_IMAGES);
        let contents = vec![(Digest::of(&[&entry.id.0]), entry.id)];
        Ungrouped::Written(WrittenSegment { entry, contents, checks: checks(source, blocks) })
    }

    /// The same, of the generation before. Its files are missing.
    fn missing(source: &Arc<Source>) -> Ungrouped {
        let entry = entry(SEGMENT_IMAGES);
        let segment = Segment::of(source, &entry, 1, &HashMap::new());
        Ungrouped::Kept { entry, segment, new_checks: None }
    }

    fn members(group: &PlannedGroup) -> &Members {
        match group {
            PlannedGroup::New(members) => members,
            PlannedGroup::Kept(_) | PlannedGroup::Amended(..) => panic!("it was not made here"),
        }
    }

    #[test]
    fn a_mapping_lists_few_segments_and_groups_in_the_order_of_the_scan() {
        let source = source();
        let (mut next, mut obsolete, mut ids) = (NextGeneration::default(), Vec::new(), Vec::new());
        for segments in 1..=1100 {
            let segment = full(&source, &[]);
            ids.push(segment.entry().id);
            next.ungrouped.push(segment);
            next.compact(&source, &mut obsolete);
            let (small, large): (Vec<_>, Vec<_>) = next.groups.iter().partition(|group| group.segments() < LARGE);
            assert_eq!(next.ungrouped.len(), segments % FAN);
            assert_eq!(small.len(), segments / FAN % FAN);
            assert_eq!(large.len(), segments / LARGE);
        }
        let mut found = Vec::new();
        for group in &next.groups {
            let members = members(group);
            assert_eq!(members.dedup.len(), members.segments.len());
            for entry in &members.dedup {
                assert_eq!(members.segments[entry.segment as usize].id, entry.id, "the number of its segment");
            }
            assert!(
                members.segments.iter().flat_map(|segment| &segment.features).flatten().all(|f| f.checks.is_none())
            );
            found.extend(members.segments.iter().map(|segment| segment.id));
        }
        // Check vectors of their own are needed no longer, once for each segment in a group.
        let own = |id: &Id| Object::Segment(Digest::of(&[&id.0]).name(), Part::Checks);
        assert_eq!(obsolete, found.iter().map(own).collect::<Vec<_>>());
        found.extend(next.ungrouped.iter().map(|segment| segment.entry().id));
        assert_eq!(found, ids);
    }

    #[test]
    fn a_segment_with_room_is_never_grouped() {
        let source = source();
        let mut next =
            NextGeneration { ungrouped: (0..FAN).map(|_| full(&source, &[])).collect(), ..NextGeneration::default() };
        let Ungrouped::Written(last) = &mut next.ungrouped[FAN - 1] else { panic!("it is new") };
        last.entry.images -= 1;
        next.compact(&source, &mut Vec::new());
        assert_eq!((next.groups.len(), next.ungrouped.len()), (0, FAN));
    }

    #[test]
    fn the_check_vectors_of_a_group_are_those_of_its_blocks_made_anew() {
        let source = source();
        let blocks: Vec<SealedBlock> = (0..2 * LARGE).map(|_| block(&source)).collect();
        let mut next = NextGeneration::default();
        for (number, of_segment) in blocks.chunks(2).enumerate() {
            next.ungrouped.push(full(&source, of_segment));
            next.compact(&source, &mut Vec::new());
            if number + 1 == FAN {
                let anew = checks(&source, &blocks[..2 * FAN]);
                assert!(*members(&next.groups[0]).checks.to_bytes() == *anew.to_bytes(), "of eight segments");
            }
        }
        assert_eq!((next.groups.len(), next.ungrouped.len()), (1, 0));
        let joined = members(&next.groups[0]).checks.to_bytes();
        assert!(*joined == *checks(&source, &blocks).to_bytes(), "of eight groups");
        assert!(*joined != *checks(&source, &blocks[1..]).to_bytes(), "without one of them");
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        let source = source();
        let mut next = NextGeneration::default();
        next.ungrouped.extend((0..FAN - 1).map(|_| full(&source, &[])));
        next.ungrouped.push(missing(&source));
        let segments: Vec<Id> = next.ungrouped.iter().map(|segment| segment.entry().id).collect();
        let digest = Digest::of(&[]);
        let group = |_| {
            let (id, images) = (Id::random().unwrap(), FAN * SEGMENT_IMAGES);
            let (list, copy, tags, checks) = (digest, digest, digest, vec![Some(digest)]);
            let entry = GroupEntry { id, segments: FAN, images, list, copy, tags, checks };
            Arc::new(Group::new(&source, &entry, 1, &HashMap::new()))
        };
        let groups: Vec<Arc<Group>> = (0..FAN).map(group).collect();
        next.groups.extend(groups.iter().cloned().map(PlannedGroup::Kept));
        let mut obsolete = Vec::new();
        next.compact(&source, &mut obsolete);
        assert_eq!(obsolete, []);
        assert_eq!(next.ungrouped.iter().map(|segment| segment.entry().id).collect::<Vec<_>>(), segments);
        let kept = |group: &PlannedGroup| match group {
            PlannedGroup::Kept(group) => group.entry().id,
            PlannedGroup::Amended(..) | PlannedGroup::New(_) => panic!("it was changed"),
        };
        let before: Vec<Id> = groups.iter().map(|group| group.entry().id).collect();
        assert_eq!(next.groups.iter().map(kept).collect::<Vec<_>>(), before);
    }
}
