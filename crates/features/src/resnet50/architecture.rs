//! The layers of ResNet-50 up to the global average pool, and how they are connected.
//!
//! The network over [`Convolution`] is the reference for the kernels, and what accelerators run. Must not know the
//! tensor names of a weight file or the format of a photo.

use candle_core::{Result, Tensor};

use super::convolution::{Convolution, PostOp};

/// Blocks in each of the four stages.
pub(super) const BLOCKS_PER_STAGE: [usize; 4] = [3, 4, 6, 3];
/// Channels inside the blocks of each stage; the output of a block has [`EXPANSION`] times as many.
pub(super) const STAGE_WIDTH: [usize; 4] = [64, 128, 256, 512];
/// Output channels of a block for each inner channel.
pub(super) const EXPANSION: usize = 4;
/// Length of the feature vector.
pub const DIMENSION: usize = STAGE_WIDTH[3] * EXPANSION;
/// Width and height of the input in pixels.
pub(super) const INPUT_SIDE: usize = 224;

/// One residual block: `relu(expand(spatial(reduce(x))) + shortcut(x))`.
pub struct Bottleneck<L> {
    /// 1x1, to the width of the stage.
    pub reduce: L,
    /// 3x3, at the width of the stage.
    pub spatial: L,
    /// 1x1, to four times the width of the stage.
    pub expand: L,
    /// 1x1, only in the first block of a stage, where the shape changes.
    pub shortcut: Option<L>,
}

impl Bottleneck<Convolution> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let reduced = self.reduce.forward(input, PostOp::Relu)?;
        let mixed = self.spatial.forward(&reduced, PostOp::Relu)?;
        match &self.shortcut {
            Some(shortcut) => self.expand.forward(&mixed, PostOp::AddRelu(&shortcut.forward(input, PostOp::None)?)),
            None => self.expand.forward(&mixed, PostOp::AddRelu(input)),
        }
    }
}

/// The network up to the global average pool, over any type of layer.
pub struct ResNet50<L> {
    /// 7x7, stride 2.
    pub stem: L,
    /// The 16 blocks of the four stages in order.
    pub blocks: Vec<Bottleneck<L>>,
}

impl ResNet50<Convolution> {
    /// Features before normalisation, shape [n, 2048], of `input`, shape [n, 3, height, width].
    ///
    /// # Errors
    /// When a shape does not fit the weights.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut activations = Convolution::max_pool(&self.stem.forward(input, PostOp::Relu)?)?;
        for block in &self.blocks {
            activations = block.forward(&activations)?;
        }
        Convolution::average_pool(&activations)
    }
}

impl<L> ResNet50<L> {
    /// The same network over another type of layer.
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
