//! The reference convolution: Candle's `Conv2d` with bias and activation.

use candle_core::{Device, Module, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig};

/// Applied to the sums of a convolution.
#[derive(Clone, Copy)]
pub(super) enum PostOp<'a> {
    /// Nothing.
    None,
    /// ReLU: negative values become zero.
    Relu,
    /// Adds a tensor of the same shape, then ReLU.
    AddRelu(&'a Tensor),
}

/// A convolution with a square kernel and bias, on tensors of shape [n, channels, height, width].
#[derive(Clone)]
pub struct Convolution {
    /// Shape [out, in, side, side], f32.
    pub kernel: Tensor,
    /// Shape `[out]`, f32.
    pub bias: Tensor,
    /// Stride in pixels.
    pub stride: usize,
}

impl Convolution {
    /// Width and height of the kernel in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.kernel.dims()[3]
    }

    /// The same convolution on another device.
    ///
    /// # Errors
    /// When copying to the device fails.
    pub(super) fn to_device(&self, device: &Device) -> Result<Self> {
        let (kernel, bias) = (self.kernel.to_device(device)?, self.bias.to_device(device)?);
        Ok(Self { kernel, bias, stride: self.stride })
    }

    /// Zero padding on each side of the input: with stride 1 the output has the size of the input.
    #[must_use]
    pub fn padding(&self) -> usize {
        self.side() / 2
    }

    /// The convolution with bias, then `post_op`.
    pub(super) fn forward(&self, input: &Tensor, post_op: PostOp<'_>) -> Result<Tensor> {
        let config = Conv2dConfig { padding: self.padding(), stride: self.stride, ..Conv2dConfig::default() };
        // Cloning a tensor shares its memory.
        let sum = Conv2d::new(self.kernel.clone(), Some(self.bias.clone()), config).forward(input)?;
        match post_op {
            PostOp::None => Ok(sum),
            PostOp::Relu => sum.relu(),
            PostOp::AddRelu(residual) => (sum + residual)?.relu(),
        }
    }

    /// Maximum over 3x3 windows, stride 2, padding 1. No input may be negative.
    pub(super) fn max_pool(input: &Tensor) -> Result<Tensor> {
        // The input comes from a ReLU, so padding with zeros does not change a maximum.
        input.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?.max_pool2d_with_stride(3, 2)
    }

    /// Mean over all pixels.
    pub(super) fn average_pool(input: &Tensor) -> Result<Tensor> {
        input.mean((2, 3))
    }
}
