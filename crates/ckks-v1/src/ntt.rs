//! Negacyclic number-theoretic transforms modulo one prime. They must not branch on a value, or change the slot order.
//!
//! With psi the smallest integer for which psi^n = -1, slot k of a transform of size n holds the polynomial's value at
//! psi^(2 brv(k) + 1), where brv reverses the log2 n bits of k. Stored files depend on it. Butterflies follow Harvey,
//! "Faster arithmetic for number-theoretic transforms" (2014): lazy reduction, roots with Shoup companions.

use super::modulus::Modulus;
use super::parameters::LANES;

/// A root of unity and its companion.
#[derive(Clone, Copy)]
struct Root {
    value: u32,
    companion: u32,
}

/// Values per run of `butterflies`: two or more vectors. With 32 the compiler vectorises the run; with 16 it unrolls it
/// into gathers or scalar code, five times slower.
const WIDTH: usize = 32;

/// Tables for one prime and one size.
pub(super) struct Ntt {
    modulus: Modulus,
    size: usize,
    /// psi^brv(i). The level with m butterfly groups uses m..2m.
    roots: Vec<Root>,
    inverse_roots: Vec<Root>,
    /// 1 / size.
    inverse_size: Root,
}

fn reversed(index: usize, bits: u32) -> usize {
    if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS - bits) }
}

/// The smallest integer whose `size`-th power is -1.
pub(super) fn smallest_root(modulus: Modulus, size: usize) -> u32 {
    (2..modulus.prime())
        .find(|&root| modulus.power(root, size as u64) == modulus.prime() - 1)
        .expect("the primes of every parameter set are 1 mod 2n")
}

impl Ntt {
    /// Tables for transforms of `size` values, a power of two, with `psi` of order 2 `size`.
    pub(super) fn new(modulus: Modulus, size: usize, psi: u32) -> Self {
        let bits = size.trailing_zeros();
        let root = |value| Root { value, companion: modulus.companion(value) };
        let table = |base| (0..size).map(|i| root(modulus.power(base, reversed(i, bits) as u64))).collect();
        Self {
            modulus,
            size,
            roots: table(psi),
            inverse_roots: table(modulus.inverse(psi)),
            inverse_size: root(modulus.inverse(size as u32)),
        }
    }

    /// Transforms coefficients below 4p to values below p.
    #[inline(always)]
    pub(super) fn forward(&self, values: &mut [u32]) {
        let mut groups = 1;
        while groups < self.size {
            let span = self.size / groups;
            // The last levels have constant lengths, so that the compiler shuffles within registers.
            match span {
                8 => self.forward_level::<8>(values, groups),
                4 => self.forward_level::<4>(values, groups),
                2 => self.forward_level::<2>(values, groups),
                _ => self.forward_long_level(values, groups),
            }
            groups *= 2;
        }
        for value in values {
            *value = self.modulus.reduce(*value);
        }
    }

    #[inline(always)]
    fn forward_level<const SPAN: usize>(&self, values: &mut [u32], groups: usize) {
        let blocks = values.as_chunks_mut::<SPAN>().0;
        for (block, &root) in blocks.iter_mut().zip(&self.roots[groups..2 * groups]) {
            let (low, high) = block.split_at_mut(SPAN / 2);
            for (x, y) in low.iter_mut().zip(high) {
                self.butterfly(x, y, root);
            }
        }
    }

    #[inline(always)]
    fn forward_long_level(&self, values: &mut [u32], groups: usize) {
        let span = self.size / groups;
        for (block, &root) in values.chunks_exact_mut(span).zip(&self.roots[groups..2 * groups]) {
            let (low, high) = block.split_at_mut(span / 2);
            self.butterflies(low, high, root);
        }
    }

    /// Butterflies of two halves with one root, in runs of constant length: the compiler would vectorise a loop of
    /// variable length for long halves only.
    #[inline(always)]
    fn butterflies(&self, low: &mut [u32], high: &mut [u32], root: Root) {
        let (low, low_rest) = low.as_chunks_mut::<WIDTH>();
        let (high, high_rest) = high.as_chunks_mut::<WIDTH>();
        for (x, y) in low.iter_mut().zip(high) {
            for at in 0..WIDTH {
                self.butterfly(&mut x[at], &mut y[at], root);
            }
        }
        for (x, y) in low_rest.iter_mut().zip(high_rest) {
            self.butterfly(x, y, root);
        }
    }

