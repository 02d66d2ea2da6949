//! Symmetric protection: what turns a passphrase into keys and bytes into sealed bytes.
//!
//! ```text
//! passphrase --Argon2id--> key-encryption key --AEAD, associated data = header--> master key
//! master key --HKDF-SHA-256, purpose || vault id || object id--> one key per object
//! plaintext  --Padme--> padded --AEAD_AES_256_CBC_HMAC_SHA_512--> IV | ciphertext | tag
//! ```
//!
//! Must never: know what a photo or a vault is, touch a file, or tell a wrong key from a changed byte.

pub mod aes_cbc_hmac;
pub mod key_tree;
pub mod padding;
pub mod passphrase;

pub use key_tree::{KeyTree, MasterKey, Purpose};
pub use passphrase::{Cost, Passphrase};

/// Why a symmetric operation could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system gave no entropy; nothing was encrypted.
    #[error("the operating system's entropy source failed: {0}")]
    Entropy(#[from] getrandom::Error),
    /// Authentication failed: a wrong key, a changed byte and a wrong length are deliberately one error.
    #[error("damaged, or sealed under another key")]
    Damaged,
    /// Passphrases are text; these bytes are not UTF-8.
    #[error("the passphrase is not UTF-8 text")]
    PassphraseEncoding,
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    PassphraseEmpty,
    /// A control character (NUL, newline, escape) cannot be typed reliably at a prompt.
    #[error("the passphrase contains a control character")]
    PassphraseControl,
    /// Longer than any passphrase a person types.
    #[error("the passphrase has {actual} bytes, more than {limit}")]
    PassphraseLength {
        /// Bytes given.
        actual: usize,
        /// Most bytes accepted.
        limit: usize,
    },
    /// A cost that is too weak to protect, or too high to be anything but an attack on memory or time.
    #[error("Argon2id {field} is {actual}, outside {lowest}..={highest}")]
    Cost {
        /// Which cost.
        field: &'static str,
        /// The value asked for.
        actual: u32,
        /// Smallest value accepted.
        lowest: u32,
        /// Largest value accepted.
        highest: u32,
    },
    /// The memory that the passphrase's cost asks for could not be had.
    #[error("{kib} KiB of memory for the passphrase could not be allocated")]
    Memory {
        /// Memory asked for, KiB.
        kib: u32,
    },
}
