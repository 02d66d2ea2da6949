//! An encrypted query as the evaluator sees it. Never holds an unreduced residue.

use super::error::Error;
use super::layout::{AlignedBytes, residues_in_range};
use super::parameters::Parameters;

/// An encrypted query. Public.
pub struct EncryptedQuery(AlignedBytes);

impl EncryptedQuery {
    pub(super) fn new(bytes: AlignedBytes) -> Self {
        Self(bytes)
    }

    /// [`QUERY_BYTES`](super::QUERY_BYTES) bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads a received query.
    ///
    /// # Errors
    /// [`Error::Length`]; [`Error::Residue`] when a residue is not below its prime.
    pub fn from_bytes(parameters: &Parameters, bytes: &[u8]) -> Result<Self, Error> {
        let (expected, actual) = (parameters.query_bytes(), bytes.len());
        if actual != expected {
            return Err(Error::Length { what: "encrypted query", expected, actual });
        }
        if !residues_in_range(bytes, parameters.primes()) {
            return Err(Error::Residue { what: "encrypted query" });
        }
        let mut aligned = AlignedBytes::zeroed(expected);
        aligned.copy_from_slice(bytes);
        Ok(Self(aligned))
    }
}