    /// x + w y and x - w y. Values grow by 2p per level: 4p and 11 levels stay below 26p < 2^32.
    #[inline(always)]
    fn butterfly(&self, x: &mut u32, y: &mut u32, root: Root) {
        let product = self.modulus.multiply_lazy(*y, root.value, root.companion);
        let kept = *x;
        *x = kept + product;
        *y = kept + 2 * self.modulus.prime() - product;
    }

    /// The last log2 W levels of block `block` of a forward transform whose earlier levels were trivial, for `columns`
    /// polynomials of W coefficients side by side: `coefficients[i * columns + column]` below p to `values` below
    /// (1 + 2 log2 W) p.
    #[inline(always)]
    pub(super) fn forward_tail(&self, coefficients: &[u32], values: &mut [u32], columns: usize, block: usize) {
        let width = values.len() / columns;
        // The first of these levels also copies coefficients to values.
        let (low, high) = coefficients.split_at(coefficients.len() / 2);
        let (sums, differences) = values.split_at_mut(coefficients.len() / 2);
        let root = self.roots[self.size / width + block];
        for ((x, y), (sum, difference)) in low.iter().zip(high).zip(sums.iter_mut().zip(differences)) {
            (*sum, *difference) = (*x, *y);
            self.butterfly(sum, difference, root);
        }
        let mut span = width / 2;
        while span > 1 {
            let first = self.size / span + block * (width / span);
            for (part, &root) in values.chunks_exact_mut(span * columns).zip(&self.roots[first..]) {
                let (low, high) = part.split_at_mut(span / 2 * columns);
                self.butterflies(low, high, root);
            }
            span /= 2;
        }
    }

    /// Transforms values below 2p to coefficients below p.
    #[inline(always)]
    pub(super) fn inverse(&self, values: &mut [u32]) {
        let mut groups = self.size / 2;
        while groups >= 1 {
            let span = self.size / groups;
            for (block, &root) in values.chunks_exact_mut(span).zip(&self.inverse_roots[groups..]) {
                let (low, high) = block.split_at_mut(span / 2);
                for (x, y) in low.iter_mut().zip(high) {
                    self.inverse_butterfly(x, y, root);
                }
            }
            groups /= 2;
        }
        for value in values {
            let scaled = self.modulus.multiply_lazy(*value, self.inverse_size.value, self.inverse_size.companion);
            *value = self.modulus.reduce(scaled);
        }
    }

    /// [`inverse`](Self::inverse) of 8 lanes side by side, without the division by the size.
    #[inline(always)]
    pub(super) fn inverse_lanes(&self, values: &mut [[u32; LANES]]) {
        let mut groups = self.size / 2;
        while groups >= 1 {
            let span = self.size / groups;
            for (block, &root) in values.chunks_exact_mut(span).zip(&self.inverse_roots[groups..]) {
                let (low, high) = block.split_at_mut(span / 2);
                for (x, y) in low.iter_mut().zip(high) {
                    for (x, y) in x.iter_mut().zip(y) {
                        self.inverse_butterfly(x, y, root);
                    }
                }
            }
            groups /= 2;
        }
    }

