//! A vault in a local directory.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | [`LocalBackend`], the [`Backend`] |
//! | `directories` | the open directories, and files by name |
//! | `writer` | writers: staged files, the lock, commit by rename |
//! | `claims` | claims of the next generation |
//! | `journal` | which files an interrupted writer may leave |
//! | `abandoned` | removing those files |
//! | `aside` | strays, and moving them into `set_aside` |
//! | `creation` | the directories of a new vault |
//! | `new_header` | giving a changed header its name |
//! | `leftovers` | files that the mapping does not reference |
//!
//! Must never: mention a secret type. A host needs nothing else to serve a vault.

mod abandoned;
mod aside;
mod claims;
mod creation;
mod directories;
mod journal;
mod leftovers;
mod new_header;
mod writer;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directories::Directories;
pub(crate) use writer::{Incoming, LocalWriter};

use super::blocks::Blocks;
use super::guarded_map::GuardedMap;
use super::writer::{Abandoned, Writer};
use super::{Backend, Leftovers, Listed};
use crate::durable::{Dir, EntryKind, IfLocked};
use crate::vault::error::Error;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::{Digest, Hex, Id};
use crate::vault::format::layout::{Directory, Object};
use crate::vault::format::limits;
use crate::vault::format::mapping::SignedMapping;

/// The backend for a vault in the local directory `root`, which need not hold a vault yet.
#[must_use]
pub fn local(root: impl Into<PathBuf>) -> Arc<dyn Backend> {
    Arc::new(LocalBackend::new(root))
}

/// The files of a vault in a local directory.
#[derive(Clone, Debug)]
pub(crate) struct LocalBackend {
    directories: Arc<Directories>,
}

impl LocalBackend {
    /// Uses the directory `root`, which need not hold a vault yet.
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { directories: Arc::new(Directories::new(root.into())) }
    }

    /// Where the vault is.
    pub(crate) fn root(&self) -> &Path {
        self.directories.path()
    }

    /// As [`Backend::writer`].
    pub(crate) fn local_writer(&self, abandoned: Abandoned) -> LocalWriter {
        LocalWriter::new(&self.directories, Box::new(self.clone()), abandoned)
    }

    /// As [`Backend::create`].
    ///
    /// # Errors
    /// As [`Backend::create`].
    pub(crate) fn create_locally(&self, vault: Id, abandoned: Abandoned) -> Result<LocalWriter, Error> {
        creation::require_free(&self.directories, vault)?;
        let writer = self.local_writer(abandoned);
        writer.lock(IfLocked::Refuse)?;
        creation::create_directories(&self.directories, vault)?;
        writer.start_over()?;
        Ok(writer)
    }

    /// The digest of a file as stored, read in pieces. Refuses a file larger than any that a vault writes under its
    /// name.
    ///
    /// # Errors
    /// As [`Backend::read`].
    pub(crate) fn digest(&self, object: &Object) -> Result<Digest, Error> {
        let limit = limits::largest_bytes(object);
        let (file, _) = self.directories.open_within(object, limit)?;
        let mut hash = blake3::Hasher::new();
        hash.update_reader(file.take(limit)).map_err(Error::io(object))?;
        Ok(Hex(hash.finalize().into()))
    }
}

/// The content of `file`, memory-mapped where possible.
fn mapped(mut file: File) -> io::Result<Blocks> {
    if let Some(map) = GuardedMap::new(&file)? {
        return Ok(Blocks::Mapped(map));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Blocks::Fetched(bytes))
}

impl Backend for LocalBackend {
    fn require_vault(&self) -> Result<(), Error> {
        self.directories.require_header()
    }

    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error> {
        self.directories.read(object, limit)
    }

    fn read_at(&self, object: &Object, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        self.directories.read_at(object, offset, bytes)
    }

    fn blocks(&self, file: &Expected) -> Result<Blocks, Error> {
        let object = &file.object;
        let opened = self.directories.open_file(object)?;
        file.require_length(opened.metadata().map_err(Error::io(object))?.len())?;
        mapped(opened).map_err(Error::io(object))
    }

    fn read_blocks(&self, file: &Expected, buffer: &mut Vec<u8>) -> Result<(), Error> {
        let (opened, _) = self.directories.open_within(&file.object, file.limit)?;
        buffer.clear();
        opened.take(file.limit).read_to_end(buffer).map_err(Error::io(&file.object))?;
        file.require_length(buffer.len() as u64)
    }

    fn pages(&self, file: &Expected) -> Result<Blocks, Error> {
        let (opened, _) = self.directories.open_within(&file.object, file.limit)?;
        mapped(opened).map_err(Error::io(&file.object))
    }

    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error> {
        let dir = match directory {
            // Made by the first writer.
            Directory::Journals => self.directories.existing_dir(directory)?,
            directory => Some(self.directories.dir(directory)?),
        };
        let entries = dir.map_or(Ok(Vec::new()), Dir::entries).map_err(Error::io(directory.name()))?;
        let listed = entries
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File)
            .filter_map(|entry| Some(Listed { object: directory.object(entry.name.to_str()?)?, bytes: entry.bytes }));
        Ok(listed.collect())
    }

    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, Error> {
        leftovers::find(&self.directories, self, newest)
    }

    #[cfg(unix)]
    fn free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(self.root()).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn writer(&self, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        Ok(Box::new(self.local_writer(abandoned)))
    }

    fn create(&self, vault: Id, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        Ok(Box::new(self.create_locally(vault, abandoned)?))
    }

    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, Error> {
        let digest = |object| match self.digest(object) {
            Ok(digest) => Ok(Some(digest)),
            Err(Error::Missing { .. } | Error::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        objects.iter().map(digest).collect()
    }
}
