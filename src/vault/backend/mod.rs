//! Where a vault's files are stored: the trait that every kind of storage implements.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | [`Backend`]: reading, and opening a writer |
//! | `writer` | [`Writer`]: staging files, the lock, and committing |
//! | `blocks`, `guarded_map` | file content, memory-mapped or fetched |
//! | `copying` | copying files between two copies of a vault |
//! | `generation` | which files a mapping references, read through any backend |
//! | `keyless_check` | comparing them with their digests where they are stored |
//! | `local` | a local directory |
//!
//! The client of a vault on another machine and its cache are in [`crate::remote`].
//!
//! Everything that crosses this trait is public or encrypted, so no implementation needs a key. Callers check what they
//! receive against the authenticated mapping.
//!
//! Must never: use keys for anything but [`Backend::unlocked`], or fetch a whole segment for a search.

pub(in crate::vault) mod blocks;
pub(in crate::vault) mod copying;
pub(in crate::vault) mod generation;
mod guarded_map;
pub(in crate::vault) mod keyless_check;
pub(crate) mod local;
pub(in crate::vault) mod writer;

use blocks::Blocks;
use writer::{Abandoned, Writer};

use super::error::Error;
use super::format::expected::Expected;
use super::format::hex::{Digest, Id};
use super::format::layout::{Directory, Object};
use super::format::limits::largest_bytes;
use super::format::mapping::SignedMapping;
use super::format::sealed::VaultKeys;
use crate::ckks::{CONTEXT_BYTES, EncryptedQuery};

/// The files of one vault: reads them, and opens writers.
pub trait Backend: Send + Sync {
    /// Fails if there is no vault here.
    ///
    /// # Errors
    /// [`Error::NotAVault`]; when the place cannot be reached.
    fn require_vault(&self) -> Result<(), Error>;

    /// A whole file of at most `limit` bytes, not verified.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::TooLarge`]; when it is not a regular file or cannot be read.
    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error>;

    /// The bytes of a file from `offset` on, at most `bytes`, not verified: fewer, or none, at the end of the file.
    ///
    /// # Errors
    /// [`Error::Missing`]; when it is not a regular file or cannot be read.
    fn read_at(&self, object: &Object, offset: u64, bytes: u64) -> Result<Vec<u8>, Error>;

