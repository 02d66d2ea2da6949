//! What this user of this machine has seen of a vault, by which an old copy of the whole directory that was put back is
//! noticed.
//!
//! A limit: whether a newer generation continues the one that was seen is known of the next generation only, by the tag
//! that it names. A copy that went its own way for two generations or more is taken for a newer one. A record that is lost
//! notices nothing.
//!
//! A vault cannot prove its own age, so the newest generation and its tag are kept outside it, one small file a vault, in a
//! directory of the caller's. The record is read before the mapping: a generation committed in between is newer, never
//! older. Must never: lower a record, except when its owner deletes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::hex::{Id, Tag};
use super::mapping::SignedMapping;
use crate::durable;
use crate::durable::{IfLocked, Lock};

/// The directory of records.
#[derive(Clone, Debug)]
pub struct Freshness {
    /// `None` when nothing is compared and nothing remembered.
    directory: Option<PathBuf>,
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
    tag: Tag,
}

impl Freshness {
    /// Records in this directory; it is made when the first record is.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()) }
    }

    /// No records: any generation is taken for the newest, and none is remembered. For comparing copies.
    pub fn unrecorded() -> Self {
        Self { directory: None }
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
        let Some(seen) = seen else { return Ok(()) };
        let mapping = &found.mapping;
        let record = self.record(mapping.vault);
        if mapping.generation < seen.generation {
            return Err(Error::RolledBack { found: mapping.generation, seen: seen.generation, record });
        }
        let same = mapping.generation == seen.generation && found.tag != seen.tag;
        let next = mapping.generation == seen.generation + 1 && mapping.previous_tag != Some(seen.tag);
        if same || next {
            return Err(Error::Forked { found: mapping.generation, seen: seen.generation, record });
        }
        Ok(())
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
        let newest = Seen { generation: found.mapping.generation, tag: found.tag };
        let mut line = self.line(vault)?;
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
    use crate::vault::hex::Hex;
    use crate::vault::mapping::{FeatureSpace, Mapping};

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
    fn an_unreadable_record_is_an_error_and_not_trust() {
        let directory = tempfile::tempdir().unwrap();
        let freshness = Freshness::in_directory(directory.path());
        fs::write(freshness.record(Hex([1; 16])), "2 nonsense").unwrap();
        assert!(matches!(freshness.seen(Hex([1; 16])), Err(Error::FreshnessRecord { .. })));
    }
}
