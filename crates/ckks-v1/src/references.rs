//! The reference polynomials shared by all ciphertexts of a vault, expanded from the seed of its public context.

use super::context::PublicContext;
use super::layout::{AlignedBytes, PIECE_BYTES, TILE};
use super::packing::pack_polynomial;
use super::parameters::LANES;
use super::ring::{Evaluation, Polynomial, Ring};
use super::sampling::Randomness;

/// The reference polynomials in the evaluation domain, and T1, which depends only on them.
pub(super) struct References {
    /// a, in the layout of a block.
    pub(super) stored: AlignedBytes,
    /// c, in the layout of a query.
    pub(super) query: AlignedBytes,
    /// T1\[lane\] = sum over g of a\[lane\]\[g\] c\[g\].
    pub(super) constant: Vec<Polynomial<Evaluation>>,
}

/// First half of the ChaCha20 stream number of a reference polynomial.
const STREAM_STORED: u64 = 0;
const STREAM_QUERY: u64 = 1;

impl References {
    /// Expands the seed: for each polynomial one ChaCha20 stream (kind << 32 | index), residues of the first prime,
    /// then of the second, as values.
    pub(super) fn expand(public: &PublicContext, ring: &Ring) -> Self {
        let parameters = public.parameters();
        let groups = parameters.groups();
        let mut polynomial = Polynomial::zero(parameters);
        let mut draw = |kind: u64, index: usize, bytes: &mut [u8], lanes: usize| {
            let mut randomness = Randomness::from_seed(&public.seed, kind << 32 | index as u64);
            for (residues, prime) in polynomial.residues_mut().into_iter().zip(parameters.primes()) {
                randomness.fill_uniform(residues, prime);
            }
            pack_polynomial(parameters, bytes, lanes, index / groups, index % groups, &polynomial);
        };
        let mut stored = AlignedBytes::zeroed(parameters.block_bytes());
        for index in 0..LANES * groups {
            draw(STREAM_STORED, index, &mut stored, LANES);
        }
        let mut query = AlignedBytes::zeroed(parameters.query_bytes());
        for index in 0..groups {
            draw(STREAM_QUERY, index, &mut query, 1);
        }
        let constant = group_sums(ring, &stored, &query);
        Self { stored, query, constant }
    }
}

/// For each lane the sum over g of `block`\[lane\]\[g\] `query`\[g\], before the trace: R1, T0 and T1.
pub(super) fn group_sums(ring: &Ring, block: &[u8], query: &[u8]) -> Vec<Polynomial<Evaluation>> {
    let mut sums: Vec<_> = (0..LANES).map(|_| Polynomial::zero(ring.parameters())).collect();
    add_group_sums(ring, 0, block, query, &mut sums);
    sums
}

/// Writes [`group_sums`] for the tiles that `query` covers, starting at `first`.
pub(super) fn add_group_sums(
    ring: &Ring,
    first: usize,
    block: &[u8],
    query: &[u8],
    sums: &mut [Polynomial<Evaluation>],
) {
    let tile_bytes = ring.parameters().groups() / TILE * PIECE_BYTES;
    let blocks = block.chunks_exact(tile_bytes * LANES).skip(first);
    for (tile, (block, query)) in (first..).zip(blocks.zip(query.chunks_exact(tile_bytes))) {
        let tile_sums = ring.kernel().span(block, query);
        for (polynomial, lane_sums) in sums.iter_mut().zip(tile_sums) {
            for ((residues, sums), modulus) in polynomial.residues_mut().into_iter().zip(lane_sums).zip(ring.moduli()) {
                for (residue, sum) in residues[tile * TILE..(tile + 1) * TILE].iter_mut().zip(sums) {
                    *residue = modulus.reduce_wide(sum);
                }
            }
        }
    }
}
