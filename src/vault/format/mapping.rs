//! `mapping.json`, the root: lists the segments of the vault, and the digests of their files. Most segments of a large
//! vault are listed in the files of groups instead (see `write::compaction`), which the mapping references by digest.
//!
//! The text has one spelling: two-space JSON with the fields in the order below and a last field `tag`. The tag is
//! HMAC-SHA-512 over the exact text without that field (the body), so an evaluator can read the file without a key, and
//! any change is noticed. The parser accepts only the exact bytes that the writer would produce: unknown, missing,
//! duplicate or reordered fields, extra spaces and other spellings of numbers are all refused.
//!
//! Mappings of formats 1 and 2 are read by `old` into the same type.
//!
//! Must never: grow with each photo (see `write::compaction`), or be trusted before the tag is checked.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::entries::{
    GROUP_SEGMENTS, GroupEntry, MOST_SPACES, Needs, PackEntry, SEGMENT_IMAGES, SegmentEntry, TableEntry,
};
use super::hex::{Digest, Hex, Id, MacTag};
use super::layout::Object;
use super::old;
use super::old::{OldMapping, OldRoot};
use super::sealed::VaultKeys;
use super::space::{FeatureSpace, Space};
use super::table;
use crate::cipher::Purpose;
use crate::vault::error::Error;

/// The format of a mapping.
const FORMAT: &str = "cipherlens mapping 3";
/// What the format of every version begins with.
const FAMILY: &str = "cipherlens mapping ";

const UNKNOWN_TABLE: &str = "a table that this version does not know";

/// Most parents of a generation: two after a merge.
const MOST_PARENTS: usize = 2;

/// One generation of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub(super) format: String,
    /// The vault's random id.
    pub vault: Id,
    /// Number of commits, starting at 1.
    pub generation: u64,
    /// The tags of the generations that this one follows: none for the first, two after a merge.
    pub parents: Vec<MacTag>,
    /// BLAKE3 of the header.
    pub header: Digest,
    /// The spaces; a search uses the first.
    pub spaces: Vec<Space>,
    /// The groups, whose segments come first in scan order.
    pub groups: Vec<GroupEntry>,
    /// The segments in no group, in scan order. All but the last are full.
    pub segments: Vec<SegmentEntry>,
    /// The packs of thumbnails, oldest first.
    pub packs: Vec<PackEntry>,
    /// The tables.
    pub tables: Vec<TableEntry>,
    /// What only mappings of formats 1 and 2 have.
    #[serde(skip)]
    pub(super) old: Option<OldRoot>,
}

/// The first field, which every version has.
#[derive(Deserialize)]
struct Version {
    format: String,
}

/// What a commit changes in a mapping.
pub struct Contents {
    /// See [`Mapping::groups`].
    pub groups: Vec<GroupEntry>,
    /// See [`Mapping::segments`].
    pub segments: Vec<SegmentEntry>,
    /// See [`Mapping::packs`].
    pub packs: Vec<PackEntry>,
    /// See [`Mapping::tables`].
    pub tables: Vec<TableEntry>,
}

impl Mapping {
    /// The first generation of a vault.
    #[must_use]
    pub fn first(vault: Id, header: Digest, space: Space) -> Self {
        Self {
            format: FORMAT.to_owned(),
            vault,
            generation: 1,
            parents: Vec::new(),
            header,
            spaces: vec![space],
            groups: Vec::new(),
            segments: Vec::new(),
            packs: Vec::new(),
            tables: Vec::new(),
            old: None,
        }
    }

    /// The generation after this one, whose tag is `tag`, with these contents.
    #[must_use]
    pub fn next(&self, tag: MacTag, contents: Contents) -> Self {
        let Contents { groups, segments, packs, tables } = contents;
        let (generation, parents) = (self.generation + 1, vec![tag]);
        Self { generation, parents, groups, segments, packs, tables, ..self.clone() }
    }

    /// The generation after both this one, whose tag is `tag`, and `other`, which was changed separately. `header` is
    /// that of one of them.
    #[must_use]
    pub fn merged(&self, tag: MacTag, other: &SignedMapping, header: Digest, contents: Contents) -> Self {
        let mut next = Self { header, ..self.next(tag, contents) };
        next.generation = next.generation.max(other.mapping.generation + 1);
        next.parents.push(other.tag);
        next.parents.sort_unstable();
        next
    }

