//! Merging two copies of a vault that were changed separately: the union of their photos by content, as one generation
//! that continues both.
//!
//! Photos that only the other copy has are taken over with the ids, originals and exact vectors that they have there,
//! in commits of their own. The last commit names both copies as its parents, so an interrupted merge leaves a vault
//! that has some photos more, and the next one goes on. Blocks are encrypted anew, as always.
//!
//! A photo that one copy has removed since, and that the other one still has, is a disagreement: the owner decides.
//!
//! Must never: lose a photo that either copy has, unless the owner decided so.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::rewriting::rows_of;
use super::transaction::Transaction;
use crate::durable::IfLocked;
use crate::vault::backend::Backend;
use crate::vault::backend::copying::{FileToCopy, copy_files};
use crate::vault::error::Error;
use crate::vault::format::chunks;
use crate::vault::format::entries::SEGMENT_IMAGES;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::Object;
use crate::vault::format::list::ListedImage;
use crate::vault::format::record::Record;
use crate::vault::format::sealed;
use crate::vault::format::sealed::{Kind, LARGEST_PHOTO_BYTES};
use crate::vault::format::segment::Row;
use crate::vault::format::tombstone::Tombstone;
use crate::vault::read::segment::Segment;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::unlocked::Vault;

/// One of two copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The copy that is being changed.
    Ours,
    /// The other one.
    Theirs,
}

/// A photo that one copy has and the other one has removed.
#[derive(Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Its file name, as the system had it.
    pub name: Vec<u8>,
    /// When it was removed, seconds since 1970.
    pub removed: i64,
    /// Where it was removed.
    pub removed_in: Side,
    content: Digest,
    /// Its id in our copy, if it was removed in the other one.
    id: Option<Id>,
}

/// How disagreements are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// As our copy has it.
    Ours,
    /// As the other copy has it.
    Theirs,
    /// All photos stay.
    KeepAll,
}

/// What a merge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Merged {
    /// The generation that continues both copies.
    pub generation: u64,
    /// Photos taken over from the other copy.
    pub taken: usize,
    /// Photos removed because the other copy had removed them.
    pub removed: usize,
}

/// Two copies that were compared.
pub struct Merge<'a> {
    vault: &'a Vault,
    ours: Arc<Snapshot>,
    theirs: Arc<Snapshot>,
    /// The contents that only the other copy has, and that our copy never removed or the other one added again.
    only_theirs: HashSet<Digest>,
    disagreements: Vec<Disagreement>,
}

impl<'a> Merge<'a> {
    /// Compares the vault with the other copy. Reads lists and records of segments that differ.
    ///
    /// # Errors
    /// [`Error::Newer`] when one of them has what this version cannot merge; what is missing or damaged in either.
    pub fn of(vault: &'a Vault, theirs: Snapshot) -> Result<Self, Error> {
        let (ours, theirs) = (Arc::new(vault.snapshot()?), Arc::new(theirs));
        ours.mapping().require_writable()?;
        theirs.mapping().require_writable()?;
        if ours.mapping().spaces != theirs.mapping().spaces {
            return Err(Error::Newer { what: "vectors of another network than the other copy" });
        }
        let mut merge = Self { vault, ours, theirs, only_theirs: HashSet::new(), disagreements: Vec::new() };
        merge.compare()?;
        Ok(merge)
    }

    fn compare(&mut self) -> Result<(), Error> {
        let (removed_here, removed_there) = (self.ours.tombstones()?, self.theirs.tombstones()?);
        // Removals that the other copy knows of are settled: a photo that is there all the same was added again.
        let (only_here, only_there) =
            (unknown_to(removed_here, removed_there), unknown_to(removed_there, removed_here));
        let (mut disagreements, mut only_theirs) = (Vec::new(), HashSet::new());
        for segment in self.different_segments()? {
            for Record { content, .. } in segment.read_records()? {
                if self.ours.find_content(&content)?.is_some() {
                    continue;
                }
                match only_here.get(&content) {
                    Some(tombstone) => disagreements.push(disagreement(tombstone, Side::Ours, None)),
                    None => _ = only_theirs.insert(content),
                }
            }
        }
        for (content, tombstone) in &only_there {
            if let Some(id) = self.ours.find_content(content)?
                && self.theirs.find_content(content)?.is_none()
            {
                disagreements.push(disagreement(tombstone, Side::Theirs, Some(id)));
            }
        }
        disagreements.sort_by(|one, other| (&one.name, one.content).cmp(&(&other.name, other.content)));
        (self.disagreements, self.only_theirs) = (disagreements, only_theirs);
        Ok(())
    }

