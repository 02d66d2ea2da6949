//! The open directories of a local vault, and its files by name, with limits on their size.
//!
//! The vault's directory and those in it are opened once, never through a link, and every file is opened relative
//! to them ([`Dir`]). So an attacker with write access to the vault cannot make the program read, replace or remove a
//! file elsewhere.
//!
//! Must never: trust a length that a file states about itself, or open a vault file by its path.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::durable::Dir;
use crate::vault::error::Error;
use crate::vault::format::history::Seen;
use crate::vault::format::layout::{Directory, Object};
use crate::vault::format::mapping::SignedMapping;

/// The directories of one vault, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Directories {
    path: PathBuf,
    root: OnceLock<Dir>,
    inner: [OnceLock<Dir>; Directory::ALL.len() + 1],
}

impl Directories {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, root: OnceLock::new(), inner: Default::default() }
    }

    /// Where the vault is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a directory without a header, which is not a vault.
    pub(super) fn require_header(&self) -> Result<(), Error> {
        let not_a_vault = || Error::NotAVault { path: self.path.clone() };
        match self.root().and_then(|root| root.has(Object::Header.file_name().as_ref())) {
            Ok(true) => Ok(()),
            Ok(false) => Err(not_a_vault()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(not_a_vault())
            }
            Err(error) => Err(Error::io(Object::Header)(error)),
        }
    }

    /// The vault's directory. Links in its path are followed, because the owner chose that path.
    pub(super) fn root(&self) -> io::Result<&Dir> {
        opened_once(&self.root, || Dir::open(&self.path))
    }

    /// One of the vault's directories.
    ///
    /// # Errors
    /// [`Error::ForeignDirectory`] when it is a link or a file; otherwise what the system reports.
    pub(super) fn dir(&self, directory: Directory) -> Result<&Dir, Error> {
        let cell = &self.inner[directory as usize];
        opened_once(cell, || self.root()?.open_dir(directory.name())).map_err(|error| match error.kind() {
            io::ErrorKind::NotADirectory => Error::ForeignDirectory { directory: directory.name() },
            _ => Error::io(directory.name())(error),
        })
    }

    /// One of the vault's directories, if it is there.
    pub(super) fn existing_dir(&self, directory: Directory) -> Result<Option<&Dir>, Error> {
        match self.dir(directory) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            dir => dir.map(Some),
        }
    }

    /// One of the vault's directories, made durably if it is missing.
    pub(super) fn made_dir(&self, directory: Directory) -> Result<&Dir, Error> {
        if self.existing_dir(directory)?.is_none() {
            let io = Error::io(directory.name());
            let made = self.root().and_then(|root| root.create_dir(directory.name()).and_then(|_| root.sync()));
            made.map_err(io)?;
        }
        self.dir(directory)
    }

    /// Whether anything has the name of `object`.
    pub(super) fn has(&self, object: &Object) -> Result<bool, Error> {
        self.dir_of(object)?.has(object.file_name().as_ref()).map_err(Error::io(object))
    }

    /// The directory that `object` is in.
    pub(super) fn dir_of(&self, object: &Object) -> Result<&Dir, Error> {
        match object.directory() {
            Some(directory) => self.dir(directory),
            None => self.root().map_err(Error::io(object)),
        }
    }

    /// A file for reading.
    pub(super) fn open_file(&self, object: &Object) -> Result<File, Error> {
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let dir = match self.dir_of(object) {
            Err(Error::Io { source, .. }) if missing(&source) => {
                return Err(Error::Missing { object: object.clone() });
            }
            dir => dir?,
        };
        match dir.open_file(&object.file_name()) {
            Ok(Some(file)) => Ok(file),
            Ok(None) => Err(Error::Damaged { object: object.clone(), what: "it is not a regular file" }),
            Err(error) if missing(&error) => Err(Error::Missing { object: object.clone() }),
            Err(error) => Err(Error::io(object)(error)),
        }
    }

    /// Opens a file of at most `limit` bytes, and returns its size.
    pub(super) fn open_within(&self, object: &Object, limit: u64) -> Result<(File, u64), Error> {
        let file = self.open_file(object)?;
        let actual = file.metadata().map_err(Error::io(object))?.len();
        if actual > limit {
            return Err(Error::TooLarge { object: object.clone(), actual, limit });
        }
        Ok((file, actual))
    }

    /// The content of a file of at most `limit` bytes.
    pub(super) fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error> {
        let (file, actual) = self.open_within(object, limit)?;
        // Read one byte more than the file had: if it is growing, its digest fails and reading still ends.
        let mut bytes = Vec::with_capacity(usize::try_from(actual).unwrap_or(usize::MAX).saturating_add(1));
        file.take(limit).read_to_end(&mut bytes).map_err(Error::io(object))?;
        Ok(bytes)
    }

    /// At most `bytes` bytes of a file from `offset` on.
    pub(super) fn read_at(&self, object: &Object, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        let mut file = self.open_file(object)?;
        let mut read = Vec::new();
        let found = file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(bytes).read_to_end(&mut read));
        found.map_err(Error::io(object))?;
        Ok(read)
    }

    /// The current generation, not verified; `None` when there is none yet.
    pub(super) fn in_force(&self) -> Result<Option<Seen>, Error> {
        match self.mapping() {
            Ok(found) => Ok(Some(Seen::of(&found))),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The current mapping. Its tag is not checked.
    pub(super) fn mapping(&self) -> Result<SignedMapping, Error> {
        SignedMapping::parse(&self.read(&Object::Mapping, SignedMapping::LARGEST)?)
    }
}

/// The directory in `cell`, opened on first use. Two threads may open it at once; the first to finish is kept.
fn opened_once(cell: &OnceLock<Dir>, open: impl FnOnce() -> io::Result<Dir>) -> io::Result<&Dir> {
    match cell.get() {
        Some(dir) => Ok(dir),
        None => open().map(|dir| cell.get_or_init(|| dir)),
    }
}
