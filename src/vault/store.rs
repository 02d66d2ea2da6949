//! The keyless half of a vault in a directory: its files by name, bounded and checked against the digests that a mapping
//! gives.
//!
//! The vault's directory and the three in it are opened once and never through a link; every file is reached from them
//! ([`Dir`]). So whoever can write to the vault cannot make a file elsewhere be read, replaced or removed.
//!
//! This is all that an evaluator on an untrusted machine needs. Must never: name a secret type, trust a length that a
//! file states about itself, or look a file of the vault up by its path.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::creation;
use super::error::Error;
use super::guarded_map::GuardedMap;
use super::hex::Digest;
use super::layout::{Directory, Object, Part};
use super::leftovers;
use super::limits;
use super::mapping::{SegmentEntry, SignedMapping};
use super::storage::{Abandoned, Blocks, Expected, Leftovers, Listed, Storage, Writer};
use super::writer::DirectoryWriter;
use crate::ckks::{BLOCK_BYTES, BLOCK_IMAGES};
use crate::durable::{Dir, EntryKind, IfLocked};

/// The files of one vault.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    opened: Arc<Opened>,
}

/// The directories that were opened so far.
#[derive(Debug, Default)]
struct Opened {
    root: OnceLock<Dir>,
    directories: [OnceLock<Dir>; Directory::ALL.len()],
}

impl Store {
    /// The vault at `root`.
    ///
    /// # Errors
    /// [`Error::NotAVault`] when there is no header.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = Self::unfinished(root);
        let header = Object::Header.file_name();
        match store.root_dir().and_then(|dir| dir.has(header.as_ref())) {
            Ok(true) => Ok(store),
            Ok(false) => Err(Error::NotAVault { path: store.root }),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(Error::NotAVault { path: store.root })
            }
            Err(error) => Err(Error::io(Object::Header)(error)),
        }
    }

    /// The place `root`, where there may be no vault yet.
    pub fn unfinished(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), opened: Arc::default() }
    }

    /// Where the vault is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The vault's directory. Links in its path are followed: the owner says where the vault is.
    pub(super) fn root_dir(&self) -> io::Result<&Dir> {
        opened_once(&self.opened.root, || Dir::open(&self.root))
    }

    /// One of the vault's directories.
    ///
    /// # Errors
    /// [`Error::ForeignDirectory`] when a link or a file is in its place; what the system says.
    pub(super) fn dir(&self, directory: Directory) -> Result<&Dir, Error> {
        let cell = &self.opened.directories[directory as usize];
        opened_once(cell, || self.root_dir()?.open_dir(directory.name())).map_err(|error| match error.kind() {
            io::ErrorKind::NotADirectory => Error::ForeignDirectory { directory: directory.name() },
            _ => Error::io(directory.name())(error),
        })
    }

    /// The directory that `object` is in.
    pub(super) fn dir_of(&self, object: &Object) -> Result<&Dir, Error> {
        match object.directory() {
            Some(directory) => self.dir(directory),
            None => self.root_dir().map_err(Error::io(object)),
        }
    }

    fn open_file(&self, object: &Object) -> Result<File, Error> {
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

    /// A file of at most `limit` bytes, and how many it has.
    fn open_within(&self, object: &Object, limit: u64) -> Result<(File, u64), Error> {
        let file = self.open_file(object)?;
        let actual = file.metadata().map_err(Error::io(object))?.len();
        if actual > limit {
            return Err(Error::TooLarge { object: object.clone(), actual, limit });
        }
        Ok((file, actual))
    }

    /// The blocks in the file `object` of a segment of so many images, mapped, and checked against their digest.
    ///
    /// # Errors
    /// As [`Storage::blocks`].
    pub fn blocks_with(&self, object: Object, images: usize, digest: &Digest) -> Result<Blocks, Error> {
        let file = self.open_file(&object)?;
        let length = file.metadata().map_err(Error::io(&object))?.len();
        if length != (images.div_ceil(BLOCK_IMAGES) * BLOCK_BYTES) as u64 {
            return Err(Error::Damaged { object, what: "its length is not the mapping's" });
        }
        let blocks = mapped(file).map_err(Error::io(&object))?;
        let is_meant = Digest::of(&[&blocks]) == *digest;
        blocks.require_whole(&object)?;
        if !is_meant {
            return Err(Error::Damaged { object, what: "its digest is not the mapping's" });
        }
        Ok(blocks)
    }

    /// The digest of a file as it is, which is read in pieces. A file larger than any that a vault writes under its name
    /// is not read.
    ///
    /// # Errors
    /// As [`Storage::read`].
    pub fn digest(&self, object: &Object) -> Result<Digest, Error> {
        let limit = limits::largest_bytes(object);
        let (file, _) = self.open_within(object, limit)?;
        Digest::of_reader(file.take(limit)).map_err(Error::io(object))
    }

    /// The writer of this vault, with what a caller on the same machine can ask of it.
    ///
    /// # Errors
    /// As [`Storage::writer`].
    pub fn directory_writer(&self, if_locked: IfLocked, abandoned: Abandoned) -> Result<DirectoryWriter, Error> {
        DirectoryWriter::begin(self, if_locked, abandoned)
    }

    /// The writer of a vault that is begun here.
    ///
    /// # Errors
    /// As [`Storage::found`].
    pub fn directory_founder(&self, public_context: &[u8], abandoned: Abandoned) -> Result<DirectoryWriter, Error> {
        creation::found(self, public_context, abandoned)
    }
}

