//! Choice of the instruction set at run time: the fastest of the processor, or the one named by the environment.

use super::bfloat16::PortableBf16;
use super::portable::Portable;
use super::simd::{Arithmetic, F32};
use crate::error::Error;
use crate::precision::Precision;

#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512, avx512_bf16::Avx512Bf16};

/// Selects a kernel, for tests and measurements.
const KERNEL_VARIABLE: &str = "CIPHERLENS_KERNEL";

/// The values of [`KERNEL_VARIABLE`], the fastest first.
pub(crate) const KERNELS: [&str; 4] = ["avx512", "avx2", "neon", "portable"];

/// Something that can be built for any arithmetic; `build` is compiled for each instruction set.
pub(crate) trait Build {
    type Output;

    fn build<A: Arithmetic>(&self, arithmetic: A) -> Result<Self::Output, Error>;
}

/// The result, and its instruction set.
pub(crate) struct Built<T> {
    pub(crate) kernel: &'static str,
    pub(crate) output: T,
}

/// Builds for the kernel named by the environment variable `CIPHERLENS_KERNEL`, otherwise for the fastest.
///
/// [`Error::UnknownKernel`] or [`Error::UnsupportedKernel`] for the named kernel (there is no silent fallback), and the
/// errors of `builder`.
/// errors of `builder`.
pub(crate) fn build<B: Build>(precision: Precision, builder: &B) -> Result<Built<B::Output>, Error> {
    let Some(name) = std::env::var_os(KERNEL_VARIABLE) else { return build_for_fastest(precision, builder) };
    let name = name.to_string_lossy().into_owned();
    let known = KERNELS.into_iter().find(|known| *known == name).ok_or(Error::UnknownKernel { name })?;
    build_for(known, precision, builder)?.ok_or(Error::UnsupportedKernel { name: known })
}

fn build_for_fastest<B: Build>(precision: Precision, builder: &B) -> Result<Built<B::Output>, Error> {
    for kernel in KERNELS {
        if let Some(built) = build_for(kernel, precision, builder)? {
            return Ok(built);
        }
    }
    unreachable!("the portable kernel runs everywhere")
}

/// Builds for one of [`KERNELS`]; `None` if the processor does not have it or it does not support the precision.
pub(crate) fn build_for<B: Build>(
    kernel: &'static str,
    precision: Precision,
    builder: &B,
) -> Result<Option<Built<B::Output>>, Error> {
    match (kernel, precision) {
        #[cfg(target_arch = "x86_64")]
        ("avx512", Precision::F32) => build_with(kernel, Avx512::detect().map(F32), builder),
        #[cfg(target_arch = "x86_64")]
        ("avx512", Precision::Bf16) => build_with("avx512_bf16", Avx512Bf16::detect(), builder),
        #[cfg(target_arch = "x86_64")]
        ("avx2", Precision::F32) => build_with(kernel, Avx2::detect().map(F32), builder),
        #[cfg(target_arch = "aarch64")]
        ("neon", Precision::F32) => build_with(kernel, Some(F32(super::neon::Neon)), builder),
        ("portable", Precision::F32) => build_with(kernel, Some(F32(Portable)), builder),
        ("portable", Precision::Bf16) => build_with(kernel, Some(PortableBf16), builder),
        _ => Ok(None),
    }
}

fn build_with<A: Arithmetic, B: Build>(
    kernel: &'static str,
    arithmetic: Option<A>,
    builder: &B,
) -> Result<Option<Built<B::Output>>, Error> {
    let Some(arithmetic) = arithmetic else { return Ok(None) };
    Ok(Some(Built { kernel, output: builder.build(arithmetic)? }))
}
