//! How the files of a vault are named and how long they may be. Both follow from the format of the mapping and from the
//! dimension of its space, never from a file.
//!
//! Must never: be bypassed. A length that is computed elsewhere ties the vault to one network or one format.

use super::dedup;
use super::entries::{GROUP_SEGMENTS, GroupEntry, MOST_SPACES, PackEntry, SEGMENT_IMAGES, SegmentEntry, TableEntry};
use super::expected::Expected;
use super::fields;
use super::hex::Digest;
use super::hints;
use super::layout::{GroupPart, Object, PackPart, Part};
use super::list;
use super::mapping::Mapping;
use super::old;
use super::pack;
use super::sealed;
use super::vectors;
use crate::ckks::{BLOCK_IMAGES, Parameters};
use crate::vault::error::Error;

/// Most bytes of one segment in the list of a group, for each space.
const LISTED_SEGMENT_BYTES: usize = 1024;

/// Names and lengths of the files of one vault.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Of format 1 or 2.
    Old,
    /// Of format 3.
    Current {
        /// The parameters of each space.
        spaces: Vec<Parameters>,
    },
}

impl Shape {
    /// The shape of the files that a mapping references.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the public context of a space is not one of this version of the engine.
    pub fn of(mapping: &Mapping) -> Result<Self, Error> {
        if mapping.is_old() {
            return Ok(Self::Old);
        }
        let parameters = |space: &super::space::Space| Ok(*space.public_context()?.parameters());
        Ok(Self::Current { spaces: mapping.spaces.iter().map(parameters).collect::<Result<_, Error>>()? })
    }

    /// The file of a segment in the first space; `None` when the segment has no such file.
    #[must_use]
    pub fn segment(&self, entry: &SegmentEntry, part: Part) -> Option<Expected> {
        self.segment_in(0, entry, part)
    }

    /// Every file of a segment.
    pub fn segment_files(&self, entry: &SegmentEntry) -> impl Iterator<Item = Expected> + use<> {
        let own = [Part::List, Part::Records].into_iter().filter_map(|part| self.segment(entry, part));
        let of_spaces = (0..entry.features.len())
            .flat_map(|space| Part::OF_SPACE.into_iter().filter_map(move |part| self.segment_in(space, entry, part)));
        own.chain(of_spaces).collect::<Vec<_>>().into_iter()
    }

    fn segment_in(&self, space: usize, entry: &SegmentEntry, part: Part) -> Option<Expected> {
        let features = || entry.features.get(space)?.as_ref();
        let digest = match part {
            Part::List | Part::OldList => entry.list,
            Part::Records | Part::OldCatalogue => entry.records,
            Part::Blocks => features()?.ckks,
            Part::Hints => features()?.hints,
            Part::Vectors => features()?.vectors,
            Part::Checks => features()?.checks?,
        };
        let object = match (self, part) {
            (Self::Current { .. }, _) => Object::Segment(digest.name(), part),
            (Self::Old, Part::List) => Object::Segment(entry.id, Part::OldList),
            (Self::Old, Part::Records) => Object::Segment(entry.id, Part::OldCatalogue),
            (Self::Old, _) => Object::Segment(entry.id, part),
        };
        Some(Expected { object, limit: self.largest_part(space, entry.images, part)? as u64, digest })
    }

    /// Most bytes of a file of a segment with this many images.
    fn largest_part(&self, space: usize, images: usize, part: Part) -> Option<usize> {
        let blocks = images.div_ceil(BLOCK_IMAGES);
        Some(match self {
            Self::Current { spaces } => {
                let parameters = spaces.get(space)?;
                match part {
                    Part::Blocks => blocks * parameters.block_bytes(),
                    Part::List | Part::OldList => list::largest_bytes(images),
                    Part::Hints => hints::file_bytes(blocks),
                    Part::Vectors => sealed::file_bytes(images * parameters.dimension() * vectors::NUMBER_BYTES),
                    Part::Records | Part::OldCatalogue => LARGEST_ROWS_BYTES,
                    Part::Checks => sealed::file_bytes(parameters.check_vectors_bytes()),
                }
            }
            Self::Old => match part {
                Part::Blocks => blocks * old::BLOCK_BYTES,
                Part::List | Part::OldList => (images + 1) * old::images::LISTED_IMAGE_BYTES,
                Part::Hints => sealed::PREFIX_BYTES + blocks * old::HINT_BYTES,
                Part::Vectors => sealed::file_bytes(images * old::vectors::VECTOR_BYTES),
                Part::Records | Part::OldCatalogue => sealed::file_bytes(old::catalogue::LARGEST_BYTES),
                Part::Checks => return None,
            },
        })
    }

