//! Replicas of one vault: brings the target to the generation of the source by copying the files that it lacks, and
//! then the mapping.
//!
//! # When a transfer is refused
//! The source must contain every image of an older target, or be proved to continue it: by the tag of the previous
//! generation, or by this machine's record of the generations between them. A target that is newer than the source, or
//! was changed separately, is left alone. A target that is only newer is replaced if the caller accepts the older
//! source ([`OlderSource::Accept`]).
//!
//! Files never change once written, so those left by an interrupted transfer are compared by digest and not sent again.
//!
//! Must never: commit a mapping before its files are there, trust a mapping without checking its tag, or open a photo.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use super::error::{Error, elsewhere};
use crate::cipher::Passphrase;
use crate::durable::IfLocked;
use crate::vault;
use crate::vault::{
    Abandoned, Backend, Digest, Directory, Expected, Freshness, Hex, Lineage, Object, SignedMapping, Snapshot, Vault,
    Writer,
};

/// Files read at once, so that a distant source costs few round trips.
const READERS: usize = 8;

/// Files of more bytes than this are sent in pieces, one after the other.
const LARGE_BYTES: u64 = 32 << 20;
/// Bytes of a piece.
const PIECE_BYTES: u64 = 4 << 20;

/// What to do with a source older than the target, or older than this machine has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderSource {
    /// Refuse it.
    Refuse,
    /// Copy it: its owner wants it to be the newest from now on. The target loses what only it has.
    Accept,
}

/// One of the two copies of a vault.
pub struct Replica {
    /// Its files.
    pub backend: Arc<dyn Backend>,
    /// Its name in errors.
    pub name: String,
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The generation that both have now.
    pub generation: u64,
}

/// Brings `to` to the generation of `from`. `passphrase` opens `from`, and afterwards `to`, because the header belongs
/// to the generation. `copied` receives the files done and their total, on this thread.
///
/// # Errors
/// [`Error::Newer`], [`Error::Forked`], [`Error::UnknownLineage`], [`Error::OtherVault`], and
/// [`vault::Error::RolledBack`] when this machine has seen a newer generation than the source's: nothing was changed
/// then. A file that is missing or damaged in the source ends the transfer, and the target keeps its mapping.
pub fn transfer(
    from: &Replica,
    to: &Replica,
    passphrase: &Passphrase,
    freshness: &Freshness,
    older: OlderSource,
    copied: &dyn Fn(usize, usize),
) -> Result<Transferred, vault::Error> {
    // Opened without records: which copy is newer is decided below, with a better explanation.
    let opened = Vault::open(Arc::clone(&from.backend), passphrase, Freshness::unrecorded());
    let (vault, _) = opened.map_err(|error| match error {
        vault::Error::NotAVault { .. } => vault::Error::NotAVault { path: (&from.name).into() },
        error => error,
    })?;
    // Before the mapping is read: a generation committed in between then looks newer than the record, never older.
    let seen = freshness.seen(vault.id())?;
    let snapshot = vault.snapshot()?;
    let newest = snapshot.signed();
    let before = target_mapping(&vault, from, to)?;
    let is_there = before.as_ref().is_some_and(|before| before.tag == newest.tag);
    if let Some(before) = before.as_ref().filter(|_| !is_there) {
        judge(from, to, newest, before, &snapshot, freshness, older)?;
    }
    // After comparing the two: "the target is newer" tells more than "the source is older than the record".
    match freshness.check(seen, newest) {
        Err(vault::Error::RolledBack { .. }) if older == OlderSource::Accept => {}
        outcome => outcome?,
    }
    // A transfer that was interrupted after its commit may have left files to remove.
    if is_there && !has_journals(&*to.backend)? {
        if older == OlderSource::Accept {
            freshness.accept(newest)?;
        }
        return Ok(Transferred { generation: newest.mapping.generation, ..Transferred::default() });
    }
    let writer = match &before {
        Some(_) => {
            let writer = to.backend.writer(Abandoned::Keep)?;
            writer.lock(IfLocked::Wait)?;
            writer
        }
        None => {
            newest.mapping.require_writable()?;
            to.backend.create(vault.id(), Abandoned::Keep)?
        }
    };
    // Again under the lock: another writer may have committed since the first comparison.
    let is_same = match (&before, target_mapping(&vault, from, to)?) {
        (Some(before), Some(now)) => before.tag == now.tag,
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        return Err(vault::Error::Locked);
    }
    let Copying { missing, obsolete } =
        if is_there { Copying::default() } else { missing_files(&snapshot, before.as_ref(), to, &*writer)? };
    let bytes = send(&*from.backend, &*writer, &missing, copied)?;
    if !is_there {
        let named = newest.mapping.header;
        let header = match before {
            Some(before) if before.mapping.header == named => None,
            _ => Some(from.backend.header(&named)?),
        };
        writer.commit(newest, header.as_deref())?;
    }
    writer.discard(&obsolete);
    writer.remove_abandoned()?;
    writer.unlock();
    match older {
        OlderSource::Refuse => freshness.remember(newest)?,
        OlderSource::Accept => freshness.accept(newest)?,
    }
    Ok(Transferred { files: missing.len(), bytes, generation: newest.mapping.generation })
}

