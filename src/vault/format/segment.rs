//! A segment: up to [`SEGMENT_IMAGES`](super::entries::SEGMENT_IMAGES) images in five immutable files.
//!
//! ```text
//! .ckks       blocks in scan order, nothing else
//! .json       see `images`
//! .hints      see `hints`
//! .vectors    sealed: see `vectors`
//! .catalogue  sealed: see `catalogue`
//! ```
//!
//! Must never: trust a length from a file; every length follows from the number of images in the mapping.

use rayon::prelude::*;

use super::catalogue;
use super::catalogue::CatalogueEntry;
use super::entries::SegmentEntry;
use super::expected::Expected;
use super::hex::{Digest, Id};
use super::hints;
use super::hints::Hints;
use super::images;
use super::images::{LISTED_IMAGE_BYTES, ListedImage};
use super::layout::{Object, Part};
use super::parameters::{BLOCK_BYTES, BLOCK_IMAGES, VECTOR_BYTES};
use super::sealed;
use super::sealed::{SealedFile, SealedObject, VaultKeys};
use super::vectors;
use crate::ckks_v1::{KeyHolder, SealedBlock};
use crate::vault::error::Error;

/// One image of a segment, with everything its files say about it.
pub struct Row {
    /// Its entry in the image list.
    pub listed: ListedImage,
    /// Its entry in the catalogue.
    pub entry: CatalogueEntry,
    /// Its unit feature vector.
    pub vector: Vec<f32>,
}

/// A new segment, encrypted and ready to be written.
pub struct EncodedSegment {
    id: Id,
    images: usize,
    blocks: Vec<SealedBlock>,
    list: Vec<u8>,
    hints: Vec<u8>,
    vectors: SealedFile,
    catalogue: SealedFile,
}

impl EncodedSegment {
    /// Encrypts `rows`, at least 1 and at most one segment's worth, under the new name `id`.
    ///
    /// # Errors
    /// When a vector has the wrong dimension or is not a unit vector, or the system gives no entropy.
    pub fn new(keys: &VaultKeys, holder: &KeyHolder, id: Id, rows: &[Row]) -> Result<Self, Error> {
        let blocks = rows
            .par_chunks(BLOCK_IMAGES)
            .map(|rows| holder.seal(&rows.iter().map(|row| &row.vector).collect::<Vec<_>>()))
            .collect::<Result<Vec<_>, _>>()?;
        let entries: Vec<_> = rows.iter().map(|row| row.entry.clone()).collect();
        let vectors = vectors::encode(rows.iter().map(|row| row.vector.as_slice()));
        Ok(Self {
            id,
            images: rows.len(),
            list: images::encode(id, rows.iter().map(|row| row.listed.clone()).collect()),
            hints: Hints::encode(&blocks),
            vectors: keys.seal(&SealedObject::Vectors(id), &vectors)?,
            catalogue: keys.seal(&SealedObject::Catalogue(id), &catalogue::encode(&entries))?,
            blocks,
        })
    }

    /// One of its files, in pieces to be written in order.
    pub fn pieces(&self, part: Part) -> Vec<&[u8]> {
        match part {
            Part::Blocks => self.blocks.iter().map(SealedBlock::ciphertext).collect(),
            Part::Images => vec![&self.list],
            Part::Hints => vec![&self.hints],
            Part::Vectors => self.vectors.parts().to_vec(),
            Part::Catalogue => self.catalogue.parts().to_vec(),
        }
    }

    /// Its entry in the mapping.
    #[must_use]
    pub fn entry(&self) -> SegmentEntry {
        let digest = |part| Digest::of(&self.pieces(part));
        SegmentEntry {
            id: self.id,
            images: self.images,
            ckks: digest(Part::Blocks),
            json: digest(Part::Images),
            hints: digest(Part::Hints),
            vectors: digest(Part::Vectors),
            catalogue: digest(Part::Catalogue),
        }
    }
}

/// The files of a segment.
#[must_use]
pub fn files(segment: Id) -> [Object; 5] {
    Part::ALL.map(|part| Object::Segment(segment, part))
}

/// Most bytes of a file of a segment with this many images.
#[must_use]
pub fn largest_part(images: usize, part: Part) -> u64 {
    let blocks = images.div_ceil(BLOCK_IMAGES);
    let bytes = match part {
        Part::Blocks => blocks * BLOCK_BYTES,
        Part::Images => (images + 1) * LISTED_IMAGE_BYTES,
        Part::Hints => hints::file_bytes(blocks),
        Part::Vectors => sealed::file_bytes(images * VECTOR_BYTES),
        Part::Catalogue => sealed::file_bytes(catalogue::LARGEST_BYTES),
    };
    bytes as u64
}

/// The size limit and digest of a segment's file.
#[must_use]
pub fn expected(segment: &SegmentEntry, part: Part) -> Expected {
    Expected {
        object: Object::Segment(segment.id, part),
        limit: largest_part(segment.images, part),
        digest: *segment.digest(part),
    }
}
