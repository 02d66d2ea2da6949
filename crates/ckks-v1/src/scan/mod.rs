//! The inner loop of the scan: sums of products of residues, in one pass over memory.
//!
//! A span is a run of pieces (see `layout`): 8 groups of 8 slots, for the 8 lanes of a block and the one lane of a
//! query. All `unsafe` of this crate is in the kernels here. They handle public data only.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod kernel;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod span;

pub use kernel::Kernel;
