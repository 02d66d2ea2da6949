//! The scan with AVX2, and its vectors of residues.
#![expect(unsafe_code, reason = "vector loads and stores, and detected instructions")]

use std::arch::asm;
use std::arch::x86_64::{
    __m128i, __m256d, __m256i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _mm_add_epi32,
    _mm_cvtsi128_si32, _mm_extract_epi32, _mm_loadu_si128, _mm_packs_epi32, _mm_prefetch, _mm_setzero_si128,
    _mm_storeu_si128, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_pd, _mm256_andnot_si256, _mm256_blend_epi16,
    _mm256_blend_epi32, _mm256_castsi256_si128, _mm256_cmpeq_epi16, _mm256_cvtepi8_epi16, _mm256_cvtepi32_pd,
    _mm256_cvtpd_epi32, _mm256_extracti128_si256, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_hadd_epi32,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_epu16, _mm256_mul_pd, _mm256_mullo_epi16,
    _mm256_permute2x128_si256, _mm256_round_pd, _mm256_set1_pd, _mm256_setzero_pd, _mm256_setzero_si256,
    _mm256_slli_epi32, _mm256_slli_epi64, _mm256_srli_epi32, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_epi16,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi64,
};

use super::scan::{GroupLanes, PREFETCH_BYTES, RUN, SplitPiece, SplitRows, for_each_row};
use super::simd::{Pair, SLOTS, Simd, VectorModulus, WIDTH};
use crate::parameters::{LANES, PACKED, PIECE_BYTES, PRIMES};

/// Lanes whose sums are added up together.
pub(super) const SUMMED_TOGETHER: usize = 4;

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

#[target_feature(enable = "avx2,fma")]
fn with_avx2<R>(body: impl FnOnce() -> R) -> R {
    body()
}

pub(super) fn scan(_: Avx2, block: &[u8], query: &SplitRows, answer: &mut [u8]) {
    // SAFETY: a value of that type exists only where the processor has the instructions.
    unsafe { scan_with_avx2(block, query, answer) }
}

#[target_feature(enable = "avx2,fma")]
fn scan_with_avx2(block: &[u8], query: &SplitRows, answer: &mut [u8]) {
    for_each_row(block, query, answer, |block, query, prime| row(block, query, prime));
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn row(block: &[GroupLanes], query: &[SplitPiece], prime: usize) -> [i16; LANES] {
    let mut totals = [_mm256_setzero_pd(); LANES / SUMMED_TOGETHER];
    for (block, query) in block.chunks(RUN).zip(query.chunks(RUN)) {
        let zero = [_mm256_setzero_si256(); LANES];
        let (mut low, mut high) = (zero, zero);
        for (piece, SplitPiece([low_parts, high_parts])) in block.iter().zip(query) {
            let l = [widened(low_parts, 0), widened(low_parts, 1)];
            let h = [widened(high_parts, 0), widened(high_parts, 1)];
            for ((low, high), lane) in low.iter_mut().zip(&mut high).zip(piece) {
                prefetch(lane);
                let (x, y) = (load(lane, 0), load(lane, 1));
                *low = _mm256_add_epi32(*low, _mm256_add_epi32(_mm256_madd_epi16(x, l[0]), _mm256_madd_epi16(y, l[1])));
                *high =
                    _mm256_add_epi32(*high, _mm256_add_epi32(_mm256_madd_epi16(x, h[0]), _mm256_madd_epi16(y, h[1])));
            }
        }
        for ((total, low), high) in totals.iter_mut().zip(low.as_chunks().0).zip(high.as_chunks().0) {
            *total = _mm256_add_pd(*total, joined_parts(horizontal_sums(*low), horizontal_sums(*high)));
        }
    }
    residues(totals, prime)
}

/// Half of a lane: 16 residues.
#[inline]
#[target_feature(enable = "avx2")]
fn load(lane: &[u8; PIECE_BYTES], half: usize) -> __m256i {
    let bytes = &lane.as_chunks::<{ PIECE_BYTES / 2 }>().0[half];
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
pub(super) fn prefetch(lane: &[u8; PIECE_BYTES]) {
    #[allow(unused_unsafe, reason = "a safe function in newer compilers only")]
    // SAFETY: a hint; nothing is read, and an address past the end does no harm.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(lane.as_ptr().wrapping_add(PREFETCH_BYTES).cast());
    }
}

/// The sums of the words of four vectors.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn horizontal_sums(vectors: [__m256i; SUMMED_TOGETHER]) -> __m128i {
    let [a, b, c, d] = vectors;
    let sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums))
}

