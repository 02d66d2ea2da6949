//! The unlocked vault: opening and creating one, its keys, and its newest generation.
//!
//! Must never: keep a key longer than the vault and everything made from it.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::backend::Backend;
use super::creation;
use super::error::Error;
use super::format::header;
use super::format::hex::{Digest, Id};
use super::format::history::{Descent, Seen};
use super::format::layout::Object;
use super::format::limits::largest_bytes;
use super::format::mapping::{Mapping, SignedMapping};
use super::format::sealed::{ContentTag, VaultKeys};
use super::format::segment::Search;
use super::format::shape::Shape;
use super::format::space::FeatureSpace;
use super::freshness::{CopyAge, Freshness};
use super::read::check;
use super::read::history;
use super::read::snapshot::Snapshot;
use super::read::source::Source;
use crate::cipher::{Cost, MasterKey, Passphrase, Purpose, aes_cbc_hmac, padding};
use crate::ckks::KeyHolder;

/// How often opening is tried while others commit.
const TRIES: usize = 8;

/// An unlocked vault. Its keys are wiped when the vault and everything made from it are dropped.
pub struct Vault {
    pub(super) source: Arc<Source>,
    pub(super) freshness: Freshness,
    space: FeatureSpace,
}

impl Vault {
    /// Creates an empty vault at a place that has none, and opens it.
    ///
    /// The header is written last: until then there is no vault, and remains of an interrupted creation are replaced.
    ///
    /// # Errors
    /// [`Error::Occupied`] when the place holds anything else; what the system reports.
    pub fn create(
        backend: Arc<dyn Backend>,
        passphrase: &Passphrase,
        cost: Cost,
        space: FeatureSpace,
        freshness: Freshness,
    ) -> Result<(Self, Snapshot), Error> {
        creation::create(&*backend, passphrase, cost, space, &freshness)?;
        Self::open(backend, passphrase, freshness)
    }

    /// Opens a vault, and returns the generation that was read and verified on the way. Writes nothing but the record
    /// of generations seen on this machine.
    ///
    /// # Errors
    /// [`Error::NotAVault`]; [`Error::WrongPassphrase`] for a wrong passphrase and a changed header alike;
    /// [`Error::HeaderReplaced`]; [`Error::RolledBack`], [`Error::Forked`], [`Error::Unproven`]; [`Error::Newer`]; a
    /// top-level file that is missing or damaged.
    pub fn open(
        backend: Arc<dyn Backend>,
        passphrase: &Passphrase,
        freshness: Freshness,
    ) -> Result<(Self, Snapshot), Error> {
        let header = read_header(&*backend)?;
        let (vault, master) = match header::open(&header, passphrase) {
            // After an interrupted change of the passphrase another header may be the current one.
            Err(Error::WrongPassphrase) => open_named_header(&*backend, &header, passphrase)?,
            opened => opened?,
        };
        let keys = Arc::new(VaultKeys::new(vault, master));
        // First of all: the cache for everything read next is encrypted with a key of the vault.
        backend.unlocked(&keys);
        let signed = read_mapping(&*backend, &keys, &freshness)?;
        let mapping = &signed.mapping;
        if !mapping.is_old() && mapping.header != Digest::of(&[&header]) {
            // Another process may have committed both since the header was read.
            header::open(&named_header(&*backend, mapping)?, passphrase)?;
        }
        let space = mapping.feature_space()?;
        let shape = Shape::of(mapping)?;
        let search = if mapping.is_old() { None } else { Some(Search::new(&keys, mapping.space()?)?) };
        let source = Arc::new(Source { backend, keys, shape, search });
        let snapshot = Snapshot::new(&source, signed, None);
        Ok((Self { source, freshness, space }, snapshot))
    }