    /// The generation after this one, whose tag is `tag`, with another header and these tables.
    #[must_use]
    pub fn with_header(&self, tag: MacTag, header: Digest, tables: Vec<TableEntry>) -> Self {
        Self { generation: self.generation + 1, parents: vec![tag], header, tables, ..self.clone() }
    }

    /// The generation of format 3 that follows this one of format 1 or 2, whose tag is `tag`.
    #[must_use]
    pub fn upgraded(&self, tag: MacTag, header: Digest, space: Space, contents: Contents) -> Self {
        let first = Self::first(self.vault, header, space);
        Self { generation: self.generation, ..first }.next(tag, contents)
    }

    /// Whether it is of format 1 or 2, which can be read but not changed.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.old.is_some()
    }

    /// What made the vectors that a search uses.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the public context of the space is not one of this version of the engine.
    pub fn feature_space(&self) -> Result<FeatureSpace, Error> {
        match &self.old {
            Some(old) => Ok(old.feature_space.clone()),
            None => self.space()?.features(),
        }
    }

    /// The space that a search uses.
    ///
    /// # Errors
    /// [`Error::Outdated`] in formats 1 and 2.
    pub fn space(&self) -> Result<&Space, Error> {
        self.spaces.first().ok_or(Error::Outdated)
    }

    /// The digests of the public and the secret context, which only formats 1 and 2 have as files.
    #[must_use]
    pub fn old_contexts(&self) -> Option<[Digest; 2]> {
        self.old.as_ref().map(|old| [old.public_context, old.secret_context])
    }

    /// All images.
    #[must_use]
    pub fn images(&self) -> usize {
        let of_groups = self.groups.iter().map(|group| group.images).sum::<usize>();
        of_groups + self.segments.iter().map(|segment| segment.images).sum::<usize>()
    }

    /// The pages of a table; none when there is no such table.
    #[must_use]
    pub fn pages(&self, table: &str) -> &[Digest] {
        self.tables.iter().find(|entry| entry.name == table).map_or(&[], |entry| &entry.pages)
    }

    /// Refuses to change a mapping that this version could not write without losing something.
    ///
    /// # Errors
    /// [`Error::Outdated`] for formats 1 and 2; [`Error::Newer`] for several spaces, or for a table that this version
    /// does not know and that asks writers to know it.
    pub fn require_writable(&self) -> Result<(), Error> {
        if self.is_old() {
            return Err(Error::Outdated);
        }
        if self.spaces.len() > 1 {
            return Err(Error::Newer { what: "vectors of several networks" });
        }
        let is_known = |table: &TableEntry| table.needs != Needs::Write || table::is_known(&table.name);
        if self.tables.iter().all(is_known) { Ok(()) } else { Err(Error::Newer { what: UNKNOWN_TABLE }) }
    }

    /// The authenticated text.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::to_string_pretty(self).expect("a mapping has string keys and no failing serialiser")
    }

    fn check(&self) -> Result<(), Error> {
        let damaged = |what| Err(Error::Damaged { object: Object::Mapping, what });
        if self.format != FORMAT {
            return damaged("it is not a mapping");
        }
        if self.generation == 0
            || (self.generation == 1) != self.parents.is_empty()
            || self.parents.len() > MOST_PARENTS
        {
            return damaged("its generation and its parents contradict each other");
        }
        if !(1..=MOST_SPACES).contains(&self.spaces.len()) {
            return damaged("it has no space, or too many");
        }
        self.spaces.iter().try_for_each(Space::check)?;
        let spaces = self.spaces.len();
        if self.segments.iter().any(|segment| segment.features.len() != spaces)
            || self.groups.iter().any(|group| group.checks.len() != spaces)
        {
            return damaged("a segment or a group has not one entry for each space");
        }
        let checks =
            |segment: &SegmentEntry| segment.features.iter().flatten().any(|features| features.checks.is_none());
        if self.segments.iter().any(checks) {
            return damaged("a segment in no group has no check vectors");
        }
        if self.packs.iter().any(|pack| pack.parts == 0) {
            return damaged("a pack is empty");
        }
        let mut names = HashSet::new();
        for TableEntry { name, needs, .. } in &self.tables {
            if !table::is_name(name) || !names.insert(name) {
                return damaged("the name of a table is invalid or occurs twice");
            }
            if *needs == Needs::Read && !table::is_known(name) {
                return Err(Error::Newer { what: UNKNOWN_TABLE });
            }
        }
        check_entries(&self.groups, &self.segments)
    }
}

