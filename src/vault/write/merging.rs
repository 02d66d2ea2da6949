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
use super::transaction::{OtherLine, Transaction};
use crate::cipher::Passphrase;
use crate::durable::IfLocked;
use crate::vault::backend::Backend;
use crate::vault::backend::copying::{FileToCopy, copy_files, read_at_once, reuse_staged};
use crate::vault::error::Error;
use crate::vault::format::chunks;
use crate::vault::format::entries::{SEGMENT_IMAGES, TableEntry};
use crate::vault::format::expected::Expected;
use crate::vault::format::header;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::Object;
use crate::vault::format::list::ListedImage;
use crate::vault::format::mapping::Mapping;
use crate::vault::format::record::{Found, Record};
use crate::vault::format::sealed;
use crate::vault::format::sealed::{Kind, LARGEST_PHOTO_BYTES};
use crate::vault::format::segment::Row;
use crate::vault::format::table;
use crate::vault::format::table::Table;
use crate::vault::format::tombstone::Tombstone;
use crate::vault::read::segment::Segment;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::unlocked::{Vault, named_header};

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
    /// Its id in the copy that has it.
    pub id: Id,
    /// Where it was found, below its source; bytes as the system had them.
    pub path: Vec<u8>,
    /// When it was removed, seconds since 1970.
    pub removed: i64,
    /// Where it was removed.
    pub removed_in: Side,
    content: Digest,
}

/// How disagreements about photos are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// As our copy has it.
    Ours,
    /// As the other copy has it.
    Theirs,
    /// All photos stay.
    KeepAll,
    /// What either copy has removed goes.
    RemoveAll,
}

/// What the owner decides about what two copies disagree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of photos that one copy has removed.
    pub photos: Settle,
    /// Whose passphrases open both copies, if those of the two are different.
    pub passphrases: Side,
}

/// What a merge did.
#[must_use]
pub struct Merged {
    /// The generation that continues both copies.
    pub newest: Arc<Snapshot>,
    /// Photos removed from our copy because the other one had removed them, and those that the other copy loses because
    /// ours had.
    pub removed: [usize; 2],
}

/// Two copies that were compared.
pub struct Merge<'a> {
    vault: &'a Vault,
    ours: Arc<Snapshot>,
    theirs: Arc<Snapshot>,
    /// The header of the other copy, if it is another one.
    other_header: Option<Vec<u8>>,
    /// The contents that only the other copy has, and that our copy never removed or the other one added again.
    only_theirs: HashSet<Digest>,
    /// By content, images of ours whose files are damaged, and which the other copy has whole under another id.
    damaged: HashMap<Digest, Id>,
    disagreements: Vec<Disagreement>,
}

impl<'a> Merge<'a> {
    /// Compares the vault with the other copy. Reads lists and records of segments that differ.
    ///
    /// # Errors
    /// [`Error::OtherVectors`]; [`Error::Newer`] when one of them has what this version cannot merge;
    /// [`Error::HeaderReplaced`] when no passphrase opens one of them; what is missing or damaged in either.
    pub fn of(vault: &'a Vault, theirs: Snapshot) -> Result<Self, Error> {
        let (ours, theirs) = (Arc::new(vault.snapshot()?), Arc::new(theirs));
        require_mergeable(ours.mapping(), theirs.mapping())?;
        named_header(vault.backend(), ours.mapping())?;
        let header = named_header(&*theirs.source().backend, theirs.mapping())?;
        let other_header = (ours.mapping().header != theirs.mapping().header).then_some(header);
        let (only_theirs, damaged, disagreements) = (HashSet::new(), HashMap::new(), Vec::new());
        let mut merge = Self { vault, ours, theirs, other_header, only_theirs, damaged, disagreements };
        merge.compare()?;
        Ok(merge)
    }

    fn compare(&mut self) -> Result<(), Error> {
        let (removed_here, removed_there) = (self.ours.tombstones()?, self.theirs.tombstones()?);
        // Removals that the other copy knows of are settled: a photo that is there all the same was added again.
        let (only_here, only_there) =
            (latest_not_in(removed_here, removed_there), latest_not_in(removed_there, removed_here));
        let (mut disagreements, mut only_theirs, mut twice) = (Vec::new(), HashSet::new(), Vec::new());
        for segment in self.different_segments()? {
            for record in segment.read_records()? {
                if let Some(id) = self.ours.find_content(&record.content)? {
                    if id != record.id {
                        twice.push((id, record));
                    }
                    continue;
                }
                match only_here.get(&record.content) {
                    Some(removed) => disagreements.push(disagreement(&record, *removed, Side::Ours)),
                    None => _ = only_theirs.insert(record.content),
                }
            }
        }
        for (content, removed) in &only_there {
            if let Some(id) = self.ours.find_content(content)?
                && self.theirs.find_content(content)?.is_none()
            {
                disagreements.push(disagreement(self.ours.image(id)?.record()?, *removed, Side::Theirs));
            }
        }
        disagreements.sort_by(|one, other| (&one.path, one.content).cmp(&(&other.path, other.content)));
        (self.disagreements, self.only_theirs) = (disagreements, only_theirs);
        self.damaged = self.damaged_of(twice)?;
        Ok(())
    }