/// 256 high + low.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn joined_parts(low: __m128i, high: __m128i) -> __m256d {
    _mm256_fmadd_pd(_mm256_cvtepi32_pd(high), _mm256_set1_pd(256.0), _mm256_cvtepi32_pd(low))
}

/// The centred residues of the sums of 8 lanes; see `modulus::centred`.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn residues(totals: [__m256d; LANES / SUMMED_TOGETHER], prime: usize) -> [i16; LANES] {
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    let prime = f64::from(PRIMES[prime]);
    let (inverse, prime) = (_mm256_set1_pd(1.0 / prime), _mm256_set1_pd(prime));
    let mut words = [_mm_setzero_si128(); 2];
    for (words, total) in words.iter_mut().zip(totals) {
        let multiple = _mm256_round_pd::<NEAREST>(_mm256_mul_pd(total, inverse));
        *words = _mm256_cvtpd_epi32(_mm256_fnmadd_pd(multiple, prime, total));
    }
    let [first, second] = words;
    let mut residues = [0; LANES];
    // SAFETY: the array is 16 bytes; the store takes any alignment.
    unsafe { _mm_storeu_si128(residues.as_mut_ptr().cast(), _mm_packs_epi32(first, second)) };
    residues
}

/// The high halves of products. In assembly, because the intrinsic is a 32-bit multiplication to the optimiser, which
/// then compares the wide products, or multiplies twice as often.
#[inline]
#[target_feature(enable = "avx2")]
fn high_halves(x: __m256i, y: __m256i) -> __m256i {
    let halves;
    // SAFETY: the instruction is part of AVX2 and has no other effect.
    unsafe {
        asm!(
            "vpmulhuw {halves}, {x}, {y}",
            halves = lateout(ymm_reg) halves,
            x = in(ymm_reg) x,
            y = in(ymm_reg) y,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    halves
}

impl Simd for Avx2 {
    type Vector = __m256i;

    #[inline(always)]
    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        // SAFETY: a value of this type exists only where the processor has the instructions.
        unsafe { with_avx2(body) }
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
    fn centre(self, x: __m256i, half: __m256i, prime: __m256i) -> __m256i {
        // SAFETY: as in `vectorised`.
        unsafe {
            let not_above = _mm256_cmpeq_epi16(_mm256_max_epu16(x, half), half);
            _mm256_sub_epi16(x, _mm256_andnot_si256(not_above, prime))
        }
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

    #[inline(always)]
    fn products(self, residues: &[u8; PIECE_BYTES], SplitPiece(parts): &SplitPiece) -> [i32; 2] {
        // SAFETY: as in `vectorised`.
        unsafe { products(residues, parts) }
    }

    #[inline(always)]
    fn sums_of_pairs(self, references: &[Pair], query: &[[Pair; 2]]) -> [[i32; SLOTS]; 2] {
        // SAFETY: as in `vectorised`.
        unsafe { sums_of_pairs(references, query) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn products(residues: &[u8; PIECE_BYTES], parts: &[[i8; PACKED]; 2]) -> [i32; 2] {
    // Not with `map`, which is compiled without these instructions, so that nothing could be inlined into it.
    let (first, second) = (load(residues, 0), load(residues, 1));
    let [low, high] = parts;
    let low = _mm256_add_epi32(_mm256_madd_epi16(first, widened(low, 0)), _mm256_madd_epi16(second, widened(low, 1)));
    let high =
        _mm256_add_epi32(_mm256_madd_epi16(first, widened(high, 0)), _mm256_madd_epi16(second, widened(high, 1)));
    let sums = horizontal_sums([low, high, low, high]);
    [_mm_cvtsi128_si32(sums), _mm_extract_epi32::<1>(sums)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn sums_of_pairs(references: &[Pair], query: &[[Pair; 2]]) -> [[i32; SLOTS]; 2] {
    let mut sums = [_mm256_setzero_si256(); 2];
    for (reference, parts) in references.iter().zip(query) {
        let reference = load_words(reference);
        for (sum, parts) in sums.iter_mut().zip(parts) {
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(reference, load_words(parts)));
        }
    }
    let mut words = [[0; SLOTS]; 2];
    for (words, sum) in words.iter_mut().zip(sums) {
        // SAFETY: the array is 32 bytes; the store takes any alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), sum) };
    }
    words
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_words(words: &Pair) -> __m256i {
    // SAFETY: the reference covers the 32 bytes; the load takes any alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}
