//! The keyless half of a vault in a directory: its files by name, bounded and checked against the digests that a mapping
//! gives.
//!
//! This is all that an evaluator on an untrusted machine needs. Must never: name a secret type, or trust a length that a
//! file states about itself.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::creation;
use super::error::Error;
use super::hex::Digest;
use super::layout::{Directory, Object, Part};
use super::leftovers;
use super::mapping::{SegmentEntry, SignedMapping};
use super::segment_map;
use super::storage::{Abandoned, Blocks, Expected, Listed, Storage, Writer};
use super::writer::DirectoryWriter;
use crate::ckks::{BLOCK_BYTES, BLOCK_IMAGES};
use crate::durable::IfLocked;

/// The files of one vault.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The vault at `root`.
    ///
    /// # Errors
    /// [`Error::NotAVault`] when there is no header.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = Self::unfinished(root);
        match fs::symlink_metadata(Object::Header.path(&store.root)) {
            Ok(_) => Ok(store),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(Error::NotAVault { path: store.root })
            }
            Err(error) => Err(Error::io(Object::Header)(error)),
        }
    }

    /// The place `root`, where there may be no vault yet.
    pub fn unfinished(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where the vault is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn open_file(&self, object: &Object) -> Result<File, Error> {
        let path = object.path(&self.root);
        let open = || {
            // Opening a pipe would wait for ever.
            if fs::symlink_metadata(&path)?.is_file() { File::open(&path).map(Some) } else { Ok(None) }
        };
        match open() {
            Ok(Some(file)) => Ok(file),
            Ok(None) => Err(Error::Damaged { object: object.clone(), what: "it is not a regular file" }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Missing { object: object.clone() }),
            Err(error) => Err(Error::io(object)(error)),
        }
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
        let mapped = segment_map::map(&file).map_err(Error::io(&object))?;
        if Digest::of(&[&mapped]) != *digest {
            return Err(Error::Damaged { object, what: "its digest is not the mapping's" });
        }
        Ok(Blocks::Mapped(mapped))
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

impl Storage for Store {
    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error> {
        let file = self.open_file(object)?;
        let actual = file.metadata().map_err(Error::io(object))?.len();
        if actual > limit {
            return Err(Error::TooLarge { object: object.clone(), actual, limit });
        }
        // One byte more than the file had: a file that grows meanwhile is noticed by its digest, not followed.
        let mut bytes = Vec::with_capacity(usize::try_from(actual).unwrap_or(usize::MAX).saturating_add(1));
        file.take(limit).read_to_end(&mut bytes).map_err(Error::io(object))?;
        Ok(bytes)
    }

    fn blocks(&self, segment: &SegmentEntry) -> Result<Blocks, Error> {
        self.blocks_with(Object::Segment(segment.id, Part::Blocks), segment.images, &segment.ckks)
    }

    fn pages(&self, file: &Expected) -> Result<Blocks, Error> {
        let opened = self.open_file(&file.object)?;
        let actual = opened.metadata().map_err(Error::io(&file.object))?.len();
        if actual > file.limit {
            return Err(Error::TooLarge { object: file.object.clone(), actual, limit: file.limit });
        }
        segment_map::map(&opened).map(Blocks::Mapped).map_err(Error::io(&file.object))
    }

    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error> {
        let io = |error| Error::io(directory.name())(error);
        let mut files = Vec::new();
        for entry in fs::read_dir(self.root.join(directory.name())).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name();
            if let Some(object) = name.to_str().and_then(|name| directory.object(name)) {
                files.push(Listed { object, bytes: entry.metadata().map_err(io)?.len() });
            }
        }
        Ok(files)
    }

    fn size(&self, directory: Directory) -> Result<u64, Error> {
        Ok(self.list(directory)?.iter().map(|listed| listed.bytes).sum())
    }

    fn leftovers(&self, newest: &SignedMapping) -> Result<Vec<Object>, Error> {
        leftovers::find(self, &newest.mapping)
    }

    fn writer(&self, if_locked: IfLocked, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        Ok(Box::new(self.directory_writer(if_locked, abandoned)?))
    }

    fn found(&self, public_context: &[u8], abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        Ok(Box::new(self.directory_founder(public_context, abandoned)?))
    }

    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, Error> {
        let digest = |object| match self.read(object, u64::MAX) {
            Ok(bytes) => Ok(Some(Digest::of(&[&bytes]))),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        objects.iter().map(digest).collect()
    }

    fn directory(&self) -> Option<&Path> {
        Some(&self.root)
    }
}
