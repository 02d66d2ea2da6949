//! bfloat16, the upper half of an f32, and its arithmetic in portable Rust.
//!
//! Every processor can run it, so a vault with bfloat16 vectors can be searched anywhere. It is fast only with
//! AVX512_BF16.
#![expect(unsafe_code, reason = "loads and stores through pointers")]

use super::portable::Portable;
use super::simd::{Arithmetic, Element, Simd};

/// A bfloat16: 8 bits of exponent, 7 of fraction.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Bf16(u16);

// SAFETY: every 16 bits are the upper half of an f32, and zero bits are zero.
unsafe impl Element for Bf16 {
    /// Rounds ties to even; `value` must not be NaN.
    fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        Self(((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16)
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// [`Bf16`] arithmetic without special instructions: the portable twin of `Avx512Bf16`.
#[derive(Clone, Copy)]
pub(crate) struct PortableBf16;

impl Arithmetic for PortableBf16 {
    type Simd = Portable;
    type Element = Bf16;
    type Operand = [[Bf16; 2]; Portable::LANES];

    const K_STEP: usize = 2;

    #[inline(always)]
    fn simd(self) -> Portable {
        Portable
    }

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[inline(always)]
    fn accumulate(
        self,
        mut sum: [f32; Portable::LANES],
        left: Self::Operand,
        right: Self::Operand,
    ) -> [f32; Portable::LANES] {
        for ((sum, left), right) in sum.iter_mut().zip(left).zip(right) {
            *sum += left[0].to_f32() * right[0].to_f32() + left[1].to_f32() * right[1].to_f32();
        }
        sum
    }

    #[inline(always)]
    unsafe fn load(self, from: *const Bf16) -> [f32; Portable::LANES] {
        // SAFETY: guaranteed by the caller, also below.
        unsafe { from.cast::<[Bf16; Portable::LANES]>().read() }.map(Bf16::to_f32)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut Bf16, values: [f32; Portable::LANES]) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<[Bf16; Portable::LANES]>().write(values.map(Bf16::from_f32)) }
    }

    #[inline(always)]
    unsafe fn load_operand(self, from: *const Bf16) -> Self::Operand {
        // SAFETY: as in `load`.
        unsafe { from.cast::<Self::Operand>().read() }
    }

    #[inline(always)]
    unsafe fn broadcast(self, from: *const Bf16) -> Self::Operand {
        // SAFETY: as in `load`.
        [unsafe { from.cast::<[Bf16; 2]>().read() }; Portable::LANES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest_ties_to_even() {
        // 1 and the next two bfloat16 numbers above it.
        let (one, next, second) = (1.0, 1.0 + 1.0 / 128.0, 1.0 + 2.0 / 128.0);
        for (value, nearest) in [
            (one, one),
            (next, next),
            (1.0 + 0.9 / 256.0, one),
            (1.0 + 1.1 / 256.0, next),
            (1.0 + 1.0 / 256.0, one),
            (1.0 + 3.0 / 256.0, second),
            (-1.0 - 1.1 / 256.0, -next),
            (0.0, 0.0),
        ] {
            assert_eq!(Bf16::from_f32(value).to_f32(), nearest, "{value}");
        }
    }
}
