//! Writing to a backend: files are staged one by one, by several writers at once, and a commit under the lock makes
//! those of one writer visible.
//!
//! Must never: receive a key or a plaintext.

use std::time::Duration;

use crate::durable::IfLocked;
use crate::vault::error::Error;
use crate::vault::format::hex::Digest;
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::SignedMapping;

/// What happens to staged files when their writer ends without a commit, or its connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// They are removed.
    Remove,
    /// They stay, so that a retry need not write them again. The next commit removes those that it does not stage.
    Keep,
}

/// How long a writer waits for the lock, which others hold for one commit.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// The pieces of a file, one after the other.
pub type Pieces<'a> = dyn Iterator<Item = Result<Vec<u8>, Error>> + 'a;

/// A writer of a vault. Several may stage files at once; the one that holds the lock may commit.
pub trait Writer: Send + Sync {
    /// Takes the lock, unless this writer holds it already. It is held until [`Self::unlock`], or until the writer is
    /// dropped. With [`IfLocked::Wait`] it waits for other writers up to [`LOCK_PATIENCE`].
    ///
    /// # Errors
    /// [`Error::Locked`]; an [`Error::Io`] when the vault cannot be written.
    fn lock(&self, if_locked: IfLocked) -> Result<(), Error>;

    /// Gives the lock back. Call this after discarding what the commits made obsolete. What was staged and not
    /// committed is removed, but for originals.
    fn unlock(&self);

    /// Records names of files that will be staged, or that the next commit makes obsolete, so that another writer
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

    /// The same for a file of `total` bytes that comes in pieces, none of which is kept in memory. After an error of
    /// `pieces` there is no such file, and the writer can go on.
    ///
    /// # Errors
    /// As [`Self::stage`]; that of `pieces`; an [`Error::Io`] when they have another length together.
    fn stage_from(&self, object: &Object, total: u64, pieces: &mut Pieces<'_>) -> Result<(), Error>;

    /// Writes a new file that consists of existing files, one after the other, and returns its digest. The files are
    /// read where they are stored: nothing is sent.
    ///
    /// # Errors
    /// As [`Self::stage`]; [`Error::Missing`]; [`Error::TooLarge`]. A later call may report the error instead.
    fn concatenate(&self, object: &Object, from: &[Object]) -> Result<Digest, Error>;

    /// Takes over files that an interrupted writer left: the next commit makes them durable, and requires that they are
    /// there. Without a commit they stay as they are. What they contain is for the caller to compare.
    ///
    /// # Errors
    /// [`Error::Missing`]; what the system reports.
    fn adopt(&self, objects: &[Object]) -> Result<(), Error>;

    /// Removes files that this writer announced and that the current mapping does not reference. A file that cannot be
    /// removed is left for another writer.
    fn discard(&self, objects: &[Object]);

    /// Makes everything staged durable, then replaces the current mapping, and the header with it if there is one: the
    /// new header is on the disk as `header.new` before the mapping is replaced, and gets its name afterwards. The
    /// writer must hold the lock.
    ///
    /// # Errors
    /// The old mapping is still current, unless a step after replacing it failed: then either may be.
    /// [`Error::Overtaken`] when another writer's mapping is current: the commit can be tried again after
    /// [`Self::unlock`] and [`Self::lock`]. [`Error::Dispossessed`] when another writer took this one's files away.
    fn commit(&self, mapping: &SignedMapping, header: Option<&[u8]>) -> Result<(), Error>;

    /// Removes the files that interrupted writers left: those listed by an abandoned journal, by no writer that is
    /// still there, and not referenced by the current mapping; then their journals. The writer must hold the lock.
    ///
    /// # Errors
    /// What the system reports. What could not be removed is left for another writer.
    fn remove_abandoned(&self) -> Result<(), Error>;

    /// Moves every stray out of the vault's directories into `set_aside`, next to them. The writer must hold the lock.
    ///
    /// # Errors
    /// What the system reports. Strays moved before the error stay moved.
    fn set_strays_aside(&self) -> Result<(), Error>;
}
