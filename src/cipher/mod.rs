//! Symmetric encryption: passphrases to keys, plaintext to authenticated ciphertext.
//!
//! ```text
//! passphrase --Argon2id--> key-encryption key --AEAD, associated data = header--> master key
//! master key --HKDF-SHA-256, purpose || vault id || object id--> one key per object
//! plaintext  --Padme--> padded --AEAD_AES_256_CBC_HMAC_SHA_512--> IV | ciphertext | tag
//! ```
//!
//! Must never: know what a photo or a vault is, touch a file, or report a wrong key differently from a changed byte.

pub mod aes_cbc_hmac;
pub mod key_tree;
pub mod padding;
pub mod passphrase;

pub use key_tree::{KeyTree, MasterKey, Purpose};
pub use passphrase::{Cost, Passphrase};

/// Why a symmetric operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system gave no random bytes; nothing was encrypted.
    #[error("the operating system's entropy source failed: {0}")]
    Entropy(#[from] getrandom::Error),
    /// Authentication failed. A wrong key, a changed byte and a wrong length are deliberately the same error.
    #[error("damaged, or sealed under another key")]
    Damaged,
    /// The bytes are not UTF-8.
    #[error("the passphrase is not UTF-8 text")]
    PassphraseEncoding,
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    PassphraseEmpty,
    /// Control characters (NUL, newline, escape) cannot be typed reliably at a prompt.
    #[error("the passphrase contains a control character")]
    PassphraseControl,
    /// The passphrase is longer than anybody would type.
    #[error("the passphrase has {actual} bytes, more than the limit of {limit}")]
    PassphraseLength {
        /// Bytes given.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A cost that is too low to protect, or so high that its only purpose can be to exhaust memory or time.
    #[error("Argon2id {field} is {actual}, outside {lowest}..={highest}")]
    Cost {
        /// The parameter.
        field: &'static str,
        /// The value given.
        actual: u32,
        /// Smallest value accepted.
        lowest: u32,
        /// Largest value accepted.
        highest: u32,
    },
    /// The memory that key derivation needs could not be allocated.
    #[error("{kib} KiB of memory for the passphrase could not be allocated")]
    Memory {
        /// Memory needed, KiB.
        kib: u32,
    },
}
