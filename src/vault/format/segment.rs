//! A new segment: up to [`SEGMENT_IMAGES`](super::entries::SEGMENT_IMAGES) images, encrypted into immutable files.
//!
//! ```text
//! .ckks     blocks in scan order, nothing else
//! .list     see `list`
//! .hints    see `hints`
//! .vectors  sealed: see `vectors`
//! .records  sealed: see `record`
//! .checks   sealed: check vectors of the blocks
//! ```
//!
//! Must never: trust a length from a file; every length follows from the number of images in the mapping.

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::entries::{FeaturesEntry, SegmentEntry};
use super::hex::{Digest, Id};
use super::hints::Hints;
use super::layout::{Object, Part};
use super::list;
use super::list::{ImageList, ListedImage};
use super::record;
use super::record::Record;
use super::sealed::{SealedFile, SealedObject, VaultKeys};
use super::space::Space;
use super::vectors;
use crate::cipher::Purpose;
use crate::ckks::{BLOCK_IMAGES, CheckVectors, KeyHolder, SealedBlock, SecretContext};
use crate::vault::error::Error;

/// One image of a segment, with everything its files say about it.
#[derive(Clone)]
pub struct Row {
    /// Its entry in the image list.
    pub listed: ListedImage,
    /// The entries of its companions.
    pub companions: Vec<ListedImage>,
    /// What is known about it.
    pub record: Record,
    /// Its unit feature vector, rounded as it is stored (see [`vectors::rounded`]), if it has one.
    pub vector: Option<Vec<f32>>,
}

/// The encrypted search of a space.
pub struct Search {
    /// The id of the space.
    pub space: Id,
    /// Its keys.
    pub holder: KeyHolder,
}

impl Search {
    /// The search of `space`, whose secret key is derived from the vault's master key.
    ///
    /// # Errors
    /// When the public context is not one of this version of the engine.
    pub fn new(keys: &VaultKeys, space: &Space) -> Result<Self, Error> {
        let public = space.public_context()?;
        let key = keys.tree().key(Purpose::Search, &space.id.0);
        let (master, _) = key.expose().split_first_chunk().expect("a key has 64 bytes");
        let holder = KeyHolder::new(&public, SecretContext::from_master_key(*public.parameters(), master))?;
        Ok(Self { space: space.id, holder })
    }
}

/// A file to be written, with its pieces in order.
pub type FileInPieces<'a> = (Object, Vec<&'a [u8]>);

/// A new segment, encrypted and ready to be written.
pub struct EncodedSegment {
    id: Id,
    images: usize,
    blocks: Vec<SealedBlock>,
    list: Vec<u8>,
    hints: Vec<u8>,
    vectors: SealedFile,
    records: SealedFile,
    checks: CheckVectors,
    sealed_checks: SealedFile,
}

impl EncodedSegment {
    /// Encrypts `rows`, at least 1 and at most one segment's worth, as the segment `id`.
    ///
    /// # Errors
    /// When a vector has the wrong dimension or is not a unit vector, or the system gives no entropy.
    pub fn new(keys: &VaultKeys, search: &Search, id: Id, rows: &[Row]) -> Result<Self, Error> {
        let (holder, space) = (&search.holder, search.space);
        let dimension = holder.parameters().dimension();
        let empty = Zeroizing::new(vec![0.0; dimension]);
        let vector = |row: &Row| row.vector.as_deref().unwrap_or(&empty).to_vec();
        let blocks = rows
            .par_chunks(BLOCK_IMAGES)
            .map(|rows| holder.seal(&rows.iter().map(vector).map(Zeroizing::new).collect::<Vec<_>>()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut checks = CheckVectors::empty(holder.parameters(), 0);
        blocks.iter().try_for_each(|block| checks.add_sealed(holder, block))?;
        let exact = vectors::encode(rows.iter().map(|row| row.vector.as_deref()), dimension);
        let images = rows.iter().map(|row| row.listed.clone()).collect();
        let companions = rows.iter().flat_map(|row| row.companions.iter().cloned()).collect();
        let listed = ImageList { images, companions };
        let records = record::encode(rows.iter().map(|row| &row.record))?;
        Ok(Self {
            id,
            images: rows.len(),
            list: list::encode(id, &listed),
            hints: Hints::encode(&blocks),
            vectors: keys.seal(&SealedObject::Vectors(id, space), &exact)?,
            records: keys.seal(&SealedObject::Records(id), &records)?,
            sealed_checks: keys.seal(&SealedObject::Checks(id, space), &checks.to_bytes())?,
            checks,
            blocks,
        })
    }

    /// The files to be written, and the entry of the segment in the mapping.
    #[must_use]
    pub fn files(&self) -> (Vec<FileInPieces<'_>>, SegmentEntry) {
        let files = Part::ALL.map(|part| {
            let pieces = self.pieces(part);
            (Digest::of(&pieces), part, pieces)
        });
        let [ckks, list, hints, vectors, records, checks] = files.each_ref().map(|(digest, ..)| *digest);
        let features = FeaturesEntry { ckks, hints, vectors, checks: Some(checks) };
        let entry = SegmentEntry { id: self.id, images: self.images, list, records, features: vec![Some(features)] };
        let named = files.into_iter().map(|(digest, part, pieces)| (Object::Segment(digest.name(), part), pieces));
        (named.collect(), entry)
    }

    /// The check vectors of its blocks.
    #[must_use]
    pub fn into_checks(self) -> CheckVectors {
        self.checks
    }

    fn pieces(&self, part: Part) -> Vec<&[u8]> {
        match part {
            Part::Blocks => self.blocks.iter().map(SealedBlock::ciphertext).collect(),
            Part::List | Part::OldList => vec![&self.list],
            Part::Hints => vec![&self.hints],
            Part::Vectors => self.vectors.parts().to_vec(),
            Part::Records | Part::OldCatalogue => self.records.parts().to_vec(),
            Part::Checks => self.sealed_checks.parts().to_vec(),
        }
    }
}
