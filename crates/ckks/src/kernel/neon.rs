//! The scan with NEON: eight residues a vector. Transforms and products are the portable ones there.
#![expect(unsafe_code, reason = "vector loads")]

use std::arch::aarch64::{
    int8x8_t, int16x8_t, int32x4_t, vaddvq_s32, vdupq_n_s32, vget_low_s16, vld1_s8, vld1q_u8, vmlal_high_s16,
    vmlal_s16, vmovl_s8, vreinterpretq_s16_u8,
};

use super::scan::{GroupLanes, RUN, SplitPiece, SplitRows, for_each_row};
use crate::modulus::centred;
use crate::parameters::{LANES, PACKED, PIECE_BYTES, PRIMES};

/// Of a vector.
const RESIDUES: usize = 8;

pub(super) fn scan(block: &[u8], query: &SplitRows, answer: &mut [u8]) {
    // SAFETY: NEON is part of every 64-bit ARM target.
    unsafe { scan_with_neon(block, query, answer) }
}

#[target_feature(enable = "neon")]
fn scan_with_neon(block: &[u8], query: &SplitRows, answer: &mut [u8]) {
    for_each_row(block, query, answer, |block, query, prime| row(block, query, prime));
}

#[inline]
#[target_feature(enable = "neon")]
fn row(block: &[GroupLanes], query: &[SplitPiece], prime: usize) -> [i16; LANES] {
    let mut totals = [0; LANES];
    for (block, query) in block.chunks(RUN).zip(query.chunks(RUN)) {
        let zero = [vdupq_n_s32(0); LANES];
        let (mut low, mut high) = (zero, zero);
        for (piece, SplitPiece([low_parts, high_parts])) in block.iter().zip(query) {
            for at in 0..PACKED / RESIDUES {
                let (low_parts, high_parts) = (widened(low_parts, at), widened(high_parts, at));
                for ((low, high), lane) in low.iter_mut().zip(&mut high).zip(piece) {
                    let residues = load(lane, at);
                    *low = multiply_add(*low, residues, low_parts);
                    *high = multiply_add(*high, residues, high_parts);
                }
            }
        }
        for ((total, low), high) in totals.iter_mut().zip(low).zip(high) {
            *total += (i64::from(vaddvq_s32(high)) << 8) + i64::from(vaddvq_s32(low));
        }
    }
    totals.map(|total| centred(total as f64, PRIMES[prime]))
}

#[inline]
#[target_feature(enable = "neon")]
fn multiply_add(sums: int32x4_t, x: int16x8_t, y: int16x8_t) -> int32x4_t {
    vmlal_high_s16(vmlal_s16(sums, vget_low_s16(x), vget_low_s16(y)), x, y)
}

/// 8 residues of a lane.
#[inline]
#[target_feature(enable = "neon")]
fn load(lane: &[u8; PIECE_BYTES], at: usize) -> int16x8_t {
    let bytes = &lane.as_chunks::<{ 2 * RESIDUES }>().0[at];
    // SAFETY: the reference covers the 16 bytes; the load takes any alignment.
    vreinterpretq_s16_u8(unsafe { vld1q_u8(bytes.as_ptr()) })
}

/// 8 parts of a query piece as 16-bit words.
#[inline]
#[target_feature(enable = "neon")]
fn widened(parts: &[i8; PACKED], at: usize) -> int16x8_t {
    let bytes = &parts.as_chunks::<RESIDUES>().0[at];
    // SAFETY: the reference covers the 8 bytes; the load takes any alignment.
    let parts: int8x8_t = unsafe { vld1_s8(bytes.as_ptr()) };
    vmovl_s8(parts)
}
