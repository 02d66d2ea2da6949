//! Replicas of one vault: brings the target to the generation of the source by copying the files that it lacks, and
//! then the mapping.
//!
//! # When a transfer is refused
//! The source must continue an older target: its history says so, at any distance. Where its history does not go back
//! that far, it must contain every image of the target. A target that is newer than the source, or was changed
//! separately, is left alone; so is one that has photos which the source has lost without a removal. A target that is
//! only newer, or has such photos, is replaced if the caller accepts that ([`OlderSource::Accept`]). A source whose
//! header is not the one of its generation is never copied.
//!
//! Files never change once written, so those left by an interrupted transfer are compared by digest and not sent again.
//!
//! Must never: commit a mapping before its files are there, trust a mapping without checking its tag, or open a photo.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::{Error, elsewhere};
use crate::cipher::Passphrase;
use crate::durable::IfLocked;
use crate::vault;
use crate::vault::{
    Abandoned, Backend, Descent, Directory, Expected, Freshness, Id, Object, Seen, SignedMapping, Snapshot, Vault,
    Writer,
};

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
    /// The vault that its header claimed when the user was asked for the passphrase; `None` where there was none.
    pub claimed: Option<Id>,
}

impl Replica {
    /// Opens the vault, whatever this machine has seen of it.
    pub(super) fn open(&self, passphrase: &Passphrase) -> Result<Vault, vault::Error> {
        match Vault::open(Arc::clone(&self.backend), passphrase, Freshness::unrecorded()) {
            Ok((vault, _)) if self.claimed.is_some_and(|claimed| claimed != vault.id()) => Err(vault::Error::Exchanged),
            Ok((vault, _)) => Ok(vault),
            Err(vault::Error::NotAVault { .. }) => Err(vault::Error::NotAVault { path: (&self.name).into() }),
            Err(error) => Err(error),
        }
    }
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The generation that both have now.
    pub newest: Seen,
}

/// Brings `to` to the generation of `from`. `passphrase` opens `from`, and afterwards `to`, because the header belongs
/// to the generation. `copied` receives the files done and their total, on this thread.
///
/// # Errors
/// [`Error::Newer`], [`Error::Forked`], [`Error::UnknownLineage`], [`Error::OtherVault`], [`Error::PhotosLost`],
/// [`Error::HeaderReplaced`], and
/// [`vault::Error::RolledBack`], [`vault::Error::Forked`] or [`vault::Error::Unproven`] when the source does not
/// continue what this machine has seen: nothing was changed then. [`vault::Error::Exchanged`] when `from` is not the
/// vault that its header claimed. A file that is missing or damaged in the source ends the transfer, and the target
/// keeps its mapping.
pub fn transfer(
    from: &Replica,
    to: &Replica,
    passphrase: &Passphrase,
    freshness: &Freshness,
    older: OlderSource,
    copied: &dyn Fn(usize, usize),
) -> Result<Transferred, vault::Error> {
    // Opened without records: which copy is newer is decided below, with a better explanation.
    let vault = from.open(passphrase)?;
    // Before the mapping is read: a generation committed in between then looks newer than the record, never older.
    let seen = freshness.seen(vault.id())?;
    let snapshot = vault.snapshot()?;
    let source = Source { replica: from, vault: &vault, snapshot: &snapshot, seen: &seen };
    if older == OlderSource::Refuse {
        require_nothing_lost(&source, to)?;
    }
    bring_up_to_date(&source, to, freshness, older, copied)
}

/// The copy that a transfer reads.
pub(super) struct Source<'a> {
    pub(super) replica: &'a Replica,
    /// The keys. It may be another copy of the same vault.
    pub(super) vault: &'a Vault,
    /// The newest generation of the copy.
    pub(super) snapshot: &'a Snapshot,
    /// What this machine had seen of the vault before that was read.
    pub(super) seen: &'a [Seen],
}

