//! The scan with NEON: four coefficients a vector, 32 x 32 -> 64-bit multiply-adds.
//!
//! Four coefficients are 20 bytes: one 16-byte load at each end of them, never past the last.
//!
//! Test on 64-bit ARM, or under `qemu-aarch64`, with `cargo test --release --target aarch64-unknown-linux-gnu -p
//! cipherlens-ckks`. It matched the portable kernel there on 2026-11-28. Its speed was not measured.
#![expect(unsafe_code, reason = "vector loads, and detected instructions")]

use std::arch::aarch64::{
    uint8x16_t, uint8x16x2_t, uint32x4_t, uint64x2_t, vandq_u32, vdupq_n_u32, vdupq_n_u64, vget_low_u32, vld1q_u8,
    vmlal_high_u32, vmlal_u32, vqtbl2q_u8, vreinterpretq_u32_u8, vshrq_n_u32, vst1q_u64,
};

use super::span::{BlockPieces, QueryPiece, Sums};
use crate::layout::{PIECE_BYTES, RESIDUE_MASK, TILE};
use crate::parameters::{COEFFICIENT_BYTES, LANES};

/// Coefficients of one vector.
const WIDTH: usize = 4;
const HALF_ROW_BYTES: usize = WIDTH * COEFFICIENT_BYTES;
const HALF_ROWS: usize = PIECE_BYTES / HALF_ROW_BYTES;

/// Bytes 0 to 2 of each coefficient, in a table of bytes 0 to 15 followed by bytes 4 to 19; 255 gives zero.
static FIRST_INDEX: [u8; 16] = [0, 1, 2, 255, 5, 6, 7, 255, 10, 11, 12, 255, 15, 28, 29, 255];
/// Bytes 2 to 4 of each coefficient: its upper residue, four bits too high.
static SECOND_INDEX: [u8; 16] = [2, 3, 4, 255, 7, 8, 9, 255, 12, 13, 14, 255, 29, 30, 31, 255];

pub(super) fn is_supported() -> bool {
    std::arch::is_aarch64_feature_detected!("neon")
}

#[inline(always)]
pub(super) fn span(block: &[BlockPieces], query: &[QueryPiece]) -> Sums {
    // SAFETY: a `Kernel` with these instructions exists only where `is_supported` is true.
    unsafe { span_wide(block, query) }
}

#[target_feature(enable = "neon")]
fn span_wide(block: &[BlockPieces], query: &[QueryPiece]) -> Sums {
    let zero = vdupq_n_u64(0);
    // [lane][prime][pair of slots]
    let mut sums = [[[zero; WIDTH]; 2]; LANES];
    for (pieces, piece) in block.iter().zip(query) {
        let mut query = [[vdupq_n_u32(0); 2]; HALF_ROWS];
        for (query, half_row) in query.iter_mut().zip(piece.as_chunks::<HALF_ROW_BYTES>().0) {
            *query = residues(half_row);
        }
        for (lane, piece) in sums.iter_mut().zip(pieces) {
            for (at, half_row) in piece.as_chunks::<HALF_ROW_BYTES>().0.iter().enumerate() {
                let pair = at % 2 * 2;
                for ((sums, stored), query) in lane.iter_mut().zip(residues(half_row)).zip(query[at]) {
                    sums[pair] = vmlal_u32(sums[pair], vget_low_u32(stored), vget_low_u32(query));
                    sums[pair + 1] = vmlal_high_u32(sums[pair + 1], stored, query);
                }
            }
        }
    }
    let mut totals = [[[0; TILE]; 2]; LANES];
    for (totals, sums) in totals.iter_mut().zip(sums) {
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total = words(sum);
        }
    }
    totals
}

/// Four coefficients as residues of both primes.
#[inline]
#[target_feature(enable = "neon")]
fn residues(bytes: &[u8; HALF_ROW_BYTES]) -> [uint32x4_t; 2] {
    let (low, _) = bytes.split_first_chunk().expect("16 of 20 bytes");
    let (_, high) = bytes.split_last_chunk().expect("16 of 20 bytes");
    let table = uint8x16x2_t(load(low), load(high));
    let first = vreinterpretq_u32_u8(vqtbl2q_u8(table, load(&FIRST_INDEX)));
    let second = vreinterpretq_u32_u8(vqtbl2q_u8(table, load(&SECOND_INDEX)));
    [vandq_u32(first, vdupq_n_u32(RESIDUE_MASK as u32)), vshrq_n_u32::<4>(second)]
}

#[inline]
#[target_feature(enable = "neon")]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the reference covers the 16 bytes; the load takes any alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn words(pairs: [uint64x2_t; WIDTH]) -> [u64; TILE] {
    let mut words = [0; TILE];
    for (words, pair) in words.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
        // SAFETY: the array is 16 bytes; the store takes any alignment.
        unsafe { vst1q_u64(words.as_mut_ptr(), pair) };
    }
    words
}
