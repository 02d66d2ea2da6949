//! The vault: photos, their encrypted features and what belongs to them, at rest in a directory.
//!
//! ```text
//! header --passphrase--> master key --authenticates--> mapping.json --digests--> segments --digests--> photos, thumbnails
//!                                                            '--digests--> groups --digests--^
//! ```
//!
//! [`Vault`] is the unlocked vault: [`Vault::snapshot`] reads one generation, [`Transaction`] writes the next one, and
//! [`check`] reads everything. [`Store`] is the half that needs no key: all that an evaluator on an untrusted machine has.
//!
//! # A commit
//! Photos, thumbnails, segments and groups of them are new files under random names, never changed once written. They are fsynced, then
//! their directories, and then `mapping.json` is replaced by rename: the only commit point. Before it the vault is at the
//! old generation, after it at the new one. A file `writing` lists what an interrupted writer may leave: a name is durable
//! there before its file exists, and the next writer removes what is listed and not named by the mapping in force, and
//! nothing else. One writer at a time holds a kernel lock on `public_context`, which is never replaced; readers need no
//! lock and no right to write.
//!
//! Directories are opened once and never through links (see `store`), so what is put in the place of a file or directory
//! cannot make a command read, replace or remove anything outside the vault. That holds on Unix; elsewhere each name is
//! looked at before it is used, which does not stop someone who swaps it in between.
//!
//! # What it does not promise
//! Whoever can write to the directory can delete, and can put an old copy of the whole vault before a machine that has
//! never seen a newer one, or two copies that went separate ways before one that has seen a generation too far back to
//! tell ([`Freshness`]). An old header that is put back is not noticed and still opens with the old passphrase: changing a
//! passphrase that was found out does not help against someone who has a copy of the vault from before. Nor is another
//! vault of the same passphrase noticed in the place of this one.
//!
//! Who can read the directory learns counts, padded sizes, kinds of files, which images came in one commit and when, and
//! the feature space; sizes can tell which photo it is to somebody who has it.
//!
//! Must never: look at pixels, know what a feature means, or decide what a user sees.

mod catalogue;
pub mod check;
mod creation;
mod error;
mod freshness;
mod group;
mod grouping;
mod guarded_map;
mod header;
mod hex;
mod journal;
mod layout;
mod leftovers;
mod limits;
mod mapping;
mod objects;
#[doc(hidden)]
pub mod parsers;
mod repair;
mod segment;
mod snapshot;
mod storage;
mod store;
mod tags;
mod transaction;
mod writer;

use std::path::Path;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use catalogue::{CatalogueEntry, Details, LONGEST_NAME_BYTES};
pub use error::Error;
pub use freshness::{Freshness, Lineage, Seen, Standing};
pub use hex::{Digest, Hex, Id, NotHex, Tag};
pub use layout::{Directory, Extension, GroupPart, Object, Part};
pub use limits::largest_bytes;
pub use mapping::{FeatureSpace, GroupEntry, Mapping, SEGMENT_IMAGES, SegmentEntry, SignedMapping};
pub use objects::LARGEST_PHOTO_BYTES;
pub use repair::{Losses, Remake, Repaired, repair};
pub use segment::{Hints, ListedImage, ListedThumbnail, entry_files, listed_images, named_files};
pub use snapshot::{Image, Segment, Snapshot};
pub use storage::{Abandoned, Blocks, Expected, Leftovers, Listed, Scanner, Storage, Traffic, Writer};
pub use store::Store;
pub use transaction::{Appended, NewImage, StoredPhoto, Transaction};
pub use writer::DirectoryWriter;

use crate::cipher::{Cost, KeyTree, Passphrase, Purpose, aes_cbc_hmac, padding};
use crate::ckks::{CONTEXT_BYTES, KeyHolder, SecretContext};
use crate::durable::IfLocked;
use objects::Sealed;
use segment::Sealer;

/// An unlocked vault. Its keys are wiped when the vault and everything made from it are dropped.
pub struct Vault {
    sealer: Arc<Sealer>,
    freshness: Freshness,
}

