//! The size limit and digest of a file, from an entry of the mapping or of a list that the mapping authenticates.
//!
//! Must never: be built from what a file says about itself.

use super::hex::Digest;
use super::layout::Object;
use crate::vault::error::Error;

/// A file, the most bytes that it can have, and its digest.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Which file.
    pub object: Object,
    /// The limit in bytes.
    pub limit: u64,
    /// BLAKE3 of its content.
    pub digest: Digest,
}

impl Expected {
    /// Whether `bytes` have this digest.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        Digest::of(&[bytes]) == self.digest
    }

    /// Refuses a file of another length than its limit, where the length is known exactly.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn require_length(&self, actual: u64) -> Result<(), Error> {
        let what = "its length differs from the mapping";
        if actual == self.limit { Ok(()) } else { Err(Error::Damaged { object: self.object.clone(), what }) }
    }

    /// The error for a file with a different digest.
    #[must_use]
    pub fn differs(&self) -> Error {
        Error::Damaged { object: self.object.clone(), what: "its digest differs from the recorded one" }
    }
}
