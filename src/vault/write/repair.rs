//! Repairing a damaged vault from its intact files.
//!
//! | damaged | regenerated from |
//! |---|---|
//! | blocks, hints | the exact vectors |
//! | exact vectors | the photos, by the caller's network |
//! | check vectors | the blocks |
//! | image list | the records and the photos' files |
//! | records | the image list and the photos; names and dates are lost |
//! | thumbnail | the photo |
//! | list of a group | its copy, and the copy from the list |
//! | deduplication index of a group | the records of its segments |
//! | photo | nothing: it stays listed, or is dropped at the caller's request |
//!
//! A read that fails once proves nothing: a network disk or one with a loose cable may deliver the file the next time.
//! So what cannot be regenerated is given up only if two separate reads, usually those of the check and of the repair,
//! find it missing or damaged. An error that the system reports is never such a finding.
//!
//! Strays are moved into `set_aside`, never removed: they may be photos from a damaged or older mapping.
//!
//! Must never: drop an image unless requested, or one whose file may be whole; take a vector from a decrypted block.

use std::collections::HashMap;

use super::transaction::Transaction;
use crate::durable::IfLocked;
use crate::vault::backend::Listed;
use crate::vault::error::Error;
use crate::vault::format::extension::Extension;
use crate::vault::format::hex::{Digest, Hex, Id};
use crate::vault::format::layout::{Directory, GroupPart, Object, Part};
use crate::vault::format::list::ListedImage;
use crate::vault::format::record::{Found, Record, ThumbnailPlace};
use crate::vault::format::segment::Row;
use crate::vault::format::vectors;
use crate::vault::read::check;
use crate::vault::read::check::Report;
use crate::vault::read::image::Image;
use crate::vault::read::original;
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
/// [`Error::Locked`]; [`Error::Newer`]; as [`check::check`]; what the system reports. Each segment is a commit of its
/// own: after an error, the segments before it are repaired.
pub fn repair(
    vault: &Vault,
    regenerate: &dyn Regenerate,
    lost_photos: LostPhotoPolicy,
    if_locked: IfLocked,
    read: &(dyn Fn(check::Progress) + Sync),
) -> Result<Repaired, Error> {
    let mut transaction = Transaction::begin_locked(vault, if_locked)?;
    let before = check::check(transaction.base(), check::Originals::Read, read)?;
    // Not damage: a repair would throw away what it does not understand.
    if let Some(what) = before.damages.iter().find_map(of_newer_version) {
        return Err(Error::Newer { what });
    }
    // First of all, because every commit continues these tables.
    if before.damages.iter().any(|damage| damage.remedy == check::Remedy::Forget) {
        transaction.renew_history();
    }
    if before.damages.iter().any(|damage| damage.remedy == check::Remedy::ForgetRemovals) {
        transaction.renew_tombstones();
    }
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
        let repair = SegmentRepair {
            transaction: &transaction,
            source: &vault.source,
            regenerate,
            lost_photos,
            before: &before,
        };
        let Some(RepairedSegment { rows, dropped: lost }) = repair.segment(segment)? else { continue };
        transaction.replace_segment(id, rows);
        transaction = transaction.commit()?.next;
        dropped.extend(lost);
    }
    // After the records, from which groups are rebuilt.
    let groups: Vec<Id> = transaction.base().groups().iter().map(|group| group.entry().id).collect();
    for group in groups {
        if needs_regrouping(&before, &transaction, group) {
            transaction.regroup(group);
        }
    }
    if before.damages.iter().any(|damage| damage.remedy == check::Remedy::Omit) {
        transaction.renew_sources();
    }
    transaction = transaction.commit()?.next;
    transaction.remove_leftovers()?;
    transaction.set_strays_aside()?;
    let after = check::check(transaction.base(), check::Originals::Read, read)?;
    Ok(Repaired { before, after, dropped })
}

/// What in a file only a newer version of the program understands.
fn of_newer_version(damage: &check::Damage) -> Option<&'static str> {
    match damage.cause {
        Error::Newer { what } => Some(what),
        _ => None,
    }
}

/// Whether a file of this group is damaged and can be rebuilt.
fn needs_regrouping(before: &Report, transaction: &Transaction, group: Id) -> bool {
    let groups = transaction.base().groups();
    let Some(group) = groups.iter().find(|known| known.entry().id == group) else { return false };
    let files = GroupPart::ALL.into_iter().filter_map(|part| group.expected(part).ok()).chain(group.checks_file().ok());
    let objects: Vec<Object> = files.map(|file| file.object).collect();
    let is_this = |damage: &check::Damage| damage.remedy == check::Remedy::Rebuild && objects.contains(&damage.object);
    before.damages.iter().any(is_this)
}

