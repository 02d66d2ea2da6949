//! Claims: how a writer makes sure that no other one commits the same generation, also where locks do nothing.
//!
//! ```text
//! claims/<generation>-<random id>   the mapping that a writer is about to commit
//! claims/<generation>.<number>      a claim of this generation, an empty file that is created exclusively
//! ```
//!
//! A commit writes its mapping, takes the next free number of its generation, looks whether `mapping.json` still is the
//! one that it follows, and then renames its mapping to `mapping.json`. With a number above 0, other writers may have
//! claimed the generation too: they are at work, or were interrupted. So before it looks, it removes their mappings,
//! and whoever misses its mapping cannot commit any more. A claim stays until its generation is an older one, so that
//! a writer which still follows that one finds either the claim or the newer mapping.
//!
//! This needs no clock and no lock: whenever a writer is suspended and wherever it goes on, its rename either comes
//! before another writer looks at `mapping.json`, or fails.
//!
//! Must never: remove a claim of the current generation or a later one that somebody else made.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::directories::Directories;
use crate::durable::Dir;
use crate::vault::error::Error;
use crate::vault::format::hex::{Id, MacTag};
use crate::vault::format::layout::{CLAIMS, Object};
use crate::vault::format::mapping::SignedMapping;

/// How long a writer waits for another one to finish its commit before it takes the generation over. Only where locks
/// do nothing: elsewhere the other one was interrupted.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(10);
/// How many numbers are tried when others are faster.
const TRIES: usize = 100;

/// Whether the lock on the vault keeps other writers out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Locks {
    /// Yes, those of this machine at least.
    Exclude,
    /// No, as on some network mounts.
    DoNothing,
}

/// A file in the directory of claims.
#[derive(Clone, PartialEq, Eq)]
enum Entry {
    Mapping { generation: u64 },
    Claim { generation: u64, number: u32 },
}

impl Entry {
    fn parse(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        if let Some((generation, id)) = name.split_once('-') {
            let _: Id = id.parse().ok()?;
            return Some(Self::Mapping { generation: generation.parse().ok()? });
        }
        let (generation, number) = name.split_once('.')?;
        Some(Self::Claim { generation: generation.parse().ok()?, number: number.parse().ok()? })
    }
}

fn io_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotADirectory => Error::ForeignDirectory { directory: CLAIMS },
        _ => Error::io(CLAIMS)(error),
    }
}

/// Whether an interrupted writer may have left a file with this name among the claims.
pub(super) fn is_name(name: &OsStr) -> bool {
    Entry::parse(name).is_some()
}

/// A claim of one generation.
pub(super) struct Claim<'a> {
    directories: &'a Directories,
    dir: Dir,
    generation: u64,
    /// The names of the mapping and of the claim; the second is empty until it is made.
    mapping: String,
    claim: String,
    is_published: bool,
}

impl<'a> Claim<'a> {
    /// Writes `next` beside the current mapping, whose tag is `in_force`, and claims its generation.
    ///
    /// # Errors
    /// [`Error::Overtaken`]; [`Error::ForeignDirectory`]; what the system reports.
    pub(super) fn take(
        directories: &'a Directories,
        next: &SignedMapping,
        in_force: Option<MacTag>,
        locks: Locks,
    ) -> Result<Self, Error> {
        let dir = directories.root().and_then(|root| root.create_dir(CLAIMS)).map_err(io_error)?;
        let generation = next.mapping.generation;
        let (mapping, claim) = (format!("{generation}-{}", Id::random()?), String::new());
        let mut own = Self { directories, dir, generation, mapping, claim, is_published: false };
        let written = own.dir.create_file(&own.mapping).and_then(|mut file| {
            file.write_all(next.text().as_bytes())?;
            file.sync_all()
        });
        written.map_err(Error::io(Object::Mapping))?;
        let number = own.claim(in_force, locks)?;
        if number > 0 {
            own.revoke_others()?;
        }
        Ok(own)
    }

