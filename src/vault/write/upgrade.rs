//! Upgrading a vault of format 1 or 2 to format 3, in place: one commit that replaces every file but the originals.
//!
//! The new files are staged next to the old ones, segment by segment, under the writer's lock (see `conversion`). Until
//! the commit the vault is the old one, and after it the new one. An interrupted upgrade leaves what it staged, and the
//! next attempt on the same machine goes on from there (see `draft`). An upgrade that fails removes what it has
//! written, but for files that it was just writing: those are left to the next writer, as after any interrupted one.
//!
//! Must never: change the old vault before the commit, or go on without a file that is damaged.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::conversion::{Conversion, Project, UpgradeProgress};
use super::draft::DraftFile;
use super::history::{Continuing, IfDamaged, remember};
use super::tables;
use crate::cipher::Passphrase;
use crate::ckks::{BLOCK_IMAGES, Parameters};
use crate::durable::IfLocked;
use crate::vault::backend::writer::Abandoned;
use crate::vault::backend::{Listed, generation};
use crate::vault::error::Error;
use crate::vault::format::dedup;
use crate::vault::format::header;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::hints;
use crate::vault::format::layout::{Directory, GroupPart, Object, Part};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::list;
use crate::vault::format::mapping::SignedMapping;
use crate::vault::format::sealed;
use crate::vault::format::sealed::VaultKeys;
use crate::vault::format::segment::Search;
use crate::vault::format::shape::Shape;
use crate::vault::format::space::{FeatureSpace, Space};
use crate::vault::format::table::Table;
use crate::vault::format::vectors;
use crate::vault::read::check;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;
use crate::vault::unlocked::Vault;

/// Most bytes that merging packs needs for a moment: eight packs that are just small enough to be merged.
const LARGEST_MERGE_BYTES: u64 = 2 << 30;

/// More bytes than a row of the history takes.
const HISTORY_ROW_BYTES: usize = 128;

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

