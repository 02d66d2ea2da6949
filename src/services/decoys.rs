//! Fetching photos among others, so that whoever holds the vault does not see at once which of them were wanted.
//!
//! A host sees which objects are fetched after a search, and so which photos matched. Each wanted photo is therefore
//! fetched among others, drawn at random from the whole vault, in random order.
//!
//! That is no protection from a host that looks closely. Catalogues are fetched for segments with hits only, and not for
//! decoys. An error with a wanted photo is handled in another way than one with a decoy. Each search draws new decoys, so
//! that two searches for one photo have little in common but that photo. Must never: fetch the wanted ones first, or draw
//! from a generator that can be guessed.

use std::collections::HashSet;

use crate::error::Error;
use crate::vault;
use crate::vault::{Id, Snapshot};

/// A photo to fetch.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fetch {
    /// This one is wanted.
    Wanted(Id),
    /// This one is fetched and dropped.
    Decoy(Id),
}

/// The wanted photos with up to `each` decoys for each, in random order; in the order given without decoys. A vault that has fewer others gives them all.
///
/// # Errors
/// When the system gives no randomness, or an image list is missing or damaged.
pub fn mixed(snapshot: &Snapshot, wanted: &[Id], each: usize) -> Result<Vec<Fetch>, Error> {
    if each == 0 {
        return Ok(wanted.iter().map(|id| Fetch::Wanted(*id)).collect());
    }
    let taken: HashSet<Id> = wanted.iter().copied().collect();
    let mut others = Vec::with_capacity(snapshot.len());
    for segment in snapshot.segments()? {
        others.extend(segment.images()?.iter().map(|image| image.id).filter(|id| !taken.contains(id)));
    }
    let decoys = wanted.len().saturating_mul(each).min(others.len());
    shuffle_front(&mut others, decoys)?;
    let mut fetches: Vec<Fetch> = wanted.iter().map(|id| Fetch::Wanted(*id)).collect();
    fetches.extend(others[..decoys].iter().map(|id| Fetch::Decoy(*id)));
    let all = fetches.len();
    shuffle_front(&mut fetches, all)?;
    Ok(fetches)
}

/// Fisher and Yates, for the first `count` places.
fn shuffle_front<T>(items: &mut [T], count: usize) -> Result<(), Error> {
    for place in 0..count {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(vault::Error::from)?;
        // 64 bits: the remainder favours no item by more than one part in 10^12.
        let offset = u64::from_le_bytes(bytes) % (items.len() - place) as u64;
        items.swap(place, place + offset as usize);
    }
    Ok(())
}
