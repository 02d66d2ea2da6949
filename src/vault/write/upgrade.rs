//! Upgrading a vault of format 1 or 2 to format 3, in place: one commit that replaces every file but the originals.
//!
//! The new files are staged next to the old ones, segment by segment, under the writer's lock. Until the commit the
//! vault is the old one, and after it the new one. An interrupted upgrade starts anew: what it staged is removed by the
//! next attempt, as after any interrupted writer.
//!
//! Must never: change the old vault before the commit, write an original, or go on without a file that is damaged.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::compaction::{NextGeneration, Ungrouped, WrittenSegment};
use super::packing::{Packing, Thumbnails};
use crate::cipher::Passphrase;
use crate::ckks::{BLOCK_IMAGES, Parameters};
use crate::durable::IfLocked;
use crate::vault::backend::writer::{Abandoned, Writer};
use crate::vault::backend::{Listed, generation};
use crate::vault::error::Error;
use crate::vault::format::dedup;
use crate::vault::format::entries::{SEGMENT_IMAGES, SegmentEntry};
use crate::vault::format::expected::Expected;
use crate::vault::format::header;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::hints;
use crate::vault::format::layout::{Directory, GroupPart, Object, Part};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::list;
use crate::vault::format::mapping::{Contents, SignedMapping};
use crate::vault::format::old::images::ListedThumbnail;
use crate::vault::format::record::ThumbnailPlace;
use crate::vault::format::sealed;
use crate::vault::format::sealed::{PREFIX_BYTES, VaultKeys};
use crate::vault::format::segment::{Row, Search};
use crate::vault::format::shape::Shape;
use crate::vault::format::space::{FeatureSpace, Space};
use crate::vault::format::vectors;
use crate::vault::read::check;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;
use crate::vault::unlocked::Vault;

/// Most thumbnails of a part: they are held in memory together.
const PART_THUMBNAILS: usize = 256;
/// Most bytes that merging packs needs for a moment: eight packs that are just small enough to be merged.
const LARGEST_MERGE_BYTES: u64 = 2 << 30;

/// What an upgrade will do, in bytes. Estimates that are rather too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpgradePlan {
    /// Photos.
    pub photos: usize,
    /// To be read: lists, catalogues, exact vectors and thumbnails of the old format.
    pub read: u64,
    /// To be written.
    pub written: u64,
    /// Free space that is needed until the old files are removed.
    pub needed: u64,
    /// Of the old files, which are removed after the commit.
    pub removed: u64,
    /// Free space where the vault is; `None` where that is not known.
    pub free: Option<u64>,
}

impl UpgradePlan {
    /// Refuses an upgrade for which the disk has too little room.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    pub fn require_space(&self) -> Result<(), Error> {
        match self.free {
            Some(free) if free < self.needed => Err(Error::NoSpace { needed: self.needed, free }),
            _ => Ok(()),
        }
    }
}

/// What an upgrade has done since the last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeProgress {
    /// Photos whose vectors, records and thumbnails were written.
    Written(usize),
    /// Photos that were checked after the commit.
    Checked(usize),
}

/// The outcome of an upgrade.
#[must_use]
pub struct Upgraded {
    /// The generation that it made.
    pub generation: u64,
    /// Photos without a vector from now on: theirs has no direction in the new space.
    pub without_vector: usize,
    /// What a check of the new generation found. Originals were not read: they are what they were.
    pub report: check::Report,
}

/// From what and to what a vault is upgraded.
pub struct Upgrade<'a> {
    /// The passphrase that opened the vault.
    pub passphrase: &'a Passphrase,
    /// What makes the vectors from now on.
    pub features: FeatureSpace,
    /// The unit vector of the new space for a vector of the old one, 2048 numbers; `None` when it has no direction
    /// there.
    pub project: &'a (dyn Fn(&[f32]) -> Option<Vec<f32>> + Sync),
}

/// What an upgrade to vectors of `dimension` numbers needs.
///
/// # Errors
/// [`Error::NotOutdated`]; when a list is missing or damaged, or the files cannot be listed.
pub fn plan(vault: &Vault, dimension: usize) -> Result<UpgradePlan, Error> {
    let old = vault.snapshot()?;
    require_old(&old)?;
    let parameters = Parameters::for_dimension(dimension)?;
    let backend = vault.backend();
    let (mut read, mut removed, mut catalogues) = (0, 0, 0);
    for Listed { object, bytes } in backend.list(Directory::Features)? {
        removed += bytes;
        match object {
            Object::Segment(_, Part::OldCatalogue) => {
                read += bytes;
                catalogues += bytes;
            }
            Object::Segment(_, Part::OldList | Part::Vectors) | Object::Group(_, GroupPart::List) => read += bytes,
            _ => {}
        }
    }
    let thumbnails = backend.size(Directory::Thumbnails)?;
    // Padding adds at most an eighth to short files, and much less to parts.
    let packs = thumbnails + thumbnails / 8;
    let segments: u64 = old.segments()?.map(|segment| segment_bytes(segment.len(), &parameters)).sum();
    let written = segments + catalogues + dedup::pages_bytes(old.len()) as u64 + packs;
    Ok(UpgradePlan {
        photos: old.len(),
        read: read + thumbnails,
        written,
        needed: written + packs.min(LARGEST_MERGE_BYTES),
        removed: removed + thumbnails,
        free: backend.free_bytes(),
    })
}

