//! ResNet-50 without its classifier: the shape of the network, and its plain definition with Candle's own convolution.
//!
//! He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016, table 1 (50 layers).
//! [`Convolution`] is the definition that everything faster is compared with, and what graphics processors run; on others the
//! product runs what `kernel` makes of it.
//! Must never: know a weight file's names or a photo's format.

use candle_core::{Device, Module, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig};

/// Blocks in each of the four stages.
pub const BLOCKS_PER_STAGE: [usize; 4] = [3, 4, 6, 3];
/// Channels inside the blocks of each stage; a block's output has four times as many.
pub const STAGE_WIDTH: [usize; 4] = [64, 128, 256, 512];
/// Output channels of a block for each inner channel.
pub const EXPANSION: usize = 4;
/// Length of the feature vector.
pub const DIMENSIONS: usize = STAGE_WIDTH[3] * EXPANSION;

/// Which convolution of a stage's first block halves the resolution. The two published networks differ here only.
#[derive(Clone, Copy)]
pub(super) enum Downsampling {
    /// The first 1x1 convolution (the paper, Keras).
    Reduce,
    /// The 3x3 convolution ("v1.5", torchvision).
    Spatial,
}

/// What happens to a convolution's result before the next layer sees it.
#[derive(Clone, Copy)]
pub enum Then<'a> {
    /// Nothing.
    Keep,
    /// Negative values become zero.
    Relu,
    /// A tensor of the same shape is added, then negative values become zero.
    AddRelu(&'a Tensor),
}

/// A convolution with square kernel and its bias, run by Candle's `Conv2d` on tensors of shape [n, channels, height,
/// width].
#[derive(Clone)]
pub struct Convolution {
    /// Shape [out, in, side, side], f32.
    pub kernel: Tensor,
    /// Shape [out], f32.
    pub bias: Tensor,
    /// Pixels from one window to the next.
    pub stride: usize,
}

impl Convolution {
    /// Width and height of the kernel in pixels.
    pub fn side(&self) -> usize {
        self.kernel.dims()[3]
    }

    /// The same convolution on another device.
    ///
    /// # Errors
    /// When the device does not take it.
    pub(super) fn to_device(&self, device: &Device) -> Result<Self> {
        let (kernel, bias) = (self.kernel.to_device(device)?, self.bias.to_device(device)?);
        Ok(Self { kernel, bias, stride: self.stride })
    }

    /// Zero pixels around the input, so that stride 1 keeps its size.
    pub fn padding(&self) -> usize {
        self.side() / 2
    }

    /// The convolution with its bias, then `then`.
    pub(super) fn forward(&self, input: &Tensor, then: Then<'_>) -> Result<Tensor> {
        let config = Conv2dConfig { padding: self.padding(), stride: self.stride, ..Conv2dConfig::default() };
        // Cloning a tensor shares its memory.
        let sum = Conv2d::new(self.kernel.clone(), Some(self.bias.clone()), config).forward(input)?;
        match then {
            Then::Keep => Ok(sum),
            Then::Relu => sum.relu(),
            Then::AddRelu(residual) => (sum + residual)?.relu(),
        }
    }

    /// Maximum over windows of 3x3, stride 2, padding 1; the input holds no negative number.
    pub(super) fn max_pool(input: &Tensor) -> Result<Tensor> {
        // After a relu zero is neutral for the maximum, so padding with zeros is right.
        input.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?.max_pool2d_with_stride(3, 2)
    }

    /// Mean over all pixels.
    fn average_pool(input: &Tensor) -> Result<Tensor> {
        input.mean((2, 3))
    }
}

/// One residual block: `relu(expand(spatial(reduce(x))) + shortcut(x))`.
pub struct Bottleneck<L> {
    /// 1x1, to the stage's width.
    pub reduce: L,
    /// 3x3, at the stage's width.
    pub spatial: L,
    /// 1x1, to four times the stage's width.
    pub expand: L,
    /// 1x1 beside the block where its shape changes, in a stage's first block only.
    pub shortcut: Option<L>,
}

impl Bottleneck<Convolution> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let reduced = self.reduce.forward(input, Then::Relu)?;
        let mixed = self.spatial.forward(&reduced, Then::Relu)?;
        match &self.shortcut {
            Some(shortcut) => self.expand.forward(&mixed, Then::AddRelu(&shortcut.forward(input, Then::Keep)?)),
            None => self.expand.forward(&mixed, Then::AddRelu(input)),
        }
    }
}

/// The network up to the global average, over layers of one kind.
pub struct ResNet50<L> {
    /// 7x7, stride 2.
    pub stem: L,
    /// The sixteen blocks of the four stages in order.
    pub blocks: Vec<Bottleneck<L>>,
}

impl ResNet50<Convolution> {
    /// Features before normalisation, 2048 for each photo; `input` is of shape [n, 3, height, width].
    ///
    /// # Errors
    /// When a shape does not fit the weights.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut activations = Convolution::max_pool(&self.stem.forward(input, Then::Relu)?)?;
        for block in &self.blocks {
            activations = block.forward(&activations)?;
        }
        Convolution::average_pool(&activations)
    }
}

impl<L> ResNet50<L> {
    /// The same network over layers of another kind.
    ///
    /// # Errors
    /// The first error of `convert`.
    pub fn map<M>(&self, convert: impl Fn(&L) -> Result<M>) -> Result<ResNet50<M>> {
        let blocks = self.blocks.iter().map(|block| {
            Ok(Bottleneck {
                reduce: convert(&block.reduce)?,
                spatial: convert(&block.spatial)?,
                expand: convert(&block.expand)?,
                shortcut: block.shortcut.as_ref().map(&convert).transpose()?,
            })
        });
        Ok(ResNet50 { stem: convert(&self.stem)?, blocks: blocks.collect::<Result<_>>()? })
    }
}
