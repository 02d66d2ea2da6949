//! Why an operation on a vault failed. Every error about a file names it, relative to the vault.
//!
//! Must never: carry an original file name or a key, or tell a wrong MAC from wrong padding.

use std::io;
use std::path::PathBuf;

use super::format::hex::{Id, SlotId};
use super::format::layout::Object;
use crate::cipher;
use crate::ckks;

/// Why an operation on a vault failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read or write a file.
    #[error("{object}: {source}")]
    Io {
        /// Which file, relative to the vault.
        object: String,
        /// What the system reported.
        source: io::Error,
    },
    /// There is no vault at this place.
    #[error("there is no vault at {path}: it has no file `header` (is its disk mounted?)")]
    NotAVault {
        /// Where the vault was expected.
        path: PathBuf,
    },
    /// A vault was to be created where something already exists.
    #[error("{path} already holds something; create a vault in a new or empty directory")]
    Occupied {
        /// The place.
        path: PathBuf,
    },
    /// The passphrase is wrong or the header was changed. Deliberately one error.
    #[error("the passphrase is wrong, or the file `header`, which it opens, was changed")]
    WrongPassphrase,
    /// A file is not as the vault wrote it.
    #[error("{object} is damaged: {what}")]
    Damaged {
        /// Which file.
        object: Object,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file that the mapping references does not exist.
    #[error("{object} is missing")]
    Missing {
        /// Which file.
        object: Object,
    },
    /// A file is larger than any that a vault writes.
    #[error("{object} has {actual} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Which file.
        object: Object,
        /// Bytes found.
        actual: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The vault is of format 1 or 2, which can be read but not searched, changed or repaired.
    #[error(
        "the vault is of an older format: it can be listed, exported and checked, but not searched, changed or repaired"
    )]
    Outdated,
    /// There is nothing to upgrade.
    #[error("the vault is of the current format already")]
    NotOutdated,
    /// The disk has less room than an upgrade needs.
    #[error("the upgrade needs {needed} bytes, and the disk of the vault has {free}")]
    NoSpace {
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The vault was upgraded to another format while it was open.
    #[error("the vault was upgraded while it was open; open it again")]
    Upgraded,
    /// A file that was being added has another length now.
    #[error("it was changed while it was read; try again")]
    Changed,
    /// The vault was made by a newer version of the program.
    #[error("the vault was written by a newer version of this program: it has {what}")]
    Newer {
        /// What this version cannot handle.
        what: &'static str,
    },
    /// Two copies have vectors of different networks.
    #[error("the two copies have vectors of different networks, which cannot be put together")]
    OtherVectors,
    /// The header is not the one of the current generation.
    #[error(
        "the file `header`, which holds the passphrases, does not belong to generation {generation} of the vault: an \
         older one was put back, or the one of another vault"
    )]
    HeaderReplaced {
        /// The current generation.
        generation: u64,
    },
    /// A slot of the header opens with this passphrase already.
    #[error("slot {slot} opens with this passphrase already; nothing was changed")]
    PassphraseInUse {
        /// The slot.
        slot: SlotId,
    },
    /// The header has no room for another slot.
    #[error("the vault has {limit} passphrases and other ways to open it, and can have no more")]
    SlotsFull {
        /// Most slots of a header.
        limit: usize,
    },
    /// The only slot that a passphrase opens was to be removed.
    #[error("this is the only passphrase of the vault, so it was not removed: nobody could open the vault any more")]
    LastPassphrase,
    /// No slot of the header has this id.
    #[error("no slot of the vault has the id {id}")]
    UnknownSlot {
        /// The requested id or prefix.
        id: String,
    },
    /// Several ids of slots begin with this prefix.
    #[error("{slots} slots of the vault have ids that begin with {prefix:?}; give more digits")]
    AmbiguousSlot {
        /// The prefix.
        prefix: String,
        /// How many slots match.
        slots: usize,
    },
    /// Another vault was put in the place of this one while it was being opened.
    #[error("another vault was put in the place of this one while it was being opened; nothing was changed")]
    Exchanged,
    /// A newer generation replaced the one being read: take a new snapshot and retry.
    #[error("generation {generation} of the vault was replaced while it was being read; try again")]
    Superseded {
        /// The generation that was being read.
        generation: u64,
    },
    /// Another process is writing.
    #[error("another process is writing to this vault; wait until it has finished")]
    Locked,
    /// Another process committed while this one held the lock.
    #[error(
        "another process committed to this vault while this one was writing, so this commit was lost: the lock does \
         not work here, as on network mounts without locks"
    )]
    Overtaken,
    /// Another writer removed files of this one.
    #[error(
        "another process removed what this one had written, so this commit was lost: the lock does not work here, as \
         on network mounts without locks"
    )]
    Dispossessed,
    /// A directory of the vault is not a directory.
    #[error("{directory} is a link or a file where the vault's own folder must be; it was not followed")]
    ForeignDirectory {
        /// Its name in the vault.
        directory: &'static str,
    },
    /// The vault is older than the newest generation seen on this machine.
    #[error(
        "the vault is at generation {found}, but this machine has seen generation {seen}: this copy is older (rolled \
         back, or a backup). To use it from now on: cipherlens --vault VAULT list --accept-older"
    )]
    RolledBack {
        /// The generation found.
        found: u64,
        /// The newest generation seen.
        seen: u64,
    },
    /// The vault does not continue the generations seen on this machine.
    #[error(
        "two copies of the vault were changed separately: this one is at generation {found}, and the other one that \
         this machine has seen at generation {seen}. This one can be read but not changed. To use it from now on, \
         without what only the other one has: cipherlens --vault VAULT list --accept-older"
    )]
    Forked {
        /// The generation found.
        found: u64,
        /// The newest generation seen.
        seen: u64,
    },
    /// The vault's history does not go back to the generations seen on this machine.
    #[error(
        "the history of the vault's generation {found} is damaged or begins after generation {seen}, which this \
         machine has seen: it cannot tell whether this copy continues that one. It can be read but not changed. To use \
         it from now on: cipherlens --vault VAULT list --accept-older"
    )]
    Unproven {
        /// The generation found.
        found: u64,
        /// The newest generation seen.
        seen: u64,
    },
    /// The record of generations seen on this machine cannot be read or written.
    #[error(
        "{record}, which says what this machine has seen of the vault, cannot be used: {what}. Repair it or restore it \
         from a backup. Without it an older copy of the vault is not noticed: remove it only if you are sure that this \
         copy is the newest"
    )]
    FreshnessRecord {
        /// The record.
        record: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Vectors made with other weights, preprocessing or precision cannot be compared.
    #[error("the vault's vectors were made with {field} {vault:?}; this program uses {program:?}")]
    FeatureSpace {
        /// Which of the three.
        field: &'static str,
        /// The vault's.
        vault: String,
        /// The program's.
        program: String,
    },
    /// A feature vector does not have the vault's dimension.
    #[error("a feature vector has {actual} numbers; those of this vault have {expected}")]
    Dimension {
        /// Numbers in the vector.
        actual: usize,
        /// Numbers in the vault's vectors.
        expected: usize,
    },
    /// A text to be stored in a vault is too long.
    #[error("{what} has {actual} bytes, more than the limit of {limit}")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its bytes.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A path could lead out of the folder that photos are exported to.
    #[error("the path of a photo has an empty name, `.`, `..` or a NUL in it")]
    NotAPath,
    /// No image has this id.
    #[error("no image has the id {id}")]
    UnknownImage {
        /// The requested id or prefix.
        id: String,
    },
    /// Several image ids begin with this prefix.
    #[error("{images} images have ids that begin with {prefix:?}; give more digits")]
    AmbiguousId {
        /// The prefix.
        prefix: String,
        /// How many images match.
        images: usize,
    },
    /// The image has no thumbnail.
    #[error("image {id} has no thumbnail")]
    NoThumbnail {
        /// The image.
        id: Id,
    },
    /// The answer to a search was altered by whoever computed it, and all blocks are as they were written.
    #[error("the answer to this search is wrong although the vault's files are whole: do not trust the host")]
    FalseAnswer,
    /// The image has no vector, so it is not like any other.
    #[error("image {id} has no vector: only photos that can be decoded can be searched for")]
    NoVector {
        /// The image.
        id: Id,
    },
    /// The machine that holds the vault did not answer the request; the source is an error of the connection layer.
    #[error(transparent)]
    Elsewhere(Box<dyn std::error::Error + Send + Sync>),
    /// The symmetric layer failed.
    #[error(transparent)]
    Cipher(#[from] cipher::Error),
    /// Encrypted search failed.
    #[error(transparent)]
    Ckks(#[from] ckks::Error),
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        Self::Cipher(error.into())
    }
}

impl Error {
    /// Whether it is about one file that cannot be read now. The next attempt may succeed if the system reported it.
    pub(in crate::vault) fn is_unreadable(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Missing { .. } | Self::TooLarge { .. } | Self::Io { .. })
    }

    /// Whether it proves that the file on the disk is not as the vault wrote it. What the system reports is no
    /// proof: a loose cable or a network disk can fail one read and not the next.
    pub(in crate::vault) fn is_proof_of_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Missing { .. } | Self::TooLarge { .. })
    }

    /// The same damage, said of `object`: who opens sealed bytes does not know the name of their file.
    pub(in crate::vault) fn about(self, object: &Object) -> Self {
        match self {
            Self::Damaged { what, .. } => Self::Damaged { object: object.clone(), what },
            error => error,
        }
    }

    /// A system error about `object`.
    pub(in crate::vault) fn io(object: impl ToString) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { object: object.to_string(), source }
    }
}
