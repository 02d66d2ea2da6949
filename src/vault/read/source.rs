//! The backend and keys of an unlocked vault, from which snapshots, transactions and repairs read.
//!
//! Must never: return plaintext of a file whose digest or tag is wrong.

use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

use crate::ckks_v1::KeyHolder;
use crate::vault::backend::Backend;
use crate::vault::error::Error;
use crate::vault::format::catalogue;
use crate::vault::format::catalogue::CatalogueEntry;
use crate::vault::format::entries::SegmentEntry;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::Digest;
use crate::vault::format::layout::{Object, Part};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::sealed::{SealedObject, VaultKeys};
use crate::vault::format::segment;
use crate::vault::format::vectors;

/// The backend of an unlocked vault, and its keys.
pub(in crate::vault) struct Source {
    pub(in crate::vault) backend: Arc<dyn Backend>,
    pub(in crate::vault) keys: VaultKeys,
    pub(in crate::vault) holder: KeyHolder,
}

impl Source {
    /// The plaintext of a photo or a thumbnail.
    pub(in crate::vault) fn open(&self, sealed: &SealedObject, digest: &Digest) -> Result<Zeroizing<Vec<u8>>, Error> {
        let object = sealed.object();
        self.open_expected(sealed, &Expected { limit: largest_bytes(&object), object, digest: *digest })
    }

    /// Names, dates and sizes of a segment's images in slot order.
    pub(in crate::vault) fn catalogue(&self, entry: &SegmentEntry) -> Result<Vec<CatalogueEntry>, Error> {
        let file = segment::expected(entry, Part::Catalogue);
        let text = self.open_expected(&SealedObject::Catalogue(entry.id), &file)?;
        catalogue::decode(&text)
            .filter(|entries| entries.len() == entry.images)
            .ok_or_else(|| damaged(entry, Part::Catalogue, "it does not match the segment's images"))
    }

    /// The exact vectors of a segment's images in slot order.
    pub(in crate::vault) fn vectors(&self, entry: &SegmentEntry) -> Result<Vec<Vec<f32>>, Error> {
        let file = segment::expected(entry, Part::Vectors);
        let bytes = self.open_expected(&SealedObject::Vectors(entry.id), &file)?;
        vectors::decode(&bytes, entry.images)
            .ok_or_else(|| damaged(entry, Part::Vectors, "it does not match the segment's images"))
    }

    fn open_expected(&self, sealed: &SealedObject, file: &Expected) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.keys.open(sealed, &self.backend.read_verified(file)?)
    }

    /// Maps [`Error::Missing`] to [`Error::Superseded`] when there is a newer generation, which may have removed the
    /// file. The newer mapping only decides the message, so its tag need not be verified.
    pub(in crate::vault) fn map_superseded<T>(&self, generation: u64, outcome: Result<T, Error>) -> Result<T, Error> {
        let is_superseded = || self.backend.mapping().is_ok_and(|current| current.mapping.generation > generation);
        outcome.map_err(|error| match error {
            Error::Missing { .. } if is_superseded() => Error::Superseded { generation },
            error => error,
        })
    }
}

fn damaged(entry: &SegmentEntry, part: Part, what: &'static str) -> Error {
    Error::Damaged { object: Object::Segment(entry.id, part), what }
}

/// The content of `cell`, read on first use. If two threads read at once, the first result is kept.
pub(in crate::vault) fn read_once<T>(cell: &OnceLock<T>, read: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    match cell.get() {
        Some(value) => Ok(value),
        None => read().map(|value| cell.get_or_init(|| value)),
    }
}
