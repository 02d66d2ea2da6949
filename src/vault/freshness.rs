//! What this user of this machine has seen of a vault, by which an old copy of the whole directory that was put back is
//! noticed.
//!
//! A limit: whether a newer generation continues the one that was seen is known of the next generation only, by the tag
//! that it names. A copy that went its own way for two generations or more is taken for a newer one. A record that is lost
//! notices nothing.
//!
//! A vault cannot prove its own age, so the newest generation and its tag are kept outside it, one small file a vault, in a
//! directory of the caller's. The record is read before the mapping: a generation committed in between is newer, never
//! older.
//!
//! An older copy, such as a backup, can be opened for reading alone ([`Freshness::reading`]). That changes no record, so
//! the newer copy stays the one that counts, and whoever put an old copy back wins nothing that lasts: it is noticed again
//! each time. Must never: lower a record, except by [`Freshness::accept`], when its owner says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::format::hex::{Id, MacTag};
use super::format::mapping::SignedMapping;
use crate::durable;
use crate::durable::{IfLocked, Lock};

/// The directory of records.
#[derive(Clone, Debug)]
pub struct Freshness {
    /// `None` when nothing is compared and nothing remembered.
    directory: Option<PathBuf>,
    /// Shared by all who use the same open vault.
    admission: Arc<Mutex<Admission>>,
}

/// Which generations an open vault may be at.
#[derive(Clone, Copy, Debug)]
enum Admission {
    /// None older than what the record says, none that went a separate way.
    Newest,
    /// The first one may be any. Most copies are the newest, and are then held to that.
    Any,
    /// The copy that was opened may only be read.
    Refused {
        copy_age: CopyAge,
        /// The newest generation of this copy. An even older one is refused while it is read.
        newest: Seen,
    },
}

/// How a copy of a vault relates to what this machine has seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyAge {
    /// As far as this machine knows it is the newest one.
    Newest,
    /// This machine has seen a newer generation: a backup was restored, or somebody put an old copy back.
    Older {
        /// The generation of this copy.
        found: u64,
        /// The newest generation seen.
        seen: u64,
    },
    /// Two copies were changed separately; this machine has seen the other one.
    Forked {
        /// The generation of this copy.
        found: u64,
        /// The newest generation seen.
        seen: u64,
    },
}

impl CopyAge {
    /// The error that refuses such a copy.
    fn refusal(self) -> Option<Error> {
        match self {
            Self::Newest => None,
            Self::Older { found, seen } => Some(Error::RolledBack { found, seen }),
            Self::Forked { found, seen } => Some(Error::Forked { found, seen }),
        }
    }
}

/// Whether one generation continues another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// It does: this machine has seen every generation between them.
    Continues,
    /// It does not.
    Forked,
    /// This machine has not seen enough of it.
    Unknown,
}

/// Most generations that a record remembers.
const LONGEST_LINE: usize = 1024;

/// The newest generation seen of one vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    generation: u64,
    tag: MacTag,
}

