//! R_q = Z_q\[X\] / (X^n + 1) with q = p1 p2, as residues modulo both primes (RNS).
//!
//! Small coefficients have a type of their own, so that they are not taken for values (NTT slots). Polynomials are
//! wiped on drop, because nearly all are derived from a secret.

use zeroize::Zeroize;

use super::kernel::{ForwardFactors, InverseFactors, Kernel, WIDTH};
use super::modulus::Modulus;
use super::ntt::{forward_factors, inverse_factors};
use super::parameters::{DEGREE, FOLDS, PRIMES};

/// A polynomial of small coefficients, of absolute value below either prime.
pub(super) struct SmallPolynomial(Box<[i16; DEGREE]>);

impl SmallPolynomial {
    pub(super) fn zero() -> Self {
        Self(Box::new([0; DEGREE]))
    }

    #[inline(always)]
    pub(super) fn coefficients(&mut self) -> &mut [i16; DEGREE] {
        &mut self.0
    }
}

impl Drop for SmallPolynomial {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The values of a polynomial modulo each prime, in slot order, below the prime.
pub(super) struct Values(Box<[[u16; DEGREE]; 2]>);

impl Values {
    pub(super) fn zero() -> Self {
        Self(Box::new([[0; DEGREE]; 2]))
    }

    #[inline(always)]
    pub(super) fn residues(&self) -> &[[u16; DEGREE]; 2] {
        &self.0
    }

    #[inline(always)]
    pub(super) fn residues_mut(&mut self) -> &mut [[u16; DEGREE]; 2] {
        &mut self.0
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The values of a polynomial in Montgomery form, times R = 2^16, so that a product with it is one operation.
pub(super) struct Factor(Values);

impl Factor {
    #[inline(always)]
    pub(super) fn residues(&self) -> &[[u16; DEGREE]; 2] {
        self.0.residues()
    }
}

/// The arithmetic of the ring, and the kernel that computes it.
pub(super) struct Ring {
    kernel: Kernel,
    moduli: [Modulus; 2],
    forward: [ForwardFactors; 2],
    inverse: InverseFactors,
}

impl Ring {
    pub(super) fn new(kernel: Kernel) -> Self {
        let moduli = PRIMES.map(Modulus::new);
        Self { kernel, moduli, forward: moduli.map(forward_factors), inverse: inverse_factors(moduli) }
    }

    pub(super) fn kernel(&self) -> Kernel {
        self.kernel
    }

    #[inline(always)]
    pub(super) fn moduli(&self) -> [Modulus; 2] {
        self.moduli
    }

    /// The values of a polynomial of small coefficients.
    pub(super) fn transform_small(&self, polynomial: &SmallPolynomial, values: &mut Values) {
        self.kernel.vectorised(
            #[inline(always)]
            || {
                for (values, modulus) in values.residues_mut().iter_mut().zip(self.moduli) {
                    for (value, &coefficient) in values.iter_mut().zip(&*polynomial.0) {
                        *value = modulus.lift(coefficient);
                    }
                }
            },
        );
        self.transform(values);
    }

    /// Replaces coefficients, residues modulo each prime, by their values.
    pub(super) fn transform(&self, values: &mut Values) {
        for (values, factors) in values.residues_mut().iter_mut().zip(&self.forward) {
            self.kernel.forward_ntt(factors, values);
        }
    }

    /// Replaces the folded values of 8 lanes by S coefficients, for both primes.
    pub(super) fn inverse_folded(&self, values: &mut [[u16; WIDTH]; FOLDS]) {
        self.kernel.inverse_ntt(&self.inverse, values);
    }

    /// The Montgomery form of `values`.
    pub(super) fn factor(&self, mut values: Values) -> Factor {
        for (residues, modulus) in values.residues_mut().iter_mut().zip(self.moduli) {
            self.kernel.scale(modulus, residues, modulus.radix_squared());
        }
        Factor(values)
    }

    /// The Montgomery forms of several polynomials.
    pub(super) fn factors(&self, values: Vec<Values>) -> Vec<Factor> {
        values.into_iter().map(|values| self.factor(values)).collect()
    }

    /// `sum` + `other`, into `sum`.
    pub(super) fn add(&self, sum: &mut Values, other: &Values) {
        self.kernel.vectorised(
            #[inline(always)]
            || {
                for ((sum, other), modulus) in sum.residues_mut().iter_mut().zip(other.residues()).zip(self.moduli) {
                    for (sum, &other) in sum.iter_mut().zip(other) {
                        *sum = modulus.add(*sum, other);
                    }
                }
            },
        );
    }

    /// `sum` + `values` `factor`, into `sum`.
    pub(super) fn add_product(&self, sum: &mut Values, values: &Values, factor: &Factor) {
        let operands = values.residues().iter().zip(factor.residues());
        for ((sum, (values, factor)), modulus) in sum.residues_mut().iter_mut().zip(operands).zip(self.moduli) {
            self.kernel.add_products(modulus, sum, values, factor);
        }
    }

    /// `sum` - `values` `factor`, into `sum`.
    pub(super) fn subtract_product(&self, sum: &mut Values, values: &Values, factor: &Factor) {
        let operands = values.residues().iter().zip(factor.residues());
        for ((sum, (values, factor)), modulus) in sum.residues_mut().iter_mut().zip(operands).zip(self.moduli) {
            self.kernel.subtract_products(modulus, sum, values, factor);
        }
    }
}
