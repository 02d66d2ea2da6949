//! The bytes of ciphertexts, hints and answers. Stored files depend on them: any change needs a new format version.
//!
//! Every residue is centred, from -(p - 1) / 2 to (p - 1) / 2, as a 16-bit word, little-endian. Slot k = fK + kappa of
//! a polynomial belongs to fold f. With f, the prime and the group g outermost to innermost, the order is
//!
//! | object | order | bytes at D = 512 |
//! |---|---|---|
//! | block | f, prime, g, lane (8), kappa (32) | 1,048,576 |
//! | query | f, prime, g, kappa | 131,072 |
//! | check vectors | f, prime, g, vector (2), kappa | 262,144 |
//! | hint, U | f, prime, lane, kappa | 65,536 |
//! | answer | f, prime, lane | 2,048 |
//!
//! Image 8i + l of a block is image i of lane l. A row of an object is all that has one f and one prime; rows are in
//! the order in which the scan reads them.

use zeroize::Zeroizing;

use super::parameters::{DEGREE, PACKED, PIECE_BYTES, PRIMES, ROWS};
use super::ring::{Ring, Values};

/// Which polynomial of an object: of `lane` among `lanes`, and of `group` among `groups`.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) groups: usize,
    pub(super) group: usize,
    pub(super) lanes: usize,
    pub(super) lane: usize,
}

impl Place {
    /// First byte of its residues for a fold and a prime.
    #[inline(always)]
    fn offset(self, fold: usize, prime: usize) -> usize {
        let row = fold * PRIMES.len() + prime;
        ((row * self.groups + self.group) * self.lanes + self.lane) * PIECE_BYTES
    }
}

impl Ring {
    /// Writes the values of a polynomial to its place.
    pub(super) fn write(&self, bytes: &mut [u8], place: Place, values: &Values) {
        let mut centred = Zeroizing::new([0; DEGREE]);
        for (prime, (values, modulus)) in values.residues().iter().zip(self.moduli()).enumerate() {
            self.kernel().centre(modulus, values, &mut *centred);
            for (fold, words) in centred.as_chunks::<PACKED>().0.iter().enumerate() {
                let at = place.offset(fold, prime);
                let (bytes, _) = bytes[at..at + PIECE_BYTES].as_chunks_mut();
                for (bytes, word) in bytes.iter_mut().zip(words) {
                    *bytes = word.to_le_bytes();
                }
            }
        }
    }
}

/// Centred residues from their bytes.
#[inline(always)]
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = i16> {
    bytes.as_chunks().0.iter().map(|word| i16::from_le_bytes(*word))
}

/// Whether all residues of an object of whole rows are centred.
#[inline(always)]
pub(super) fn residues_in_range(bytes: &[u8]) -> bool {
    debug_assert!(!bytes.is_empty() && bytes.len().is_multiple_of(ROWS), "whole rows");
    let rows = bytes.chunks_exact(bytes.len() / ROWS);
    rows.enumerate().all(|(row, bytes)| {
        let half = PRIMES[row % PRIMES.len()] / 2;
        words(bytes).fold(true, |in_range, word| in_range & (word.unsigned_abs() <= half))
    })
}

/// Zeroed bytes that start on a cache line, so that no load of the scan crosses two lines.
pub(super) struct AlignedBytes {
    allocation: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBytes {
    const LINE: usize = 64;

    pub(super) fn zeroed(length: usize) -> Self {
        let allocation = vec![0; length + Self::LINE - 1];
        let start = allocation.as_ptr().align_offset(Self::LINE);
        // If `align_offset` fails, the scan is slower but still correct.
        let start = if start < Self::LINE { start } else { 0 };
        Self { allocation, start, length }
    }
}

impl std::ops::Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.allocation[self.start..self.start + self.length]
    }
}

impl std::ops::DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.allocation[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernel;
    use crate::parameters::{CHECKS, LANES};

    #[test]
    fn offsets_are_pinned() {
        let block = |group, lane| Place { groups: 16, group, lanes: LANES, lane };
        assert_eq!(block(0, 1).offset(0, 0), 64);
        assert_eq!(block(1, 0).offset(0, 0), 512);
        assert_eq!(block(0, 0).offset(0, 1), 8_192);
        assert_eq!(block(0, 0).offset(1, 0), 16_384);
        assert_eq!(block(15, 7).offset(63, 1), (1 << 20) - PIECE_BYTES);
        let query = Place { groups: 16, group: 15, lanes: 1, lane: 0 };
        assert_eq!(query.offset(63, 1), 131_072 - PIECE_BYTES);
        let checks = Place { groups: 16, group: 15, lanes: CHECKS, lane: 1 };
        assert_eq!(checks.offset(63, 1), 262_144 - PIECE_BYTES);
        let hint = Place { groups: 1, group: 0, lanes: LANES, lane: 7 };
        assert_eq!(hint.offset(63, 1), 65_536 - PIECE_BYTES);
    }

    #[test]
    fn residues_are_centred_little_endian_words() {
        let mut values = Values::zero();
        for (prime, values) in values.residues_mut().iter_mut().enumerate() {
            let edges = [0, 1, PRIMES[prime] / 2, PRIMES[prime] / 2 + 1, PRIMES[prime] - 1];
            values[..5].copy_from_slice(&edges);
            values[DEGREE - 1] = 258;
        }
        let mut bytes = vec![0; ROWS * PIECE_BYTES];
        let place = Place { groups: 1, group: 0, lanes: 1, lane: 0 };
        Ring::new(Kernel::PORTABLE).write(&mut bytes, place, &values);
        assert_eq!(words(&bytes[..10]).collect::<Vec<_>>(), [0, 1, 30_720, -30_720, -1]);
        assert_eq!(words(&bytes[64..74]).collect::<Vec<_>>(), [0, 1, 20_480, -20_480, -1]);
        assert_eq!(bytes[bytes.len() - 2..], [2, 1]);
        assert!(residues_in_range(&bytes));
    }

    #[test]
    fn one_more_than_half_of_the_prime_is_out_of_range() {
        for (row, half) in [(0, 30_720i16), (1, 20_480), (126, 30_720), (127, 20_480)] {
            for sign in [-1, 1] {
                let mut bytes = vec![0; ROWS * PIECE_BYTES];
                bytes[row * PIECE_BYTES..][..2].copy_from_slice(&(sign * half).to_le_bytes());
                assert!(residues_in_range(&bytes));
                bytes[row * PIECE_BYTES..][..2].copy_from_slice(&(sign * (half + 1)).to_le_bytes());
                assert!(!residues_in_range(&bytes));
            }
        }
    }
}