    /// A file of a group; formats 1 and 2 have the copy of the list in the deduplication index.
    #[must_use]
    pub fn group(&self, entry: &GroupEntry, part: GroupPart) -> Option<Expected> {
        let digest = match part {
            GroupPart::List => entry.list,
            GroupPart::Copy => entry.copy,
            GroupPart::Tags => entry.tags,
        };
        let name = match (self, part) {
            (Self::Old, GroupPart::Copy) => return None,
            (Self::Old, _) => entry.id,
            (Self::Current { .. }, _) => digest.name(),
        };
        let limit = largest_group_bytes(entry.segments, entry.images, self.spaces(), part) as u64;
        Some(Expected { object: Object::Group(name, part), limit, digest })
    }

    /// The check vectors of a group in the first space; `None` when it has none.
    #[must_use]
    pub fn group_checks(&self, entry: &GroupEntry) -> Option<Expected> {
        self.group_checks_in(0, entry)
    }

    fn group_checks_in(&self, space: usize, entry: &GroupEntry) -> Option<Expected> {
        let digest = *entry.checks.get(space)?.as_ref()?;
        let limit = self.largest_part(space, 1, Part::Checks)? as u64;
        Some(Expected { object: Object::Segment(digest.name(), Part::Checks), limit, digest })
    }

    /// Every file of a group itself, without those of its segments.
    pub fn group_files(&self, entry: &GroupEntry) -> impl Iterator<Item = Expected> + use<> {
        let own = GroupPart::ALL.into_iter().filter_map(|part| self.group(entry, part));
        let checks = (0..entry.checks.len()).filter_map(|space| self.group_checks_in(space, entry));
        own.chain(checks).collect::<Vec<_>>().into_iter()
    }

    /// A file of a pack.
    #[must_use]
    pub fn pack(entry: &PackEntry, part: PackPart) -> Expected {
        let (limit, digest) = match part {
            PackPart::List => (pack::list_bytes(entry.parts) as u64, entry.list),
            PackPart::Content => (entry.bytes, entry.pack),
        };
        Expected { object: Object::Pack(entry.list.name(), part), limit, digest }
    }

    /// The pages of a table.
    pub fn table_files(entry: &TableEntry) -> impl Iterator<Item = Expected> + use<'_> {
        entry.pages.iter().map(|page| Self::table_page(*page))
    }

    /// A page of a table.
    #[must_use]
    pub fn table_page(digest: Digest) -> Expected {
        Expected { object: Object::Table(digest.name()), limit: LARGEST_ROWS_BYTES as u64, digest }
    }

    fn spaces(&self) -> usize {
        match self {
            Self::Old => 1,
            Self::Current { spaces } => spaces.len().max(1),
        }
    }
}

/// Most bytes of a sealed file of compressed rows: DEFLATE never makes them much longer.
const LARGEST_ROWS_BYTES: usize =
    sealed::file_bytes(fields::LARGEST_CONTENT_BYTES + fields::LARGEST_CONTENT_BYTES / 1000 + 1024);

/// Most bytes of a file of a segment under this name, in any format.
#[must_use]
pub fn largest_of_any(part: Part) -> u64 {
    let spaces = Parameters::for_dimension(Parameters::LARGEST_DIMENSION).into_iter().collect();
    let shapes = [Shape::Old, Shape::Current { spaces }];
    shapes.iter().filter_map(|shape| shape.largest_part(0, SEGMENT_IMAGES, part)).max().unwrap_or(0) as u64
}

/// Most bytes of a file of a group under this name, in any format.
#[must_use]
pub fn largest_group_part(part: GroupPart) -> u64 {
    largest_group_bytes(GROUP_SEGMENTS, GROUP_SEGMENTS * SEGMENT_IMAGES, MOST_SPACES, part) as u64
}

fn largest_group_bytes(segments: usize, images: usize, spaces: usize, part: GroupPart) -> usize {
    let list_bytes = (segments + 1) * LISTED_SEGMENT_BYTES * spaces;
    match part {
        GroupPart::List => list_bytes,
        GroupPart::Copy => sealed::file_bytes(list_bytes),
        // Formats 1 and 2 have the copy of the list at the end.
        GroupPart::Tags => dedup::pages_bytes(images) + sealed::file_bytes(list_bytes),
    }
}

/// Most bytes of a page of a table.
#[must_use]
pub const fn largest_table_page() -> u64 {
    LARGEST_ROWS_BYTES as u64
}
