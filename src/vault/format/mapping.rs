//! `mapping.json`, the root: lists the segments of the vault, and the digests of their files. Most segments of a large
//! vault are listed in the files of groups instead (see `write::compaction`), which the mapping references by digest.
//!
//! The text has one spelling: two-space JSON with the fields in the order below and a last field `tag`. The tag is
//! HMAC-SHA-512 over the exact text without that field (the body), so an evaluator can read the file without a key, and
//! any change is noticed. The parser accepts only the exact bytes that the writer would produce: unknown, missing,
//! duplicate or reordered fields, extra spaces and other spellings of numbers are all refused.
//!
//! A mapping without groups is of format version 1, one with groups of version 2; both are read.
//!
//! Must never: grow with each photo (see `write::compaction`), or be trusted before the tag is checked.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::entries::{GROUP_SEGMENTS, GroupEntry, SEGMENT_IMAGES, SegmentEntry};
use super::hex::{Digest, Hex, Id, MacTag};
use super::layout::Object;
use super::parameters::PARAMETERS;
use super::sealed::VaultKeys;
use super::space::FeatureSpace;
use crate::cipher::Purpose;
use crate::ckks_v1::Parameters;
use crate::vault::error::Error;

/// One generation of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    format: String,
    /// The vault's random id.
    pub vault: Id,
    /// Number of commits, starting at 1.
    pub generation: u64,
    /// The tag of the previous generation; none for the first.
    pub previous_tag: Option<MacTag>,
    /// What made the vectors.
    pub feature_space: FeatureSpace,
    /// BLAKE3 of `public_context`.
    pub public_context: Digest,
    /// BLAKE3 of `secret_context`.
    pub secret_context: Digest,
    /// The groups, whose segments come first in scan order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupEntry>,
    /// The segments in no group, in scan order. All but the last are full.
    pub segments: Vec<SegmentEntry>,
}

/// The format name. A mapping without groups keeps the name it had before groups existed.
fn format_of(groups: &[GroupEntry]) -> &'static str {
    if groups.is_empty() { "cipherlens mapping 1" } else { "cipherlens mapping 2" }
}

impl Mapping {
    /// The first generation of a vault.
    #[must_use]
    pub fn first(vault: Id, feature_space: FeatureSpace, public_context: Digest, secret_context: Digest) -> Self {
        Self {
            format: format_of(&[]).to_owned(),
            vault,
            generation: 1,
            previous_tag: None,
            feature_space,
            public_context,
            secret_context,
            groups: Vec::new(),
            segments: Vec::new(),
        }
    }

    /// The generation after this one, whose tag is `tag`.
    #[must_use]
    pub fn next(&self, tag: MacTag, groups: Vec<GroupEntry>, segments: Vec<SegmentEntry>) -> Self {
        Self {
            format: format_of(&groups).to_owned(),
            vault: self.vault,
            generation: self.generation + 1,
            previous_tag: Some(tag),
            feature_space: self.feature_space.clone(),
            public_context: self.public_context,
            secret_context: self.secret_context,
            groups,
            segments,
        }
    }

    /// The parameters of the vault's encrypted search.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        PARAMETERS
    }

    /// All images.
    #[must_use]
    pub fn images(&self) -> usize {
        let of_groups = self.groups.iter().map(|group| group.images).sum::<usize>();
        of_groups + self.segments.iter().map(|segment| segment.images).sum::<usize>()
    }

    /// The authenticated text.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::to_string_pretty(self).expect("a mapping has string keys and no failing serialiser")
    }

    fn check(&self) -> Result<(), Error> {
        let damaged = |what| Err(Error::Damaged { object: Object::Mapping, what });
        let mut ids = HashSet::new();
        if self.format != format_of(&self.groups) {
            return damaged("it has another format version");
        }
        if self.generation == 0 || (self.generation == 1) != self.previous_tag.is_none() {
            return damaged("its generation and previous tag contradict each other");
        }
        if self.segments.iter().any(|segment| !(1..=SEGMENT_IMAGES).contains(&segment.images)) {
            return damaged("a segment has an invalid number of images");
        }
        if !self.segments.iter().all(|segment| ids.insert(segment.id)) {
            return damaged("a segment is listed twice");
        }
        let is_possible = |group: &GroupEntry| {
            (1..=GROUP_SEGMENTS).contains(&group.segments)
                && (group.segments..=group.segments * SEGMENT_IMAGES).contains(&group.images)
        };
        if !self.groups.iter().all(is_possible) {
            return damaged("a group has an invalid number of segments or images");
        }
        if !self.groups.iter().all(|group| ids.insert(group.id)) {
            return damaged("a group is listed twice");
        }
        self.feature_space.check_lengths()
    }
}

