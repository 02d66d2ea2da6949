//! The data of the scan, and its loops over rows and blocks.
//!
//! A row is the part of a block that belongs to one fold and one prime: G pieces of 8 lanes of K residues. Its result
//! is one residue for each lane: the sum of the products with the row of the query.
//!
//! A query residue is split, Q = 256 Qh + Ql with both parts signed bytes, so that products can be summed in 32 bits:
//! 512 products of |x| <= 30720 and 128 stay below 2^31. Longer rows are summed in runs of 512. Residues of a block are
//! not checked: a damaged one gives a wrong result, the same with every kernel, which the key holder refuses.

use zeroize::Zeroize;

use crate::parameters::{LANES, PACKED, PIECE_BYTES, PRIMES, RESIDUE_BYTES, ROWS};

/// Bytes of the results of a row.
const RESULT_BYTES: usize = LANES * RESIDUE_BYTES;
/// Pieces whose products are summed in 32 bits.
pub(super) const RUN: usize = 512 / PACKED;

/// How far ahead the kernels prefetch. Of 4 to 64 KiB, 16 was among the fastest on a Zen 3; 8 to 32 differ by less than
/// the noise.
#[cfg(target_arch = "x86_64")]
pub(super) const PREFETCH_BYTES: usize = 16 << 10;

/// The 8 lanes of one group of a row of a block, in memory order.
pub(super) type GroupLanes = [[u8; PIECE_BYTES]; LANES];

/// K residues, split: low parts, then high parts.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct SplitPiece(pub(super) [[i8; PACKED]; 2]);

/// Residues by rows in the form that is multiplied with 16-bit residues: a query, or polynomials of its secret. Wiped
/// on drop.
pub(crate) struct SplitRows {
    pieces: Vec<SplitPiece>,
    row_pieces: usize,
}

impl SplitRows {
    /// Splits centred residues of whole rows, 16-bit words in little-endian.
    pub(crate) fn new(residues: &[u8]) -> Self {
        let piece = |bytes: &[u8; PIECE_BYTES]| {
            let mut piece = SplitPiece([[0; PACKED]; 2]);
            let [low, high] = &mut piece.0;
            for ((low, high), word) in low.iter_mut().zip(high).zip(bytes.as_chunks().0) {
                let residue = i16::from_le_bytes(*word);
                *low = residue as i8;
                // A centred residue is below 2^15 - 128, so the difference does not overflow.
                *high = ((residue - i16::from(*low)) >> 8) as i8;
            }
            piece
        };
        let pieces: Vec<SplitPiece> = residues.as_chunks().0.iter().map(piece).collect();
        Self { row_pieces: pieces.len() / ROWS, pieces }
    }

    /// The pieces of a row.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[SplitPiece] {
        &self.pieces[row * self.row_pieces..(row + 1) * self.row_pieces]
    }
}

impl SplitRows {
    /// Bytes of a piece in serialised form.
    pub(crate) const PART_BYTES: usize = 2 * PACKED;

    /// Number of [`part_bytes`](Self::part_bytes).
    pub(crate) fn part_count(&self) -> usize {
        self.pieces.len() * Self::PART_BYTES
    }

    /// The parts of all pieces in order.
    pub(crate) fn part_bytes(&self) -> impl Iterator<Item = u8> {
        self.pieces.iter().flat_map(|piece| piece.0.as_flattened()).map(|part| part.cast_unsigned())
    }

    /// Reads the output of [`part_bytes`](Self::part_bytes).
    pub(crate) fn from_part_bytes(bytes: &[u8]) -> Self {
        let piece = |bytes: &[u8; Self::PART_BYTES]| {
            let mut piece = SplitPiece([[0; PACKED]; 2]);
            for (part, byte) in piece.0.as_flattened_mut().iter_mut().zip(bytes) {
                *part = byte.cast_signed();
            }
            piece
        };
        let pieces: Vec<SplitPiece> = bytes.as_chunks().0.iter().map(piece).collect();
        Self { row_pieces: pieces.len() / ROWS, pieces }
    }
}

impl Drop for SplitRows {
    fn drop(&mut self) {
        for piece in &mut self.pieces {
            piece.0.as_flattened_mut().zeroize();
        }
    }
}

/// Sums of the products of K residues with the low and with the high parts of K others.
#[inline(always)]
pub(super) fn products(residues: &[u8; PIECE_BYTES], SplitPiece(parts): &SplitPiece) -> [i32; 2] {
    parts.map(|parts| {
        let mut sum = 0i32;
        for (bytes, part) in residues.as_chunks().0.iter().zip(parts) {
            sum = sum.wrapping_add(i32::from(i16::from_le_bytes(*bytes)) * i32::from(part));
        }
        sum
    })
}

/// 256 high + low.
#[inline(always)]
pub(super) fn joined_parts([low, high]: [i32; 2]) -> i64 {
    (i64::from(high) << 8) + i64::from(low)
}

/// Calls `result` with every row of a block, the row of the query and the index of its prime, and writes the results
/// into the answer.
#[inline(always)]
pub(super) fn for_each_row(
    block: &[u8],
    query: &SplitRows,
    answer: &mut [u8],
    mut result: impl FnMut(&[GroupLanes], &[SplitPiece], usize) -> [i16; LANES],
) {
    let rows = block.chunks_exact(query.row_pieces * LANES * PIECE_BYTES);
    for (row, (block, answer)) in rows.zip(answer.as_chunks_mut::<RESULT_BYTES>().0).enumerate() {
        let pieces = block.as_chunks().0.as_chunks().0;
        let residues = result(pieces, query.row(row), row % PRIMES.len());
        for (bytes, residue) in answer.as_chunks_mut().0.iter_mut().zip(residues) {
            *bytes = residue.to_le_bytes();
        }
    }
}