/// The outcome of an upgrade.
#[must_use]
pub struct Upgraded {
    /// The generation that it made.
    pub generation: u64,
    /// Photos that an interrupted upgrade had written already.
    pub resumed: usize,
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
    /// See [`Project`].
    pub project: &'a Project<'a>,
    /// A file outside the vault, in which an interrupted upgrade finds what it had written.
    pub draft: &'a Path,
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
    let segments: HashSet<Id> = old.segments()?.map(|segment| segment.entry().id).collect();
    let groups: HashSet<Id> = old.mapping().groups.iter().map(|group| group.id).collect();
    // Files of an interrupted upgrade are used again or removed first.
    let (mut read, mut removed, mut catalogues, mut left) = (0, 0, 0, 0);
    for Listed { object, bytes } in backend.list(Directory::Features)? {
        let is_old = match &object {
            Object::Segment(id, _) => segments.contains(id),
            Object::Group(id, _) => groups.contains(id),
            _ => false,
        };
        *if is_old { &mut removed } else { &mut left } += bytes;
        match object {
            _ if !is_old => {}
            Object::Segment(_, Part::OldCatalogue) => {
                read += bytes;
                catalogues += bytes;
            }
            Object::Segment(_, Part::OldList | Part::Vectors) | Object::Group(_, GroupPart::List) => read += bytes,
            _ => {}
        }
    }
    let mut thumbnails = backend.size(Directory::Thumbnails)?;
    if left > 0 {
        let is_pack = |listed: &Listed| matches!(listed.object, Object::Pack(..));
        let packs: u64 =
            backend.list(Directory::Thumbnails)?.iter().filter(|listed| is_pack(listed)).map(|pack| pack.bytes).sum();
        thumbnails = thumbnails.saturating_sub(packs);
        left += packs;
    }
    // Padding adds at most an eighth to short files, and much less to parts.
    let packs = thumbnails + thumbnails / 8;
    let segments: u64 = old.segments()?.map(|segment| segment_bytes(segment.len(), &parameters)).sum();
    let history = sealed::file_bytes((vault.seen()?.len() + 1) * HISTORY_ROW_BYTES) as u64;
    let written = segments + catalogues + dedup::pages_bytes(old.len()) as u64 + packs + history;
    // A merged pack may be merged again before the packs in it are removed.
    let merged = packs.min(LARGEST_MERGE_BYTES);
    Ok(UpgradePlan {
        photos: old.len(),
        read: read + thumbnails,
        written,
        needed: (written + merged + merged / 4).saturating_sub(left),
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
    let Upgrade { passphrase, features, project, draft } = upgrade;
    let draft = DraftFile(draft);
    vault.require_newest()?;
    let writer = vault.backend().writer(Abandoned::Keep)?;
    writer.lock(if_locked)?;
    let old = vault.snapshot()?;
    require_old(&old)?;
    let header = vault.backend().read(&Object::Header, largest_bytes(&Object::Header))?;
    let (header, master) = header::upgraded(&header, passphrase)?;
    let keys = Arc::new(VaultKeys::new(vault.id(), master));
    let resumed = draft.read(vault, old.signed(), &features);
    let space = match &resumed {
        Some(resumed) => resumed.mapping.space()?.clone(),
        None => Space::new(features)?,
    };
    let search = Search::new(&keys, &space)?;
    let shape = Shape::Current { spaces: vec![*search.holder.parameters()] };
    let source = Arc::new(Source { backend: Arc::clone(&vault.source.backend), keys, shape, search: Some(search) });

    let next = |contents| {
        let mapping = old.mapping().upgraded(old.signed().tag, Digest::of(&[&header]), space.clone(), contents);
        SignedMapping::sign(mapping, &source.keys)
    };
    let resumed = resumed.map(|signed| Snapshot::new(&source, signed, None));
    let save = |contents| draft.write(vault, &next(contents));
    let mut conversion = Conversion::new(&source, &*writer, space.id, &save, progress);
    let converted = conversion.resume(resumed.as_ref()).and_then(|resumed| {
        for segment in old.segments()? {
            conversion.take(&vault.source, segment.entry(), project)?;
        }
        conversion.finish().map(|contents| (resumed, contents))
    });
    let (resumed, contents) = converted.inspect_err(|_| {
        // Over a lost connection nothing is removed, and the next attempt goes on from there.
        let written = Snapshot::new(&source, next(conversion.contents()), None);
        conversion.discard_all(&written);
    })?;
    let without_vector = conversion.without_vector;
    let mut obsolete = conversion.into_obsolete();
    let of_entries = generation::entry_files(old.mapping())?.into_iter().map(|file| file.object);
    obsolete.extend(of_entries.filter(|object| matches!(object, Object::Group(..))));

    let continuing = Continuing { source: &source, writer: &*writer, freshness: &vault.freshness };
    let mut contents = contents;
    let history = continuing.after(old.signed(), IfDamaged::Refuse)?;
    tables::set_pages(&mut contents.tables, Table::History, history);
    let signed = next(contents);
    writer.announce(&obsolete)?;
    writer.commit(&signed, Some(&header))?;
    draft.remove();
    writer.discard(&obsolete);
    // Also the files of the old format that no journal lists. The commit has happened, whatever becomes of them.
    if let Err(error) = writer.remove_abandoned() {
        log::warn!("files of the old format are still there: {error}");
    }
    writer.unlock();
    remember(&source, &vault.freshness, &signed)?;
    let generation = signed.mapping.generation;
    let snapshot = Snapshot::new(&source, signed, None);
    let read = |read: check::Progress| progress(UpgradeProgress::Checked(read.images));
    let report = check::check(&snapshot, check::Originals::Skip, &read)?;
    Ok(Upgraded { generation, resumed, without_vector, report })
}

fn require_old(snapshot: &Snapshot) -> Result<(), Error> {
    if snapshot.mapping().is_old() { Ok(()) } else { Err(Error::NotOutdated) }
}
