//! The choice of an instruction set.

use super::folds::Masks;
use super::pairs::{PairedQuery, PairedReferences};
use super::scan::{SplitRows, for_each_row};
use super::simd::{Portable, SLOTS, Simd, WIDTH};
use super::transform::{ForwardFactors, InverseFactors};
use super::{folds, pairs, portable, products, transform};
use crate::error::Error;
use crate::modulus::Modulus;
use crate::parameters::{CHECKS, DEGREE, FOLDS, LANES, PACKED};

#[cfg(target_arch = "x86_64")]
use super::avx2::{self, Avx2};
#[cfg(target_arch = "x86_64")]
use super::avx512::{self, Avx512};
#[cfg(target_arch = "aarch64")]
use super::neon;

/// Selects a kernel, for tests and measurements.
const KERNEL_VARIABLE: &str = "CIPHERLENS_KERNEL";

/// An instruction set supported by this processor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kernel(Instructions);

/// Private, so that a [`Kernel`] proves that the processor has the instructions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Instructions {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// Its transforms and products are those of AVX2: wider vectors gain nothing there.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx2, Avx512),
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// Calls a function with the vectors of a kernel, compiled with its instructions.
macro_rules! with_vectors {
    ($kernel:expr, $module:ident::$function:ident($($argument:expr),*)) => {
        match $kernel.0 {
            Instructions::Portable => $module::$function(Portable, $($argument),*),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(simd) | Instructions::Avx512(simd, _) => simd.vectorised(
                #[inline(always)]
                || $module::$function(simd, $($argument),*),
            ),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => $module::$function(Portable, $($argument),*),
        }
    };
}

impl Kernel {
    /// The portable kernel, which every processor runs.
    pub const PORTABLE: Self = Self(Instructions::Portable);

    /// Every kernel that this processor can run, the fastest last.
    #[must_use]
    pub fn supported() -> Vec<Self> {
        let mut supported = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(avx2) = Avx2::detect() {
                supported.push(Self(Instructions::Avx2(avx2)));
                if let Some(avx512) = Avx512::detect() {
                    supported.push(Self(Instructions::Avx512(avx2, avx512)));
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        supported.push(Self(Instructions::Neon));
        supported
    }

    /// The fastest kernel of this processor.
    #[must_use]
    pub fn detect() -> Self {
        Self::supported().pop().unwrap_or(Self::PORTABLE)
    }

    /// The kernel named by the environment variable `CIPHERLENS_KERNEL`, otherwise the fastest.
    ///
    /// # Errors
    /// [`Error::UnknownKernel`] and [`Error::UnsupportedKernel`]; there is no silent fallback.
    pub fn chosen() -> Result<Self, Error> {
        match std::env::var_os(KERNEL_VARIABLE) {
            None => Ok(Self::detect()),
            Some(name) => Self::named(&name.to_string_lossy()),
        }
    }

    /// The kernel of this name.
    fn named(name: &str) -> Result<Self, Error> {
        const NAMES: [&str; 4] = ["portable", "avx2", "avx512", "neon"];
        let known = NAMES.into_iter().find(|known| *known == name);
        let name = known.ok_or_else(|| Error::UnknownKernel { name: name.to_owned() })?;
        Self::supported().into_iter().find(|kernel| kernel.name() == name).ok_or(Error::UnsupportedKernel { name })
    }

    /// The name that `CIPHERLENS_KERNEL` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Instructions::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(..) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => "neon",
        }
    }

