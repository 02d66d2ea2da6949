//! ResNet-50 over the kernels of this crate, its weights packed for one arithmetic.

use std::io;

use rayon::prelude::*;

use super::architecture::{Bottleneck, DIMENSION, INPUT_SIDE, ResNet50};
use super::layout::Normalise;
use crate::kernel::{
    Activation, Arithmetic, BufferPool, Conv, Conv1x1, ConvWeights, F32, FeatureMap, Im2colConv, Parallelism, pooling,
};
use crate::precision::Workload;

/// One residual block, see [`Bottleneck`].
struct Block<A: Arithmetic> {
    reduce: Conv<A>,
    spatial: Conv<A>,
    expand: Conv1x1<A>,
    shortcut: Option<Conv<A>>,
}

impl<A: Arithmetic> Block<A> {
    fn new(arithmetic: A, block: &Bottleneck<ConvWeights>, workload: Workload) -> candle_core::Result<Self> {
        let conv = |weights| Conv::new(arithmetic, weights, workload);
        let bias = block.expand.bias.clone();
        Ok(Self {
            reduce: conv(&block.reduce)?,
            spatial: conv(&block.spatial)?,
            expand: block.expand.with_kernel(|kernel| Conv1x1::new(arithmetic, kernel, bias))??,
            shortcut: block.shortcut.as_ref().map(conv).transpose()?,
        })
    }

    fn forward<'a>(
        &self,
        pool: &'a BufferPool,
        parallelism: Parallelism,
        input: FeatureMap<'a, A::Element>,
    ) -> io::Result<FeatureMap<'a, A::Element>> {
        let reduced = self.reduce.forward(pool, parallelism, &input, Activation::Relu)?;
        let spatial = self.spatial.forward(pool, parallelism, &reduced, Activation::Relu)?;
        drop(reduced);
        let residual = match &self.shortcut {
            Some(shortcut) => shortcut.forward(pool, parallelism, &input, Activation::Linear)?,
            None => input,
        };
        self.expand.forward(pool, parallelism, &spatial, Some(&residual), Activation::Relu)
    }
}

/// The network with packed weights.
pub(super) struct PackedResNet50<A: Arithmetic> {
    arithmetic: A,
    normalise: Normalise,
    stem: Im2colConv<F32<A::Simd>>,
    blocks: Vec<Block<A>>,
    pool: BufferPool,
}

impl<A: Arithmetic> PackedResNet50<A> {
    pub(super) fn new(
        arithmetic: A,
        network: &ResNet50<ConvWeights>,
        normalise: Normalise,
        workload: Workload,
    ) -> candle_core::Result<Self> {
        let ConvWeights { bias, side, stride, .. } = &network.stem;
        // The stem reads pixels and stays in f32: bfloat16 would round away small differences between them.
        let f32 = F32(arithmetic.simd());
        let stem =
            network.stem.with_kernel(|kernel| Im2colConv::new(f32, kernel, [*side, *stride], bias.clone()))??;
        let blocks = network.blocks.iter().map(|block| Block::new(arithmetic, block, workload));
        let blocks = blocks.collect::<candle_core::Result<_>>()?;
        Ok(Self { arithmetic, normalise, stem, blocks, pool: BufferPool::default() })
    }

    /// Features before normalisation, `[photo][DIMENSION]`, of `pixels`: `[photo][INPUT_SIDE][INPUT_SIDE][red, green,
    /// blue]`.
    pub(super) fn forward(&self, pixels: &[u8], features: &mut [f32]) -> io::Result<()> {
        let photos = pixels.par_chunks_exact(INPUT_SIDE * INPUT_SIDE * 3);
        // One photo per thread is faster than threads inside layers: no thread waits, and each cache holds one photo.
        let parallelism = if photos.len() == 1 { Parallelism::Threads } else { Parallelism::Sequential };
        let photos = photos.zip(features.par_chunks_exact_mut(DIMENSION)).with_max_len(1);
        photos.try_for_each(|(pixels, features)| self.forward_one(parallelism, pixels, features))
    }

    fn forward_one(&self, parallelism: Parallelism, pixels: &[u8], features: &mut [f32]) -> io::Result<()> {
        let mut numbers = self.pool.take::<f32>(pixels.len())?;
        for (to, rgb) in numbers.as_chunks_mut().0.iter_mut().zip(pixels.as_chunks().0) {
            *to = (self.normalise)(rgb.map(f32::from));
        }
        let input = FeatureMap { numbers, height: INPUT_SIDE, width: INPUT_SIDE, channels: 3, stride: 3 };
        let stem = self.stem.forward(&self.pool, parallelism, &input, Activation::Relu)?;
        let mut map = pooling::max_pool_3x3(self.arithmetic, &self.pool, parallelism, &stem)?;
        drop(stem);
        for block in &self.blocks {
            map = block.forward(&self.pool, parallelism, map)?;
        }
        pooling::global_average_pool(self.arithmetic, &map, features);
        Ok(())
    }
}
