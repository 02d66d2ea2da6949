//! Negacyclic number-theoretic transforms modulo one prime.
//!
//! Slot k of a transformed polynomial holds its value at psi^(2 brv(k) + 1), where psi is the smallest root with psi^n =
//! -1 and brv reverses bits. Stored files depend on this order. The transform is the decimation in time of Cooley and
//! Tukey (1965) with the powers of psi merged into its twiddle factors (Longa, Naehrig, eprint 2016/504), the inverse
//! that of Gentleman and Sande.

use super::kernel::{Kernel, NttTail};
use super::modulus::Modulus;
use super::parameters::{DEGREE, FOLDS, LANES, PACKED};

/// `index` with its lowest `bits` bits reversed.
const fn reversed(index: usize, bits: u32) -> usize {
    index.reverse_bits() >> (usize::BITS - bits)
}

/// The smallest psi with psi^n = -1.
fn smallest_root(modulus: Modulus) -> u16 {
    let minus_one = modulus.prime() - 1;
    (2..modulus.prime()).find(|&psi| modulus.power(psi, DEGREE as u64) == minus_one).unwrap_or_default()
}

/// The tables of one prime.
pub(super) struct Ntt {
    modulus: Modulus,
    /// psi^brv(i) in Montgomery form: the factors of level m are at m..2m.
    factors: Vec<u16>,
    tail: NttTail,
    /// The inverse factors of the transform of size S, whose psi is psi^K.
    inverse_factors: [u16; FOLDS],
}

impl Ntt {
    pub(super) fn new(modulus: Modulus) -> Self {
        let psi = smallest_root(modulus);
        let factor = |base: u16, at: usize, size: usize| {
            modulus.to_montgomery(modulus.power(base, reversed(at, size.ilog2()) as u64))
        };
        let factors: Vec<u16> = (0..DEGREE).map(|at| factor(psi, at, DEGREE)).collect();
        let subring_inverse = modulus.invert(modulus.power(psi, PACKED as u64));
        let inverse_factors = std::array::from_fn(|at| factor(subring_inverse, at, FOLDS));
        Self { modulus, tail: NttTail::new(modulus, &factors), factors, inverse_factors }
    }

    /// Coefficients to values, in place. Call it inside [`Kernel::vectorised`].
    #[inline(always)]
    pub(super) fn forward(&self, kernel: Kernel, values: &mut [u16; DEGREE]) {
        let mut distance = DEGREE / 2;
        while distance >= NttTail::FIRST_DISTANCE * 2 {
            let level = DEGREE / 2 / distance;
            for (pair, &factor) in values.chunks_exact_mut(2 * distance).zip(&self.factors[level..2 * level]) {
                let (low, high) = pair.split_at_mut(distance);
                for (low, high) in low.iter_mut().zip(high) {
                    let product = self.modulus.multiply(*high, factor);
                    *high = self.modulus.subtract(*low, product);
                    *low = self.modulus.add(*low, product);
                }
            }
            distance /= 2;
        }
        kernel.ntt_tail(&self.tail, values);
    }

    /// S values of a polynomial in X^K to S times its coefficients iK, for the 8 lanes side by side. Call it inside
    /// [`Kernel::vectorised`].
    #[inline(always)]
    pub(super) fn inverse_folded(&self, values: &mut [[u16; LANES]; FOLDS]) {
        let mut distance = 1;
        while distance < FOLDS {
            let level = FOLDS / 2 / distance;
            for (pair, &factor) in values.chunks_exact_mut(2 * distance).zip(&self.inverse_factors[level..2 * level]) {
                let (low, high) = pair.split_at_mut(distance);
                for (low, high) in low.iter_mut().zip(high) {
                    for (low, high) in low.iter_mut().zip(high) {
                        let difference = self.modulus.subtract(*low, *high);
                        *low = self.modulus.add(*low, *high);
                        *high = self.modulus.multiply(difference, factor);
                    }
                }
            }
            distance *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::PRIMES;

    fn polynomial(prime: u16, seed: u64) -> [u16; DEGREE] {
        std::array::from_fn(|at| ((at as u64 + 1).wrapping_mul(seed | 1) >> 7) as u16 % prime)
    }

    #[test]
    fn the_roots_are_pinned() {
        assert_eq!(PRIMES.map(|prime| smallest_root(Modulus::new(prime))), [19, 28]);
    }

    #[test]
    fn slots_hold_the_values_at_the_odd_powers_of_psi() {
        for prime in PRIMES {
            let modulus = Modulus::new(prime);
            let (ntt, psi) = (Ntt::new(modulus), smallest_root(modulus));
            let coefficients = polynomial(prime, 0x9e37_79b9_7f4a_7c15);
            for kernel in Kernel::supported() {
                let mut values = coefficients;
                kernel.vectorised(
                    #[inline(always)]
                    || ntt.forward(kernel, &mut values),
                );
                for slot in (0..DEGREE).step_by(13).chain([1, 2, 3, 4, 5, 6, 7, 8, DEGREE - 1]) {
                    let point = u64::from(modulus.power(psi, 2 * reversed(slot, 11) as u64 + 1));
                    let horner = |sum: u64, &c: &u16| (sum * point + u64::from(c)) % u64::from(prime);
                    let expected = coefficients.iter().rev().fold(0, horner);
                    assert_eq!(u64::from(values[slot]), expected, "{} slot {slot}", kernel.name());
                }
            }
        }
    }

    #[test]
    fn every_kernel_transforms_alike() {
        for prime in PRIMES {
            let ntt = Ntt::new(Modulus::new(prime));
            let extremes = [[0; DEGREE], [prime - 1; DEGREE], std::array::from_fn(|at| (at % 2) as u16 * (prime - 1))];
            for coefficients in extremes.into_iter().chain((1..20).map(|seed| polynomial(prime, seed * 0x1234_5677))) {
                let results = Kernel::supported().into_iter().map(|kernel| {
                    let mut values = coefficients;
                    kernel.vectorised(
                        #[inline(always)]
                        || ntt.forward(kernel, &mut values),
                    );
                    assert!(values.iter().all(|&value| value < prime), "{}", kernel.name());
                    values
                });
                let results: Vec<_> = results.collect();
                assert!(results.iter().all(|result| *result == results[0]));
            }
        }
    }

    #[test]
    fn folding_is_the_trace_to_the_subring() {
        // The sum of K neighbouring values is K times the value of the polynomial made of the coefficients iK.
        for prime in PRIMES {
            let modulus = Modulus::new(prime);
            let ntt = Ntt::new(modulus);
            let coefficients = polynomial(prime, 77);
            let mut values = coefficients;
            ntt.forward(Kernel::PORTABLE, &mut values);
            let mut folded = [[0; LANES]; FOLDS];
            for (folded, slots) in folded.iter_mut().zip(values.chunks(PACKED)) {
                *folded = [modulus.reduce(slots.iter().map(|&value| i64::from(value)).sum()); LANES];
            }
            ntt.inverse_folded(&mut folded);
            for (image, lanes) in folded.iter().enumerate() {
                let expected = modulus.reduce(i64::from(coefficients[image * PACKED]) * DEGREE as i64);
                assert_eq!(*lanes, [expected; LANES]);
            }
        }
    }
}