/// Whether a writer at the target is at work, or was interrupted.
fn has_journals(target: &dyn Backend) -> Result<bool, vault::Error> {
    let of_earlier_versions = target.read(&Object::Writing, 0);
    Ok(!matches!(of_earlier_versions, Err(vault::Error::Missing { .. }))
        || !target.list(Directory::Journals)?.is_empty())
}

/// What a transfer changes in the target.
#[derive(Default)]
struct Copying {
    /// Files to copy.
    missing: Vec<Expected>,
    /// Files to remove after the commit.
    obsolete: Vec<Object>,
}

/// The current mapping at `to`, authenticated; `None` when there is no vault.
fn target_mapping(vault: &Vault, from: &Replica, to: &Replica) -> Result<Option<SignedMapping>, vault::Error> {
    match to.backend.read(&Object::Header, u64::from(u16::MAX)) {
        Err(vault::Error::Missing { .. } | vault::Error::NotAVault { .. }) => return Ok(None),
        outcome => drop(outcome?),
    }
    let found = to.backend.mapping()?;
    if found.mapping.vault != vault.id() {
        return Err(elsewhere(Error::OtherVault { there: to.name.clone(), here: from.name.clone() }));
    }
    if vault.authenticates(&found) {
        return Ok(Some(found));
    }
    Err(vault::Error::Damaged { object: Object::Mapping, what: "it does not authenticate" })
}

/// Refuses a target that `newest` does not continue.
fn judge(
    from: &Replica,
    to: &Replica,
    newest: &SignedMapping,
    before: &SignedMapping,
    snapshot: &Snapshot,
    freshness: &Freshness,
    if_older: OlderSource,
) -> Result<(), vault::Error> {
    let (ours, theirs) = (newest.mapping.generation, before.mapping.generation);
    let (there, here) = (to.name.clone(), from.name.clone());
    let forked = |there, here| Err(elsewhere(Error::Forked { there, theirs, here, ours }));
    if theirs == ours {
        return forked(there, here);
    }
    let (older, newer) = if theirs < ours { (before, newest) } else { (newest, before) };
    let lineage = match newer.mapping.generation - older.mapping.generation {
        1 if newer.mapping.parents.contains(&older.tag) => Lineage::Continues,
        1 => Lineage::Forked,
        _ => freshness.lineage(older, newer)?,
    };
    match lineage {
        Lineage::Forked => forked(there, here),
        // A host refuses an older generation (see `staging`), so only a local target can go back.
        Lineage::Continues if theirs > ours && if_older == OlderSource::Accept && to.backend.scanner().is_none() => {
            Ok(())
        }
        Lineage::Unknown if theirs > ours && if_older == OlderSource::Accept => {
            Err(elsewhere(Error::UnknownLineage { there, theirs, here, ours }))
        }
        _ if theirs > ours => Err(elsewhere(Error::Newer { there, theirs, here, ours })),
        Lineage::Continues => Ok(()),
        Lineage::Unknown => {
            let kept: HashSet<_> = vault::listed_images(&*from.backend, snapshot.mapping())?.into_iter().collect();
            let would_be_lost = vault::listed_images(&*to.backend, &before.mapping)?;
            if would_be_lost.iter().all(|image| kept.contains(image)) {
                return Ok(());
            }
            Err(elsewhere(Error::UnknownLineage { there, theirs, here, ours }))
        }
    }
}

