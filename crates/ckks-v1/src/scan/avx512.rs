//! The scan with AVX-512: one permute per row of 8 coefficients, multiply-add of 52-bit integers.
//!
//! A piece is five cache lines, loaded once each: rows 0, 2, 5 and 7 lie in one of them, rows 1, 3, 4 and 6 span two. A
//! 64-byte load of the last row by itself would read past the end of a mapped file.
#![expect(unsafe_code, reason = "vector loads, and detected instructions")]

use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_and_si512, _mm512_loadu_si512, _mm512_madd52lo_epu64,
    _mm512_maskz_permutex2var_epi8, _mm512_maskz_permutexvar_epi8, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_srli_epi64, _mm512_storeu_si512,
};

use super::span::{BlockPieces, PREFETCH_BYTES, QueryPiece, Sums};
use crate::layout::{PIECE_BYTES, RESIDUE_MASK, ROW_BYTES, TILE};
use crate::parameters::{COEFFICIENT_BYTES, LANES};

const LINE: usize = 64;
/// The five low bytes of each 64-bit word.
const FIVE_BYTES: u64 = 0x1f1f_1f1f_1f1f_1f1f;

/// For each row of a piece, the positions of its bytes relative to the cache line in which it starts.
static ROW_INDEX: [[u8; LINE]; TILE] = {
    let mut table = [[0; LINE]; TILE];
    let mut row = 0;
    while row < TILE {
        let mut slot = 0;
        while slot < TILE {
            let mut byte = 0;
            while byte < COEFFICIENT_BYTES {
                table[row][slot * 8 + byte] = (row * ROW_BYTES % LINE + slot * COEFFICIENT_BYTES + byte) as u8;
                byte += 1;
            }
            slot += 1;
        }
        row += 1;
    }
    table
};

pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512ifma")
        && is_x86_feature_detected!("fma")
}

#[inline(always)]
pub(super) fn run<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: a `Kernel` with these instructions exists only where `is_supported` is true.
    unsafe { run_wide(body) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512ifma,fma")]
fn run_wide<R>(body: impl FnOnce() -> R) -> R {
    body()
}

#[inline(always)]
pub(super) fn span(block: &[BlockPieces], query: &[QueryPiece]) -> Sums {
    // SAFETY: a `Kernel` with these instructions exists only where `is_supported` is true.
    unsafe { span_wide(block, query) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512ifma")]
fn span_wide(block: &[BlockPieces], query: &[QueryPiece]) -> Sums {
    let mask = _mm512_set1_epi64(RESIDUE_MASK as i64);
    let mut sums = [[_mm512_setzero_si512(); 2]; LANES];
    for (pieces, piece) in block.iter().zip(query) {
        // Plain loops: `array::map` is compiled without these instructions and would not be inlined.
        let mut query_first = rows(piece);
        let mut query_second = query_first;
        for row in 0..TILE {
            query_first[row] = _mm512_and_si512(query_first[row], mask);
            query_second[row] = _mm512_srli_epi64::<20>(query_second[row]);
        }
        for ([first, second], piece) in sums.iter_mut().zip(pieces) {
            prefetch(piece);
            let stored = rows(piece);
            for row in 0..TILE {
                *first = _mm512_madd52lo_epu64(*first, _mm512_and_si512(stored[row], mask), query_first[row]);
                *second = _mm512_madd52lo_epu64(*second, _mm512_srli_epi64::<20>(stored[row]), query_second[row]);
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

/// Prefetches the piece that is [`PREFETCH_BYTES`] ahead.
#[inline]
#[target_feature(enable = "avx512f")]
fn prefetch(piece: &[u8; PIECE_BYTES]) {
    for line in (0..PIECE_BYTES).step_by(LINE) {
        let ahead = piece.as_ptr().wrapping_add(PREFETCH_BYTES + line);
        #[allow(unused_unsafe, reason = "a safe function in newer compilers only")]
        // SAFETY: a hint; nothing is read, and an address past the end does no harm.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
        }
    }
}

/// The 8 rows of a piece, a coefficient in each 64-bit word.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512ifma")]
fn rows(piece: &[u8; PIECE_BYTES]) -> [__m512i; TILE] {
    let (lines, _) = piece.as_chunks::<LINE>();
    let line = [load(&lines[0]), load(&lines[1]), load(&lines[2]), load(&lines[3]), load(&lines[4])];
    let one = |row: usize, line| _mm512_maskz_permutexvar_epi8(FIVE_BYTES, load(&ROW_INDEX[row]), line);
    let two = |row: usize, line, next| _mm512_maskz_permutex2var_epi8(FIVE_BYTES, line, load(&ROW_INDEX[row]), next);
    [
        one(0, line[0]),
        two(1, line[0], line[1]),
        one(2, line[1]),
        two(3, line[1], line[2]),
        two(4, line[2], line[3]),
        one(5, line[3]),
        two(6, line[3], line[4]),
        one(7, line[4]),
    ]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(line: &[u8; LINE]) -> __m512i {
    // SAFETY: the reference covers the 64 bytes; the load takes any alignment.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn words(vector: __m512i) -> [u64; TILE] {
    let mut words = [0; TILE];
    // SAFETY: the array is 64 bytes; the store takes any alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) };
    words
}
