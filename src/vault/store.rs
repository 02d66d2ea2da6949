//! The keyless half of a vault: its files by name, bounded and checked against the digests that a mapping gives.
//!
//! This is all that an evaluator on an untrusted machine needs. Must never: name a secret type, or trust a length that a
//! file states about itself.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::error::Error;
use super::hex::Digest;
use super::layout::{Object, Part};
use super::mapping::{SegmentEntry, SignedMapping};
use super::segment_map;
use crate::ckks::PublicContext;

/// The files of one vault.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// The blocks of one segment, mapped into memory.
pub struct MappedBlocks(Mmap);

impl Deref for MappedBlocks {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Store {
    /// The vault at `root`.
    ///
    /// # Errors
    /// [`Error::NotAVault`] when there is no header.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = Self { root: root.into() };
        match fs::symlink_metadata(Object::Header.path(&store.root)) {
            Ok(_) => Ok(store),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(Error::NotAVault { path: store.root })
            }
            Err(error) => Err(Error::io(Object::Header)(error)),
        }
    }

    /// Where the vault is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The current mapping. Its form is checked, its tag is not: only the key holder can do that.
    ///
    /// # Errors
    /// When it is missing, too large, or not the canonical text of a mapping.
    pub fn mapping(&self) -> Result<SignedMapping, Error> {
        SignedMapping::parse(&self.read(&Object::Mapping, SignedMapping::LARGEST)?)
    }

    /// The public context, checked against the mapping's digest.
    ///
    /// # Errors
    /// When it is missing or differs, or its parameters are refused.
    pub fn public_context(&self, digest: &Digest) -> Result<PublicContext, Error> {
        let limit = crate::ckks::CONTEXT_BYTES as u64;
        Ok(PublicContext::from_bytes(&self.read_verified(&Object::PublicContext, limit, digest)?)?)
    }

    /// The blocks of a segment, mapped and checked against the mapping's digest: the cost is one pass over them.
    ///
    /// # Errors
    /// When the file is missing, or its length or content differ.
    pub fn blocks(&self, segment: &SegmentEntry) -> Result<MappedBlocks, Error> {
        let object = Object::Segment(segment.id, Part::Blocks);
        let file = self.open_file(&object)?;
        let length = file.metadata().map_err(Error::io(&object))?.len();
        if length != segment.blocks_bytes() as u64 {
            return Err(Error::Damaged { object, what: "its length is not the mapping's" });
        }
        let mapped = segment_map::map(&file).map_err(Error::io(&object))?;
        if Digest::of(&[&mapped]) != segment.ckks {
            return Err(Error::Damaged { object, what: "its digest is not the mapping's" });
        }
        Ok(MappedBlocks(mapped))
    }

    /// A whole file of at most `limit` bytes whose digest is known.
    ///
    /// # Errors
    /// When it is missing, larger, or differs.
    pub fn read_verified(&self, object: &Object, limit: u64, digest: &Digest) -> Result<Vec<u8>, Error> {
        let bytes = self.read(object, limit)?;
        if Digest::of(&[&bytes]) == *digest {
            Ok(bytes)
        } else {
            Err(Error::Damaged { object: object.clone(), what: "its digest is not the one recorded" })
        }
    }

    /// A whole file of at most `limit` bytes.
    ///
    /// # Errors
    /// When it is missing, no regular file, or larger.
    pub fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error> {
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
}
