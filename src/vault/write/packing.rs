//! Writing packs of thumbnails: a pack for those of a commit, merging small packs, and dropping thumbnails that no
//! record refers to.
//!
//! Must never: change the number of a thumbnail in its part, which records name.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::entries::PackEntry;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{Object, PackPart};
use crate::vault::format::pack;
use crate::vault::format::pack::{PackList, PartEntry, SealedThumbnail};
use crate::vault::format::record::ThumbnailPlace;
use crate::vault::format::shape::Shape;
use crate::vault::read::packs::{Pack, Packs};
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;

/// A pack is written anew when one of this many of its thumbnails, or more, is dead.
const DEAD_SHARE: usize = 4;

/// The thumbnails that the next commit writes, as one part of a pack.
pub(super) struct Thumbnails {
    pub(super) part: Id,
    pub(super) sealed: Vec<SealedThumbnail>,
}

impl Thumbnails {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { part: Id::random()?, sealed: Vec::new() })
    }

    /// Drops those that no record of the commit refers to.
    pub(super) fn keep_only(&mut self, wanted: &HashSet<ThumbnailPlace>) {
        let part = self.part;
        for (number, (_, sealed)) in (0..).zip(&mut self.sealed) {
            if !wanted.contains(&ThumbnailPlace { part, number }) {
                sealed.clear();
            }
        }
    }
}

/// A pack of the next generation.
struct Planned {
    entry: PackEntry,
    list: PackList,
}

/// The packs of the next generation.
pub(super) struct Packing<'a> {
    source: &'a Source,
    writer: &'a dyn Writer,
    packs: Vec<Planned>,
    obsolete: Vec<Object>,
}

impl<'a> Packing<'a> {
    /// Begins with the packs of the generation before. A pack whose list is damaged stays as it is.
    pub(super) fn new(source: &'a Source, writer: &'a dyn Writer, before: &Packs) -> Self {
        let planned = |pack: &Arc<Pack>| {
            let list = before.list(pack).cloned().unwrap_or_else(|_| PackList { parts: Vec::new() });
            Planned { entry: pack.entry.clone(), list }
        };
        Self { source, writer, packs: before.all().iter().map(planned).collect(), obsolete: Vec::new() }
    }

    /// Writes a pack with the thumbnails of this commit.
    pub(super) fn add(&mut self, thumbnails: &Thumbnails) -> Result<(), Error> {
        if thumbnails.sealed.iter().all(|(_, sealed)| sealed.is_empty()) {
            return Ok(());
        }
        let (part, entry) = pack::encode_part(&self.source.keys, thumbnails.part, &thumbnails.sealed)?;
        let planned = self.write(PackList { parts: vec![entry] }, &part, 0)?;
        self.packs.push(planned);
        Ok(())
    }

    /// Counts thumbnails that no record refers to any more, and writes packs with many of them anew. `live` gives the
    /// places that the records of the next generation refer to.
    pub(super) fn bury(
        &mut self,
        dead: &[ThumbnailPlace],
        before: &Packs,
        live: impl Fn() -> Result<HashSet<ThumbnailPlace>, Error>,
    ) -> Result<(), Error> {
        let mut by_part = HashMap::<Id, usize>::new();
        dead.iter().for_each(|place| *by_part.entry(place.part).or_default() += 1);
        if by_part.is_empty() {
            return Ok(());
        }
        let mut wanted = None;
        for position in (0..self.packs.len()).rev() {
            let pack = &mut self.packs[position];
            let more: usize = pack.list.parts.iter().filter_map(|part| by_part.get(&part.id)).sum();
            if more == 0 {
                continue;
            }
            pack.entry.dead += more;
            let kept: Result<usize, Error> = pack
                .list
                .parts
                .iter()
                .map(|part| before.place(part.id).map_or(Ok(0), |at| before.index(at).map(|index| index.kept())))
                .sum();
            if pack.entry.dead * DEAD_SHARE < kept? {
                continue;
            }
            let wanted = match &wanted {
                Some(wanted) => wanted,
                None => wanted.insert(live()?),
            };
            self.rewrite(position, before, wanted)?;
        }
        Ok(())
    }

