//! Vectors of eight f32 in plain Rust, which every processor runs: the twin that the others are compared with.
#![expect(unsafe_code, reason = "loads and stores through pointers")]

use super::arithmetic::Lanes;

const COUNT: usize = 8;

/// No instructions but the target's own.
#[derive(Clone, Copy)]
pub(super) struct Portable;

#[inline(always)]
fn each(left: [f32; COUNT], right: [f32; COUNT], of: impl Fn(f32, f32) -> f32) -> [f32; COUNT] {
    std::array::from_fn(|lane| of(left[lane], right[lane]))
}

impl Lanes for Portable {
    type Vector = [f32; COUNT];

    const COUNT: usize = COUNT;
    const ROWS: usize = 3;

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; COUNT] {
        [value; COUNT]
    }

    #[inline(always)]
    fn add(self, left: [f32; COUNT], right: [f32; COUNT]) -> [f32; COUNT] {
        each(left, right, |left, right| left + right)
    }

    #[inline(always)]
    fn subtract(self, left: [f32; COUNT], right: [f32; COUNT]) -> [f32; COUNT] {
        each(left, right, |left, right| left - right)
    }

    #[inline(always)]
    fn multiply_add(self, left: [f32; COUNT], right: [f32; COUNT], sum: [f32; COUNT]) -> [f32; COUNT] {
        self.add(each(left, right, |left, right| left * right), sum)
    }

    #[inline(always)]
    fn maximum(self, left: [f32; COUNT], right: [f32; COUNT]) -> [f32; COUNT] {
        // Unlike `f32::max` one instruction: no activation is NaN.
        each(left, right, |left, right| if left > right { left } else { right })
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; COUNT] {
        // SAFETY: the caller's.
        unsafe { from.cast::<[f32; COUNT]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: [f32; COUNT]) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[f32; COUNT]>().write(values) }
    }
}
