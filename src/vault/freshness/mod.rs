//! Rollback detection: which generation of a vault this user has seen on this machine, to notice when somebody replaces
//! the whole directory by an old copy.
//!
//! A vault cannot prove its own age, so the newest generation and its tag are recorded outside it, in one small file
//! per vault in a directory that the caller chooses. The record is read before the mapping: a generation committed in
//! between then looks newer than the record, never older.
//!
//! Limits: each generation names the tag of the previous one, so only the very next generation can be proved to
//! continue the recorded one. A copy that was changed separately for two generations or more passes for a newer one.
//! Without a record nothing is noticed.
//!
//! An older copy, such as a backup, can be opened for reading only ([`Freshness::reading`]). That does not change the
//! record, so the old copy is noticed again each time.
//!
//! Must never: lower a record, except in [`Freshness::accept`], at the owner's request.

mod record;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use record::Records;
pub use record::Seen;

use super::error::Error;
use super::format::hex::Id;
use super::format::mapping::SignedMapping;

/// The records, and how strictly they apply to one open vault.
#[derive(Clone, Debug)]
pub struct Freshness {
    /// `None` to compare and record nothing.
    records: Option<Records>,
    /// Shared by all users of the same open vault.
    admission: Arc<Mutex<Admission>>,
}

/// Which generations of an open vault are accepted.
#[derive(Clone, Copy, Debug)]
enum Admission {
    /// Only those that are not older than the record and were not changed separately.
    Newest,
    /// The first may be any. If it is the newest, as most are, later ones must be too.
    Any,
    /// An older or forked copy was opened, and may only be read.
    Refused {
        copy_age: CopyAge,
        /// The newest generation seen of this copy. An even older one is refused.
        newest: Seen,
    },
}

/// How a copy of a vault compares with what this machine has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyAge {
    /// It is the newest, as far as this machine knows.
    Newest,
    /// This machine has seen a newer generation: this is a backup, or the vault was rolled back.
    Older {
        /// The generation of this copy.
        found: u64,
        /// The newest generation seen.
        seen: u64,
    },
    /// Two copies were changed separately, and this machine has seen the other one.
    Forked {
        /// The generation of this copy.
        found: u64,
        /// The newest generation seen.
        seen: u64,
    },
}

impl CopyAge {
    /// The error that refuses this copy; `None` for the newest.
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
    /// Yes: this machine has seen every generation between them.
    Continues,
    /// No.
    Forked,
    /// This machine has not seen enough generations to tell.
    Unknown,
}

impl Freshness {
    /// Uses records in this directory, which is created with the first record.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { records: Some(Records::new(directory.into())), ..Self::unrecorded() }
    }

    /// Uses no records: accepts every generation and records none. For comparing copies.
    #[must_use]
    pub fn unrecorded() -> Self {
        Self { records: None, admission: Arc::new(Mutex::new(Admission::Newest)) }
    }

    /// Uses the same records, but allows reading a copy that they refuse.
    #[must_use]
    pub fn reading(self) -> Self {
        Self { admission: Arc::new(Mutex::new(Admission::Any)), ..self }
    }

    /// Whether `newer` continues `older`, as far as the generations seen on this machine tell.
    ///
    /// # Errors
    /// [`Error::FreshnessRecord`].
    pub fn lineage(&self, older: &SignedMapping, newer: &SignedMapping) -> Result<Lineage, Error> {
        let history = self.history(newer.mapping.vault)?;
        let tag_of = |found: &SignedMapping| {
            history.iter().find(|seen| seen.generation == found.mapping.generation).map(|seen| seen.tag == found.tag)
        };
        Ok(match (tag_of(older), tag_of(newer)) {
            (Some(true), Some(true)) => Lineage::Continues,
            // One is in the recorded history, and the other contradicts it.
            (Some(true), Some(false)) | (Some(false), Some(true)) => Lineage::Forked,
            _ => Lineage::Unknown,
        })
    }

    /// The newest recorded generation of a vault.
    ///
    /// # Errors
    /// [`Error::FreshnessRecord`].
    pub fn seen(&self, vault: Id) -> Result<Option<Seen>, Error> {
        Ok(self.history(vault)?.first().copied())
    }

    fn history(&self, vault: Id) -> Result<Vec<Seen>, Error> {
        self.records.as_ref().map_or(Ok(Vec::new()), |records| records.history(vault))
    }

    /// Refuses a mapping that is older than `seen`, or does not continue it. `seen` must have been read before the
    /// mapping.
    ///
    /// # Errors
    /// [`Error::RolledBack`], [`Error::Forked`].
    pub fn check(&self, seen: Option<Seen>, found: &SignedMapping) -> Result<(), Error> {
        copy_age(seen, found).refusal().map_or(Ok(()), Err)
    }

    /// Compares a newly authenticated mapping with `seen`, which must have been read before the mapping, and records
    /// it. A copy that may only be read is not recorded; its later generations are compared with its own.
    ///
    /// # Errors
    /// [`Error::RolledBack`] and [`Error::Forked`], unless it may be read; [`Error::FreshnessRecord`].
    pub(super) fn admit(&self, seen: Option<Seen>, found: &SignedMapping) -> Result<(), Error> {
        let mut admission = self.admission.lock();
        let newest = Seen::of(found);
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

    /// How the opened copy compares with the record.
    pub(super) fn copy_age(&self) -> CopyAge {
        match *self.admission.lock() {
            Admission::Refused { copy_age, .. } => copy_age,
            Admission::Newest | Admission::Any => CopyAge::Newest,
        }
    }

    /// Refuses to change a copy that may only be read.
    pub(super) fn require_newest(&self) -> Result<(), Error> {
        self.copy_age().refusal().map_or(Ok(()), Err)
    }

    /// Allows changes to a copy that could only be read, after the owner accepted it.
    pub(super) fn allow_changes(&self) {
        *self.admission.lock() = Admission::Newest;
    }

    /// Records a generation, unless it or a newer one is recorded already.
    ///
    /// # Errors
    /// [`Error::FreshnessRecord`] when it cannot be written.
    pub fn remember(&self, found: &SignedMapping) -> Result<(), Error> {
        let Some(records) = &self.records else { return Ok(()) };
        let is_newer = |seen: Option<Seen>| seen.is_none_or(|seen| seen.generation < found.mapping.generation);
        // Usually there is nothing to record, and no lock is needed.
        if is_newer(self.seen(found.mapping.vault)?) {
            records.update(found, |seen| Ok(is_newer(seen)))
        } else {
            Ok(())
        }
    }

    /// Makes an older generation count as the newest from now on, at the owner's request. Nothing else lowers a record.
    ///
    /// # Errors
    /// [`Error::Forked`] for one that was changed separately; [`Error::FreshnessRecord`] when it cannot be written.
    pub fn accept(&self, found: &SignedMapping) -> Result<(), Error> {
        let Some(records) = &self.records else { return Ok(()) };
        records.update(found, |seen| match copy_age(seen, found) {
            CopyAge::Forked { found, seen } => Err(Error::Forked { found, seen }),
            CopyAge::Newest => Ok(seen != Some(Seen::of(found))),
            CopyAge::Older { .. } => Ok(true),
        })
    }
}

