//! Checking a vault, and mending what can be mended: the vault rebuilds what follows from whole files, the network and
//! the thumbnails are made anew from the photos here.

use crate::durable::IfLocked;
use crate::error::Error;
use crate::features::photo::{Limits, Photo};
use crate::features::{self, Extractor};
use crate::services::session;
use crate::services::thumbnail;
use crate::vault::{self, LostPhotoPolicy, Regenerate, Repaired, Vault};

/// Makes from an original what the vault has lost of it.
struct FromOriginals<'a>(&'a Extractor);

impl FromOriginals<'_> {
    fn try_vector(&self, original: &[u8]) -> Result<Vec<f32>, features::Error> {
        let prepared = Photo::decode(original, None, Limits::default())?.prepare()?;
        Ok(self.0.extract(&[prepared])?[0].as_slice().to_vec())
    }
}

impl Regenerate for FromOriginals<'_> {
    fn vector(&self, original: &[u8]) -> Option<Vec<f32>> {
        self.try_vector(original).ok()
    }

    fn thumbnail(&self, original: &[u8]) -> Option<Vec<u8>> {
        let photo = Photo::decode(original, None, Limits::default()).ok()?;
        Some(thumbnail::of(&photo).ok()?.to_vec())
    }
}

/// Mends the vault. `read` is told what more was read, from any thread; there are two rounds.
///
/// # Errors
/// When `extractor` is not the network that made the vault's vectors, another process writes, or the disk refuses.
pub fn repair(
    vault: &Vault,
    extractor: &Extractor,
    losses: LostPhotoPolicy,
    read: &(dyn Fn(vault::check::Progress) + Sync),
) -> Result<Repaired, Error> {
    session::require_same_space(vault.snapshot()?.mapping(), extractor)?;
    let repaired = vault::repair(vault, &FromOriginals(extractor), losses, IfLocked::Refuse, read)?;
    log::info!("repaired: {} damages before, {} after", repaired.before.damages.len(), repaired.after.damages.len());
    Ok(repaired)
}
