//! The list of a group of segments, `.group`: the entries of its segments, so that the mapping need not hold them.
//! Public.
//!
//! Must never: be needed to count images; that is in the mapping.

use serde::{Deserialize, Serialize};

use super::dedup;
use super::entries::{GROUP_SEGMENTS, GroupEntry, SEGMENT_IMAGES, SegmentEntry};
use super::expected::Expected;
use super::hex::{Digest, Hex, Id};
use super::layout::{GroupPart, Object};

/// Most bytes of one segment in a list.
const LISTED_SEGMENT_BYTES: usize = 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupList {
    group: Id,
    segments: Vec<SegmentEntry>,
}

/// The text of a group's list.
#[must_use]
pub fn encode_list(group: Id, segments: &[SegmentEntry]) -> Vec<u8> {
    let list = GroupList { group, segments: segments.to_vec() };
    serde_json::to_vec_pretty(&list).expect("a list has string keys and no failing serialiser")
}

/// Reads a list; `None` unless it lists exactly this group's segments and images.
#[must_use]
pub fn decode_list(bytes: &[u8], group: &GroupEntry) -> Option<Vec<SegmentEntry>> {
    let GroupList { group: id, segments } = serde_json::from_slice(bytes).ok()?;
    let is_whole = id == group.id
        && segments.len() == group.segments
        && segments.iter().all(|segment| (1..=SEGMENT_IMAGES).contains(&segment.images))
        && segments.iter().map(|segment| segment.images).sum::<usize>() == group.images;
    is_whole.then_some(segments)
}

/// The files of a group.
#[must_use]
pub fn files(group: Id) -> [Object; 2] {
    GroupPart::ALL.map(|part| Object::Group(group, part))
}

/// Most bytes of a group's file.
#[must_use]
pub fn largest_part(part: GroupPart) -> u64 {
    let unused = Digest::of(&[]);
    let (segments, images) = (GROUP_SEGMENTS, GROUP_SEGMENTS * SEGMENT_IMAGES);
    expected(&GroupEntry { id: Hex([0; 16]), segments, images, group: unused, tags: unused }, part).limit
}

/// The size limit and digest of a group's file.
#[must_use]
pub fn expected(group: &GroupEntry, part: GroupPart) -> Expected {
    let list_bytes = (group.segments + 1) * LISTED_SEGMENT_BYTES;
    let (limit, digest) = match part {
        GroupPart::List => (list_bytes, group.group),
        GroupPart::Tags => (dedup::largest_bytes(group.images, list_bytes), group.tags),
    };
    Expected { object: Object::Group(group.id, part), limit: limit as u64, digest }
}
