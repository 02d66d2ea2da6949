//! Folded products of the key holder: masks of answers, and what check vectors predict.

use super::scan::{SplitRows, joined_parts};
use super::simd::{Simd, WIDTH};
use crate::modulus::centred;
use crate::parameters::{ANSWER_BYTES, CHECKS, FOLDS, LANES, PIECE_BYTES, PRIMES, ROWS};

/// What masks the answer of one block.
pub(crate) struct Masks<'a> {
    /// s_t.
    pub(crate) query_secret: &'a SplitRows,
    /// U of every lane.
    pub(crate) offsets: &'a SplitRows,
    /// s_b, as 16-bit words by rows.
    pub(crate) block_secret: &'a [u8],
    /// R1 of every lane.
    pub(crate) hint: &'a [u8],
}

/// F0 - fold(s_t R1 + s_b U) for both primes: residues, 8 lanes of the first prime, then 8 of the second.
#[inline(always)]
pub(super) fn unmask<S: Simd>(simd: S, answer: &[u8], masks: &Masks<'_>, unmasked: &mut [[u16; WIDTH]; FOLDS]) {
    let Masks { query_secret, offsets, block_secret, hint } = masks;
    let hints = hint.as_chunks::<PIECE_BYTES>().0.as_chunks::<LANES>().0;
    let answers = answer.as_chunks::<{ ANSWER_BYTES / ROWS }>().0;
    let rows = hints.iter().zip(block_secret.as_chunks::<PIECE_BYTES>().0).zip(answers);
    let unmasked = unmasked.as_flattened_mut().as_chunks_mut::<LANES>().0;
    for (row, (((hint, secret), answer), unmasked)) in rows.zip(unmasked).enumerate() {
        let prime = row % PRIMES.len();
        for query in query_secret.row(row) {
            let lanes = hint.iter().zip(offsets.row(row)).zip(answer.as_chunks().0);
            for (unmasked, ((hint, offset), folded)) in unmasked.iter_mut().zip(lanes) {
                let (first, second) = (simd.products(hint, query), simd.products(secret, offset));
                let mask = joined_parts([first[0] + second[0], first[1] + second[1]]);
                let difference = i64::from(i16::from_le_bytes(*folded)) - mask;
                let residue = centred(difference as f64, PRIMES[prime]);
                *unmasked = residue.cast_unsigned().wrapping_add(if residue < 0 { PRIMES[prime] } else { 0 });
            }
        }
    }
}

/// fold(sum over g of W\[g\] Q\[g\]) of both check vectors, `[row][vector]`, before reduction.
#[inline(always)]
pub(super) fn expected_sums<S: Simd>(simd: S, checks: &[u8], query: &SplitRows) -> Vec<[i64; CHECKS]> {
    let rows = checks.chunks_exact(checks.len() / ROWS).enumerate();
    rows.map(|(row, checks)| {
        let groups = checks.as_chunks::<PIECE_BYTES>().0.as_chunks::<CHECKS>().0;
        let mut sums = [0; CHECKS];
        for (checks, query) in groups.iter().zip(query.row(row)) {
            for (sum, check) in sums.iter_mut().zip(checks) {
                *sum += joined_parts(simd.products(check, query));
            }
        }
        sums
    })
    .collect()
}
