//! Writing to a backend: files are staged one by one, and one commit makes them visible.
//!
//! Must never: receive a key or a plaintext.

use crate::vault::error::Error;
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::SignedMapping;

/// What happens to staged files when their writer ends without a commit, or its connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// They are removed.
    Remove,
    /// They stay, so that a retry need not write them again. The next writer removes those that it does not stage.
    Keep,
}

/// The single writer of a vault. It holds the lock until it is dropped.
pub trait Writer: Send + Sync {
    /// Records names of files that will be staged, or that the next commit makes obsolete, so that the next writer
    /// finds them if this one is interrupted. The record is durable before any of them is created. One call for many
    /// files is cheaper than many calls.
    ///
    /// # Errors
    /// What the system reports. A later call may report the error instead.
    fn announce(&self, objects: &[Object]) -> Result<(), Error>;

    /// Writes a new file that no mapping references yet. Can be called from any thread.
    ///
    /// # Errors
    /// What the system reports. A later call may report the error instead.
    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error>;

    /// Removes files that this writer or an interrupted one announced and that the current mapping does not reference.
    /// A file that cannot be removed is left for the next writer. [`Object::Writing`] among `objects` means that the
    /// list is complete: the journal is then removed too, once the other removals are durable, unless one failed.
    fn discard(&self, objects: &[Object]);

    /// Makes everything staged durable, then replaces the current mapping.
    ///
    /// # Errors
    /// The old mapping is still current, unless replacing it failed in the last step: then either may be.
    /// [`Error::Overtaken`] when another writer's mapping is current.
    fn commit(&self, mapping: &SignedMapping) -> Result<(), Error>;

    /// Replaces the header, atomically and durably.
    ///
    /// # Errors
    /// What the system reports.
    fn replace_header(&self, header: &[u8]) -> Result<(), Error>;

    /// Moves every stray out of the vault's directories into `set_aside`, next to them.
    ///
    /// # Errors
    /// What the system reports. Strays moved before the error stay moved.
    fn set_strays_aside(&self) -> Result<(), Error>;
}
