//! Writing the next generation: originals and thumbnails as they arrive, segments and mapping at the commit.
//!
//! Must never: change a file once it has its final name, remove one that the current mapping references, or report a
//! commit before the backend has made it durable.

use std::collections::HashMap;
use std::sync::Arc;

use super::rewriting::{Changes, Rewriting};
use crate::durable::IfLocked;
use crate::vault::backend::writer::{Abandoned, Writer};
use crate::vault::error::Error;
use crate::vault::format::catalogue::{CatalogueEntry, PhotoMetadata};
use crate::vault::format::extension::Extension;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::images::{ListedImage, ListedThumbnail};
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::SignedMapping;
use crate::vault::format::sealed::{LARGEST_PHOTO_BYTES, SealedObject};
use crate::vault::format::segment::Row;
use crate::vault::freshness::Freshness;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;
use crate::vault::unlocked::Vault;

/// An encrypted photo waiting to be appended. If it is not appended, it is removed when the transaction ends.
pub struct StoredPhoto {
    listed: ListedImage,
    content: Digest,
    bytes: u64,
    /// The id for its thumbnail.
    thumbnail: Id,
}

impl StoredPhoto {
    /// Its random id.
    #[must_use]
    pub fn id(&self) -> Id {
        self.listed.id
    }
}

/// A photo with everything that a vault keeps about it.
pub struct NewImage {
    /// The stored original.
    pub photo: StoredPhoto,
    /// What a listing shows; `bytes` is set from the original.
    pub details: PhotoMetadata,
    /// Its unit feature vector, of the vault's dimension.
    pub vector: Vec<f32>,
}

/// What happened to an image that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It will be in the next generation.
    New(Id),
    /// The vault already has this content under this id; the stored copy was removed.
    AlreadyPresent(Id),
}

/// The writer of a vault. Dropped without a commit, it removes what it stored.
pub struct Transaction {
    source: Arc<Source>,
    freshness: Freshness,
    base: Arc<Snapshot>,
    changes: Changes,
    /// The contents of `changes.additions`.
    added: HashMap<Digest, Id>,
    writer: Box<dyn Writer>,
}

impl Transaction {
    /// Takes the lock, reads the newest generation and removes what a crash left.
    ///
    /// # Errors
    /// [`Error::Locked`]; an [`Error::Io`] when the vault cannot be written; as [`Vault::require_newest`] and
    /// [`Vault::snapshot`].
    pub fn begin(vault: &Vault, if_locked: IfLocked) -> Result<Self, Error> {
        vault.require_newest()?;
        let writer = vault.backend().writer(if_locked, Abandoned::Remove)?;
        let transaction = Self {
            source: Arc::clone(&vault.source),
            freshness: vault.freshness.clone(),
            base: Arc::new(vault.snapshot()?),
            changes: Changes::default(),
            added: HashMap::new(),
            writer,
        };
        // Only the journal's existence matters here; its content is for the backend.
        match vault.backend().read(&Object::Writing, 0) {
            Err(Error::Missing { .. }) => {}
            _ => transaction.remove_leftovers()?,
        }
        Ok(transaction)
    }

    /// The generation that the next commit follows.
    #[must_use]
    pub fn base(&self) -> &Arc<Snapshot> {
        &self.base
    }

