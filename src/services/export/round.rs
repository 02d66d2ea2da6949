//! Photos on their way into a folder: written under temporary names, fsynced many at once, and then renamed.
//!
//! Must never: rename a file that is not on the disk, or take a name away from a file unless told to replace it.

use std::collections::HashSet;
use std::fs;
use std::fs::FileTimes;
use std::io;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use tempfile::{NamedTempFile, PersistError};

use super::target::Target;
use super::{Described, IfExists};
use crate::durable;
use crate::error::Error;
use crate::services::name::{exportable, numbered};
use crate::services::original;
use crate::vault::{Id, Vault};

/// So many photos are fsynced at once: enough to share the journal's commits, few enough to keep open.
const ROUND_PHOTOS: usize = 64;
/// The most bytes that one round waits for.
const ROUND_BYTES: usize = 64 << 20;

/// Where a photo goes.
pub(super) enum Place {
    /// A file with its content is there.
    AlreadyThere(PathBuf),
    /// Under this copy's number of its name.
    Free {
        /// 1 is the name itself.
        copy: usize,
    },
}

/// What became of a photo that was written.
pub(super) enum Outcome {
    Exported(PathBuf),
    AlreadyThere(PathBuf),
}

/// Photos that do not wait any more.
pub(super) type Settled = Vec<(Id, Result<Outcome, Error>)>;

/// The photos that wait for their names.
pub(super) struct Round<'a> {
    vault: &'a Vault,
    target: &'a Target,
    if_exists: IfExists,
    /// Names that this run has given or found its photos under; another photo of the run may not have them.
    claimed: HashSet<String>,
    written: Vec<Written>,
    bytes: usize,
}

struct Written {
    photo: Described,
    copy: usize,
    file: NamedTempFile,
}

impl<'a> Round<'a> {
    pub(super) fn begin(vault: &'a Vault, target: &'a Target, if_exists: IfExists) -> Result<Self, Error> {
        target.prepare()?;
        Ok(Self { vault, target, if_exists, claimed: HashSet::new(), written: Vec::new(), bytes: 0 })
    }

    /// How many photos wait.
    pub(super) fn waiting(&self) -> usize {
        self.written.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.written.len() >= ROUND_PHOTOS || self.bytes >= ROUND_BYTES
    }

    /// Where `photo` is already or can go, from copy number `copy` on. The name is the photo's from now on.
    pub(super) fn place(&mut self, photo: &Described, mut copy: usize) -> Result<Place, Error> {
        loop {
            let name = self.name(photo, copy);
            let path = self.target.folder().join(&name);
            let key = self.key(name);
            if !self.claimed.contains(&key) {
                let found = match fs::symlink_metadata(&path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => None,
                    found => Some(found.map_err(|source| Error::Write { path: path.clone(), source })?),
                };
                let Some(found) = found else {
                    self.claimed.insert(key);
                    return Ok(Place::Free { copy });
                };
                if found.is_file() && found.len() == photo.bytes && self.is_content_of(photo, &path) {
                    self.claimed.insert(key);
                    return Ok(Place::AlreadyThere(path));
                }
                if self.if_exists == IfExists::Overwrite {
                    if found.is_dir() {
                        return Err(Error::Write { path, source: ErrorKind::IsADirectory.into() });
                    }
                    self.claimed.insert(key);
                    return Ok(Place::Free { copy });
                }
            }
            copy += 1;
        }
    }

    /// Writes a photo under a temporary name.
    pub(super) fn write(&mut self, photo: Described, copy: usize, bytes: &[u8]) -> Result<(), Error> {
        let mut file = self.target.create_part()?;
        let path = self.target.folder().join(self.name(&photo, copy));
        file.write_all(bytes).map_err(|source| Error::Write { path, source })?;
        if let Some(modified) = photo.modified.and_then(instant) {
            // A file system that cannot record this time takes the photo all the same.
            let _ = file.as_file().set_times(FileTimes::new().set_modified(modified));
        }
        self.bytes += bytes.len();
        self.written.push(Written { photo, copy, file });
        Ok(())
    }

    /// Waits until everything written is on the disk, and gives it its names. Says what became of each photo that is
    /// settled, and what ended that; photos after it are removed again.
    pub(super) fn settle(&mut self) -> (Settled, Result<(), Error>) {
        let written = std::mem::take(&mut self.written);
        self.bytes = 0;
        let synced: Vec<_> = written.par_iter().map(|written| written.file.as_file().sync_all()).collect();
        let (mut settled, mut ended) = (Vec::new(), Ok(()));
        for (written, synced) in written.into_iter().zip(synced) {
            let id = written.photo.id;
            let path = self.target.folder().join(self.name(&written.photo, written.copy));
            let named = synced.map_err(|source| Error::Write { path, source }).and_then(|()| self.rename(written));
            match named {
                Err(error) if !super::concerns_one_photo(&error) => {
                    ended = Err(error);
                    break;
                }
                named => settled.push((id, named)),
            }
        }
        let folder = self.target.folder();
        if let Err(source) = durable::sync_directory(folder) {
            // The files are there, but a power cut may take their names: they count as left, and the next run finds them.
            return (Vec::new(), Err(Error::Write { path: folder.to_owned(), source }));
        }
        (settled, ended)
    }

    fn rename(&mut self, written: Written) -> Result<Outcome, Error> {
        let Written { photo, mut copy, mut file } = written;
        loop {
            let path = self.target.folder().join(self.name(&photo, copy));
            let renamed = match self.if_exists {
                IfExists::Overwrite => file.persist(&path),
                IfExists::Rename => rename_to_free(file, &path),
            };
            match renamed {
                Ok(_) => return Ok(Outcome::Exported(path)),
                Err(PersistError { error, file: kept }) if error.kind() == ErrorKind::AlreadyExists => {
                    // Somebody else has taken the name since.
                    file = kept;
                    match self.place(&photo, copy + 1)? {
                        Place::AlreadyThere(path) => return Ok(Outcome::AlreadyThere(path)),
                        Place::Free { copy: next } => copy = next,
                    }
                }
                Err(PersistError { error: source, .. }) => return Err(Error::Write { path, source }),
            }
        }
    }

    fn name(&self, photo: &Described, copy: usize) -> String {
        let name = exportable(&photo.name);
        if copy == 1 { name } else { numbered(&name, copy) }
    }

    /// What tells names apart. Where files may be replaced, names that some file systems take for the same are the same:
    /// one photo of the run must not replace another.
    fn key(&self, name: String) -> String {
        match self.if_exists {
            IfExists::Rename => name,
            IfExists::Overwrite => name.to_lowercase(),
        }
    }

    fn is_content_of(&self, photo: &Described, path: &Path) -> bool {
        original::read(path).is_ok_and(|bytes| self.vault.content_tag(&bytes) == photo.content)
    }
}

/// Renames unless the name is taken.
fn rename_to_free(file: NamedTempFile, path: &Path) -> Result<fs::File, PersistError> {
    match file.persist_noclobber(path) {
        // File systems without hard links may not know a rename that refuses either. There, whoever takes the name between
        // the look and the rename loses it.
        Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists && is_free(path) => refused.file.persist(path),
        outcome => outcome,
    }
}

fn is_free(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Whether the error is about the name that a file was to have: other photos have other names.
pub(super) fn concerns_one_name(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::IsADirectory | ErrorKind::InvalidFilename | ErrorKind::InvalidInput)
}

fn instant(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}
