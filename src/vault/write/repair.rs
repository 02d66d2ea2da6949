//! Repairing a damaged vault from its intact files.
//!
//! | damaged | regenerated from |
//! |---|---|
//! | blocks, hints | the exact vectors |
//! | exact vectors | the photos, by the caller's network |
//! | image list | the catalogue and the photos' files |
//! | catalogue | the image list and the photos; names and dates are lost |
//! | thumbnail | the photo |
//! | list of a group | its copy in the deduplication index |
//! | deduplication index of a group | the catalogues of its segments |
//! | photo | nothing: it stays listed, or is dropped at the caller's request |
//!
//! Strays are moved into `set_aside`, never removed: they may be photos from a damaged or older mapping.
//!
//! Must never: drop an image unless requested, or take a vector from a decrypted block.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::transaction::Transaction;
use crate::durable::IfLocked;
use crate::vault::error::Error;
use crate::vault::format::catalogue::{CatalogueEntry, PhotoMetadata};
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::images::{ListedImage, ListedThumbnail};
use crate::vault::format::layout::{Directory, Object};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::sealed::SealedObject;
use crate::vault::format::segment::Row;
use crate::vault::read::check;
use crate::vault::read::check::Report;
use crate::vault::read::segment::Segment;
use crate::vault::read::source::Source;
use crate::vault::unlocked::Vault;

/// What the program can regenerate from an original. The vault itself never looks at pixels.
pub trait Regenerate: Sync {
    /// The unit feature vector, in the vault's feature space; `None` when the photo cannot be read.
    fn vector(&self, photo: &[u8]) -> Option<Vec<f32>>;
    /// A thumbnail; `None` when there is none.
    fn thumbnail(&self, photo: &[u8]) -> Option<Vec<u8>>;
}

/// What to do with images whose original is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostPhotoPolicy {
    /// They stay listed, so that the file can still be restored from a copy.
    Keep,
    /// They are dropped.
    Drop,
}

/// What a repair did.
#[must_use]
#[derive(Debug)]
pub struct Repaired {
    /// The damage before the repair.
    pub before: Report,
    /// The damage that remains.
    pub after: Report,
    /// Images that were dropped because their original is lost.
    pub dropped: Vec<Id>,
}

/// Checks everything, regenerates what it can, and checks again, all under the writer's lock. `read` receives progress,
/// on any thread.
///
/// # Errors
/// [`Error::Locked`]; as [`check::check`]; what the system reports. Each segment is a commit of its own: after an
/// error, the segments before it are repaired.
pub fn repair(
    vault: &Vault,
    regenerate: &dyn Regenerate,
    lost_photos: LostPhotoPolicy,
    if_locked: IfLocked,
    read: &(dyn Fn(check::Progress) + Sync),
) -> Result<Repaired, Error> {
    let mut transaction = Transaction::begin_locked(vault, if_locked)?;
    let before = check::check(transaction.base(), read)?;
    let mut dropped = Vec::new();
    // The last segment first, because it fills up the others when they lose images.
    let segments: Vec<Id> =
        transaction.base().readable_segments().iter().rev().map(|segment| segment.entry().id).collect();
    for id in segments {
        // A segment rewritten by an earlier step has another id and needs nothing more.
        let now = transaction.base().readable_segments();
        let Some(segment) = now.into_iter().find(|segment| segment.entry().id == id) else { continue };
        if !needs_repair(&before, segment, lost_photos) {
            continue;
        }
        let repair = SegmentRepair { transaction: &transaction, source: &vault.source, regenerate, lost_photos };
        let Some(RepairedSegment { rows, dropped: lost }) = repair.segment(segment)? else { continue };
        transaction.replace_segment(id, rows);
        transaction = transaction.commit()?.next;
        dropped.extend(lost);
    }
    // After the catalogues, from which groups are rebuilt.
    let groups: Vec<Id> = transaction.base().groups().iter().map(|group| group.entry().id).collect();
    for damage in &before.damages {
        match damage.object {
            Object::Group(id, _) if damage.remedy == check::Remedy::Rebuild && groups.contains(&id) => {
                transaction.regroup(id);
            }
            _ => {}
        }
    }
    transaction = transaction.commit()?.next;
    transaction.remove_leftovers()?;
    transaction.set_strays_aside()?;
    let after = check::check(transaction.base(), read)?;
    Ok(Repaired { before, after, dropped })
}

/// Whether this segment has damage that can be repaired.
fn needs_repair(before: &Report, segment: &Segment, lost_photos: LostPhotoPolicy) -> bool {
    let belongs = |damage: &check::Damage| match damage.image {
        Some(id) => segment.images().is_ok_and(|images| images.iter().any(|image| image.id == id)),
        None => matches!(damage.object, Object::Segment(id, _) if id == segment.entry().id),
    };
    let can_be_done =
        |damage: &check::Damage| damage.remedy != check::Remedy::Lost || lost_photos == LostPhotoPolicy::Drop;
    before.damages.iter().any(|damage| can_be_done(damage) && belongs(damage))
}

/// The recovered images of a segment.
struct RepairedSegment {
    rows: Vec<Row>,
    dropped: Vec<Id>,
}

