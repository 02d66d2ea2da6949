//! NEON: 32 registers of 4 f32.
#![expect(unsafe_code, reason = "loads and stores through pointers")]

use std::arch::aarch64::{float32x4_t, vaddq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vmaxq_f32, vst1q_f32, vsubq_f32};

use super::simd::Simd;

/// NEON is part of every 64-bit ARM target, so it needs no detection.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

impl Simd for Neon {
    type Vector = float32x4_t;

    const LANES: usize = 4;
    const TILE_ROWS: usize = 12;

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        // SAFETY: the instructions are part of the target.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    fn add(self, left: float32x4_t, right: float32x4_t) -> float32x4_t {
        // SAFETY: as in `splat`.
        unsafe { vaddq_f32(left, right) }
    }

    #[inline(always)]
    fn subtract(self, left: float32x4_t, right: float32x4_t) -> float32x4_t {
        // SAFETY: as in `splat`.
        unsafe { vsubq_f32(left, right) }
    }

    #[inline(always)]
    fn multiply_add(self, left: float32x4_t, right: float32x4_t, sum: float32x4_t) -> float32x4_t {
        // SAFETY: as in `splat`.
        unsafe { vfmaq_f32(sum, left, right) }
    }

    #[inline(always)]
    fn maximum(self, left: float32x4_t, right: float32x4_t) -> float32x4_t {
        // SAFETY: as in `splat`.
        unsafe { vmaxq_f32(left, right) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        // SAFETY: as in `splat`; the pointer is guaranteed by the caller.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: float32x4_t) {
        // SAFETY: as in `splat`; the pointer is guaranteed by the caller.
        unsafe { vst1q_f32(to, values) }
    }
}
