//! How a commit keeps the mapping small and the photos of a large vault recognisable at a glance: full segments become
//! groups, and groups become larger ones, as in a log-structured merge tree (O'Neil, Cheng, Gawlick, O'Neil 1996).
//!
//! Eight full segments make a group, eight groups of fewer than 64 segments make one of 64 or more, and that one is left
//! alone. So a mapping names at most 8 full segments, 7 small groups and a large one for every 65,536 images, each image
//! is written into a group twice in its life, and what one commit has to merge is bounded.
//!
//! Must never: fail a commit. Grouping that finds a file damaged is left undone, and the files that it would have replaced
//! stay.

use std::sync::Arc;

use super::error::Error;
use super::group;
use super::group::Group;
use super::hex::{Digest, Id};
use super::layout::{GroupPart, Object};
use super::mapping::{GroupEntry, SEGMENT_IMAGES, SegmentEntry};
use super::segment::Sealer;
use super::snapshot::Segment;
use super::storage::Writer;
use super::tags;
use super::tags::Tag;

/// How many of one size make one of the next.
const FAN: usize = 8;
/// Segments of a group that is merged no further.
const LARGE: usize = FAN * FAN;

/// A segment that is in no group.
pub(super) enum Loose {
    /// As it was.
    Kept(Arc<Segment>),
    /// Written with this commit, and the contents of its images.
    Written(SegmentEntry, Vec<(Digest, Id)>),
}

impl Loose {
    /// What the mapping says about it.
    pub(super) fn entry(&self) -> &SegmentEntry {
        match self {
            Self::Kept(segment) => segment.entry(),
            Self::Written(entry, _) => entry,
        }
    }

    fn is_full(&self) -> bool {
        self.entry().images == SEGMENT_IMAGES
    }

    /// The tags of its images; `number` is its place in the group.
    fn tags(&self, number: u32) -> Result<Vec<Tag>, Error> {
        let tag = |(content, id)| Tag { content, id, segment: number };
        Ok(match self {
            Self::Kept(segment) => segment.catalogue()?.iter().map(|entry| tag((entry.content, entry.id))).collect(),
            Self::Written(_, contents) => contents.iter().copied().map(tag).collect(),
        })
    }
}

/// A group of the next generation.
pub(super) enum Draft {
    /// As it was.
    Kept(Arc<Group>),
    /// To be written.
    New(Members),
}

impl Draft {
    fn segments(&self) -> usize {
        match self {
            Self::Kept(group) => group.entry().segments,
            Self::New(members) => members.segments.len(),
        }
    }
}

/// What a group holds.
#[derive(Default)]
pub(super) struct Members {
    segments: Vec<SegmentEntry>,
    tags: Vec<Tag>,
}

