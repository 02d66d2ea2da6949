//! 512 numbers instead of 2048: the pooled features projected onto the directions that the classifier distinguishes.
//!
//! The basis consists of the first 512 left singular vectors of the classifier that was trained with the published
//! weights (`models/README.md`). It is orthonormal, so inner products of projected features are those of the features'
//! parts inside its span. Unlike pooled features, the numbers can be negative.
//!
//! Must never: be used with other weights. Their features have other directions, and the result would mean nothing.

use std::path::Path;

use candle_core::safetensors::Load;
use candle_core::{DType, Device};
use safetensors::SafeTensors;
use zeroize::Zeroizing;

use super::architecture::DIMENSION;
use super::weights::{BUNDLED_SHA256, Weights};
use crate::error::Error;
use crate::published_file::PublishedFile;
use crate::vector::{FeatureVector, inner_product};

/// Components of a projected vector.
pub const PROJECTED_DIMENSION: usize = 512;

/// SHA-256 of `models/resnet50-basis.safetensors` in hexadecimal.
pub const BASIS_SHA256: &str = "b7d7d4d059928e42a541a871e6437aeeea92a3909d04ef4978f20186f5dd1596";

/// Name of the basis file, next to the weights in a program built without `bundled-weights`.
pub const BASIS_FILE_NAME: &str = "resnet50-basis.safetensors";

/// Name of the only tensor in the file, of shape [512, 2048].
const TENSOR: &str = "basis";

#[cfg(feature = "bundled-weights")]
const BUNDLED: Option<&[u8]> =
    Some(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/resnet50-basis.safetensors")));
#[cfg(not(feature = "bundled-weights"))]
const BUNDLED: Option<&[u8]> = None;

static FILE: PublishedFile = PublishedFile {
    name: BASIS_FILE_NAME,
    sha256: BASIS_SHA256,
    bundled: BUNDLED,
    alternative: "use the 2048 numbers of the network itself (--dimension 2048)",
};

/// An orthonormal basis of 512 directions among the 2048 features.
pub struct Projection {
    /// `[PROJECTED_DIMENSION][DIMENSION]`
    rows: Vec<f32>,
}

impl Projection {
    /// The basis of the published weights: the one inside the program or, in a program built without it, the file
    /// [`BASIS_FILE_NAME`] in `directory`. Its SHA-256 must be [`BASIS_SHA256`].
    ///
    /// # Errors
    /// [`Error::NoBasis`] for weights other than the published ones; [`Error::FileDiffers`] for a damaged basis;
    /// without `bundled-weights` [`Error::FileNotFound`] and [`Error::ReadFile`].
    pub fn of_weights(weights: &Weights, directory: &Path) -> Result<Self, Error> {
        if weights.sha256 != BUNDLED_SHA256 {
            let (dimension, available, actual) = (PROJECTED_DIMENSION, DIMENSION, weights.sha256.clone());
            return Err(Error::NoBasis { dimension, available, expected: BUNDLED_SHA256, actual });
        }
        Self::from_safetensors(&FILE.read(directory)?)
    }

    fn from_safetensors(bytes: &[u8]) -> Result<Self, Error> {
        FILE.verify(bytes)?;
        let tensor = SafeTensors::deserialize(bytes)?.tensor(TENSOR)?.load(&Device::Cpu)?;
        Ok(Self { rows: tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()? })
    }

    /// The unit vector in the direction of B f, with B the basis, of shape [512, 2048], and f the features. Scaling the
    /// features changes nothing.
    ///
    /// # Errors
    /// [`Error::NoDirection`] when features are not finite, or all zero inside the span of the basis.
    pub fn project(&self, features: &[f32; DIMENSION]) -> Result<FeatureVector, Error> {
        let (rows, _) = self.rows.as_chunks::<DIMENSION>();
        let projected: Vec<f32> = rows.iter().map(|row| inner_product(row, features)).collect();
        FeatureVector::normalised(&Zeroizing::new(projected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")
    }

    fn file() -> Vec<u8> {
        std::fs::read(models().join(BASIS_FILE_NAME)).unwrap()
    }

    fn projection() -> Projection {
        Projection::from_safetensors(&file()).unwrap()
    }

    #[test]
    fn the_directions_are_orthonormal() {
        let projection = projection();
        let (rows, rest) = projection.rows.as_chunks::<DIMENSION>();
        assert_eq!((rows.len(), rest.len()), (PROJECTED_DIMENSION, 0));
        for (number, row) in rows.iter().enumerate() {
            for (other, column) in rows[..=number].iter().enumerate() {
                let expected = if number == other { 1.0 } else { 0.0 };
                let product = inner_product(row, column);
                assert!((product - expected).abs() < 1e-3, "rows {number} and {other}: {product}");
            }
        }
    }

    #[test]
    fn a_direction_of_the_basis_becomes_its_coordinate() {
        let projection = projection();
        let row: &[f32; DIMENSION] = projection.rows[7 * DIMENSION..][..DIMENSION].try_into().unwrap();
        for (position, value) in projection.project(row).unwrap().as_slice().iter().enumerate() {
            let expected = if position == 7 { 1.0 } else { 0.0 };
            assert!((value - expected).abs() < 1e-3, "component {position}: {value}");
        }
    }

    #[test]
    fn a_damaged_basis_is_refused() {
        let mut damaged = file();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        for bytes in [&damaged[..], &file()[..last], &[]] {
            let error = Projection::from_safetensors(bytes).err().unwrap();
            assert!(matches!(error, Error::FileDiffers { expected: BASIS_SHA256, .. }), "{error}");
        }
    }

    #[test]
    fn features_without_a_direction_are_refused() {
        let projection = projection();
        for features in [[0.0; DIMENSION], [f32::NAN; DIMENSION], [f32::INFINITY; DIMENSION]] {
            assert!(matches!(projection.project(&features), Err(Error::NoDirection { .. })));
        }
    }
}
