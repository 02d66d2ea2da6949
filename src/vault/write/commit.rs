//! The commit of a transaction: from its changes to the next mapping, under the lock.
//!
//! Must never: forget a change before it is committed. Where locks do nothing, a commit that another writer overtakes
//! is tried again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::history::{Continuing, remember};
use super::packing;
use super::packing::{Packing, Thumbnails};
use super::rewriting::{Changes, Rewriting, Rewritten};
use super::tables;
use super::tables::{Row, TableWriter};
use super::transaction::{Hold, OtherLine, Transaction, now};
use crate::vault::error::Error;
use crate::vault::format::entries::TableEntry;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::{Contents, SignedMapping};
use crate::vault::format::record::ThumbnailPlace;
use crate::vault::format::segment;
use crate::vault::format::table;
use crate::vault::format::table::Table;
use crate::vault::format::tombstone::Tombstone;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::unlocked::authentic_mapping;

/// How often a commit is tried that other writers overtake, which happens only where locks do nothing.
const ATTEMPTS: usize = 32;

/// A generation that is ready to be committed.
struct Prepared {
    mapping: SignedMapping,
    /// Files that it does not need any more.
    obsolete: Vec<Object>,
}

impl Transaction {
    /// Commits the changes, if there are any left after those of other writers, and gives the lock back.
    pub(super) fn commit_changes(&mut self) -> Result<(), Error> {
        for attempt in 1.. {
            if !self.has_changes() {
                break;
            }
            self.writer.lock(self.if_locked)?;
            let committed = self.commit_locked();
            let is_overtaken = matches!(committed, Err(Error::Overtaken | Error::Superseded { .. }));
            if is_overtaken && self.hold == Hold::Commit && attempt < ATTEMPTS {
                self.writer.unlock();
                continue;
            }
            committed?;
            if self.hold == Hold::Commit {
                self.writer.unlock();
            }
            break;
        }
        Ok(())
    }

    fn has_changes(&self) -> bool {
        !self.changes.is_empty() || self.merged.is_some()
    }

    fn commit_locked(&mut self) -> Result<(), Error> {
        // Nobody else commits while this transaction holds the lock for a whole run.
        if self.hold == Hold::Commit {
            self.catch_up()?;
        }
        if !self.has_changes() {
            return Ok(());
        }
        let Prepared { mapping, obsolete } = self.prepare().map_err(|error| self.overtaken_or(error))?;
        self.writer.announce(&obsolete)?;
        let header = self.merged.as_ref().and_then(|other| other.header.as_deref());
        self.writer.commit(&mapping, header)?;
        self.writer.discard(&obsolete);
        // The commit has happened, whatever becomes of files that others left.
        if let Err(error) = self.writer.remove_abandoned() {
            log::warn!("files of an interrupted writer are still there: {error}");
        }
        remember(&self.source, &self.freshness, &mapping)?;
        self.base = Arc::new(Snapshot::new(&self.source, mapping, Some(&self.base)));
        self.changes = Changes::default();
        *self.thumbnails.get_mut() = Thumbnails::new()?;
        self.added.clear();
        self.sources.clear();
        self.merged = None;
        Ok(())
    }

    /// Starts from the newest generation, if that is another one.
    pub(super) fn catch_up(&mut self) -> Result<(), Error> {
        let newest = authentic_mapping(&self.source, &self.freshness)?;
        if newest.tag == self.base.signed.tag {
            return Ok(());
        }
        let base = Arc::new(Snapshot::new(&self.source, newest, Some(&self.base)));
        // All of them before any change: where locks do nothing, another commit can take the files away meanwhile.
        let find = |row: &segment::Row| base.find_content(&row.record.content);
        let present: Vec<Option<Id>> = self.changes.additions.iter().map(find).collect::<Result<_, _>>()?;
        self.base = base;
        let mut stays = Vec::new();
        for (row, present) in std::mem::take(&mut self.changes.additions).into_iter().zip(present) {
            match present.filter(|id| !self.changes.removals.contains(id)) {
                Some(present) => {
                    // Where locks do nothing it may be this very file.
                    if present != row.listed.id {
                        self.writer.discard(&[row.listed.object()]);
                    }
                    self.added.insert(row.record.content, present);
                    self.already_present.push((row.listed.id, present));
                }
                None => stays.push(row),
            }
        }
        self.changes.additions = stays;
        let base = &self.base;
        let is_there = |id: &_| !matches!(base.image(*id), Err(Error::UnknownImage { .. }));
        self.changes.removals.retain(is_there);
        self.changes.places.retain(|id, _| is_there(id));
        Ok(())
    }

