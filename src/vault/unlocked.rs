//! The unlocked vault: opening and creating one, its keys, and its newest generation.
//!
//! Must never: keep a key longer than the vault and everything made from it.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::backend::Backend;
use super::backend::writer::Abandoned;
use super::creation;
use super::error::Error;
use super::format::expected::Expected;
use super::format::header;
use super::format::hex::{Digest, Id};
use super::format::layout::Object;
use super::format::limits::largest_bytes;
use super::format::mapping::SignedMapping;
use super::format::sealed::{SealedObject, VaultKeys};
use super::format::space::FeatureSpace;
use super::freshness::{CopyAge, Freshness};
use super::read::check;
use super::read::snapshot::Snapshot;
use super::read::source::Source;
use crate::cipher::{Cost, Passphrase, Purpose, aes_cbc_hmac, padding};
use crate::ckks_v1::{KeyHolder, SecretContext};
use crate::durable::IfLocked;

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
    /// [`Error::RolledBack`], [`Error::Forked`]; a top-level file that is missing or damaged.
    pub fn open(
        backend: Arc<dyn Backend>,
        passphrase: &Passphrase,
        freshness: Freshness,
    ) -> Result<(Self, Snapshot), Error> {
        let header = backend.read(&Object::Header, largest_bytes(&Object::Header));
        if matches!(header, Err(Error::Missing { .. })) {
            backend.require_vault()?;
        }
        let header = header?;
        let (vault, master) = header::open(&header, passphrase)?;
        let keys = VaultKeys::new(vault, master);
        // First of all: the cache for everything read next is encrypted with a key of the vault.
        backend.unlocked(&keys);
        let signed = authentic_mapping(&*backend, &keys, &freshness)?;
        let public = backend.public_context(&signed.mapping.public_context)?;
        let object = Object::SecretContext;
        let limit = largest_bytes(&object);
        let sealed = backend.read_verified(&Expected { object, limit, digest: signed.mapping.secret_context })?;
        let secret = keys.open(&SealedObject::SecretContext, &sealed)?;
        let holder = KeyHolder::new(&public, SecretContext::from_bytes(&secret)?)?;
        let source = Arc::new(Source { backend, keys, holder });
        let space = signed.mapping.feature_space.clone();
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
        check::check(&self.snapshot()?, read)
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
    /// [`Error::RolledBack`], [`Error::Forked`].
    pub fn require_newest(&self) -> Result<(), Error> {
        self.freshness.require_newest()
    }

    /// Makes this older copy count as the newest from now on, at the owner's request: lowers the record of generations
    /// seen on this machine to this copy's generation, and allows changes. Does nothing for the newest copy.
    ///
    /// # Errors
    /// [`Error::Forked`] for a copy that was changed separately; when the mapping or the record cannot be read or
    /// written.
    pub fn accept_older_copy(&self) -> Result<(), Error> {
        match self.copy_age() {
            CopyAge::Newest => return Ok(()),
            CopyAge::Older { .. } => {}
            CopyAge::Forked { .. } => return self.require_newest(),
        }
        // The same generation as before, or one that continues it; an even older one is refused.
        let current = self.current()?;
        self.freshness.accept(&current)?;
        self.freshness.allow_changes();
        Ok(())
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
    #[must_use]
    pub fn key_holder(&self) -> &KeyHolder {
        &self.source.holder
    }

    /// HMAC-SHA-256 of a photo under a key of this vault, used to recognise duplicates.
    #[must_use]
    pub fn content_tag(&self, photo: &[u8]) -> Digest {
        self.source.keys.content_tag(photo)
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

    /// Changes the passphrase: replaces only the header, atomically.
    ///
    /// # Errors
    /// [`Error::Locked`]; what the system reports.
    pub fn change_passphrase(&self, new: &Passphrase, cost: Cost, if_locked: IfLocked) -> Result<(), Error> {
        self.require_newest()?;
        let writer = self.backend().writer(Abandoned::Remove)?;
        writer.lock(if_locked)?;
        writer.replace_header(&header::seal(self.id(), self.source.keys.tree().master(), new, cost)?)
    }

    fn current(&self) -> Result<SignedMapping, Error> {
        authentic_mapping(self.backend(), &self.source.keys, &self.freshness)
    }
}

/// The current mapping, after verifying its tag and that it is not older than this machine has seen.
pub(super) fn authentic_mapping(
    backend: &dyn Backend,
    keys: &VaultKeys,
    freshness: &Freshness,
) -> Result<SignedMapping, Error> {
    // Must come before reading the mapping: see `freshness`.
    let seen = freshness.seen(keys.vault())?;
    let found = backend.mapping()?;
    if !found.is_authentic(keys) {
        return Err(Error::Damaged { object: Object::Mapping, what: "it does not authenticate" });
    }
    freshness.admit(seen, &found)?;
    Ok(found)
}
