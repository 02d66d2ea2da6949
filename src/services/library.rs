//! What a vault holds: taking photos out of it, and how large it is.

use crate::durable::IfLocked;
use crate::error::Error;
use crate::vault::{Directory, Id, Snapshot, Transaction, Vault};

/// Takes photos out of the vault; their vectors are dropped, and the rest of their segments is encrypted anew.
///
/// # Errors
/// When one of them is not there (nothing is removed then), another process is writing, or the disk refuses.
pub fn remove(vault: &Vault, ids: &[Id]) -> Result<(), Error> {
    let mut transaction = Transaction::begin(vault, IfLocked::Refuse)?;
    for id in ids {
        transaction.remove(*id)?;
    }
    transaction.commit()?;
    log::info!("removed {} photos", ids.len());
    Ok(())
}

/// How large a vault is, and thereby what somebody who only has its files can learn.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Statistics {
    /// Photos.
    pub photos: usize,
    /// Commits so far.
    pub generation: u64,
    /// Segments, of up to 1,024 photos each.
    pub segments: usize,
    /// Bytes of the originals: known to the key holder alone.
    pub original_bytes: u64,
    /// Bytes of sealed originals.
    pub sealed_photo_bytes: u64,
    /// Bytes of sealed thumbnails.
    pub sealed_thumbnail_bytes: u64,
    /// Bytes of encrypted features, with all that belongs to them.
    pub feature_bytes: u64,
}

/// Counts and sizes of one generation.
///
/// # Errors
/// When a folder or a catalogue cannot be read.
pub fn statistics(vault: &Vault, snapshot: &Snapshot) -> Result<Statistics, Error> {
    snapshot.prefetch_listing();
    let mut original_bytes = 0;
    for segment in snapshot.segments()? {
        original_bytes += segment.catalogue()?.iter().map(|entry| entry.details.bytes).sum::<u64>();
    }
    let size = |directory| vault.backend().size(directory);
    Ok(Statistics {
        photos: snapshot.len(),
        generation: snapshot.mapping().generation,
        segments: snapshot.segments()?.len(),
        original_bytes,
        sealed_photo_bytes: size(Directory::Images)?,
        sealed_thumbnail_bytes: size(Directory::Thumbnails)?,
        feature_bytes: size(Directory::Features)?,
    })
}
