//! Vectors of 8 f32 in portable Rust: runs everywhere, and is the reference for the other instruction sets.
#![expect(unsafe_code, reason = "loads and stores through pointers")]

use super::simd::Simd;

const LANES: usize = 8;

/// The base instructions of the target.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn each(left: [f32; LANES], right: [f32; LANES], of: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|lane| of(left[lane], right[lane]))
}

impl Simd for Portable {
    type Vector = [f32; LANES];

    const LANES: usize = LANES;
    const TILE_ROWS: usize = 3;

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; LANES] {
        [value; LANES]
    }

    #[inline(always)]
    fn add(self, left: [f32; LANES], right: [f32; LANES]) -> [f32; LANES] {
        each(left, right, |left, right| left + right)
    }

    #[inline(always)]
    fn subtract(self, left: [f32; LANES], right: [f32; LANES]) -> [f32; LANES] {
        each(left, right, |left, right| left - right)
    }

    #[inline(always)]
    fn multiply_add(self, left: [f32; LANES], right: [f32; LANES], sum: [f32; LANES]) -> [f32; LANES] {
        self.add(each(left, right, |left, right| left * right), sum)
    }

    #[inline(always)]
    fn maximum(self, left: [f32; LANES], right: [f32; LANES]) -> [f32; LANES] {
        // One instruction, unlike `f32::max`, which handles NaN; no activation is NaN.
        each(left, right, |left, right| if left > right { left } else { right })
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; LANES] {
        // SAFETY: guaranteed by the caller.
        unsafe { from.cast::<[f32; LANES]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: [f32; LANES]) {
        // SAFETY: guaranteed by the caller.
        unsafe { to.cast::<[f32; LANES]>().write(values) }
    }
}
