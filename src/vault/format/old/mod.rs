//! Formats 1 and 2, which are read and never written: see `docs/vault-format-2.md`.
//!
//! | file | what it covers |
//! |---|---|
//! | this one | `mapping.json` and the lists of groups |
//! | `images` | `.json`, the image list of a segment |
//! | `catalogue` | `.catalogue`, names, dates and sizes |
//! | `vectors` | `.vectors`, 2048 numbers each |
//!
//! Their ciphertexts and hints are of an earlier engine. Nothing decrypts them any more; they are only hashed.
//!
//! Must never: write anything.

pub mod catalogue;
pub mod images;
pub mod vectors;

use serde::{Deserialize, Serialize};

use super::entries::{FeaturesEntry, GroupEntry, SEGMENT_IMAGES, SegmentEntry};
use super::hex::{Digest, Id, MacTag};
use super::layout::Object;
use super::mapping::{Mapping, check_entries};
use super::space::FeatureSpace;
use crate::vault::error::Error;

/// The formats of their mappings: without and with groups.
pub(super) const FORMATS: [&str; 2] = ["cipherlens mapping 1", "cipherlens mapping 2"];

/// Numbers in a vector.
pub const DIMENSION: usize = 2048;
/// Bytes of a block of 512 images.
pub(super) const BLOCK_BYTES: usize = 5_242_880;
/// Bytes of the nonce, the number of images and the hint of a block.
pub(super) const HINT_BYTES: usize = 32 + 4 + 81_920;
/// The cosine from which photos count as alike, in thousandths: the default of that time.
const THRESHOLD: u16 = 800;

/// What only these mappings have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OldRoot {
    pub(super) feature_space: FeatureSpace,
    pub(super) public_context: Digest,
    pub(super) secret_context: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldMapping {
    format: String,
    vault: Id,
    generation: u64,
    previous_tag: Option<MacTag>,
    feature_space: OldSpace,
    public_context: Digest,
    secret_context: Digest,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<OldGroup>,
    segments: Vec<OldSegment>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldSpace {
    weights: String,
    preprocessing: String,
    precision: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldSegment {
    id: Id,
    images: usize,
    ckks: Digest,
    json: Digest,
    hints: Digest,
    vectors: Digest,
    catalogue: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldGroup {
    id: Id,
    segments: usize,
    images: usize,
    group: Digest,
    tags: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldGroupList {
    group: Id,
    segments: Vec<OldSegment>,
}

impl From<OldSegment> for SegmentEntry {
    fn from(old: OldSegment) -> Self {
        let OldSegment { id, images, ckks, json, hints, vectors, catalogue } = old;
        let features = FeaturesEntry { ckks, hints, vectors, checks: None };
        Self { id, images, list: json, records: catalogue, features: vec![Some(features)] }
    }
}

impl From<OldGroup> for GroupEntry {
    fn from(old: OldGroup) -> Self {
        let OldGroup { id, segments, images, group, tags } = old;
        Self { id, segments, images, list: group, copy: group, tags, checks: vec![None] }
    }
}

/// The mapping with this body.
pub(super) fn mapping(body: &str) -> Result<Mapping, Error> {
    let damaged = |what| Error::Damaged { object: Object::Mapping, what };
    let old: OldMapping = serde_json::from_str(body).map_err(|_| damaged("it is not a mapping"))?;
    if serde_json::to_string_pretty(&old).is_ok_and(|text| text != body) {
        return Err(damaged("its text is not in canonical form"));
    }
    if old.format != FORMATS[usize::from(!old.groups.is_empty())] {
        return Err(damaged("it has another format version"));
    }
    if old.generation == 0 || (old.generation == 1) != old.previous_tag.is_none() {
        return Err(damaged("its generation and previous tag contradict each other"));
    }
    let OldSpace { weights, preprocessing, precision } = old.feature_space;
    let feature_space = FeatureSpace {
        network: String::new(),
        weights,
        preprocessing,
        precision,
        basis: None,
        dimension: DIMENSION,
        threshold: THRESHOLD,
    };
    feature_space.check_lengths()?;
    let groups: Vec<GroupEntry> = old.groups.into_iter().map(Into::into).collect();
    let segments: Vec<SegmentEntry> = old.segments.into_iter().map(Into::into).collect();
    check_entries(&groups, &segments)?;
    let (public_context, secret_context) = (old.public_context, old.secret_context);
    Ok(Mapping {
        format: old.format,
        vault: old.vault,
        generation: old.generation,
        parents: old.previous_tag.into_iter().collect(),
        // Nothing names the header of an old vault.
        header: Digest::NO_FILE,
        spaces: Vec::new(),
        groups,
        segments,
        packs: Vec::new(),
        tables: Vec::new(),
        old: Some(OldRoot { feature_space, public_context, secret_context }),
    })
}

/// Reads the list of a group; `None` unless it lists exactly this group's segments and images.
#[must_use]
pub fn decode_list(bytes: &[u8], group: &GroupEntry) -> Option<Vec<SegmentEntry>> {
    let OldGroupList { group: id, segments } = serde_json::from_slice(bytes).ok()?;
    let is_whole = id == group.id
        && segments.len() == group.segments
        && segments.iter().all(|segment| (1..=SEGMENT_IMAGES).contains(&segment.images))
        && segments.iter().map(|segment| segment.images).sum::<usize>() == group.images;
    is_whole.then(|| segments.into_iter().map(Into::into).collect())
}