/// Bytes of a segment of format 3 without its records.
fn segment_bytes(images: usize, parameters: &Parameters) -> u64 {
    let blocks = images.div_ceil(BLOCK_IMAGES);
    let bytes = blocks * parameters.block_bytes()
        + hints::file_bytes(blocks)
        + list::largest_bytes(images)
        + sealed::file_bytes(images * parameters.dimension() * vectors::NUMBER_BYTES)
        + sealed::file_bytes(parameters.check_vectors_bytes());
    bytes as u64
}

/// Upgrades a vault, and checks everything but the originals afterwards. `vault` is of no use after that: open it
/// again.
///
/// # Errors
/// [`Error::NotOutdated`]; [`Error::Locked`]; [`Error::WrongPassphrase`]; the first file that is missing or damaged, or
/// what the system reports: then the vault is as before, unless the commit failed in its last step.
pub fn upgrade(
    vault: &Vault,
    upgrade: Upgrade<'_>,
    if_locked: IfLocked,
    progress: &(dyn Fn(UpgradeProgress) + Sync),
) -> Result<Upgraded, Error> {
    let Upgrade { passphrase, features, project } = upgrade;
    vault.require_newest()?;
    let writer = vault.backend().writer(Abandoned::Remove)?;
    writer.lock(if_locked)?;
    let old = vault.snapshot()?;
    require_old(&old)?;
    // Makes room: files of an interrupted upgrade may be many.
    writer.remove_abandoned()?;
    let header = vault.backend().read(&Object::Header, largest_bytes(&Object::Header))?;
    let (header, master) = header::upgraded(&header, passphrase)?;
    let keys = VaultKeys::new(vault.id(), master);
    let space = Space::new(features)?;
    let search = Search::new(&keys, &space)?;
    let shape = Shape::Current { spaces: vec![*search.holder.parameters()] };
    let source = Arc::new(Source { backend: Arc::clone(&vault.source.backend), keys, shape, search: Some(search) });

    let mut conversion = Conversion {
        source: &source,
        writer: &*writer,
        space: space.id,
        rows: Vec::new(),
        next: NextGeneration::default(),
        packing: Packing::new(&source, &*writer, old.packs()),
        without_vector: 0,
        obsolete: Vec::new(),
        progress,
    };
    for segment in old.segments()? {
        conversion.take(&vault.source, segment.entry(), project)?;
    }
    let without_vector = conversion.without_vector;
    let mut obsolete = std::mem::take(&mut conversion.obsolete);
    let contents = conversion.finish()?;
    let of_entries = generation::entry_files(old.mapping())?.into_iter().map(|file| file.object);
    obsolete.extend(of_entries.filter(|object| matches!(object, Object::Group(..))));

    let mapping = old.mapping().upgraded(old.signed().tag, Digest::of(&[&header]), space, contents);
    let signed = SignedMapping::sign(mapping, &source.keys);
    writer.announce(&obsolete)?;
    writer.commit(&signed, Some(&header))?;
    writer.discard(&obsolete);
    // Also the files of the old format that no journal lists. The commit has happened, whatever becomes of them.
    if let Err(error) = writer.remove_abandoned() {
        log::warn!("files of the old format are still there: {error}");
    }
    writer.unlock();
    vault.freshness.remember(&signed)?;
    let generation = signed.mapping.generation;
    let snapshot = Snapshot::new(&source, signed, None);
    let read = |read: check::Progress| progress(UpgradeProgress::Checked(read.images));
    let report = check::check(&snapshot, check::Originals::Skip, &read)?;
    Ok(Upgraded { generation, without_vector, report })
}

fn require_old(snapshot: &Snapshot) -> Result<(), Error> {
    if snapshot.mapping().is_old() { Ok(()) } else { Err(Error::NotOutdated) }
}

fn without_prefix(file: &[u8]) -> Vec<u8> {
    file.get(PREFIX_BYTES..).unwrap_or_default().to_vec()
}

/// A photo on its way into a segment.
struct Waiting {
    row: Row,
    thumbnail: Option<ListedThumbnail>,
}

