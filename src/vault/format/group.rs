//! The list of a group of segments, `.group`: the entries of its segments, so that the mapping need not hold them.
//! Public.
//!
//! Must never: be needed to count images; that is in the mapping.

use serde::{Deserialize, Serialize};

use super::entries::{GroupEntry, SEGMENT_IMAGES, SegmentEntry};
use super::hex::Id;

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

/// Reads a list; `None` unless it lists exactly this group's segments and images, in canonical form.
#[must_use]
pub fn decode_list(bytes: &[u8], group: &GroupEntry) -> Option<Vec<SegmentEntry>> {
    let list: GroupList = serde_json::from_slice(bytes).ok()?;
    let spaces = group.checks.len();
    let is_whole = list.group == group.id
        && list.segments.len() == group.segments
        && list.segments.iter().all(|segment| (1..=SEGMENT_IMAGES).contains(&segment.images))
        && list.segments.iter().all(|segment| segment.features.len() == spaces)
        && list.segments.iter().map(|segment| segment.images).sum::<usize>() == group.images
        && encode_list(list.group, &list.segments) == bytes;
    is_whole.then_some(list.segments)
}
