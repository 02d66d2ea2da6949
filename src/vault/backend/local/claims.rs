//! Claims: how a writer makes sure that no other one replaces the same generation, also where locks do nothing.
//!
//! ```text
//! claims/<number>-<random id>          the mapping of a writer that is about to replace the generation before this
//!                                      number
//! claims/<number>-<random id>.header   its header, if that changes, before it becomes `header.new`
//! claims/<number>                      its claim, an empty file that is created exclusively
//! claims/<number>.<random id>          the claim of a writer that found another one
//! ```
//!
//! The number is that of the current generation plus one. It need not be that of the next generation, because a merge
//! or a transfer may skip numbers. A commit writes its mapping, claims the number, looks whether `mapping.json` still
//! is the one that it follows, and then renames its mapping to `mapping.json`. If there was a claim already, its writer
//! is at work or was interrupted. So the mappings and headers of all others with this number are removed first, and a
//! writer whose files are gone cannot commit. A claim stays until the next commit, so that a writer which follows the
//! same generation finds either the claim or the newer mapping.
//!
//! This needs no clock and no lock: whenever a writer is suspended and wherever it goes on, its rename either comes
//! before another writer looks at `mapping.json`, or fails.
//!
//! Must never: remove the claim of somebody else who may still be at work.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::directories::Directories;
use crate::durable::{Dir, DirEntry, EntryKind};
use crate::vault::error::Error;
use crate::vault::format::hex::{Id, MacTag};
use crate::vault::format::history::Seen;
use crate::vault::format::layout::{CLAIMS, Object};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::mapping::SignedMapping;

/// What the name of a header ends with.
const HEADER_SUFFIX: &str = ".header";

/// How long a writer waits for another one to finish its commit before it takes the generation over. Only where locks
/// do nothing: elsewhere the other one was interrupted.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
pub(super) const POLL: Duration = Duration::from_millis(10);

/// Whether the lock on the vault keeps other writers out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Locks {
    /// Yes, those of this machine at least.
    Exclude,
    /// No, as on some network mounts.
    DoNothing,
}

/// A file in the directory of claims.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// Or the header that belongs to it.
    Mapping {
        number: u64,
    },
    Claim {
        number: u64,
    },
}

impl Entry {
    fn parse(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        // Decimal digits without a sign or leading zeros, as they are written.
        let decimal = |digits: &str| digits.parse().ok().filter(|number: &u64| number.to_string() == digits);
        let number = |digits: &str, id: &str| {
            let _: Id = id.parse().ok()?;
            decimal(digits)
        };
        if let Some((digits, id)) = name.split_once('-') {
            let id = id.strip_suffix(HEADER_SUFFIX).unwrap_or(id);
            return Some(Self::Mapping { number: number(digits, id)? });
        }
        let claimed = match name.split_once('.') {
            Some((digits, id)) => number(digits, id),
            None => decimal(name),
        };
        Some(Self::Claim { number: claimed? })
    }
}

fn io_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotADirectory => Error::ForeignDirectory { directory: CLAIMS },
        _ => Error::io(CLAIMS)(error),
    }
}

/// The names in the directory of claims that are no claims.
///
/// # Errors
/// [`Error::ForeignDirectory`]; what the system reports.
pub(super) fn foreign(directories: &Directories) -> Result<Vec<OsString>, Error> {
    let dir = match directories.root().and_then(|root| root.open_dir(CLAIMS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        dir => dir.map_err(io_error)?,
    };
    let is_foreign = |entry: &DirEntry| entry.kind != EntryKind::File || !is_name(&entry.name);
    let entries = dir.entries().map_err(io_error)?;
    Ok(entries.into_iter().filter(is_foreign).map(|entry| entry.name).collect())
}

/// Whether an interrupted writer may have left a file with this name among the claims.
pub(super) fn is_name(name: &OsStr) -> bool {
    Entry::parse(name).is_some()
}

/// A claim of one writer.
pub(super) struct Claim<'a> {
    directories: &'a Directories,
    dir: Dir,
    number: u64,
    /// Of the mapping.
    tag: MacTag,
    /// The names of the mapping and of the claim; the second is empty until it is made.
    mapping: String,
    claim: String,
    is_published: bool,
}