    /// Of the photos that both copies have under different ids, those that are damaged in ours and whole in theirs.
    fn damaged_of(&self, twice: Vec<(Id, Record)>) -> Result<HashMap<Digest, Id>, Error> {
        let ours = twice.iter().map(|(id, _)| Ok(self.ours.image(*id)?.listed().clone()));
        let ours = ours.collect::<Result<Vec<_>, Error>>()?;
        let is_whole = are_whole(self.vault.backend(), &ours)?;
        let damaged: Vec<_> = twice.into_iter().zip(is_whole).filter(|(_, is_whole)| !is_whole).collect();
        let theirs = damaged.iter().map(|((_, record), _)| Ok(self.theirs.image(record.id)?.listed().clone()));
        let theirs = theirs.collect::<Result<Vec<_>, Error>>()?;
        let is_whole = are_whole(&*self.theirs.source().backend, &theirs)?;
        let replaceable = damaged.into_iter().zip(is_whole).filter(|(_, is_whole)| *is_whole);
        Ok(replaceable.map(|(((id, record), _), _)| (record.content, id)).collect())
    }

    /// The segments of the other copy that ours does not have.
    fn different_segments(&self) -> Result<Vec<&Segment>, Error> {
        let key = |segment: &Segment| (segment.entry().id, segment.entry().list, segment.entry().records);
        let shared: HashSet<(Id, Digest, Digest)> = self.ours.segments()?.map(key).collect();
        Ok(self.theirs.segments()?.filter(|segment| !shared.contains(&key(segment))).collect())
    }

    /// Photos about which the owner has to decide, in the order of their paths.
    #[must_use]
    pub fn disagreements(&self) -> &[Disagreement] {
        &self.disagreements
    }