    /// Writes the files of the next generation.
    fn prepare(&mut self) -> Result<Prepared, Error> {
        let changes = self.changes.clone();
        let rows = changes.additions.iter().chain(changes.replaced.values().flatten());
        let kept = rows.filter_map(|row| row.record.thumbnail).collect();
        self.thumbnails.get_mut().keep_only(&kept);
        let rewriting = Rewriting::new(&self.source, &*self.writer, changes, now());
        let Rewritten { mut next, mut obsolete, dead, tombstones } = rewriting.run(&self.base)?;
        let (groups, segments) = next.write(&self.source, &*self.writer)?;
        let mut packing = Packing::new(&self.source, &*self.writer, self.base.packs());
        let gone: HashSet<ThumbnailPlace> = dead.iter().copied().collect();
        packing.bury(&dead, self.base.packs(), || Ok(&packing::places(&self.base)? - &gone))?;
        packing.add(self.thumbnails.get_mut())?;
        packing.merge()?;
        let (packs, unpacked) = packing.finish();
        obsolete.extend(unpacked);
        let tables = self.next_tables(&self.removals(tombstones)?)?;
        obsolete.extend(tables::obsolete_pages(&self.base.mapping().tables, &tables));
        let contents = Contents { groups, segments, packs, tables };
        let (base, tag) = (self.base.mapping(), self.base.signed.tag);
        let mapping = match &self.merged {
            None => base.next(tag, contents),
            Some(OtherLine { newest, header }) => {
                let header = header.as_ref().map_or(base.header, |header| Digest::of(&[header]));
                base.merged(tag, &newest.signed, header, contents)
            }
        };
        Ok(Prepared { mapping: SignedMapping::sign(mapping, &self.source.keys), obsolete })
    }

    /// Which of the new tombstones are written, and with which time. A merge recognises a removal by its time, so if a
    /// photo was removed before, that of the next removal is later, whatever the clock says.
    fn removals(&self, new: Vec<Tombstone>) -> Result<Vec<Tombstone>, Error> {
        // A damaged photo that is replaced by a whole one was not removed.
        let mut new: Vec<_> =
            new.into_iter().filter(|tombstone| !self.added.contains_key(&tombstone.content)).collect();
        if new.is_empty() {
            return Ok(new);
        }
        let known = match self.base.tombstones() {
            // Repair deals with them.
            Err(error) if error.is_proof_of_damage() => return Ok(new),
            known => known?,
        };
        let contents: HashSet<Digest> = new.iter().map(|tombstone| tombstone.content).collect();
        let mut latest: HashMap<Digest, i64> = HashMap::new();
        for tombstone in known.iter().filter(|tombstone| contents.contains(&tombstone.content)) {
            let latest = latest.entry(tombstone.content).or_insert(tombstone.removed);
            *latest = tombstone.removed.max(*latest);
        }
        for tombstone in &mut new {
            if let Some(latest) = latest.get(&tombstone.content) {
                tombstone.removed = tombstone.removed.max(latest.saturating_add(1));
            }
        }
        Ok(new)
    }

    /// The tables of the next generation, with these new tombstones.
    fn next_tables(&self, new: &[Tombstone]) -> Result<Vec<TableEntry>, Error> {
        let base = self.base.mapping();
        let writer = |table| TableWriter { source: &self.source, writer: &*self.writer, table };
        let mut tables = base.tables.clone();
        if self.changes.renews_sources || !self.sources.is_empty() {
            let rows = table::rows_of_sources(&[self.base.sources()?, &self.sources].concat())?;
            tables::set_pages(&mut tables, Table::Sources, writer(Table::Sources).write_after(&[], &rows)?);
        }
        let mut buried: Vec<Row> = new.iter().map(Tombstone::to_fields).collect();
        if let Some(other) = &self.merged {
            let known: HashSet<_> = self.base.tombstones()?.iter().map(Tombstone::key).collect();
            let new = other.newest.tombstones()?.iter().filter(|tombstone| !known.contains(&tombstone.key()));
            buried.splice(..0, new.map(Tombstone::to_fields));
        }
        let (buried_before, tombstones) = (base.pages(Table::Tombstones.name()), writer(Table::Tombstones));
        if self.changes.renews_tombstones {
            let readable = tombstones.readable_rows(buried_before)?.into_iter().flatten().flatten();
            let rows: Vec<Row> = readable.chain(buried).collect();
            tables::set_pages(&mut tables, Table::Tombstones, tombstones.write_after(&[], &rows)?);
        } else if !buried.is_empty() {
            tables::set_pages(&mut tables, Table::Tombstones, tombstones.append(buried_before, buried)?);
        }
        let continuing = Continuing { source: &self.source, writer: &*self.writer, freshness: &self.freshness };
        let history = match &self.merged {
            None => continuing.after(&self.base.signed, self.changes.if_history_is_damaged)?,
            Some(OtherLine { newest, .. }) => {
                continuing.after_both(&self.base.signed, &newest.signed, newest.source())?
            }
        };
        tables::set_pages(&mut tables, Table::History, history);
        Ok(tables)
    }

    /// [`Error::Overtaken`] if another writer replaced the base, because that explains any other error; otherwise
    /// `error`.
    fn overtaken_or(&self, error: Error) -> Error {
        match self.source.backend.mapping() {
            Ok(found) if found.tag != self.base.signed.tag => Error::Overtaken,
            _ => error,
        }
    }
}
