//! Encoding of unit vectors in polynomials. Rejects vectors that are not of unit norm.
//!
//! Group g of a lane packs components gK..gK+K of its S images: m_g(X) = sum_i sum_j x\[i\]\[gK+j\] X^(iK+j). The
//! query's is reversed: p_g(X) = sum_j y\[gK+j\] X^-j. Coefficient iK of the sum over g of m_g p_g is the inner product
//! of image i with the query (CKKS with coefficients in place of the canonical embedding: Cheon, Kim, Kim, Song 2017).
//! Components may be negative.

use zeroize::Zeroizing;

use super::error::VectorFault;
use super::modulus::Modulus;
use super::parameters::{DEGREE, PACKED, Parameters, QUERY_SCALE, STORED_SCALE};
use super::ring::Values;

/// Largest deviation of a norm from 1. Vectors stored in half precision are within a thousandth.
const NORM_TOLERANCE: f64 = 1e-3;

/// Checks that a vector has the right length, and either only zeros or norm 1.
pub(super) fn check_stored(parameters: &Parameters, vector: &[f32]) -> Result<(), VectorFault> {
    let is_empty = vector.len() == parameters.dimension() && vector.iter().all(|component| *component == 0.0);
    if is_empty { Ok(()) } else { check(parameters, vector) }
}

/// Checks that a vector is finite and has the right length and norm 1.
pub(super) fn check(parameters: &Parameters, vector: &[f32]) -> Result<(), VectorFault> {
    if vector.len() != parameters.dimension() {
        return Err(VectorFault::Length { expected: parameters.dimension(), actual: vector.len() });
    }
    // Several sums, which are computed side by side.
    const SUMS: usize = 16;
    let mut squares = [0.0; SUMS];
    for components in vector.chunks(SUMS) {
        for (sum, &x) in squares.iter_mut().zip(components) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    let norm = squares.iter().sum::<f64>().sqrt();
    if !norm.is_finite()
        && let Some(component) = vector.iter().position(|x| !x.is_finite())
    {
        return Err(VectorFault::NotFinite { component });
    }
    if (norm - 1.0).abs() > NORM_TOLERANCE { Err(VectorFault::Norm { actual: norm }) } else { Ok(()) }
}

/// The scaled components of a stored vector, rounded half to even. At most 11,597 in absolute value, so a sum with
/// noise is below both primes.
#[inline(always)]
pub(super) fn encode_stored(vector: &[f32], scaled: &mut [i16]) {
    // Without a library call: near 1.5 * 2^23 the last bit of the fraction is worth 1.
    const ROUNDING: f32 = 12_582_912.0;
    for (scaled, &component) in scaled.iter_mut().zip(vector) {
        let sum = component * STORED_SCALE as f32 + ROUNDING;
        *scaled = (sum.to_bits().cast_signed() - ROUNDING.to_bits().cast_signed()) as i16;
    }
}

/// The coefficients of p_g for one group of a query: floor(v + 1/2) of the scaled components, which exceed p1.
pub(super) fn encode_query_group(moduli: [Modulus; 2], components: &[f32], coefficients: &mut Values) {
    let scale = |&component: &f32| {
        // floor(v + 1/2), from the nearest integer: near 1.5 * 2^52 the last bit of the fraction is worth 1.
        const ROUNDING: f64 = 6_755_399_441_055_744.0;
        let sum = f64::from(component) * QUERY_SCALE + 0.5;
        let nearest = (sum + ROUNDING) - ROUNDING;
        (nearest - f64::from(u8::from(nearest > sum))) as i64
    };
    let scaled: Zeroizing<Vec<i64>> = Zeroizing::new(components.iter().map(scale).collect());
    for (residues, modulus) in coefficients.residues_mut().iter_mut().zip(moduli) {
        residues.fill(0);
        for (j, &value) in scaled.iter().enumerate().take(PACKED) {
            // X^-j = -X^(n-j)
            let (at, value) = if j == 0 { (0, value) } else { (DEGREE - j, -value) };
            residues[at] = modulus.reduce(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(length: usize) -> Vec<f32> {
        let mut vector = vec![0.0; length];
        vector[length / 2] = 1.0;
        vector
    }

    #[test]
    fn only_unit_vectors_pass() {
        let set = Parameters::for_dimension(512).unwrap();
        assert_eq!(check(&set, &unit(512)), Ok(()));
        assert_eq!(check(&set, &unit(511)), Err(VectorFault::Length { expected: 512, actual: 511 }));
        assert_eq!(check(&set, &[]), Err(VectorFault::Length { expected: 512, actual: 0 }));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut vector = unit(512);
            vector[7] = bad;
            assert_eq!(check(&set, &vector), Err(VectorFault::NotFinite { component: 7 }));
        }
        assert_eq!(check(&set, &[0.0; 512]), Err(VectorFault::Norm { actual: 0.0 }));
        let negative: Vec<f32> = unit(512).iter().map(|x| -x).collect();
        assert_eq!(check(&set, &negative), Ok(()));
        let long: Vec<f32> = unit(512).iter().map(|x| x * 1.01).collect();
        assert!(matches!(check(&set, &long), Err(VectorFault::Norm { actual }) if (actual - 1.01).abs() < 1e-6));
    }

    #[test]
    fn stored_components_are_rounded_half_to_even() {
        let scale = STORED_SCALE as f32;
        // The last three are ties: 0.5, 2.5 and 3.5.
        let ties = [4.315_837_6e-5, 2.157_918_6e-4, 3.021_086_2e-4];
        let vector = [0.0, 1.0, -1.0, 2.6 / scale, -2.6 / scale, ties[0], ties[1], ties[2]];
        assert_eq!(ties.map(|tie| tie * scale), [0.5, 2.5, 3.5]);
        let mut scaled = [0; 8];
        encode_stored(&vector, &mut scaled);
        assert_eq!(scaled, [0, 11_585, -11_585, 3, -3, 0, 2, 4]);
    }

    #[test]
    fn query_components_are_reversed_and_reduced() {
        let mut components = [0.0; PACKED];
        (components[0], components[1], components[31]) = (1.0, -1.0, 0.5);
        let mut coefficients = Values::zero();
        encode_query_group(crate::parameters::PRIMES.map(Modulus::new), &components, &mut coefficients);
        // 92,682 and half of it; X^-1 = -X^2047.
        let [first, second] = coefficients.residues();
        assert_eq!((first[0], first[2047], first[2017]), (31_241, 31_241, 15_100));
        assert_eq!((second[0], second[2047]), (10_760, 10_760));
        assert_eq!(first.iter().filter(|&&value| value != 0).count(), 3);
    }
}
