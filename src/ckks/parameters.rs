//! Named parameter sets and the sizes that follow from them. Must never: offer a set that the security tables refuse.
//!
//! log2 q at ring degree 2048, ternary secrets, errors of standard deviation 3.2, 128 bits of security:
//! Homomorphic Encryption Standard 2018 (54 classical, 51 quantum) and Security Guidelines for Implementing Homomorphic
//! Encryption 2024 (eprint 2024/463; 53 and 50).

use super::error::Error;

/// Lanes of a block; all of a block's lanes are sealed under one secret. Fixed by the scan's register use.
pub(super) const LANES: usize = 8;

/// Bits of a centred binomial draw on each side; standard deviation sqrt(21 / 2) = 3.24.
pub(super) const NOISE_ETA: u32 = 21;

/// Bytes of one coefficient: two 20-bit residues.
pub(super) const COEFFICIENT_BYTES: usize = 5;

/// Limits on log2 q: table, ring degree, bits.
const SECURITY: &[(&str, usize, f64)] = &[
    ("the 2018 standard, 128 bits classical", 2048, 54.0),
    ("the 2018 standard, 128 bits quantum", 2048, 51.0),
    ("the 2024 guidelines, 128 bits classical", 2048, 53.0),
    ("the 2024 guidelines, 128 bits quantum", 2048, 50.0),
];

/// A named set of parameters. Stored files depend on every value: a change is a new set with a new identifier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    id: u16,
    degree: usize,
    dimension: usize,
    packed: usize,
    primes: [u32; 2],
    stored_scale: f64,
    query_scale: f64,
}

impl Parameters {
    /// 2048-dimensional unit vectors at ring degree 2048, q = 1032193 * 995329 (39.9 bits), 32 dimensions packed in a
    /// polynomial. 128 bits of security, classical and quantum, in the 2018 and the 2024 tables.
    ///
    /// Scales of 2^17.5 (stored) and 2^20.5 (query) leave 0.9 bits between the product of two equal vectors and q / 2,
    /// and balance the two error terms (see [`precision`](super::precision)).
    pub const V1: Self = Self {
        id: 1,
        degree: 2048,
        dimension: 2048,
        packed: 32,
        primes: [1_032_193, 995_329],
        stored_scale: (1 << 17) as f64 * std::f64::consts::SQRT_2,
        query_scale: (1 << 20) as f64 * std::f64::consts::SQRT_2,
    };

    /// The same scheme small enough for schoolbook arithmetic. Not secure, hence in tests only.
    #[cfg(test)]
    pub(super) const SMALL: Self = Self { id: 0, degree: 256, dimension: 256, ..Self::V1 };

    /// The set with this identifier.
    pub(super) fn from_id(id: u16) -> Option<Self> {
        [Self::V1].into_iter().find(|set| set.id == id)
    }

    /// Checks log2 q against every security table.
    pub(super) fn check_security(&self) -> Result<(), Error> {
        let modulus_bits = self.modulus_bits();
        let mut rows = SECURITY.iter().filter(|(_, degree, _)| *degree == self.degree).peekable();
        if rows.peek().is_none() {
            return Err(Error::UnknownDegree { degree: self.degree });
        }
        match rows.find(|(.., limit)| modulus_bits > *limit) {
            Some(&(table, degree, limit_bits)) => Err(Error::Insecure { degree, modulus_bits, limit_bits, table }),
            None => Ok(()),
        }
    }

    /// log2 q.
    pub fn modulus_bits(&self) -> f64 {
        self.primes.iter().map(|&prime| f64::from(prime).log2()).sum()
    }

    /// Identifier stored in files.
    pub const fn id(&self) -> u16 {
        self.id
    }

    /// Ring degree n.
    pub const fn degree(&self) -> usize {
        self.degree
    }

    /// Components of a vector, D.
    pub const fn dimension(&self) -> usize {
        self.dimension
    }

    /// Dimensions packed side by side in one polynomial, K.
    pub(super) const fn packed(&self) -> usize {
        self.packed
    }

    /// Polynomials of a lane, G = D / K.
    pub(super) const fn groups(&self) -> usize {
        self.dimension / self.packed
    }

    /// Images of a lane, S = n / K.
    pub(super) const fn lane_images(&self) -> usize {
        self.degree / self.packed
    }

    /// The primes whose product is q; both are 1 mod 2n.
    pub(super) const fn primes(&self) -> [u32; 2] {
        self.primes
    }

    /// Scale of stored vectors.
    pub(super) const fn stored_scale(&self) -> f64 {
        self.stored_scale
    }

    /// Scale of query vectors.
    pub(super) const fn query_scale(&self) -> f64 {
        self.query_scale
    }

    /// Images of a block.
    pub const fn block_images(&self) -> usize {
        LANES * self.lane_images()
    }

    /// Bytes of a block's ciphertext.
    pub const fn block_bytes(&self) -> usize {
        LANES * self.query_bytes()
    }

    /// Bytes of a block's hint.
    pub const fn hint_bytes(&self) -> usize {
        LANES * self.degree * COEFFICIENT_BYTES
    }

    /// Bytes of an encrypted query.
    pub const fn query_bytes(&self) -> usize {
        self.groups() * self.degree * COEFFICIENT_BYTES
    }

    /// Bytes of the answer for one block.
    pub const fn answer_bytes(&self) -> usize {
        self.block_images() * COEFFICIENT_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_one_is_inside_every_table() {
        Parameters::V1.check_security().unwrap();
        assert!((Parameters::V1.modulus_bits() - 39.90).abs() < 0.01);
    }

    #[test]
    fn one_bit_over_the_strictest_table_is_refused() {
        // Two 25-bit primes are 50 bits, the limit; one more bit is over.
        let at_limit = Parameters { primes: [1 << 25, 1 << 25], ..Parameters::V1 };
        at_limit.check_security().unwrap();
        let over = Parameters { primes: [1 << 26, 1 << 25], ..Parameters::V1 };
        let refused = over.check_security().unwrap_err();
        assert!(
            matches!(refused, Error::Insecure { limit_bits, modulus_bits, .. } if limit_bits == 50.0 && modulus_bits == 51.0)
        );
    }

    #[test]
    fn a_degree_without_a_row_is_refused() {
        assert!(matches!(Parameters::SMALL.check_security(), Err(Error::UnknownDegree { degree: 256 })));
    }

    #[test]
    fn sizes_are_those_that_files_depend_on() {
        let set = Parameters::V1;
        assert_eq!((set.block_images(), set.block_bytes(), set.hint_bytes()), (512, 5_242_880, 81_920));
        assert_eq!((set.query_bytes(), set.answer_bytes()), (655_360, 2_560));
    }
}
