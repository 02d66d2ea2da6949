//! How much to measure: the dimension and the number of images, and whether this machine has the memory for it.

use super::memory;
use crate::ckks::{self, BLOCK_IMAGES, HINT_BYTES, Parameters};

/// Components of the vectors that every report compares with, whatever its dimension: those of a whole ResNet-50.
pub(super) const WIDE: usize = 2048;
/// The largest number of vectors of 2048 components that are scanned: 512 MiB, more than any cache.
pub const MOST_PLAIN_2048: usize = 65_536;
/// Bytes per image of answers, scores, nonces and check vectors: generous up to 4,096 components. Beyond, what is
/// missing is less than a thousandth of vectors and blocks.
const RESULT_BYTES: usize = 64;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    parameters: Parameters,
    images: usize,
}

/// Why something cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkloadError {
    /// There is no parameter set for the dimension.
    #[error(transparent)]
    Dimension(#[from] ckks::Error),
    /// More images than fit into memory.
    #[error(
        "{images} images of {dimension} components and their plain vectors do not fit into free memory; {most} would"
    )]
    Memory {
        /// Images requested.
        images: usize,
        /// Components of a vector.
        dimension: usize,
        /// As many images as fit.
        most: usize,
    },
}

impl Workload {
    /// `images` vectors, at least one, of `dimension` components.
    ///
    /// # Errors
    /// [`WorkloadError::Dimension`] unless it is a multiple of 128 up to 16,384; [`WorkloadError::Memory`] when less
    /// memory is free, if the system reports it.
    pub fn new(dimension: usize, images: usize) -> Result<Self, WorkloadError> {
        let parameters = Parameters::for_dimension(dimension)?;
        match memory::available_bytes().map(|bytes| most_images(&parameters, bytes)) {
            Some(most) if most < images => Err(WorkloadError::Memory { images, dimension, most }),
            _ => Ok(Self { parameters, images }),
        }
    }

    /// The parameter set of the dimension.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Images to search.
    #[must_use]
    pub fn images(&self) -> usize {
        self.images
    }

    /// Vectors of 2048 components to scan.
    pub(super) fn plain_2048_images(&self) -> usize {
        self.images.min(MOST_PLAIN_2048)
    }
}

/// Bytes of a plain vector.
pub(super) fn plain_bytes(dimension: usize) -> usize {
    dimension * size_of::<f32>()
}

/// How many images fit into `available` bytes.
fn most_images(parameters: &Parameters, available: usize) -> usize {
    let dimension = parameters.dimension();
    let each = plain_bytes(dimension) + (parameters.block_bytes() + HINT_BYTES) / BLOCK_IMAGES + RESULT_BYTES;
    // With 2048 components, their plain vectors are the same.
    let wide = if dimension == WIDE { 0 } else { plain_bytes(WIDE) };
    let few = available / (each + wide);
    if few <= MOST_PLAIN_2048 { few } else { (available - MOST_PLAIN_2048 * wide) / each }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_for_the_wide_vectors_stops_growing() {
        let most = |dimension, bytes| most_images(&Parameters::for_dimension(dimension).unwrap(), bytes);
        // 2048 for the plain vector, 2048 + 128 for the block and its hint, 64 for results.
        let (each, wide) = (4288, 8192);
        assert_eq!(most(512, 0), 0);
        assert_eq!(most(512, 1000 * (each + wide)), 1000);
        assert_eq!(most(512, 1000 * (each + wide) - 1), 999);
        assert_eq!(most(512, MOST_PLAIN_2048 * (each + wide)), MOST_PLAIN_2048);
        assert_eq!(most(512, MOST_PLAIN_2048 * wide + 1_000_000 * each), 1_000_000);
        assert_eq!(most(2048, 1_000_000 * (2 * 8192 + 192)), 1_000_000);
    }

    #[test]
    fn a_workload_that_cannot_be_measured_says_why() {
        for dimension in [0, 100, 513, 16_512] {
            let refused = Workload::new(dimension, 512).unwrap_err();
            assert!(refused.to_string().contains("a multiple of 128 components"), "{refused}");
        }
        let workload = Workload::new(128, 512).unwrap();
        assert_eq!(
            (workload.parameters().dimension(), workload.images(), workload.plain_2048_images()),
            (128, 512, 512)
        );
    }
}
