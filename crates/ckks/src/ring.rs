//! R_q = Z_q\[X\] / (X^n + 1) with q = p1 p2, as residues modulo both primes (RNS).
//!
//! The type of a polynomial says whether it holds coefficients or values (NTT slots), so the domains cannot be mixed.
//! Polynomials are wiped on drop, because nearly all are derived from a secret. Functions marked `inline(always)` are
//! meant for the inside of [`Kernel::vectorised`].

use zeroize::Zeroize;

use super::kernel::Kernel;
use super::modulus::Modulus;
use super::ntt::Ntt;
use super::parameters::{DEGREE, PRIMES};

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

/// The arithmetic of the ring, and the kernel that its loops are compiled for.
pub(super) struct Ring {
    kernel: Kernel,
    moduli: [Modulus; 2],
    ntts: [Ntt; 2],
}

impl Ring {
    pub(super) fn new(kernel: Kernel) -> Self {
        let moduli = PRIMES.map(Modulus::new);
        Self { kernel, moduli, ntts: moduli.map(Ntt::new) }
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

    /// The values of a polynomial of small coefficients.
    #[inline(always)]
    pub(super) fn transform_small(&self, polynomial: &SmallPolynomial, values: &mut Values) {
        for ((values, ntt), modulus) in values.residues_mut().iter_mut().zip(&self.ntts).zip(self.moduli) {
            for (value, &coefficient) in values.iter_mut().zip(&*polynomial.0) {
                *value = modulus.lift(coefficient);
            }
            ntt.forward(self.kernel, values);
        }
    }

    /// Replaces coefficients, residues modulo each prime, by their values.
    #[inline(always)]
    pub(super) fn transform(&self, values: &mut Values) {
        for (values, ntt) in values.residues_mut().iter_mut().zip(&self.ntts) {
            ntt.forward(self.kernel, values);
        }
    }

    /// The Montgomery form of `values`.
    #[inline(always)]
    pub(super) fn factor(&self, values: &Values) -> Factor {
        let mut factor = Values::zero();
        for ((to, from), modulus) in factor.residues_mut().iter_mut().zip(values.residues()).zip(self.moduli) {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = modulus.to_montgomery(from);
            }
        }
        Factor(factor)
    }

    /// `sum` + `other`, into `sum`.
    #[inline(always)]
    pub(super) fn add(&self, sum: &mut Values, other: &Values) {
        for ((sum, other), modulus) in sum.residues_mut().iter_mut().zip(other.residues()).zip(self.moduli) {
            for (sum, &other) in sum.iter_mut().zip(other) {
                *sum = modulus.add(*sum, other);
            }
        }
    }

    /// `sum` + `values` `factor`, into `sum`.
    #[inline(always)]
    pub(super) fn add_product(&self, sum: &mut Values, values: &Values, factor: &Factor) {
        let operands = values.residues().iter().zip(factor.residues());
        for ((sum, (values, factor)), modulus) in sum.residues_mut().iter_mut().zip(operands).zip(self.moduli) {
            for ((sum, &value), &factor) in sum.iter_mut().zip(values).zip(factor) {
                *sum = modulus.add(*sum, modulus.multiply(value, factor));
            }
        }
    }

    /// `sum` - `values` `factor`, into `sum`.
    #[inline(always)]
    pub(super) fn subtract_product(&self, sum: &mut Values, values: &Values, factor: &Factor) {
        let operands = values.residues().iter().zip(factor.residues());
        for ((sum, (values, factor)), modulus) in sum.residues_mut().iter_mut().zip(operands).zip(self.moduli) {
            for ((sum, &value), &factor) in sum.iter_mut().zip(values).zip(factor) {
                *sum = modulus.subtract(*sum, modulus.multiply(value, factor));
            }
        }
    }
}
