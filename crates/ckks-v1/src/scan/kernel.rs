//! The choice of an instruction set for the scan and for the loops of the ring.
//!
//! Every kernel computes the same sums, bit for bit. This file handles public data only.

use super::portable;
use super::span::Sums;
use crate::error::Error;
use crate::layout::PIECE_BYTES;
use crate::parameters::LANES;

#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

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
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
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
            if avx2::is_supported() {
                supported.push(Self(Instructions::Avx2));
            }
            if avx512::is_supported() {
                supported.push(Self(Instructions::Avx512));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if neon::is_supported() {
            supported.push(Self(Instructions::Neon));
        }
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
            Instructions::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => "neon",
        }
    }

    /// Runs `body`, compiled with these instructions, so that its loops are vectorised. This affects only inlined code:
    /// mark `body` and what it calls `#[inline(always)]`.
    #[inline(always)]
    pub(crate) fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        match self.0 {
            Instructions::Portable => body(),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::run(body),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::run(body),
            // Part of every 64-bit ARM target.
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => body(),
        }
    }

    /// Sums of products of a run of pieces of a block (8 lanes) with the same pieces of a query (one lane).
    #[inline(always)]
    pub(crate) fn span(self, block: &[u8], query: &[u8]) -> Sums {
        let (query, rest) = query.as_chunks::<PIECE_BYTES>();
        let (block, _) = block.as_chunks::<PIECE_BYTES>();
        let (block, _) = block.as_chunks::<LANES>();
        assert!(rest.is_empty() && block.len() == query.len(), "a span is whole pieces of equal number");
        match self.0 {
            Instructions::Portable => portable::span(block, query),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::span(block, query),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::span(block, query),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => neon::span(block, query),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layout::{ROW_BYTES, TILE, pack_row};

    /// Sums by definition, on numbers instead of bytes.
    fn naive(block: &[u64], query: &[u64]) -> Sums {
        let mut sums = [[[0; TILE]; 2]; LANES];
        for (at, &stored) in block.iter().enumerate() {
            let (piece, inside) = (at / (TILE * TILE), at % (TILE * TILE));
            let other = query[piece / LANES * TILE * TILE + inside];
            let sum = &mut sums[piece % LANES];
            sum[0][at % TILE] += (stored & 0xf_ffff) * (other & 0xf_ffff);
            sum[1][at % TILE] += (stored >> 20) * (other >> 20);
        }
        sums
    }

    fn packed(coefficients: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; coefficients.len() / TILE * ROW_BYTES];
        for (row, values) in bytes.as_chunks_mut().0.iter_mut().zip(coefficients.as_chunks::<TILE>().0) {
            pack_row(row, &values.map(|v| (v & 0xf_ffff) as u32), &values.map(|v| (v >> 20) as u32));
        }
        bytes
    }

    fn check(block: &[u64], query: &[u64]) {
        let expected = naive(block, query);
        let (block, query) = (packed(block), packed(query));
        for kernel in Kernel::supported() {
            // Every alignment, and never a byte past the end: the copies end where their allocation ends.
            for shift in [0, 1, 4, 63] {
                let moved = |bytes: &[u8]| [vec![0; shift], bytes.to_vec()].concat().into_boxed_slice();
                let (block, query) = (moved(&block), moved(&query));
                assert_eq!(kernel.span(&block[shift..], &query[shift..]), expected, "{}", kernel.name());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn kernels_agree_on_random_residues(pieces in 1usize..5, seed: u64) {
            let mut state = seed | 1;
            let mut next = || {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                u64::from((state >> 40) as u32 % 1_032_193) | u64::from((state >> 11) as u32 % 995_329) << 20
            };
            let block: Vec<u64> = (0..pieces * LANES * 64).map(|_| next()).collect();
            let query: Vec<u64> = (0..pieces * 64).map(|_| next()).collect();
            check(&block, &query);
        }
    }

    #[test]
    fn kernels_agree_on_extremes() {
        let largest = 1_032_192 | 995_328 << 20;
        check(&[largest; 32 * LANES * 64], &[largest; 32 * 64]);
        // Bytes that are not residues must give the same sums too.
        check(&[(1 << 40) - 1; 32 * LANES * 64], &[(1 << 40) - 1; 32 * 64]);
        check(&[0; LANES * 64], &[largest; 64]);
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
