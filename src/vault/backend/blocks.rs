//! The content of a large file: mapped into memory where the file is local, otherwise in a buffer.
//!
//! Must never: let a result be used before checking that the mapped file was not truncated.

use std::ops::Deref;

use super::guarded_map::GuardedMap;
use crate::vault::error::Error;
use crate::vault::format::layout::Object;

/// The blocks of one segment, or the pages of one deduplication index.
pub enum Blocks {
    /// A local file, mapped into memory.
    Mapped(GuardedMap),
    /// A file that was read or fetched into memory.
    Fetched(Vec<u8>),
}

impl Blocks {
    /// Call this before using anything computed from the content.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file `object` was truncated while it was mapped.
    pub fn require_whole(&self, object: &Object) -> Result<(), Error> {
        if self.is_whole() {
            return Ok(());
        }
        Err(Error::Damaged { object: object.clone(), what: "it was truncated while it was read" })
    }

    /// Whether everything read so far came from the file.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Mapped(mapped) => mapped.is_whole(),
            Self::Fetched(_) => true,
        }
    }
}

impl Deref for Blocks {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Fetched(bytes) => bytes,
        }
    }
}
