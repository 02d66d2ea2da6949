//! ResNet-50 in these layers, for batches.

use std::io;

use rayon::prelude::*;

use super::activations::Activations;
use super::arithmetic::{Arithmetic, Single};
use super::gathered::Gathered;
use super::memory::Pool;
use super::pointwise::Pointwise;
use super::pooling;
use super::spread::Spread;
use super::winograd::Winograd;
use super::{INPUT_SIDE, PlainNetwork, Weights, with_numbers};
use crate::Workload;
use crate::resnet50::{Bottleneck, DIMENSIONS};
use crate::weights::Normalise;

/// From this many channels on photos are so small that F(4x4) would compute mostly what lies outside of them.
const SMALL_PHOTO_CHANNELS: usize = 512;
pub(super) const RELU: f32 = 0.0;
pub(super) const KEEP: f32 = f32::NEG_INFINITY;

/// A convolution, in the way that costs least for its shape.
pub(super) enum Layer<A: Arithmetic> {
    Pointwise(Pointwise<A>),
    Gathered(Gathered<A>),
    Wide(Winograd<A, 6>),
    Narrow(Winograd<A, 4>),
}

impl<A: Arithmetic> Layer<A> {
    pub(super) fn new(arithmetic: A, weights: &Weights, workload: Workload) -> candle_core::Result<Self> {
        let Weights { kernel, bias, side, stride } = weights;
        let bias = bias.clone();
        Ok(with_numbers(kernel, |kernel| {
            Ok::<_, io::Error>(match (side, stride, workload) {
                (1, 1, _) => Self::Pointwise(Pointwise::new(arithmetic, kernel, bias)?),
                // Transforming the weights takes longer than it saves for one photo.
                (3, 1, Workload::Many) if bias.len() < SMALL_PHOTO_CHANNELS => {
                    Self::Wide(Winograd::new(arithmetic, kernel, bias)?)
                }
                (3, 1, Workload::Many) => Self::Narrow(Winograd::new(arithmetic, kernel, bias)?),
                _ => Self::Gathered(Gathered::new(arithmetic, kernel, [*side, *stride], bias)?),
            })
        })??)
    }

    pub(super) fn forward<'a>(
        &self,
        pool: &'a Pool,
        spread: Spread,
        input: &Activations<'_, A::Stored>,
        floor: f32,
    ) -> io::Result<Activations<'a, A::Stored>> {
        match self {
            Self::Pointwise(layer) => layer.forward(pool, spread, input, None, floor),
            Self::Gathered(layer) => layer.forward(pool, spread, input, floor),
            Self::Wide(layer) => layer.forward(pool, spread, input, floor),
            Self::Narrow(layer) => layer.forward(pool, spread, input, floor),
        }
    }
}

/// One residual block, see [`Bottleneck`].
struct Block<A: Arithmetic> {
    reduce: Layer<A>,
    spatial: Layer<A>,
    expand: Pointwise<A>,
    shortcut: Option<Layer<A>>,
}

impl<A: Arithmetic> Block<A> {
    fn new(arithmetic: A, block: &Bottleneck<Weights>, workload: Workload) -> candle_core::Result<Self> {
        let layer = |weights| Layer::new(arithmetic, weights, workload);
        let Weights { kernel, bias, .. } = &block.expand;
        Ok(Self {
            reduce: layer(&block.reduce)?,
            spatial: layer(&block.spatial)?,
            expand: with_numbers(kernel, |kernel| Pointwise::new(arithmetic, kernel, bias.clone()))??,
            shortcut: block.shortcut.as_ref().map(layer).transpose()?,
        })
    }

    fn forward<'a>(
        &self,
        pool: &'a Pool,
        spread: Spread,
        input: Activations<'a, A::Stored>,
    ) -> io::Result<Activations<'a, A::Stored>> {
        let reduced = self.reduce.forward(pool, spread, &input, RELU)?;
        let mixed = self.spatial.forward(pool, spread, &reduced, RELU)?;
        drop(reduced);
        let residual = match &self.shortcut {
            Some(shortcut) => shortcut.forward(pool, spread, &input, KEEP)?,
            None => input,
        };
        self.expand.forward(pool, spread, &mixed, Some(&residual), RELU)
    }
}

/// The network with its weights packed for one arithmetic.
pub(super) struct Network<A: Arithmetic> {
    arithmetic: A,
    normalise: Normalise,
    stem: Gathered<Single<A::Lanes>>,
    blocks: Vec<Block<A>>,
    pool: Pool,
}

impl<A: Arithmetic> Network<A> {
    pub(super) fn new(arithmetic: A, plain: &PlainNetwork, workload: Workload) -> candle_core::Result<Self> {
        let Weights { kernel, bias, side, stride } = &plain.layers.stem;
        // Its inputs are pixels, not activations: in fewer bits they would lose what tells photos apart.
        let exact = Single(arithmetic.lanes());
        let stem = with_numbers(kernel, |kernel| Gathered::new(exact, kernel, [*side, *stride], bias.clone()))??;
        let blocks = plain.layers.blocks.iter().map(|block| Block::new(arithmetic, block, workload));
        let blocks = blocks.collect::<candle_core::Result<_>>()?;
        Ok(Self { arithmetic, normalise: plain.normalise, stem, blocks, pool: Pool::default() })
    }

    /// Features before normalisation: `features` takes 2048 numbers for each photo of `pixels`, which holds for each
    /// [`INPUT_SIDE`] x [`INPUT_SIDE`] times red, green and blue.
    pub(super) fn forward(&self, pixels: &[u8], features: &mut [f32]) -> io::Result<()> {
        let photos = pixels.par_chunks_exact(INPUT_SIDE * INPUT_SIDE * 3);
        // Whole photos side by side: no thread waits for another between layers, and what one photo needs stays in caches.
        let spread = if photos.len() == 1 { Spread::Threads } else { Spread::Nowhere };
        let photos = photos.zip(features.par_chunks_exact_mut(DIMENSIONS)).with_max_len(1);
        photos.try_for_each(|(pixels, features)| self.describe(spread, pixels, features))
    }

    fn describe(&self, spread: Spread, pixels: &[u8], features: &mut [f32]) -> io::Result<()> {
        let mut numbers = self.pool.lend::<f32>(pixels.len())?;
        for (to, rgb) in numbers.as_chunks_mut().0.iter_mut().zip(pixels.as_chunks().0) {
            *to = (self.normalise)(rgb.map(f32::from));
        }
        let input = Activations { numbers, height: INPUT_SIDE, width: INPUT_SIDE, channels: 3, stride: 3 };
        let stem = self.stem.forward(&self.pool, spread, &input, RELU)?;
        let mut activations = pooling::maximum(self.arithmetic, &self.pool, spread, &stem)?;
        drop(stem);
        for block in &self.blocks {
            activations = block.forward(&self.pool, spread, activations)?;
        }
        pooling::mean(self.arithmetic, &activations, features);
        Ok(())
    }
}
