//! AVX-512: 32 registers of 16 f32.
#![expect(unsafe_code, reason = "detected instructions; loads and stores through pointers")]

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps, _mm512_set1_ps, _mm512_storeu_ps,
    _mm512_sub_ps,
};

use super::simd::Simd;

/// Proof that the processor has AVX-512F.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

#[target_feature(enable = "avx512f")]
fn enabled<R>(body: impl FnOnce() -> R) -> R {
    body()
}

impl Simd for Avx512 {
    type Vector = __m512;

    const LANES: usize = 16;
    const TILE_ROWS: usize = 14;

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        // SAFETY: a value of this type exists only where the processor has the instructions.
        unsafe { enabled(body) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn add(self, left: __m512, right: __m512) -> __m512 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm512_add_ps(left, right) }
    }

    #[inline(always)]
    fn subtract(self, left: __m512, right: __m512) -> __m512 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm512_sub_ps(left, right) }
    }

    #[inline(always)]
    fn multiply_add(self, left: __m512, right: __m512, sum: __m512) -> __m512 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm512_fmadd_ps(left, right, sum) }
    }

    #[inline(always)]
    fn maximum(self, left: __m512, right: __m512) -> __m512 {
        // SAFETY: as in `vectorised`.
        unsafe { _mm512_max_ps(left, right) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: as in `vectorised`; the pointer is guaranteed by the caller.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: __m512) {
        // SAFETY: as in `vectorised`; the pointer is guaranteed by the caller.
        unsafe { _mm512_storeu_ps(to, values) }
    }
}
