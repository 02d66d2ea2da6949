//! AVX512_BF16: one instruction adds two products of bfloat16 to each of 16 f32 sums.
#![expect(unsafe_code, reason = "detected instructions; loads and stores through pointers")]

use std::arch::x86_64::{
    __m256bh, __m256i, __m512, __m512bh, __m512i, _mm256_loadu_si256, _mm256_storeu_si256, _mm512_castsi512_ps,
    _mm512_cvtepu16_epi32, _mm512_cvtneps_pbh, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32,
    _mm512_slli_epi32,
};

use super::avx512::Avx512;
use super::bfloat16::Bf16;
use super::simd::Arithmetic;

/// Proof that the processor has AVX-512 for bfloat16.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Bf16(Avx512);

impl Avx512Bf16 {
    pub(crate) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512bf16")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        Avx512::detect().filter(|_| all).map(Self)
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn enabled<R>(body: impl FnOnce() -> R) -> R {
    body()
}

impl Arithmetic for Avx512Bf16 {
    type Simd = Avx512;
    type Element = Bf16;
    type Operand = __m512i;

    const K_STEP: usize = 2;

    #[inline(always)]
    fn simd(self) -> Avx512 {
        self.0
    }

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        // SAFETY: a value of this type exists only where the processor has the instructions.
        unsafe { enabled(body) }
    }

    #[inline(always)]
    fn accumulate(self, sum: __m512, left: __m512i, right: __m512i) -> __m512 {
        // SAFETY: as in `vectorised`; both types are 64 bytes of any value.
        unsafe {
            let [left, right] = [left, right].map(|pairs| std::mem::transmute::<__m512i, __m512bh>(pairs));
            _mm512_dpbf16_ps(sum, left, right)
        }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const Bf16) -> __m512 {
        // SAFETY: as in `vectorised`; the caller guarantees 16 elements, 32 bytes.
        unsafe {
            let halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves))
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut Bf16, values: __m512) {
        // SAFETY: as in `load`; both types are 32 bytes of any value.
        unsafe {
            let rounded = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(values));
            _mm256_storeu_si256(to.cast(), rounded);
        }
    }

    #[inline(always)]
    unsafe fn load_operand(self, from: *const Bf16) -> __m512i {
        // SAFETY: as in `load`; 32 elements are 64 bytes.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn broadcast(self, from: *const Bf16) -> __m512i {
        // SAFETY: as in `load`; a pair is 4 bytes.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }
}