    /// Runs `body`, compiled with vector instructions, so that its loops are vectorised. This affects only inlined
    /// code: mark `body` and what it calls `#[inline(always)]`.
    #[inline(always)]
    pub(crate) fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        match self.0 {
            Instructions::Portable => Portable.vectorised(body),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(simd) | Instructions::Avx512(simd, _) => simd.vectorised(body),
            // Part of every 64-bit ARM target.
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => Portable.vectorised(body),
        }
    }

    /// Coefficients to values, in place.
    pub(crate) fn forward_ntt(self, factors: &ForwardFactors, values: &mut [u16; DEGREE]) {
        with_vectors!(self, transform::forward(factors, values));
    }

    /// Folded values to coefficients, in place.
    pub(crate) fn inverse_ntt(self, factors: &InverseFactors, values: &mut [[u16; WIDTH]; FOLDS]) {
        with_vectors!(self, transform::inverse(factors, values));
    }

    /// `sums` + `values` `factors` / R, into `sums`.
    pub(crate) fn add_products(self, modulus: Modulus, sums: &mut [u16], values: &[u16], factors: &[u16]) {
        with_vectors!(self, products::add(modulus, sums, values, factors));
    }

    /// `sums` - `values` `factors` / R, into `sums`.
    pub(crate) fn subtract_products(self, modulus: Modulus, sums: &mut [u16], values: &[u16], factors: &[u16]) {
        with_vectors!(self, products::subtract(modulus, sums, values, factors));
    }

    /// `values` times one factor / R, in place.
    pub(crate) fn scale(self, modulus: Modulus, values: &mut [u16], factor: u16) {
        with_vectors!(self, products::scale(modulus, values, factor));
    }

    /// The centred form of `values`, as 16-bit words.
    pub(crate) fn centre(self, modulus: Modulus, values: &[u16], words: &mut [u16]) {
        with_vectors!(self, products::centre(modulus, values, words));
    }

    /// The sum over the lanes of `lanes` times its scalar / R.
    #[inline(always)]
    pub(crate) fn weighted_sum(
        self,
        modulus: Modulus,
        lanes: &[[u16; PACKED]; LANES],
        scalars: &[u16; LANES],
    ) -> [u16; PACKED] {
        with_vectors!(self, products::weighted_sum(modulus, lanes, scalars))
    }

    /// Sums over the groups of the products of references and a query, passed to `write(lane, prime, first slot,
    /// residues)`.
    pub(crate) fn sums_of_pairs(
        self,
        references: &PairedReferences,
        query: &PairedQuery,
        moduli: [Modulus; 2],
        write: impl FnMut(usize, usize, usize, [u16; SLOTS]),
    ) {
        with_vectors!(self, pairs::sums(references, query, moduli, write));
    }

    /// Removes the masks of the answer of one block.
    pub(crate) fn unmask(self, answer: &[u8], masks: &Masks<'_>, unmasked: &mut [[u16; WIDTH]; FOLDS]) {
        with_vectors!(self, folds::unmask(answer, masks, unmasked));
    }

    /// What the weighted sums of an answer have to be, `[row][vector]`, before reduction.
    pub(crate) fn expected_sums(self, checks: &[u8], query: &SplitRows) -> Vec<[i64; CHECKS]> {
        with_vectors!(self, folds::expected_sums(checks, query))
    }

    /// Writes the answer to `query` for a block.
    pub(crate) fn scan(self, block: &[u8], query: &SplitRows, answer: &mut [u8]) {
        match self.0 {
            Instructions::Portable => for_each_row(block, query, answer, portable::row),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(avx2) => avx2::scan(avx2, block, query, answer),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(_, avx512) => avx512::scan(avx512, block, query, answer),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => neon::scan(block, query, answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parameters::{ANSWER_BYTES, PRIMES, ROWS};

    /// One block's answer by definition.
    fn naive(block: &[i16], query: &[i16], groups: usize) -> Vec<u8> {
        let mut answer = Vec::new();
        for row in 0..ROWS {
            let prime = i64::from(PRIMES[row % 2]);
            for lane in 0..LANES {
                let products = (0..groups * PACKED).map(|at| {
                    let (group, slot) = (at / PACKED, at % PACKED);
                    let stored = block[((row * groups + group) * LANES + lane) * PACKED + slot];
                    i64::from(stored) * i64::from(query[(row * groups + group) * PACKED + slot])
                });
                let residue = products.sum::<i64>().rem_euclid(prime);
                let centred = if residue > prime / 2 { residue - prime } else { residue };
                answer.extend((centred as i16).to_le_bytes());
            }
        }
        answer
    }

    fn bytes(residues: &[i16]) -> Vec<u8> {
        residues.iter().flat_map(|residue| residue.to_le_bytes()).collect()
    }

    /// Compares every kernel with the definition, at several alignments, on copies that end where their allocation
    /// ends.
    fn check(block: &[i16], query: &[i16], groups: usize) {
        let expected = naive(block, query, groups);
        let split = SplitRows::new(&bytes(query));
        for kernel in Kernel::supported() {
            for shift in [0, 1, 4, 63] {
                let moved = [vec![0; shift], bytes(block)].concat().into_boxed_slice();
                let mut answer = vec![0; ANSWER_BYTES];
                kernel.scan(&moved[shift..], &split, &mut answer);
                assert_eq!(answer, expected, "{} at {shift}, {groups} groups", kernel.name());
            }
        }
    }

    /// Residues of a block or a query, whose rows alternate between the primes.
    fn residues(count: usize, mut residue: impl FnMut(i16) -> i16) -> Vec<i16> {
        let row = count / ROWS;
        (0..count).map(|at| residue((PRIMES[at / row % 2] / 2).cast_signed())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn kernels_agree_on_random_residues(groups in prop::sample::select(vec![4usize, 12, 16, 20, 64]), seed: u64) {
            let mut state = seed | 1;
            let mut next = |half: i16| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                ((state >> 33) as i64 % (2 * i64::from(half) + 1) - i64::from(half)) as i16
            };
            let query = residues(ROWS * groups * PACKED, &mut next);
            let block = residues(ROWS * groups * PACKED * LANES, &mut next);
            check(&block, &query, groups);
        }
    }

    #[test]
    fn kernels_agree_on_extremes() {
        for groups in [4, 16, 64] {
            for stored in [-1, 1] {
                for asked in [-1, 0, 1] {
                    let query = residues(ROWS * groups * PACKED, |half| asked * half);
                    let block = residues(ROWS * groups * PACKED * LANES, |half| stored * half);
                    check(&block, &query, groups);
                    // The low part of the query is -128, its largest.
                    let query = residues(ROWS * groups * PACKED, |half| (half / 256 * 256 - 128) * asked);
                    check(&block, &query, groups);
                }
            }
        }
    }

    #[test]
    fn kernels_agree_on_damaged_blocks() {
        // Not residues. The sums may wrap, and wrap alike.
        let split = SplitRows::new(&bytes(&residues(ROWS * 16 * PACKED, |half| half / 256 * 256 - 128)));
        for word in [i16::MIN, i16::MAX] {
            let block = vec![word; ROWS * 16 * PACKED * LANES];
            let answers = Kernel::supported().into_iter().map(|kernel| {
                let mut answer = vec![0; ANSWER_BYTES];
                kernel.scan(&bytes(&block), &split, &mut answer);
                answer
            });
            let answers: Vec<_> = answers.collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]));
        }
    }

    #[test]
    fn kernels_are_chosen_by_name() {
        for kernel in Kernel::supported() {
            assert_eq!(Kernel::named(kernel.name()).unwrap(), kernel);
        }
        assert!(matches!(Kernel::named("fast"), Err(Error::UnknownKernel { name }) if name == "fast"));
        let absent = if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" };
        assert!(matches!(Kernel::named(absent), Err(Error::UnsupportedKernel { name }) if name == absent));
    }
}