/// A mapping, its body as written, and the tag that should authenticate it.
pub struct SignedMapping {
    /// The parsed file.
    pub mapping: Mapping,
    /// The text that the tag covers.
    pub body: String,
    /// The tag found in the file, not verified here.
    pub tag: MacTag,
}

impl SignedMapping {
    /// Most bytes of a mapping: about 100 million photos if there were no groups.
    pub const LARGEST: u64 = 64 << 20;

    const BODY_END: &'static str = "\n}";
    const BEFORE_TAG: &'static str = ",\n  \"tag\": \"";
    const AFTER_TAG: &'static str = "\"\n}\n";

    /// The file's text: the body with the tag as its last field.
    #[must_use]
    pub fn text(&self) -> String {
        let open = self.body.strip_suffix(Self::BODY_END).expect("a pretty-printed object ends with its brace");
        format!("{open}{}{}{}", Self::BEFORE_TAG, self.tag, Self::AFTER_TAG)
    }

    /// Signs `mapping` with the vault's keys.
    #[must_use]
    pub fn sign(mapping: Mapping, keys: &VaultKeys) -> Self {
        let body = mapping.body();
        let tag = Hex(keys.tree().tag(Purpose::Mapping, body.as_bytes()));
        Self { mapping, body, tag }
    }

    /// Whether these keys, which must be those of the same vault, produce its tag.
    #[must_use]
    pub fn is_authentic(&self, keys: &VaultKeys) -> bool {
        let tag = keys.tree().tag(Purpose::Mapping, self.body.as_bytes());
        self.mapping.vault == keys.vault() && bool::from(tag.ct_eq(&self.tag.0))
    }

