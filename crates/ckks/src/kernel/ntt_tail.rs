//! The last four levels of the NTT, whose butterflies connect values inside one or two vectors of 16 residues.

use crate::modulus::Modulus;
use crate::parameters::DEGREE;

/// Residues of a vector.
pub(super) const WIDTH: usize = 16;
/// Levels with distances 8, 4, 2 and 1.
pub(super) const LEVELS: usize = 4;
/// Pairs of vectors.
const PAIRS: usize = DEGREE / (2 * WIDTH);

/// Twiddle factors of the last levels.
pub(crate) struct NttTail {
    pub(super) modulus: Modulus,
    /// All factors, in the order of the blocks of each level; those of level m are at m..2m.
    factors: Vec<u16>,
    /// For each pair of vectors and each level, the factors in the order of [`exchange`].
    pub(super) paired: Vec<[[u16; WIDTH]; LEVELS]>,
}

/// Swaps the odd blocks of `low` with the even blocks of `high`, of `distance` values each. Before a level this brings
/// the partners of all butterflies to the same positions of both vectors. It is its own inverse.
pub(super) fn exchange<T>(low: &mut [T; WIDTH], high: &mut [T; WIDTH], distance: usize) {
    for at in (0..WIDTH).filter(|at| at / distance % 2 == 1) {
        std::mem::swap(&mut low[at], &mut high[at - distance]);
    }
}

impl NttTail {
    /// Distance of the partners in the first of these levels.
    pub(crate) const FIRST_DISTANCE: usize = 1 << (LEVELS - 1);

    pub(crate) fn new(modulus: Modulus, factors: &[u16]) -> Self {
        let paired = |pair: usize| {
            let mut low: [usize; WIDTH] = std::array::from_fn(|at| 2 * WIDTH * pair + at);
            let mut high = low.map(|at| at + WIDTH);
            std::array::from_fn(|level| {
                let distance = Self::FIRST_DISTANCE >> level;
                exchange(&mut low, &mut high, distance);
                low.map(|at| factors[(DEGREE + at) / (2 * distance)])
            })
        };
        Self { modulus, factors: factors.to_vec(), paired: (0..PAIRS).map(paired).collect() }
    }

    /// The levels in portable Rust.
    #[inline(always)]
    pub(super) fn portable(&self, values: &mut [u16; DEGREE]) {
        let mut distance = Self::FIRST_DISTANCE;
        while distance > 0 {
            let level = DEGREE / 2 / distance;
            for (pair, &factor) in values.chunks_exact_mut(2 * distance).zip(&self.factors[level..2 * level]) {
                let (low, high) = pair.split_at_mut(distance);
                for (low, high) in low.iter_mut().zip(high) {
                    let product = self.modulus.multiply(*high, factor);
                    *high = self.modulus.subtract(*low, product);
                    *low = self.modulus.add(*low, product);
                }
            }
            distance /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_bring_partners_together_and_are_their_own_inverse() {
        let mut low: [usize; WIDTH] = std::array::from_fn(|at| at);
        let mut high = low.map(|at| at + WIDTH);
        for distance in [8, 4, 2, 1] {
            exchange(&mut low, &mut high, distance);
            assert!(low.iter().zip(&high).all(|(low, high)| low + distance == *high && low / distance % 2 == 0));
        }
        for distance in [1, 2, 4, 8] {
            exchange(&mut low, &mut high, distance);
        }
        assert!(low.iter().copied().eq(0..WIDTH) && high.iter().copied().eq(WIDTH..2 * WIDTH));
    }
}
