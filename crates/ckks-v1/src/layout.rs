//! The bytes of coefficients, rows and pieces. Stored files depend on them: any change needs a new parameter set.
//!
//! A coefficient is r1 | r2 << 20, 5 bytes little-endian. A row is 8 neighbouring slots of one polynomial, 40 bytes. A
//! piece is 8 rows (groups) of one lane, 320 bytes, five cache lines. A block is `[tile of 8 slots][chunk of 8
//! groups][lane][8 groups][8 slots]`, which is the order in which the scan reads it; a query is the same with one lane.
//! A hint is `[lane][slot]`, an answer `[lane][fold]`.

use super::modulus::Modulus;
use super::parameters::COEFFICIENT_BYTES;

/// Slots of a tile, and groups of a chunk.
pub(super) const TILE: usize = 8;
/// Bytes of one row: 8 slots of one polynomial.
pub(super) const ROW_BYTES: usize = TILE * COEFFICIENT_BYTES;
/// 64-bit words of one row.
const ROW_WORDS: usize = ROW_BYTES / 8;
/// Bytes of one piece: 8 groups of one lane of one tile.
pub(super) const PIECE_BYTES: usize = TILE * ROW_BYTES;

/// The 20 bits of one residue.
pub(super) const RESIDUE_MASK: u64 = (1 << 20) - 1;
const COEFFICIENT_MASK: u64 = (1 << 40) - 1;

/// 8 coefficients as the words of a row.
#[inline(always)]
fn pack_words(c: [u64; TILE]) -> [u64; ROW_WORDS] {
    [
        c[0] | c[1] << 40,
        c[1] >> 24 | c[2] << 16 | c[3] << 56,
        c[3] >> 8 | c[4] << 32,
        c[4] >> 32 | c[5] << 8 | c[6] << 48,
        c[6] >> 16 | c[7] << 24,
    ]
}

/// The 8 coefficients of a row.
#[inline(always)]
fn unpack_words(w: [u64; ROW_WORDS]) -> [u64; TILE] {
    [
        w[0],
        w[0] >> 40 | w[1] << 24,
        w[1] >> 16,
        w[1] >> 56 | w[2] << 8,
        w[2] >> 32 | w[3] << 32,
        w[3] >> 8,
        w[3] >> 48 | w[4] << 16,
        w[4] >> 24,
    ]
    .map(|bits| bits & COEFFICIENT_MASK)
}

/// Writes 8 coefficients of two residues below 2^20 each.
#[inline(always)]
pub(super) fn pack_row(row: &mut [u8; ROW_BYTES], first: &[u32; TILE], second: &[u32; TILE]) {
    let words = pack_words(std::array::from_fn(|slot| u64::from(first[slot]) | u64::from(second[slot]) << 20));
    for (bytes, word) in row.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
}

/// Reads 8 coefficients.
#[inline(always)]
pub(super) fn unpack_row(row: &[u8; ROW_BYTES]) -> [[u32; TILE]; 2] {
    let (words, _) = row.as_chunks::<8>();
    let c = unpack_words(std::array::from_fn(|at| u64::from_le_bytes(words[at])));
    [c.map(|bits| (bits & RESIDUE_MASK) as u32), c.map(|bits| (bits >> 20) as u32)]
}

/// Adds `values[prime][slot][row]`, residues below 2^31, to the coefficients of rows. Transposes the words of many rows
/// first, so that the loop over rows is vectorised.
#[inline(always)]
pub(super) fn add_to_rows(rows: &mut [[u8; ROW_BYTES]], moduli: [Modulus; 2], values: [[&[u32]; TILE]; 2]) {
    const RUN: usize = 64;
    let mut words = [[0; RUN]; ROW_WORDS];
    for (run, rows) in rows.chunks_mut(RUN).enumerate() {
        for (at, row) in rows.iter().enumerate() {
            for (words, bytes) in words.iter_mut().zip(row.as_chunks::<8>().0) {
                words[at] = u64::from_le_bytes(*bytes);
            }
        }
        let values = values.map(|slots| slots.map(|values| &values[run * RUN..][..rows.len()]));
        for at in 0..rows.len() {
            let coefficients = unpack_words(std::array::from_fn(|place| words[place][at]));
            let sums = pack_words(std::array::from_fn(|slot| {
                let first = (coefficients[slot] & RESIDUE_MASK) + u64::from(values[0][slot][at]);
                let second = (coefficients[slot] >> 20) + u64::from(values[1][slot][at]);
                moduli[0].reduce_word(first) | moduli[1].reduce_word(second) << 20
            }));
            for (words, sum) in words.iter_mut().zip(sums) {
                words[at] = sum;
            }
        }
        for (at, row) in rows.iter_mut().enumerate() {
            for (words, bytes) in words.iter().zip(row.as_chunks_mut::<8>().0) {
                *bytes = words[at].to_le_bytes();
            }
        }
    }
}

/// Reads one coefficient.
#[inline(always)]
pub(super) fn read_coefficient(bytes: &[u8; COEFFICIENT_BYTES]) -> [u32; 2] {
    let mut word = [0; 8];
    word[..COEFFICIENT_BYTES].copy_from_slice(bytes);
    let word = u64::from_le_bytes(word);
    [(word & RESIDUE_MASK) as u32, (word >> 20) as u32]
}

/// Writes one coefficient of two residues below 2^20.
#[inline(always)]
pub(super) fn write_coefficient(bytes: &mut [u8; COEFFICIENT_BYTES], residues: [u32; 2]) {
    let word = u64::from(residues[0]) | u64::from(residues[1]) << 20;
    bytes.copy_from_slice(&word.to_le_bytes()[..COEFFICIENT_BYTES]);
}

/// Whether all residues of whole rows are below their primes.
pub(super) fn residues_in_range(rows: &[u8], primes: [u32; 2]) -> bool {
    rows.as_chunks::<ROW_BYTES>().0.iter().all(|row| {
        let residues = unpack_row(row);
        residues.iter().zip(primes).all(|(row, prime)| row.iter().all(|&residue| residue < prime))
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_keep_their_coefficients(coefficients: [(u32, u32); TILE]) {
            let first = coefficients.map(|pair| pair.0 & RESIDUE_MASK as u32);
            let second = coefficients.map(|pair| pair.1 & RESIDUE_MASK as u32);
            let mut row = [0; ROW_BYTES];
            pack_row(&mut row, &first, &second);
            prop_assert_eq!(unpack_row(&row), [first, second]);
            for (slot, bytes) in row.as_chunks().0.iter().enumerate() {
                prop_assert_eq!(read_coefficient(bytes), [first[slot], second[slot]]);
                let mut written = [0; COEFFICIENT_BYTES];
                write_coefficient(&mut written, [first[slot], second[slot]]);
                prop_assert_eq!(&written, bytes);
            }
        }
    }

    #[test]
    fn a_coefficient_is_pinned() {
        let mut bytes = [0; COEFFICIENT_BYTES];
        write_coefficient(&mut bytes, [0x12345, 0xabcde]);
        assert_eq!(bytes, [0x45, 0x23, 0xe1, 0xcd, 0xab]);
    }

    #[test]
    fn residues_at_the_prime_are_out_of_range() {
        let mut row = [0; ROW_BYTES];
        pack_row(&mut row, &[9; 8], &[9; 8]);
        assert!(residues_in_range(&row, [10, 10]));
        assert!(!residues_in_range(&row, [9, 10]));
        assert!(!residues_in_range(&row, [10, 9]));
    }
}
