//! Encoding of unit vectors in polynomials, and decoding. Rejects vectors that are not of unit norm.
//!
//! Group g of a lane packs dimensions gK..gK+K of its S images: m_g(X) = sum_i sum_j x\[i\]\[gK+j\] X^(iK+j). The
//! query's is reversed: p_g(X) = sum_j y\[gK+j\] X^-j. Coefficient iK of the sum over g of m_g p_g is the inner product
//! of image i with the query (CKKS with coefficients in place of the canonical embedding: Cheon, Kim, Kim, Song 2017).

use zeroize::Zeroizing;

use super::error::VectorFault;
use super::layout::TILE;
use super::modulus::Modulus;
use super::parameters::Parameters;
use super::ring::Ring;

/// Largest deviation of a norm from 1. Vectors stored in half precision are within a thousandth.
const NORM_TOLERANCE: f64 = 1e-3;

/// Checks that a vector is finite and has the right length and norm 1.
pub(super) fn check(parameters: &Parameters, vector: &[f32]) -> Result<(), VectorFault> {
    if vector.len() != parameters.dimension() {
        return Err(VectorFault::Length { expected: parameters.dimension(), actual: vector.len() });
    }
    if let Some(component) = vector.iter().position(|x| !x.is_finite()) {
        return Err(VectorFault::NotFinite { component });
    }
    let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if (norm - 1.0).abs() > NORM_TOLERANCE { Err(VectorFault::Norm { actual: norm }) } else { Ok(()) }
}

/// Adds one group of dimensions of the images of a lane to the coefficients of a polynomial. Missing images are zero
/// vectors. K is a multiple of 16 in every parameter set.
#[inline(always)]
pub(super) fn add_group(parameters: &Parameters, lane: &[&[f32]], group: usize, coefficients: &mut [i32]) {
    let (packed, scale) = (parameters.packed(), parameters.stored_scale() as f32);
    for (image, coefficients) in lane.iter().zip(coefficients.chunks_exact_mut(packed)) {
        let components = &image[group * packed..(group + 1) * packed];
        let components = components.as_chunks::<16>().0;
        for (coefficients, components) in coefficients.as_chunks_mut::<16>().0.iter_mut().zip(components) {
            for (coefficient, &component) in coefficients.iter_mut().zip(components) {
                *coefficient += round(component * scale);
            }
        }
    }
}

/// Rounds |x| < 2^22 to the nearest integer, ties to even, without a library call: near 1.5 * 2^23 the last bit of the
/// fraction is worth 1.
#[inline(always)]
fn round(x: f32) -> i32 {
    const ONES: f32 = 12_582_912.0;
    (x + ONES).to_bits().cast_signed() - ONES.to_bits().cast_signed()
}

/// Rounds |x| < 2^31 in double precision: stored vectors are scaled to 18 bits, queries to 21.
#[inline(always)]
fn round_wide(x: f64) -> i32 {
    const ONES: f64 = 6_755_399_441_055_744.0;
    (x + ONES).to_bits() as i32
}

/// Decodes the images of one lane from the coefficients of its groups.
pub(super) fn decode_lane(parameters: &Parameters, groups: &[Vec<i32>], images: usize) -> Vec<Vec<f32>> {
    let packed = parameters.packed();
    let decode = |image: usize| {
        let components = groups.iter().flat_map(|group| &group[image * packed..(image + 1) * packed]);
        components.map(|&scaled| (f64::from(scaled) / parameters.stored_scale()) as f32).collect()
    };
    (0..images).map(decode).collect()
}

/// The values of a query's polynomials p_g, block by block of K slots.
///
/// With r_g(X) = sum_j y\[gK+j\] X^j, p_g(z) = r_g(1/z); if z is at slot k, 1/z is at slot n-1-k. r_g has only K
/// coefficients, so the first levels of the NTT just repeat them. The last log2 K levels run for all groups side by
/// side.
pub(super) struct QueryEncoding<'a> {
    ring: &'a Ring,
    /// Per prime `[j][group]`, residues of the scaled components.
    coefficients: [Zeroizing<Vec<u32>>; 2],
    /// Per prime `[slot of r in the block][group]`.
    values: [Zeroizing<Vec<u32>>; 2],
}