/// The content of `file`, mapped where that is possible.
fn mapped(mut file: File) -> io::Result<Blocks> {
    if let Some(map) = GuardedMap::new(&file)? {
        return Ok(Blocks::Mapped(map));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Blocks::Fetched(bytes))
}

/// The directory in `cell`, opened on first use. Two threads may open it at once; the first to finish is kept.
fn opened_once(cell: &OnceLock<Dir>, open: impl FnOnce() -> io::Result<Dir>) -> io::Result<&Dir> {
    match cell.get() {
        Some(dir) => Ok(dir),
        None => open().map(|dir| cell.get_or_init(|| dir)),
    }
}

impl Storage for Store {
    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error> {
        let (file, actual) = self.open_within(object, limit)?;
        // One byte more than the file had: a file that grows meanwhile is noticed by its digest, not followed.
        let mut bytes = Vec::with_capacity(usize::try_from(actual).unwrap_or(usize::MAX).saturating_add(1));
        file.take(limit).read_to_end(&mut bytes).map_err(Error::io(object))?;
        Ok(bytes)
    }

    fn blocks(&self, segment: &SegmentEntry) -> Result<Blocks, Error> {
        self.blocks_with(Object::Segment(segment.id, Part::Blocks), segment.images, &segment.ckks)
    }

    fn pages(&self, file: &Expected) -> Result<Blocks, Error> {
        let (opened, _) = self.open_within(&file.object, file.limit)?;
        mapped(opened).map_err(Error::io(&file.object))
    }

    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error> {
        let entries = self.dir(directory)?.entries().map_err(Error::io(directory.name()))?;
        let listed = entries
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File)
            .filter_map(|entry| Some(Listed { object: directory.object(entry.name.to_str()?)?, bytes: entry.bytes }));
        Ok(listed.collect())
    }

    fn size(&self, directory: Directory) -> Result<u64, Error> {
        Ok(self.list(directory)?.iter().map(|listed| listed.bytes).sum())
    }

    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, Error> {
        leftovers::find(self, &newest.mapping)
    }

    fn writer(&self, if_locked: IfLocked, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        Ok(Box::new(self.directory_writer(if_locked, abandoned)?))
    }

    fn found(&self, public_context: &[u8], abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        Ok(Box::new(self.directory_founder(public_context, abandoned)?))
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
