//! Writing the next generation: objects as they come, segments and mapping at the commit.
//!
//! Segments are kept so that all but the last are full: a commit writes anew the segments that lose an image, and the last
//! one when it has room for images from elsewhere, and leaves every other file alone. What is written anew is sealed from
//! the exact vectors, under new nonces and new names. Full segments then become groups (see `compaction`). So what a commit
//! of new images reads and writes does not depend on how many there are.
//!
//! Must never: change a file that has its name, remove one that the mapping on disk names, or report a commit before the
//! writer has made it durable.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::compaction::{Members, NextGeneration, PlannedGroup, Ungrouped};
use crate::durable::IfLocked;
use crate::vault::backend::generation;
use crate::vault::backend::writer::{Abandoned, Writer};
use crate::vault::error::Error;
use crate::vault::format::catalogue::{CatalogueEntry, PhotoMetadata};
use crate::vault::format::entries::{SEGMENT_IMAGES, SegmentEntry};
use crate::vault::format::extension::Extension;
use crate::vault::format::group;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::images::{ListedImage, ListedThumbnail};
use crate::vault::format::layout::{Object, Part};
use crate::vault::format::mapping::SignedMapping;
use crate::vault::format::sealed::{LARGEST_PHOTO_BYTES, SealedObject};
use crate::vault::format::segment;
use crate::vault::format::segment::{EncodedSegment, Row};
use crate::vault::freshness::Freshness;
use crate::vault::read::group::Group;
use crate::vault::read::segment::Segment;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;
use crate::vault::unlocked::Vault;

/// A sealed photo that waits to be appended. Dropped without that, it is removed with the transaction.
pub struct StoredPhoto {
    listed: ListedImage,
    content: Digest,
    bytes: u64,
    /// The id that its thumbnail will have.
    thumbnail: Id,
}

impl StoredPhoto {
    /// Its random id.
    pub fn id(&self) -> Id {
        self.listed.id
    }
}

/// A photo with all that a vault keeps about it.
pub struct NewImage {
    /// The stored original.
    pub photo: StoredPhoto,
    /// What a listing shows; `bytes` is set from the original.
    pub details: PhotoMetadata,
    /// Its unit feature vector.
    pub vector: Vec<f32>,
}

/// What became of an image that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It will be in the next generation.
    New(Id),
    /// The vault has the same content under this id already; the stored copy was removed.
    AlreadyPresent(Id),
}

