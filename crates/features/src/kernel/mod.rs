//! The network fast on a CPU: one Candle operation from pixels to features.
//!
//! What makes it fast: channels last, so that a 1x1 convolution is a matrix product over pixels where they lie; weights
//! packed once in the order in which they are read; bias, residual and relu before sums leave the registers; Winograd's
//! transforms for 3x3; memory that is used again; whole photos side by side. Each layer is written once, over
//! [`arithmetic::Arithmetic`], and compiled for each set of instructions that a processor may have; the plain definition
//! in `resnet50.rs` is what it must agree with.
//!
//! ```text
//! network --> pointwise, gathered, winograd, pooling --> tile --> arithmetic <-- portable, avx2, avx512, neon, bfloat16, avx512_bf16
//!                     '--> panels, activations --> memory
//! ```
//! Knows numbers and shapes only, no file and no photo. `unsafe` stays in this room.

use candle_core::{CpuStorage, CustomOp1, Error, Layout, Shape, Storage, Tensor};

use super::resnet50::{Convolution, DIMENSIONS, ResNet50};
use super::weights::Normalise;
use super::{Precision, Workload};

mod activations;
mod arithmetic;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
mod bfloat16;
mod choice;
mod gathered;
mod memory;
#[cfg(target_arch = "aarch64")]
mod neon;
mod network;
mod panels;
mod pointwise;
mod pooling;
mod portable;
mod spread;
#[cfg(test)]
mod tests;
mod tile;
mod winograd;

use arithmetic::Arithmetic;
use choice::Chosen;
use network::Network;

/// Side of the network's square input in pixels.
const INPUT_SIDE: usize = super::photo::INPUT_SIDE as usize;

/// A convolution as the layers take it.
struct Weights {
    /// Of shape [outputs, inputs, side, side], f32, in the processor's memory.
    kernel: Tensor,
    bias: Vec<f32>,
    side: usize,
    stride: usize,
}

impl Weights {
    fn new(convolution: &Convolution) -> candle_core::Result<Self> {
        Ok(Self {
            kernel: convolution.kernel.contiguous()?,
            bias: convolution.bias.to_vec1()?,
            side: convolution.side(),
            stride: convolution.stride,
        })
    }
}

/// What there is to pack.
struct PlainNetwork {
    layers: ResNet50<Weights>,
    normalise: Normalise,
}

/// Reads a tensor's numbers where they lie: the weights are too many to be copied for nothing.
fn with_numbers<R>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> R) -> candle_core::Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(numbers), Some((start, end))) => Ok(read(&numbers.as_slice::<f32>()?[start..end])),
        _ => Err(Error::Msg("weights lie contiguous in the processor's memory".into())),
    }
}

/// [`Network`] over some arithmetic.
trait Forward: Send + Sync {
    fn forward(&self, pixels: &[u8], features: &mut [f32]) -> std::io::Result<()>;
}

impl<A: Arithmetic> Forward for Network<A> {
    fn forward(&self, pixels: &[u8], features: &mut [f32]) -> std::io::Result<()> {
        Self::forward(self, pixels, features)
    }
}

/// ResNet-50 as one operation.
pub(super) struct FastResNet50(Chosen);

impl FastResNet50 {
    /// Packs the weights for the instructions of this processor.
    ///
    /// # Errors
    /// The environment names a kernel that does not run here, or the processor cannot compute in this precision.
    pub(super) fn new(
        network: &ResNet50<Convolution>,
        normalise: Normalise,
        precision: Precision,
        workload: Workload,
    ) -> Result<Self, super::Error> {
        let weights = PlainNetwork { layers: network.map(Weights::new)?, normalise };
        Ok(Self(choice::choose(&weights, precision, workload)?))
    }

    /// The instructions it runs on.
    pub(super) fn kernel(&self) -> &'static str {
        self.0.kernel
    }

    /// Features before normalisation, of shape [n, 2048], for `pixels` of shape [n, 224, 224, 3]: red, green and blue, u8.
    pub(super) fn forward(&self, pixels: &Tensor) -> candle_core::Result<Tensor> {
        pixels.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for FastResNet50 {
    fn name(&self) -> &'static str {
        "resnet50"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (photos, height, width, channels) = layout.shape().dims4()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(Error::Msg("the network needs contiguous input".into()));
        };
        if [height, width, channels] != [INPUT_SIDE, INPUT_SIDE, 3] {
            let expected = format!("[n, {INPUT_SIDE}, {INPUT_SIDE}, 3]");
            return Err(Error::Msg(format!("the network's input is {expected}, not {:?}", layout.shape())));
        }
        let mut features = vec![0.0; photos * DIMENSIONS];
        self.0.network.forward(&storage.as_slice::<u8>()?[start..end], &mut features)?;
        Ok((CpuStorage::F32(features), Shape::from((photos, DIMENSIONS))))
    }
}