    /// Whether the two copies may open with different passphrases: they have different headers, and `passphrase` is not
    /// the only one of both.
    #[must_use]
    pub fn has_other_passphrases(&self, passphrase: &Passphrase) -> bool {
        let is_only_one = |header: &[u8]| {
            header::list_slots(header, passphrase).is_ok_and(|slots| slots.len() == 1 && slots[0].is_opened)
        };
        self.other_header.as_ref().is_some_and(|theirs| {
            let ours = named_header(self.vault.backend(), self.ours.mapping());
            !(is_only_one(theirs) && ours.is_ok_and(|ours| is_only_one(&ours)))
        })
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
    pub fn run(&self, decision: Decision, if_locked: IfLocked, taken: &dyn Fn(usize)) -> Result<Merged, Error> {
        let merged = self.run_locked(decision, if_locked, taken);
        merged.map_err(|error| match (&error, self.theirs.source().backend.mapping()) {
            // A commit over there removes files that it makes obsolete.
            (Error::Missing { .. }, Ok(now)) if now.tag != self.theirs.signed.tag => {
                Error::Superseded { generation: self.theirs.mapping().generation }
            }
            _ => error,
        })
    }

    fn run_locked(&self, decision: Decision, if_locked: IfLocked, taken: &dyn Fn(usize)) -> Result<Merged, Error> {
        let mut transaction = Transaction::begin_locked(self.vault, if_locked)?;
        if transaction.base().signed.tag != self.ours.signed.tag {
            return Err(Error::Superseded { generation: self.ours.mapping().generation });
        }
        // An interrupted merge has left files with the names of those that are copied now.
        transaction.remove_leftovers()?;
        let translation = Translation {
            sources: transaction.adopt_sources(self.theirs.sources()?)?,
            spaces: [self.theirs.mapping().space()?.id, self.ours.mapping().space()?.id],
        };
        let (mut wanted, mut removed) = (self.only_theirs.clone(), [0, 0]);
        wanted.extend(self.damaged.keys());
        for disagreement in &self.disagreements {
            match (disagreement.removed_in, decision.photos) {
                (Side::Ours, Settle::Theirs | Settle::KeepAll) => _ = wanted.insert(disagreement.content),
                (Side::Ours, Settle::Ours | Settle::RemoveAll) => removed[1] += 1,
                (Side::Theirs, Settle::Theirs | Settle::RemoveAll) => {
                    transaction.remove(disagreement.id)?;
                    removed[0] += 1;
                }
                (Side::Theirs, Settle::Ours | Settle::KeepAll) => {}
            }
        }
        // Added by the last commit only: each of them rewrites the records of a segment.
        let mut places = Vec::new();
        let mut count = 0;
        for segment in self.different_segments()? {
            let records = segment.read_records()?;
            let (new, known): (Vec<_>, Vec<_>) = records.iter().partition(|record| wanted.contains(&record.content));
            for record in known {
                places.extend(self.new_places(record, &translation)?);
            }
            if new.is_empty() {
                continue;
            }
            let rows = rows_of(self.theirs.source(), segment)?;
            let rows: Vec<Row> = rows.into_iter().filter(|row| wanted.remove(&row.record.content)).collect();
            for row in &rows {
                require_free(&transaction, row)?;
            }
            self.copy(&transaction, &rows, &|files| taken(count + files.min(rows.len())))?;
            count += rows.len();
            self.take_over(&mut transaction, rows, &translation)?;
            if transaction.pending() >= SEGMENT_IMAGES {
                transaction = transaction.commit()?.next;
            }
        }
        for (content, found) in places {
            if let Some(id) = transaction.find_content(&content)? {
                transaction.add_place(id, found)?;
            }
        }
        let header = self.other_header.clone().filter(|_| decision.passphrases == Side::Theirs);
        transaction.merged = Some(OtherLine { newest: Arc::clone(&self.theirs), header });
        let newest = Arc::clone(transaction.commit()?.next.base());
        Ok(Merged { newest, removed })
    }

    /// The places of a photo that only the other copy knows, of a photo that both have.
    fn new_places(&self, record: &Record, translation: &Translation) -> Result<Vec<(Digest, Found)>, Error> {
        let Some(id) = self.ours.find_content(&record.content)? else { return Ok(Vec::new()) };
        let theirs: Vec<Found> = record.found().iter().map(|found| translation.found(found.clone())).collect();
        let new = places_not_in(&theirs, self.ours.image(id)?.record()?.found());
        Ok(new.into_iter().map(|found| (record.content, found)).collect())
    }

    /// Adds images whose files were copied, in place of damaged ones of ours.
    fn take_over(&self, transaction: &mut Transaction, rows: Vec<Row>, translation: &Translation) -> Result<(), Error> {
        let thumbnail = |row: &Row| row.record.thumbnail.map(|place| self.theirs.packs().thumbnail(&place)).transpose();
        let thumbnails = read_at_once(&rows, thumbnail)?;
        for (mut row, thumbnail) in rows.into_iter().zip(thumbnails) {
            row.record.thumbnail = thumbnail.map(|thumbnail| transaction.new_thumbnail(&thumbnail)).transpose()?;
            translation.translate(&mut row.record);
            // In the commit that has the replacement: otherwise the photo would count as removed.
            if let Some(damaged) = self.damaged.get(&row.record.content) {
                transaction.remove(*damaged)?;
                let ours = self.ours.image(*damaged)?;
                for found in places_not_in(ours.record()?.found(), row.record.found()) {
                    if row.record.has_room_for([&found]) {
                        row.record.add_found(found);
                    }
                }
            }
            transaction.added.insert(row.record.content, row.listed.id);
            transaction.changes.additions.push(row);
        }
        Ok(())
    }

    /// Copies the files of these images; `copied` receives how many so far. What a writer left here before, where locks
    /// do nothing, is used if it is whole.
    fn copy(&self, transaction: &Transaction, rows: &[Row], copied: &dyn Fn(usize)) -> Result<(), Error> {
        let (from, writer) = (&*self.theirs.source().backend, &*transaction.writer);
        let mut files = files_of(from, rows)?;
        let expected: Vec<Expected> = files.iter().map(|file| file.file.clone()).collect();
        writer.announce(&expected.iter().map(|file| file.object.clone()).collect::<Vec<_>>())?;
        let needed = reuse_staged(self.vault.backend(), writer, expected)?;
        let needed: HashSet<Object> = needed.into_iter().map(|file| file.object).collect();
        files.retain(|file| needed.contains(&file.file.object));
        copy_files(from, writer, &files, &|done, _| copied(done)).map(drop)
    }
}

impl Transaction {
    /// Adds the sources of another copy of the vault that this one does not have. Returns the id here of each source
    /// there: a folder that was added to both has an id of its own in each.
    fn adopt_sources(&mut self, theirs: &[table::Source]) -> Result<HashMap<Id, Id>, Error> {
        let mut ids = HashMap::new();
        for source in theirs {
            let mut known = self.base.sources()?.iter().chain(&self.sources);
            let same = known.find(|known| known.id == source.id || known.root == source.root).map(|known| known.id);
            ids.insert(source.id, same.unwrap_or(source.id));
            if same.is_none() {
                self.sources.push(source.clone());
            }
        }
        Ok(ids)
    }
}

/// What has other ids in the other copy.
struct Translation {
    /// The id here of each source there.
    sources: HashMap<Id, Id>,
    /// The id of the space there, and here.
    spaces: [Id; 2],
}

impl Translation {
    fn found(&self, mut found: Found) -> Found {
        found.source = self.sources.get(&found.source).copied().unwrap_or(found.source);
        found
    }

