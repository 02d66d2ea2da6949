//! One photo of a snapshot: what is known about it, its original, thumbnail and feature vector.
//!
//! Must never: return a byte of an original before verifying it.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::original;
use super::packs::Packs;
use super::segment::Segment;
use crate::vault::backend::Listed;
use crate::vault::error::Error;
use crate::vault::format::chunks;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{Directory, Object, Part};
use crate::vault::format::list::ListedImage;
use crate::vault::format::record::Record;
use crate::vault::format::sealed::SealedObject;
use crate::vault::format::shape::Shape;

/// One image of a snapshot.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    packs: &'a Packs,
    segment: &'a Segment,
    slot: usize,
    listed: &'a ListedImage,
}

impl<'a> Image<'a> {
    /// The image in a slot of a segment.
    ///
    /// # Errors
    /// When the image list cannot be read or has no such slot.
    pub(in crate::vault) fn of(packs: &'a Packs, segment: &'a Segment, slot: usize) -> Result<Self, Error> {
        let unknown = || Error::UnknownImage { id: format!("in slot {slot} of segment {}", segment.entry().id) };
        let listed = segment.images()?.get(slot).ok_or_else(unknown)?;
        Ok(Self { packs, segment, slot, listed })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Id {
        self.listed.id
    }

    /// Its entry in the image list of its segment.
    #[must_use]
    pub fn listed(&self) -> &'a ListedImage {
        self.listed
    }

    /// What is known about it.
    ///
    /// # Errors
    /// When the records of its segment are missing or damaged.
    pub fn record(&self) -> Result<&'a Record, Error> {
        let record = self.segment.records()?.get(self.slot).filter(|record| record.id == self.listed.id);
        let object = || self.segment.expected(Part::Records).map(|file| file.object);
        match record {
            Some(record) => Ok(record),
            None => Err(Error::Damaged { object: object()?, what: "it does not match the image list" }),
        }
    }

    /// Its file name.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn name(&self) -> Result<Cow<'a, str>, Error> {
        Ok(self.record()?.name())
    }

    /// The keyed hash of its original, as computed by [`content_tag`](crate::vault::Vault::content_tag).
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn content(&self) -> Result<&'a Digest, Error> {
        Ok(&self.record()?.content)
    }

    /// The original, byte for byte, verified as a whole.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for one that does not fit into memory; when it is missing or damaged.
    pub fn photo(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.segment.map_superseded(original::read_whole(self.segment.source(), self.listed))
    }

    /// Passes the original on in verified pieces, in order, in little memory. After an error, what was passed on is not
    /// the whole original.
    ///
    /// # Errors
    /// When it is missing or damaged; what `receive` returns.
    pub fn photo_in_pieces(&self, receive: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        self.segment.map_superseded(original::read_in_pieces(
            self.segment.source(),
            self.listed,
            self.file_bytes()?,
            receive,
        ))
    }

    /// The same, and compares the digest of the file.
    pub(super) fn verify_photo(&self, receive: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        self.segment.map_superseded(original::verify(self.segment.source(), self.listed, self.file_bytes()?, receive))
    }

    /// Bytes of the file of a large original. If the record is lost, what the file has.
    pub(in crate::vault) fn file_bytes(&self) -> Result<u64, Error> {
        if let Ok(record) = self.record() {
            return Ok(chunks::file_bytes(record.bytes));
        }
        let files = self.segment.source().backend.list(Directory::Images)?;
        let is_this = |file: &&Listed| matches!(&file.object, Object::Photo(id, _) if *id == self.listed.id);
        Ok(files.iter().find(is_this).map_or(0, |file| file.bytes))
    }

    /// Whether it has a thumbnail.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn has_thumbnail(&self) -> Result<bool, Error> {
        match self.segment.source().shape {
            Shape::Old => Ok(self.segment.old_thumbnail(self.slot)?.is_some()),
            Shape::Current { .. } => Ok(self.record()?.thumbnail.is_some()),
        }
    }

    /// The thumbnail as stored.
    ///
    /// # Errors
    /// [`Error::NoThumbnail`]; when it is missing or damaged.
    pub fn thumbnail(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let none = Error::NoThumbnail { id: self.listed.id };
        match self.segment.source().shape {
            Shape::Old => {
                let thumbnail = self.segment.old_thumbnail(self.slot)?.ok_or(none)?;
                let opened = self.segment.source().open(&SealedObject::Thumbnail(thumbnail.id), &thumbnail.digest);
                self.segment.map_superseded(opened)
            }
            Shape::Current { .. } => self.packs.thumbnail(self.record()?.thumbnail.as_ref().ok_or(none)?),
        }
    }

    /// The exact feature vector, if it has one. Opens the vectors of the whole segment.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn vector(&self) -> Result<Option<Vec<f32>>, Error> {
        Ok(self.segment.vectors()?.swap_remove(self.slot))
    }
}