/// Compares a mapping with the record, which must have been read before the mapping.
fn copy_age(seen: Option<Seen>, found: &SignedMapping) -> CopyAge {
    let Some(Seen { generation: seen, tag }) = seen else { return CopyAge::Newest };
    let mapping = &found.mapping;
    let generation = mapping.generation;
    if generation < seen {
        return CopyAge::Older { found: generation, seen };
    }
    let same = generation == seen && found.tag != tag;
    let next = generation == seen + 1 && !mapping.parents.contains(&tag);
    if same || next { CopyAge::Forked { found: generation, seen } } else { CopyAge::Newest }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::vault::format::hex::Hex;
    use crate::vault::format::mapping::Mapping;
    use crate::vault::format::space::tests::features;
    use crate::vault::format::space::{FeatureSpace, Space};

    fn first_mapping() -> Mapping {
        let features = FeatureSpace { dimension: 128, ..features() };
        Mapping::first(Hex([1; 16]), Hex([2; 32]), Space::new(features).unwrap())
    }

    fn generations() -> Vec<SignedMapping> {
        let mut mapping = first_mapping();
        (1..=4)
            .map(|tag| {
                let signed = SignedMapping { body: mapping.body(), mapping: mapping.clone(), tag: Hex([tag; 64]) };
                mapping = mapping.with_header(signed.tag, mapping.header);
                signed
            })
            .collect()
    }

    #[test]
    fn older_and_forked_generations_are_refused() {
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
        grandchild.mapping.parents = vec![fork.tag];
        assert!(matches!(freshness.check(seen, &grandchild), Err(Error::Forked { found: 3, seen: 2, .. })));
    }

    #[test]
    fn an_older_copy_is_read_without_lowering_the_record_and_accepted_only_on_request() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let all = generations();
        let vault = all[0].mapping.vault;
        freshness.remember(&all[2]).unwrap();
        let record = fs::read(freshness.records.as_ref().unwrap().path(vault)).unwrap();
        // A copy opened as the newest must stay the newest.
        let newest = freshness.clone().reading();
        newest.admit(freshness.seen(vault).unwrap(), &all[2]).unwrap();
        assert!(newest.admit(freshness.seen(vault).unwrap(), &all[1]).is_err());
        let seen = freshness.seen(vault).unwrap();
        assert!(matches!(freshness.admit(seen, &all[1]), Err(Error::RolledBack { found: 2, seen: 3 })));

        let reading = freshness.clone().reading();
        reading.admit(seen, &all[1]).unwrap();
        assert_eq!(reading.copy_age(), CopyAge::Older { found: 2, seen: 3 });
        assert!(matches!(reading.require_newest(), Err(Error::RolledBack { found: 2, seen: 3 })));
        assert_eq!(fs::read(freshness.records.as_ref().unwrap().path(vault)).unwrap(), record);
        // While this copy is being read, an even older one is refused.
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
    fn a_forked_copy_can_be_read_but_never_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let all = generations();
        freshness.remember(&all[1]).unwrap();
        let seen = freshness.seen(all[0].mapping.vault).unwrap();
        let mut fork = generations().swap_remove(2);
        fork.mapping.parents = vec![Hex([9; 64])];
        let reading = freshness.clone().reading();
        reading.admit(seen, &fork).unwrap();
        assert_eq!(reading.copy_age(), CopyAge::Forked { found: 3, seen: 2 });
        assert!(matches!(reading.accept(&fork), Err(Error::Forked { found: 3, seen: 2 })));
        assert_eq!(freshness.seen(all[0].mapping.vault).unwrap(), seen, "reading records nothing");
    }

    #[test]
    fn an_unreadable_record_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        fs::write(freshness.records.as_ref().unwrap().path(Hex([1; 16])), "2 nonsense").unwrap();
        assert!(matches!(freshness.seen(Hex([1; 16])), Err(Error::FreshnessRecord { .. })));
    }
}