    #[inline(always)]
    fn inverse_butterfly(&self, x: &mut u32, y: &mut u32, root: Root) {
        let (sum, difference) = (*x + *y, *x + 2 * self.modulus.prime() - *y);
        *x = self.modulus.reduce(sum);
        *y = self.modulus.reduce(self.modulus.multiply_lazy(difference, root.value, root.companion));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIMES: [u32; 2] = [1_032_193, 995_329];

    fn ntt(prime: u32, size: usize) -> Ntt {
        let modulus = Modulus::new(prime);
        Ntt::new(modulus, size, smallest_root(modulus, size))
    }

    /// The schoolbook product, reduced modulo X^n + 1.
    fn schoolbook(left: &[u32], right: &[u32], prime: u32) -> Vec<u32> {
        let (n, p) = (left.len(), i128::from(prime));
        let mut product = vec![0i128; n];
        for (i, &x) in left.iter().enumerate() {
            for (j, &y) in right.iter().enumerate() {
                let term = i128::from(x) * i128::from(y);
                product[(i + j) % n] += if i + j < n { term } else { -term };
            }
        }
        product.into_iter().map(|sum| sum.rem_euclid(p) as u32).collect()
    }

    #[test]
    fn roots_are_pinned() {
        assert_eq!(PRIMES.map(|prime| smallest_root(Modulus::new(prime), 2048)), [488, 531]);
    }

    #[test]
    fn slot_order_is_pinned() {
        // X at slot k is psi^(2 brv(k) + 1).
        let first = [[488, 1_031_705, 499_651, 532_542], [531, 994_798, 642_105, 353_224]];
        for ((prime, psi), first) in PRIMES.into_iter().zip([488, 531]).zip(first) {
            let modulus = Modulus::new(prime);
            let mut values = vec![0; 2048];
            values[1] = 1;
            ntt(prime, 2048).forward(&mut values);
            assert_eq!(values[..4], first);
            for (slot, &value) in values.iter().enumerate() {
                assert_eq!(value, modulus.power(psi, 2 * reversed(slot, 11) as u64 + 1));
            }
        }
    }

    #[test]
    fn products_agree_with_the_schoolbook_at_full_size() {
        for prime in PRIMES {
            let values = |seed: u64| -> Vec<u32> {
                (0..2048u64).map(|i| ((i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32 % prime).collect()
            };
            let (left, right, table) = (values(1), values(77), ntt(prime, 2048));
            let (mut x, mut y) = (left.clone(), right.clone());
            table.forward(&mut x);
            table.forward(&mut y);
            let modulus = Modulus::new(prime);
            let mut product: Vec<u32> = x.iter().zip(&y).map(|(&x, &y)| modulus.multiply(x, y)).collect();
            table.inverse(&mut product);
            assert_eq!(product, schoolbook(&left, &right, prime));
        }
    }

    proptest! {
        #[test]
        fn every_size_agrees_with_the_schoolbook(log_size in 0u32..8, seed: u64) {
            for prime in PRIMES {
                let size = 1usize << log_size;
                let values = |salt: u64| -> Vec<u32> {
                    (0..size as u64).map(|i| ((i + salt) ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32)
                        .map(|word| word as u32 % prime).collect()
                };
                let (left, right, table) = (values(3), values(1 << 20), ntt(prime, size));
                let (mut x, mut y) = (left.clone(), right.clone());
                table.forward(&mut x);
                table.forward(&mut y);
                let modulus = Modulus::new(prime);
                let mut product: Vec<u32> = x.iter().zip(&y).map(|(&x, &y)| modulus.multiply(x, y)).collect();
                let mut lanes: Vec<[u32; LANES]> = product.iter().map(|&value| [value; LANES]).collect();
                table.inverse(&mut product);
                prop_assert_eq!(&product, &schoolbook(&left, &right, prime));
                table.inverse_lanes(&mut lanes);
                for (lanes, &expected) in lanes.iter().zip(&product) {
                    for &value in lanes {
                        prop_assert_eq!(modulus.multiply(value, modulus.inverse(size as u32)), expected);
                    }
                }
            }
        }
    }

    #[test]
    fn extreme_inputs_do_not_overflow() {
        for prime in PRIMES {
            let table = ntt(prime, 2048);
            let mut lazy = vec![4 * prime - 1; 2048];
            let mut reduced = vec![prime - 1; 2048];
            table.forward(&mut lazy);
            table.forward(&mut reduced);
            assert_eq!(lazy, reduced);
        }
    }

    #[test]
    fn the_tail_finishes_a_transform_of_few_coefficients() {
        for prime in PRIMES {
            let table = ntt(prime, 2048);
            let coefficients: Vec<u32> = (0..32u32).map(|i| i * 31_337 % prime).collect();
            let mut whole = vec![0; 2048];
            whole[..32].copy_from_slice(&coefficients);
            table.forward(&mut whole);
            for block in 0..64 {
                // Two columns: the coefficients, and zeros.
                let columns: Vec<u32> = coefficients.iter().flat_map(|&value| [value, 0]).collect();
                let mut values = vec![0; 64];
                table.forward_tail(&columns, &mut values, 2, block);
                for (i, pair) in values.chunks(2).enumerate() {
                    assert!(pair.iter().all(|&value| value < 11 * prime));
                    assert_eq!([pair[0] % prime, pair[1] % prime], [whole[block * 32 + i], 0]);
                }
            }
        }
    }
}