/// Whether this segment has damage that can be repaired.
fn needs_repair(before: &Report, segment: &Segment, lost_photos: LostPhotoPolicy) -> bool {
    let belongs = |damage: &check::Damage| match damage.image {
        Some(id) => segment.images().is_ok_and(|images| images.iter().any(|image| image.id == id)),
        None => {
            let of_part = |part: Part| segment.expected(part).is_ok_and(|file| file.object == damage.object);
            Part::ALL.into_iter().any(of_part) || shows_from(segment, &damage.object)
        }
    };
    let can_be_done = |damage: &check::Damage| match damage.remedy {
        check::Remedy::Lost => lost_photos == LostPhotoPolicy::Drop,
        check::Remedy::ReadAgain => false,
        _ => true,
    };
    before.damages.iter().any(|damage| can_be_done(damage) && belongs(damage))
}

/// Whether a thumbnail of the segment may be in this damaged pack: it then moves to another one.
fn shows_from(segment: &Segment, damaged: &Object) -> bool {
    let has_any = || segment.records().is_ok_and(|records| records.iter().any(|record| record.thumbnail.is_some()));
    matches!(damaged, Object::Pack(..)) && has_any()
}

/// The recovered images of a segment.
struct RepairedSegment {
    rows: Vec<Row>,
    dropped: Vec<Id>,
}

/// An entry of an image list that is rebuilt.
enum Relisted {
    Found(ListedImage),
    /// Its file is missing or damaged.
    Lost,
    /// Its file could not be read.
    Doubtful,
}

struct SegmentRepair<'a> {
    transaction: &'a Transaction,
    source: &'a Source,
    regenerate: &'a dyn Regenerate,
    lost_photos: LostPhotoPolicy,
    before: &'a Report,
}