    /// The segments of the other copy that ours does not have.
    fn different_segments(&self) -> Result<Vec<&Segment>, Error> {
        let key = |segment: &Segment| (segment.entry().id, segment.entry().list, segment.entry().records);
        let shared: HashSet<(Id, Digest, Digest)> = self.ours.segments()?.map(key).collect();
        Ok(self.theirs.segments()?.filter(|segment| !shared.contains(&key(segment))).collect())
    }

    /// What has to be decided, in the order of the names.
    #[must_use]
    pub fn disagreements(&self) -> &[Disagreement] {
        &self.disagreements
    }

    /// How many photos only the other copy has, not counting those that were removed from ours.
    #[must_use]
    pub fn only_theirs(&self) -> usize {
        self.only_theirs.len()
    }

    /// Makes our copy the union of both, as one generation that continues both, and holds the lock meanwhile. `taken`
    /// receives how many photos were taken over so far.
    ///
    /// # Errors
    /// [`Error::Superseded`] when either copy has changed since they were compared: compare them again;
    /// [`Error::Locked`]; a file that is missing or damaged in the other copy; what the system reports. What was
    /// committed before stays.
    pub fn run(self, settle: Settle, if_locked: IfLocked, taken: &dyn Fn(usize)) -> Result<Merged, Error> {
        let merged = self.run_locked(settle, if_locked, taken);
        merged.map_err(|error| match self.theirs.source().backend.mapping() {
            // A commit over there removes files that it makes obsolete.
            Ok(now) if now.tag != self.theirs.signed.tag => {
                Error::Superseded { generation: self.theirs.mapping().generation }
            }
            _ => error,
        })
    }

    fn run_locked(&self, settle: Settle, if_locked: IfLocked, taken: &dyn Fn(usize)) -> Result<Merged, Error> {
        let mut wanted = self.only_theirs.clone();
        let mut transaction = Transaction::begin_locked(self.vault, if_locked)?;
        if transaction.base().signed.tag != self.ours.signed.tag {
            return Err(Error::Superseded { generation: self.ours.mapping().generation });
        }
        // An interrupted merge has left files with the names of those that are copied now.
        transaction.remove_leftovers()?;
        transaction.adopt_sources(self.theirs.sources()?)?;
        let mut removed = 0;
        for disagreement in &self.disagreements {
            match (disagreement.removed_in, settle) {
                (Side::Ours, Settle::Theirs | Settle::KeepAll) => _ = wanted.insert(disagreement.content),
                (Side::Theirs, Settle::Theirs) => {
                    if let Some(id) = disagreement.id {
                        transaction.remove(id)?;
                        removed += 1;
                    }
                }
                _ => {}
            }
        }
        let mut count = 0;
        for segment in self.different_segments()? {
            let records = segment.read_records()?;
            for record in records.iter().filter(|record| !wanted.contains(&record.content)) {
                add_places(&mut transaction, record)?;
            }
            if !records.iter().any(|record| wanted.contains(&record.content)) {
                continue;
            }
            let rows = rows_of(self.theirs.source(), segment)?;
            let rows: Vec<Row> = rows.into_iter().filter(|row| wanted.remove(&row.record.content)).collect();
            for row in &rows {
                require_free(&transaction, row)?;
            }
            self.copy(&transaction, &rows)?;
            for mut row in rows {
                if let Some(place) = row.record.thumbnail.take() {
                    let thumbnail = self.theirs.packs().thumbnail(&place)?;
                    row.record.thumbnail = Some(transaction.new_thumbnail(&thumbnail)?);
                }
                transaction.take_over(row);
                count += 1;
            }
            taken(count);
            if transaction.pending() >= SEGMENT_IMAGES {
                transaction = transaction.commit()?.next;
            }
        }
        transaction.continue_too(Arc::clone(&self.theirs));
        let committed = transaction.commit()?.next;
        Ok(Merged { generation: committed.base().mapping().generation, taken: count, removed })
    }

