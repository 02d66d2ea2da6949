//! A batch of photos being exported: written under temporary names, fsynced together, and then renamed.
//!
//! Must never: rename a file before it is fsynced, or replace a file unless asked to.

use std::collections::HashSet;
use std::fs;
use std::fs::{File, FileTimes};
use std::io;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use tempfile::{NamedTempFile, PersistError};
use zeroize::Zeroizing;

use super::target::Target;
use crate::durable;
use crate::error::Error;
use crate::services::library::PhotoId;
use crate::services::name::{exportable, numbered};
use crate::vault::{self, Digest, Vault};

/// What to do when another file has the exported photo's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IfExists {
    /// Export under the next free name: `photo (2).jpg`.
    Rename,
    /// Replace the file.
    Overwrite,
}

/// What an exported file needs to know about its photo, apart from the content.
pub(super) struct Described {
    pub(super) id: PhotoId,
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) modified: Option<i64>,
    pub(super) content: Digest,
}

/// Photos in a batch: enough to share the file system's journal commits, few enough to keep open.
const BATCH_PHOTOS: usize = 64;
/// A batch is also full after this many bytes.
const BATCH_BYTES: usize = 64 << 20;

/// Bytes of a file that are read at once, to compare it.
const READ_BYTES: usize = 1 << 20;

/// Where a photo goes.
pub(super) enum Destination {
    /// A file with its content is there.
    AlreadyThere(PathBuf),
    /// Under its name with this copy number.
    Free {
        /// 1 is the name without a number.
        copy: usize,
    },
}

/// The outcome for a photo that was written.
pub(super) enum Outcome {
    Exported(PathBuf),
    AlreadyThere(PathBuf),
}

/// The outcome for each photo of a batch.
pub(super) type Committed = Vec<(PhotoId, Result<Outcome, Error>)>;

/// Photos that are written but not yet renamed.
pub(super) struct Batch<'a> {
    vault: &'a Vault,
    target: &'a Target,
    if_exists: IfExists,
    /// Names that this run has used; no other photo of the run may have them.
    claimed: HashSet<String>,
    written: Vec<Written>,
    bytes: usize,
}

struct Written {
    photo: Described,
    copy: usize,
    file: NamedTempFile,
}

impl<'a> Batch<'a> {
    pub(super) fn begin(vault: &'a Vault, target: &'a Target, if_exists: IfExists) -> Result<Self, Error> {
        target.prepare()?;
        Ok(Self { vault, target, if_exists, claimed: HashSet::new(), written: Vec::new(), bytes: 0 })
    }

    /// How many photos are written but not yet renamed.
    pub(super) fn waiting(&self) -> usize {
        self.written.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.written.len() >= BATCH_PHOTOS || self.bytes >= BATCH_BYTES
    }

    /// Finds a file that already has the content of `photo`, or a free name for it, starting at copy number `copy`.
    /// Reserves the name.
    pub(super) fn destination(&mut self, photo: &Described, mut copy: usize) -> Result<Destination, Error> {
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
                    return Ok(Destination::Free { copy });
                };
                if found.is_file() && found.len() == photo.bytes && self.is_content_of(photo, &path) {
                    self.claimed.insert(key);
                    return Ok(Destination::AlreadyThere(path));
                }
                if self.if_exists == IfExists::Overwrite {
                    if found.is_dir() {
                        return Err(Error::Write { path, source: ErrorKind::IsADirectory.into() });
                    }
                    self.claimed.insert(key);
                    return Ok(Destination::Free { copy });
                }
            }
            copy += 1;
        }
    }

    /// Writes a photo under a temporary name, in the verified pieces that `read` passes on. After an error of `read`
    /// the temporary file is removed.
    pub(super) fn write(
        &mut self,
        photo: Described,
        copy: usize,
        read: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut file = self.target.create_part()?;
        let path = self.target.folder().join(self.name(&photo, copy));
        let mut written = 0;
        read(&mut |piece| {
            written += piece.len();
            file.write_all(piece).map_err(|source| Error::Write { path: path.clone(), source })
        })?;
        if let Some(modified) = photo.modified.and_then(instant) {
            // Some file systems cannot record this time; the photo matters more.
            let _ = file.as_file().set_times(FileTimes::new().set_modified(modified));
        }
        self.bytes += written;
        self.written.push(Written { photo, copy, file });
        Ok(())
    }

    /// Fsyncs the batch and renames its files. Returns the outcome for each photo, and the error that ended this early,
    /// if there was one; the temporary files of the photos after it are removed.
    pub(super) fn commit(&mut self) -> (Committed, Result<(), Error>) {
        let written = std::mem::take(&mut self.written);
        self.bytes = 0;
        let synced: Vec<_> = written.par_iter().map(|written| written.file.as_file().sync_all()).collect();
        let (mut committed, mut ended) = (Vec::new(), Ok(()));
        for (written, synced) in written.into_iter().zip(synced) {
            let id = written.photo.id;
            let path = self.target.folder().join(self.name(&written.photo, written.copy));
            let named = synced.map_err(|source| Error::Write { path, source }).and_then(|()| self.rename(written));
            match named {
                Err(error) if !concerns_one_photo(&error) => {
                    ended = Err(error);
                    break;
                }
                named => committed.push((id, named)),
            }
        }
        let folder = self.target.folder();
        if let Err(source) = durable::sync_directory(folder) {
            // A power cut may undo the renames, so the photos count as left; the next run finds them.
            return (Vec::new(), Err(Error::Write { path: folder.to_owned(), source }));
        }
        (committed, ended)
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
                    // Another process has taken the name in the meantime.
                    file = kept;
                    match self.destination(&photo, copy + 1)? {
                        Destination::AlreadyThere(path) => return Ok(Outcome::AlreadyThere(path)),
                        Destination::Free { copy: next } => copy = next,
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

    /// The key by which names are compared. When files may be replaced, case is ignored: on file systems that ignore
    /// it, one photo of the run would otherwise replace another.
    fn key(&self, name: String) -> String {
        match self.if_exists {
            IfExists::Rename => name,
            IfExists::Overwrite => name.to_lowercase(),
        }
    }

    fn is_content_of(&self, described: &Described, path: &Path) -> bool {
        let tag = || -> io::Result<Digest> {
            let (mut file, mut tag) = (File::open(path)?, self.vault.content_tag_in_pieces());
            let mut buffer = Zeroizing::new(vec![0; READ_BYTES]);
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(tag.finish()),
                    read => tag.update(&buffer[..read]),
                }
            }
        };
        tag().is_ok_and(|tag| tag == described.content)
    }
}

/// Renames `file` unless the name is taken.
fn rename_to_free(file: NamedTempFile, path: &Path) -> Result<File, PersistError> {
    match file.persist_noclobber(path) {
        // Some file systems have neither hard links nor a rename that refuses to replace. There, a file that appears
        // between this check and the rename is replaced.
        Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists && is_free(path) => refused.file.persist(path),
        outcome => outcome,
    }
}

fn is_free(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Whether other photos can probably be exported in spite of this error. A full disk or a lost connection would fail
/// for every photo.
pub(super) fn concerns_one_photo(error: &Error) -> bool {
    match error {
        Error::Vault(vault::Error::Io { .. } | vault::Error::UnknownImage { .. } | vault::Error::Superseded { .. }) => {
            true
        }
        Error::Write { source, .. } => concerns_one_name(source),
        error => error.is_damage(),
    }
}

/// Whether the error is about this file name; photos with other names may still be exported.
pub(super) fn concerns_one_name(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::IsADirectory | ErrorKind::InvalidFilename | ErrorKind::InvalidInput)
}

fn instant(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}
