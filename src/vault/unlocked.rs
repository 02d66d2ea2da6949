//! The unlocked vault: opening and creating one, its keys, and its newest generation.
//!
//! Must never: keep a key longer than the vault and what was made from it live.

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
use crate::ckks::{KeyHolder, SecretContext};
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
    /// The header is written last: until then there is no vault, and what an interrupted creation left is replaced.
    ///
    /// # Errors
    /// [`Error::Occupied`] when the place holds anything but such remains; what the system says.
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

    /// Opens a vault, together with the generation that opening it has read and verified. Nothing is written but the
    /// record of which generation this machine has seen.
    ///
    /// # Errors
    /// [`Error::NotAVault`]; [`Error::WrongPassphrase`] for a wrong passphrase and a changed header alike;
    /// [`Error::RolledBack`], [`Error::Forked`]; what is missing or damaged among the files at the top.
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
        // Before anything else is read: a cache of what follows is encrypted with a key of the vault.
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
    /// When the mapping is missing, damaged, or older than what this machine has seen.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(&self.source, self.current()?, None))
    }

    /// The newest generation, keeping what `previous` has read of the segments that are still there.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn snapshot_after(&self, previous: &Snapshot) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(&self.source, self.current()?, Some(previous)))
    }

    /// Reads and verifies every file of the newest generation. `read` is told of progress, from any thread.
    ///
    /// # Errors
    /// As [`Self::snapshot`]: without a mapping there is nothing to check.
    pub fn check(&self, read: &(dyn Fn(check::Progress) + Sync)) -> Result<check::Report, Error> {
        check::check(&self.snapshot()?, read)
    }

    /// What made the vault's vectors. It is the same in every generation.
    pub fn feature_space(&self) -> &FeatureSpace {
        &self.space
    }

    /// Whether this copy is the newest that this machine has seen. Anything but [`CopyAge::Newest`] is possible only
    /// when it was opened with [`Freshness::reading`]; the vault can then be read and not changed.
    pub fn copy_age(&self) -> CopyAge {
        self.freshness.copy_age()
    }

    /// Refuses a copy that can only be read, as each change of it would.
    ///
    /// # Errors
    /// [`Error::RolledBack`], [`Error::Forked`].
    pub fn require_newest(&self) -> Result<(), Error> {
        self.freshness.require_newest()
    }

    /// Takes this older copy for the newest one from now on, because its owner said so: the record of what this machine
    /// has seen is lowered to this copy's generation, and the vault can be changed. Does nothing for the newest copy.
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
        // The generation that was shown, or one that continues it; an even older one is refused.
        let current = self.current()?;
        self.freshness.accept(&current)?;
        self.freshness.allow_changes();
        Ok(())
    }

    /// Where the vault's files are: the half that needs no key.
    pub fn backend(&self) -> &dyn Backend {
        &*self.source.backend
    }

    /// The vault's random id.
    pub fn id(&self) -> Id {
        self.source.keys.vault()
    }

    /// The keys of encrypted search, to encrypt queries and decrypt answers.
    pub fn key_holder(&self) -> &KeyHolder {
        &self.source.holder
    }

    /// HMAC-SHA-256 of a photo under a key of this vault, by which a second copy of the photo is recognised.
    pub fn content_tag(&self, photo: &[u8]) -> Digest {
        self.source.keys.content_tag(photo)
    }

    /// Seals a record about this vault that is kept outside it, under the vault's own key for `purpose`. Its length is
    /// padded; it opens with this vault's keys only.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn seal_record(&self, purpose: Purpose, record: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.source.keys.tree().key(purpose, &[0; 16]);
        Ok(aes_cbc_hmac::seal(&key, &self.id().0, &padding::pad(record))?)
    }

    /// Opens what [`Self::seal_record`] gave.
    ///
    /// # Errors
    /// When it was changed, or belongs to another vault or purpose.
    pub fn open_record(&self, purpose: Purpose, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = self.source.keys.tree().key(purpose, &[0; 16]);
        Ok(padding::unpad(aes_cbc_hmac::open(&key, &self.id().0, sealed)?)?)
    }

    /// Whether the keys of this vault made a mapping, wherever it was found.
    #[must_use]
    pub fn authenticates(&self, found: &SignedMapping) -> bool {
        found.is_authentic(&self.source.keys)
    }

    /// Puts the vault under a new passphrase: only the header changes, atomically.
    ///
    /// # Errors
    /// [`Error::Locked`]; what the system says.
    pub fn change_passphrase(&self, new: &Passphrase, cost: Cost, if_locked: IfLocked) -> Result<(), Error> {
        self.require_newest()?;
        let writer = self.backend().writer(if_locked, Abandoned::Remove)?;
        writer.replace_header(&header::seal(self.id(), self.source.keys.tree().master(), new, cost)?)
    }

    fn current(&self) -> Result<SignedMapping, Error> {
        authentic_mapping(self.backend(), &self.source.keys, &self.freshness)
    }
}

/// The mapping in force, once its tag is verified and it is not older than what this machine has seen.
fn authentic_mapping(backend: &dyn Backend, keys: &VaultKeys, freshness: &Freshness) -> Result<SignedMapping, Error> {
    // Before the mapping is read: see `freshness`.
    let seen = freshness.seen(keys.vault())?;
    let found = backend.mapping()?;
    if !found.is_authentic(keys) {
        return Err(Error::Damaged { object: Object::Mapping, what: "it does not authenticate" });
    }
    freshness.admit(seen, &found)?;
    Ok(found)
}