    /// Copies the files of these images. What a writer left here before where locks do nothing is used if it is whole.
    fn copy(&self, transaction: &Transaction, rows: &[Row]) -> Result<(), Error> {
        let (from, writer) = (&*self.theirs.source().backend, transaction.writer());
        let mut files = files_of(from, rows)?;
        let objects: Vec<Object> = files.iter().map(|file| file.file.object.clone()).collect();
        writer.announce(&objects)?;
        let found = self.vault.backend().digests(&objects)?;
        let (mut whole, mut torn) = (Vec::new(), Vec::new());
        for (file, found) in files.iter().zip(found) {
            match found {
                Some(digest) if digest == file.file.digest => whole.push(file.file.object.clone()),
                Some(_) => torn.push(file.file.object.clone()),
                None => {}
            }
        }
        if !whole.is_empty() {
            writer.adopt(&whole)?;
            let whole: HashSet<Object> = whole.into_iter().collect();
            files.retain(|file| !whole.contains(&file.file.object));
        }
        if !torn.is_empty() {
            writer.discard(&torn);
        }
        copy_files(from, writer, &files, &|_, _| {}).map(drop)
    }
}

/// Refuses an image whose id our copy has for another content, which only damage explains.
fn require_free(transaction: &Transaction, row: &Row) -> Result<(), Error> {
    match transaction.base().image(row.listed.id) {
        Err(Error::UnknownImage { .. }) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::Damaged {
            object: row.listed.object(),
            what: "the two copies have different photos under this id; check --repair --from takes the right one",
        }),
    }
}

fn disagreement(tombstone: &Tombstone, removed_in: Side, id: Option<Id>) -> Disagreement {
    let Tombstone { content, removed, name, .. } = tombstone;
    Disagreement { name: name.clone(), removed: *removed, removed_in, content: *content, id }
}

/// The latest removal of each content that is not among the `others`.
fn unknown_to<'a>(tombstones: &'a [Tombstone], others: &[Tombstone]) -> HashMap<Digest, &'a Tombstone> {
    let key = |tombstone: &Tombstone| (tombstone.content, tombstone.removed);
    let others: HashSet<(Digest, i64)> = others.iter().map(key).collect();
    let unknown = tombstones.iter().filter(|tombstone| !others.contains(&key(tombstone)));
    unknown.map(|tombstone| (tombstone.content, tombstone)).collect()
}

/// Adds the places that a photo, which both copies have, has in the other one.
fn add_places(transaction: &mut Transaction, record: &Record) -> Result<(), Error> {
    let Some(id) = transaction.find_content(&record.content)? else { return Ok(()) };
    record.found().iter().try_for_each(|found| transaction.add_place(id, found.clone()))
}

/// The files of the originals and companions in these rows, which `from` has.
fn files_of(from: &dyn Backend, rows: &[Row]) -> Result<Vec<FileToCopy>, Error> {
    let file = |listed: &ListedImage, bytes: u64| -> Result<FileToCopy, Error> {
        let object = listed.object();
        // Earlier versions sealed large originals as a whole.
        let is_chunked = chunks::is_chunked(bytes)
            && from.read_at(&object, 0, sealed::PREFIX_BYTES as u64)? == Kind::ChunkedPhoto.prefix();
        let (bytes, limit) = match is_chunked {
            true => (chunks::file_bytes(bytes), chunks::file_bytes(bytes)),
            false => (sealed::file_bytes(bytes as usize) as u64, chunks::file_bytes(LARGEST_PHOTO_BYTES as u64)),
        };
        Ok(FileToCopy { file: Expected { object, limit, digest: listed.photo }, bytes })
    };
    let mut files = Vec::new();
    for row in rows {
        files.push(file(&row.listed, row.record.bytes)?);
        for companion in &row.companions {
            let known = row.record.companions.iter().find(|known| known.id == companion.id);
            files.push(file(companion, known.map_or(0, |known| known.bytes))?);
        }
    }
    Ok(files)
}
