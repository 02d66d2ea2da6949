//! Rollback detection: which generation of a vault this user has seen on this machine, to notice when somebody replaces
//! the whole directory by an old copy.
//!
//! A vault cannot prove its own age, so the newest generation and its tag are recorded outside it, in one small file
//! per vault in a directory that the caller chooses. The record is read before the mapping: a generation committed in
//! between then looks newer than the record, never older.
//!
//! A newer generation is accepted if it continues the recorded one: its own table `history` says so, at any distance
//! (see `read::history`). Without a record nothing is noticed.
//!
//! An older copy, such as a backup, can be opened for reading only ([`Freshness::reading`]). That does not change the
//! record, so the old copy is noticed again each time.
//!
//! Must never: lower a record or change to another line, except in [`Freshness::accept`], at the owner's request.

mod record;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use record::Records;

use super::error::Error;
use super::format::hex::Id;
use super::format::history::{Descent, Seen};
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
    /// Only those that continue what was recorded.
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
    /// Its history does not go back to what this machine has seen, so that nobody can tell.
    Unproven {
        /// The generation of this copy.
        found: u64,
        /// The newest generation seen.
        seen: u64,
    },
}

/// How the generation that was found relates to an older one.
pub(super) type DescentOf<'a> = dyn Fn(&Seen) -> Result<Descent, Error> + 'a;

impl CopyAge {
    /// How the generation `found` compares with those `seen`, newest first, which must have been read before it.
    ///
    /// # Errors
    /// Those of `descent`, except about files that are damaged: then nothing is proved.
    fn of(seen: &[Seen], found: &SignedMapping, descent: &DescentOf<'_>) -> Result<Self, Error> {
        let Some(newest) = seen.first() else { return Ok(Self::Newest) };
        let (generation, seen_before) = (found.mapping.generation, newest.generation);
        if generation <= seen_before {
            return Ok(Self::of_known(seen, Seen::of(found)));
        }
        match descent(newest) {
            Ok(Descent::Continues) => Ok(Self::Newest),
            Ok(Descent::Forked) => Ok(Self::Forked { found: generation, seen: seen_before }),
            Ok(Descent::Unknown) => Ok(Self::Unproven { found: generation, seen: seen_before }),
            Err(error) if error.is_unreadable() => Ok(Self::Unproven { found: generation, seen: seen_before }),
            Err(error) => Err(error),
        }
    }

    /// How a copy that was last seen at the generation `found` compares with those `seen` in the copy in use, newest
    /// first. Of a larger generation nobody can tell before the copy is opened.
    #[must_use]
    pub fn of_known(seen: &[Seen], found: Seen) -> Self {
        let Some(newest) = seen.first() else { return Self::Newest };
        let (generation, seen_before) = (found.generation, newest.generation);
        let is_other = |known: &Seen| known.generation == generation && known.tag != found.tag;
        if found == *newest {
            Self::Newest
        } else if generation > seen_before {
            Self::Unproven { found: generation, seen: seen_before }
        } else if seen.iter().any(is_other) {
            Self::Forked { found: generation, seen: seen_before }
        } else {
            Self::Older { found: generation, seen: seen_before }
        }
    }

    /// The error that refuses this copy; `None` for the newest.
    fn refusal(self) -> Option<Error> {
        match self {
            Self::Newest => None,
            Self::Older { found, seen } => Some(Error::RolledBack { found, seen }),
            Self::Forked { found, seen } => Some(Error::Forked { found, seen }),
            Self::Unproven { found, seen } => Some(Error::Unproven { found, seen }),
        }
    }
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

    /// The generations of a vault that this machine has seen without a gap, newest first.
    ///
    /// # Errors
    /// [`Error::FreshnessRecord`].
    pub fn seen(&self, vault: Id) -> Result<Vec<Seen>, Error> {
        self.records.as_ref().map_or(Ok(Vec::new()), |records| records.history(vault))
    }

