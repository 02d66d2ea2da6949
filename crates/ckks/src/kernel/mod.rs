//! The loops that are written for an instruction set: the scan, and the last levels of the NTT.
//!
//! All `unsafe` of this crate is here. Every kernel computes the same values, bit for bit, and takes the same time
//! whatever the values are.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dispatch;
#[cfg(target_arch = "aarch64")]
mod neon;
mod ntt_tail;
mod plain;
mod portable;
mod scan;

pub use dispatch::Kernel;
pub(crate) use ntt_tail::NttTail;
pub use plain::PlainKernel;
pub(crate) use scan::{SplitPiece, SplitRows, centred, joined, products};
