//! R_q = Z_q\[X\] / (X^n + 1) with q = p1 p2, as residues modulo both primes (RNS).
//!
//! The type of a polynomial says whether it holds coefficients or values (NTT slots), so the domains cannot be mixed.
//! Polynomials are wiped on drop, because nearly all are derived from a secret.

use std::marker::PhantomData;

use zeroize::Zeroize;

use super::modulus::Modulus;
use super::ntt::{Ntt, smallest_root};
use super::parameters::Parameters;
use super::scan::Kernel;

/// The domain of coefficients.
pub(super) struct Coefficient;
/// The domain of values, in slot order.
pub(super) struct Evaluation;

/// n reduced residues modulo each prime.
pub(super) struct Polynomial<Domain> {
    residues: [Vec<u32>; 2],
    domain: PhantomData<Domain>,
}

impl<Domain> Polynomial<Domain> {
    pub(super) fn zero(parameters: &Parameters) -> Self {
        Self { residues: [vec![0; parameters.degree()], vec![0; parameters.degree()]], domain: PhantomData }
    }

    /// Residues modulo each prime.
    #[inline(always)]
    pub(super) fn residues(&self) -> [&[u32]; 2] {
        let [first, second] = &self.residues;
        [first, second]
    }

    #[inline(always)]
    pub(super) fn residues_mut(&mut self) -> [&mut [u32]; 2] {
        let [first, second] = &mut self.residues;
        [first, second]
    }

    fn in_domain<Other>(mut self) -> Polynomial<Other> {
        Polynomial { residues: std::mem::take(&mut self.residues), domain: PhantomData }
    }
}

impl<Domain> Drop for Polynomial<Domain> {
    fn drop(&mut self) {
        self.residues.zeroize();
    }
}

/// The NTT tables of the ring, and the kernel that its loops are compiled for.
pub(super) struct Ring {
    parameters: Parameters,
    kernel: Kernel,
    moduli: [Modulus; 2],
    ntts: [Ntt; 2],
    /// Of size S, for polynomials in X^K, the image of the trace.
    subring_ntts: [Ntt; 2],
}

impl Ring {
    pub(super) fn new(parameters: &Parameters, kernel: Kernel) -> Self {
        let moduli = parameters.primes().map(Modulus::new);
        let degree = parameters.degree();
        let ntts = moduli.map(|modulus| Ntt::new(modulus, degree, smallest_root(modulus, degree)));
        let subring_ntts = moduli.map(|modulus| {
            let psi = modulus.power(smallest_root(modulus, degree), parameters.packed() as u64);
            Ntt::new(modulus, parameters.lane_images(), psi)
        });
        Self { parameters: *parameters, kernel, moduli, ntts, subring_ntts }
    }

    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    pub(super) fn kernel(&self) -> Kernel {
        self.kernel
    }

    #[inline(always)]
    pub(super) fn moduli(&self) -> [Modulus; 2] {
        self.moduli
    }

    #[inline(always)]
    pub(super) fn ntts(&self) -> &[Ntt; 2] {
        &self.ntts
    }

    #[inline(always)]
    pub(super) fn subring_ntts(&self) -> &[Ntt; 2] {
        &self.subring_ntts
    }

    /// The NTT of a polynomial with small signed coefficients. Call it inside `Kernel::vectorised`.
    #[inline(always)]
    pub(super) fn ntt_small(&self, coefficients: &[i32], values: &mut Polynomial<Evaluation>) {
        for ((values, transform), modulus) in values.residues_mut().into_iter().zip(&self.ntts).zip(self.moduli) {
            for (value, &coefficient) in values.iter_mut().zip(coefficients) {
                *value = modulus.reduce_signed(coefficient);
            }
            transform.forward(values);
        }
    }

    /// Values to coefficients.
    pub(super) fn to_coefficients(&self, mut values: Polynomial<Evaluation>) -> Polynomial<Coefficient> {
        self.kernel.vectorised(
            #[inline(always)]
            || {
                for (values, transform) in values.residues_mut().into_iter().zip(&self.ntts) {
                    transform.inverse(values);
                }
            },
        );
        values.in_domain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_coefficients_come_back() {
        let ring = Ring::new(&Parameters::V1, Kernel::detect());
        let small: Vec<i32> = (0..2048).map(|i| (i * 37) % 401 - 200).collect();
        let mut values = Polynomial::zero(ring.parameters());
        ring.ntt_small(&small, &mut values);
        let back = ring.to_coefficients(values);
        for (residues, prime) in back.residues().into_iter().zip(Parameters::V1.primes()) {
            for (&residue, &expected) in residues.iter().zip(&small) {
                assert_eq!(residue as i32, expected.rem_euclid(prime as i32));
            }
        }
    }

    #[test]
    fn folding_is_the_trace_to_the_subring() {
        // The sum of K neighbouring values is K times the value of the polynomial made of the coefficients iK.
        for parameters in [Parameters::V1, Parameters::SMALL] {
            let ring = Ring::new(&parameters, Kernel::detect());
            let small: Vec<i32> = (0..parameters.degree() as i32).map(|i| i * i % 1009 - 500).collect();
            let mut values = Polynomial::zero(&parameters);
            ring.ntt_small(&small, &mut values);
            let packed = parameters.packed();
            for ((values, modulus), transform) in
                values.residues().into_iter().zip(ring.moduli()).zip(ring.subring_ntts())
            {
                let mut folded: Vec<u32> = values
                    .chunks(packed)
                    .map(|slots| modulus.reduce_wide(slots.iter().map(|&value| u64::from(value)).sum()))
                    .collect();
                transform.inverse(&mut folded);
                for (image, &value) in folded.iter().enumerate() {
                    let expected = i64::from(small[image * packed]) * packed as i64;
                    assert_eq!(i64::from(value), expected.rem_euclid(i64::from(modulus.prime())));
                }
            }
        }
    }
}