/// The files of `snapshot` that `to` lacks, and the files that become obsolete. Announces all of them to the writer. Of
/// what an interrupted transfer left, whole files are adopted and damaged ones removed.
fn missing_files(
    snapshot: &Snapshot,
    before: Option<&SignedMapping>,
    to: &Replica,
    writer: &dyn Writer,
) -> Result<Copying, vault::Error> {
    let mut missing = snapshot.files()?;
    let mut present = HashSet::new();
    for directory in Directory::ALL {
        present.extend(to.backend.list(directory)?.into_iter().map(|listed| listed.object.to_string()));
    }
    let named: Vec<Object> = match before {
        Some(before) => {
            let files = vault::named_files(&*to.backend, &before.mapping)?;
            files.into_iter().map(|file| file.object).collect()
        }
        None => Vec::new(),
    };
    let is_named: HashSet<String> = named.iter().map(ToString::to_string).collect();
    let is_newest: HashSet<String> = missing.iter().map(|file| file.object.to_string()).collect();
    let is_in_both = |object: &String| is_named.contains(object) && present.contains(object);
    missing.retain(|file| !is_in_both(&file.object.to_string()));
    let obsolete: Vec<_> = named.into_iter().filter(|object| !is_newest.contains(&object.to_string())).collect();
    let announced = missing.iter().map(|file| &file.object).chain(&obsolete).cloned();
    writer.announce(&announced.collect::<Vec<_>>())?;
    let (left, absent): (Vec<_>, Vec<_>) =
        missing.into_iter().partition(|file| present.contains(&file.object.to_string()));
    let objects: Vec<Object> = left.iter().map(|file| file.object.clone()).collect();
    let digests = to.backend.digests(&objects)?;
    let (whole, torn): (Vec<_>, Vec<_>) =
        left.into_iter().zip(digests).partition(|(file, digest)| *digest == Some(file.digest));
    let objects_of = |files: &[(Expected, Option<Digest>)]| -> Vec<Object> {
        files.iter().map(|(file, _)| file.object.clone()).collect()
    };
    if !whole.is_empty() {
        writer.adopt(&objects_of(&whole))?;
    }
    if !torn.is_empty() {
        writer.discard(&objects_of(&torn));
    }
    let torn = torn.into_iter().map(|(file, _)| file).collect();
    Ok(Copying { missing: [absent, torn].concat(), obsolete })
}

/// Reads and stages `files`; returns their total size.
fn send(
    from: &dyn Backend,
    writer: &dyn Writer,
    files: &[Expected],
    copied: &dyn Fn(usize, usize),
) -> Result<u64, vault::Error> {
    let sizes: HashMap<Object, u64> = [Directory::Images, Directory::Thumbnails]
        .into_iter()
        .map(|directory| from.list(directory))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .map(|listed| (listed.object, listed.bytes))
        .collect();
    let size = |file: &Expected| sizes.get(&file.object).copied().unwrap_or(0);
    let (large, small): (Vec<_>, Vec<_>) = files.iter().partition(|file| size(file) > LARGE_BYTES);
    let total = files.len();
    let mut bytes = send_small(from, writer, &small, &|done| copied(done, total))?;
    for (done, file) in large.into_iter().enumerate() {
        bytes += send_large(from, writer, file, size(file))?;
        copied(small.len() + done + 1, total);
    }
    Ok(bytes)
}

/// Sends a file in pieces, and compares its digest.
fn send_large(from: &dyn Backend, writer: &dyn Writer, file: &Expected, bytes: u64) -> Result<u64, vault::Error> {
    let (mut hasher, mut at) = (blake3::Hasher::new(), 0);
    let mut pieces = std::iter::from_fn(|| {
        let piece = (at < bytes).then(|| from.read_at(&file.object, at, PIECE_BYTES.min(bytes - at)))?;
        // A file that became shorter ends here, and its digest differs.
        let piece = piece.and_then(|piece| if piece.is_empty() { Err(file.differs()) } else { Ok(piece) });
        if let Ok(piece) = &piece {
            hasher.update(piece);
            at += piece.len() as u64;
        }
        Some(piece)
    });
    writer.stage_from(&file.object, bytes, &mut pieces)?;
    if Hex(hasher.finalize().into()) == file.digest {
        return Ok(bytes);
    }
    writer.discard(std::slice::from_ref(&file.object));
    Err(file.differs())
}

/// Sends files that fit into memory; returns their total size.
fn send_small(
    from: &dyn Backend,
    writer: &dyn Writer,
    files: &[&Expected],
    copied: &dyn Fn(usize),
) -> Result<u64, vault::Error> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (read, staged) = sync_channel(READERS);
        for _ in 0..READERS {
            let (read, next) = (read.clone(), &next);
            scope.spawn(move || {
                while let Some(&file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The receiver stops after an error.
                    if read.send((file, from.read_verified(file))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(read);
        let (mut bytes, mut done) = (0, 0);
        for (file, content) in staged {
            let content = content?;
            writer.stage(&file.object, &[&content])?;
            bytes += content.len() as u64;
            done += 1;
            copied(done);
        }
        Ok(bytes)
    })
}