impl Vault {
    /// Creates an empty vault in a new or empty directory and opens it.
    ///
    /// The header is written last: before it there is no vault, and what an interrupted creation left is replaced.
    ///
    /// # Errors
    /// [`Error::Occupied`] when the directory holds anything but such remains; what the system says.
    pub fn create(
        root: &Path,
        passphrase: &Passphrase,
        cost: Cost,
        space: FeatureSpace,
        freshness: Freshness,
    ) -> Result<Self, Error> {
        Self::create_at(Arc::new(Store::unfinished(root)), passphrase, cost, space, freshness)
    }

    /// The same at a place that need not be a directory of this machine.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_at(
        place: Arc<dyn Storage>,
        passphrase: &Passphrase,
        cost: Cost,
        space: FeatureSpace,
        freshness: Freshness,
    ) -> Result<Self, Error> {
        creation::create(&*place, passphrase, cost, space, &freshness)?;
        Self::open_at(place, passphrase, freshness, |_, _| {})
    }

    /// Opens the vault at `root`. Nothing is written but the record of what was seen.
    ///
    /// # Errors
    /// [`Error::NotAVault`]; [`Error::WrongPassphrase`] for a wrong passphrase and a changed header alike;
    /// [`Error::RolledBack`], [`Error::Forked`]; what is missing or damaged among the files at the top.
    pub fn open(root: &Path, passphrase: &Passphrase, freshness: Freshness) -> Result<Self, Error> {
        Self::open_at(Arc::new(Store::open(root)?), passphrase, freshness, |_, _| {})
    }

    /// Opens the vault at a place that need not be a directory of this machine. `unlocked` is given the keys as soon as
    /// there are any, before anything else is read: a cache of what the place holds is sealed with one of its own.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_at(
        store: Arc<dyn Storage>,
        passphrase: &Passphrase,
        freshness: Freshness,
        unlocked: impl FnOnce(Id, &KeyTree),
    ) -> Result<Self, Error> {
        let (vault, master) = header::open(&store.read(&Object::Header, header::HEADER_BYTES as u64)?, passphrase)?;
        let tree = KeyTree::new(master, vault.0);
        unlocked(vault, &tree);
        let mapping = authentic_mapping(&*store, &tree, vault, &freshness)?.mapping;
        let public = store.public_context(&mapping.public_context)?;
        let limit = objects::file_bytes(CONTEXT_BYTES) as u64;
        let digest = mapping.secret_context;
        let sealed_secret = store.read_verified(&Expected { object: Object::SecretContext, limit, digest })?;
        let secret = objects::open(&tree, vault, &Sealed::SecretContext, &sealed_secret)?;
        let holder = KeyHolder::new(&public, SecretContext::from_bytes(&secret)?)?;
        Ok(Self { sealer: Arc::new(Sealer { store, vault, tree, holder }), freshness })
    }

    /// The newest generation.
    ///
    /// # Errors
    /// When the mapping is missing, damaged, or older than what was seen.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(&self.sealer, self.current()?, None))
    }

    /// The newest generation, keeping what `previous` has read of the segments that are still there.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn snapshot_after(&self, previous: &Snapshot) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(&self.sealer, self.current()?, Some(previous)))
    }

    /// How this copy relates to what this machine has seen of the vault. Anything but [`Standing::Newest`] is possible only
    /// when it was opened with [`Freshness::reading`], and then the vault can be read and not changed.
    pub fn standing(&self) -> Standing {
        self.freshness.standing()
    }

    /// Refuses a copy that can only be read, as each change of it would.
    ///
    /// # Errors
    /// [`Error::RolledBack`], [`Error::Forked`].
    pub fn require_newest(&self) -> Result<(), Error> {
        self.freshness.require_newest()
    }

    /// Takes this older copy for the newest one from now on, because its owner said so: the record of what this machine
    /// has seen is lowered to the generation that is in force here, and the vault can be changed. Nothing happens to a
    /// vault that is the newest one.
    ///
    /// # Errors
    /// [`Error::Forked`] for a copy that was changed separately; when the mapping or the record cannot be read or written.
    pub fn accept_older_copy(&self) -> Result<(), Error> {
        match self.standing() {
            Standing::Newest => return Ok(()),
            Standing::Older { .. } => {}
            Standing::Forked { .. } => return self.require_newest(),
        }
        // The generation that was shown, or one that continues it; an even older one is refused.
        let current = self.current()?;
        self.freshness.accept(&current)?;
        self.freshness.forget_standing();
        Ok(())
    }

    /// The keyless half.
    pub fn store(&self) -> &dyn Storage {
        &*self.sealer.store
    }

    /// The vault's random id.
    pub fn id(&self) -> Id {
        self.sealer.vault
    }

    /// The keys of encrypted search, to encrypt queries and decrypt answers.
    pub fn key_holder(&self) -> &KeyHolder {
        &self.sealer.holder
    }

    /// The keyed hash by which a second copy of a photo is recognised: HMAC-SHA-256 under a key of this vault alone.
    pub fn content_tag(&self, photo: &[u8]) -> Digest {
        self.sealer.content_tag(photo)
    }

    /// Seals a record about this vault that is kept outside it, under the vault's own key for `purpose`. Its length is
    /// padded; it opens with this vault's keys only.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn seal_record(&self, purpose: Purpose, record: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.sealer.tree.key(purpose, &[0; 16]);
        Ok(aes_cbc_hmac::seal(&key, &self.id().0, &padding::pad(record))?)
    }

    /// Opens what [`Self::seal_record`] gave.
    ///
    /// # Errors
    /// When it was changed, or belongs to another vault or purpose.
    pub fn open_record(&self, purpose: Purpose, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = self.sealer.tree.key(purpose, &[0; 16]);
        Ok(padding::unpad(aes_cbc_hmac::open(&key, &self.id().0, sealed)?)?)
    }

    /// Whether a mapping, wherever it was found, is one that this vault's key holder wrote.
    pub fn authenticates(&self, found: &SignedMapping) -> bool {
        found.mapping.vault == self.id() && is_authentic(&self.sealer.tree, found)
    }

    /// Puts the vault under a new passphrase: only the header changes, atomically.
    ///
    /// # Errors
    /// [`Error::Locked`]; what the system says.
    pub fn change_passphrase(&self, new: &Passphrase, cost: Cost, if_locked: IfLocked) -> Result<(), Error> {
        self.require_newest()?;
        let writer = self.store().writer(if_locked, Abandoned::Remove)?;
        writer.replace_header(&header::seal(self.id(), self.sealer.tree.master(), new, cost)?)
    }

    fn current(&self) -> Result<SignedMapping, Error> {
        authentic_mapping(self.store(), &self.sealer.tree, self.id(), &self.freshness)
    }
}

