//! The loops that are written for an instruction set: the scan, transforms and products of residues.
//!
//! All `unsafe` of this crate is here. Every kernel computes the same residues, bit for bit, and has no branch on a
//! value. (The plain f32 scans of `plain` differ in rounding.)

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dispatch;
mod folds;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pairs;
mod plain;
mod portable;
mod products;
mod scan;
mod simd;
mod transform;

pub use dispatch::Kernel;
pub(crate) use folds::Masks;
pub(crate) use pairs::{PairedQuery, PairedReferences};
pub use plain::PlainKernel;
pub(crate) use scan::SplitRows;
pub(crate) use simd::WIDTH;
pub(crate) use transform::{ForwardFactors, InverseFactors};
