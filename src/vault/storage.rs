//! Where a vault's files are: what a directory of this machine ([`Store`](super::Store)) and a host elsewhere both offer.
//!
//! This is the seam between a vault and the place that holds it. Everything that crosses it is public or sealed, so that
//! whoever stands behind it needs no key; everything that comes back is checked against the authenticated mapping by
//! whoever asked. Must never: name a secret type, or hand over a whole segment for a search.

use std::ops::Deref;

use super::error::Error;
use super::guarded_map::GuardedMap;
use super::hex::Digest;
use super::layout::{Directory, Object};
use super::mapping::{SegmentEntry, SignedMapping};
use crate::ckks::{CONTEXT_BYTES, EncryptedQuery, PublicContext};
use crate::durable::IfLocked;

/// The files of one vault, for reading, and the right to become their writer.
pub trait Storage: Send + Sync {
    /// A whole file of at most `limit` bytes, not verified.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::TooLarge`]; when it is no regular file or cannot be had.
    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error>;

    /// A whole file whose digest is known.
    ///
    /// # Errors
    /// As [`Self::read`]; [`Error::Damaged`] when it differs.
    fn read_verified(&self, file: &Expected) -> Result<Vec<u8>, Error> {
        let bytes = self.read(&file.object, file.limit)?;
        if file.is(&bytes) { Ok(bytes) } else { Err(file.differs()) }
    }

    /// Says that these files will be read soon, so that a distant place is asked for all of them at once. An error is met
    /// again when the file is read.
    fn prefetch(&self, _files: &[Expected]) {}

    /// The blocks of a segment, checked against the mapping's digest: the cost is one pass over them, or their transfer.
    ///
    /// # Errors
    /// When the file is missing, or its length or content differ.
    fn blocks(&self, segment: &SegmentEntry) -> Result<Blocks, Error>;

    /// A file whose parts prove themselves: mapped and not verified where it is here, so that a few parts of a large file
    /// cost no more than those, else fetched and verified whole.
    ///
    /// # Errors
    /// When the file is missing or larger than it can be; when it is fetched, as [`Self::read_verified`].
    fn pages(&self, file: &Expected) -> Result<Blocks, Error> {
        self.read_verified(file).map(Blocks::Fetched)
    }

    /// Who scans the blocks where they are; `None` when they are here, and the caller scans them in place.
    fn scanner(&self) -> Option<&dyn Scanner> {
        None
    }

    /// The files in a directory that a vault gave their names.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error>;

    /// How many bytes the files in a directory have together.
    ///
    /// # Errors
    /// As [`Self::list`].
    fn size(&self, directory: Directory) -> Result<u64, Error>;

    /// What `newest`, the mapping in force, does not name in the vault's directories. None but unfinished files while a
    /// list cannot be read that may name them.
    ///
    /// # Errors
    /// As [`Self::list`].
    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, Error>;

    /// Takes the lock of the one writer.
    ///
    /// # Errors
    /// [`Error::Locked`]; an [`Error::Io`] when the vault cannot be written.
    fn writer(&self, if_locked: IfLocked, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error>;

    /// Begins a vault where there is none: directories and the public context are made, and what an interrupted beginning
    /// left is removed. There is a vault once the writer has replaced the header.
    ///
    /// # Errors
    /// [`Error::Occupied`] when the place holds anything but such remains; what the system says.
    fn found(&self, public_context: &[u8], abandoned: Abandoned) -> Result<Box<dyn Writer>, Error>;

    /// The digests of files as they are there, whatever the mapping says; `None` for one that is not there.
    ///
    /// # Errors
    /// When the place cannot be asked.
    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, Error>;

    /// The current mapping. Its form is checked, its tag is not: only the key holder can do that.
    ///
    /// # Errors
    /// When it is missing, too large, or not the canonical text of a mapping.
    fn mapping(&self) -> Result<SignedMapping, Error> {
        SignedMapping::parse(&self.read(&Object::Mapping, SignedMapping::LARGEST)?)
    }

    /// The public context, checked against the mapping's digest.
    ///
    /// # Errors
    /// When it is missing or differs, or its parameters are refused.
    fn public_context(&self, digest: &Digest) -> Result<PublicContext, Error> {
        let file = Expected { object: Object::PublicContext, limit: CONTEXT_BYTES as u64, digest: *digest };
        Ok(PublicContext::from_bytes(&self.read_verified(&file)?)?)
    }

    /// The bytes that went to and came from another machine so far; `None` when there is none.
    fn traffic(&self) -> Option<Traffic> {
        None
    }
}

/// A file as it must be: which one, how large at most, and its digest.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Which file.
    pub object: Object,
    /// Most bytes that it can have.
    pub limit: u64,
    /// BLAKE3 of its content.
    pub digest: Digest,
}

