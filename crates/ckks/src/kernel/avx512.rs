//! The scan with AVX-512: a lane of a piece is one vector, and VNNI multiplies and adds in one instruction.
#![expect(unsafe_code, reason = "vector loads, and detected instructions")]

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi32, _mm256_add_pd, _mm256_loadu_si256, _mm256_setzero_pd, _mm256_setzero_si256,
    _mm512_castsi512_si256, _mm512_cvtepi8_epi16, _mm512_dpwssd_epi32, _mm512_extracti64x4_epi64, _mm512_loadu_si512,
    _mm512_setzero_si512,
};

use super::avx2::{Avx2, SUMMED_TOGETHER, horizontal_sums, joined_parts, prefetch, residues};
use super::scan::{GroupLanes, RUN, SplitPiece, SplitRows, for_each_row};
use crate::parameters::{LANES, PACKED, PIECE_BYTES};

/// Proof that the processor has AVX-512 with VNNI, and AVX2 and FMA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let detected = Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni");
        detected.then_some(Self(()))
    }
}

pub(super) fn scan(_: Avx512, block: &[u8], query: &SplitRows, answer: &mut [u8]) {
    // SAFETY: a value of that type exists only where the processor has the instructions.
    unsafe { scan_with_avx512(block, query, answer) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma")]
fn scan_with_avx512(block: &[u8], query: &SplitRows, answer: &mut [u8]) {
    for_each_row(block, query, answer, |block, query, prime| row(block, query, prime));
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma")]
fn row(block: &[GroupLanes], query: &[SplitPiece], prime: usize) -> [i16; LANES] {
    let mut totals = [_mm256_setzero_pd(); LANES / SUMMED_TOGETHER];
    for (block, query) in block.chunks(RUN).zip(query.chunks(RUN)) {
        let zero = [_mm512_setzero_si512(); LANES];
        let (mut low, mut high) = (zero, zero);
        for (piece, SplitPiece([low_parts, high_parts])) in block.iter().zip(query) {
            let (low_parts, high_parts) = (widened(low_parts), widened(high_parts));
            for ((low, high), lane) in low.iter_mut().zip(&mut high).zip(piece) {
                prefetch(lane);
                let residues = load(lane);
                *low = _mm512_dpwssd_epi32(*low, residues, low_parts);
                *high = _mm512_dpwssd_epi32(*high, residues, high_parts);
            }
        }
        // Not with `map`, which is compiled without these instructions, so that nothing could be inlined into it.
        let zero = [_mm256_setzero_si256(); LANES];
        let (mut low_halves, mut high_halves) = (zero, zero);
        for lane in 0..LANES {
            (low_halves[lane], high_halves[lane]) = (halves_added(low[lane]), halves_added(high[lane]));
        }
        let sums = low_halves.as_chunks().0.iter().zip(high_halves.as_chunks().0);
        for (total, (low, high)) in totals.iter_mut().zip(sums) {
            *total = _mm256_add_pd(*total, joined_parts(horizontal_sums(*low), horizontal_sums(*high)));
        }
    }
    residues(totals, prime)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lane: &[u8; PIECE_BYTES]) -> __m512i {
    // SAFETY: the reference covers the 64 bytes; the load takes any alignment.
    unsafe { _mm512_loadu_si512(lane.as_ptr().cast()) }
}

/// The parts of a query piece as 16-bit words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn widened(parts: &[i8; PACKED]) -> __m512i {
    // SAFETY: the reference covers the 32 bytes; the load takes any alignment.
    _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(parts.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f,avx2")]
fn halves_added(sums: __m512i) -> __m256i {
    _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums))
}