    /// The same as [`Self::read`], but `None` without a transfer when the file's digest is `known`.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn read_if_changed(&self, object: &Object, limit: u64, known: &Digest) -> Result<Option<Vec<u8>>, Error> {
        let bytes = self.read(object, limit)?;
        Ok((Digest::of(&[&bytes]) != *known).then_some(bytes))
    }

    /// A whole file whose digest is known.
    ///
    /// # Errors
    /// As [`Self::read`]; [`Error::Damaged`] when the digest differs.
    fn read_verified(&self, file: &Expected) -> Result<Vec<u8>, Error> {
        let bytes = self.read(&file.object, file.limit)?;
        if file.is(&bytes) { Ok(bytes) } else { Err(file.differs()) }
    }

    /// Reads several files at once where that saves time, and passes each to `received` after verifying it. Unreadable
    /// files are skipped; reading one by itself reports the error.
    fn read_many(&self, files: &[Expected], received: &mut dyn FnMut(&Expected, &[u8])) {
        for file in files {
            if let Ok(bytes) = self.read_verified(file) {
                received(file, &bytes);
            }
        }
    }

    /// Announces that these files will be read soon. Only a cache does anything about it.
    fn prefetch(&self, _files: &[Expected]) {}

    /// The blocks of a segment, not verified: check vectors verify what is computed from them. The file must have
    /// exactly `limit` bytes.
    ///
    /// # Errors
    /// When the file is missing, or its length differs.
    fn blocks(&self, file: &Expected) -> Result<Blocks, Error> {
        let mut blocks = Vec::new();
        self.read_blocks(file, &mut blocks)?;
        Ok(Blocks::Fetched(blocks))
    }

    /// The same, into a buffer that can be used again.
    ///
    /// # Errors
    /// As [`Self::blocks`].
    fn read_blocks(&self, file: &Expected, buffer: &mut Vec<u8>) -> Result<(), Error> {
        *buffer = self.read(&file.object, file.limit)?;
        file.require_length(buffer.len() as u64)
    }

    /// A file whose pages authenticate themselves. A local file is mapped and not verified, so that reading a few pages
    /// of a large file stays cheap; otherwise it is fetched and verified as a whole.
    ///
    /// # Errors
    /// When the file is missing or too large; when it is fetched, as [`Self::read_verified`].
    fn pages(&self, file: &Expected) -> Result<Blocks, Error> {
        self.read_verified(file).map(Blocks::Fetched)
    }

    /// Scans the blocks on the host; `None` when they are local and the caller scans them.
    fn scanner(&self) -> Option<&dyn Scanner> {
        None
    }

    /// The files in a directory that have valid vault names.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error>;

    /// The total bytes of the files in a directory.
    ///
    /// # Errors
    /// As [`Self::list`].
    fn size(&self, directory: Directory) -> Result<u64, Error> {
        Ok(self.list(directory)?.iter().map(|listed| listed.bytes).sum())
    }

    /// The files in the vault's directories that `newest`, the current mapping, does not reference, except those of
    /// writers that are still there. If a list is unreadable, only unfinished files are reported, because that list may
    /// reference the others. None when `newest` is no longer current.
    ///
    /// # Errors
    /// As [`Self::list`].
    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, Error>;

    /// Opens a writer, which does not hold the lock.
    ///
    /// # Errors
    /// When the place cannot be reached.
    fn writer(&self, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error>;

    /// Starts the new vault with this id: removes what an interrupted creation left, except files staged for the same
    /// vault, and makes the directories. The writer holds the lock. The vault exists once a commit has given it a
    /// header.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process creates it; [`Error::Occupied`] when the place holds anything else;
    /// otherwise what the system reports.
    fn create(&self, vault: Id, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error>;

    /// The digests of files as stored, whatever the mapping says; `None` for a missing file.
    ///
    /// # Errors
    /// When the place cannot be reached.
    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, Error>;

    /// The current mapping. Checks its form but not its tag, which needs a key.
    ///
    /// # Errors
    /// When it is missing, too large, or not the canonical text of a mapping.
    fn mapping(&self) -> Result<SignedMapping, Error> {
        SignedMapping::parse(&self.read(&Object::Mapping, SignedMapping::LARGEST)?)
    }

    /// The header that the mapping names by this digest: `header`, or `header.new` if a commit that changes the header
    /// was interrupted after its mapping was in place. `header` if neither is the one.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn header(&self, named: &Digest) -> Result<Vec<u8>, Error> {
        let limit = largest_bytes(&Object::Header);
        let header = self.read(&Object::Header, limit)?;
        if Digest::of(&[&header]) == *named {
            return Ok(header);
        }
        let unfinished = self.read(&Object::UNFINISHED_HEADER, limit).ok();
        Ok(unfinished.filter(|unfinished| Digest::of(&[unfinished]) == *named).unwrap_or(header))
    }

    /// Tells the backend that the vault is unlocked. Only a backend that keeps data on this machine, such as a cache,
    /// may use the keys; they must never leave it.
    fn unlocked(&self, _keys: &VaultKeys) {}

    /// Bytes that can still be written where the vault is; `None` where that is not known.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Bytes exchanged with another machine so far; `None` for a local vault.
    fn traffic(&self) -> Option<Traffic> {
        None
    }
}

/// A file in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which file.
    pub object: Object,
    /// Its bytes.
    pub bytes: u64,
}

/// The files in a vault's directories that the current mapping does not reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Files that interrupted writers had listed in their journals: they can be removed. The journals themselves come
    /// last ([`Object::Journal`]; [`Object::Writing`] of earlier versions).
    pub abandoned: Vec<Object>,
    /// Vault paths of everything else. Their origin is unknown, so they are never removed.
    pub strays: Vec<String>,
}

impl Leftovers {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.abandoned.is_empty() && self.strays.is_empty()
    }
}

/// Bytes exchanged with another machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To the host.
    pub sent: u64,
    /// From the host.
    pub received: u64,
}

/// The blocks of one segment.
#[derive(Clone, Debug)]
pub struct BlocksFile {
    /// The file.
    pub file: Expected,
    /// How many blocks it has.
    pub blocks: usize,
}

/// Scores an encrypted query against a vault's blocks, on the machine that stores them.
pub trait Scanner {
    /// The encrypted scores of all blocks in `files`, in order. `context` is the public context. Only the length is
    /// checked; the key holder verifies the content.
    ///
    /// # Errors
    /// When blocks are missing on the host, or have another length.
    fn scan(
        &self,
        context: &[u8; CONTEXT_BYTES],
        files: &[BlocksFile],
        query: &EncryptedQuery,
    ) -> Result<Vec<u8>, Error>;
}
