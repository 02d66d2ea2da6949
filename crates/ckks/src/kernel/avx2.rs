//! The scan with AVX2, and its vectors of residues.
#![expect(unsafe_code, reason = "vector loads and stores, and detected instructions")]

use std::arch::asm;
use std::arch::x86_64::{
    __m128i, __m256d, __m256i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _mm_add_epi32,
    _mm_loadu_si128, _mm_packs_epi32, _mm_prefetch, _mm_storeu_si128, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_add_pd, _mm256_andnot_si256, _mm256_blend_epi16, _mm256_blend_epi32, _mm256_castsi256_si128,
    _mm256_cmpeq_epi16, _mm256_cvtepi8_epi16, _mm256_cvtepi32_pd, _mm256_cvtpd_epi32, _mm256_extracti128_si256,
    _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_epu16,
    _mm256_mul_pd, _mm256_mulhi_epu16, _mm256_mullo_epi16, _mm256_permute2x128_si256, _mm256_round_pd, _mm256_set1_pd,
    _mm256_setzero_pd, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_slli_epi64, _mm256_srli_epi32,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_epi16, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64,
};

use super::scan::{BlockPiece, LANE_BYTES, PREFETCH_BYTES, RUN, SplitPiece, SplitRows, for_each_row};
use super::simd::{Simd, VectorModulus, WIDTH};
use crate::parameters::{LANES, PACKED, PRIMES};

/// Lanes whose sums are kept in registers.
const PASS: usize = 4;

pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[target_feature(enable = "avx2,fma")]
fn run_wide<R>(body: impl FnOnce() -> R) -> R {
    body()
}

pub(super) fn scan(blocks: &[u8], query: &SplitRows, answer: &mut [u8]) {
    // SAFETY: a `Kernel` with these instructions exists only where `is_supported` is true.
    unsafe { scan_wide(blocks, query, answer) }
}

#[target_feature(enable = "avx2,fma")]
fn scan_wide(blocks: &[u8], query: &SplitRows, answer: &mut [u8]) {
    for_each_row(blocks, query, answer, |block, query, prime| row(block, query, prime));
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn row(block: &[BlockPiece], query: &[SplitPiece], prime: usize) -> [i16; LANES] {
    let mut totals = [_mm256_setzero_pd(); LANES / PASS];
    for (block, query) in block.chunks(RUN).zip(query.chunks(RUN)) {
        for (pass, total) in totals.iter_mut().enumerate() {
            let zero = [_mm256_setzero_si256(); PASS];
            let (mut low, mut high) = (zero, zero);
            for (piece, SplitPiece([low_parts, high_parts])) in block.iter().zip(query) {
                let (lanes, _) = piece.as_chunks::<PASS>();
                for half in 0..2 {
                    let (low_parts, high_parts) = (widened(low_parts, half), widened(high_parts, half));
                    for ((low, high), lane) in low.iter_mut().zip(&mut high).zip(&lanes[pass]) {
                        if half == 0 {
                            prefetch(lane);
                        }
                        let residues = load(lane, half);
                        *low = _mm256_add_epi32(*low, _mm256_madd_epi16(residues, low_parts));
                        *high = _mm256_add_epi32(*high, _mm256_madd_epi16(residues, high_parts));
                    }
                }
            }
            *total = _mm256_add_pd(*total, joined(horizontal_sums(low), horizontal_sums(high)));
        }
    }
    residues(totals, prime)
}

/// Half of a lane: 16 residues.
#[inline]
#[target_feature(enable = "avx2")]
fn load(lane: &[u8; LANE_BYTES], half: usize) -> __m256i {
    let bytes = &lane.as_chunks::<{ LANE_BYTES / 2 }>().0[half];
    // SAFETY: the reference covers the 32 bytes; the load takes any alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Half of the parts of a query piece as 16-bit words.
#[inline]
#[target_feature(enable = "avx2")]
fn widened(parts: &[i8; PACKED], half: usize) -> __m256i {
    let bytes = &parts.as_chunks::<{ PACKED / 2 }>().0[half];
    // SAFETY: the reference covers the 16 bytes; the load takes any alignment.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

#[inline(always)]
pub(super) fn prefetch(lane: &[u8; LANE_BYTES]) {
    #[allow(unused_unsafe, reason = "a safe function in newer compilers only")]
    // SAFETY: a hint; nothing is read, and an address past the end does no harm.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(lane.as_ptr().wrapping_add(PREFETCH_BYTES).cast());
    }
}

/// The sums of the words of four vectors.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn horizontal_sums(vectors: [__m256i; PASS]) -> __m128i {
    let [a, b, c, d] = vectors;
    let sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums))
}

