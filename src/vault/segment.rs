//! A segment: up to 1,024 images in five immutable files, and how each is written and read.
//!
//! ```text
//! .ckks       whole blocks in the order of the scan, nothing else
//! .json       images in slot order: random ids, extensions, digests of their objects
//! .hints      magic 8 | version 1 | kind 1 | per block: nonce 32 | images 4 | hint
//! .vectors    sealed: 2048 f32, little-endian, an image: exactly the numbers that were sealed into the blocks
//! .catalogue  sealed: see `catalogue`
//! ```
//!
//! Nonces lie with the hints: decryption of scores needs both, and a search then reads no list of images.
//! Must never: trust a length from a file; every length follows from the number of images in the mapping.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::catalogue;
use super::catalogue::CatalogueEntry;
use super::error::Error;
use super::group;
use super::hex::{Digest, Hex, Id};
use super::layout::{Extension, GroupPart, Object, Part};
use super::mapping::{Mapping, SegmentEntry};
use super::objects;
use super::objects::{Kind, PREFIX_BYTES, Sealed};
use super::storage::{Expected, Storage, Writer};
use crate::cipher::{KeyTree, Purpose};
use crate::ckks::{
    BLOCK_BYTES, BLOCK_IMAGES, CONTEXT_BYTES, DIMENSION, HINT_BYTES, KeyHolder, NONCE_BYTES, ScannedBlock, SealedBlock,
};

const VECTOR_BYTES: usize = DIMENSION * 4;
const COUNT_BYTES: usize = 4;
const BLOCK_HINT_BYTES: usize = NONCE_BYTES + COUNT_BYTES + HINT_BYTES;
/// Most bytes that one image takes in a list.
const LISTED_IMAGE_BYTES: usize = 512;

/// One image as an image list names it: public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedImage {
    /// Its random id.
    pub id: Id,
    /// The extension of the original.
    pub extension: Extension,
    /// BLAKE3 of the sealed original.
    pub photo: Digest,
    /// Its thumbnail.
    pub thumbnail: Option<ListedThumbnail>,
}

/// A thumbnail as an image list names it. It has an id of its own: a remade thumbnail is a new object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedThumbnail {
    /// Its random id.
    pub id: Id,
    /// BLAKE3 of the sealed thumbnail.
    pub digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageList {
    segment: Id,
    images: Vec<ListedImage>,
}

/// What decryption of scores needs to know about the blocks of a segment.
pub struct Hints {
    bytes: Vec<u8>,
}

impl Hints {
    /// The blocks in order, as [`crate::ckks::QuerySecret::decrypt`] takes them.
    pub fn blocks(&self) -> impl Iterator<Item = ScannedBlock<'_>> {
        let (blocks, _) = self.bytes[PREFIX_BYTES..].as_chunks::<BLOCK_HINT_BYTES>();
        blocks.iter().map(|block| {
            let (nonce, rest) = block.split_first_chunk().expect("a block hint begins with its nonce");
            let (images, hint) = rest.split_first_chunk().expect("then comes its number of images");
            ScannedBlock { nonce, hint, images: u32::from_le_bytes(*images) as usize }
        })
    }

    fn encode(blocks: &[SealedBlock]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + blocks.len() * BLOCK_HINT_BYTES);
        bytes.extend(Kind::Hints.prefix());
        for block in blocks {
            bytes.extend(block.nonce());
            bytes.extend((block.images() as u32).to_le_bytes());
            bytes.extend(block.hint());
        }
        bytes
    }

    /// Reads the hints of a segment of `images` images, 1 or more; `None` for anything else.
    pub(super) fn decode(bytes: Vec<u8>, images: usize) -> Option<Self> {
        if bytes.len() != PREFIX_BYTES + images.div_ceil(BLOCK_IMAGES) * BLOCK_HINT_BYTES
            || !bytes.starts_with(&Kind::Hints.prefix())
        {
            return None;
        }
        let hints = Self { bytes };
        let counts: Vec<usize> = hints.blocks().map(|block| block.images).collect();
        let (last, full) = counts.split_last()?;
        let expected_last = images - full.len() * BLOCK_IMAGES;
        (full.iter().all(|count| *count == BLOCK_IMAGES) && *last == expected_last).then_some(hints)
    }
}

/// One image of a segment with everything that its files say about it.
pub(super) struct Row {
    pub(super) listed: ListedImage,
    pub(super) entry: CatalogueEntry,
    pub(super) vector: Vec<f32>,
}

/// The place and the keys that the sealed files of one unlocked vault are read and written with.
pub(super) struct Sealer {
    pub(super) store: Arc<dyn Storage>,
    pub(super) vault: Id,
    pub(super) tree: KeyTree,
    pub(super) holder: KeyHolder,
}