    /// Images appended since the last commit.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.changes.additions.len()
    }

    /// Encrypts and writes an original. Can be called from any thread. Keeps nothing in memory.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`LARGEST_PHOTO_BYTES`]; what the system reports.
    pub fn store_photo(&self, photo: &[u8], extension: &Extension) -> Result<StoredPhoto, Error> {
        self.store_photo_with_tag(photo, self.source.keys.content_tag(photo), extension)
    }

    /// The same, with the [`Vault::content_tag`] of the photo already computed.
    ///
    /// # Errors
    /// As [`Self::store_photo`].
    pub fn store_photo_with_tag(
        &self,
        photo: &[u8],
        content: Digest,
        extension: &Extension,
    ) -> Result<StoredPhoto, Error> {
        let (id, thumbnail) = (Id::random()?, Id::random()?);
        // Both at once: each announcement waits for the disk.
        self.writer.announce(&[Object::Photo(id, extension.clone()), Object::Thumbnail(thumbnail)])?;
        let digest = self.store_object(&SealedObject::Photo(id, extension.clone()), photo)?;
        let listed = ListedImage { id, extension: extension.clone(), photo: digest, thumbnail: None };
        Ok(StoredPhoto { listed, content, bytes: photo.len() as u64, thumbnail })
    }

    /// Encrypts and writes the thumbnail of a stored original.
    ///
    /// # Errors
    /// As [`Self::store_photo`].
    pub fn store_thumbnail(&self, photo: &mut StoredPhoto, thumbnail: &[u8]) -> Result<(), Error> {
        photo.listed.thumbnail = Some(self.write_thumbnail(photo.thumbnail, thumbnail)?);
        Ok(())
    }

    /// Writes a thumbnail under a new id.
    pub(super) fn new_thumbnail(&self, thumbnail: &[u8]) -> Result<ListedThumbnail, Error> {
        self.write_thumbnail(Id::random()?, thumbnail)
    }

    fn write_thumbnail(&self, id: Id, thumbnail: &[u8]) -> Result<ListedThumbnail, Error> {
        Ok(ListedThumbnail { id, digest: self.store_object(&SealedObject::Thumbnail(id), thumbnail)? })
    }

    /// The image with this content, committed or appended.
    ///
    /// # Errors
    /// As [`Snapshot::find_content`].
    pub fn find_content(&self, content: &Digest) -> Result<Option<Id>, Error> {
        if let Some(id) = self.added.get(content) {
            return Ok(Some(*id));
        }
        Ok(self.base.find_content(content)?.filter(|id| !self.changes.removals.contains(id)))
    }

    /// Adds an image to the next generation, unless the vault already has its content.
    ///
    /// # Errors
    /// [`Error::TooLong`] for a name; [`Error::Dimension`]; as [`Self::find_content`].
    pub fn append(&mut self, image: NewImage) -> Result<Appended, Error> {
        let NewImage { photo: StoredPhoto { listed, content, bytes, .. }, details, vector } = image;
        details.check()?;
        let (actual, expected) = (vector.len(), self.base.mapping().parameters().dimension());
        if actual != expected {
            return Err(Error::Dimension { actual, expected });
        }
        let present = self.find_content(&content).map_err(|error| self.overtaken_or(error))?;
        if let Some(present) = present {
            self.writer.discard(&listed.objects().collect::<Vec<_>>());
            return Ok(Appended::AlreadyPresent(present));
        }
        let id = listed.id;
        self.added.insert(content, id);
        let entry = CatalogueEntry { id, content, details: PhotoMetadata { bytes, ..details } };
        self.changes.additions.push(Row { listed, entry, vector });
        Ok(Appended::New(id))
    }

    /// Leaves an image out of the next generation. Its files are removed after the commit.
    ///
    /// # Errors
    /// [`Error::UnknownImage`].
    pub fn remove(&mut self, id: Id) -> Result<(), Error> {
        if self.changes.removals.contains(&id) {
            return Ok(());
        }
        self.base.image(id)?;
        self.changes.removals.insert(id);
        Ok(())
    }

    /// Replaces the images of a segment, for repair.
    pub(super) fn replace_segment(&mut self, segment: Id, rows: Vec<Row>) {
        self.changes.replaced.insert(segment, rows);
    }

    /// Rebuilds the files of a group, for repair.
    pub(super) fn regroup(&mut self, group: Id) {
        self.changes.regrouped.insert(group);
    }

    /// Makes all changes so far durable and visible as one new generation. The returned transaction starts from it,
    /// under the same lock.
    ///
    /// # Errors
    /// Nothing has changed, unless replacing `mapping.json` failed in its last step: then the new generation may be
    /// visible. Either way the vault is consistent, and the transaction is over.
    pub fn commit(mut self) -> Result<Self, Error> {
        if self.changes.is_empty() {
            return Ok(self);
        }
        let rewriting = Rewriting::new(&self.source, &*self.writer, std::mem::take(&mut self.changes));
        let (next, mut obsolete) = rewriting.run(&self.base).map_err(|error| self.overtaken_or(error))?;
        let (groups, segments) = next.write(&self.source.keys, &*self.writer)?;
        let next = self.base.mapping().next(self.base.signed.tag, groups, segments);
        let next = SignedMapping::sign(next, &self.source.keys);
        self.writer.announce(&obsolete)?;
        self.writer.commit(&next)?;
        obsolete.push(Object::Writing);
        self.writer.discard(&obsolete);
        self.freshness.remember(&next)?;
        self.base = Arc::new(Snapshot::new(&self.source, next, Some(&self.base)));
        self.added.clear();
        Ok(self)
    }

    /// [`Error::Overtaken`] if another writer replaced the base, because that explains any other error; otherwise
    /// `error`.
    fn overtaken_or(&self, error: Error) -> Error {
        match self.source.backend.mapping() {
            Ok(found) if found.tag != self.base.signed.tag => Error::Overtaken,
            _ => error,
        }
    }

    /// Removes files that an interrupted writer left.
    pub(super) fn remove_leftovers(&self) -> Result<(), Error> {
        let abandoned = self.source.backend.leftovers(&self.base.signed)?.abandoned;
        if !abandoned.is_empty() {
            self.writer.discard(&abandoned);
        }
        Ok(())
    }

    /// Moves strays out of the way.
    pub(super) fn set_strays_aside(&self) -> Result<(), Error> {
        self.writer.set_strays_aside()
    }

    fn store_object(&self, sealed: &SealedObject, plaintext: &[u8]) -> Result<Digest, Error> {
        let object = sealed.object();
        if plaintext.len() > LARGEST_PHOTO_BYTES {
            let (actual, limit) = (plaintext.len() as u64, LARGEST_PHOTO_BYTES as u64);
            return Err(Error::TooLarge { object, actual, limit });
        }
        let file = self.source.keys.seal(sealed, plaintext)?;
        self.writer.stage(&object, &file.parts())?;
        Ok(Digest::of(&file.parts()))
    }
}