impl Members {
    /// What `group` holds, but the segments with the numbers `without`; `None` when too little for a group is left.
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
        let tag = |tag: Tag| {
            let segment = (*renumbered.get(tag.segment as usize)?)?;
            Some(Tag { segment, ..tag })
        };
        Ok(Some(Self { segments, tags: group.tags()?.into_iter().filter_map(tag).collect() }))
    }

    fn of_loose(loose: &[Loose]) -> Result<Self, Error> {
        let mut members = Self::default();
        for (number, segment) in (0..).zip(loose) {
            members.segments.push(segment.entry().clone());
            members.tags.extend(segment.tags(number)?);
        }
        Ok(members)
    }

    fn merged(drafts: &[Draft]) -> Result<Self, Error> {
        let mut members = Self::default();
        for draft in drafts {
            let first = members.segments.len() as u32;
            let shifted = |tag: &Tag| Tag { segment: first + tag.segment, ..tag.clone() };
            match draft {
                Draft::Kept(group) => {
                    members.tags.extend(group.tags()?.iter().map(shifted));
                    members.segments.extend(group.segments()?.iter().map(|segment| segment.entry().clone()));
                }
                Draft::New(more) => {
                    members.tags.extend(more.tags.iter().map(shifted));
                    members.segments.extend_from_slice(&more.segments);
                }
            }
        }
        Ok(members)
    }

    fn write(mut self, sealer: &Sealer, writer: &dyn Writer) -> Result<GroupEntry, Error> {
        let id = Id::random()?;
        self.tags.sort_unstable_by_key(|tag| tag.content.0);
        let list = group::encode_list(id, &self.segments);
        let tags = tags::seal(sealer, id, &self.tags, &list)?;
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

/// The groups and the segments in no group of one generation.
#[derive(Default)]
pub(super) struct Grouping {
    pub(super) groups: Vec<Draft>,
    /// All are full but the last.
    pub(super) loose: Vec<Loose>,
}

impl Grouping {
    /// Makes groups of full segments, and larger ones of small groups, where there are enough. The files of groups that are
    /// merged become `obsolete`.
    pub(super) fn settle(&mut self, obsolete: &mut Vec<Object>) {
        while self.loose.len() >= FAN && self.loose[..FAN].iter().all(Loose::is_full) {
            let Ok(members) = Members::of_loose(&self.loose[..FAN]) else { break };
            self.loose.drain(..FAN);
            self.groups.push(Draft::New(members));
        }
        loop {
            let is_small = |draft: &Draft| draft.segments() < LARGE;
            if self.groups.iter().filter(|draft| is_small(draft)).count() < FAN {
                return;
            }
            let (mut small, large): (Vec<_>, Vec<_>) = std::mem::take(&mut self.groups).into_iter().partition(is_small);
            self.groups = large;
            let merged = Members::merged(&small[..FAN]);
            let is_merged = merged.is_ok();
            if let Ok(members) = merged {
                for draft in small.drain(..FAN) {
                    if let Draft::Kept(group) = draft {
                        obsolete.extend(group::files(group.entry().id));
                    }
                }
                self.groups.push(Draft::New(members));
            }
            self.groups.append(&mut small);
            if !is_merged {
                return;
            }
        }
    }

    /// Makes one group of all segments in none, however few they are.
    pub(super) fn gather(&mut self) -> Result<(), Error> {
        if !self.loose.is_empty() {
            self.groups.push(Draft::New(Members::of_loose(&self.loose)?));
            self.loose.clear();
        }
        Ok(())
    }

    /// Writes what is new; gives what the mapping says about all of it.
    pub(super) fn write(
        self,
        sealer: &Sealer,
        writer: &dyn Writer,
    ) -> Result<(Vec<GroupEntry>, Vec<SegmentEntry>), Error> {
        let written = |draft| match draft {
            Draft::Kept(group) => Ok(group.entry().clone()),
            Draft::New(members) => members.write(sealer, writer),
        };
        let groups = self.groups.into_iter().map(written).collect::<Result<_, Error>>()?;
        Ok((groups, self.loose.iter().map(|segment| segment.entry().clone()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Loose {
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
        Loose::Written(entry, vec![(Digest::of(&[&id.0]), id)])
    }

    #[test]
    fn what_a_mapping_names_stays_few() {
        let mut grouping = Grouping::default();
        let mut ids = Vec::new();
        for segments in 1..=2000 {
            let segment = full();
            ids.push(segment.entry().id);
            grouping.loose.push(segment);
            grouping.settle(&mut Vec::new());
            let (small, large): (Vec<_>, Vec<_>) = grouping.groups.iter().partition(|group| group.segments() < LARGE);
            assert_eq!(grouping.loose.len(), segments % FAN);
            assert_eq!(small.len(), segments / FAN % FAN);
            assert_eq!(large.len(), segments / LARGE);
        }
        // Each segment is in one group, under the number that its tags give.
        let mut found = Vec::new();
        for draft in &grouping.groups {
            let Draft::New(members) = draft else { panic!("all were written here") };
            assert_eq!(members.tags.len(), members.segments.len());
            for tag in &members.tags {
                assert_eq!(members.segments[tag.segment as usize].id, tag.id);
            }
            found.extend(members.segments.iter().map(|segment| segment.id));
        }
        found.extend(grouping.loose.iter().map(|segment| segment.entry().id));
        found.sort();
        ids.sort();
        assert_eq!(found, ids);
    }

    #[test]
    fn a_segment_with_room_is_never_grouped() {
        let mut grouping = Grouping { loose: (0..FAN).map(|_| full()).collect(), ..Grouping::default() };
        let Loose::Written(last, _) = &mut grouping.loose[FAN - 1] else { panic!("it is new") };
        last.images -= 1;
        grouping.settle(&mut Vec::new());
        assert_eq!((grouping.groups.len(), grouping.loose.len()), (0, FAN));
    }
}
