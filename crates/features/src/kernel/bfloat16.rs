//! bfloat16: the upper half of an f32, and arithmetic on pairs of it in plain Rust.
//!
//! Half the memory of f32, and seven bits after the leading one. Any processor computes in it, so that a vault made in it
//! can be searched anywhere; it is fast only where instructions for it exist.
#![expect(unsafe_code, reason = "loads and stores through pointers")]

use super::arithmetic::{Arithmetic, Lanes, Number};
use super::portable::Portable;

/// A bfloat16 by its bits.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Brain(u16);

// SAFETY: true of the upper half of an f32, for which any 16 bits may stand.
unsafe impl Number for Brain {
    /// Ties go to the even neighbour. No weight is NaN.
    fn nearest(value: f32) -> Self {
        let bits = value.to_bits();
        Self(((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16)
    }

    #[inline(always)]
    fn value(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// Pairs of [`Brain`] without instructions for them: the twin of those that have some.
#[derive(Clone, Copy)]
pub(super) struct PortablePairs;

impl Arithmetic for PortablePairs {
    type Lanes = Portable;
    type Stored = Brain;
    type Factors = [[Brain; 2]; Portable::COUNT];

    const DEPTH: usize = 2;

    #[inline(always)]
    fn lanes(self) -> Portable {
        Portable
    }

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[inline(always)]
    fn accumulate(
        self,
        mut sum: [f32; Portable::COUNT],
        left: Self::Factors,
        right: Self::Factors,
    ) -> [f32; Portable::COUNT] {
        for ((sum, left), right) in sum.iter_mut().zip(left).zip(right) {
            *sum += left[0].value() * right[0].value() + left[1].value() * right[1].value();
        }
        sum
    }

    #[inline(always)]
    unsafe fn load(self, from: *const Brain) -> [f32; Portable::COUNT] {
        // SAFETY: the caller's; so below.
        unsafe { from.cast::<[Brain; Portable::COUNT]>().read() }.map(Brain::value)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut Brain, values: [f32; Portable::COUNT]) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<[Brain; Portable::COUNT]>().write(values.map(Brain::nearest)) }
    }

    #[inline(always)]
    unsafe fn factors(self, from: *const Brain) -> Self::Factors {
        // SAFETY: as in `load`.
        unsafe { from.cast::<Self::Factors>().read() }
    }

    #[inline(always)]
    unsafe fn repeated(self, from: *const Brain) -> Self::Factors {
        // SAFETY: as in `load`.
        [unsafe { from.cast::<[Brain; 2]>().read() }; Portable::COUNT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_number_is_taken_and_ties_go_to_the_even_one() {
        // Numbers of eight bits: 1, the next one above it, the one after that.
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
            assert_eq!(Brain::nearest(value).value(), nearest, "{value}");
        }
    }
}