impl SegmentRepair<'_> {
    /// The recovered images of a segment, and those that are dropped; `None` when the segment must stay as it is,
    /// because rewriting it would lose an image, or names that may be whole.
    fn segment(&self, segment: &Segment) -> Result<Option<RepairedSegment>, Error> {
        let records = match segment.records() {
            Ok(records) => Some(records),
            Err(error) if error.is_proof_of_damage() && self.has_lost_records(segment) => None,
            Err(_) => return Ok(None),
        };
        let listed = match (segment.images(), records) {
            (Ok(images), _) => images.iter().cloned().map(Relisted::Found).collect(),
            (Err(_), Some(records)) => self.listed_from_files(records)?,
            // The affected photos are unknown. Keep their files in case one of the lists is restored.
            (Err(_), None) => return Ok(None),
        };
        let companions = segment.companions().unwrap_or_default();
        let vectors = segment.vectors().ok();
        let (mut rows, mut dropped) = (Vec::new(), Vec::new());
        for (slot, listed) in listed.into_iter().enumerate() {
            let known = records.and_then(|records| records.get(slot));
            let listed = match (listed, self.lost_photos, known) {
                (Relisted::Found(listed), ..) => listed,
                // The list and the file are lost: only the records still list this image.
                (Relisted::Lost, LostPhotoPolicy::Drop, Some(known)) => {
                    dropped.push(known.id);
                    continue;
                }
                _ => return Ok(None),
            };
            let photo = match original::read_whole(self.source, &listed) {
                Ok(photo) => Some(photo),
                Err(_) if self.drops(segment, slot, listed.id) => {
                    dropped.push(listed.id);
                    continue;
                }
                // A record without its content would say that it is another photo.
                Err(error) if known.is_none() && !(error.is_proof_of_damage() && self.was_lost(listed.id)) => {
                    return Ok(None);
                }
                Err(_) => None,
            };
            let photo = photo.as_ref().map(|photo| photo.as_slice());
            let space = self.source.search()?.space;
            let has_none = known.is_some_and(|known| known.without_vector.contains(&space));
            let vector = match (&vectors, photo) {
                (Some(vectors), _) => vectors[slot].clone(),
                (None, _) if has_none => None,
                (None, Some(photo)) => self.regenerate.vector(photo).map(|vector| vectors::rounded(&vector)),
                // Without its photo the vector is lost for good. Keep the damaged segment rather than lose more.
                (None, None) => return Ok(None),
            };
            let mut record = self.record(&listed, known, photo);
            record.thumbnail = self.thumbnail(record.thumbnail, photo)?;
            if vector.is_none() {
                record.without_vector.insert(space);
            }
            let belongs = |one: &&ListedImage| record.companions.iter().any(|known| known.id == one.id);
            let companions = companions.iter().filter(belongs).cloned().collect();
            rows.push(Row { listed, companions, record, vector });
        }
        Ok(Some(RepairedSegment { rows, dropped }))
    }

    /// Whether the check found that this image's original is missing or damaged.
    fn was_lost(&self, id: Id) -> bool {
        let is_this = |damage: &check::Damage| damage.image == Some(id) && damage.remedy == check::Remedy::Lost;
        self.before.damages.iter().any(is_this)
    }

    /// Whether the check found that the records of this segment are missing or damaged.
    fn has_lost_records(&self, segment: &Segment) -> bool {
        let object = segment.expected(Part::Records).map(|file| file.object).ok();
        let is_this =
            |damage: &check::Damage| Some(&damage.object) == object.as_ref() && damage.remedy == check::Remedy::Rename;
        self.before.damages.iter().any(is_this)
    }

    /// Whether an image is to be dropped: its original was missing or damaged, and still is. Reads it in pieces: it may
    /// be too large for memory.
    fn drops(&self, segment: &Segment, slot: usize, id: Id) -> bool {
        if self.lost_photos == LostPhotoPolicy::Keep || !self.was_lost(id) {
            return false;
        }
        let verify = |image: Image<'_>| original::verify(self.source, image.listed(), image.file_bytes()?, &mut |_| {});
        let verified = Image::of(self.transaction.base().packs(), segment, slot).and_then(verify);
        verified.is_err_and(|error| error.is_proof_of_damage())
    }

    /// The image's record, or one with what is still known.
    fn record(&self, listed: &ListedImage, known: Option<&Record>, photo: Option<&[u8]>) -> Record {
        let content = photo.map(|photo| self.source.keys.content_tag(photo));
        if let Some(known) =
            known.filter(|known| known.id == listed.id && content.is_none_or(|tag| tag == known.content))
        {
            return known.clone();
        }
        let path = format!("{}.{}", listed.id, listed.extension.as_str()).into_bytes();
        let found = Found { source: Hex([0; 16]), path, modified: None };
        // A lost photo has no content to compare. The hash of its random id collides with nothing.
        let content = content.unwrap_or_else(|| Digest::of(&[&listed.id.0]));
        Record::new(listed.id, content, photo.map_or(0, |photo| photo.len() as u64), found)
    }

    /// The place of a thumbnail that opens: its own in an intact pack, otherwise a new one, and made anew if need be
    /// and possible. A damaged pack that no record refers to any more is removed.
    fn thumbnail(&self, place: Option<ThumbnailPlace>, photo: Option<&[u8]>) -> Result<Option<ThumbnailPlace>, Error> {
        let packs = self.transaction.base().packs();
        let mut kept = None;
        if let Some(place) = place {
            match packs.thumbnail(&place) {
                Ok(thumbnail) => {
                    let is_damaged =
                        |object: &Object| self.before.damages.iter().any(|damage| damage.object == *object);
                    let moves = packs.place(place.part).is_some_and(|part| is_damaged(&part.object));
                    return if moves { self.transaction.new_thumbnail(&thumbnail).map(Some) } else { Ok(Some(place)) };
                }
                // It may be whole, and all that is left of a lost photo.
                Err(error) if !error.is_proof_of_damage() => kept = Some(place),
                Err(_) => {}
            }
        }
        let remade = photo.and_then(|photo| self.regenerate.thumbnail(photo));
        remade.map_or(Ok(kept), |bytes| self.transaction.new_thumbnail(&bytes).map(Some))
    }

    /// An image list rebuilt from records and the files with their ids; each file is authenticated by its own tag.
    /// The check did not know these files, so those that seem lost are looked for and read twice.
    fn listed_from_files(&self, records: &[Record]) -> Result<Vec<Relisted>, Error> {
        let originals = self.originals()?;
        let mut relisted: Vec<_> = records.iter().map(|record| self.relisted(record, &originals)).collect();
        if relisted.iter().any(|seen| matches!(seen, Relisted::Lost)) {
            let originals = self.originals()?;
            for (seen, record) in relisted.iter_mut().zip(records) {
                if matches!(seen, Relisted::Lost) {
                    *seen = self.relisted(record, &originals);
                }
            }
        }
        Ok(relisted)
    }

    /// The extension and the size of each file among the originals.
    fn originals(&self) -> Result<HashMap<Id, (Extension, u64)>, Error> {
        let files = self.source.backend.list(Directory::Images)?;
        let original = |file: Listed| match file.object {
            Object::Photo(id, extension) => Some((id, (extension, file.bytes))),
            _ => None,
        };
        Ok(files.into_iter().filter_map(original).collect())
    }

    fn relisted(&self, record: &Record, originals: &HashMap<Id, (Extension, u64)>) -> Relisted {
        let Some((extension, bytes)) = originals.get(&record.id).copied() else { return Relisted::Lost };
        // It is there. Without a digest it cannot be read.
        let digests = self.source.backend.digests(&[Object::Photo(record.id, extension)]);
        let Ok([Some(digest)]) = digests.as_deref() else { return Relisted::Doubtful };
        let listed = ListedImage { id: record.id, extension, photo: *digest };
        let mut content = self.source.keys.content_tag_in_pieces();
        match original::verify(self.source, &listed, bytes, &mut |piece| content.update(piece)) {
            Ok(()) if content.finish() == record.content => Relisted::Found(listed),
            Err(error) if !error.is_proof_of_damage() => Relisted::Doubtful,
            _ => Relisted::Lost,
        }
    }
}
