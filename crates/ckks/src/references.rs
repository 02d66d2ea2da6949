//! The reference polynomials shared by all ciphertexts of a collection, expanded from the seed of its public context.

use super::context::PublicContext;
use super::kernel::PairedReferences;
use super::parameters::{LANES, PRIMES};
use super::ring::{Factor, Ring, Values};
use super::sampling::Randomness;

/// First half of the number of a ChaCha20 stream: of a reference polynomial for blocks, or for queries.
const STREAM_STORED: u64 = 0;
const STREAM_QUERY: u64 = 1;

/// The reference polynomials as factors, and T1, which depends only on them.
pub(super) struct References {
    /// a\[lane\]\[g\].
    pub(super) stored: [Vec<Factor>; LANES],
    /// The same residues, interleaved by pairs of groups.
    pub(super) paired: PairedReferences,
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
        let stored: [Vec<Values>; LANES] =
            std::array::from_fn(|lane| (0..groups).map(|group| draw(STREAM_STORED, lane * groups + group)).collect());
        let residues = std::array::from_fn(|lane| stored[lane].iter().map(Values::residues).collect());
        let paired = PairedReferences::new(ring.moduli(), &residues);
        let query: Vec<Values> = (0..groups).map(|group| draw(STREAM_QUERY, group)).collect();
        let stored = stored.map(|values| ring.factors(values));
        let constant = std::array::from_fn(|lane: usize| {
            let mut sum = Values::zero();
            for (reference, query) in stored[lane].iter().zip(&query) {
                ring.add_product(&mut sum, query, reference);
            }
            ring.factor(sum)
        });
        Self { stored, paired, query: ring.factors(query), constant }
    }
}
