//! The scan in portable Rust: the reference for the other kernels.

use super::scan::{GroupLanes, RUN, SplitPiece, joined_parts, products};
use crate::modulus::centred;
use crate::parameters::{LANES, PRIMES};

#[inline(always)]
pub(super) fn row(block: &[GroupLanes], query: &[SplitPiece], prime: usize) -> [i16; LANES] {
    let mut totals = [0; LANES];
    for (block, query) in block.chunks(RUN).zip(query.chunks(RUN)) {
        for (lane, total) in totals.iter_mut().enumerate() {
            let mut sums = [0i32; 2];
            for (piece, query) in block.iter().zip(query) {
                for (sum, product) in sums.iter_mut().zip(products(&piece[lane], query)) {
                    *sum = sum.wrapping_add(product);
                }
            }
            *total += joined_parts(sums);
        }
    }
    totals.map(|total| centred(total as f64, PRIMES[prime]))
}
