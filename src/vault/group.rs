//! A group of full segments: their list, which is public, and the tags of their photos, which are sealed. Both are read
//! when they are first asked for, so that what a writer needs of a large vault is a few pages.
//!
//! Must never: be needed to know how many images there are; that is in the mapping.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::hex::{Digest, Hex, Id};
use super::layout::{GroupPart, Object};
use super::mapping::{GROUP_SEGMENTS, GroupEntry, Mapping, SEGMENT_IMAGES, SegmentEntry};
use super::segment::Sealer;
use super::snapshot::{Segment, explained, once};
use super::storage::{Blocks, Expected, Storage};
use super::tags;
use super::tags::{Tag, TagFile};

/// Most bytes that one segment takes in a list.
const LISTED_SEGMENT_BYTES: usize = 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupList {
    group: Id,
    segments: Vec<SegmentEntry>,
}

/// The text of a group's list.
pub(super) fn encode_list(group: Id, segments: &[SegmentEntry]) -> Vec<u8> {
    let list = GroupList { group, segments: segments.to_vec() };
    serde_json::to_vec_pretty(&list).expect("a list has string keys and no failing serialiser")
}

/// Reads a list; `None` for anything but a list of this group's segments and images.
pub(super) fn decode_list(bytes: &[u8], group: &GroupEntry) -> Option<Vec<SegmentEntry>> {
    let GroupList { group: id, segments } = serde_json::from_slice(bytes).ok()?;
    let is_whole = id == group.id
        && segments.len() == group.segments
        && segments.iter().all(|segment| (1..=SEGMENT_IMAGES).contains(&segment.images))
        && segments.iter().map(|segment| segment.images).sum::<usize>() == group.images;
    is_whole.then_some(segments)
}

/// The files of a group.
pub(super) fn files(group: Id) -> [Object; 2] {
    GroupPart::ALL.map(|part| Object::Group(group, part))
}

/// Most bytes that a file of a group can have.
pub(super) fn largest_part(part: GroupPart) -> u64 {
    let unused = Digest::of(&[]);
    let (segments, images) = (GROUP_SEGMENTS, GROUP_SEGMENTS * SEGMENT_IMAGES);
    expected(&GroupEntry { id: Hex([0; 16]), segments, images, group: unused, tags: unused }, part).limit
}

/// A file of a group as the mapping says that it must be.
pub(super) fn expected(group: &GroupEntry, part: GroupPart) -> Expected {
    let list_bytes = (group.segments + 1) * LISTED_SEGMENT_BYTES;
    let (limit, digest) = match part {
        GroupPart::List => (list_bytes, group.group),
        GroupPart::Tags => (tags::largest_bytes(group.images, list_bytes), group.tags),
    };
    Expected { object: Object::Group(group.id, part), limit: limit as u64, digest }
}

/// The segments of a group: public, checked against the mapping's digest.
pub(super) fn read_list(store: &dyn Storage, group: &GroupEntry) -> Result<Vec<SegmentEntry>, Error> {
    let file = expected(group, GroupPart::List);
    let bytes = store.read_verified(&file)?;
    decode_list(&bytes, group)
        .ok_or(Error::Damaged { object: file.object, what: "it does not list the group's segments" })
}

/// All segments of a generation in the order of the scan, wherever its files are.
pub(super) fn all_segments(store: &dyn Storage, mapping: &Mapping) -> Result<Vec<SegmentEntry>, Error> {
    let mut segments = Vec::new();
    for group in &mapping.groups {
        segments.extend(read_list(store, group)?);
    }
    segments.extend_from_slice(&mapping.segments);
    Ok(segments)
}

/// A group whose files are read when they are first asked for.
pub(super) struct Group {
    sealer: Arc<Sealer>,
    entry: GroupEntry,
    generation: u64,
    segments: OnceLock<Vec<Arc<Segment>>>,
    tags: OnceLock<Blocks>,
}

impl Group {
    /// The group of an entry. What was read of its segments, `known` by id, is kept.
    pub(super) fn new(
        sealer: &Arc<Sealer>,
        entry: &GroupEntry,
        generation: u64,
        known: &HashMap<Id, Arc<Segment>>,
    ) -> Self {
        let (segments, tags) = (OnceLock::new(), OnceLock::new());
        let group = Self { sealer: Arc::clone(sealer), entry: entry.clone(), generation, segments, tags };
        if !known.is_empty()
            && let Ok(list) = group.list()
        {
            group.segments.get_or_init(|| group.of_list(&list, known));
        }
        group
    }

    /// What the mapping says about it.
    pub(super) fn entry(&self) -> &GroupEntry {
        &self.entry
    }

    /// Its segments in the order of the scan.
    ///
    /// # Errors
    /// When the list is missing or damaged, and its copy among the tags too.
    pub(super) fn segments(&self) -> Result<&[Arc<Segment>], Error> {
        let segments = once(&self.segments, || Ok(self.of_list(&self.list()?, &HashMap::new())))?;
        Ok(segments)
    }

    /// The segments that were read already.
    pub(super) fn known_segments(&self) -> &[Arc<Segment>] {
        self.segments.get().map_or(&[], Vec::as_slice)
    }

    /// The image with this content.
    ///
    /// # Errors
    /// When the tags are missing, or damaged where it would be.
    pub(super) fn find(&self, content: &Digest) -> Result<Option<Id>, Error> {
        self.file()?.find(content)
    }

    /// The tags of all its images in ascending order.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub(super) fn tags(&self) -> Result<Vec<Tag>, Error> {
        self.file()?.all()
    }

    /// Whether the list can be read as it must be, and from the copy of it among the tags.
    pub(super) fn check_list(&self) -> (Result<(), Error>, Result<(), Error>) {
        (self.explained(read_list(&*self.sealer.store, &self.entry)).map(drop), self.copied_list().map(drop))
    }

    /// Whether the tags are as they must be, to the last byte.
    pub(super) fn check_tags(&self) -> Result<(), Error> {
        self.explained(self.sealer.store.read_verified(&expected(&self.entry, GroupPart::Tags))).map(drop)
    }

    fn of_list(&self, list: &[SegmentEntry], known: &HashMap<Id, Arc<Segment>>) -> Vec<Arc<Segment>> {
        let segment = |entry: &SegmentEntry| Segment::of(&self.sealer, entry, self.generation, known);
        list.iter().map(segment).collect()
    }

    fn list(&self) -> Result<Vec<SegmentEntry>, Error> {
        self.explained(read_list(&*self.sealer.store, &self.entry)).or_else(|error| {
            let copy = self.copied_list().map_err(|_| error)?;
            log::warn!("the list of a group is damaged; its copy is used");
            Ok(copy)
        })
    }

    fn copied_list(&self) -> Result<Vec<SegmentEntry>, Error> {
        let object = Object::Group(self.entry.id, GroupPart::Tags);
        let list = self.file()?.list()?;
        decode_list(&list, &self.entry).ok_or(Error::Damaged { object, what: "it does not list the group's segments" })
    }

    fn file(&self) -> Result<TagFile<'_>, Error> {
        let tags = expected(&self.entry, GroupPart::Tags);
        let bytes = once(&self.tags, || self.explained(self.sealer.store.pages(&tags)))?;
        Ok(TagFile { sealer: &self.sealer, group: &self.entry, bytes })
    }

    fn explained<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        explained(&self.sealer, self.generation, outcome)
    }
}
