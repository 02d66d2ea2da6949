//! Writing to a backend: files are staged one by one and take effect with one commit.
//!
//! Must never: be told a key or a plaintext.

use crate::vault::error::Error;
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::SignedMapping;

/// What happens to staged files when their writer ends without a commit, or the connection to it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// They are removed.
    Remove,
    /// They stay, so that a later try need not write them again. The next writer that does not stage them removes them.
    Keep,
}

/// The one writer of a vault. It holds the lock until it is dropped.
pub trait Writer: Send + Sync {
    /// Lists files that will be staged, or that the next commit makes obsolete, so that the next writer finds them if
    /// this one is interrupted. The list is durable before any of them is created. One call for many files costs less
    /// than many calls.
    ///
    /// # Errors
    /// What the system says. An error may be reported by a later call instead.
    fn announce(&self, objects: &[Object]) -> Result<(), Error>;

    /// Writes a new file that no mapping names yet, from any thread.
    ///
    /// # Errors
    /// What the system says. An error may be reported by a later call instead.
    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error>;

    /// Removes files that were announced, by this writer or an interrupted one, and that the mapping in force does not
    /// name. A file that cannot be removed is a leftover for the next writer. [`Object::Writing`] among `objects` says
    /// that these are all: the list itself is then removed, once the other removals are durable and unless one failed.
    fn discard(&self, objects: &[Object]);

    /// Makes everything that was staged durable, and then replaces the mapping in force.
    ///
    /// # Errors
    /// The old mapping is still in force, unless replacing it failed in the last step: then either may be.
    /// [`Error::Overtaken`] when another writer's mapping is in force.
    fn commit(&self, mapping: &SignedMapping) -> Result<(), Error>;

    /// Replaces the header, atomically and durably.
    ///
    /// # Errors
    /// What the system says.
    fn replace_header(&self, header: &[u8]) -> Result<(), Error>;

    /// Moves every stray out of the vault's directories, into `set_aside` beside them.
    ///
    /// # Errors
    /// What the system says. What was moved before stays there.
    fn set_strays_aside(&self) -> Result<(), Error>;
}