impl Sealer {
    /// The keyed hash by which a second copy of a photo is recognised.
    pub(super) fn content_tag(&self, photo: &[u8]) -> Digest {
        Hex(self.tree.short_tag(Purpose::Content, photo))
    }

    /// Writes a new segment of 1 to 1,024 rows. Its files are durable with the next commit, and gone without one.
    pub(super) fn write(&self, rows: &[Row], writer: &dyn Writer) -> Result<SegmentEntry, Error> {
        let id = Id::random()?;
        writer.announce(&Part::ALL.map(|part| Object::Segment(id, part)))?;
        let write = |part, parts: &[&[u8]]| {
            writer.stage(&Object::Segment(id, part), parts)?;
            Ok::<_, Error>(Digest::of(parts))
        };
        let blocks = rows
            .par_chunks(BLOCK_IMAGES)
            .map(|rows| self.holder.seal(&rows.iter().map(|row| &row.vector).collect::<Vec<_>>()))
            .collect::<Result<Vec<_>, _>>()?;
        let list = ImageList { segment: id, images: rows.iter().map(|row| row.listed.clone()).collect() };
        let list = serde_json::to_vec_pretty(&list).expect("an image list has string keys and no failing serialiser");
        let entries: Vec<_> = rows.iter().map(|row| row.entry.clone()).collect();
        let catalogue = self.seal(&Sealed::Catalogue(id), &catalogue::encode(&entries))?;
        let vectors = self.seal(&Sealed::Vectors(id), &encode_vectors(rows))?;
        Ok(SegmentEntry {
            id,
            images: rows.len(),
            ckks: write(Part::Blocks, &blocks.iter().map(SealedBlock::ciphertext).collect::<Vec<_>>())?,
            json: write(Part::Images, &[&list])?,
            hints: write(Part::Hints, &[&Hints::encode(&blocks)])?,
            vectors: write(Part::Vectors, &vectors.parts())?,
            catalogue: write(Part::Catalogue, &catalogue.parts())?,
        })
    }

    /// All rows of a segment, for writing them anew.
    pub(super) fn rows(&self, segment: &SegmentEntry) -> Result<Vec<Row>, Error> {
        let (list, entries) = (read_images(&*self.store, segment)?, self.catalogue(segment)?);
        if list.iter().zip(&entries).any(|(listed, entry)| listed.id != entry.id) {
            return Err(self.damaged(segment, Part::Catalogue, "it does not belong to its image list"));
        }
        let vectors = self.vectors(segment)?;
        let rows = list.into_iter().zip(entries).zip(vectors);
        Ok(rows.map(|((listed, entry), vector)| Row { listed, entry, vector }).collect())
    }

    /// Names, dates and sizes in slot order.
    pub(super) fn catalogue(&self, segment: &SegmentEntry) -> Result<Vec<CatalogueEntry>, Error> {
        let text = self.open(
            &Sealed::Catalogue(segment.id),
            largest_part(segment.images, Part::Catalogue),
            &segment.catalogue,
        )?;
        catalogue::decode(&text)
            .filter(|entries| entries.len() == segment.images)
            .ok_or_else(|| self.damaged(segment, Part::Catalogue, "it does not describe the segment's images"))
    }

    /// The exact vectors in slot order.
    pub(super) fn vectors(&self, segment: &SegmentEntry) -> Result<Vec<Vec<f32>>, Error> {
        let bytes =
            self.open(&Sealed::Vectors(segment.id), largest_part(segment.images, Part::Vectors), &segment.vectors)?;
        if bytes.len() != segment.images * VECTOR_BYTES {
            return Err(self.damaged(segment, Part::Vectors, "it does not hold the segment's images"));
        }
        let decode = |vector: &[u8]| {
            let (numbers, _) = vector.as_chunks::<4>();
            numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
        };
        Ok(bytes.chunks_exact(VECTOR_BYTES).map(decode).collect())
    }

    pub(super) fn seal(&self, sealed: &Sealed, plaintext: &[u8]) -> Result<objects::SealedFile, Error> {
        objects::seal(&self.tree, self.vault, sealed, plaintext)
    }

    pub(super) fn open(&self, sealed: &Sealed, limit: u64, digest: &Digest) -> Result<Zeroizing<Vec<u8>>, Error> {
        let file = self.store.read_verified(&Expected { object: sealed.object(), limit, digest: *digest })?;
        objects::open(&self.tree, self.vault, sealed, &file)
    }

    fn damaged(&self, segment: &SegmentEntry, part: Part, what: &'static str) -> Error {
        Error::Damaged { object: Object::Segment(segment.id, part), what }
    }
}