/// The one writer of a vault. Dropped without a commit, it removes what it stored.
pub struct Transaction {
    source: Arc<Source>,
    freshness: Freshness,
    base: Snapshot,
    additions: Vec<Row>,
    added: HashMap<Digest, Id>,
    removals: HashSet<Id>,
    replaced: HashMap<Id, Vec<Row>>,
    regrouped: HashSet<Id>,
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
            base: vault.snapshot()?,
            additions: Vec::new(),
            added: HashMap::new(),
            removals: HashSet::new(),
            replaced: HashMap::new(),
            regrouped: HashSet::new(),
            writer,
        };
        // Whether it is there is all that is asked; its content is for whoever holds the files.
        match vault.backend().read(&Object::Writing, 0) {
            Err(Error::Missing { .. }) => {}
            _ => transaction.remove_leftovers()?,
        }
        Ok(transaction)
    }

    /// The generation that the next commit follows.
    pub fn base(&self) -> &Snapshot {
        &self.base
    }

    /// Images appended since the last commit.
    pub fn pending(&self) -> usize {
        self.additions.len()
    }

    /// Seals and writes an original, from any thread. Nothing is kept in memory.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`LARGEST_PHOTO_BYTES`]; what the system says.
    pub fn store_photo(&self, photo: &[u8], extension: &Extension) -> Result<StoredPhoto, Error> {
        self.store_photo_with_tag(photo, self.source.keys.content_tag(photo), extension)
    }

    /// The same for a caller that has computed [`Vault::content_tag`] of the photo already.
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

    /// Seals and writes the thumbnail of a stored original.
    ///
    /// # Errors
    /// As [`Self::store_photo`].
    pub fn store_thumbnail(&self, photo: &mut StoredPhoto, thumbnail: &[u8]) -> Result<(), Error> {
        photo.listed.thumbnail = Some(self.write_thumbnail(photo.thumbnail, thumbnail)?);
        Ok(())
    }

    /// Writes a thumbnail under an id of its own.
    pub(super) fn new_thumbnail(&self, thumbnail: &[u8]) -> Result<ListedThumbnail, Error> {
        self.write_thumbnail(Id::random()?, thumbnail)
    }

    fn write_thumbnail(&self, id: Id, thumbnail: &[u8]) -> Result<ListedThumbnail, Error> {
        Ok(ListedThumbnail { id, digest: self.store_object(&SealedObject::Thumbnail(id), thumbnail)? })
    }

    /// The image that has this content, committed or appended.
    ///
    /// # Errors
    /// As [`Snapshot::find_content`].
    pub fn find_content(&self, content: &Digest) -> Result<Option<Id>, Error> {
        if let Some(id) = self.added.get(content) {
            return Ok(Some(*id));
        }
        Ok(self.base.find_content(content)?.filter(|id| !self.removals.contains(id)))
    }

    /// Adds an image to the next generation, unless the vault has its content.
    ///
    /// # Errors
    /// [`Error::TooLong`] for a name; as [`Self::find_content`].
    pub fn append(&mut self, image: NewImage) -> Result<Appended, Error> {
        let NewImage { photo: StoredPhoto { listed, content, bytes, .. }, details, vector } = image;
        details.check()?;
        let present = self.find_content(&content).map_err(|error| self.overtaken_or(error))?;
        if let Some(present) = present {
            self.writer.discard(&listed.objects().collect::<Vec<_>>());
            return Ok(Appended::AlreadyPresent(present));
        }
        let id = listed.id;
        self.added.insert(content, id);
        let entry = CatalogueEntry { id, content, details: PhotoMetadata { bytes, ..details } };
        self.additions.push(Row { listed, entry, vector });
        Ok(Appended::New(id))
    }

    /// Leaves an image out of the next generation. Its files are removed after the commit.
    ///
    /// # Errors
    /// [`Error::UnknownImage`].
    pub fn remove(&mut self, id: Id) -> Result<(), Error> {
        if self.removals.contains(&id) {
            return Ok(());
        }
        self.base.image(id)?;
        self.removals.insert(id);
        Ok(())
    }

    /// Replaces the images of a segment, for repair.
    pub(super) fn replace_segment(&mut self, segment: Id, rows: Vec<Row>) {
        self.replaced.insert(segment, rows);
    }

    /// Makes the files of a group anew, for repair.
    pub(super) fn regroup(&mut self, group: Id) {
        self.regrouped.insert(group);
    }

    /// Makes everything so far durable and visible as one new generation, and goes on from it under the same lock.
    ///
    /// # Errors
    /// Nothing has changed, unless replacing `mapping.json` itself failed in its last step: then the new generation may be
    /// visible. Either way the vault is whole, and the transaction is over.
    pub fn commit(mut self) -> Result<Self, Error> {
        if self.additions.is_empty() && !self.changes_what_is_there() {
            return Ok(self);
        }
        let (next, mut obsolete) = self.write_segments().map_err(|error| self.overtaken_or(error))?;
        let (groups, segments) = next.write(&self.source.keys, &*self.writer)?;
        let next = self.base.mapping().next(self.base.signed.tag, groups, segments);
        let next = SignedMapping::sign(next, &self.source.keys);
        self.writer.announce(&obsolete)?;
        self.writer.commit(&next)?;
        obsolete.push(Object::Writing);
        self.writer.discard(&obsolete);
        self.freshness.remember(&next)?;
        self.base = Snapshot::new(&self.source, next, Some(&self.base));
        self.added.clear();
        self.removals.clear();
        self.regrouped.clear();
        Ok(self)
    }

    /// [`Error::Overtaken`] when another writer replaced the base, whatever went wrong because of that; else `error`.
    fn overtaken_or(&self, error: Error) -> Error {
        match self.source.backend.mapping() {
            Ok(found) if found.tag != self.base.signed.tag => Error::Overtaken,
            _ => error,
        }
    }

    fn changes_what_is_there(&self) -> bool {
        !(self.removals.is_empty() && self.replaced.is_empty() && self.regrouped.is_empty())
    }

    /// Removes files that an interrupted writer left.
    pub(super) fn remove_leftovers(&self) -> Result<(), Error> {
        let abandoned = self.source.backend.leftovers(&self.base.signed)?.abandoned;
        if !abandoned.is_empty() {
            self.writer.discard(&abandoned);
        }
        Ok(())
    }

    /// Moves files that nothing names out of the way.
    pub(super) fn set_strays_aside(&self) -> Result<(), Error> {
        self.writer.set_strays_aside()
    }

    /// The segments of the next generation, written but not durable, their groups to be written, and the files that are
    /// obsolete with it.
    fn write_segments(&mut self) -> Result<(NextGeneration, Vec<Object>), Error> {
        let (mut next, mut written, mut obsolete) = (NextGeneration::default(), Vec::new(), Vec::new());
        let mut rows: Vec<Row> = Vec::new();
        for group in self.base.groups().to_vec() {
            let touched = self.touched(&group);
            if touched.is_empty() && !self.regrouped.contains(&group.entry().id) {
                next.groups.push(PlannedGroup::Kept(group));
                continue;
            }
            let segments = group.segments()?;
            for &at in &touched {
                self.take_rows(&segments[at], &mut rows, &mut obsolete)?;
                self.write_full(&mut rows, &mut written)?;
            }
            match Members::of_group(&group, &touched) {
                Ok(Some(members)) => next.groups.push(PlannedGroup::New(members)),
                // Too few for a group, or their tags are damaged and come from the catalogues again.
                Ok(None) | Err(_) => {
                    let stay = (0..).zip(segments).filter(|(at, _)| !touched.contains(at));
                    next.ungrouped.extend(stay.map(|(_, segment)| Ungrouped::Kept(Arc::clone(segment))));
                }
            }
            obsolete.extend(group::files(group.entry().id));
        }
        let mut kept_last = None;
        for segment in self.base.ungrouped().to_vec() {
            let has_room = segment.len() < SEGMENT_IMAGES;
            let fills_up = has_room && !(rows.is_empty() && self.additions.is_empty());
            if fills_up || self.touches(&segment) {
                self.take_rows(&segment, &mut rows, &mut obsolete)?;
                self.write_full(&mut rows, &mut written)?;
            } else if has_room {
                // The one with room stays the last.
                kept_last = Some(Ungrouped::Kept(segment));
            } else {
                next.ungrouped.push(Ungrouped::Kept(segment));
            }
        }
        rows.append(&mut self.additions);
        self.write_full(&mut rows, &mut written)?;
        if !rows.is_empty() {
            written.push(self.write_segment(&rows)?);
        }
        next.ungrouped.append(&mut written);
        next.ungrouped.extend(kept_last);
        next.compact(&mut obsolete);
        Ok((next, obsolete))
    }

    /// Which segments of a group are written anew.
    fn touched(&self, group: &Group) -> Vec<usize> {
        if self.removals.is_empty() && self.replaced.is_empty() {
            return Vec::new();
        }
        // A list that cannot be read names nothing that was found to be removed.
        let segments = group.segments().unwrap_or_default().iter().enumerate();
        segments.filter(|(_, segment)| self.touches(segment)).map(|(at, _)| at).collect()
    }

    /// Whether a segment loses an image or is replaced.
    fn touches(&self, segment: &Segment) -> bool {
        let is_removed = |image: &ListedImage| self.removals.contains(&image.id);
        self.replaced.contains_key(&segment.entry().id)
            // As above.
            || (!self.removals.is_empty() && segment.images().is_ok_and(|images| images.iter().any(is_removed)))
    }

    /// Moves what stays of a segment to `rows`.
    fn take_rows(&mut self, segment: &Segment, rows: &mut Vec<Row>, obsolete: &mut Vec<Object>) -> Result<(), Error> {
        let entry = segment.entry();
        let current = match self.replaced.remove(&entry.id) {
            Some(rows) => {
                obsolete.extend(dropped_objects(segment, &rows));
                rows
            }
            None => rows_of(&self.source, entry)?,
        };
        for row in current {
            if self.removals.contains(&row.listed.id) {
                obsolete.extend(row.listed.objects());
            } else {
                rows.push(row);
            }
        }
        obsolete.extend(segment::files(entry.id));
        Ok(())
    }

    /// Writes full segments off the front of `rows` until fewer images than that are left.
    fn write_full(&self, rows: &mut Vec<Row>, written: &mut Vec<Ungrouped>) -> Result<(), Error> {
        while rows.len() >= SEGMENT_IMAGES {
            let rest = rows.split_off(SEGMENT_IMAGES);
            written.push(self.write_segment(rows)?);
            *rows = rest;
        }
        Ok(())
    }

    fn write_segment(&self, rows: &[Row]) -> Result<Ungrouped, Error> {
        let id = Id::random()?;
        self.writer.announce(&segment::files(id))?;
        let segment = EncodedSegment::new(&self.source.keys, &self.source.holder, id, rows)?;
        for part in Part::ALL {
            self.writer.stage(&Object::Segment(id, part), &segment.pieces(part))?;
        }
        Ok(Ungrouped::Written(segment.entry(), rows.iter().map(|row| (row.entry.content, row.entry.id)).collect()))
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

/// What a segment named and `rows`, which take its place, do not: files of images that were dropped, and thumbnails that
/// were made anew. Nothing when its list cannot be read.
fn dropped_objects(segment: &Segment, rows: &[Row]) -> Vec<Object> {
    let kept: HashSet<Object> = rows.iter().flat_map(|row| row.listed.objects()).collect();
    let named = segment.images().unwrap_or_default().iter().flat_map(ListedImage::objects);
    named.filter(|object| !kept.contains(object)).collect()
}

/// All rows of a segment, for writing them anew.
fn rows_of(source: &Source, entry: &SegmentEntry) -> Result<Vec<Row>, Error> {
    let (list, entries) = (generation::read_images(&*source.backend, entry)?, source.catalogue(entry)?);
    if list.iter().zip(&entries).any(|(listed, entry)| listed.id != entry.id) {
        let object = Object::Segment(entry.id, Part::Catalogue);
        return Err(Error::Damaged { object, what: "it does not belong to its image list" });
    }
    let rows = list.into_iter().zip(entries).zip(source.vectors(entry)?);
    Ok(rows.map(|((listed, entry), vector)| Row { listed, entry, vector }).collect())
}
