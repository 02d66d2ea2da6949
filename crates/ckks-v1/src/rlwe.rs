//! RLWE samples b = a s + e + m. Callers must not use a secret twice with the same a.
//!
//! Lyubashevsky, Peikert, Regev, "On ideal lattices and learning with errors over rings" (2010).

use zeroize::Zeroizing;

use super::parameters::Parameters;
use super::ring::{Evaluation, Polynomial, Ring};
use super::sampling::{Randomness, centred_binomial};

/// A ternary secret in the evaluation domain. Wiped on drop.
pub(super) struct RlweSecret(Polynomial<Evaluation>);

impl RlweSecret {
    /// A uniform ternary secret from `randomness`.
    pub(super) fn draw(ring: &Ring, randomness: &mut Randomness) -> Self {
        let mut coefficients = Zeroizing::new(vec![0; ring.parameters().degree()]);
        randomness.fill_ternary(&mut coefficients);
        let mut values = Polynomial::zero(ring.parameters());
        ring.kernel().vectorised(
            #[inline(always)]
            || ring.ntt_small(&coefficients, &mut values),
        );
        Self(values)
    }

    #[inline(always)]
    pub(super) fn values(&self) -> [&[u32]; 2] {
        self.0.residues()
    }

    /// With Shoup companions, for products with many reference polynomials.
    pub(super) fn prepared(&self, ring: &Ring) -> PreparedSecret<'_> {
        let companions = [0, 1].map(|prime| {
            let modulus = ring.moduli()[prime];
            Zeroizing::new(self.values()[prime].iter().map(|&value| modulus.companion(value)).collect())
        });
        PreparedSecret { secret: self, companions }
    }
}

/// A secret with Shoup companions.
pub(super) struct PreparedSecret<'a> {
    secret: &'a RlweSecret,
    companions: [Zeroizing<Vec<u32>>; 2],
}

impl PreparedSecret<'_> {
    /// `sum` + `reference` s, into `sum`.
    #[inline(always)]
    pub(super) fn add_product(&self, ring: &Ring, reference: [&[u32]; 2], sum: &mut Polynomial<Evaluation>) {
        for (prime, sum) in sum.residues_mut().into_iter().enumerate() {
            let modulus = ring.moduli()[prime];
            let factors = self.secret.values()[prime].iter().zip(&*self.companions[prime]);
            for ((sum, &value), (&factor, &companion)) in sum.iter_mut().zip(reference[prime]).zip(factors) {
                *sum = modulus.reduce(modulus.multiply_lazy(value, factor, companion) + *sum);
            }
        }
    }

    /// `sum` - `reference` s, into `sum`.
    #[inline(always)]
    pub(super) fn subtract_product(&self, ring: &Ring, reference: [&[u32]; 2], sum: &mut Polynomial<Evaluation>) {
        for (prime, sum) in sum.residues_mut().into_iter().enumerate() {
            let modulus = ring.moduli()[prime];
            let factors = self.secret.values()[prime].iter().zip(&*self.companions[prime]);
            for ((sum, &value), (&factor, &companion)) in sum.iter_mut().zip(reference[prime]).zip(factors) {
                let product = modulus.multiply_lazy(value, factor, companion);
                *sum = modulus.reduce(*sum + 2 * modulus.prime() - product);
            }
        }
    }
}

/// Coefficients of fresh noise plus a message, in buffers reused for many encryptions. Wiped on drop.
pub(super) struct NoisyMessage {
    words: Zeroizing<Vec<u8>>,
    coefficients: Zeroizing<Vec<i32>>,
}

impl NoisyMessage {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let degree = parameters.degree();
        Self { words: Zeroizing::new(vec![0; 8 * degree]), coefficients: Zeroizing::new(vec![0; degree]) }
    }

    /// Replaces the coefficients by fresh noise and returns them, to add a message. Call it inside
    /// `Kernel::vectorised`.
    #[inline(always)]
    pub(super) fn draw_noise(&mut self, randomness: &mut Randomness) -> &mut [i32] {
        randomness.fill(&mut self.words);
        centred_binomial(&self.words, &mut self.coefficients);
        &mut self.coefficients
    }

    #[inline(always)]
    pub(super) fn coefficients(&self) -> &[i32] {
        &self.coefficients
    }
}