fn encode_vectors(rows: &[Row]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(rows.len() * VECTOR_BYTES));
    for row in rows {
        bytes.extend(row.vector.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes
}

/// Most bytes that a file of a segment of so many images can have.
pub(super) fn largest_part(images: usize, part: Part) -> u64 {
    let blocks = images.div_ceil(BLOCK_IMAGES);
    let bytes = match part {
        Part::Blocks => blocks * BLOCK_BYTES,
        Part::Images => (images + 1) * LISTED_IMAGE_BYTES,
        Part::Hints => PREFIX_BYTES + blocks * BLOCK_HINT_BYTES,
        Part::Vectors => objects::file_bytes(images * VECTOR_BYTES),
        Part::Catalogue => objects::file_bytes(catalogue::LARGEST_BYTES),
    };
    bytes as u64
}

/// The files of an image.
pub(super) fn objects_of(image: &ListedImage) -> impl Iterator<Item = Object> + use<> {
    let thumbnail = image.thumbnail.as_ref().map(|thumbnail| Object::Thumbnail(thumbnail.id));
    std::iter::once(Object::Photo(image.id, image.extension.clone())).chain(thumbnail)
}

/// A file of a segment as the mapping says that it must be.
pub(super) fn expected(segment: &SegmentEntry, part: Part) -> Expected {
    Expected {
        object: Object::Segment(segment.id, part),
        limit: largest_part(segment.images, part),
        digest: *segment.digest(part),
    }
}

/// The ids of all images of a generation, wherever its files are.
///
/// # Errors
/// The first list of a group or of images that is missing or damaged.
pub fn listed_images(store: &dyn Storage, mapping: &Mapping) -> Result<Vec<Id>, Error> {
    let mut ids = Vec::with_capacity(mapping.images());
    for segment in &group::all_segments(store, mapping)? {
        ids.extend(read_images(store, segment)?.into_iter().map(|image| image.id));
    }
    Ok(ids)
}

/// The files of the groups and segments that a mapping names itself.
pub fn entry_files(mapping: &Mapping) -> impl Iterator<Item = Expected> + use<'_> {
    let of_groups = mapping.groups.iter().flat_map(|entry| GroupPart::ALL.map(|part| group::expected(entry, part)));
    let of_segments = mapping.segments.iter().flat_map(|entry| Part::ALL.map(|part| expected(entry, part)));
    of_groups.chain(of_segments)
}

/// Every file that a generation names, wherever it is; the contexts come first. Header and mapping name themselves.
///
/// # Errors
/// As [`listed_images`].
pub fn named_files(store: &dyn Storage, mapping: &Mapping) -> Result<Vec<Expected>, Error> {
    let limit = objects::file_bytes(CONTEXT_BYTES) as u64;
    let mut files = vec![Expected { object: Object::SecretContext, limit, digest: mapping.secret_context }];
    let limit = objects::file_bytes(objects::LARGEST_PHOTO_BYTES) as u64;
    for group in &mapping.groups {
        files.extend(GroupPart::ALL.map(|part| group::expected(group, part)));
    }
    for segment in &group::all_segments(store, mapping)? {
        files.extend(Part::ALL.map(|part| expected(segment, part)));
        for image in read_images(store, segment)? {
            let photo = Object::Photo(image.id, image.extension);
            files.push(Expected { object: photo, limit, digest: image.photo });
            let thumbnail = image.thumbnail;
            let thumbnail = thumbnail.map(|ListedThumbnail { id, digest }| (Object::Thumbnail(id), digest));
            files.extend(thumbnail.map(|(object, digest)| Expected { object, limit, digest }));
        }
    }
    Ok(files)
}

/// The images of a segment in slot order: public, checked against the mapping's digest.
pub(super) fn read_images(store: &dyn Storage, segment: &SegmentEntry) -> Result<Vec<ListedImage>, Error> {
    let file = expected(segment, Part::Images);
    let (bytes, object) = (store.read_verified(&file)?, file.object);
    decode_images(&bytes, segment.id, segment.images)
        .ok_or(Error::Damaged { object, what: "it does not list the segment's images" })
}

/// Reads an image list; `None` for anything but a list of `images` images of this segment.
pub(super) fn decode_images(bytes: &[u8], segment: Id, images: usize) -> Option<Vec<ListedImage>> {
    let list: ImageList = serde_json::from_slice(bytes).ok()?;
    (list.segment == segment && list.images.len() == images).then_some(list.images)
}

/// The hints of a segment: public, checked against the mapping's digest.
pub(super) fn read_hints(store: &dyn Storage, segment: &SegmentEntry) -> Result<Hints, Error> {
    let file = expected(segment, Part::Hints);
    let (bytes, object) = (store.read_verified(&file)?, file.object);
    Hints::decode(bytes, segment.images)
        .ok_or(Error::Damaged { object, what: "it does not describe the segment's blocks" })
}
