//! Random polynomials: uniform, ternary, centred binomial. No fallback when the entropy source fails, and no branch on
//! a sampled value except to reject it.
//!
//! All randomness is ChaCha20 (RFC 8439), seeded by the operating system or a derived key. How bits are taken from the
//! stream is part of the format: block secrets and reference polynomials depend on it.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use zeroize::{Zeroize, Zeroizing};

use super::error::Error;
use super::parameters::NOISE_ETA;

/// A random stream. Wiped on drop.
pub(super) struct Randomness(ChaCha20Rng);

impl Randomness {
    /// A fresh stream, seeded with 32 bytes from the operating system.
    pub(super) fn fresh() -> Result<Self, Error> {
        Self::seeded_by(getrandom::fill)
    }

    fn seeded_by(source: impl FnOnce(&mut [u8]) -> Result<(), getrandom::Error>) -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0; 32]);
        source(&mut *seed)?;
        Ok(Self::from_seed(&seed, 0))
    }

    /// The stream numbered `stream` of a 32-byte seed.
    pub(super) fn from_seed(seed: &[u8; 32], stream: u64) -> Self {
        let mut random = ChaCha20Rng::from_seed(*seed);
        random.set_stream(stream);
        Self(random)
    }

    /// Uniform residues below a prime < 2^20: the low 20 bits of each 32-bit word, rejected if not below the prime.
    pub(super) fn fill_uniform(&mut self, residues: &mut [u32], prime: u32) {
        for residue in residues {
            *residue = loop {
                let word = self.0.next_u32() & 0xf_ffff;
                if word < prime {
                    break word;
                }
            };
        }
    }

    /// Uniform in {-1, 0, 1}: two bits at a time of each 64-bit word, lowest first, minus one; 3 is rejected. The time
    /// depends on the number of rejections, which is independent of the accepted values.
    pub(super) fn fill_ternary(&mut self, coefficients: &mut [i32]) {
        const DRAWS: usize = 32;
        // A rejected sample is overwritten by the next one, without a branch. The last word may yield more samples than
        // needed.
        let mut kept = Zeroizing::new(vec![0; coefficients.len() + DRAWS]);
        let mut count = 0;
        while count < coefficients.len() {
            let mut word = self.0.next_u64();
            for _ in 0..DRAWS {
                kept[count] = (word & 3) as i32 - 1;
                count += usize::from(word & 3 != 3);
                word >>= 2;
            }
            word.zeroize();
        }
        coefficients.copy_from_slice(&kept[..coefficients.len()]);
    }

    /// Bytes for [`centred_binomial`].
    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// Centred binomial with variance 21 / 2: the ones in 21 bits minus the ones in the next 21, of each 64-bit word.
#[inline(always)]
pub(super) fn centred_binomial(words: &[u8], coefficients: &mut [i32]) {
    const SIDE: u64 = (1 << NOISE_ETA) - 1;
    for (coefficient, word) in coefficients.iter_mut().zip(words.as_chunks().0) {
        let word = u64::from_le_bytes(*word);
        *coefficient = (word & SIDE).count_ones() as i32 - ((word >> NOISE_ETA) & SIDE).count_ones() as i32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 32] = [7; 32];

    /// Pearson's statistic. With fixed seeds it is a fixed number; the limits are the 99.9 % points.
    fn chi_square(observed: &[usize], expected: &[f64]) -> f64 {
        observed.iter().zip(expected).map(|(&seen, &mean)| (seen as f64 - mean).powi(2) / mean).sum()
    }

    #[test]
    fn a_failed_entropy_source_is_an_error() {
        let failed = Randomness::seeded_by(|_| Err(getrandom::Error::UNSUPPORTED));
        assert!(matches!(failed, Err(Error::Entropy(_))));
    }

    #[test]
    fn fresh_streams_differ() {
        let draw = || {
            let mut bytes = [0; 32];
            Randomness::fresh().unwrap().fill(&mut bytes);
            bytes
        };
        assert_ne!(draw(), draw());
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
        for prime in [1_032_193, 995_329] {
            let mut residues = vec![0; 1 << 18];
            Randomness::from_seed(&SEED, 1).fill_uniform(&mut residues, prime);
            assert!(residues.iter().all(|&residue| residue < prime));
            let mut bins = [0; 64];
            for &residue in &residues {
                bins[(u64::from(residue) * 64 / u64::from(prime)) as usize] += 1;
            }
            // 63 degrees of freedom.
            let statistic = chi_square(&bins, &[residues.len() as f64 / 64.0; 64]);
            assert!(statistic < 103.4, "{statistic}");
        }
    }

    #[test]
    fn ternary_is_uniform() {
        let mut draws = vec![0; 1 << 18];
        Randomness::from_seed(&SEED, 2).fill_ternary(&mut draws);
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
        let mut words = vec![0; 8 << 18];
        let mut draws = vec![0; 1 << 18];
        Randomness::from_seed(&SEED, 3).fill(&mut words);
        centred_binomial(&words, &mut draws);
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
    fn draws_are_pinned() {
        let mut ternary = [0; 12];
        Randomness::from_seed(&SEED, 0).fill_ternary(&mut ternary);
        let mut uniform = [0; 4];
        Randomness::from_seed(&SEED, 0).fill_uniform(&mut uniform, 995_329);
        let mut words = [0; 64];
        Randomness::from_seed(&SEED, 0).fill(&mut words);
        let mut noise = [0; 8];
        centred_binomial(&words, &mut noise);
        // Computed independently of this program, from RFC 8439.
        assert_eq!(ternary, [-1, 0, -1, -1, -1, -1, 1, -1, 0, 1, -1, 1]);
        assert_eq!(uniform, [131_316, 436_823, 128_276, 635_820]);
        assert_eq!(noise, [-4, -4, -1, 1, -4, 5, 1, 1]);
    }
}
