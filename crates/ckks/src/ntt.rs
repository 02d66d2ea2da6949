//! Negacyclic number-theoretic transforms modulo one prime.
//!
//! Slot k of a transformed polynomial holds its value at psi^(2 brv(k) + 1), where psi is the smallest root with psi^n
//! = -1 and brv reverses bits. Stored files depend on this order. The transform is the decimation in time of Cooley and
//! Tukey (1965) with the powers of psi merged into its twiddle factors (Longa, Naehrig, eprint 2016/504), the inverse
//! that of Gentleman and Sande.

use super::kernel::{ForwardFactors, InverseFactors, WIDTH};
use super::modulus::Modulus;
use super::parameters::{DEGREE, FOLDS, LANES, PACKED, PRIMES};

/// `index` with its lowest `bits` bits reversed.
const fn reversed(index: usize, bits: u32) -> usize {
    index.reverse_bits() >> (usize::BITS - bits)
}

/// The smallest psi with psi^n = -1, for each prime.
const ROOTS: [u16; 2] = [19, 28];

fn smallest_root(modulus: Modulus) -> u16 {
    ROOTS[usize::from(modulus.prime() != PRIMES[0])]
}

/// base^brv(at) in Montgomery form, for a transform of `size` values.
fn factor(modulus: Modulus, base: u16, at: usize, size: usize) -> u16 {
    modulus.to_montgomery(modulus.power(base, reversed(at, size.ilog2()) as u64))
}

/// The factors of the transform of n coefficients.
pub(super) fn forward_factors(modulus: Modulus) -> ForwardFactors {
    let psi = smallest_root(modulus);
    ForwardFactors::new(modulus, (0..DEGREE).map(|at| factor(modulus, psi, at, DEGREE)).collect())
}

/// The factors of the inverse transform of the S values of a polynomial in X^K whose values were folded. It divides by
/// n = K S, since folding multiplies by K.
pub(super) fn inverse_factors(moduli: [Modulus; 2]) -> InverseFactors {
    let roots = moduli.map(|modulus| modulus.invert(modulus.power(smallest_root(modulus), PACKED as u64)));
    let of_lane = |of_prime: &dyn Fn(usize) -> u16| -> [u16; WIDTH] { std::array::from_fn(|at| of_prime(at / LANES)) };
    InverseFactors {
        moduli,
        by_level: std::array::from_fn(|at| of_lane(&|prime| factor(moduli[prime], roots[prime], at, FOLDS))),
        scale: of_lane(&|prime| moduli[prime].to_montgomery(moduli[prime].invert(DEGREE as u16))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernel;

    fn polynomial(prime: u16, seed: u64) -> [u16; DEGREE] {
        std::array::from_fn(|at| ((at as u64 + 1).wrapping_mul(seed | 1) >> 7) as u16 % prime)
    }

    #[test]
    fn the_roots_are_the_smallest() {
        for modulus in PRIMES.map(Modulus::new) {
            let minus_one = modulus.prime() - 1;
            let smallest = (2..).find(|&psi| modulus.power(psi, DEGREE as u64) == minus_one);
            assert_eq!(smallest, Some(smallest_root(modulus)));
        }
    }

    #[test]
    fn slots_hold_the_values_at_the_odd_powers_of_psi() {
        for prime in PRIMES {
            let modulus = Modulus::new(prime);
            let (factors, psi) = (forward_factors(modulus), smallest_root(modulus));
            let coefficients = polynomial(prime, 0x9e37_79b9_7f4a_7c15);
            for kernel in Kernel::supported() {
                let mut values = coefficients;
                kernel.forward_ntt(&factors, &mut values);
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
            let factors = forward_factors(Modulus::new(prime));
            let extremes = [[0; DEGREE], [prime - 1; DEGREE], std::array::from_fn(|at| (at % 2) as u16 * (prime - 1))];
            for coefficients in extremes.into_iter().chain((1..20).map(|seed| polynomial(prime, seed * 0x1234_5677))) {
                let results = Kernel::supported().into_iter().map(|kernel| {
                    let mut values = coefficients;
                    kernel.forward_ntt(&factors, &mut values);
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
        let moduli = PRIMES.map(Modulus::new);
        let coefficients = PRIMES.map(|prime| polynomial(prime, 77));
        let mut folded = [[0; WIDTH]; FOLDS];
        for (prime, modulus) in moduli.into_iter().enumerate() {
            let mut values = coefficients[prime];
            Kernel::PORTABLE.forward_ntt(&forward_factors(modulus), &mut values);
            for (folded, slots) in folded.iter_mut().zip(values.chunks(PACKED)) {
                let sum = modulus.reduce(slots.iter().map(|&value| i64::from(value)).sum());
                folded[prime * LANES..][..LANES].fill(sum);
            }
        }
        for kernel in Kernel::supported() {
            let mut folded = folded;
            kernel.inverse_ntt(&inverse_factors(moduli), &mut folded);
            for (image, lanes) in folded.iter().enumerate() {
                let [first, second] = [0, 1].map(|prime: usize| coefficients[prime][image * PACKED]);
                assert_eq!(lanes.as_chunks().0, [[first; LANES], [second; LANES]], "{}", kernel.name());
            }
        }
    }
}