struct SegmentRepair<'a> {
    transaction: &'a Transaction,
    source: &'a Source,
    regenerate: &'a dyn Regenerate,
    lost_photos: LostPhotoPolicy,
}

impl SegmentRepair<'_> {
    /// The recovered images of a segment, and those that are dropped; `None` when the segment must stay as it is,
    /// because rewriting it would lose an image.
    fn segment(&self, segment: &Segment) -> Result<Option<RepairedSegment>, Error> {
        let catalogue = segment.catalogue().ok();
        let listed = match (segment.images(), catalogue) {
            (Ok(images), _) => images.iter().cloned().map(Some).collect(),
            (Err(_), Some(entries)) => self.listed_from_files(entries)?,
            // The affected photos are unknown. Keep their files in case one of the lists is restored.
            (Err(_), None) => return Ok(None),
        };
        let vectors = segment.vectors().ok();
        let (mut rows, mut dropped) = (Vec::new(), Vec::new());
        for (slot, listed) in listed.into_iter().enumerate() {
            let known = catalogue.and_then(|entries| entries.get(slot));
            let Some(listed) = listed else {
                // The list and the file are lost: only the catalogue still lists this image.
                match (self.lost_photos, known) {
                    (LostPhotoPolicy::Drop, Some(known)) => dropped.push(known.id),
                    _ => return Ok(None),
                }
                continue;
            };
            let photo = self.photo(&listed);
            if photo.is_none() && self.lost_photos == LostPhotoPolicy::Drop {
                dropped.push(listed.id);
                continue;
            }
            let vector = match (&vectors, &photo) {
                (Some(vectors), _) => Some(vectors[slot].clone()),
                (None, Some(photo)) => self.regenerate.vector(photo),
                (None, None) => None,
            };
            // An image without a vector cannot be in a segment. Keep the damaged segment rather than lose the image.
            let Some(vector) = vector else { return Ok(None) };
            let entry = self.entry(&listed, known, photo.as_ref().map(|photo| photo.as_slice()));
            let listed = self.with_thumbnail(listed, photo.as_ref().map(|photo| photo.as_slice()))?;
            rows.push(Row { listed, entry, vector });
        }
        Ok(Some(RepairedSegment { rows, dropped }))
    }

    /// The original, if it is intact.
    fn photo(&self, listed: &ListedImage) -> Option<Zeroizing<Vec<u8>>> {
        self.source.open(&SealedObject::Photo(listed.id, listed.extension.clone()), &listed.photo).ok()
    }

    /// The image's catalogue entry, or one with what is still known.
    fn entry(&self, listed: &ListedImage, known: Option<&CatalogueEntry>, photo: Option<&[u8]>) -> CatalogueEntry {
        let content = photo.map(|photo| self.source.keys.content_tag(photo));
        if let Some(known) =
            known.filter(|known| known.id == listed.id && content.is_none_or(|tag| tag == known.content))
        {
            return known.clone();
        }
        CatalogueEntry {
            id: listed.id,
            // A lost photo has no content to compare. The hash of its random id collides with nothing.
            content: content.unwrap_or_else(|| Digest::of(&[&listed.id.0])),
            details: PhotoMetadata {
                name: format!("{}.{}", listed.id, listed.extension.as_str()),
                bytes: photo.map_or(0, |photo| photo.len() as u64),
                modified: None,
                captured: None,
                width: 0,
                height: 0,
            },
        }
    }

    /// `listed` with a thumbnail that opens, if possible.
    fn with_thumbnail(&self, mut listed: ListedImage, photo: Option<&[u8]>) -> Result<ListedImage, Error> {
        let is_whole = |thumbnail: &ListedThumbnail| {
            self.source.open(&SealedObject::Thumbnail(thumbnail.id), &thumbnail.digest).is_ok()
        };
        if !listed.thumbnail.as_ref().is_some_and(is_whole) {
            let remade = photo.and_then(|photo| self.regenerate.thumbnail(photo));
            listed.thumbnail = remade.map(|bytes| self.transaction.new_thumbnail(&bytes)).transpose()?;
        }
        Ok(listed)
    }

    /// An image list rebuilt from a catalogue and the files with its ids; each file is authenticated by its own tag.
    /// `None` for an image whose file is missing or does not open.
    fn listed_from_files(&self, entries: &[CatalogueEntry]) -> Result<Vec<Option<ListedImage>>, Error> {
        let mut extensions = HashMap::new();
        for listed in self.source.backend.list(Directory::Images)? {
            if let Object::Photo(id, extension) = listed.object {
                extensions.insert(id, extension);
            }
        }
        let listed = |entry: &CatalogueEntry| {
            let extension = extensions.get(&entry.id)?.clone();
            let sealed = SealedObject::Photo(entry.id, extension.clone());
            let object = sealed.object();
            let file = self.source.backend.read(&object, largest_bytes(&object)).ok()?;
            let photo = self.source.keys.open(&sealed, &file).ok()?;
            (self.source.keys.content_tag(&photo) == entry.content).then(|| ListedImage {
                id: entry.id,
                extension,
                photo: Digest::of(&[&file]),
                thumbnail: None,
            })
        };
        Ok(entries.iter().map(listed).collect())
    }
}