impl<'a> QueryEncoding<'a> {
    pub(super) fn new(ring: &'a Ring, query: &[f32]) -> Self {
        let parameters = ring.parameters();
        let (packed, groups) = (parameters.packed(), parameters.groups());
        let residues = |modulus: Modulus| {
            let mut residues = Zeroizing::new(vec![0; query.len()]);
            for (j, residues) in residues.chunks_exact_mut(groups).enumerate() {
                for (residue, components) in residues.iter_mut().zip(query.chunks_exact(packed)) {
                    *residue = modulus.reduce_signed(round_wide(f64::from(components[j]) * parameters.query_scale()));
                }
            }
            residues
        };
        let empty = || Zeroizing::new(vec![0; query.len()]);
        Self { ring, coefficients: ring.moduli().map(residues), values: [empty(), empty()] }
    }

    /// Computes the values of slots `block` K to `block` K + K.
    #[inline(always)]
    pub(super) fn compute_block(&mut self, block: usize) {
        let parameters = self.ring.parameters();
        let mirrored = parameters.lane_images() - 1 - block;
        for ((values, coefficients), ntt) in self.values.iter_mut().zip(&self.coefficients).zip(self.ring.ntts()) {
            ntt.forward_tail(coefficients, values, parameters.groups(), mirrored);
        }
    }

    /// The values of a tile of the computed block: `[prime][slot][group]`, below 11p.
    #[inline(always)]
    pub(super) fn tile(&self, tile: usize) -> [[&[u32]; TILE]; 2] {
        let parameters = self.ring.parameters();
        let groups = parameters.groups();
        // Mirrored, like the block.
        let last = parameters.packed() - 1 - tile * TILE;
        [0, 1].map(|prime| std::array::from_fn(|slot| &self.values[prime][(last - slot) * groups..][..groups]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ring::Polynomial;
    use super::super::scan::Kernel;
    use super::*;

    fn unit(length: usize) -> Vec<f32> {
        let mut vector = vec![0.0; length];
        vector[length / 2] = 1.0;
        vector
    }

    #[test]
    fn only_unit_vectors_pass() {
        let set = Parameters::V1;
        assert_eq!(check(&set, &unit(2048)), Ok(()));
        assert_eq!(check(&set, &unit(2047)), Err(VectorFault::Length { expected: 2048, actual: 2047 }));
        assert_eq!(check(&set, &[]), Err(VectorFault::Length { expected: 2048, actual: 0 }));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut vector = unit(2048);
            vector[7] = bad;
            assert_eq!(check(&set, &vector), Err(VectorFault::NotFinite { component: 7 }));
        }
        assert_eq!(check(&set, &[0.0; 2048]), Err(VectorFault::Norm { actual: 0.0 }));
        let long: Vec<f32> = unit(2048).iter().map(|x| x * 1.01).collect();
        assert!(matches!(check(&set, &long), Err(VectorFault::Norm { actual }) if (actual - 1.01).abs() < 1e-6));
    }

    #[test]
    fn rounding_is_to_the_nearest() {
        let extremes = [(185_363.8, 185_364), (-185_363.8, -185_364)];
        for (x, nearest) in
            [(0.49, 0), (0.51, 1), (-0.49, 0), (-0.51, -1), (0.5, 0), (1.5, 2)].into_iter().chain(extremes)
        {
            assert_eq!(round(x), nearest, "{x}");
            assert_eq!(round_wide(f64::from(x)), nearest, "{x}");
        }
    }

    #[test]
    fn the_query_encoding_is_the_transform_of_its_definition() {
        let ring = Ring::new(&Parameters::V1, Kernel::detect());
        let query: Vec<f32> = (0..2048).map(|i| ((i * 193) % 1000) as f32 / 30_000.0 - 0.015).collect();
        let mut encoding = QueryEncoding::new(&ring, &query);
        for group in [0, 17, 63] {
            // X^-j = -X^(n-j)
            let mut coefficients = vec![0; 2048];
            for j in 0..32 {
                let scaled = (f64::from(query[group * 32 + j]) * Parameters::V1.query_scale()).round() as i32;
                if j == 0 {
                    coefficients[0] = scaled;
                } else {
                    coefficients[2048 - j] = -scaled;
                }
            }
            let mut expected = Polynomial::zero(ring.parameters());
            ring.ntt_small(&coefficients, &mut expected);
            for block in 0..64 {
                encoding.compute_block(block);
                for slot in 0..32 {
                    for prime in 0..2 {
                        let found = encoding.tile(slot / TILE)[prime][slot % TILE][group];
                        let found = ring.moduli()[prime].reduce(found);
                        assert_eq!(found, expected.residues()[prime][block * 32 + slot]);
                    }
                }
            }
        }
    }
}
