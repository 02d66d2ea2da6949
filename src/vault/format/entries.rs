//! What `mapping.json` and the list of a group say about segments, groups, packs and tables: sizes, and the digests of
//! their files.
//!
//! Must never: hold anything that a host may not see.

use serde::{Deserialize, Serialize};

use super::hex::{Digest, Id};
use crate::ckks::{ANSWER_BYTES, BLOCK_IMAGES};

/// Most images of a segment: two blocks.
pub const SEGMENT_IMAGES: usize = 2 * BLOCK_IMAGES;

/// Most segments of a group: see `write::compaction`.
pub const GROUP_SEGMENTS: usize = 511;

/// Most spaces of a vault.
pub const MOST_SPACES: usize = 16;

/// One segment: how many images it has, and the digests of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentEntry {
    /// Its random id, for which its files are sealed.
    pub id: Id,
    /// Images, 1 to [`SEGMENT_IMAGES`].
    pub images: usize,
    /// Of the image list.
    pub list: Digest,
    /// Of the records.
    pub records: Digest,
    /// Its vectors in each space; `None` where they are not computed yet.
    pub features: Vec<Option<FeaturesEntry>>,
}

/// The digests of what a segment has in one space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesEntry {
    /// Of the blocks.
    pub ckks: Digest,
    /// Of their hints.
    pub hints: Digest,
    /// Of the exact vectors.
    pub vectors: Digest,
    /// Of the check vectors; `None` in a group, which has its own.
    pub checks: Option<Digest>,
}

impl SegmentEntry {
    /// Blocks of the segment in one space. All but the last are full.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.images.div_ceil(BLOCK_IMAGES)
    }

    /// Bytes of the encrypted scores of its blocks.
    #[must_use]
    pub fn answer_bytes(&self) -> usize {
        self.blocks() * ANSWER_BYTES
    }

    /// The same segment as a member of a group.
    #[must_use]
    pub fn grouped(&self) -> Self {
        let mut grouped = self.clone();
        grouped.features.iter_mut().flatten().for_each(|features| features.checks = None);
        grouped
    }
}

/// A group of segments: how many there are, and the digests of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its random id, for which its files are sealed.
    pub id: Id,
    /// Segments, 1 to [`GROUP_SEGMENTS`].
    pub segments: usize,
    /// Images of all its segments.
    pub images: usize,
    /// Of the list of its segments.
    pub list: Digest,
    /// Of the sealed copy of that list.
    pub copy: Digest,
    /// Of the deduplication index.
    pub tags: Digest,
    /// Of the check vectors in each space; `None` where a segment has no vectors yet.
    pub checks: Vec<Option<Digest>>,
}

/// A pack of thumbnails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackEntry {
    /// Its parts, at least 1.
    pub parts: usize,
    /// Bytes of the pack.
    pub bytes: u64,
    /// Thumbnails in it that no record refers to any more.
    pub dead: usize,
    /// Of the list of its parts, which names both files.
    pub list: Digest,
    /// Of the pack.
    pub pack: Digest,
}

/// What only a program that knows a table may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Needs {
    /// Nothing: others keep the table as it is.
    Nothing,
    /// Change the vault.
    Write,
    /// Use the vault at all.
    Read,
}

/// A table: rows that belong to the whole vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// Its name.
    pub name: String,
    /// What a program must not do that does not know it.
    pub needs: Needs,
    /// Of its pages.
    pub pages: Vec<Digest>,
}