impl Freshness {
    /// Records in this directory; it is made when the first record is.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()), ..Self::unrecorded() }
    }

    /// No records: any generation is taken for the newest, and none is remembered. For comparing copies.
    #[must_use]
    pub fn unrecorded() -> Self {
        Self { directory: None, admission: Arc::new(Mutex::new(Admission::Newest)) }
    }

    /// The same, but a copy that the records refuse can be opened for reading.
    #[must_use]
    pub fn reading(self) -> Self {
        Self { admission: Arc::new(Mutex::new(Admission::Any)), ..self }
    }

    /// Whether `newer` continues `older`, as far as the generations go that this machine has seen one after the other.
    ///
    /// # Errors
    /// [`Error::FreshnessRecord`].
    pub fn lineage(&self, older: &SignedMapping, newer: &SignedMapping) -> Result<Lineage, Error> {
        let line = self.line(newer.mapping.vault)?;
        let tag_of = |found: &SignedMapping| {
            line.iter().find(|seen| seen.generation == found.mapping.generation).map(|seen| seen.tag == found.tag)
        };
        Ok(match (tag_of(older), tag_of(newer)) {
            (Some(true), Some(true)) => Lineage::Continues,
            // One of them is on the line that was seen, the other one beside it.
            (Some(true), Some(false)) | (Some(false), Some(true)) => Lineage::Forked,
            _ => Lineage::Unknown,
        })
    }

    /// Where the record of a vault is.
    pub fn record(&self, vault: Id) -> PathBuf {
        self.directory.as_deref().unwrap_or(Path::new("")).join(format!("{vault}.seen"))
    }

    /// What was seen of a vault so far.
    pub fn seen(&self, vault: Id) -> Result<Option<Seen>, Error> {
        Ok(self.line(vault)?.first().copied())
    }

    /// The generations seen without a gap, newest first.
    fn line(&self, vault: Id) -> Result<Vec<Seen>, Error> {
        if self.directory.is_none() {
            return Ok(Vec::new());
        }
        let record = self.record(vault);
        let unusable = |what: String| Error::FreshnessRecord { record: record.clone(), what };
        let text = match fs::read_to_string(&record) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(error.to_string())),
        };
        let parsed = |line: &str| {
            let (generation, tag) = line.split_once(' ')?;
            Some(Seen { generation: generation.parse().ok()?, tag: tag.parse().ok()? })
        };
        let line: Option<Vec<Seen>> = text.lines().map(parsed).collect();
        line.filter(|line| !line.is_empty()).ok_or_else(|| unusable("it is not a record of generations".to_owned()))
    }

    /// Refuses a mapping that is older than what was seen before it was read, or does not continue it.
    pub fn check(&self, seen: Option<Seen>, found: &SignedMapping) -> Result<(), Error> {
        copy_age(seen, found).refusal().map_or(Ok(()), Err)
    }

    /// Compares a mapping, just authenticated, with what was `seen` of the vault before it was read, and remembers it. One
    /// that may only be read is not remembered; from then on this copy is measured by itself.
    ///
    /// # Errors
    /// [`Error::RolledBack`] and [`Error::Forked`], unless it may be read; [`Error::FreshnessRecord`].
    pub(super) fn admit(&self, seen: Option<Seen>, found: &SignedMapping) -> Result<(), Error> {
        let mut admission = self.locked();
        let newest = Seen { generation: found.mapping.generation, tag: found.tag };
        match (&mut *admission, copy_age(seen, found)) {
            (Admission::Refused { newest: before, .. }, _) => {
                self.check(Some(*before), found)?;
                *before = newest;
                Ok(())
            }
            (Admission::Newest | Admission::Any, CopyAge::Newest) => {
                *admission = Admission::Newest;
                self.remember(found)
            }
            (Admission::Any, copy_age) => {
                *admission = Admission::Refused { copy_age, newest };
                Ok(())
            }
            (Admission::Newest, copy_age) => copy_age.refusal().map_or(Ok(()), Err),
        }
    }

    /// How the copy that was opened relates to what this machine has seen.
    pub(super) fn copy_age(&self) -> CopyAge {
        match *self.locked() {
            Admission::Refused { copy_age, .. } => copy_age,
            Admission::Newest | Admission::Any => CopyAge::Newest,
        }
    }

    /// Refuses to change a copy that may only be read.
    pub(super) fn require_newest(&self) -> Result<(), Error> {
        self.copy_age().refusal().map_or(Ok(()), Err)
    }

    /// Ends reading alone: the copy was accepted.
    pub(super) fn allow_changes(&self) {
        *self.locked() = Admission::Newest;
    }

    fn locked(&self) -> MutexGuard<'_, Admission> {
        // Each change is one step.
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a generation, unless a newer one is remembered already.
    ///
    /// # Errors
    /// [`Error::FreshnessRecord`] when it cannot be written.
    pub fn remember(&self, found: &SignedMapping) -> Result<(), Error> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let vault = found.mapping.vault;
        let record = self.record(vault);
        let unusable = |error: io::Error| Error::FreshnessRecord { record: record.clone(), what: error.to_string() };
        if self.seen(vault)?.is_some_and(|seen| seen.generation >= found.mapping.generation) {
            return Ok(());
        }
        let _lock = lock(directory).map_err(unusable)?;
        // Another process may have remembered more while this one waited.
        if self.seen(vault)?.is_some_and(|seen| seen.generation >= found.mapping.generation) {
            return Ok(());
        }
        self.write(found)
    }

    /// Takes an older generation for the newest one from now on: the one way to lower a record, for when the owner of the
    /// vault has said that this is meant.
    ///
    /// # Errors
    /// [`Error::Forked`] for one that went a separate way; [`Error::FreshnessRecord`] when it cannot be written.
    pub fn accept(&self, found: &SignedMapping) -> Result<(), Error> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let vault = found.mapping.vault;
        let record = self.record(vault);
        let unusable = |error: io::Error| Error::FreshnessRecord { record: record.clone(), what: error.to_string() };
        let _lock = lock(directory).map_err(unusable)?;
        match copy_age(self.seen(vault)?, found) {
            forked @ CopyAge::Forked { .. } => forked.refusal().map_or(Ok(()), Err),
            CopyAge::Newest if self.seen(vault)?.is_some_and(|seen| seen.generation == found.mapping.generation) => {
                Ok(())
            }
            CopyAge::Newest | CopyAge::Older { .. } => self.write(found),
        }
    }

    /// Writes the record of a generation, under the lock.
    fn write(&self, found: &SignedMapping) -> Result<(), Error> {
        let vault = found.mapping.vault;
        let record = self.record(vault);
        let unusable = |error: io::Error| Error::FreshnessRecord { record: record.clone(), what: error.to_string() };
        let newest = Seen { generation: found.mapping.generation, tag: found.tag };
        let mut line = self.line(vault)?;
        line.retain(|seen| seen.generation < newest.generation);
        // Older generations are of use only while each is known to be the one before the next.
        if line.first().is_none_or(|seen| found.mapping.previous_tag != Some(seen.tag)) {
            line.clear();
        }
        line.insert(0, newest);
        line.truncate(LONGEST_LINE);
        let text: String = line.iter().map(|seen| format!("{} {}\n", seen.generation, seen.tag)).collect();
        durable::replace(&record, text.as_bytes()).map_err(unusable)
    }
}

