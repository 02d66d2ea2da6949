//! AVX2 and FMA: 16 registers of 8 f32.
#![expect(unsafe_code, reason = "detected instructions; loads and stores through pointers")]

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_set1_ps, _mm256_storeu_ps,
    _mm256_sub_ps,
};

use super::simd::Simd;

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

#[target_feature(enable = "avx2,fma")]
fn enabled<R>(body: impl FnOnce() -> R) -> R {
    body()
}

impl Simd for Avx2 {
    type Vector = __m256;

    const LANES: usize = 8;
    const TILE_ROWS: usize = 6;

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        // SAFETY: a value of this type exists only where the processor has the instructions.
        unsafe { enabled(body) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn add(self, left: __m256, right: __m256) -> __m256 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm256_add_ps(left, right) }
    }

    #[inline(always)]
    fn subtract(self, left: __m256, right: __m256) -> __m256 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm256_sub_ps(left, right) }
    }

    #[inline(always)]
    fn multiply_add(self, left: __m256, right: __m256, sum: __m256) -> __m256 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm256_fmadd_ps(left, right, sum) }
    }

    #[inline(always)]
    fn maximum(self, left: __m256, right: __m256) -> __m256 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm256_max_ps(left, right) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: as in `vectorised`; the pointer is guaranteed by the caller.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: __m256) {
        // SAFETY: as in `vectorised`; the pointer is guaranteed by the caller.
        unsafe { _mm256_storeu_ps(to, values) }
    }
}