    /// What this machine has seen before `found` without a gap, oldest first; nothing unless it has seen `found`, or
    /// the generation before it.
    pub(super) fn seen_before(&self, found: &SignedMapping) -> Result<Vec<Seen>, Error> {
        let mut seen = self.seen(found.mapping.vault)?;
        if seen.first() == Some(&Seen::of(found)) {
            seen.remove(0);
        }
        let is_before = seen.first().is_some_and(|newest| found.mapping.parents == [newest.tag]);
        seen.reverse();
        Ok(if is_before { seen } else { Vec::new() })
    }

    /// Refuses a mapping that does not continue what was `seen`, which must have been read before the mapping.
    ///
    /// # Errors
    /// [`Error::RolledBack`], [`Error::Forked`], [`Error::Unproven`]; those of `descent`.
    pub fn check(
        &self,
        seen: &[Seen],
        found: &SignedMapping,
        descent: &dyn Fn(&Seen) -> Result<Descent, Error>,
    ) -> Result<(), Error> {
        CopyAge::of(seen, found, descent)?.refusal().map_or(Ok(()), Err)
    }

    /// Compares a newly authenticated mapping with what was `seen`, which must have been read before the mapping, and
    /// records it. A copy that may only be read is not recorded; its later generations are compared with its own.
    ///
    /// # Errors
    /// As [`Self::check`], unless it may be read; [`Error::FreshnessRecord`].
    pub(super) fn admit(&self, seen: &[Seen], found: &SignedMapping, descent: &DescentOf<'_>) -> Result<(), Error> {
        let mut admission = self.admission.lock();
        let newest = Seen::of(found);
        if let Admission::Refused { newest: before, .. } = &mut *admission {
            self.check(&[*before], found, descent)?;
            *before = newest;
            return Ok(());
        }
        match (*admission, CopyAge::of(seen, found, descent)?) {
            (_, CopyAge::Newest) => {
                *admission = Admission::Newest;
                self.remember(seen, found, descent)
            }
            (Admission::Any, copy_age) => {
                *admission = Admission::Refused { copy_age, newest };
                Ok(())
            }
            (_, copy_age) => copy_age.refusal().map_or(Ok(()), Err),
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

    /// Records a generation, unless it or a newer one is recorded already. `compared` is what it was compared with: if
    /// another process has recorded something since, it must continue that too.
    ///
    /// # Errors
    /// As [`Self::check`]; [`Error::FreshnessRecord`] when it cannot be written.
    pub fn remember(
        &self,
        compared: &[Seen],
        found: &SignedMapping,
        descent: &dyn Fn(&Seen) -> Result<Descent, Error>,
    ) -> Result<(), Error> {
        let Some(records) = &self.records else { return Ok(()) };
        let is_newer = |seen: &[Seen]| seen.first().is_none_or(|seen| seen.generation < found.mapping.generation);
        // Usually there is nothing to record, and no lock is needed.
        if !is_newer(&self.seen(found.mapping.vault)?) {
            return Ok(());
        }
        records.update(found, |seen| {
            if seen.first() != compared.first() && is_newer(seen) {
                self.check(seen, found, descent)?;
            }
            Ok(is_newer(seen))
        })
    }

    /// Makes this generation count as the newest from now on, at the owner's request. Nothing else lowers a record.
    ///
    /// # Errors
    /// [`Error::FreshnessRecord`] when it cannot be written.
    pub fn accept(&self, found: &SignedMapping) -> Result<(), Error> {
        let Some(records) = &self.records else { return Ok(()) };
        records.update(found, |seen| Ok(seen.first() != Some(&Seen::of(found))))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::vault::format::hex::Hex;
    use crate::vault::format::layout::Object;
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
                mapping = mapping.with_header(signed.tag, mapping.header, Vec::new());
                signed
            })
            .collect()
    }

