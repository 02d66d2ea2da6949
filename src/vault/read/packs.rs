//! The packs of thumbnails of a generation: their lists and the indexes of their parts are read on first use, and a
//! thumbnail is read from the middle of its pack.
//!
//! Must never: return a thumbnail that was sealed for another image's record (the index of the part names it).

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::source::{Source, read_once};
use crate::vault::error::Error;
use crate::vault::format::entries::PackEntry;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{Object, PackPart};
use crate::vault::format::mapping::Mapping;
use crate::vault::format::pack;
use crate::vault::format::pack::{PackList, PartEntry, PartIndex};
use crate::vault::format::record::ThumbnailPlace;
use crate::vault::format::shape::Shape;

/// The packs of one generation.
pub(in crate::vault) struct Packs {
    source: Arc<Source>,
    generation: u64,
    packs: Vec<Arc<Pack>>,
    /// Where each part is.
    places: OnceLock<HashMap<Id, PartPlace>>,
    /// The indexes read so far, by the digest of the part.
    indexes: Mutex<HashMap<Digest, Arc<PartIndex>>>,
}

/// One pack.
pub(in crate::vault) struct Pack {
    pub(in crate::vault) entry: PackEntry,
    list: OnceLock<PackList>,
}

/// A part of a pack.
#[derive(Clone)]
pub(in crate::vault) struct PartPlace {
    /// The file.
    pub(in crate::vault) object: Object,
    /// Where the part begins in it.
    pub(in crate::vault) offset: u64,
    /// Its entry in the list.
    pub(in crate::vault) part: PartEntry,
}

impl Packs {
    /// The packs of a mapping. Reuses what `previous` has read.
    pub(super) fn new(source: &Arc<Source>, mapping: &Mapping, previous: Option<&Self>) -> Self {
        let known = |entry: &PackEntry| previous?.packs.iter().find(|pack| pack.entry == *entry).cloned();
        let pack = |entry: &PackEntry| {
            known(entry).unwrap_or_else(|| Arc::new(Pack { entry: entry.clone(), list: OnceLock::new() }))
        };
        Self {
            source: Arc::clone(source),
            generation: mapping.generation,
            packs: mapping.packs.iter().map(pack).collect(),
            places: OnceLock::new(),
            indexes: Mutex::new(previous.map(|previous| previous.indexes.lock().clone()).unwrap_or_default()),
        }
    }

    /// The packs, oldest first.
    pub(in crate::vault) fn all(&self) -> &[Arc<Pack>] {
        &self.packs
    }

    /// The parts of a pack.
    ///
    /// # Errors
    /// When its list is missing or damaged.
    pub(in crate::vault) fn list<'a>(&self, pack: &'a Pack) -> Result<&'a PackList, Error> {
        read_once(&pack.list, || {
            let file = Shape::pack(&pack.entry, PackPart::List);
            let bytes = self.map_superseded(self.source.backend.read_verified(&file))?;
            let fits = |list: &PackList| list.parts.len() == pack.entry.parts && list.bytes() == pack.entry.bytes;
            PackList::decode(&bytes)
                .filter(fits)
                .ok_or(Error::Damaged { object: file.object, what: "it does not list the pack's parts" })
        })
    }

    /// The parts of a pack with their places in it.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub(in crate::vault) fn parts(&self, pack: &Pack) -> Result<Vec<PartPlace>, Error> {
        let object = Shape::pack(&pack.entry, PackPart::Content).object;
        let mut offset = 0;
        let place = |part: &PartEntry| {
            let place = PartPlace { object: object.clone(), offset, part: part.clone() };
            offset += part.bytes;
            place
        };
        Ok(self.list(pack)?.parts.iter().map(place).collect())
    }

    /// Where a part is; `None` when no readable pack has it.
    pub(in crate::vault) fn place(&self, part: Id) -> Option<&PartPlace> {
        let places = self.places.get_or_init(|| {
            let lists = self.packs.iter().map(|pack| Shape::pack(&pack.entry, PackPart::List)).collect::<Vec<_>>();
            self.source.backend.prefetch(&lists);
            let of_packs = self.packs.iter().filter_map(|pack| self.parts(pack).ok()).flatten();
            of_packs.map(|place| (place.part.id, place)).collect()
        });
        places.get(&part)
    }

    /// The bytes of a part, not verified.
    pub(in crate::vault) fn read_part(&self, place: &PartPlace) -> Result<Vec<u8>, Error> {
        self.map_superseded(self.source.backend.read_at(&place.object, place.offset, place.part.bytes))
    }

    /// Whether the file of a pack goes on after its last part.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub(super) fn is_too_long(&self, pack: &Pack) -> Result<bool, Error> {
        let object = Shape::pack(&pack.entry, PackPart::Content).object;
        Ok(!self.source.backend.read_at(&object, pack.entry.bytes, 1)?.is_empty())
    }

    /// The index of a part.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub(in crate::vault) fn index(&self, place: &PartPlace) -> Result<Arc<PartIndex>, Error> {
        let PartPlace { object, offset, part } = place;
        if let Some(index) = self.indexes.lock().get(&part.digest) {
            return Ok(Arc::clone(index));
        }
        let bytes = self.map_superseded(self.source.backend.read_at(object, *offset, part.index_bytes.into()))?;
        let index = PartIndex::open(&self.source.keys, part, &bytes).map_err(|error| error.about(object))?;
        let index = Arc::new(index);
        self.indexes.lock().insert(part.digest, Arc::clone(&index));
        Ok(index)
    }

    /// The thumbnail at a place.
    ///
    /// # Errors
    /// When there is none, or it is missing or damaged.
    pub(in crate::vault) fn thumbnail(&self, place: &ThumbnailPlace) -> Result<Zeroizing<Vec<u8>>, Error> {
        let at = self.place(place.part).ok_or_else(|| self.why_missing(place.part))?;
        let index = self.index(at)?;
        let (id, range) = index
            .thumbnail(place.number)
            .ok_or(Error::Damaged { object: at.object.clone(), what: "a part has no thumbnail with this number" })?;
        let bytes = range.end - range.start;
        let sealed = self.map_superseded(self.source.backend.read_at(&at.object, at.offset + range.start, bytes))?;
        pack::open_thumbnail(&self.source.keys, id, &sealed).map_err(|error| error.about(&at.object))
    }

    /// Why there is no part with this id: it is in a pack whose list is damaged, or in none.
    fn why_missing(&self, part: Id) -> Error {
        let unreadable = self.packs.iter().find_map(|pack| self.list(pack).err());
        unreadable.unwrap_or(Error::Missing { object: Object::Pack(part, PackPart::Content) })
    }

    fn map_superseded<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.source.map_superseded(self.generation, outcome)
    }
}
