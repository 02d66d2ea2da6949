//! One photo of a snapshot: its metadata, original, thumbnail and feature vector.
//!
//! Must never: return a byte of an original before verifying all of it.

use zeroize::Zeroizing;

use super::segment::Segment;
use crate::vault::error::Error;
use crate::vault::format::catalogue::{CatalogueEntry, PhotoMetadata};
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::images::ListedImage;
use crate::vault::format::layout::{Object, Part};
use crate::vault::format::sealed::SealedObject;

/// One image of a snapshot.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    segment: &'a Segment,
    slot: usize,
    listed: &'a ListedImage,
}

impl<'a> Image<'a> {
    /// The image in a slot of a segment.
    ///
    /// # Errors
    /// When the image list cannot be read or has no such slot.
    pub(in crate::vault) fn of(segment: &'a Segment, slot: usize) -> Result<Self, Error> {
        let unknown = || Error::UnknownImage { id: format!("in slot {slot} of segment {}", segment.entry().id) };
        let listed = segment.images()?.get(slot).ok_or_else(unknown)?;
        Ok(Self { segment, slot, listed })
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

    /// Its name, dates and sizes.
    ///
    /// # Errors
    /// When the catalogue of its segment is missing or damaged.
    pub fn details(&self) -> Result<&'a PhotoMetadata, Error> {
        Ok(&self.entry()?.details)
    }

    /// The keyed hash of its original, as computed by [`content_tag`](crate::vault::Vault::content_tag).
    ///
    /// # Errors
    /// As [`Self::details`].
    pub fn content(&self) -> Result<&'a Digest, Error> {
        Ok(&self.entry()?.content)
    }

    /// Its entry in the catalogue.
    pub(super) fn entry(&self) -> Result<&'a CatalogueEntry, Error> {
        let entry = self.segment.catalogue()?.get(self.slot).filter(|entry| entry.id == self.listed.id);
        let object = Object::Segment(self.segment.entry().id, Part::Catalogue);
        entry.ok_or(Error::Damaged { object, what: "it does not match the image list" })
    }

    /// The original, byte for byte, verified as a whole.
    ///
    /// # Errors
    /// When the object is missing or damaged.
    pub fn photo(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let sealed = SealedObject::Photo(self.listed.id, self.listed.extension.clone());
        self.segment.open(&sealed, &self.listed.photo)
    }

    /// The thumbnail as stored.
    ///
    /// # Errors
    /// [`Error::NoThumbnail`]; when the object is missing or damaged.
    pub fn thumbnail(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let thumbnail = self.listed.thumbnail.as_ref().ok_or(Error::NoThumbnail { id: self.listed.id })?;
        self.segment.open(&SealedObject::Thumbnail(thumbnail.id), &thumbnail.digest)
    }

    /// The exact feature vector. Opens the vectors of the whole segment.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn vector(&self) -> Result<Vec<f32>, Error> {
        Ok(self.segment.vectors()?.swap_remove(self.slot))
    }
}
