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
        let (removed_here, removed_there) = (latest(self.ours.tombstones()?), latest(self.theirs.tombstones()?));
        let (mut disagreements, mut only_theirs) = (Vec::new(), HashSet::new());
        for segment in self.different_segments()? {
            for record in segment.records()? {
                let content = record.content;
                if self.ours.find_content(&content)?.is_some() {
                    continue;
                }
                match removed_here.get(&content) {
                    Some(tombstone) if !removed_there.contains_key(&content) => {
                        disagreements.push(disagreement(tombstone, Side::Ours, None));
                    }
                    _ => _ = only_theirs.insert(content),
                }
            }
        }
        for (content, tombstone) in removed_there.iter().filter(|(content, _)| !removed_here.contains_key(*content)) {
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

    /// Makes our copy the union of both, as one generation that continues both. `taken` receives how many photos were
    /// taken over so far.
    ///
    /// # Errors
    /// A file that is missing or damaged in the other copy; as [`Transaction::commit`]. What was committed before stays.
    pub fn run(self, settle: Settle, if_locked: IfLocked, taken: &dyn Fn(usize)) -> Result<Merged, Error> {
        let mut wanted = self.only_theirs.clone();
        let mut transaction = Transaction::begin(self.vault, if_locked)?;
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
            let records = segment.records()?;
            for record in records.iter().filter(|record| !wanted.contains(&record.content)) {
                add_places(&mut transaction, record)?;
            }
            if !records.iter().any(|record| wanted.contains(&record.content)) {
                continue;
            }
            let rows = rows_of(self.theirs.source(), segment)?;
            let rows: Vec<Row> = rows.into_iter().filter(|row| wanted.remove(&row.record.content)).collect();
            let from = &*self.theirs.source().backend;
            let files = files_of(from, &rows)?;
            let objects: Vec<Object> = files.iter().map(|file| file.file.object.clone()).collect();
            transaction.writer().announce(&objects)?;
            copy_files(from, transaction.writer(), &files, &|_, _| {})?;
            for mut row in rows {
                if let Some(place) = row.record.thumbnail.take() {
                    let thumbnail = self.theirs.packs().thumbnail(&place)?;
                    row.record.thumbnail = Some(transaction.new_thumbnail(&thumbnail)?);
                }
                transaction.take_over(row)?;
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
}

fn disagreement(tombstone: &Tombstone, removed_in: Side, id: Option<Id>) -> Disagreement {
    let Tombstone { content, removed, name, .. } = tombstone;
    Disagreement { name: name.clone(), removed: *removed, removed_in, content: *content, id }
}

/// The latest tombstone of each content.
fn latest(tombstones: &[Tombstone]) -> HashMap<Digest, &Tombstone> {
    tombstones.iter().map(|tombstone| (tombstone.content, tombstone)).collect()
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
        // Earlier versions sealed large originals as a whole. These are read as a whole too.
        let is_chunked = chunks::is_chunked(bytes)
            && from.read_at(&object, 0, sealed::PREFIX_BYTES as u64)? == Kind::ChunkedPhoto.prefix();
        let (bytes, limit) = match is_chunked {
            true => (chunks::file_bytes(bytes), chunks::file_bytes(bytes)),
            false => (0, chunks::file_bytes(LARGEST_PHOTO_BYTES as u64)),
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
