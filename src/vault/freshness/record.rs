//! The record of a vault's generations seen on this machine: a small text file outside the vault.
//!
//! ```text
//! <directory>/<vault id>.seen = one line per generation, newest first, without gaps: generation | space | tag
//! ```
//!
//! The first line is what counts. The others tell an older copy from one that was changed separately.
//!
//! Must never: lose a newer generation to a concurrent writer, or treat an unreadable record as absent.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::durable;
use crate::durable::{IfLocked, Lock};
use crate::vault::error::Error;
use crate::vault::format::hex::Id;
use crate::vault::format::history::Seen;
use crate::vault::format::mapping::SignedMapping;

/// Most generations in a record.
const LONGEST_HISTORY: usize = 1024;

/// The directory of records.
#[derive(Clone, Debug)]
pub(super) struct Records {
    directory: PathBuf,
}

impl Records {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The path of a vault's record.
    pub(super) fn path(&self, vault: Id) -> PathBuf {
        self.directory.join(format!("{vault}.seen"))
    }

    /// The recorded generations without a gap, newest first.
    pub(super) fn history(&self, vault: Id) -> Result<Vec<Seen>, Error> {
        let text = match fs::read_to_string(self.path(vault)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.unusable(vault, error.to_string())),
        };
        let parsed = |line: &str| {
            let (generation, tag) = line.split_once(' ')?;
            Some(Seen { generation: generation.parse().ok()?, tag: tag.parse().ok()? })
        };
        let history: Option<Vec<Seen>> = text.lines().map(parsed).collect();
        let history = history.filter(|history| !history.is_empty());
        history.ok_or_else(|| self.unusable(vault, "it is not a list of generations and tags".to_owned()))
    }

    /// Records `found` if `decide`, given what is recorded, agrees. Other processes wait.
    pub(super) fn update(
        &self,
        found: &SignedMapping,
        decide: impl FnOnce(&[Seen]) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let vault = found.mapping.vault;
        let _lock = Lock::in_directory(&self.directory, "lock", IfLocked::Wait)
            .map_err(|error| self.unusable(vault, error.to_string()))?;
        let history = self.history(vault)?;
        if decide(&history)? { self.write(found, history) } else { Ok(()) }
    }

    fn write(&self, found: &SignedMapping, mut history: Vec<Seen>) -> Result<(), Error> {
        let newest = Seen::of(found);
        history.retain(|seen| seen.generation < newest.generation);
        // Keep older generations only while the chain has no gap, and is the only one.
        if history.first().is_none_or(|seen| found.mapping.parents != [seen.tag]) {
            history.clear();
        }
        history.insert(0, newest);
        history.truncate(LONGEST_HISTORY);
        let text: String = history.iter().map(|seen| format!("{} {}\n", seen.generation, seen.tag)).collect();
        let vault = found.mapping.vault;
        durable::replace(&self.path(vault), text.as_bytes()).map_err(|error| self.unusable(vault, error.to_string()))
    }

    fn unusable(&self, vault: Id, what: String) -> Error {
        Error::FreshnessRecord { record: self.path(vault), what }
    }
}
