//! Parameter sets: one for each dimension, and the sizes that follow from it. Everything else is fixed, because stored
//! files depend on it.
//!
//! | symbol | meaning | value |
//! |---|---|---|
//! | D | components of a vector | a multiple of 128, at most 16,384 |
//! | n | ring degree | 2048 |
//! | q | modulus, p1 p2, both 1 mod 2n | 61441 * 40961, log2 q = 31.23 |
//! | K | components packed side by side in a polynomial | 32 |
//! | G | polynomials (groups) of a lane | D / K |
//! | S | images of a lane | n / K = 64 |
//! | L | lanes of a block | 8 |
//! | Dx, Dq | scales of stored vectors and of queries | 2^13.5, 2^16.5 |
//!
//! Dq = sqrt(S) Dx makes both noise terms of a score equal, and Dx Dq = 2^30 leaves room for scores up to q / 2^31 =
//! 1.17. The error of a score does not depend on D.

use super::error::Error;
use super::security;

/// Ring degree n.
pub(super) const DEGREE: usize = 2048;
/// p1 and p2. The smallest roots psi with psi^n = -1 are 19 and 28.
pub(super) const PRIMES: [u16; 2] = [61_441, 40_961];
/// K.
pub(super) const PACKED: usize = 32;
/// S.
pub(super) const FOLDS: usize = DEGREE / PACKED;
/// L: as many lanes as the scan can sum in registers.
pub(super) const LANES: usize = 8;
/// Rows of a block or a query: one for each fold and prime.
pub(super) const ROWS: usize = FOLDS * PRIMES.len();
/// Check vectors of a group of blocks.
pub(super) const CHECKS: usize = 2;

/// Bytes before serialised check vectors: epoch, number of blocks, sum of nonces.
pub(super) const CHECK_HEADER_BYTES: usize = 32;

/// Bits of a centred binomial draw on each side; standard deviation sqrt(21 / 2) = 3.24.
pub(super) const NOISE_ETA: u32 = 21;

/// Dimensions are multiples of this: an even number of groups, and whole steps of the plain scans.
const DIMENSION_STEP: usize = 128;
/// Sums over the groups of more do not fit into 32 bits.
pub(super) const LARGEST_DIMENSION: usize = 16_384;

/// Bytes of a residue.
pub(super) const RESIDUE_BYTES: usize = size_of::<i16>();

/// Bytes of the K residues of a polynomial in one row: a cache line.
pub(super) const PIECE_BYTES: usize = PACKED * RESIDUE_BYTES;

/// Images of a full block, whatever the dimension.
pub const BLOCK_IMAGES: usize = LANES * FOLDS;
/// Bytes of a block's hint: 128 an image, whatever the dimension.
pub const HINT_BYTES: usize = ROWS * LANES * PACKED * RESIDUE_BYTES;
/// Bytes of the answer for one block: 4 an image, whatever the dimension.
pub const ANSWER_BYTES: usize = ROWS * LANES * RESIDUE_BYTES;

/// A parameter set, named by the dimension of its vectors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Parameters {
    dimension: usize,
}

impl Parameters {
    /// The largest dimension of a set.
    pub const LARGEST_DIMENSION: usize = LARGEST_DIMENSION;

    /// The set for vectors of `dimension` components.
    ///
    /// # Errors
    /// [`Error::Dimension`] unless it is a multiple of 128 up to 16,384. [`Error::Insecure`] cannot occur with the
    /// modulus of this version.
    pub fn for_dimension(dimension: usize) -> Result<Self, Error> {
        if dimension == 0 || !dimension.is_multiple_of(DIMENSION_STEP) || dimension > LARGEST_DIMENSION {
            return Err(Error::Dimension { actual: dimension, step: DIMENSION_STEP, largest: LARGEST_DIMENSION });
        }
        let set = Self { dimension };
        security::check(DEGREE, set.modulus_bits())?;
        Ok(set)
    }

    /// log2 q.
    #[must_use]
    pub fn modulus_bits(&self) -> f64 {
        PRIMES.iter().map(|&prime| f64::from(prime).log2()).sum()
    }

    /// Ring degree n.
    #[must_use]
    pub const fn degree(&self) -> usize {
        DEGREE
    }

    /// Components of a vector, D.
    #[must_use]
    pub const fn dimension(&self) -> usize {
        self.dimension
    }

    /// Polynomials of a lane, G = D / K.
    pub(super) const fn groups(&self) -> usize {
        self.dimension / PACKED
    }

    /// Bytes of a block's ciphertext: 4 D an image.
    #[must_use]
    pub const fn block_bytes(&self) -> usize {
        LANES * self.query_bytes()
    }

    /// Bytes of serialised check vectors: 512 D and a header.
    #[must_use]
    pub const fn check_vectors_bytes(&self) -> usize {
        CHECK_HEADER_BYTES + CHECKS * self.query_bytes()
    }

    /// Bytes of a serialised query secret.
    #[must_use]
    pub const fn query_secret_bytes(&self) -> usize {
        (1 + LANES) * ROWS * PACKED * RESIDUE_BYTES + self.query_bytes()
    }

    /// Bytes of an encrypted query: 256 D.
    #[must_use]
    pub const fn query_bytes(&self) -> usize {
        ROWS * self.groups() * PACKED * RESIDUE_BYTES
    }
}

/// Dx, the scale of stored vectors: 2^13.5.
pub(super) const STORED_SCALE: f64 = (1 << 13) as f64 * std::f64::consts::SQRT_2;
/// Dq, the scale of queries: 2^16.5.
pub(super) const QUERY_SCALE: f64 = (1 << 16) as f64 * std::f64::consts::SQRT_2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_pinned() {
        assert_eq!((BLOCK_IMAGES, HINT_BYTES, ANSWER_BYTES), (512, 65_536, 2_048));
        let sizes = |dimension| {
            let set = Parameters::for_dimension(dimension).unwrap();
            (set.dimension(), set.groups(), set.block_bytes(), set.query_bytes())
        };
        assert_eq!(sizes(128), (128, 4, 1 << 18, 32_768));
        assert_eq!(sizes(256), (256, 8, 1 << 19, 65_536));
        assert_eq!(sizes(512), (512, 16, 1 << 20, 131_072));
        assert_eq!(sizes(2048), (2048, 64, 1 << 22, 524_288));
    }

    #[test]
    fn dimensions_are_multiples_of_128() {
        for dimension in [0, 1, 127, 129, 511, 16_512, usize::MAX] {
            let refused = Parameters::for_dimension(dimension).unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!("a vector has a multiple of 128 components, at most 16384; not {dimension}")
            );
        }
        Parameters::for_dimension(16_384).unwrap();
    }

    #[test]
    fn the_modulus_is_pinned() {
        assert_eq!(PRIMES.map(u64::from).iter().product::<u64>(), 61_441 * 40_961);
        let bits = Parameters::for_dimension(512).unwrap().modulus_bits();
        assert!((bits - 31.23).abs() < 0.005, "{bits}");
        // Two equal vectors have the largest score, 1; q / 2 is 17 % above it.
        let most = PRIMES.map(f64::from).iter().product::<f64>() / 2.0 / (STORED_SCALE * QUERY_SCALE);
        assert!((most - 1.1719).abs() < 1e-4, "{most}");
    }
}