impl TryFrom<OldMapping> for Mapping {
    type Error = Error;

    fn try_from(old: OldMapping) -> Result<Self, Error> {
        let OldMapping { format, vault, generation, parents, groups, segments, root } = old;
        check_entries(&groups, &segments)?;
        Ok(Self {
            format,
            vault,
            generation,
            parents,
            // Nothing names the header of an old vault.
            header: Digest::NO_FILE,
            spaces: Vec::new(),
            groups,
            segments,
            packs: Vec::new(),
            tables: Vec::new(),
            old: Some(root),
        })
    }
}

/// Refuses impossible numbers, and ids that occur twice.
fn check_entries(groups: &[GroupEntry], segments: &[SegmentEntry]) -> Result<(), Error> {
    let damaged = |what| Err(Error::Damaged { object: Object::Mapping, what });
    let mut ids = HashSet::new();
    if segments.iter().any(|segment| !(1..=SEGMENT_IMAGES).contains(&segment.images)) {
        return damaged("a segment has an invalid number of images");
    }
    if !segments.iter().all(|segment| ids.insert(segment.id)) {
        return damaged("a segment is listed twice");
    }
    let is_possible = |group: &GroupEntry| {
        (1..=GROUP_SEGMENTS).contains(&group.segments)
            && (group.segments..=group.segments * SEGMENT_IMAGES).contains(&group.images)
    };
    if !groups.iter().all(is_possible) {
        return damaged("a group has an invalid number of segments or images");
    }
    if !groups.iter().all(|group| ids.insert(group.id)) {
        return damaged("a group is listed twice");
    }
    Ok(())
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
    /// [`Error::Damaged`] for any text that a vault would not write; [`Error::Newer`] for one that this version must
    /// not use.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |what| Error::Damaged { object: Object::Mapping, what };
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8"))?;
        let (open, tag) = text
            .strip_suffix(Self::AFTER_TAG)
            .and_then(|text| text.rsplit_once(Self::BEFORE_TAG))
            .ok_or(damaged("it does not end with a tag"))?;
        let tag = tag.parse().map_err(|_| damaged("its tag is not 128 hexadecimal digits"))?;
        let body = format!("{open}{}", Self::BODY_END);
        let Version { format } = serde_json::from_str(&body).map_err(|_| damaged("it is not a mapping"))?;
        if old::FORMATS.contains(&format.as_str()) {
            let mapping = old::mapping(&body)?.try_into()?;
            return Ok(Self { mapping, body, tag });
        }
        if format != FORMAT && format.starts_with(FAMILY) {
            return Err(Error::Newer { what: "another format version" });
        }
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
    use crate::vault::format::entries::FeaturesEntry;

    fn space() -> Space {
        let text = r#"{"id":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","network":"resnet50 \"v2\"","weights":"w",
            "preprocessing":"centre","precision":"f32","basis":null,"threshold":800,
            "public_context":"434c434b010200020707070707070707070707070707070707070707070707070707070707070707"}"#;
        serde_json::from_str(text).unwrap()
    }

    fn segment(id: u8, images: usize, checks: Option<Digest>) -> SegmentEntry {
        let features = FeaturesEntry { ckks: Hex([4; 32]), hints: Hex([6; 32]), vectors: Hex([7; 32]), checks };
        let (list, records) = (Hex([5; 32]), Hex([8; 32]));
        SegmentEntry { id: Hex([id; 16]), images, list, records, features: vec![Some(features)] }
    }

    fn signed() -> SignedMapping {
        let first = Mapping::first(Hex([1; 16]), Hex([2; 32]), space());
        let digest = Hex([10; 32]);
        let (id, images, checks) = (Hex([12; 16]), 9 * SEGMENT_IMAGES - 5, vec![Some(digest)]);
        let group = GroupEntry { id, segments: 9, images, list: digest, copy: digest, tags: digest, checks };
        let table = TableEntry { name: "sources".into(), needs: Needs::Nothing, pages: vec![digest] };
        let contents = Contents {
            groups: vec![group],
            segments: vec![segment(1, 1024, Some(digest)), segment(2, 513, Some(digest))],
            packs: vec![PackEntry { parts: 3, bytes: 4096, dead: 0, list: digest, pack: digest }],
            tables: vec![table],
        };
        let mapping = first.next(Hex([9; 64]), contents);
        SignedMapping { body: mapping.body(), mapping, tag: Hex([0xAB; 64]) }
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
        assert_eq!(read.mapping.images(), 9 * 1024 - 5 + 1537);
        assert!(read.mapping.require_writable().is_ok() && !read.mapping.is_old());
    }

    #[test]
    fn no_second_spelling_is_accepted() {
        let text = signed().text();
        for (from, to) in [
            ("{\n", "{ \n"),
            ("\"generation\": 2", "\"generation\": 2.0"),
            ("\"generation\": 2", "\"generation\": 02"),
            ("\"generation\": 2", "\"generation\": 1"),
            ("\"generation\": 2", "\"generation\": 0"),
            ("\"generation\": 2,", "\"generation\": 2,\n  \"generation\": 2,"),
            ("\"generation\": 2,", "\"generation\": 2,\n  \"more\": 1,"),
            ("\"generation\": 2,\n", ""),
            ("\"images\": 1024", "\"images\": 1025"),
            ("\"images\": 1024", "\"images\": 0"),
            ("\"images\": 1024", "\"images\": 99999999999999999999"),
            ("\"segments\": 9,", "\"segments\": 0,"),
            ("\"segments\": 9,", "\"segments\": 8,"),
            ("\"segments\": 9,", "\"segments\": 512,"),
            ("\"images\": 9211", "\"images\": 8"),
            ("\"parts\": 3", "\"parts\": 0"),
            ("\"name\": \"sources\"", "\"name\": \"Sources\""),
            ("\"needs\": \"nothing\"", "\"needs\": \"none\""),
            // Now two segments have one id.
            ("\"id\": \"02020202020202020202020202020202\"", "\"id\": \"01010101010101010101010101010101\""),
            ("abab", "ABAB"),
            ("f32", "\\u0066\\u0033\\u0032"),
            ("434c434b0102", "434c434b0103"),
            ("434c434b01020002", "434c434b01020102"),
            ("\n}\n", "\n}\n\n"),
        ] {
            assert!(text.contains(from), "{from:?}");
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from:?}");
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

    #[test]
    fn what_a_newer_version_wrote_is_kept_read_or_refused_as_it_says() {
        let with = |name: &str, needs: Needs| {
            let mut mapping = signed().mapping;
            mapping.tables.push(TableEntry { name: name.into(), needs, pages: vec![Hex([3; 32])] });
            let text = SignedMapping { body: mapping.body(), mapping, tag: Hex([0; 64]) }.text();
            SignedMapping::parse(text.as_bytes()).map(|read| read.mapping)
        };
        let kept = with("dreams", Needs::Nothing).unwrap();
        assert!(kept.require_writable().is_ok());
        let tables = kept.tables.clone();
        let contents = Contents { groups: Vec::new(), segments: Vec::new(), packs: Vec::new(), tables };
        assert_eq!(kept.next(Hex([1; 64]), contents).tables, kept.tables, "it is written back");
        assert!(matches!(with("dreams", Needs::Write).unwrap().require_writable(), Err(Error::Newer { .. })));
        assert!(matches!(with("dreams", Needs::Read), Err(Error::Newer { .. })));
        let newer = signed().text().replace("cipherlens mapping 3", "cipherlens mapping 4");
        assert!(matches!(SignedMapping::parse(newer.as_bytes()), Err(Error::Newer { .. })));
        let mut two = signed().mapping;
        two.spaces.push(space());
        two.segments.iter_mut().for_each(|segment| segment.features.push(None));
        two.groups.iter_mut().for_each(|group| group.checks.push(None));
        let text = SignedMapping { body: two.body(), mapping: two, tag: Hex([0; 64]) }.text();
        let two = SignedMapping::parse(text.as_bytes()).unwrap().mapping;
        assert!(matches!(two.require_writable(), Err(Error::Newer { .. })), "it is read, not written");
    }
}
