//! Restoring damaged files from another copy of the vault.
//!
//! A file is taken only if its content has the digest that the authenticated mapping, or a list that the mapping names,
//! has for it. So the other copy needs no trust: it may be older or newer, damaged itself, or from somebody who lies.
//!
//! Files keep their names. The new content arrives under a spare name, is hashed on the way, and is put in the place of
//! the damaged file only when it is whole: until then nothing is removed, and a copy that sends something else changes
//! nothing. A crash leaves at most a file missing that was damaged before. Its name is in the writer's journal, and the
//! current mapping references it, so no later writer removes what was restored.
//!
//! Must never: remove a file whose digest is right, hold an original in memory, or trust the other copy's mapping.

use std::collections::{HashMap, HashSet};

use crate::durable::IfLocked;
use crate::vault::backend::Backend;
use crate::vault::backend::copying::stage_copy;
use crate::vault::backend::generation::{entry_files, original_file};
use crate::vault::backend::keyless_check::{Compared, Difference, differing};
use crate::vault::backend::writer::{Abandoned, Writer};
use crate::vault::error::Error;
use crate::vault::format::expected::Expected;
use crate::vault::format::extension::Extension;
use crate::vault::format::hex::Id;
use crate::vault::format::layout::{Directory, Object};
use crate::vault::format::shape::Shape;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::unlocked::Vault;

/// How far a restoration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreProgress {
    /// Files of the vault were compared with their digests.
    Compared(Compared),
    /// Damaged files were restored, or found to be damaged in the other copy too.
    Fetched {
        /// Files done.
        files: usize,
        /// Of so many.
        of: usize,
    },
}

/// What was taken from the other copy.
#[derive(Debug, Default)]
#[must_use]
pub struct Restored {
    /// Files that are whole again.
    pub restored: Vec<Object>,
    /// Damaged files that the other copy does not have either, and what it has instead.
    pub lacking: Vec<Difference>,
}

/// Compares every file of `vault` with its digest, and takes those that are damaged or missing from `other`, another
/// copy of the same vault. A restored list may name more files, which are then compared too, until there is nothing
/// more to take. At the end the current mapping is committed again, which makes everything durable: the vault is what
/// it was, so its other copies are as new as before.
///
/// # Errors
/// [`Error::Locked`]; [`Error::Outdated`]; when either place cannot be reached, or the vault cannot be written. What
/// was restored before the error stays.
pub fn restore(
    vault: &Vault,
    other: &dyn Backend,
    if_locked: IfLocked,
    progress: &dyn Fn(RestoreProgress),
) -> Result<Restored, Error> {
    vault.require_newest()?;
    // Staged files are kept after an error: the current mapping references them.
    let writer = vault.backend().writer(Abandoned::Keep)?;
    writer.lock(if_locked)?;
    let current = vault.current()?;
    current.mapping.require_writable()?;
    let mut outcome = Restored::default();
    let ended = restore_all(vault, other, &*writer, &mut outcome, progress);
    let committed = if outcome.restored.is_empty() { Ok(()) } else { writer.commit(&current, None) };
    ended.and(committed)?;
    writer.remove_abandoned()?;
    writer.unlock();
    Ok(outcome)
}

fn restore_all(
    vault: &Vault,
    other: &dyn Backend,
    writer: &dyn Writer,
    outcome: &mut Restored,
    progress: &dyn Fn(RestoreProgress),
) -> Result<(), Error> {
    let mut known = HashSet::new();
    loop {
        // Under the lock this is always the same generation, but more of its lists can be read.
        let mut files = files_behind_readable_lists(&vault.snapshot()?)?;
        files.retain(|file| known.insert(file.object.clone()));
        let compared = |compared| progress(RestoreProgress::Compared(compared));
        let damaged = differing(vault.backend(), files, &compared)?;
        if damaged.is_empty() {
            return Ok(());
        }
        let before = outcome.restored.len();
        let damaged = damaged.into_iter().map(|difference| difference.file).collect();
        fetch_all(other, writer, damaged, outcome, progress)?;
        if outcome.restored.len() == before {
            return Ok(());
        }
    }
}

