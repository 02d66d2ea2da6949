//! Synthetic vectors with the shape of real ones, to measure search among a hundred thousand photos without the photos.

use crate::ckks_v1::DIMENSION;
use crate::durable::IfLocked;
use crate::error::Error;
use crate::services::open_vault::OpenVault;
use crate::vault::{Extension, NewImage, PhotoMetadata, Transaction};

/// Images committed at once.
const COMMIT_EVERY: usize = 1024;

/// A sequence of non-negative unit vectors with about half of the components zero, like features after a ReLU.
pub struct SyntheticFeatures(u64);

impl SyntheticFeatures {
    /// The sequence for `seed`, which must not be zero.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Marsaglia's xorshift with a multiplication (Vigna 2016, xorshift64*).
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// The next vector.
    pub fn fill(&mut self, vector: &mut [f32; DIMENSION]) {
        for component in vector.iter_mut() {
            let word = self.next();
            let (left, right) = ((word >> 40 & 0xffff) + 1, word >> 20 & 0xffff);
            *component = if word >> 63 == 1 { (left * right) as f32 } else { 0.0 };
        }
        let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt() as f32;
        vector.iter_mut().for_each(|component| *component /= norm);
    }
}

/// Adds `images` synthetic images to `vault`; the original of each is 16 arbitrary bytes. `done` is called with the
/// number added so far.
///
/// # Errors
/// When another process writes to the vault, or a file cannot be written.
pub fn fill(vault: &OpenVault, images: usize, done: &dyn Fn(usize)) -> Result<(), Error> {
    let mut transaction = Transaction::begin(vault.vault(), IfLocked::Refuse)?;
    let first = transaction.base().len();
    let mut features = SyntheticFeatures::new(0x9e37_79b9_7f4a_7c15 ^ first as u64);
    let mut vector = [0.0; DIMENSION];
    let extension = Extension::of("synthetic.bin".as_ref());
    for number in first..first + images {
        features.fill(&mut vector);
        let photo = transaction.store_photo(&(number as u128).to_le_bytes(), &extension)?;
        let name = format!("synthetic {number}");
        let details = PhotoMetadata { name, bytes: 16, modified: None, captured: None, width: 0, height: 0 };
        transaction.append(NewImage { photo, details, vector: vector.to_vec() })?;
        if transaction.pending() == COMMIT_EVERY {
            transaction = transaction.commit()?;
            done(number + 1 - first);
        }
    }
    transaction.commit()?;
    vault.mark_changed();
    Ok(())
}
