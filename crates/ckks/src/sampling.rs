//! Random polynomials: uniform, ternary, centred binomial. No branch on a sampled value; a rejected one is overwritten.
//!
//! All randomness is ChaCha20 (RFC 8439). How bits are taken from the stream is part of the format: block secrets and
//! reference polynomials depend on it.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use super::parameters::{DEGREE, NOISE_ETA};
use super::ring::SmallPolynomial;

/// A random stream. Wiped on drop.
pub(super) struct Randomness(ChaCha20Rng);

impl Randomness {
    /// The stream numbered `stream` of a 32-byte seed.
    pub(super) fn from_seed(seed: &[u8; 32], stream: u64) -> Self {
        let mut random = ChaCha20Rng::from_seed(*seed);
        random.set_stream(stream);
        Self(random)
    }

    /// Uniform residues below a prime: 16-bit words, rejected if not below the prime.
    pub(super) fn fill_uniform(&mut self, residues: &mut [u16; DEGREE], prime: u16) {
        self.fill_accepted(residues, |word| word < prime);
    }

    /// Uniform residues that are not zero.
    pub(super) fn fill_nonzero<const N: usize>(&mut self, residues: &mut [u16; N], prime: u16) {
        self.fill_accepted(residues, |word| word != 0 && word < prime);
    }

    /// Draws 16-bit words, little-endian, 64 at a time, and keeps those accepted. A rejected word is overwritten by the
    /// next, without a branch; the words that are left over are dropped.
    fn fill_accepted<const N: usize>(&mut self, residues: &mut [u16; N], accepted: impl Fn(u16) -> bool) {
        const DRAWS: usize = 64;
        let mut kept = Zeroizing::new(vec![0; N + DRAWS]);
        let mut words = Zeroizing::new([0; 2 * DRAWS]);
        let mut count = 0;
        while count < N {
            self.fill(&mut *words);
            for word in words.as_chunks().0 {
                let word = u16::from_le_bytes(*word);
                kept[count] = word;
                count += usize::from(accepted(word));
            }
        }
        residues.copy_from_slice(&kept[..N]);
    }

    /// Uniform in {-1, 0, 1}: two bits at a time of each 64-bit word, lowest first, minus one; 3 is rejected. The time
    /// depends on the number of rejections, which is independent of the accepted values.
    pub(super) fn fill_ternary(&mut self, polynomial: &mut SmallPolynomial) {
        const DRAWS: usize = 32;
        let mut kept = Zeroizing::new([0; DEGREE + DRAWS]);
        // A quarter is rejected; this is usually enough.
        let mut words = Zeroizing::new([0; DEGREE / DRAWS * 8 * 3 / 2]);
        let mut count = 0;
        while count < DEGREE {
            self.fill(&mut *words);
            for word in words.as_chunks().0 {
                if count >= DEGREE {
                    break;
                }
                let mut word = u64::from_le_bytes(*word);
                for _ in 0..DRAWS {
                    kept[count] = (word & 3) as i16 - 1;
                    count += usize::from(word & 3 != 3);
                    word >>= 2;
                }
            }
        }
        polynomial.coefficients().copy_from_slice(&kept[..DEGREE]);
    }

