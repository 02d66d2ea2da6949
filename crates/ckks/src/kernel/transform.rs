//! The NTTs on vectors of residues.

use super::simd::{Simd, VectorModulus, WIDTH, exchange};
use crate::modulus::Modulus;
use crate::parameters::{DEGREE, FOLDS};

/// Levels whose butterflies connect residues of one vector, with distances 8, 4, 2 and 1.
const INNER_LEVELS: usize = WIDTH.ilog2() as usize;
/// Pairs of vectors of a polynomial.
const PAIRS: usize = DEGREE / (2 * WIDTH);

/// Twiddle factors of a forward transform, in Montgomery form.
pub(crate) struct ForwardFactors {
    modulus: Modulus,
    /// Those of level m are at m..2m, in the order of its blocks.
    by_level: Vec<u16>,
    /// For each pair of vectors and each inner level, in the order that [`exchange`] brings the residues into.
    paired: Vec<[[u16; WIDTH]; INNER_LEVELS]>,
}

impl ForwardFactors {
    /// From the n factors in the order of the levels.
    pub(crate) fn new(modulus: Modulus, by_level: Vec<u16>) -> Self {
        let paired = |pair: usize| {
            let mut low: [usize; WIDTH] = std::array::from_fn(|at| 2 * WIDTH * pair + at);
            let mut high = low.map(|at| at + WIDTH);
            std::array::from_fn(|level| {
                let distance = (WIDTH / 2) >> level;
                exchange(&mut low, &mut high, distance);
                // The block of residue `at` is at / 2d, and the level is n / 2d, for the distance d.
                low.map(|at| by_level[(DEGREE + at) / (2 * distance)])
            })
        };
        let paired = (0..PAIRS).map(paired).collect();
        Self { modulus, by_level, paired }
    }
}

/// (x + w y, x - w y).
#[inline(always)]
fn butterflies<S: Simd>(
    simd: S,
    x: S::Vector,
    y: S::Vector,
    w: S::Vector,
    modulus: VectorModulus<S>,
) -> [S::Vector; 2] {
    let product = simd.multiply(y, w, modulus);
    [simd.add(x, product, modulus.prime), simd.subtract(x, product, modulus.prime)]
}

/// Coefficients to values, in place.
#[inline(always)]
pub(super) fn forward<S: Simd>(simd: S, factors: &ForwardFactors, values: &mut [u16; DEGREE]) {
    let modulus = VectorModulus::new(simd, factors.modulus);
    let (vectors, _) = values.as_chunks_mut::<WIDTH>();
    let mut distance = DEGREE / 2 / WIDTH;
    while distance > 0 {
        let level = DEGREE / 2 / WIDTH / distance;
        for (pair, &factor) in vectors.chunks_exact_mut(2 * distance).zip(&factors.by_level[level..2 * level]) {
            let factor = simd.splat(factor);
            let (low, high) = pair.split_at_mut(distance);
            for (low, high) in low.iter_mut().zip(high) {
                let [sum, difference] = butterflies(simd, simd.load(low), simd.load(high), factor, modulus);
                simd.store(sum, low);
                simd.store(difference, high);
            }
        }
        distance /= 2;
    }
    for ([low, high], factors) in vectors.as_chunks_mut().0.iter_mut().zip(&factors.paired) {
        let mut pair = [simd.load(low), simd.load(high)];
        for (level, factors) in factors.iter().enumerate() {
            pair = simd.exchange(pair[0], pair[1], (WIDTH / 2) >> level);
            pair = butterflies(simd, pair[0], pair[1], simd.load(factors), modulus);
        }
        for level in (0..INNER_LEVELS).rev() {
            pair = simd.exchange(pair[0], pair[1], (WIDTH / 2) >> level);
        }
        simd.store(pair[0], low);
        simd.store(pair[1], high);
    }
}

/// Factors of the inverse transform of size S: 8 lanes modulo the first prime, then 8 modulo the second.
pub(crate) struct InverseFactors {
    pub(crate) moduli: [Modulus; 2],
    /// Those of level m are at m..2m.
    pub(crate) by_level: [[u16; WIDTH]; FOLDS],
    /// What the results are multiplied with.
    pub(crate) scale: [u16; WIDTH],
}

/// S values to coefficients, in place, for 8 lanes and both primes side by side.
#[inline(always)]
pub(super) fn inverse<S: Simd>(simd: S, factors: &InverseFactors, values: &mut [[u16; WIDTH]; FOLDS]) {
    let modulus = VectorModulus::of_both(simd, factors.moduli);
    let mut distance = 1;
    while distance < FOLDS {
        let level = FOLDS / 2 / distance;
        for (pair, factor) in values.chunks_exact_mut(2 * distance).zip(&factors.by_level[level..2 * level]) {
            let factor = simd.load(factor);
            let (low, high) = pair.split_at_mut(distance);
            for (low, high) in low.iter_mut().zip(high) {
                let (x, y) = (simd.load(low), simd.load(high));
                simd.store(simd.add(x, y, modulus.prime), low);
                simd.store(simd.multiply(simd.subtract(x, y, modulus.prime), factor, modulus), high);
            }
        }
        distance *= 2;
    }
    let scale = simd.load(&factors.scale);
    for values in values {
        simd.store(simd.multiply(simd.load(values), scale, modulus), values);
    }
}
