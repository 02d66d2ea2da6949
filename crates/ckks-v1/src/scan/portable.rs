//! The scan in portable Rust: the reference for the other kernels.

use super::span::{BlockPieces, QueryPiece, Sums};
use crate::layout::{ROW_BYTES, TILE, unpack_row};
use crate::parameters::LANES;

#[inline(always)]
pub(super) fn span(block: &[BlockPieces], query: &[QueryPiece]) -> Sums {
    let mut sums = [[[0; TILE]; 2]; LANES];
    for (pieces, piece) in block.iter().zip(query) {
        let (query_rows, _) = piece.as_chunks::<ROW_BYTES>();
        for (sums, piece) in sums.iter_mut().zip(pieces) {
            for (row, query_row) in piece.as_chunks::<ROW_BYTES>().0.iter().zip(query_rows) {
                let (stored, query) = (unpack_row(row), unpack_row(query_row));
                for prime in 0..2 {
                    for slot in 0..TILE {
                        sums[prime][slot] += u64::from(stored[prime][slot]) * u64::from(query[prime][slot]);
                    }
                }
            }
        }
    }
    sums
}