    /// Fills `bytes` from the stream.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// Random bits for one polynomial of noise: three planes of n 16-bit words.
pub(super) struct NoiseBits(Zeroizing<Vec<u8>>);

impl NoiseBits {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(vec![0; 3 * 2 * DEGREE]))
    }

    /// Replaces the coefficients by centred binomial draws of variance 21 / 2: the ones in 21 bits minus the ones in
    /// another 21. Call it inside `Kernel::vectorised`.
    #[inline(always)]
    pub(super) fn draw(&mut self, randomness: &mut Randomness, noise: &mut SmallPolynomial) {
        /// The bits of each side that the third plane completes.
        const REST: u16 = (1 << (NOISE_ETA - 16)) - 1;
        randomness.fill(&mut self.0);
        let (words, _) = self.0.as_chunks();
        let (first, rest) = words.split_at(DEGREE);
        let (second, third) = rest.split_at(DEGREE);
        for (((noise, first), second), third) in noise.coefficients().iter_mut().zip(first).zip(second).zip(third) {
            let third = u16::from_le_bytes(*third);
            let ones = u16::from_le_bytes(*first).count_ones() + (third & REST).count_ones();
            let minus = u16::from_le_bytes(*second).count_ones() + (third & REST << (NOISE_ETA - 16)).count_ones();
            *noise = ones as i16 - minus as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::PRIMES;

    const SEED: [u8; 32] = [7; 32];

    /// Pearson's statistic. With fixed seeds it is a fixed number; the limits are the 99.9 % points.
    fn chi_square(observed: &[usize], expected: &[f64]) -> f64 {
        observed.iter().zip(expected).map(|(&seen, &mean)| (seen as f64 - mean).powi(2) / mean).sum()
    }

    fn ternary(stream: u64) -> [i16; DEGREE] {
        let mut polynomial = SmallPolynomial::zero();
        Randomness::from_seed(&SEED, stream).fill_ternary(&mut polynomial);
        *polynomial.coefficients()
    }

    fn noise(streams: std::ops::Range<u64>) -> Vec<i16> {
        let mut polynomial = SmallPolynomial::zero();
        streams
            .flat_map(|stream| {
                NoiseBits::new().draw(&mut Randomness::from_seed(&SEED, stream), &mut polynomial);
                *polynomial.coefficients()
            })
            .collect()
    }

    #[test]
    fn the_stream_is_chacha20() {
        // RFC 8439, appendix A.1, test vector 1: key, nonce and counter zero.
        let mut block = [0; 16];
        Randomness::from_seed(&[0; 32], 0).fill(&mut block);
        assert_eq!(
            block,
            [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28]
        );
    }

    #[test]
    fn uniform_is_uniform_below_the_prime() {
        for prime in PRIMES {
            let mut bins = [0; 64];
            for stream in 0..128 {
                let mut residues = [0; DEGREE];
                Randomness::from_seed(&SEED, stream).fill_uniform(&mut residues, prime);
                assert!(residues.iter().all(|&residue| residue < prime));
                for &residue in &residues {
                    bins[usize::from(residue) * 64 / usize::from(prime)] += 1;
                }
            }
            // 63 degrees of freedom.
            let statistic = chi_square(&bins, &[(128 * DEGREE) as f64 / 64.0; 64]);
            assert!(statistic < 103.4, "{statistic}");
        }
    }

    #[test]
    fn nonzero_residues_are_never_zero_and_reach_both_ends() {
        let mut residues = [0; 4096];
        Randomness::from_seed(&SEED, 5).fill_nonzero(&mut residues, 3);
        let mut bins = [0; 3];
        residues.iter().for_each(|&residue| bins[usize::from(residue)] += 1);
        assert_eq!(bins[0], 0);
        assert!(bins[1] > 1900 && bins[2] > 1900, "{bins:?}");
    }

    #[test]
    fn ternary_is_uniform() {
        let draws: Vec<i16> = (0..128).flat_map(ternary).collect();
        let mut bins = [0; 3];
        for &draw in &draws {
            bins[(draw + 1) as usize] += 1;
        }
        // 2 degrees of freedom.
        let statistic = chi_square(&bins, &[draws.len() as f64 / 3.0; 3]);
        assert!(statistic < 13.8, "{statistic}");
        // Neighbours are independent: 9 pairs, 8 degrees of freedom.
        let mut pairs = [0; 9];
        for pair in draws.chunks_exact(2) {
            pairs[((pair[0] + 1) * 3 + pair[1] + 1) as usize] += 1;
        }
        let statistic = chi_square(&pairs, &[draws.len() as f64 / 18.0; 9]);
        assert!(statistic < 26.1, "{statistic}");
    }

    #[test]
    fn noise_is_centred_binomial() {
        let draws = noise(0..128);
        // P(d) = C(42, 21 + d) / 2^42; the tails from 11 on are one bin each.
        let mut probability = [0.0; 43];
        probability[0] = 0.5f64.powi(42);
        for ones in 1..43 {
            probability[ones] = probability[ones - 1] * (43 - ones) as f64 / ones as f64;
        }
        let mut bins = [0; 23];
        let mut expected = [0.0; 23];
        for (ones, &mass) in probability.iter().enumerate() {
            expected[((ones as i32 - 21).clamp(-11, 11) + 11) as usize] += mass * draws.len() as f64;
        }
        for &draw in &draws {
            bins[(draw.clamp(-11, 11) + 11) as usize] += 1;
        }
        // 22 degrees of freedom.
        let statistic = chi_square(&bins, &expected);
        assert!(statistic < 48.3, "{statistic}");
    }

    #[test]
    fn draws_follow_their_definition() {
        // Taken from the stream by hand.
        let mut bytes = [0; 3 * 2 * DEGREE];
        Randomness::from_seed(&SEED, 3).fill(&mut bytes);
        let word = |at: usize| u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]);
        let drawn = noise(3..4);
        for at in [0, 1, 77, DEGREE - 1] {
            let third = word(2 * DEGREE + at);
            let bits = |word: u16, from: u32, to: u32| (from..to).map(|bit| i32::from(word >> bit & 1)).sum::<i32>();
            let expected =
                bits(word(at), 0, 16) + bits(third, 0, 5) - bits(word(DEGREE + at), 0, 16) - bits(third, 5, 10);
            assert_eq!(i32::from(drawn[at]), expected);
        }
        let pairs = bytes.iter().flat_map(|byte| (0..4).map(move |pair| byte >> (2 * pair) & 3));
        let expected = pairs.filter(|&pair| pair != 3).map(|pair| i16::from(pair) - 1);
        assert!(ternary(3).into_iter().eq(expected.take(DEGREE)));
        let mut uniform = [0; DEGREE];
        Randomness::from_seed(&SEED, 3).fill_uniform(&mut uniform, PRIMES[1]);
        assert!((0..3 * DEGREE).map(word).filter(|&word| word < PRIMES[1]).take(DEGREE).eq(uniform));
    }
}
