//! The scan in portable Rust: the reference for the other kernels.

use super::scan::{BlockPiece, RUN, SplitPiece, centred, joined, products};
use crate::parameters::LANES;

#[inline(always)]
pub(super) fn row(block: &[BlockPiece], query: &[SplitPiece], prime: usize) -> [i16; LANES] {
    let mut totals = [0; LANES];
    for (block, query) in block.chunks(RUN).zip(query.chunks(RUN)) {
        for (lane, total) in totals.iter_mut().enumerate() {
            let mut sums = [0i32; 2];
            for (piece, query) in block.iter().zip(query) {
                for (sum, product) in sums.iter_mut().zip(products(&piece[lane], query)) {
                    *sum = sum.wrapping_add(product);
                }
            }
            *total += joined(sums);
        }
    }
    totals.map(|total| centred(total as f64, prime))
}
