//! The scan with AVX2: four coefficients a vector, 32 x 32 -> 64-bit products.
//!
//! Four coefficients are 20 bytes. Inside a piece, one 32-byte load starting 6 bytes before them puts two of them into
//! each half of the vector. At the ends of a piece that load would cross its boundary, so there two 16-byte loads are
//! used, one at each end of the four coefficients.
#![expect(unsafe_code, reason = "vector loads, and detected instructions")]

use std::arch::x86_64::{
    __m128i, __m256i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi64, _mm256_and_si256,
    _mm256_loadu_si256, _mm256_mul_epu32, _mm256_set_m128i, _mm256_set1_epi64x, _mm256_setr_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi64, _mm256_storeu_si256,
};

use super::span::{BlockPieces, PREFETCH_BYTES, QueryPiece, Sums};
use crate::layout::{PIECE_BYTES, RESIDUE_MASK, ROW_BYTES, TILE};
use crate::parameters::{COEFFICIENT_BYTES, LANES};

/// Coefficients of one vector.
const WIDTH: usize = 4;
const HALF_ROW_BYTES: usize = WIDTH * COEFFICIENT_BYTES;
/// Bytes of a vector, and the extra bytes before and after half a row.
const VECTOR_BYTES: usize = 32;
const MARGIN_BYTES: usize = (VECTOR_BYTES - HALF_ROW_BYTES) / 2;

/// Both residues of the low and the high half of a row: `[prime][half]`.
type Row = [[__m256i; 2]; 2];

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
    let zero = [[_mm256_setzero_si256(); 2]; 2];
    let mut sums = [zero; LANES];
    for (pieces, piece) in block.iter().zip(query) {
        let mut query = [zero; TILE];
        for (query, row) in query.iter_mut().zip(piece.as_chunks().0) {
            let (low, high) = halves(row);
            *query = residues(outer(low), outer(high));
        }
        for (sums, piece) in sums.iter_mut().zip(pieces) {
            prefetch(piece);
            // In registers during a piece: each sum through memory would wait for the previous store.
            let mut lane = *sums;
            add_row::<0>(&mut lane, piece, &query);
            add_row::<1>(&mut lane, piece, &query);
            add_row::<2>(&mut lane, piece, &query);
            add_row::<3>(&mut lane, piece, &query);
            add_row::<4>(&mut lane, piece, &query);
            add_row::<5>(&mut lane, piece, &query);
            add_row::<6>(&mut lane, piece, &query);
            add_row::<7>(&mut lane, piece, &query);
            *sums = lane;
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

/// Adds the products of a row's residues with the query's. The row number is a constant, so that the loop checks no
/// bounds.
#[inline]
#[target_feature(enable = "avx2")]
fn add_row<const ROW: usize>(sums: &mut Row, piece: &[u8; PIECE_BYTES], query: &[Row; TILE]) {
    let low = if ROW == 0 { outer(halves(&piece.as_chunks().0[0]).0) } else { inner(piece, ROW * ROW_BYTES) };
    let high = if ROW == TILE - 1 {
        outer(halves(&piece.as_chunks().0[ROW]).1)
    } else {
        inner(piece, ROW * ROW_BYTES + HALF_ROW_BYTES)
    };
    let stored = residues(low, high);
    for prime in 0..2 {
        for half in 0..2 {
            let product = _mm256_mul_epu32(stored[prime][half], query[ROW][prime][half]);
            sums[prime][half] = _mm256_add_epi64(sums[prime][half], product);
        }
    }
}

/// Coefficients split into residues.
#[inline]
#[target_feature(enable = "avx2")]
fn residues(low: __m256i, high: __m256i) -> Row {
    let mask = _mm256_set1_epi64x(RESIDUE_MASK as i64);
    [
        [_mm256_and_si256(low, mask), _mm256_and_si256(high, mask)],
        [_mm256_srli_epi64::<20>(low), _mm256_srli_epi64::<20>(high)],
    ]
}

/// Prefetches the piece that is [`PREFETCH_BYTES`] ahead.
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

#[inline(always)]
fn halves(row: &[u8; ROW_BYTES]) -> (&[u8; HALF_ROW_BYTES], &[u8; HALF_ROW_BYTES]) {
    let (low, _) = row.split_first_chunk().expect("20 of 40 bytes");
    let (_, high) = row.split_last_chunk().expect("20 of 40 bytes");
    (low, high)
}

/// Four coefficients, one in each 64-bit word, from byte `at` of a piece that has bytes on both sides of them.
#[inline]
#[target_feature(enable = "avx2")]
fn inner(piece: &[u8; PIECE_BYTES], at: usize) -> __m256i {
    let bytes: &[u8; VECTOR_BYTES] = piece[at - MARGIN_BYTES..].first_chunk().expect("a vector inside of a piece");
    // Two coefficients end where the low half of the vector does, two begin with the high half.
    let index = _mm256_setr_epi8(
        6, 7, 8, 9, 10, -1, -1, -1, 11, 12, 13, 14, 15, -1, -1, -1, 0, 1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, -1, -1,
        -1,
    );
    // SAFETY: the reference covers the 32 bytes; the load takes any alignment.
    let loaded = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
    _mm256_shuffle_epi8(loaded, index)
}

/// Four coefficients, one in each 64-bit word, from their own 20 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn outer(bytes: &[u8; HALF_ROW_BYTES]) -> __m256i {
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