/// 256 high + low.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn joined(low: __m128i, high: __m128i) -> __m256d {
    _mm256_fmadd_pd(_mm256_cvtepi32_pd(high), _mm256_set1_pd(256.0), _mm256_cvtepi32_pd(low))
}

/// The centred residues of the sums of 8 lanes; see `scan::centred`.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn residues(totals: [__m256d; LANES / PASS], prime: usize) -> [i16; LANES] {
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    let prime = f64::from(PRIMES[prime]);
    let [first, second] = totals.map(|total| {
        let multiple = _mm256_round_pd::<NEAREST>(_mm256_mul_pd(total, _mm256_set1_pd(1.0 / prime)));
        _mm256_cvtpd_epi32(_mm256_fnmadd_pd(multiple, _mm256_set1_pd(prime), total))
    });
    let mut residues = [0; LANES];
    // SAFETY: the array is 16 bytes; the store takes any alignment.
    unsafe { _mm_storeu_si128(residues.as_mut_ptr().cast(), _mm_packs_epi32(first, second)) };
    residues
}

/// The high halves of products. The empty assembly keeps the compiler from comparing the products in 32 bits, for which
/// it would compute them a second time.
#[inline]
#[target_feature(enable = "avx2")]
fn high_halves(x: __m256i, y: __m256i) -> __m256i {
    let mut halves = _mm256_mulhi_epu16(x, y);
    // SAFETY: no instruction.
    unsafe { asm!("/* {} */", inout(ymm_reg) halves, options(pure, nomem, nostack, preserves_flags)) };
    halves
}

/// Proof that the processor has AVX2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        is_supported().then_some(Self(()))
    }
}

impl Simd for Avx2 {
    type Vector = __m256i;

    #[inline(always)]
    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        // SAFETY: a value of this type exists only where the processor has the instructions.
        unsafe { run_wide(body) }
    }

    #[inline(always)]
    fn load(self, residues: &[u16; WIDTH]) -> __m256i {
        // SAFETY: as in `vectorised`; the reference covers the 32 bytes, and the load takes any alignment.
        unsafe { _mm256_loadu_si256(residues.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m256i, residues: &mut [u16; WIDTH]) {
        // SAFETY: as in `vectorised`; the reference covers the 32 bytes, and the store takes any alignment.
        unsafe { _mm256_storeu_si256(residues.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn subtract(self, x: __m256i, y: __m256i, prime: __m256i) -> __m256i {
        // SAFETY: as in `vectorised`.
        unsafe {
            let not_below = _mm256_cmpeq_epi16(_mm256_max_epu16(x, y), x);
            _mm256_add_epi16(_mm256_sub_epi16(x, y), _mm256_andnot_si256(not_below, prime))
        }
    }

    #[inline(always)]
    fn multiply(self, x: __m256i, y: __m256i, modulus: VectorModulus<Self>) -> __m256i {
        // SAFETY: as in `vectorised`.
        unsafe {
            let multiple = _mm256_mullo_epi16(x, _mm256_mullo_epi16(y, modulus.inverse));
            let cleared = high_halves(multiple, modulus.prime);
            self.subtract(high_halves(x, y), cleared, modulus.prime)
        }
    }

    #[inline(always)]
    fn difference(self, x: __m256i, y: __m256i) -> __m256i {
        // SAFETY: as in `vectorised`.
        unsafe { _mm256_sub_epi16(x, y) }
    }

    #[inline(always)]
    fn exchange(self, low: __m256i, high: __m256i, distance: usize) -> [__m256i; 2] {
        // SAFETY: as in `vectorised`.
        unsafe {
            match distance {
                8 => [_mm256_permute2x128_si256::<0x20>(low, high), _mm256_permute2x128_si256::<0x31>(low, high)],
                4 => [_mm256_unpacklo_epi64(low, high), _mm256_unpackhi_epi64(low, high)],
                2 => [
                    _mm256_blend_epi32::<0xaa>(low, _mm256_slli_epi64::<32>(high)),
                    _mm256_blend_epi32::<0xaa>(_mm256_srli_epi64::<32>(low), high),
                ],
                _ => [
                    _mm256_blend_epi16::<0xaa>(low, _mm256_slli_epi32::<16>(high)),
                    _mm256_blend_epi16::<0xaa>(_mm256_srli_epi32::<16>(low), high),
                ],
            }
        }
    }
}
