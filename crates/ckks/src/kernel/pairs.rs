//! Sums over the groups of products that are not folded: sum over g of a\[l\]\[g\] Q\[g\], slot by slot.
//!
//! The vector instruction for sums of products adds neighbouring ones, so the residues of two groups are interleaved.

use super::simd::{Pair, SLOTS, Simd, WIDTH};
use crate::modulus::{Modulus, centred};
use crate::parameters::{DEGREE, LANES, LARGEST_DIMENSION, PACKED, PRIMES};

const _: () = assert!(LARGEST_DIMENSION / PACKED <= 512);

/// Runs of 8 slots of one polynomial.
const RUNS: usize = DEGREE / SLOTS;

/// The residues of both primes of a polynomial.
type Residues = [[u16; DEGREE]; 2];

/// Interleaves the values of neighbouring groups and passes them to `pair(prime, run, pair of groups, residues)`.
fn interleaved(moduli: [Modulus; 2], groups: &[&Residues], mut pair: impl FnMut(usize, usize, usize, Pair)) {
    for (prime, modulus) in moduli.into_iter().enumerate() {
        for (at, groups) in groups.as_chunks::<2>().0.iter().enumerate() {
            for run in 0..RUNS {
                let residue = |slot: usize| modulus.centre(groups[slot % 2][prime][run * SLOTS + slot / 2]);
                pair(prime, run, at, std::array::from_fn(residue));
            }
        }
    }
}

/// Reference polynomials of all lanes: `[prime][run][lane][pair of groups]`.
pub(crate) struct PairedReferences {
    pairs: Vec<Pair>,
    row_pairs: usize,
}

impl PairedReferences {
    /// From the values of each lane's groups, an even number.
    pub(crate) fn new(moduli: [Modulus; 2], lanes: &[Vec<&Residues>; LANES]) -> Self {
        let row_pairs = lanes[0].len() / 2;
        let mut pairs = vec![[0; WIDTH]; PRIMES.len() * RUNS * LANES * row_pairs];
        for (lane, groups) in lanes.iter().enumerate() {
            interleaved(moduli, groups, |prime, run, at, pair| {
                pairs[((prime * RUNS + run) * LANES + lane) * row_pairs + at] = pair;
            });
        }
        Self { pairs, row_pairs }
    }
}

/// The values of a query, split like in the scan and interleaved: `[prime][run][pair of groups]`, low and high parts.
pub(crate) struct PairedQuery(Vec<[Pair; 2]>);

impl PairedQuery {
    /// From the values of its groups, an even number.
    pub(crate) fn new(moduli: [Modulus; 2], groups: &[&Residues]) -> Self {
        let row_pairs = groups.len() / 2;
        let mut pairs = vec![[[0; WIDTH]; 2]; PRIMES.len() * RUNS * row_pairs];
        interleaved(moduli, groups, |prime, run, at, pair| {
            let low = pair.map(|residue| i16::from(residue as i8));
            let high = std::array::from_fn(|slot| (pair[slot] - low[slot]) >> 8);
            pairs[(prime * RUNS + run) * row_pairs + at] = [low, high];
        });
        Self(pairs)
    }
}

/// The sums of all lanes. Up to 512 products of |x| <= 30720 and 128 stay below 2^31, one for each group.
#[inline(always)]
pub(super) fn sums<S: Simd>(
    simd: S,
    references: &PairedReferences,
    query: &PairedQuery,
    moduli: [Modulus; 2],
    mut write: impl FnMut(usize, usize, usize, [u16; SLOTS]),
) {
    let row_pairs = references.row_pairs;
    let queries = query.0.chunks_exact(row_pairs);
    for (row, (lanes, query)) in references.pairs.chunks_exact(LANES * row_pairs).zip(queries).enumerate() {
        let (prime, run) = (row / RUNS, row % RUNS);
        for (lane, references) in lanes.chunks_exact(row_pairs).enumerate() {
            let [low, high] = simd.sums_of_pairs(references, query);
            let residue = |slot: usize| {
                let sum = f64::from(high[slot]) * 256.0 + f64::from(low[slot]);
                moduli[prime].lift(centred(sum, PRIMES[prime]))
            };
            write(lane, prime, run * SLOTS, std::array::from_fn(residue));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernel;

    #[test]
    fn sums_of_the_most_groups_do_not_overflow() {
        // Largest residues, and those with a low part of -128 and the largest high part beside it.
        const GROUPS: usize = 512;
        let moduli = PRIMES.map(Modulus::new);
        let filled = |of_prime: [i64; 2]| -> Residues {
            [0, 1].map(|prime: usize| [moduli[prime].reduce(of_prime[prime]); DEGREE])
        };
        let largest = [30_720, 20_480];
        let low = [30_720 / 256 * 256 - 128, 20_480 / 256 * 256 - 128];
        for reference in [largest, largest.map(|x: i64| -x)] {
            let residues = filled(reference);
            let lanes: [Vec<&Residues>; LANES] = std::array::from_fn(|_| vec![&residues; GROUPS]);
            let references = PairedReferences::new(moduli, &lanes);
            for query in [largest, low, low.map(|x| -x), [0, 1]] {
                let residues = filled(query);
                let query_pairs = PairedQuery::new(moduli, &[&residues; GROUPS]);
                let expected: [u16; 2] =
                    std::array::from_fn(|prime| moduli[prime].reduce(reference[prime] * query[prime] * GROUPS as i64));
                for kernel in Kernel::supported() {
                    let mut written = 0;
                    kernel.sums_of_pairs(&references, &query_pairs, moduli, |_, prime, _, residues| {
                        assert_eq!(residues, [expected[prime]; SLOTS], "{}", kernel.name());
                        written += 1;
                    });
                    assert_eq!(written, LANES * PRIMES.len() * RUNS);
                }
            }
        }
    }
}