impl Expected {
    /// Whether `bytes` are its content.
    pub fn is(&self, bytes: &[u8]) -> bool {
        Digest::of(&[bytes]) == self.digest
    }

    /// The error for a file that is another.
    pub fn differs(&self) -> Error {
        Error::Damaged { object: self.object.clone(), what: "its digest is not the one recorded" }
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

/// What is in a vault's directories besides the files that the mapping in force names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Files that an interrupted writer left, which had listed them; they can be removed. The last of them is
    /// [`Object::Writing`], the list itself, when it is there.
    pub abandoned: Vec<Object>,
    /// Paths in the vault of everything else. Who put it there is not known, so it is never removed.
    pub strays: Vec<String>,
}

impl Leftovers {
    /// Whether there is nothing but what the mapping names.
    pub fn is_empty(&self) -> bool {
        self.abandoned.is_empty() && self.strays.is_empty()
    }
}

/// Bytes that travelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To the host.
    pub sent: u64,
    /// From the host.
    pub received: u64,
}

/// Compares an encrypted query with the blocks of a vault at the place where they are.
pub trait Scanner {
    /// The encrypted scores of all blocks of `segments`, in order: 5 bytes an image of full blocks. `context` is the digest
    /// of the public context. The length is right; the content is for the key holder to judge.
    ///
    /// # Errors
    /// When the context or a segment's blocks are missing or damaged there.
    fn scan(&self, context: &Digest, segments: &[SegmentEntry], query: &EncryptedQuery) -> Result<Vec<u8>, Error>;
}

/// What becomes of files that were staged when their writer is gone without a commit, or the line to it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// They are removed.
    Remove,
    /// They stay, so that a later try need not write them again; the next writer that stages nothing like them removes them.
    Keep,
}

/// The one writer of a vault. It holds the lock until it is dropped.
pub trait Writer: Send + Sync {
    /// Says which files will be staged, or become obsolete with the next commit, so that the next writer finds them should
    /// this one be interrupted. Durable before any of them is created. For many files one call costs less than many.
    ///
    /// # Errors
    /// What the system says. An error may be told by a later call instead.
    fn announce(&self, objects: &[Object]) -> Result<(), Error>;

    /// Writes a new file that no mapping names yet, from any thread. An error may be told by a later call instead.
    ///
    /// # Errors
    /// What the system says.
    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error>;

    /// Removes photos, thumbnails, files of segments and groups and unfinished files that the mapping in force does not
    /// name; of them only those that were announced, by this writer or an interrupted one. One that stays is a leftover,
    /// which the next writer removes. [`Object::Writing`] among them says that there are no others: it is removed once all
    /// those removals are durable, and stays when one failed.
    fn discard(&self, objects: &[Object]);

    /// Makes all that was staged durable, and then `mapping` the mapping in force.
    ///
    /// # Errors
    /// The old mapping is in force, unless its replacement failed in the last step: then either may be.
    /// [`Error::Overtaken`] when another writer's is in force.
    fn commit(&self, mapping: &SignedMapping) -> Result<(), Error>;

    /// Replaces the header, atomically and durably.
    ///
    /// # Errors
    /// What the system says.
    fn replace_header(&self, header: &[u8]) -> Result<(), Error>;

    /// Moves everything that nothing names out of the vault's directories, into `set_aside` beside them.
    ///
    /// # Errors
    /// What the system says. What was moved before stays there.
    fn set_strays_aside(&self) -> Result<(), Error>;
}

/// The blocks of one segment, or the pages of tags of one group: mapped where they lie, or fetched.
pub enum Blocks {
    /// A file of this machine, mapped into memory.
    Mapped(GuardedMap),
    /// What a host sent, or a file that was read.
    Fetched(Vec<u8>),
}

impl Blocks {
    /// To be asked before anything computed from the blocks is used.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file, which is called `object`, was cut off while it was mapped.
    pub fn require_whole(&self, object: &Object) -> Result<(), Error> {
        if self.is_whole() {
            return Ok(());
        }
        Err(Error::Damaged { object: object.clone(), what: "it was cut off while it was read" })
    }

    /// Whether all that was read so far is what the file held.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Mapped(mapped) => mapped.is_whole(),
            Self::Fetched(_) => true,
        }
    }
}

impl Deref for Blocks {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Fetched(bytes) => bytes,
        }
    }
}
