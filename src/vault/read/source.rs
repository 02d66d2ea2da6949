//! The backend and keys of an unlocked vault, from which snapshots, transactions and repairs read.
//!
//! Must never: return plaintext of a file whose digest or tag is wrong.

use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

use crate::ckks::CheckVectors;
use crate::vault::backend::Backend;
use crate::vault::error::Error;
use crate::vault::format::entries::SegmentEntry;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{Object, Part};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::old;
use crate::vault::format::record;
use crate::vault::format::record::Record;
use crate::vault::format::sealed::{SealedObject, VaultKeys};
use crate::vault::format::segment::Search;
use crate::vault::format::shape::Shape;
use crate::vault::format::vectors;

/// The backend of an unlocked vault, and its keys.
pub(in crate::vault) struct Source {
    pub(in crate::vault) backend: Arc<dyn Backend>,
    /// Shared with other copies of the same vault.
    pub(in crate::vault) keys: Arc<VaultKeys>,
    pub(in crate::vault) shape: Shape,
    /// `None` in formats 1 and 2, which are not searched.
    pub(in crate::vault) search: Option<Search>,
}

impl Source {
    /// The keys of the encrypted search.
    pub(in crate::vault) fn search(&self) -> Result<&Search, Error> {
        self.search.as_ref().ok_or(Error::Outdated)
    }

    /// The plaintext of a file that is sealed as a whole.
    pub(in crate::vault) fn open(&self, sealed: &SealedObject, digest: &Digest) -> Result<Zeroizing<Vec<u8>>, Error> {
        let object = sealed.object();
        self.open_expected(sealed, &Expected { limit: largest_bytes(&object), object, digest: *digest })
    }

    /// A file of a segment; an error when the segment has none.
    pub(in crate::vault) fn expected(&self, entry: &SegmentEntry, part: Part) -> Result<Expected, Error> {
        let object = || Object::Segment(entry.id, part);
        self.shape.segment(entry, part).ok_or_else(|| Error::Missing { object: object() })
    }

    /// What is known about a segment's images, in slot order.
    pub(in crate::vault) fn records(&self, entry: &SegmentEntry) -> Result<Vec<Record>, Error> {
        let file = self.expected(entry, Part::Records)?;
        let damaged = |what| Error::Damaged { object: file.object.clone(), what };
        let records = if self.shape == Shape::Old {
            let text = self.open_expected(&SealedObject::OldCatalogue(entry.id), &file)?;
            old::catalogue::decode(&text).filter(|records| records.len() == entry.images)
        } else {
            let bytes = self.open_expected(&SealedObject::Records(entry.id), &file)?;
            record::decode(&bytes, entry.images).map_err(|fault| fault.in_file(&file.object))?.into()
        };
        records.ok_or_else(|| damaged("it does not match the segment's images"))
    }

    /// The exact vectors of a segment's images in slot order; `None` for an image without one.
    pub(in crate::vault) fn vectors(&self, entry: &SegmentEntry) -> Result<Vec<Option<Vec<f32>>>, Error> {
        let file = self.expected(entry, Part::Vectors)?;
        let vectors = if self.shape == Shape::Old {
            let bytes = self.open_expected(&SealedObject::OldVectors(entry.id), &file)?;
            let vectors = old::vectors::decode(&bytes, entry.images);
            vectors.map(|vectors| vectors.into_iter().map(Some).collect())
        } else {
            let search = self.search()?;
            let bytes = self.open_expected(&SealedObject::Vectors(entry.id, search.space), &file)?;
            vectors::decode(&bytes, entry.images, search.holder.parameters().dimension())
        };
        vectors.ok_or(Error::Damaged { object: file.object, what: "it does not match the segment's images" })
    }

    /// The check vectors in `file`, which are those of the segment or group `id`.
    pub(in crate::vault) fn checks(&self, id: Id, file: &Expected) -> Result<CheckVectors, Error> {
        let search = self.search()?;
        let bytes = self.open_expected(&SealedObject::Checks(id, search.space), file)?;
        CheckVectors::from_bytes(search.holder.parameters(), &bytes)
            .map_err(|_| Error::Damaged { object: file.object.clone(), what: "it does not hold check vectors" })
    }

    pub(in crate::vault) fn open_expected(
        &self,
        sealed: &SealedObject,
        file: &Expected,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.keys.open(sealed, &self.backend.read_verified(file)?).map_err(|error| error.about(&file.object))
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

/// The content of `cell`, read on first use. If two threads read at once, the first result is kept.
pub(in crate::vault) fn read_once<T>(cell: &OnceLock<T>, read: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    match cell.get() {
        Some(value) => Ok(value),
        None => read().map(|value| cell.get_or_init(|| value)),
    }
}
