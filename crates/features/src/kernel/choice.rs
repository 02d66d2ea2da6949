//! Which instructions a network runs on: the best that the processor has, or those that the environment names.

use std::sync::Arc;

use super::arithmetic::{Arithmetic, Single};
use super::bfloat16::PortablePairs;
use super::network::Network;
use super::portable::Portable;
use super::{Forward, PlainNetwork};
use crate::{Error, Precision, Workload};

#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512, avx512_bf16::Pairs};

/// Names a kernel for tests and measurements.
const KERNEL_VARIABLE: &str = "CIPHERLENS_KERNEL";

/// Instructions by the names that [`KERNEL_VARIABLE`] takes, the best first.
pub(super) const NAMES: [&str; 4] = ["avx512", "avx2", "neon", "portable"];

/// A network packed for some instructions, and their name.
pub(super) struct Chosen {
    pub(super) kernel: &'static str,
    pub(super) network: Arc<dyn Forward>,
}

/// The network on the kernel that the environment variable `CIPHERLENS_KERNEL` names, or else on the best.
///
/// # Errors
/// The named kernel does not exist, or not on this processor; there is no silent fallback.
pub(super) fn choose(plain: &PlainNetwork, precision: Precision, workload: Workload) -> Result<Chosen, Error> {
    let Some(name) = std::env::var_os(KERNEL_VARIABLE) else { return best(plain, precision, workload) };
    let name = name.to_string_lossy().into_owned();
    let known = NAMES.into_iter().find(|known| *known == name).ok_or(Error::UnknownKernel { name })?;
    on(known, plain, precision, workload)?.ok_or(Error::UnsupportedKernel { name: known })
}

/// The network on the best kernel of this processor.
fn best(plain: &PlainNetwork, precision: Precision, workload: Workload) -> Result<Chosen, Error> {
    for name in NAMES {
        if let Some(chosen) = on(name, plain, precision, workload)? {
            return Ok(chosen);
        }
    }
    unreachable!("the portable kernel runs everywhere")
}

/// The network on this kernel, if it runs here. Of those with instructions for bf16 there are fewer.
pub(super) fn on(
    name: &'static str,
    plain: &PlainNetwork,
    precision: Precision,
    workload: Workload,
) -> Result<Option<Chosen>, Error> {
    match (name, precision) {
        #[cfg(target_arch = "x86_64")]
        ("avx512", Precision::F32) => packed(name, Avx512::detect().map(Single), plain, workload),
        #[cfg(target_arch = "x86_64")]
        ("avx512", Precision::Bf16) => packed("avx512_bf16", Pairs::detect(), plain, workload),
        #[cfg(target_arch = "x86_64")]
        ("avx2", Precision::F32) => packed(name, Avx2::detect().map(Single), plain, workload),
        #[cfg(target_arch = "aarch64")]
        ("neon", Precision::F32) => packed(name, Some(Single(super::neon::Neon)), plain, workload),
        ("portable", Precision::F32) => packed(name, Some(Single(Portable)), plain, workload),
        ("portable", Precision::Bf16) => packed(name, Some(PortablePairs), plain, workload),
        _ => Ok(None),
    }
}

fn packed<A: Arithmetic>(
    kernel: &'static str,
    arithmetic: Option<A>,
    plain: &PlainNetwork,
    workload: Workload,
) -> Result<Option<Chosen>, Error> {
    let Some(arithmetic) = arithmetic else { return Ok(None) };
    let network = Network::new(arithmetic, plain, workload)?;
    Ok(Some(Chosen { kernel, network: Arc::new(network) }))
}