    /// The newest generation.
    ///
    /// # Errors
    /// When the mapping is missing, damaged, or older than the newest generation seen on this machine.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(&self.source, self.current()?, None))
    }

    /// The newest generation. Reuses what `previous` has read of segments that still exist.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn snapshot_after(&self, previous: &Snapshot) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(&self.source, self.current()?, Some(previous)))
    }

    /// Reads and verifies every file of the newest generation. `read` receives progress, on any thread.
    ///
    /// # Errors
    /// As [`Self::snapshot`]: without a mapping there is nothing to check.
    pub fn check(&self, read: &(dyn Fn(check::Progress) + Sync)) -> Result<check::Report, Error> {
        check::check(&self.snapshot()?, check::Originals::Read, read)
    }

    /// What made the vault's vectors. The same in every generation.
    #[must_use]
    pub fn feature_space(&self) -> &FeatureSpace {
        &self.space
    }

    /// Whether this copy is the newest that this machine has seen. Only a vault opened with [`Freshness::reading`] can
    /// have another value; it can then be read but not changed.
    #[must_use]
    pub fn copy_age(&self) -> CopyAge {
        self.freshness.copy_age()
    }

    /// Refuses a copy that can only be read, as every change would.
    ///
    /// # Errors
    /// [`Error::RolledBack`], [`Error::Forked`], [`Error::Unproven`].
    pub fn require_newest(&self) -> Result<(), Error> {
        self.freshness.require_newest()
    }

    /// Makes this copy count as the newest from now on, at the owner's request: the record of generations seen on this
    /// machine goes on from this copy's generation, and changes are allowed. Does nothing for the newest copy.
    ///
    /// # Errors
    /// When the mapping or the record cannot be read or written.
    pub fn accept_older_copy(&self) -> Result<(), Error> {
        if self.copy_age() != CopyAge::Newest {
            // The same generation as before, or one that continues it; any other is refused.
            let current = self.current()?;
            self.freshness.accept(&current)?;
            self.freshness.allow_changes();
        }
        Ok(())
    }

    /// The newest generation of another copy of this vault, read with the keys of this one.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not a copy of this vault; [`Error::Outdated`]; what its backend reports.
    pub fn other_copy(&self, backend: Arc<dyn Backend>) -> Result<Snapshot, Error> {
        let keys = &self.source.keys;
        backend.unlocked(keys);
        let signed = backend.mapping()?;
        if !signed.is_authentic(keys) {
            return Err(Error::Damaged { object: Object::Mapping, what: "it does not authenticate" });
        }
        let search = Some(Search::new(keys, signed.mapping.space()?)?);
        let (keys, shape) = (Arc::clone(keys), Shape::of(&signed.mapping)?);
        Ok(Snapshot::new(&Arc::new(Source { backend, keys, shape, search }), signed, None))
    }

    /// How one generation of this vault relates to an older one, as far as the history of the newer one tells.
    /// `backend` has the newer one, which is authenticated.
    ///
    /// # Errors
    /// A page of the history that is missing or damaged.
    pub fn descent(&self, backend: &dyn Backend, newer: &SignedMapping, older: &Seen) -> Result<Descent, Error> {
        history::descent(backend, &self.source.keys, &newer.mapping, older)
    }

    /// The generations of this vault that this machine has seen without a gap, newest first. Read them before the
    /// mapping that is compared with them.
    ///
    /// # Errors
    /// [`Error::FreshnessRecord`].
    pub fn seen(&self) -> Result<Vec<Seen>, Error> {
        self.freshness.seen(self.id())
    }

    /// The backend, which needs no key.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        &*self.source.backend
    }

    /// The vault's random id.
    #[must_use]
    pub fn id(&self) -> Id {
        self.source.keys.vault()
    }

    /// The keys of encrypted search, for encrypting queries and decrypting answers.
    ///
    /// # Errors
    /// [`Error::Outdated`] in formats 1 and 2.
    pub fn key_holder(&self) -> Result<&KeyHolder, Error> {
        Ok(&self.source.search()?.holder)
    }

    /// HMAC-SHA-256 of a photo under a key of this vault, used to recognise duplicates.
    #[must_use]
    pub fn content_tag(&self, photo: &[u8]) -> Digest {
        self.source.keys.content_tag(photo)
    }

    /// The same of content that comes in pieces.
    #[must_use]
    pub fn content_tag_in_pieces(&self) -> ContentTag {
        self.source.keys.content_tag_in_pieces()
    }

    /// Seals a record about this vault that is kept outside it, under the vault's own key for `purpose`. Its length is
    /// padded. Only this vault's keys open it.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn seal_record(&self, purpose: Purpose, record: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.source.keys.tree().key(purpose, &[0; 16]);
        Ok(aes_cbc_hmac::seal(&key, &self.id().0, &padding::pad(record))?)
    }

    /// Opens the output of [`Self::seal_record`].
    ///
    /// # Errors
    /// When it was changed, or belongs to another vault or purpose.
    pub fn open_record(&self, purpose: Purpose, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = self.source.keys.tree().key(purpose, &[0; 16]);
        Ok(padding::unpad(aes_cbc_hmac::open(&key, &self.id().0, sealed)?)?)
    }

    /// Whether a mapping, from any source, was made with the keys of this vault.
    #[must_use]
    pub fn authenticates(&self, found: &SignedMapping) -> bool {
        found.is_authentic(&self.source.keys)
    }

    /// Whether the vault is of format 1 or 2, which can be read but neither searched nor changed.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.source.shape == Shape::Old
    }

    /// The newest generation's mapping.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub(super) fn current(&self) -> Result<SignedMapping, Error> {
        authentic_mapping(&self.source, &self.freshness)
    }
}