/// How a mapping relates to what was seen before it was read.
fn copy_age(seen: Option<Seen>, found: &SignedMapping) -> CopyAge {
    let Some(Seen { generation: seen, tag }) = seen else { return CopyAge::Newest };
    let mapping = &found.mapping;
    let generation = mapping.generation;
    if generation < seen {
        return CopyAge::Older { found: generation, seen };
    }
    let same = generation == seen && found.tag != tag;
    let next = generation == seen + 1 && mapping.previous_tag != Some(tag);
    if same || next { CopyAge::Forked { found: generation, seen } } else { CopyAge::Newest }
}

fn lock(directory: &Path) -> io::Result<Option<Lock>> {
    fs::create_dir_all(directory.parent().unwrap_or(Path::new(".")))?;
    durable::create_directory(directory)?;
    let path = directory.join("lock");
    fs::OpenOptions::new().create(true).append(true).open(&path)?;
    Lock::acquire(&path, IfLocked::Wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::format::hex::Hex;
    use crate::vault::format::mapping::Mapping;
    use crate::vault::format::space::FeatureSpace;

    fn generations() -> Vec<SignedMapping> {
        let space = FeatureSpace { weights: "w".into(), preprocessing: "p".into(), precision: "f".into() };
        let mut mapping = Mapping::first(Hex([1; 16]), space, Hex([2; 32]), Hex([3; 32]));
        (1..=4)
            .map(|tag| {
                let signed = SignedMapping { body: mapping.body(), mapping: mapping.clone(), tag: Hex([tag; 64]) };
                mapping = mapping.next(signed.tag, Vec::new(), Vec::new());
                signed
            })
            .collect()
    }

    #[test]
    fn older_and_foreign_generations_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path().join("state/seen"));
        let all = generations();
        let vault = all[0].mapping.vault;
        assert_eq!(freshness.seen(vault).unwrap(), None);
        freshness.remember(&all[1]).unwrap();
        freshness.remember(&all[0]).unwrap();
        let seen = freshness.seen(vault).unwrap();
        assert!(matches!(freshness.check(seen, &all[0]), Err(Error::RolledBack { found: 1, seen: 2, .. })));
        for newer in &all[1..] {
            freshness.check(seen, newer).unwrap();
        }
        let mut fork = generations().swap_remove(1);
        fork.tag = Hex([9; 64]);
        assert!(matches!(freshness.check(seen, &fork), Err(Error::Forked { found: 2, seen: 2, .. })));
        let mut grandchild = generations().swap_remove(2);
        grandchild.mapping.previous_tag = Some(fork.tag);
        assert!(matches!(freshness.check(seen, &grandchild), Err(Error::Forked { found: 3, seen: 2, .. })));
    }

    #[test]
    fn an_older_copy_is_read_without_lowering_the_record_and_accepted_only_when_told() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let all = generations();
        let vault = all[0].mapping.vault;
        freshness.remember(&all[2]).unwrap();
        let record = fs::read(freshness.record(vault)).unwrap();
        // What was opened as the newest one is held to that.
        let newest = freshness.clone().reading();
        newest.admit(freshness.seen(vault).unwrap(), &all[2]).unwrap();
        assert!(newest.admit(freshness.seen(vault).unwrap(), &all[1]).is_err());
        let seen = freshness.seen(vault).unwrap();
        assert!(matches!(freshness.admit(seen, &all[1]), Err(Error::RolledBack { found: 2, seen: 3 })));

        let reading = freshness.clone().reading();
        reading.admit(seen, &all[1]).unwrap();
        assert_eq!(reading.copy_age(), CopyAge::Older { found: 2, seen: 3 });
        assert!(matches!(reading.require_newest(), Err(Error::RolledBack { found: 2, seen: 3 })));
        assert_eq!(fs::read(freshness.record(vault)).unwrap(), record);
        // While it is read, an even older one is no longer taken for it.
        assert!(matches!(reading.admit(seen, &all[0]), Err(Error::RolledBack { found: 1, seen: 2 })));

        reading.accept(&all[1]).unwrap();
        reading.allow_changes();
        assert_eq!(reading.copy_age(), CopyAge::Newest);
        reading.require_newest().unwrap();
        assert_eq!(freshness.seen(vault).unwrap(), Some(Seen { generation: 2, tag: all[1].tag }));
        freshness.admit(freshness.seen(vault).unwrap(), &all[1]).unwrap();
        assert!(matches!(freshness.admit(freshness.seen(vault).unwrap(), &all[0]), Err(Error::RolledBack { .. })));
    }

    #[test]
    fn a_copy_that_went_a_separate_way_is_read_and_never_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let all = generations();
        freshness.remember(&all[1]).unwrap();
        let seen = freshness.seen(all[0].mapping.vault).unwrap();
        let mut fork = generations().swap_remove(2);
        fork.mapping.previous_tag = Some(Hex([9; 64]));
        let reading = freshness.clone().reading();
        reading.admit(seen, &fork).unwrap();
        assert_eq!(reading.copy_age(), CopyAge::Forked { found: 3, seen: 2 });
        assert!(matches!(reading.accept(&fork), Err(Error::Forked { found: 3, seen: 2 })));
        assert_eq!(freshness.seen(all[0].mapping.vault).unwrap(), seen, "reading remembers nothing");
    }

    #[test]
    fn an_unreadable_record_is_an_error_and_not_trust() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        fs::write(freshness.record(Hex([1; 16])), "2 nonsense").unwrap();
        assert!(matches!(freshness.seen(Hex([1; 16])), Err(Error::FreshnessRecord { .. })));
    }
}
