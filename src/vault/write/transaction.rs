//! Writing the next generation: originals and thumbnails as they arrive, segments and mapping at the commit. The lock
//! is held for the commit only, so the changes are applied to the newest generation, whoever made it.
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
use crate::vault::unlocked::{Vault, authentic_mapping};

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

/// The outcome of a commit.
#[must_use]
pub struct Committed {
    /// A transaction that starts from the new generation.
    pub next: Transaction,
    /// Images that were reported as [`Appended::New`] and whose content another writer has committed meanwhile: our id,
    /// under which nothing is stored, and the id that has the content.
    pub already_present: Vec<(Id, Id)>,
}

/// For how long a transaction holds the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Commit,
    Run,
}

/// A writer of a vault. Dropped without a commit, it removes what it stored.
pub struct Transaction {
    source: Arc<Source>,
    freshness: Freshness,
    base: Arc<Snapshot>,
    changes: Changes,
    /// The contents of `changes.additions`.
    added: HashMap<Digest, Id>,
    /// As in [`Committed`].
    already_present: Vec<(Id, Id)>,
    if_locked: IfLocked,
    hold: Hold,
    writer: Box<dyn Writer>,
}

impl Transaction {
    /// Reads the newest generation. The lock is taken by [`Self::commit`], which waits for it as `if_locked` says.
    ///
    /// # Errors
    /// As [`Vault::require_newest`] and [`Vault::snapshot`].
    pub fn begin(vault: &Vault, if_locked: IfLocked) -> Result<Self, Error> {
        vault.require_newest()?;
        let writer = vault.backend().writer(Abandoned::Remove)?;
        Self::with_writer(vault, if_locked, Hold::Commit, writer)
    }

    /// The same, but takes the lock at once and holds it until the transaction is dropped.
    ///
    /// # Errors
    /// As [`Self::begin`] and [`Self::lock`].
    pub(super) fn begin_locked(vault: &Vault, if_locked: IfLocked) -> Result<Self, Error> {
        vault.require_newest()?;
        let writer = vault.backend().writer(Abandoned::Remove)?;
        writer.lock(if_locked)?;
        Self::with_writer(vault, if_locked, Hold::Run, writer)
    }

    fn with_writer(vault: &Vault, if_locked: IfLocked, hold: Hold, writer: Box<dyn Writer>) -> Result<Self, Error> {
        Ok(Self {
            source: Arc::clone(&vault.source),
            freshness: vault.freshness.clone(),
            base: Arc::new(vault.snapshot()?),
            changes: Changes::default(),
            added: HashMap::new(),
            already_present: Vec::new(),
            if_locked,
            hold,
            writer,
        })
    }

    /// Takes the lock before the next commit does, to wait for it in another way.
    ///
    /// # Errors
    /// [`Error::Locked`]; an [`Error::Io`] when the vault cannot be written.
    pub fn lock(&self, if_locked: IfLocked) -> Result<(), Error> {
        self.writer.lock(if_locked)
    }

    /// The newest generation that was read. The next commit follows it, unless others commit meanwhile.
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
        let present = match self.find_content(&content) {
            // Another writer has committed, and removed what this one was about to read.
            Err(Error::Superseded { .. }) => {
                self.catch_up()?;
                self.find_content(&content)?
            }
            found => found?,
        };
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
        let found = self.base.image(id).map(drop);
        match found {
            Err(Error::Superseded { .. }) => {
                self.catch_up()?;
                self.base.image(id)?;
            }
            found => found?,
        }
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

    /// Makes all changes so far durable and visible as one new generation, which follows the newest one: if another
    /// writer has committed meanwhile, images whose content is there by now are left out, and images that it has
    /// removed need not be removed again. Holds the lock meanwhile, and gives it back.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::Overtaken`] where locks do nothing. Nothing has changed, unless replacing
    /// `mapping.json` failed in its last step: then the new generation may be visible. Either way the vault is
    /// consistent, and the transaction is over.
    pub fn commit(mut self) -> Result<Committed, Error> {
        if !self.changes.is_empty() {
            self.writer.lock(self.if_locked)?;
            match self.hold {
                Hold::Commit => self.catch_up()?,
                // Nobody else commits while this transaction holds the lock.
                Hold::Run => {}
            }
            if !self.changes.is_empty() {
                self.write()?;
            }
            if self.hold == Hold::Commit {
                self.writer.unlock();
            }
        }
        let already_present = std::mem::take(&mut self.already_present);
        Ok(Committed { next: self, already_present })
    }

    /// Starts from the newest generation, if that is another one.
    fn catch_up(&mut self) -> Result<(), Error> {
        let newest = authentic_mapping(&*self.source.backend, &self.source.keys, &self.freshness)?;
        if newest.tag == self.base.signed.tag {
            return Ok(());
        }
        self.base = Arc::new(Snapshot::new(&self.source, newest, Some(&self.base)));
        let mut stays = Vec::new();
        for row in std::mem::take(&mut self.changes.additions) {
            let present = self.base.find_content(&row.entry.content)?;
            match present.filter(|id| !self.changes.removals.contains(id)) {
                Some(present) => {
                    self.writer.discard(&row.listed.objects().collect::<Vec<_>>());
                    self.added.insert(row.entry.content, present);
                    self.already_present.push((row.listed.id, present));
                }
                None => stays.push(row),
            }
        }
        self.changes.additions = stays;
        let base = &self.base;
        self.changes.removals.retain(|id| !matches!(base.image(*id), Err(Error::UnknownImage { .. })));
        Ok(())
    }

    /// Writes and commits the next generation, under the lock.
    fn write(&mut self) -> Result<(), Error> {
        let rewriting = Rewriting::new(&self.source, &*self.writer, std::mem::take(&mut self.changes));
        let (next, obsolete) = rewriting.run(&self.base).map_err(|error| self.overtaken_or(error))?;
        let (groups, segments) = next.write(&self.source.keys, &*self.writer)?;
        let next = self.base.mapping().next(self.base.signed.tag, groups, segments);
        let next = SignedMapping::sign(next, &self.source.keys);
        self.writer.announce(&obsolete)?;
        self.writer.commit(&next, None)?;
        self.writer.discard(&obsolete);
        // The commit has happened, whatever becomes of files that others left.
        if let Err(error) = self.writer.remove_abandoned() {
            log::warn!("files of an interrupted writer are still there: {error}");
        }
        self.freshness.remember(&next)?;
        self.base = Arc::new(Snapshot::new(&self.source, next, Some(&self.base)));
        self.added.clear();
        Ok(())
    }

    /// [`Error::Overtaken`] if another writer replaced the base, because that explains any other error; otherwise
    /// `error`.
    fn overtaken_or(&self, error: Error) -> Error {
        match self.source.backend.mapping() {
            Ok(found) if found.tag != self.base.signed.tag => Error::Overtaken,
            _ => error,
        }
    }

    /// Removes files that interrupted writers left.
    pub(super) fn remove_leftovers(&self) -> Result<(), Error> {
        self.writer.remove_abandoned()
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
