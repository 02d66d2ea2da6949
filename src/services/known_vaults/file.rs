//! The file of the known vaults: JSON, outside of every vault, replaced as a whole under a lock.
//!
//! Must never: lose what another process has just written, or treat a file that cannot be read as absent.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::place::KnownAddress;
use crate::durable::{self, IfLocked, Lock};
use crate::error::Error;
use crate::services::app_dirs::AppDirs;
use crate::vault::{Id, MacTag, Seen};

const FORMAT: &str = "cipherlens known vaults 1";

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    /// In ascending order of their addresses.
    copies: Vec<Entry>,
}

/// What is known of the vault at one address.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) address: KnownAddress,
    /// Other paths that led there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) spellings: BTreeSet<KnownAddress>,
    pub(super) vault: Id,
    /// The generation that was last seen there.
    pub(super) generation: u64,
    /// The tag of its mapping.
    pub(super) tag: MacTag,
    /// When that was, in seconds since 1970.
    pub(super) seen: u64,
    pub(super) last_check: Option<Check>,
}

impl Entry {
    /// The generation that was last seen there.
    pub(super) fn newest(&self) -> Seen {
        Seen { generation: self.generation, tag: self.tag }
    }

    /// All names of the address.
    pub(super) fn names(&self) -> BTreeSet<&KnownAddress> {
        [&self.address].into_iter().chain(&self.spellings).collect()
    }
}

/// A check of a copy.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// When it was checked, in seconds since 1970.
    pub at: u64,
    /// Damaged and missing files that were found.
    pub damages: usize,
    /// What was checked. Earlier versions did not record it.
    #[serde(default)]
    pub kind: CheckKind,
}

/// What a check of a copy looked at.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckKind {
    /// The digests of its files, without the key.
    #[default]
    Files,
    /// Everything, with the key.
    Full,
}

/// The file and its lock.
#[derive(Clone, Debug)]
pub(super) struct RegistryFile {
    path: PathBuf,
    lock: PathBuf,
}

impl RegistryFile {
    pub(super) fn of(dirs: &AppDirs) -> Self {
        Self { path: dirs.known_vaults(), lock: dirs.known_vaults_lock() }
    }

    /// Every entry; none before the first one is written.
    ///
    /// # Errors
    /// [`Error::KnownVaults`] when the file cannot be read.
    pub(super) fn read(&self) -> Result<Vec<Entry>, Error> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.unusable(error)),
        };
        let content: Content = serde_json::from_slice(&text).map_err(|error| self.unusable(error))?;
        if content.format != FORMAT {
            return Err(self.unusable(format!("its format is not {FORMAT:?}")));
        }
        let addresses: BTreeSet<_> = content.copies.iter().map(|entry| &entry.address).collect();
        if addresses.len() != content.copies.len() {
            return Err(self.unusable("it has an address twice"));
        }
        Ok(content.copies)
    }

    /// Calls `change` on the entries, and writes them if it succeeds and they differ. Other processes wait.
    ///
    /// # Errors
    /// Those of `change`; [`Error::KnownVaults`] when the file cannot be read or written.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Vec<Entry>) -> Result<T, Error>) -> Result<T, Error> {
        let folder = durable::parent(&self.lock);
        let name = self.lock.file_name().unwrap_or_default();
        let _lock = Lock::in_directory(folder, &name.to_string_lossy(), IfLocked::Wait)
            .map_err(|error| self.unusable(error))?;
        let before = self.read()?;
        let mut copies = before.clone();
        let changed = change(&mut copies)?;
        copies.sort_by(|one, other| one.address.cmp(&other.address));
        if copies != before {
            let content = Content { format: FORMAT.to_owned(), copies };
            let text = serde_json::to_string_pretty(&content).map_err(|error| self.unusable(error))? + "\n";
            durable::replace(&self.path, text.as_bytes()).map_err(|error| self.unusable(error))?;
        }
        Ok(changed)
    }

    fn unusable(&self, what: impl ToString) -> Error {
        Error::KnownVaults { file: self.path.clone(), what: what.to_string() }
    }
}