/// Every file of a generation, as far as its lists can be read. In the place of a damaged list of a group its copy will
/// do.
fn files_behind_readable_lists(snapshot: &Snapshot) -> Result<Vec<Expected>, Error> {
    let mut files = entry_files(snapshot.mapping())?;
    let shape = Shape::of(snapshot.mapping())?;
    for segment in snapshot.readable_segments() {
        files.extend(shape.segment_files(segment.entry()));
        let (images, companions) = (segment.images().unwrap_or_default(), segment.companions().unwrap_or_default());
        files.extend(images.iter().chain(companions).map(original_file));
    }
    Ok(files)
}

/// Takes those of `damaged` that `other` has.
fn fetch_all(
    other: &dyn Backend,
    writer: &dyn Writer,
    damaged: Vec<Expected>,
    outcome: &mut Restored,
    progress: &dyn Fn(RestoreProgress),
) -> Result<(), Error> {
    let of = damaged.len();
    let lacking = differing(other, damaged.clone(), &|_| {})?;
    let is_lacking: HashSet<Object> = lacking.iter().map(|difference| difference.file.object.clone()).collect();
    outcome.lacking.extend(lacking);
    let wanted: Vec<_> = damaged.into_iter().filter(|file| !is_lacking.contains(&file.object)).collect();
    let sizes = sizes(other, &wanted)?;
    let spares = wanted.iter().map(|_| Ok(Object::Photo(Id::random()?, Extension::of("".as_ref()))));
    let spares = spares.collect::<Result<Vec<_>, Error>>()?;
    let announced: Vec<_> = wanted.iter().map(|file| &file.object).chain(&spares).cloned().collect();
    writer.announce(&announced)?;
    for (done, (file, spare)) in (is_lacking.len() + 1..).zip(wanted.into_iter().zip(spares)) {
        let bytes = sizes.get(&file.object).copied().unwrap_or(0);
        match fetch(other, writer, &file, bytes, &spare)? {
            None => outcome.restored.push(file.object),
            Some(cause) => outcome.lacking.push(Difference { file, cause }),
        }
        progress(RestoreProgress::Fetched { files: done, of });
    }
    Ok(())
}

/// The bytes of files, as their place says.
fn sizes(other: &dyn Backend, files: &[Expected]) -> Result<HashMap<Object, u64>, Error> {
    let directories: HashSet<Directory> = files.iter().filter_map(|file| file.object.directory()).collect();
    let wanted: HashSet<&Object> = files.iter().map(|file| &file.object).collect();
    let mut sizes = HashMap::new();
    for directory in directories {
        let listed = other.list(directory)?.into_iter().filter(|listed| wanted.contains(&listed.object));
        sizes.extend(listed.map(|listed| (listed.object, listed.bytes)));
    }
    Ok(sizes)
}

/// Takes one file of `bytes` bytes. Returns why the other copy does not have it, if it does not.
fn fetch(
    other: &dyn Backend,
    writer: &dyn Writer,
    file: &Expected,
    bytes: u64,
    spare: &Object,
) -> Result<Option<Error>, Error> {
    if let Some(cause) = stage_copy(other, writer, file, spare, bytes)? {
        return Ok(Some(cause));
    }
    writer.discard(std::slice::from_ref(&file.object));
    let written = writer.concatenate(&file.object, std::slice::from_ref(spare));
    // Also after an error: the commit of what was restored before must not count it as a file of the vault.
    writer.discard(std::slice::from_ref(spare));
    // Copied where the vault is stored: another digest means that its disk or its host is at fault.
    if written? == file.digest { Ok(None) } else { Err(file.differs()) }
}
