//! Writing the next generation: originals and thumbnails as they arrive, segments and mapping at the commit. The lock
//! is held for the commit only, so the changes are applied to the newest generation, whoever made it.
//!
//! Must never: change a file once it has its final name, remove one that the current mapping references, or report a
//! commit before the backend has made it durable.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::history::IfDamaged;
use super::packing::Thumbnails;
use super::rewriting::Changes;
use super::storing;
use super::storing::AnnouncedIds;
use crate::ckks;
use crate::ckks::VectorFault;
use crate::durable::IfLocked;
use crate::vault::backend::writer::{Abandoned, Writer};
use crate::vault::error::Error;
use crate::vault::format::extension::Extension;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::list::ListedImage;
use crate::vault::format::pack;
use crate::vault::format::record::{Found, Record, ThumbnailPlace};
use crate::vault::format::segment::Row;
use crate::vault::format::table;
use crate::vault::format::vectors;
use crate::vault::freshness::Freshness;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;
use crate::vault::unlocked::Vault;

/// An encrypted photo waiting to be appended. If it is not appended, it is removed when the transaction ends.
pub struct StoredPhoto {
    pub(super) listed: ListedImage,
    pub(super) content: Digest,
    pub(super) bytes: u64,
    pub(super) thumbnail: Option<ThumbnailPlace>,
}

impl StoredPhoto {
    /// Its random id.
    #[must_use]
    pub fn id(&self) -> Id {
        self.listed.id
    }

    /// A record with what is known from storing it, and where it was found.
    #[must_use]
    pub fn record(&self, found: Found) -> Record {
        Record::new(self.listed.id, self.content, self.bytes, found)
    }
}

/// Whether `found` is neither in a record nor among the places that it will get, and it has room for one more.
fn is_missing(record: &Record, more: &[Found], found: &Found) -> bool {
    let is_same = |known: &Found| known.source == found.source && known.path == found.path;
    if record.found().iter().chain(more).any(is_same) {
        return false;
    }
    let has_room = record.has_room_for(more.iter().chain([found]));
    if !has_room {
        log::warn!("a photo was found at more places than its record has room for");
    }
    has_room
}

/// A photo with everything that a vault keeps about it.
pub struct NewImage {
    /// The stored original.
    pub photo: StoredPhoto,
    /// What is known about it, begun with [`StoredPhoto::record`].
    pub record: Record,
    /// Its unit feature vector, of the vault's dimension; `None` for a file that cannot be decoded.
    pub vector: Option<Vec<f32>>,
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

/// A copy of the vault that was changed separately.
pub(super) struct OtherLine {
    /// Its newest generation.
    pub(super) newest: Arc<Snapshot>,
    /// Its header, if that is to be the one of the vault.
    pub(super) header: Option<Vec<u8>>,
}

/// For how long a transaction holds the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Commit,
    Run,
}

/// A writer of a vault. Dropped without a commit, it removes what it stored.
pub struct Transaction {
    pub(super) source: Arc<Source>,
    pub(super) freshness: Freshness,
    pub(super) base: Arc<Snapshot>,
    pub(super) changes: Changes,
    /// The contents of `changes.additions`.
    pub(super) added: HashMap<Digest, Id>,
    pub(super) announced: AnnouncedIds,
    pub(super) thumbnails: Mutex<Thumbnails>,
    /// Sources that the next commit adds to the table.
    pub(super) sources: Vec<table::Source>,
    /// Another line, which the next commit continues too.
    pub(super) merged: Option<OtherLine>,
    /// As in [`Committed`].
    pub(super) already_present: Vec<(Id, Id)>,
    pub(super) if_locked: IfLocked,
    pub(super) hold: Hold,
    pub(super) writer: Box<dyn Writer>,
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
        let base = Arc::new(vault.snapshot()?);
        base.mapping().require_writable()?;
        Ok(Self {
            source: Arc::clone(&vault.source),
            freshness: vault.freshness.clone(),
            base,
            changes: Changes::default(),
            added: HashMap::new(),
            announced: AnnouncedIds::default(),
            thumbnails: Mutex::new(Thumbnails::new()?),
            sources: Vec::new(),
            merged: None,
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
    /// [`Error::TooLarge`]; what the system reports.
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
        let id = self.announced.next(&*self.writer, extension)?;
        let listed = storing::store(&self.source.keys, &*self.writer, id, photo, extension)?;
        Ok(StoredPhoto { listed, content, bytes: photo.len() as u64, thumbnail: None })
    }

    /// Encrypts and writes an original of `bytes` bytes as it is read, in little memory.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::Changed`] when `photo` gives another number of bytes; what the system reports.
    pub fn store_stream(&self, photo: &mut dyn Read, bytes: u64, extension: &Extension) -> Result<StoredPhoto, Error> {
        let id = self.announced.next(&*self.writer, extension)?;
        let (listed, content) = storing::store_stream(&self.source.keys, &*self.writer, id, photo, bytes, extension)?;
        Ok(StoredPhoto { listed, content, bytes, thumbnail: None })
    }

    /// Encrypts the thumbnail of a stored original. It is written by the next commit.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn store_thumbnail(&self, photo: &mut StoredPhoto, thumbnail: &[u8]) -> Result<(), Error> {
        photo.thumbnail = Some(self.new_thumbnail(thumbnail)?);
        Ok(())
    }