/// The id of the vault that `backend` claims to hold: what its header says, which anybody who can write there chooses.
/// Compare it with [`Vault::id`] after unlocking, which is authenticated.
///
/// # Errors
/// [`Error::NotAVault`]; [`Error::Damaged`] when the header cannot be one; when the place cannot be reached.
pub fn claimed_id(backend: &dyn Backend) -> Result<Id, Error> {
    header::claimed_id(&read_header(backend)?)
}

/// The file `header`.
fn read_header(backend: &dyn Backend) -> Result<Vec<u8>, Error> {
    match backend.read(&Object::Header, largest_bytes(&Object::Header)) {
        Err(Error::Missing { object }) => {
            backend.require_vault()?;
            Err(Error::Missing { object })
        }
        outcome => outcome,
    }
}

/// The header that belongs to `mapping`. In formats 1 and 2 the mapping does not say which one that is.
///
/// # Errors
/// [`Error::HeaderReplaced`]; as [`Backend::header`].
pub fn named_header(backend: &dyn Backend, mapping: &Mapping) -> Result<Vec<u8>, Error> {
    let header = backend.header(&mapping.header)?;
    if mapping.is_old() || mapping.header == Digest::of(&[&header]) {
        return Ok(header);
    }
    Err(Error::HeaderReplaced { generation: mapping.generation })
}

/// Opens the header that the current mapping names, if it is not the one that was `tried`. The mapping is not
/// authenticated yet: it only decides which header is tried.
fn open_named_header(backend: &dyn Backend, tried: &[u8], passphrase: &Passphrase) -> Result<(Id, MasterKey), Error> {
    let named = backend.mapping().map_err(|_| Error::WrongPassphrase)?.mapping.header;
    let header = backend.header(&named)?;
    if header == tried { Err(Error::WrongPassphrase) } else { header::open(&header, passphrase) }
}

/// The current mapping, after verifying its tag and that it is not older than this machine has seen.
pub(super) fn authentic_mapping(source: &Source, freshness: &Freshness) -> Result<SignedMapping, Error> {
    let found = read_mapping(&*source.backend, &source.keys, freshness)?;
    // Copies that were upgraded separately have other keys for the same features.
    let space = found.mapping.space().ok().map(|space| space.id);
    let is_same =
        Shape::of(&found.mapping)? == source.shape && space == source.search.as_ref().map(|search| search.space);
    if is_same { Ok(found) } else { Err(Error::Upgraded) }
}

/// The same for a vault that is being opened.
fn read_mapping(backend: &dyn Backend, keys: &VaultKeys, freshness: &Freshness) -> Result<SignedMapping, Error> {
    let mut outcome = try_to_read_mapping(backend, keys, freshness);
    for _ in 1..TRIES {
        match outcome {
            Err(Error::Superseded { .. }) => outcome = try_to_read_mapping(backend, keys, freshness),
            outcome => return outcome,
        }
    }
    outcome
}

/// The same, or [`Error::Superseded`] when a writer has just removed a page of the history that this needs.
fn try_to_read_mapping(backend: &dyn Backend, keys: &VaultKeys, freshness: &Freshness) -> Result<SignedMapping, Error> {
    // Must come before reading the mapping: see `freshness`.
    let seen = freshness.seen(keys.vault())?;
    let found = backend.mapping()?;
    if !found.is_authentic(keys) {
        return Err(Error::Damaged { object: Object::Mapping, what: "it does not authenticate" });
    }
    let descent = |older: &Seen| match history::descent(backend, keys, &found.mapping, older) {
        Err(Error::Missing { .. }) if backend.mapping().is_ok_and(|now| now.tag != found.tag) => {
            Err(Error::Superseded { generation: found.mapping.generation })
        }
        descent => descent,
    };
    freshness.admit(&seen, &found, &descent)?;
    Ok(found)
}