/// As [`transfer`], from a copy whose newest generation was read.
pub(super) fn bring_up_to_date(
    source: &Source<'_>,
    to: &Replica,
    freshness: &Freshness,
    older: OlderSource,
    copied: &dyn Fn(usize, usize),
) -> Result<Transferred, vault::Error> {
    let Source { replica: from, vault, snapshot, seen } = *source;
    let newest = snapshot.signed();
    let before = target_mapping(vault, from, to)?;
    let is_there = before.as_ref().is_some_and(|before| before.tag == newest.tag);
    if let Some(before) = before.as_ref().filter(|_| !is_there) {
        judge(source, to, before, older)?;
    }
    // After comparing the two: "the target is newer" tells more than "the source is older than the record".
    let descent = |older: &Seen| vault.descent(&*from.backend, newest, older);
    match freshness.check(seen, newest, &descent) {
        Err(vault::Error::RolledBack { .. } | vault::Error::Forked { .. } | vault::Error::Unproven { .. })
            if older == OlderSource::Accept => {}
        outcome => outcome?,
    }
    let header = header_of(from, newest)?;
    // Without it nobody can open the target, which then needs the commit even if it is at this generation.
    let needs_commit = !is_there || !has_header(to, &header)?;
    // A transfer that was interrupted after its commit may have left files to remove.
    if !needs_commit && !has_journals(&*to.backend)? {
        if older == OlderSource::Accept {
            freshness.accept(newest)?;
        }
        return Ok(Transferred { files: 0, bytes: 0, newest: Seen::of(newest) });
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
    let is_same = match (&before, target_mapping(vault, from, to)?) {
        (Some(before), Some(now)) => before.tag == now.tag,
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        return Err(vault::Error::Locked);
    }
    let Copying { missing, obsolete } =
        if is_there { Copying::default() } else { missing_files(snapshot, before.as_ref(), to, &*writer)? };
    let missing = vault::with_sizes(&*from.backend, missing)?;
    let bytes = vault::copy_files(&*from.backend, &*writer, &missing, copied)?;
    if needs_commit {
        let header = (!has_header(to, &header)?).then_some(&*header);
        writer.commit(newest, header)?;
    }
    writer.discard(&obsolete);
    writer.remove_abandoned()?;
    writer.unlock();
    match older {
        OlderSource::Refuse => freshness.remember(seen, newest, &descent)?,
        OlderSource::Accept => freshness.accept(newest)?,
    }
    Ok(Transferred { files: missing.len(), bytes, newest: Seen::of(newest) })
}

/// The header of a copy whose newest generation is given.
pub(super) fn header_of(copy: &Replica, newest: &SignedMapping) -> Result<Vec<u8>, vault::Error> {
    vault::named_header(&*copy.backend, &newest.mapping).map_err(|error| match error {
        vault::Error::HeaderReplaced { generation } => {
            elsewhere(Error::HeaderReplaced { copy: copy.name.clone(), generation })
        }
        error => error,
    })
}

/// Whether a copy has this header under its name.
fn has_header(copy: &Replica, header: &[u8]) -> Result<bool, vault::Error> {
    match copy.backend.read(&Object::Header, vault::largest_bytes(&Object::Header)) {
        Ok(found) => Ok(found == header),
        Err(
            vault::Error::Missing { .. }
            | vault::Error::Damaged { .. }
            | vault::Error::TooLarge { .. }
            | vault::Error::NotAVault { .. },
        ) => Ok(false),
        Err(error) => Err(error),
    }
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

/// The current mapping at `to`, authenticated; `None` when there is no vault. A copy that has lost its header still is
/// one.
fn target_mapping(vault: &Vault, from: &Replica, to: &Replica) -> Result<Option<SignedMapping>, vault::Error> {
    let is_absent =
        |error: &vault::Error| matches!(error, vault::Error::Missing { .. } | vault::Error::NotAVault { .. });
    let has_header = match to.backend.read(&Object::Header, vault::largest_bytes(&Object::Header)) {
        Err(error) if is_absent(&error) => false,
        outcome => {
            outcome?;
            true
        }
    };
    let found = match to.backend.mapping() {
        Err(error) if !has_header && is_absent(&error) => return Ok(None),
        found => found?,
    };
    if found.mapping.vault != vault.id() {
        return Err(elsewhere(Error::OtherVault { there: to.name.clone(), here: from.name.clone() }));
    }
    if vault.authenticates(&found) {
        return Ok(Some(found));
    }
    Err(vault::Error::Damaged { object: Object::Mapping, what: "it does not authenticate" })
}

/// Refuses a target that has photos which the source has lost: they would be gone from both.
fn require_nothing_lost(source: &Source<'_>, to: &Replica) -> Result<(), vault::Error> {
    let Source { replica: from, vault, snapshot, .. } = *source;
    let Some(before) = target_mapping(vault, from, to)?.filter(|before| !before.mapping.is_old()) else {
        return Ok(());
    };
    let newest = snapshot.signed();
    if before.tag == newest.tag || vault.descent(&*from.backend, newest, &Seen::of(&before))? != Descent::Continues {
        return Ok(());
    }
    let photos = vault::lost_since(&vault.other_copy(Arc::clone(&to.backend))?, snapshot)?;
    if photos == 0 {
        return Ok(());
    }
    Err(elsewhere(Error::PhotosLost { there: to.name.clone(), here: from.name.clone(), photos }))
}

/// Whether the source knows every photo that was removed from the target, which is at the generation `before`.
fn knows_removals(source: &Source<'_>, to: &Replica, before: &SignedMapping) -> Result<bool, vault::Error> {
    if before.mapping.is_old() {
        return Ok(true);
    }
    let target = source.vault.other_copy(Arc::clone(&to.backend))?;
    let known: HashSet<_> = source.snapshot.tombstones()?.iter().map(vault::Tombstone::key).collect();
    Ok(target.tombstones()?.iter().all(|removal| known.contains(&removal.key())))
}

/// Refuses a target, which is at the generation `before`, that the source does not continue.
fn judge(source: &Source<'_>, to: &Replica, before: &SignedMapping, if_older: OlderSource) -> Result<(), vault::Error> {
    let Source { replica: from, vault, snapshot, .. } = *source;
    let newest = snapshot.signed();
    let (ours, theirs) = (newest.mapping.generation, before.mapping.generation);
    let (there, here) = (to.name.clone(), from.name.clone());
    let lineage = if theirs < ours {
        vault.descent(&*from.backend, newest, &Seen::of(before))?
    } else {
        vault.descent(&*to.backend, before, &Seen::of(newest))?
    };
    match lineage {
        Descent::Forked => Err(elsewhere(Error::Forked { there, theirs, here, ours })),
        // A host refuses an older generation (see `staging`), so only a local target can go back.
        Descent::Continues if theirs > ours && if_older == OlderSource::Accept && to.backend.scanner().is_none() => {
            Ok(())
        }
        Descent::Unknown if theirs > ours && if_older == OlderSource::Accept => {
            Err(elsewhere(Error::UnknownLineage { there, theirs, here, ours }))
        }
        _ if theirs > ours => Err(elsewhere(Error::Newer { there, theirs, here, ours })),
        Descent::Continues => Ok(()),
        Descent::Unknown => {
            let kept: HashSet<_> = vault::listed_images(&*from.backend, snapshot.mapping())?.into_iter().collect();
            let would_be_lost = vault::listed_images(&*to.backend, &before.mapping)?;
            if would_be_lost.iter().all(|image| kept.contains(image)) && knows_removals(source, to, before)? {
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
    let left = vault::reuse_staged(&*to.backend, writer, left)?;
    Ok(Copying { missing: [absent, left].concat(), obsolete })
}
