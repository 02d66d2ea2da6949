//! Feature vectors of unit norm.

use zeroize::Zeroize;

use crate::error::Error;

/// Partial sums of [`inner_product`].
const LANES: usize = 16;

/// The features of one photo, scaled to unit norm. They reveal what the photo shows, so they are wiped on drop.
pub struct FeatureVector(Box<[f32]>);

impl FeatureVector {
    /// The components; their squares sum to 1.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Cosine similarity of two photos, from -1 to 1; from 0 for vectors without negative components.
    ///
    /// Meaningful only for vectors of the same [`FeatureSpace`](crate::FeatureSpace). For vectors of different length
    /// the common part is compared.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        inner_product(&self.0, &other.0)
    }

    /// Scales the output of a network to unit norm.
    ///
    /// # Errors
    /// [`Error::NoDirection`] when the features are all zero or not finite.
    pub(crate) fn normalised(features: &[f32]) -> Result<Self, Error> {
        let norm = features.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if !norm.is_normal() {
            return Err(Error::NoDirection { norm });
        }
        Ok(Self(features.iter().map(|value| (f64::from(*value) / norm) as f32).collect()))
    }
}

impl Drop for FeatureVector {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The inner product of two vectors; of different length, of their common part.
pub(crate) fn inner_product(left: &[f32], right: &[f32]) -> f32 {
    let common = left.len().min(right.len());
    let (left, right) = (&left[..common], &right[..common]);
    // Sixteen partial sums instead of one: vectorised, and with less rounding error.
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (left, right) in left.iter().zip(right) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += left * right;
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_different_lengths_the_common_part_counts() {
        let (ones, numbers) = ([1.0; 20], std::array::from_fn::<f32, 40, _>(|at| at as f32));
        assert_eq!((inner_product(&ones, &numbers), inner_product(&numbers, &ones)), (190.0, 190.0));
    }

    #[test]
    fn vectors_of_any_length_are_scaled_to_unit_norm() {
        for length in [1, 15, 16, 17, 40] {
            let features: Vec<f32> = (0..length).map(|at| 1.0 + at as f32).collect();
            let vector = FeatureVector::normalised(&features).unwrap();
            assert_eq!(vector.as_slice().len(), length);
            assert!((vector.cosine(&vector) - 1.0).abs() < 1e-6, "length {length}");
        }
    }

    #[test]
    fn features_without_a_direction_are_refused() {
        for features in [[0.0; 4], [f32::NAN; 4], [f32::INFINITY; 4]] {
            assert!(matches!(FeatureVector::normalised(&features), Err(Error::NoDirection { .. })));
        }
    }
}