    /// How a mapping without a history relates to an older one.
    fn parents(found: &SignedMapping) -> impl Fn(&Seen) -> Result<Descent, Error> + '_ {
        |older| match found.mapping.parents.contains(&older.tag) {
            true => Ok(Descent::Continues),
            false if older.generation + 1 == found.mapping.generation => Ok(Descent::Forked),
            false => Ok(Descent::Unknown),
        }
    }

    fn remember(freshness: &Freshness, found: &SignedMapping) {
        let seen = freshness.seen(found.mapping.vault).unwrap();
        freshness.remember(&seen, found, &parents(found)).unwrap();
    }

    fn check(freshness: &Freshness, found: &SignedMapping) -> Result<(), Error> {
        freshness.check(&freshness.seen(found.mapping.vault).unwrap(), found, &parents(found))
    }

    fn admit(freshness: &Freshness, found: &SignedMapping) -> Result<(), Error> {
        freshness.admit(&freshness.seen(found.mapping.vault).unwrap(), found, &parents(found))
    }

    #[test]
    fn older_forked_and_unproven_generations_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path().join("state/seen"));
        let all = generations();
        let vault = all[0].mapping.vault;
        assert!(freshness.seen(vault).unwrap().is_empty());
        remember(&freshness, &all[1]);
        remember(&freshness, &all[0]);
        assert!(matches!(check(&freshness, &all[0]), Err(Error::RolledBack { found: 1, seen: 2 })));
        for newer in &all[1..3] {
            check(&freshness, newer).unwrap();
        }
        assert!(matches!(check(&freshness, &all[3]), Err(Error::Unproven { found: 4, seen: 2 })));
        let seen = freshness.seen(vault).unwrap();
        for (descent, refused) in [(Descent::Continues, false), (Descent::Forked, true)] {
            let outcome = freshness.check(&seen, &all[3], &|_| Ok(descent));
            assert_eq!(matches!(outcome, Err(Error::Forked { found: 4, seen: 2 })), refused);
        }
        let mut fork = generations().swap_remove(1);
        fork.tag = Hex([9; 64]);
        assert!(matches!(check(&freshness, &fork), Err(Error::Forked { found: 2, seen: 2 })));
        let mut grandchild = generations().swap_remove(2);
        grandchild.mapping.parents = vec![fork.tag];
        assert!(matches!(check(&freshness, &grandchild), Err(Error::Forked { found: 3, seen: 2 })));
        // An older generation of another line is told from an older copy of this one.
        remember(&freshness, &all[2]);
        assert!(matches!(check(&freshness, &all[1]), Err(Error::RolledBack { found: 2, seen: 3 })));
        assert!(matches!(check(&freshness, &fork), Err(Error::Forked { found: 2, seen: 3 })));
    }

    #[test]
    fn a_record_does_not_change_to_another_line_although_that_was_compared_with_an_earlier_one() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let all = generations();
        let vault = all[0].mapping.vault;
        remember(&freshness, &all[0]);
        let compared = freshness.seen(vault).unwrap();
        // Another process records its own commit.
        remember(&freshness, &all[1]);
        let mut fork = generations().swap_remove(2);
        fork.mapping.parents = vec![Hex([9; 64])];
        let refused = freshness.remember(&compared, &fork, &|_| Ok(Descent::Forked));
        assert!(matches!(refused, Err(Error::Forked { found: 3, seen: 2 })));
        assert_eq!(freshness.seen(vault).unwrap()[0], Seen::of(&all[1]));
        freshness.remember(&compared, &all[2], &parents(&all[2])).unwrap();
        assert_eq!(freshness.seen(vault).unwrap()[0], Seen::of(&all[2]));
    }

    #[test]
    fn a_damaged_history_proves_nothing_and_other_errors_are_reported() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let all = generations();
        remember(&freshness, &all[0]);
        let seen = freshness.seen(all[0].mapping.vault).unwrap();
        let object = || Object::Table(Hex([1; 16]));
        let missing = freshness.check(&seen, &all[3], &|_| Err(Error::Missing { object: object() }));
        assert!(matches!(missing, Err(Error::Unproven { found: 4, seen: 1 })));
        let unreadable = freshness.check(&seen, &all[3], &|_| Err(Error::io(object())(std::io::Error::other("lost"))));
        assert!(matches!(unreadable, Err(Error::Unproven { .. })));
        let lost = freshness.check(&seen, &all[3], &|_| Err(Error::Elsewhere("connection lost".into())));
        assert!(matches!(lost, Err(Error::Elsewhere(_))));
    }

    #[test]
    fn an_older_copy_is_read_without_lowering_the_record_and_accepted_only_on_request() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let all = generations();
        let vault = all[0].mapping.vault;
        remember(&freshness, &all[2]);
        let record = fs::read(freshness.records.as_ref().unwrap().path(vault)).unwrap();
        // A copy opened as the newest must stay the newest.
        let newest = freshness.clone().reading();
        admit(&newest, &all[2]).unwrap();
        assert!(admit(&newest, &all[1]).is_err());
        assert!(matches!(admit(&freshness, &all[1]), Err(Error::RolledBack { found: 2, seen: 3 })));

        let reading = freshness.clone().reading();
        admit(&reading, &all[1]).unwrap();
        assert_eq!(reading.copy_age(), CopyAge::Older { found: 2, seen: 3 });
        assert!(matches!(reading.require_newest(), Err(Error::RolledBack { found: 2, seen: 3 })));
        assert_eq!(fs::read(freshness.records.as_ref().unwrap().path(vault)).unwrap(), record);
        // While this copy is being read, an even older one is refused.
        assert!(matches!(admit(&reading, &all[0]), Err(Error::RolledBack { found: 1, seen: 2 })));

        reading.accept(&all[1]).unwrap();
        reading.allow_changes();
        assert_eq!(reading.copy_age(), CopyAge::Newest);
        reading.require_newest().unwrap();
        assert_eq!(freshness.seen(vault).unwrap(), [Seen::of(&all[1])]);
        admit(&freshness, &all[1]).unwrap();
        assert!(matches!(admit(&freshness, &all[0]), Err(Error::RolledBack { .. })));
    }

    #[test]
    fn a_forked_copy_is_read_and_accepted_only_on_request() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let all = generations();
        remember(&freshness, &all[1]);
        let seen = freshness.seen(all[0].mapping.vault).unwrap();
        let mut fork = generations().swap_remove(2);
        (fork.tag, fork.mapping.parents) = (Hex([8; 64]), vec![Hex([9; 64])]);
        let reading = freshness.clone().reading();
        admit(&reading, &fork).unwrap();
        assert_eq!(reading.copy_age(), CopyAge::Forked { found: 3, seen: 2 });
        assert!(matches!(reading.require_newest(), Err(Error::Forked { found: 3, seen: 2 })));
        assert_eq!(freshness.seen(all[0].mapping.vault).unwrap(), seen, "reading records nothing");
        reading.accept(&fork).unwrap();
        assert_eq!(freshness.seen(all[0].mapping.vault).unwrap(), [Seen::of(&fork)]);
        assert!(matches!(check(&freshness, &all[2]), Err(Error::Forked { found: 3, seen: 3 })), "the line given up");
    }

    #[test]
    fn a_merge_ends_the_chain_of_one_line() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        let mut all = generations();
        all[2].mapping.parents.push(Hex([9; 64]));
        all.iter().for_each(|one| remember(&freshness, one));
        let seen = freshness.seen(all[0].mapping.vault).unwrap();
        assert_eq!(seen, [Seen::of(&all[3]), Seen::of(&all[2])]);
        let mut of_the_other_line = generations().swap_remove(1);
        of_the_other_line.tag = Hex([9; 64]);
        assert!(matches!(check(&freshness, &of_the_other_line), Err(Error::RolledBack { found: 2, seen: 4 })));
    }

    #[test]
    fn an_unreadable_record_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        fs::write(freshness.records.as_ref().unwrap().path(Hex([1; 16])), "2 nonsense").unwrap();
        assert!(matches!(freshness.seen(Hex([1; 16])), Err(Error::FreshnessRecord { .. })));
    }
}
