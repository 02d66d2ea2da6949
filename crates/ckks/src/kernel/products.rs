//! Pointwise products of residues.

use super::simd::{Simd, VectorModulus, WIDTH};
use crate::modulus::Modulus;
use crate::parameters::{LANES, PACKED};

/// `sums` + `values` `factors` / R, into `sums`.
#[inline(always)]
pub(super) fn add<S: Simd>(simd: S, modulus: Modulus, sums: &mut [u16], values: &[u16], factors: &[u16]) {
    combine(simd, modulus, sums, (values, factors), S::add);
}

/// `sums` - `values` `factors` / R, into `sums`.
#[inline(always)]
pub(super) fn subtract<S: Simd>(simd: S, modulus: Modulus, sums: &mut [u16], values: &[u16], factors: &[u16]) {
    combine(simd, modulus, sums, (values, factors), S::subtract);
}

#[inline(always)]
fn combine<S: Simd>(
    simd: S,
    modulus: Modulus,
    sums: &mut [u16],
    (values, factors): (&[u16], &[u16]),
    operation: impl Fn(S, S::Vector, S::Vector, S::Vector) -> S::Vector,
) {
    let modulus = VectorModulus::new(simd, modulus);
    let operands = values.as_chunks().0.iter().zip(factors.as_chunks().0);
    for (sum, (value, factor)) in sums.as_chunks_mut::<WIDTH>().0.iter_mut().zip(operands) {
        let product = simd.multiply(simd.load(value), simd.load(factor), modulus);
        simd.store(operation(simd, simd.load(sum), product, modulus.prime), sum);
    }
}

/// `values` times one factor / R, in place.
#[inline(always)]
pub(super) fn scale<S: Simd>(simd: S, modulus: Modulus, values: &mut [u16], factor: u16) {
    let modulus = VectorModulus::new(simd, modulus);
    let factor = simd.splat(factor);
    for value in values.as_chunks_mut::<WIDTH>().0 {
        simd.store(simd.multiply(simd.load(value), factor, modulus), value);
    }
}

/// The centred form of `values`, as 16-bit words.
#[inline(always)]
pub(super) fn centre<S: Simd>(simd: S, modulus: Modulus, values: &[u16], words: &mut [u16]) {
    let (prime, half) = (simd.splat(modulus.prime()), simd.splat(modulus.half()));
    for (word, value) in words.as_chunks_mut::<WIDTH>().0.iter_mut().zip(values.as_chunks().0) {
        simd.store(simd.centre(simd.load(value), half, prime), word);
    }
}

/// The sum over the lanes of `lanes` times its scalar / R.
#[inline(always)]
pub(super) fn weighted_sum<S: Simd>(
    simd: S,
    modulus: Modulus,
    lanes: &[[u16; PACKED]; LANES],
    scalars: &[u16; LANES],
) -> [u16; PACKED] {
    let modulus = VectorModulus::new(simd, modulus);
    let mut sums = [0; PACKED];
    for (half, sum) in sums.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
        let mut total = simd.splat(0);
        for (lane, &scalar) in lanes.iter().zip(scalars) {
            let values = simd.load(&lane.as_chunks().0[half]);
            total = simd.add(total, simd.multiply(values, simd.splat(scalar), modulus), modulus.prime);
        }
        simd.store(total, sum);
    }
    sums
}