    /// Writes a pack without the thumbnails that are not wanted.
    fn rewrite(&mut self, position: usize, before: &Packs, wanted: &HashSet<ThumbnailPlace>) -> Result<(), Error> {
        let (mut bytes, mut parts) = (Vec::new(), Vec::<PartEntry>::new());
        for part in &self.packs[position].list.parts {
            let Some(at) = before.place(part.id) else { continue };
            let is_wanted = |number: u32| wanted.contains(&ThumbnailPlace { part: part.id, number });
            let kept = before.index(at)?.all().len();
            if !(0..kept as u32).any(is_wanted) {
                continue;
            }
            let content = before.read_part(at)?;
            let (part, entry) = pack::without_unwanted(&self.source.keys, part, &content, is_wanted)?;
            bytes.extend(part);
            parts.push(entry);
        }
        self.obsolete.extend(files(&self.packs[position].entry));
        if parts.is_empty() {
            self.packs.remove(position);
        } else {
            self.packs[position] = self.write(PackList { parts }, &bytes, 0)?;
        }
        Ok(())
    }

    /// Merges small packs. The host copies their bytes.
    pub(super) fn merge(&mut self) -> Result<(), Error> {
        let size = |pack: &Planned| if pack.list.parts.is_empty() { u64::MAX } else { pack.entry.bytes };
        while let Some(positions) = pack::next_merge(&self.packs.iter().map(size).collect::<Vec<_>>()) {
            let merged: Vec<&Planned> = positions.iter().map(|at| &self.packs[*at]).collect();
            let from: Vec<Object> = merged.iter().map(|pack| files(&pack.entry)[1].clone()).collect();
            let parts: Vec<PartEntry> = merged.iter().flat_map(|pack| pack.list.parts.iter().cloned()).collect();
            let dead = merged.iter().map(|pack| pack.entry.dead).sum();
            let list = PackList { parts };
            let [_, content] = self.stage_list(&list)?;
            let digest = self.writer.concatenate(&content, &from)?;
            let entry = PackEntry {
                parts: list.parts.len(),
                bytes: list.bytes(),
                dead,
                list: Digest::of(&[&list.encode()]),
                pack: digest,
            };
            for at in positions.iter().rev() {
                let pack = self.packs.remove(*at);
                self.obsolete.extend(files(&pack.entry));
            }
            self.packs.insert(positions[0], Planned { entry, list });
        }
        Ok(())
    }

    /// The files that are obsolete so far. Staged packs that were merged can be discarded before the commit.
    pub(super) fn take_obsolete(&mut self) -> Vec<Object> {
        std::mem::take(&mut self.obsolete)
    }

    /// The entries of the next mapping, and the files that are obsolete with it.
    pub(super) fn finish(self) -> (Vec<PackEntry>, Vec<Object>) {
        (self.packs.into_iter().map(|pack| pack.entry).collect(), self.obsolete)
    }

    fn write(&self, list: PackList, content: &[u8], dead: usize) -> Result<Planned, Error> {
        let [_, file] = self.stage_list(&list)?;
        self.writer.stage(&file, &[content])?;
        let (encoded, pack) = (Digest::of(&[&list.encode()]), Digest::of(&[content]));
        let entry = PackEntry { parts: list.parts.len(), bytes: content.len() as u64, dead, list: encoded, pack };
        Ok(Planned { entry, list })
    }

    /// Stages a list, and returns the names of both files of the pack.
    fn stage_list(&self, list: &PackList) -> Result<[Object; 2], Error> {
        let bytes = list.encode();
        let name = Digest::of(&[&bytes]).name();
        let files = [Object::Pack(name, PackPart::List), Object::Pack(name, PackPart::Content)];
        self.writer.announce(&files)?;
        self.writer.stage(&files[0], &[&bytes])?;
        Ok(files)
    }
}

fn files(entry: &PackEntry) -> [Object; 2] {
    PackPart::ALL.map(|part| Shape::pack(entry, part).object)
}

/// The places of all thumbnails that records of a generation refer to.
pub(super) fn places(snapshot: &Snapshot) -> Result<HashSet<ThumbnailPlace>, Error> {
    let mut places = HashSet::new();
    for segment in snapshot.segments()? {
        places.extend(segment.read_records()?.iter().filter_map(|record| record.thumbnail));
    }
    Ok(places)
}
