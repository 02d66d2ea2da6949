//! Convolutions and pooling for inference on a CPU.
//!
//! Every layer is written once, over [`Arithmetic`], and compiled for each instruction set. What makes them fast:
//! - Feature maps are channels-last (NHWC), so a 1x1 convolution is a matrix product over the pixels in place.
//! - Weights are packed once into panels, in the order in which the micro-kernel reads them.
//! - Bias, residual and ReLU are applied while the sums are in registers.
//! - 3x3 convolutions of stride 1 use Winograd's minimal filtering.
//! - Buffers are pooled, and the photos of a batch run in parallel.
//!
//! ```text
//! conv --> conv1x1, im2col, winograd --> micro_kernel --> simd <-- portable, avx2, avx512, neon, bfloat16, avx512_bf16
//!                       '--> packing, feature_map --> buffer
//! ```
//! These files handle numbers and shapes, not networks, files or photos. All `unsafe` of this crate is here.

mod activation;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
mod bfloat16;
mod buffer;
mod conv;
mod conv1x1;
mod conv_weights;
mod dispatch;
mod feature_map;
mod im2col;
mod micro_kernel;
#[cfg(target_arch = "aarch64")]
mod neon;
mod packing;
mod parallelism;
pub(crate) mod pooling;
mod portable;
mod simd;
mod winograd;

pub(crate) use activation::Activation;
pub(crate) use buffer::BufferPool;
pub(crate) use conv::Conv;
pub(crate) use conv_weights::ConvWeights;
pub(crate) use conv1x1::Conv1x1;
pub(crate) use dispatch::{Build, Built, build};
#[cfg(test)]
pub(crate) use dispatch::{KERNELS, build_for};
pub(crate) use feature_map::FeatureMap;
pub(crate) use im2col::Im2colConv;
#[cfg(all(test, target_arch = "aarch64"))]
pub(crate) use neon::Neon;
pub(crate) use parallelism::Parallelism;
pub(crate) use simd::{Arithmetic, F32};
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) use {avx2::Avx2, avx512::Avx512, avx512_bf16::Avx512Bf16};
#[cfg(test)]
pub(crate) use {bfloat16::PortableBf16, portable::Portable, simd::Element};