impl<'a> Claim<'a> {
    /// Writes `next`, and its header if that changes, beside the current mapping, which is `in_force`, and claims to
    /// replace it.
    ///
    /// # Errors
    /// [`Error::Overtaken`]; [`Error::ForeignDirectory`]; what the system reports.
    pub(super) fn take(
        directories: &'a Directories,
        next: &SignedMapping,
        header: Option<&[u8]>,
        in_force: Option<Seen>,
        locks: Locks,
    ) -> Result<Self, Error> {
        let dir = directories.root().and_then(|root| root.create_dir(CLAIMS)).map_err(io_error)?;
        let number = in_force.map_or(0, |current| current.generation).saturating_add(1);
        let mapping = format!("{number}-{}", Id::random()?);
        let (tag, claim) = (next.tag, String::new());
        let mut own = Self { directories, dir, number, tag, mapping, claim, is_published: false };
        own.write(&own.mapping, next.text().as_bytes()).map_err(Error::io(Object::Mapping))?;
        if let Some(header) = header {
            own.write(&own.header(), header).map_err(Error::io(Object::Header))?;
        }
        if !own.is_first()? {
            let patience = if locks == Locks::DoNothing { PATIENCE } else { Duration::ZERO };
            own.wait_for_another(in_force, patience)?;
            let claim = format!("{number}.{}", Id::random()?);
            own.dir.create_file(&claim).map_err(io_error)?;
            own.claim = claim;
            own.revoke_others()?;
        }
        if locks == Locks::DoNothing {
            // A revoked mapping must not come back for its writer when the file server restarts.
            own.dir.sync().map_err(io_error)?;
        }
        Ok(own)
    }

    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = self.dir.create_file(name)?;
        file.write_all(content)?;
        file.sync_all()
    }

    /// The name of the header.
    fn header(&self) -> String {
        format!("{}{HEADER_SUFFIX}", self.mapping)
    }

    /// Claims the number if nobody else has.
    fn is_first(&mut self) -> Result<bool, Error> {
        let entries = self.dir.entries().map_err(io_error)?;
        let is_claim = |name: &OsStr| Entry::parse(name) == Some(Entry::Claim { number: self.number });
        if entries.iter().any(|entry| is_claim(&entry.name)) {
            return Ok(false);
        }
        let claim = self.number.to_string();
        match self.dir.create_file(&claim) {
            Ok(_) => {
                self.claim = claim;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(io_error(error)),
        }
    }

    /// Gives another writer time to commit.
    fn wait_for_another(&self, in_force: Option<Seen>, patience: Duration) -> Result<(), Error> {
        let until = Instant::now() + patience;
        loop {
            if self.directories.in_force()? != in_force {
                return Err(Error::Overtaken);
            }
            if Instant::now() >= until {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }

    /// Removes the mappings and headers of all other writers with this number.
    fn revoke_others(&self) -> Result<(), Error> {
        let own = Entry::Mapping { number: self.number };
        let own_header = self.header();
        remove_where(&self.dir, |name, entry| *entry == own && name != self.mapping && name != own_header)
    }

    /// Puts the new header where readers find it once the mapping names it, durably. It comes from the claims, because
    /// a writer whose files were removed must not replace the prepared header of the one that removed them.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when another writer has taken the generation over; what the system reports.
    pub(super) fn prepare_header(&self, root: &Dir, header: &[u8]) -> Result<(), Error> {
        let prepared = Object::UNFINISHED_HEADER;
        let limit = largest_bytes(&Object::Header);
        let is_prepared = || self.directories.read(&prepared, limit).is_ok_and(|found| found == header);
        match self.dir.rename(self.header().as_ref(), root, prepared.file_name().as_ref()) {
            Err(error) if is_repeated(&error) && !is_prepared() => Err(Error::Overtaken),
            Err(error) if !is_repeated(&error) => Err(Error::io(Object::Header)(error)),
            _ => root.sync().map_err(Error::io(Object::Header)),
        }
    }

    /// Makes the mapping the current one, visibly and durably.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when another writer has taken the generation over: the current mapping was not replaced by
    /// this one. After other errors it may have been.
    pub(super) fn publish(mut self, root: &Dir) -> Result<(), Error> {
        let target = Object::Mapping.file_name();
        let renamed = match self.dir.rename(self.mapping.as_ref(), root, target.as_ref()) {
            Err(error) if is_repeated(&error) => match self.directories.in_force()? {
                Some(current) if current.tag == self.tag => Ok(()),
                _ => return Err(Error::Overtaken),
            },
            renamed => renamed,
        };
        self.is_published = true;
        renamed.and_then(|()| root.sync()).map_err(Error::io(Object::Mapping))?;
        let number = self.number;
        // Best effort: the next commit removes them too.
        let _ = remove_where(&self.dir, |_, entry| match entry {
            Entry::Mapping { number: other } => *other <= number,
            Entry::Claim { number: other } => *other < number,
        });
        Ok(())
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.is_published {
            return;
        }
        let _ = self.dir.remove(&self.header());
        // In this order: a claim stands for its mapping. What cannot be removed is left to the next writer.
        let is_removed = self.dir.remove(&self.mapping).is_ok();
        if is_removed && !self.claim.is_empty() {
            let _ = self.dir.remove(&self.claim);
        }
    }
}

/// Whether a rename may have been carried out: some network mounts repeat it, and then miss the file.
fn is_repeated(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
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
        if entry.kind != EntryKind::File || !is_meant(name, &parsed) {
            continue;
        }
        match dir.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
            _ => {}
        }
    }
    Ok(())
}