/// The new files, written as the old ones are read.
struct Conversion<'a> {
    source: &'a Source,
    writer: &'a dyn Writer,
    space: Id,
    rows: Vec<Waiting>,
    next: NextGeneration,
    packing: Packing<'a>,
    without_vector: usize,
    /// Files of the old format that were read or are not needed. The list of a group may be damaged, so they are
    /// collected on the way.
    obsolete: Vec<Object>,
    progress: &'a (dyn Fn(UpgradeProgress) + Sync),
}

impl Conversion<'_> {
    /// Reads an old segment, and writes those that are full.
    fn take(
        &mut self,
        old: &Source,
        entry: &SegmentEntry,
        project: &(dyn Fn(&[f32]) -> Option<Vec<f32>> + Sync),
    ) -> Result<(), Error> {
        let images = generation::read_images(&*old.backend, &old.shape, entry)?;
        let records = old.records(entry)?;
        self.obsolete.extend(old.shape.segment_files(entry).map(|file| file.object));
        let thumbnails = images.old_thumbnails.iter().flatten();
        self.obsolete.extend(thumbnails.map(|thumbnail| Object::Thumbnail(thumbnail.id)));
        let listed = images.list.images;
        if listed.iter().zip(&records).any(|(listed, record)| listed.id != record.id) {
            let object = old.expected(entry, Part::Records)?.object;
            return Err(Error::Damaged { object, what: "it does not match the image list" });
        }
        let projected: Vec<Option<Vec<f32>>> = old
            .vectors(entry)?
            .par_iter()
            .map(|vector| project(vector.as_deref()?).map(|vector| vectors::rounded(&vector)))
            .collect();
        for (((listed, mut record), vector), thumbnail) in
            listed.into_iter().zip(records).zip(projected).zip(images.old_thumbnails)
        {
            if vector.is_none() {
                record.without_vector.insert(self.space);
                self.without_vector += 1;
            }
            record.check()?;
            let row = Row { listed, companions: Vec::new(), record, vector };
            self.rows.push(Waiting { row, thumbnail });
        }
        while self.rows.len() >= SEGMENT_IMAGES {
            let rest = self.rows.split_off(SEGMENT_IMAGES);
            let full = std::mem::replace(&mut self.rows, rest);
            self.write(full)?;
        }
        Ok(())
    }

    /// Writes a segment and its thumbnails.
    fn write(&mut self, waiting: Vec<Waiting>) -> Result<(), Error> {
        let mut rows = Vec::with_capacity(waiting.len());
        let mut waiting = waiting.into_iter().peekable();
        while waiting.peek().is_some() {
            let mut some: Vec<Waiting> = waiting.by_ref().take(PART_THUMBNAILS).collect();
            self.pack(&mut some)?;
            (self.progress)(UpgradeProgress::Written(some.len()));
            rows.extend(some.into_iter().map(|waiting| waiting.row));
        }
        let written = WrittenSegment::write(self.source, self.writer, &rows)?;
        self.next.ungrouped.push(Ungrouped::Written(written));
        let mut obsolete = Vec::new();
        self.next.compact(self.source, &mut obsolete);
        self.writer.discard(&obsolete);
        Ok(())
    }

    /// Moves the thumbnails of some photos into a part of a pack.
    fn pack(&mut self, some: &mut [Waiting]) -> Result<(), Error> {
        let file = |listed: &ListedThumbnail| {
            let object = Object::Thumbnail(listed.id);
            Expected { limit: largest_bytes(&object), object, digest: listed.digest }
        };
        let files: Vec<Expected> = some.iter().filter_map(|one| one.thumbnail.as_ref().map(file)).collect();
        let mut read = HashMap::with_capacity(files.len());
        self.source.backend.read_many(&files, &mut |file, bytes| {
            // The keys and the object stay, so what was sealed stays as it is, without its prefix.
            read.insert(file.digest.0, without_prefix(bytes));
        });
        let mut thumbnails = Thumbnails::new()?;
        for one in some {
            let Some(listed) = one.thumbnail.take() else { continue };
            let sealed = match read.remove(&listed.digest.0) {
                Some(sealed) => sealed,
                // Says what is wrong with it.
                None => without_prefix(&self.source.backend.read_verified(&file(&listed))?),
            };
            let number = thumbnails.sealed.len() as u32;
            one.row.record.thumbnail = Some(ThumbnailPlace { part: thumbnails.part, number });
            thumbnails.sealed.push((listed.id, sealed));
        }
        self.packing.add(&thumbnails)?;
        self.packing.merge()?;
        self.writer.discard(&self.packing.take_obsolete());
        Ok(())
    }

    /// Writes what is left.
    fn finish(mut self) -> Result<Contents, Error> {
        if !self.rows.is_empty() {
            let last = std::mem::take(&mut self.rows);
            self.write(last)?;
        }
        let (groups, segments) = self.next.write(self.source, self.writer)?;
        let (packs, obsolete) = self.packing.finish();
        self.writer.discard(&obsolete);
        Ok(Contents { groups, segments, packs, tables: Vec::new() })
    }
}