    /// Takes the next free number of the generation, and returns it.
    fn claim(&mut self, in_force: Option<MacTag>, locks: Locks) -> Result<u64, Error> {
        let mut patience = if locks == Locks::DoNothing { PATIENCE } else { Duration::ZERO };
        for _ in 0..TRIES {
            let number = self.free_number()?;
            if number > 0 {
                self.wait_for_another(in_force, std::mem::take(&mut patience))?;
            }
            let claim = format!("{}.{number}", self.generation);
            match self.dir.create_file(&claim) {
                Ok(_) => {
                    self.claim = claim;
                    return Ok(number);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error(error)),
            }
        }
        Err(Error::Overtaken)
    }

    /// The number after those of this generation that are taken.
    fn free_number(&self) -> Result<u64, Error> {
        let number = |name: &OsStr| match Entry::parse(name)? {
            Entry::Claim { generation, number } if generation == self.generation => Some(number),
            _ => None,
        };
        let entries = self.dir.entries().map_err(io_error)?;
        let last = entries.iter().filter_map(|entry| number(&entry.name)).max();
        Ok(last.map_or(0, |last| u64::from(last) + 1))
    }

    /// Gives another writer time to commit.
    fn wait_for_another(&self, in_force: Option<MacTag>, patience: Duration) -> Result<(), Error> {
        let until = Instant::now() + patience;
        loop {
            if self.directories.tag_in_force()? != in_force {
                return Err(Error::Overtaken);
            }
            if Instant::now() >= until {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }

    /// Removes the mappings of all other writers of this generation.
    fn revoke_others(&self) -> Result<(), Error> {
        remove_where(&self.dir, |name, entry| {
            name != self.mapping && *entry == Entry::Mapping { generation: self.generation }
        })
    }

    /// Makes the mapping the current one, visibly and durably.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when another writer has taken the generation over: the current mapping was not replaced by
    /// this one. After other errors it may have been.
    pub(super) fn publish(mut self, root: &Dir) -> Result<(), Error> {
        let target = Object::Mapping.file_name();
        match self.dir.rename(self.mapping.as_ref(), root, target.as_ref()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Overtaken),
            renamed => {
                self.is_published = true;
                renamed.and_then(|()| root.sync()).map_err(Error::io(Object::Mapping))?;
            }
        }
        let generation = self.generation;
        // Best effort: the next commit removes them too.
        let _ = remove_where(&self.dir, |_, entry| match entry {
            Entry::Mapping { generation: other } => *other <= generation,
            Entry::Claim { generation: other, .. } => *other < generation,
        });
        Ok(())
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.is_published {
            return;
        }
        // In this order: a claim stands for its mapping. What cannot be removed is left to the next writer.
        let is_removed = self.dir.remove(&self.mapping).is_ok();
        if is_removed && !self.claim.is_empty() {
            let _ = self.dir.remove(&self.claim);
        }
    }
}

/// Takes away the mappings of all writers that have not committed yet: they cannot commit any more.
///
/// # Errors
/// What the system reports.
pub(super) fn revoke_all(directories: &Directories) -> Result<(), Error> {
    match directories.root().and_then(|root| root.open_dir(CLAIMS)) {
        Ok(dir) => remove_where(&dir, |_, entry| matches!(entry, Entry::Mapping { .. })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error(error)),
    }
}

/// Removes the files among the claims that are meant. Leaves foreign ones alone.
fn remove_where(dir: &Dir, is_meant: impl Fn(&str, &Entry) -> bool) -> Result<(), Error> {
    for entry in dir.entries().map_err(io_error)? {
        let Some((name, parsed)) = entry.name.to_str().zip(Entry::parse(&entry.name)) else { continue };
        if !is_meant(name, &parsed) {
            continue;
        }
        match dir.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
            _ => {}
        }
    }
    Ok(())
}
