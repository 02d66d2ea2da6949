//! The reference polynomials shared by all ciphertexts of a collection, expanded from the seed of its public context.

use super::context::PublicContext;
use super::parameters::{LANES, PRIMES};
use super::ring::{Factor, Ring, Values};
use super::sampling::Randomness;

/// First half of the ChaCha20 stream number of a reference polynomial.
const STREAM_STORED: u64 = 0;
const STREAM_QUERY: u64 = 1;

/// The reference polynomials as factors, and T1, which depends only on them.
pub(super) struct References {
    /// a\[lane\]\[g\].
    pub(super) stored: [Vec<Factor>; LANES],
    /// c\[g\].
    pub(super) query: Vec<Factor>,
    /// T1\[lane\] = sum over g of a\[lane\]\[g\] c\[g\].
    pub(super) constant: [Factor; LANES],
}

impl References {
    /// Expands the seed: for each polynomial one ChaCha20 stream (kind << 32 | lane G + g), the values modulo the first
    /// prime, then modulo the second.
    pub(super) fn expand(public: &PublicContext, ring: &Ring) -> Self {
        let groups = public.parameters().groups();
        let draw = |kind: u64, index: usize| {
            let mut values = Values::zero();
            let mut randomness = Randomness::from_seed(&public.seed, kind << 32 | index as u64);
            for (residues, prime) in values.residues_mut().iter_mut().zip(PRIMES) {
                randomness.fill_uniform(residues, prime);
            }
            values
        };
        let query_values: Vec<Values> = (0..groups).map(|group| draw(STREAM_QUERY, group)).collect();
        let lane = |lane: usize| {
            let mut sum = Values::zero();
            let stored = query_values.iter().enumerate().map(|(group, query)| {
                let reference = draw(STREAM_STORED, lane * groups + group);
                let reference = ring.factor(reference);
                ring.add_product(&mut sum, query, &reference);
                reference
            });
            let stored: Vec<Factor> = stored.collect();
            let constant = ring.factor(sum);
            (stored, constant)
        };
        let mut lanes: [(Vec<Factor>, Factor); LANES] = std::array::from_fn(lane);
        let stored = std::array::from_fn(|lane| std::mem::take(&mut lanes[lane].0));
        let constant = lanes.map(|(_, constant)| constant);
        let query = query_values.into_iter().map(|values| ring.factor(values)).collect();
        Self { stored, query, constant }
    }
}
