//! The scan with AVX2: four coefficients a vector, 32 x 32 -> 64-bit products.
//!
//! Four coefficients are 20 bytes: one 16-byte load at each end of them, never past the last.
#![expect(unsafe_code, reason = "vector loads, and calls of functions compiled for detected instructions")]

use std::arch::x86_64::{
    __m128i, __m256i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi64, _mm256_and_si256, _mm256_mul_epu32,
    _mm256_set_m128i, _mm256_set1_epi64x, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_srli_epi64, _mm256_storeu_si256,
};

use super::super::layout::{PIECE_BYTES, RESIDUE_MASK, TILE};
use super::super::parameters::{COEFFICIENT_BYTES, LANES};
use super::{BlockPieces, PREFETCH_BYTES, QueryPiece, Sums};

/// Coefficients of one vector.
const WIDTH: usize = 4;
const HALF_ROW_BYTES: usize = WIDTH * COEFFICIENT_BYTES;
const HALF_ROWS: usize = PIECE_BYTES / HALF_ROW_BYTES;

pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[inline(always)]
pub(super) fn run<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: a `Kernel` with these instructions exists only where `is_supported` is true.
    unsafe { run_wide(body) }
}

#[target_feature(enable = "avx2,fma")]
fn run_wide<R>(body: impl FnOnce() -> R) -> R {
    body()
}

#[inline(always)]
pub(super) fn span(block: &[BlockPieces], query: &[QueryPiece]) -> Sums {
    // SAFETY: a `Kernel` with these instructions exists only where `is_supported` is true.
    unsafe { span_wide(block, query) }
}

#[target_feature(enable = "avx2")]
fn span_wide(block: &[BlockPieces], query: &[QueryPiece]) -> Sums {
    let mask = _mm256_set1_epi64x(RESIDUE_MASK as i64);
    let zero = _mm256_setzero_si256();
    // [lane][prime][half row]
    let mut sums = [[[zero; 2]; 2]; LANES];
    for (pieces, piece) in block.iter().zip(query) {
        let mut query = [[zero; 2]; HALF_ROWS];
        for (query, half_row) in query.iter_mut().zip(piece.as_chunks::<HALF_ROW_BYTES>().0) {
            let row = coefficients(half_row);
            *query = [_mm256_and_si256(row, mask), _mm256_srli_epi64::<20>(row)];
        }
        for ([first, second], piece) in sums.iter_mut().zip(pieces) {
            prefetch(piece);
            for (at, half_row) in piece.as_chunks::<HALF_ROW_BYTES>().0.iter().enumerate() {
                let stored = coefficients(half_row);
                let products = [
                    _mm256_mul_epu32(_mm256_and_si256(stored, mask), query[at][0]),
                    _mm256_mul_epu32(_mm256_srli_epi64::<20>(stored), query[at][1]),
                ];
                first[at % 2] = _mm256_add_epi64(first[at % 2], products[0]);
                second[at % 2] = _mm256_add_epi64(second[at % 2], products[1]);
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

/// Asks for the cache lines of the piece that is due [`PREFETCH_BYTES`] later.
#[inline]
#[target_feature(enable = "avx2")]
fn prefetch(piece: &[u8; PIECE_BYTES]) {
    for line in (0..PIECE_BYTES).step_by(64) {
        let ahead = piece.as_ptr().wrapping_add(PREFETCH_BYTES + line);
        #[allow(unused_unsafe, reason = "a safe function in newer compilers only")]
        // SAFETY: a hint; nothing is read, and an address past the end does no harm.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
        }
    }
}

/// Four coefficients, one in each 64-bit word.
#[inline]
#[target_feature(enable = "avx2")]
fn coefficients(bytes: &[u8; HALF_ROW_BYTES]) -> __m256i {
    let (low, _) = bytes.split_first_chunk().expect("16 of 20 bytes");
    let (_, high) = bytes.split_last_chunk().expect("16 of 20 bytes");
    // The high half holds bytes 4 to 19, so its two coefficients begin at bytes 6 and 11.
    let index = _mm256_setr_epi8(
        0, 1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, -1, -1, -1, 6, 7, 8, 9, 10, -1, -1, -1, 11, 12, 13, 14, 15, -1, -1,
        -1,
    );
    _mm256_shuffle_epi8(_mm256_set_m128i(load(high), load(low)), index)
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the reference covers the 16 bytes; the load takes any alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn words(halves: [__m256i; 2]) -> [u64; TILE] {
    let mut words = [[0u64; WIDTH]; 2];
    for (words, vector) in words.iter_mut().zip(halves) {
        // SAFETY: the array is 32 bytes; the store takes any alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) };
    }
    *words.as_flattened().first_chunk().expect("two vectors of four words")
}