/// The mapping on disk, once its tag is verified and it is not older than what this machine has seen.
fn authentic_mapping(
    store: &dyn Storage,
    tree: &KeyTree,
    vault: Id,
    freshness: &Freshness,
) -> Result<SignedMapping, Error> {
    // Before the mapping is read: see `freshness`.
    let seen = freshness.seen(vault)?;
    let found = store.mapping()?;
    if found.mapping.vault != vault || !is_authentic(tree, &found) {
        return Err(Error::Damaged { object: Object::Mapping, what: "it does not authenticate" });
    }
    freshness.admit(seen, &found)?;
    Ok(found)
}

fn is_authentic(tree: &KeyTree, found: &SignedMapping) -> bool {
    tree.tag(Purpose::Mapping, found.body.as_bytes()).ct_eq(&found.tag.0).into()
}

/// Whether `bytes` have the form of a header, as far as that can be told without its passphrase.
pub fn is_header(bytes: &[u8]) -> bool {
    header::check_form(bytes).is_ok()
}

/// `mapping` with its tag.
fn signed(tree: &KeyTree, mapping: Mapping) -> SignedMapping {
    let body = mapping.body();
    let tag = Hex(tree.tag(Purpose::Mapping, body.as_bytes()));
    SignedMapping { mapping, body, tag }
}