    /// Encrypts a thumbnail for the next commit, and returns its place.
    pub(super) fn new_thumbnail(&self, thumbnail: &[u8]) -> Result<ThumbnailPlace, Error> {
        let sealed = pack::seal_thumbnail(&self.source.keys, Id::random()?, thumbnail)?;
        let mut thumbnails = self.thumbnails.lock();
        let place = ThumbnailPlace { part: thumbnails.part, number: thumbnails.sealed.len() as u32 };
        thumbnails.sealed.push(sealed);
        Ok(place)
    }

    /// The id of a source of photos, by the path of its root. A new one is added to the vault with the next commit.
    ///
    /// # Errors
    /// [`Error::TooLong`]; when the table of sources is missing or damaged.
    pub fn source_of(&mut self, root: &Path, label: &str) -> Result<Id, Error> {
        let path = root.as_os_str().as_encoded_bytes();
        let known = self.base.sources()?;
        if let Some(known) = known.iter().chain(&self.sources).find(|source| source.root == path) {
            return Ok(known.id);
        }
        let source = table::Source::new(Id::random()?, label.to_owned(), now(), path.to_vec());
        source.check()?;
        let id = source.id;
        self.sources.push(source);
        Ok(id)
    }

    /// Records one more place where an image was found, unless it is known or the record has no room for more.
    ///
    /// # Errors
    /// [`Error::UnknownImage`]; when its records are missing or damaged.
    pub fn add_place(&mut self, id: Id, found: Found) -> Result<(), Error> {
        if let Some(row) = self.changes.additions.iter_mut().find(|row| row.record.id == id) {
            if is_missing(&row.record, &[], &found) {
                row.record.add_found(found);
            }
            return Ok(());
        }
        let record = self.base.image(id)?.record()?;
        let more = self.changes.places.get(&id).map_or(&[][..], Vec::as_slice);
        if is_missing(record, more, &found) {
            self.changes.places.entry(id).or_default().push(found);
        }
        Ok(())
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

    /// Adds an image to the next generation. If the vault has its content, only adds where it was found.
    ///
    /// # Errors
    /// [`Error::TooLong`] for a name; [`Error::Dimension`]; as [`Self::find_content`] and [`Self::add_place`].
    pub fn append(&mut self, image: NewImage) -> Result<Appended, Error> {
        let NewImage { photo: StoredPhoto { listed, content, bytes, thumbnail }, mut record, vector } = image;
        let search = self.source.search()?;
        // A thumbnail of before the last commit was dropped by it.
        let part = self.thumbnails.lock().part;
        let thumbnail = thumbnail.filter(|place| place.part == part);
        (record.id, record.content, record.bytes, record.thumbnail) = (listed.id, content, bytes, thumbnail);
        record.added.get_or_insert_with(now);
        match &vector {
            Some(vector) => {
                let (actual, expected) = (vector.len(), search.holder.parameters().dimension());
                if actual != expected {
                    return Err(Error::Dimension { actual, expected });
                }
                // Zeros would pass as the empty slot of an image without a vector; a commit refuses other lengths.
                if vector.iter().all(|component| *component == 0.0) {
                    let fault = VectorFault::Norm { actual: 0.0 };
                    return Err(ckks::Error::Vector { position: self.changes.additions.len(), fault }.into());
                }
            }
            None => drop(record.without_vector.insert(search.space)),
        }
        record.check()?;
        let present = match self.find_content(&content) {
            // Another writer has committed, and removed what this one was about to read.
            Err(Error::Superseded { .. }) => {
                self.catch_up()?;
                self.find_content(&content)?
            }
            found => found?,
        };
        if let Some(present) = present {
            self.writer.discard(&[listed.object()]);
            // The copy may be of another place.
            record.found().iter().try_for_each(|found| self.add_place(present, found.clone()))?;
            thumbnail.into_iter().for_each(|place| self.thumbnails.get_mut().forget(place));
            return Ok(Appended::AlreadyPresent(present));
        }
        let id = listed.id;
        self.added.insert(content, id);
        let vector = vector.map(|vector| vectors::rounded(&vector));
        self.changes.additions.push(Row { listed, companions: Vec::new(), record, vector });
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

    /// Writes the table of sources anew from the pages that can be read, for repair.
    pub(super) fn renew_sources(&mut self) {
        self.changes.renews_sources = true;
    }

    /// Writes the table of tombstones anew from the pages that can be read, for repair.
    pub(super) fn renew_tombstones(&mut self) {
        self.changes.renews_tombstones = true;
    }

    /// Begins the history anew after the pages that cannot be read, for repair.
    pub(super) fn renew_history(&mut self) {
        self.changes.if_history_is_damaged = IfDamaged::BeginAnew;
    }

    /// Makes all changes so far durable and visible as one new generation, which follows the newest one: if another
    /// writer has committed meanwhile, images whose content is there by now are left out, and images that it has
    /// removed need not be removed again. Holds the lock meanwhile, and gives it back.
    ///
    /// # Errors
    /// [`Error::Locked`]; where locks do nothing [`Error::Overtaken`] when others were faster again and again, and
    /// [`Error::Dispossessed`] when they took this writer's files away. Nothing has changed, unless replacing
    /// `mapping.json` failed in its last step: then the new generation may be visible. Either way the vault is
    /// consistent, and the transaction is over.
    pub fn commit(mut self) -> Result<Committed, Error> {
        self.commit_changes()?;
        let already_present = std::mem::take(&mut self.already_present);
        Ok(Committed { next: self, already_present })
    }

    /// Removes files that interrupted writers left.
    pub(super) fn remove_leftovers(&self) -> Result<(), Error> {
        self.writer.remove_abandoned()
    }

    /// Moves strays out of the way.
    pub(super) fn set_strays_aside(&self) -> Result<(), Error> {
        self.writer.set_strays_aside()
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64)
}
