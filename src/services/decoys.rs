//! Fetches the requested photos among decoys, so that the host of a vault does not see at once which photos matched.
//!
//! A host sees which objects are fetched after a search. Each requested photo is therefore fetched among others, drawn
//! at random from the whole vault, in random order.
//!
//! This does not protect against a host that looks closely. Records are fetched only for segments with hits, not for
//! decoys. An error with a requested photo is handled differently from one with a decoy. Each search draws new decoys,
//! so two searches for one photo have little else in common. Must never: fetch the requested photos first, or draw from
//! a predictable generator.

use std::collections::HashSet;

use crate::error::Error;
use crate::services::library::PhotoId;
use crate::services::open_vault::OpenVault;
use crate::vault;

/// A photo to fetch.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fetch {
    /// Requested by the user.
    Wanted(PhotoId),
    /// Fetched and dropped.
    Decoy(PhotoId),
}

/// Adds up to `each` decoys per requested photo and shuffles them all; with `each` = 0, keeps the given order. A vault
/// with fewer other photos contributes all of them.
///
/// # Errors
/// When the system has no entropy, or an image list is missing or damaged.
pub fn with_decoys(vault: &OpenVault, wanted: &[PhotoId], each: usize) -> Result<Vec<Fetch>, Error> {
    let mut fetches: Vec<Fetch> = wanted.iter().map(|id| Fetch::Wanted(*id)).collect();
    if each == 0 {
        return Ok(fetches);
    }
    let taken: HashSet<PhotoId> = wanted.iter().copied().collect();
    let mut others = vault.read(|snapshot| {
        snapshot.prefetch_images();
        let mut others = Vec::with_capacity(snapshot.len());
        for segment in snapshot.segments()? {
            others.extend(segment.images()?.iter().map(|image| image.id).filter(|id| !taken.contains(id)));
        }
        Ok(others)
    })?;
    let decoys = wanted.len().saturating_mul(each).min(others.len());
    shuffle_front(&mut others, decoys)?;
    fetches.extend(others[..decoys].iter().map(|id| Fetch::Decoy(*id)));
    let all = fetches.len();
    shuffle_front(&mut fetches, all)?;
    Ok(fetches)
}

/// A Fisher-Yates shuffle that stops after the first `count` places, using the system's randomness. The `rand` crate's
/// shuffle would panic if the system had none.
fn shuffle_front<T>(items: &mut [T], count: usize) -> Result<(), Error> {
    for place in 0..count {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(vault::Error::from)?;
        // The modulo bias of 64 bits is below 1 in 10^12.
        let offset = u64::from_le_bytes(bytes) % (items.len() - place) as u64;
        items.swap(place, place + offset as usize);
    }
    Ok(())
}
