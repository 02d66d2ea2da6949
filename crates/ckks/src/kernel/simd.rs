//! Vectors of 16 residues: the interface of the transforms and products to an instruction set.
//!
//! Compilers do not vectorise this arithmetic well: they widen it to 32 bits for the sake of one comparison.
//!
//! A value of a [`Simd`] type proves that the processor has the instructions, so [`Simd::vectorised`] can compile its
//! body with them. This affects only code inlined into the body: mark what it calls `#[inline(always)]`.

use super::scan::{SplitPiece, products};
use crate::modulus::Modulus;
use crate::parameters::{LANES, PIECE_BYTES};

/// Residues of a vector.
pub(crate) const WIDTH: usize = 16;

/// Slots whose pairs fill a vector.
pub(super) const SLOTS: usize = WIDTH / 2;

/// 8 slots of two groups, interleaved.
pub(super) type Pair = [i16; WIDTH];

/// Arithmetic on vectors of residues in one instruction set. The operations are those of [`Modulus`].
pub(super) trait Simd: Copy {
    type Vector: Copy;

    /// Runs `body`, compiled with these instructions.
    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R;

    fn load(self, residues: &[u16; WIDTH]) -> Self::Vector;
    fn store(self, vector: Self::Vector, residues: &mut [u16; WIDTH]);

    /// x - y modulo p, for y up to p.
    fn subtract(self, x: Self::Vector, y: Self::Vector, prime: Self::Vector) -> Self::Vector;
    /// x y / R modulo p.
    fn multiply(self, x: Self::Vector, y: Self::Vector, modulus: VectorModulus<Self>) -> Self::Vector;
    /// x - y, which must not be negative.
    fn difference(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    /// x - p where x exceeds `half`, else x: the centred form as a 16-bit word.
    fn centre(self, x: Self::Vector, half: Self::Vector, prime: Self::Vector) -> Self::Vector;
    /// [`exchange`] for distances 8, 4, 2 and 1.
    fn exchange(self, low: Self::Vector, high: Self::Vector, distance: usize) -> [Self::Vector; 2];

    /// Sums of the products of K residues with the low and with the high parts of K others.
    fn products(self, residues: &[u8; PIECE_BYTES], parts: &SplitPiece) -> [i32; 2];
    /// For each of 8 slots the sums of the products with the low and with the high parts.
    fn sums_of_pairs(self, references: &[Pair], query: &[[Pair; 2]]) -> [[i32; SLOTS]; 2];

    #[inline(always)]
    fn splat(self, value: u16) -> Self::Vector {
        self.load(&[value; WIDTH])
    }

    /// x + y modulo p.
    #[inline(always)]
    fn add(self, x: Self::Vector, y: Self::Vector, prime: Self::Vector) -> Self::Vector {
        self.subtract(x, self.difference(prime, y), prime)
    }
}

/// Primes and their inverses modulo R for each residue of a vector.
pub(super) struct VectorModulus<S: Simd> {
    pub(super) prime: S::Vector,
    pub(super) inverse: S::Vector,
}

impl<S: Simd> Clone for VectorModulus<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Simd> Copy for VectorModulus<S> {}

impl<S: Simd> VectorModulus<S> {
    /// The same prime for all residues.
    #[inline(always)]
    pub(super) fn new(simd: S, modulus: Modulus) -> Self {
        Self { prime: simd.splat(modulus.prime()), inverse: simd.splat(modulus.inverse()) }
    }

    /// The first prime for 8 residues, the second for the other 8.
    #[inline(always)]
    pub(super) fn of_both(simd: S, moduli: [Modulus; 2]) -> Self {
        let of_lane = |value: fn(Modulus) -> u16| std::array::from_fn(|at| value(moduli[at / LANES]));
        Self { prime: simd.load(&of_lane(Modulus::prime)), inverse: simd.load(&of_lane(Modulus::inverse)) }
    }
}

/// Swaps the odd blocks of `low` with the even blocks of `high`, of `distance` values each. Before a level of an NTT
/// this brings the partners of all butterflies to the same positions of both vectors. It is its own inverse.
pub(super) fn exchange<T>(low: &mut [T; WIDTH], high: &mut [T; WIDTH], distance: usize) {
    for at in (0..WIDTH).filter(|at| at / distance % 2 == 1) {
        std::mem::swap(&mut low[at], &mut high[at - distance]);
    }
}

/// Portable Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Simd for Portable {
    type Vector = [u16; WIDTH];

    #[inline(always)]
    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[inline(always)]
    fn load(self, residues: &[u16; WIDTH]) -> [u16; WIDTH] {
        *residues
    }

    #[inline(always)]
    fn store(self, vector: [u16; WIDTH], residues: &mut [u16; WIDTH]) {
        *residues = vector;
    }

    #[inline(always)]
    fn subtract(self, x: [u16; WIDTH], y: [u16; WIDTH], prime: [u16; WIDTH]) -> [u16; WIDTH] {
        std::array::from_fn(|at| x[at].wrapping_sub(y[at]).wrapping_add(if x[at] < y[at] { prime[at] } else { 0 }))
    }

    #[inline(always)]
    fn multiply(self, x: [u16; WIDTH], y: [u16; WIDTH], modulus: VectorModulus<Self>) -> [u16; WIDTH] {
        let high = |x: u16, y: u16| ((u32::from(x) * u32::from(y)) >> u16::BITS) as u16;
        let multiple = |at: usize| x[at].wrapping_mul(y[at]).wrapping_mul(modulus.inverse[at]);
        let cleared = std::array::from_fn(|at| high(multiple(at), modulus.prime[at]));
        self.subtract(std::array::from_fn(|at| high(x[at], y[at])), cleared, modulus.prime)
    }

    #[inline(always)]
    fn difference(self, x: [u16; WIDTH], y: [u16; WIDTH]) -> [u16; WIDTH] {
        std::array::from_fn(|at| x[at].wrapping_sub(y[at]))
    }

    #[inline(always)]
    fn centre(self, x: [u16; WIDTH], half: [u16; WIDTH], prime: [u16; WIDTH]) -> [u16; WIDTH] {
        std::array::from_fn(|at| x[at].wrapping_sub(if x[at] > half[at] { prime[at] } else { 0 }))
    }

    #[inline(always)]
    fn exchange(self, mut low: [u16; WIDTH], mut high: [u16; WIDTH], distance: usize) -> [[u16; WIDTH]; 2] {
        exchange(&mut low, &mut high, distance);
        [low, high]
    }

    #[inline(always)]
    fn products(self, residues: &[u8; PIECE_BYTES], parts: &SplitPiece) -> [i32; 2] {
        products(residues, parts)
    }

    #[inline(always)]
    fn sums_of_pairs(self, references: &[Pair], query: &[[Pair; 2]]) -> [[i32; SLOTS]; 2] {
        let mut sums = [[0; SLOTS]; 2];
        for (x, parts) in references.iter().zip(query) {
            for (sums, y) in sums.iter_mut().zip(parts) {
                let products = x.as_chunks::<2>().0.iter().zip(y.as_chunks::<2>().0);
                for (sum, (x, y)) in sums.iter_mut().zip(products) {
                    *sum += i32::from(x[0]) * i32::from(y[0]) + i32::from(x[1]) * i32::from(y[1]);
                }
            }
        }
        sums
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
