//! Synthetic vectors with the shape of real ones, to measure search among a hundred thousand photos without the photos.

use rayon::prelude::*;

use crate::durable::IfLocked;
use crate::error::Error;
use crate::services::open_vault::OpenVault;
use crate::vault;
use crate::vault::{Extension, Found, Hex, Id, NewImage, Transaction};

/// Images committed at once.
const COMMIT_EVERY: usize = 1024;

/// The distribution of components.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Components {
    /// About half of them zero and none negative, like features after a ReLU.
    Rectified,
    /// Both signs alike, like features after a projection.
    Signed,
}

/// A sequence of unit vectors.
pub struct SyntheticFeatures {
    state: u64,
    components: Components,
}

impl SyntheticFeatures {
    /// The sequence for `seed`, which must not be zero.
    #[must_use]
    pub fn new(seed: u64, components: Components) -> Self {
        Self { state: seed, components }
    }

    /// Marsaglia's xorshift with a multiplication (Vigna 2016, xorshift64*).
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// The next vector, of as many components as `vector` has.
    pub fn fill(&mut self, vector: &mut [f32]) {
        for component in vector.iter_mut() {
            let word = self.next();
            let (left, right) = ((word >> 40 & 0xffff) + 1, word >> 20 & 0xffff);
            let size = (left * right) as f32;
            *component = match (word >> 63, self.components) {
                (1, _) => size,
                (_, Components::Rectified) => 0.0,
                (_, Components::Signed) => -size,
            };
        }
        let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt() as f32;
        vector.iter_mut().for_each(|component| *component /= norm);
    }
}

/// Adds `images` synthetic images to `vault`; the original of each is 16 random bytes. `done` is called with the number
/// added so far.
///
/// # Errors
/// When another process writes to the vault, or a file cannot be written.
pub fn fill(vault: &OpenVault, images: usize, done: &dyn Fn(usize)) -> Result<(), Error> {
    let mut transaction = Transaction::begin(vault.vault(), IfLocked::Wait)?;
    let first = transaction.base().len();
    let space = vault.vault().feature_space();
    let components = if space.basis.is_some() { Components::Signed } else { Components::Rectified };
    let mut features = SyntheticFeatures::new(0x9e37_79b9_7f4a_7c15 ^ first as u64, components);
    // Two copies of a vault that are filled separately get different photos.
    let salt = u128::from_le_bytes(Id::random().map_err(vault::Error::from)?.0);
    let extension = Extension::of("synthetic.bin".as_ref());
    let last = first + images;
    for start in (first..last).step_by(COMMIT_EVERY) {
        let numbers = start..last.min(start + COMMIT_EVERY);
        let store = |number| transaction.store_photo(&(salt ^ number as u128).to_le_bytes(), &extension);
        let photos: Vec<_> = numbers.clone().into_par_iter().map(store).collect::<Result<_, _>>()?;
        for (number, photo) in numbers.clone().zip(photos) {
            let mut vector = vec![0.0; space.dimension];
            features.fill(&mut vector);
            let path = format!("synthetic {number}").into_bytes();
            let record = photo.record(Found { source: Hex([0; 16]), path, modified: None });
            transaction.append(NewImage { photo, record, vector: Some(vector) })?;
        }
        transaction = transaction.commit()?.next;
        done(numbers.end - first);
    }
    vault.mark_changed();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_any_dimension_have_norm_1_and_the_signs_asked_for() {
        for dimension in [128, 512, 2048] {
            for components in [Components::Rectified, Components::Signed] {
                let mut vector = vec![0.0f32; dimension];
                SyntheticFeatures::new(7, components).fill(&mut vector);
                let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
                assert!((squares - 1.0).abs() < 1e-5, "{squares}");
                let negative = vector.iter().filter(|x| **x < 0.0).count();
                let positive = vector.iter().filter(|x| **x > 0.0).count();
                assert!((dimension / 3..dimension * 2 / 3).contains(&positive), "{positive} of {dimension}");
                assert_eq!(negative, if components == Components::Signed { dimension - positive } else { 0 });
            }
        }
    }
}