    /// Reads a file's text and checks its form.
    ///
    /// # Errors
    /// [`Error::Damaged`] for any text that a vault would not write.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |what| Error::Damaged { object: Object::Mapping, what };
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8"))?;
        let (open, tag) = text
            .strip_suffix(Self::AFTER_TAG)
            .and_then(|text| text.rsplit_once(Self::BEFORE_TAG))
            .ok_or(damaged("it does not end with a tag"))?;
        let tag = tag.parse().map_err(|_| damaged("its tag is not 128 hexadecimal digits"))?;
        let body = format!("{open}{}", Self::BODY_END);
        let mapping: Mapping = serde_json::from_str(&body).map_err(|_| damaged("it is not a mapping"))?;
        if mapping.body() != body {
            return Err(damaged("its text is not in canonical form"));
        }
        mapping.check()?;
        Ok(Self { mapping, body, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> SignedMapping {
        let space =
            FeatureSpace { weights: "resnet50 \"v2\"".into(), preprocessing: "centre".into(), precision: "f32".into() };
        let first = Mapping::first(Hex([1; 16]), space, Hex([2; 32]), Hex([3; 32]));
        let segment = |id, images| SegmentEntry {
            id: Hex([id; 16]),
            images,
            ckks: Hex([4; 32]),
            json: Hex([5; 32]),
            hints: Hex([6; 32]),
            vectors: Hex([7; 32]),
            catalogue: Hex([8; 32]),
        };
        let mapping = first.next(Hex([9; 64]), Vec::new(), vec![segment(1, 1024), segment(2, 513)]);
        SignedMapping { body: mapping.body(), mapping, tag: Hex([0xAB; 64]) }
    }

    fn grouped() -> SignedMapping {
        let SignedMapping { mapping, tag, .. } = signed();
        let (group, tags) = (Hex([10; 32]), Hex([11; 32]));
        let group = GroupEntry { id: Hex([12; 16]), segments: 9, images: 9 * SEGMENT_IMAGES - 5, group, tags };
        let mapping = mapping.next(tag, vec![group], mapping.segments.clone());
        SignedMapping { body: mapping.body(), mapping, tag }
    }

    #[test]
    fn only_groups_make_it_version_2() {
        let (one, two) = (signed().text(), grouped().text());
        assert!(one.contains("cipherlens mapping 1") && two.contains("cipherlens mapping 2"));
        let read = SignedMapping::parse(two.as_bytes()).unwrap();
        assert_eq!(read.mapping, grouped().mapping);
        assert_eq!(read.mapping.images(), 9 * 1024 - 5 + 1537);
        for (from, to) in [
            ("mapping 2", "mapping 1"),
            ("mapping 2", "mapping 3"),
            ("\"segments\": 9,", "\"segments\": 0,"),
            ("\"segments\": 9,", "\"segments\": 8,"),
            ("\"segments\": 9,", "\"segments\": 512,"),
            ("\"images\": 9211", "\"images\": 8"),
            ("\"images\": 9211", "\"images\": 18446744073709551615"),
            ("\"id\": \"0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c\"", "\"id\": \"01010101010101010101010101010101\""),
        ] {
            assert!(two.contains(from), "{from:?}");
            assert!(SignedMapping::parse(two.replace(from, to).as_bytes()).is_err(), "{from:?} -> {to:?}");
        }
        let empty = one.replace("  \"segments\": [", "  \"groups\": [],\n  \"segments\": [");
        assert!(SignedMapping::parse(empty.as_bytes()).is_err(), "no groups have one spelling");
    }

    #[test]
    fn a_written_mapping_is_read_back() {
        let signed = signed();
        let text = signed.text();
        let read = SignedMapping::parse(text.as_bytes()).unwrap();
        assert_eq!(read.mapping, signed.mapping);
        assert_eq!((read.body.as_str(), read.tag), (signed.body.as_str(), signed.tag));
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "the whole file is JSON");
        assert_eq!(read.mapping.segments[1].blocks(), 2);
        assert_eq!(read.mapping.images(), 1537);
    }

    #[test]
    fn no_second_spelling_is_accepted() {
        let text = signed().text();
        for (from, to) in [
            ("{\n", "{ \n"),
            ("\"generation\": 2", "\"generation\": 2.0"),
            ("\"generation\": 2", "\"generation\": 02"),
            ("\"generation\": 2,", "\"generation\": 2,\n  \"generation\": 2,"),
            ("\"generation\": 2,", "\"generation\": 2,\n  \"more\": 1,"),
            ("\"generation\": 2,\n", ""),
            ("\"images\": 1024", "\"images\": 1025"),
            ("\"images\": 1024", "\"images\": 0"),
            ("\"images\": 1024", "\"images\": 99999999999999999999"),
            ("cipherlens mapping 1", "cipherlens mapping 2"),
            ("02020202020202020202020202020202\",", "01010101010101010101010101010101\","),
            ("abab", "ABAB"),
            ("f32", "\\u0066\\u0033\\u0032"),
            ("\n}\n", "\n}\n\n"),
        ] {
            assert!(text.contains(from), "{from:?}");
            let changed = text.replace(from, to);
            assert!(SignedMapping::parse(changed.as_bytes()).is_err(), "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn no_truncation_is_accepted() {
        let text = signed().text();
        for length in 0..text.len() {
            assert!(SignedMapping::parse(&text.as_bytes()[..length]).is_err(), "length {length}");
        }
    }
}