    fn translate(&self, record: &mut Record) {
        let companions = record.companions.iter_mut().map(|companion| &mut companion.found);
        companions.for_each(|found| *found = self.found(found.clone()));
        record.found_mut().iter_mut().for_each(|found| *found = self.found(found.clone()));
        let [there, here] = self.spaces;
        if record.without_vector.remove(&there) {
            record.without_vector.insert(here);
        }
    }
}

/// How many photos of `older` are missing in `newer`, which continues it, although nobody removed them: they were
/// damaged there, and given up. Segments of `older` whose records are missing or damaged are passed over.
///
/// # Errors
/// What is missing or damaged in `newer`; when `older` cannot be read.
pub fn lost_since(older: &Snapshot, newer: &Snapshot) -> Result<usize, Error> {
    let key = |segment: &Segment| (segment.entry().id, segment.entry().list, segment.entry().records);
    let kept: HashSet<(Id, Digest, Digest)> = newer.segments()?.map(key).collect();
    // A photo that the older copy has in spite of a removal was added again, or kept when two copies disagreed.
    let removed = latest_not_in(newer.tombstones()?, older.tombstones()?);
    let mut lost = 0;
    for segment in older.readable_segments().into_iter().filter(|segment| !kept.contains(&key(segment))) {
        match segment.read_records() {
            Err(error) if error.is_proof_of_damage() => {}
            records => {
                for Record { content, .. } in records? {
                    lost += usize::from(!removed.contains_key(&content) && newer.find_content(&content)?.is_none());
                }
            }
        }
    }
    Ok(lost)
}

/// Which originals have the digest that is known of them.
fn are_whole(backend: &dyn Backend, originals: &[ListedImage]) -> Result<Vec<bool>, Error> {
    let objects: Vec<Object> = originals.iter().map(ListedImage::object).collect();
    let digests = backend.digests(&objects)?;
    Ok(originals.iter().zip(digests).map(|(original, digest)| digest == Some(original.photo)).collect())
}

/// Refuses two copies whose union this version cannot write without losing something.
fn require_mergeable(ours: &Mapping, theirs: &Mapping) -> Result<(), Error> {
    ours.require_writable()?;
    theirs.require_writable()?;
    if ours.spaces != theirs.spaces {
        // Copies that were upgraded separately have spaces of the same features.
        let is_one = ours.spaces.len() == 1 && theirs.spaces.len() == 1;
        if !is_one || ours.feature_space()? != theirs.feature_space()? {
            return Err(Error::OtherVectors);
        }
    }
    let is_lost = |table: &TableEntry| Table::named(&table.name).is_none() && !ours.tables.contains(table);
    if theirs.tables.iter().any(is_lost) {
        return Err(Error::Newer { what: "a table that the two copies have changed separately" });
    }
    Ok(())
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

fn disagreement(record: &Record, removed: i64, removed_in: Side) -> Disagreement {
    let path = record.found().first().map(|found| found.path.clone()).unwrap_or_default();
    Disagreement { id: record.id, path, removed, removed_in, content: record.content }
}

/// Those of `places` that are not among the known ones.
fn places_not_in(places: &[Found], known: &[Found]) -> Vec<Found> {
    let is_known = |found: &Found| known.iter().any(|known| known.source == found.source && known.path == found.path);
    places.iter().filter(|found| !is_known(found)).cloned().collect()
}

/// When each content was removed last, of the removals that are not among the `others`.
fn latest_not_in(tombstones: &[Tombstone], others: &[Tombstone]) -> HashMap<Digest, i64> {
    let others: HashSet<(Digest, i64)> = others.iter().map(Tombstone::key).collect();
    let mut latest = HashMap::new();
    for (content, removed) in tombstones.iter().map(Tombstone::key).filter(|removal| !others.contains(removal)) {
        let known = latest.entry(content).or_insert(removed);
        *known = removed.max(*known);
    }
    latest
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
