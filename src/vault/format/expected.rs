//! A file as an entry of the mapping, or of a list that the mapping authenticates, says that it must be.
//!
//! Must never: be made from what a file says about itself.

use super::hex::Digest;
use super::layout::Object;
use crate::vault::error::Error;

/// A file, the most bytes that it can have, and its digest.
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
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        Digest::of(&[bytes]) == self.digest
    }

    /// The error for a file with another content.
    #[must_use]
    pub fn differs(&self) -> Error {
        Error::Damaged { object: self.object.clone(), what: "its digest is not the one recorded" }
    }
}
