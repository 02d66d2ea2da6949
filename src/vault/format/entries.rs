//! What `mapping.json` and the list of a group say about a segment or a group: its size, and the digests of its files.
//!
//! Must never: hold anything that a host may not see.

use serde::{Deserialize, Serialize};

use super::hex::{Digest, Id};
use super::layout::{GroupPart, Part};
use super::parameters::{ANSWER_BYTES, BLOCK_IMAGES};

/// Most images of a segment: two blocks.
pub const SEGMENT_IMAGES: usize = 2 * BLOCK_IMAGES;

/// Most segments of a group: see `write::compaction`.
pub const GROUP_SEGMENTS: usize = 511;

/// One segment: how many images it has, and the digests of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentEntry {
    /// Its random name.
    pub id: Id,
    /// Images, 1 to [`SEGMENT_IMAGES`].
    pub images: usize,
    /// BLAKE3 of `<id>.ckks`.
    pub ckks: Digest,
    /// BLAKE3 of `<id>.json`.
    pub json: Digest,
    /// BLAKE3 of `<id>.hints`.
    pub hints: Digest,
    /// BLAKE3 of `<id>.vectors`.
    pub vectors: Digest,
    /// BLAKE3 of `<id>.catalogue`.
    pub catalogue: Digest,
}

impl SegmentEntry {
    /// Blocks of the segment. All but the last are full.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.images.div_ceil(BLOCK_IMAGES)
    }

    /// Bytes of the encrypted scores of its blocks.
    #[must_use]
    pub fn answer_bytes(&self) -> usize {
        self.blocks() * ANSWER_BYTES
    }

    /// The digest of one of its files.
    #[must_use]
    pub fn digest(&self, part: Part) -> &Digest {
        match part {
            Part::Blocks => &self.ckks,
            Part::Images => &self.json,
            Part::Hints => &self.hints,
            Part::Vectors => &self.vectors,
            Part::Catalogue => &self.catalogue,
        }
    }
}

/// A group of segments: how many there are, and the digests of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its random name.
    pub id: Id,
    /// Segments, 1 to [`GROUP_SEGMENTS`].
    pub segments: usize,
    /// Images of all its segments.
    pub images: usize,
    /// BLAKE3 of `<id>.group`.
    pub group: Digest,
    /// BLAKE3 of `<id>.tags`.
    pub tags: Digest,
}

impl GroupEntry {
    /// The digest of one of its files.
    #[must_use]
    pub fn digest(&self, part: GroupPart) -> &Digest {
        match part {
            GroupPart::List => &self.group,
            GroupPart::Tags => &self.tags,
        }
    }
}
