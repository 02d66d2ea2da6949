//! Where a vault's files are: the one trait that every kind of storage implements.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | [`Backend`]: reading, and the right to become the writer |
//! | `writer` | [`Writer`]: staging files and committing them |
//! | `blocks`, `guarded_map` | file content that is mapped into memory or was fetched |
//! | `generation` | which files a mapping names, read through any backend |
//! | `local` | a directory of this machine |
//!
//! The client of a vault on another machine and its cache are in [`crate::remote`].
//!
//! Everything that crosses this trait is public or encrypted, so whoever stands behind it needs no key. What comes back
//! is checked by the caller against the authenticated mapping.
//!
//! Must never: name a secret type, or fetch a whole segment for a search.

pub(in crate::vault) mod blocks;
pub(in crate::vault) mod generation;
mod guarded_map;
pub(crate) mod local;
pub(in crate::vault) mod writer;

use blocks::Blocks;
use writer::{Abandoned, Writer};

use super::error::Error;
use super::format::entries::SegmentEntry;
use super::format::expected::Expected;
use super::format::hex::Digest;
use super::format::layout::{Directory, Object};
use super::format::mapping::SignedMapping;
use super::format::parameters::CONTEXT_BYTES;
use super::format::sealed::VaultKeys;
use crate::ckks::{EncryptedQuery, PublicContext};
use crate::durable::IfLocked;

/// The files of one vault, for reading, and the right to become their writer.
pub trait Backend: Send + Sync {
    /// Refuses a place that holds no vault.
    ///
    /// # Errors
    /// [`Error::NotAVault`]; when the place cannot be asked.
    fn require_vault(&self) -> Result<(), Error>;

    /// A whole file of at most `limit` bytes, not verified.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::TooLarge`]; when it is not a regular file or cannot be read.
    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error>;

    /// The same, unless the file is the one with the digest `known`: then `None`, and nothing need be transferred.
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

    /// Reads several files at once where that saves time, and hands each to `received` once it is verified. A file that
    /// cannot be read is left out: whoever needs it meets the error when reading it by itself.
    fn read_many(&self, files: &[Expected], received: &mut dyn FnMut(&Expected, &[u8])) {
        for file in files {
            if let Ok(bytes) = self.read_verified(file) {
                received(file, &bytes);
            }
        }
    }

    /// Announces that these files will be read soon. Only a cache does anything about it.
    fn prefetch(&self, _files: &[Expected]) {}

    /// The blocks of a segment, verified. The file has exactly `limit` bytes.
    ///
    /// # Errors
    /// When the file is missing, or its length or content differ.
    fn blocks(&self, file: &Expected) -> Result<Blocks, Error> {
        self.read_verified(file).map(Blocks::Fetched)
    }

    /// A file whose pages authenticate themselves: mapped and not verified where it is local, so that a few pages of a
    /// large file cost no more than those; otherwise fetched and verified whole.
    ///
    /// # Errors
    /// When the file is missing or larger than it can be; when it is fetched, as [`Self::read_verified`].
    fn pages(&self, file: &Expected) -> Result<Blocks, Error> {
        self.read_verified(file).map(Blocks::Fetched)
    }

    /// Who scans the blocks where they are; `None` when they are local, and the caller scans them in place.
    fn scanner(&self) -> Option<&dyn Scanner> {
        None
    }

    /// The files in a directory whose names a vault could have given them.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error>;

    /// How many bytes the files in a directory have together.
    ///
    /// # Errors
    /// As [`Self::list`].
    fn size(&self, directory: Directory) -> Result<u64, Error> {
        Ok(self.list(directory)?.iter().map(|listed| listed.bytes).sum())
    }

    /// The files in the vault's directories that `newest`, the mapping in force, does not name. While a list is
    /// unreadable that may name some of them, only unfinished files are reported.
    ///
    /// # Errors
    /// As [`Self::list`].
    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, Error>;

    /// Takes the lock of the one writer.
    ///
    /// # Errors
    /// [`Error::Locked`]; an [`Error::Io`] when the vault cannot be written.
    fn writer(&self, if_locked: IfLocked, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error>;

    /// Begins a new vault: makes the directories and writes the public context, after removing what an interrupted
    /// creation left. The vault exists once the writer has replaced the header.
    ///
    /// # Errors
    /// [`Error::Occupied`] when the place holds anything else; what the system says.
    fn create(&self, public_context: &[u8], abandoned: Abandoned) -> Result<Box<dyn Writer>, Error>;

    /// The digests of files as they are stored, whatever the mapping says; `None` for a file that is not there.
    ///
    /// # Errors
    /// When the place cannot be asked.
    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, Error>;

    /// The current mapping. Its form is checked, its tag is not: that takes a key.
    ///
    /// # Errors
    /// When it is missing, too large, or not the canonical text of a mapping.
    fn mapping(&self) -> Result<SignedMapping, Error> {
        SignedMapping::parse(&self.read(&Object::Mapping, SignedMapping::LARGEST)?)
    }

    /// The public context, verified.
    ///
    /// # Errors
    /// When it is missing or differs, or its parameters are refused.
    fn public_context(&self, digest: &Digest) -> Result<PublicContext, Error> {
        let file = Expected { object: Object::PublicContext, limit: CONTEXT_BYTES as u64, digest: *digest };
        Ok(PublicContext::from_bytes(&self.read_verified(&file)?)?)
    }

    /// Tells the backend that the vault is unlocked. Only what keeps data on this machine, as a cache does, may take a
    /// key: none may leave it.
    fn unlocked(&self, _keys: &VaultKeys) {}

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

/// The files in a vault's directories that the mapping in force does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Files of an interrupted writer, which had listed them beforehand: they can be removed. The last of them is
    /// [`Object::Writing`], the list itself, when it is there.
    pub abandoned: Vec<Object>,
    /// Paths in the vault of everything else. Nobody knows who put them there, so they are never removed.
    pub strays: Vec<String>,
}

impl Leftovers {
    /// Whether there are none.
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

/// Compares an encrypted query with the blocks of a vault where the blocks are.
pub trait Scanner {
    /// The encrypted scores of all blocks of `segments`, in order: [`SegmentEntry::answer_bytes`] for each. `context`
    /// is the digest of the public context. The length is checked; the content is for the key holder to judge.
    ///
    /// # Errors
    /// When the context or a segment's blocks are missing or damaged there.
    fn scan(&self, context: &Digest, segments: &[SegmentEntry], query: &EncryptedQuery) -> Result<Vec<u8>, Error>;
}
