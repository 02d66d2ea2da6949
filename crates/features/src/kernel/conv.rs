//! A convolution with the fastest algorithm for its shape.

use std::io;

use super::activation::Activation;
use super::buffer::BufferPool;
use super::conv_weights::ConvWeights;
use super::conv1x1::Conv1x1;
use super::feature_map::FeatureMap;
use super::im2col::Im2colConv;
use super::parallelism::Parallelism;
use super::simd::Arithmetic;
use super::winograd::WinogradConv;
use crate::precision::Workload;

/// Feature maps with at least this many channels are 7x7: F(4x4) tiles would mostly compute padding.
const WINOGRAD_2X2_CHANNELS: usize = 512;

/// A convolution with bias and activation.
pub(crate) enum Conv<A: Arithmetic> {
    Conv1x1(Conv1x1<A>),
    Im2col(Im2colConv<A>),
    /// F(4x4, 3x3).
    Winograd4x4(WinogradConv<A, 6>),
    /// F(2x2, 3x3).
    Winograd2x2(WinogradConv<A, 4>),
}

impl<A: Arithmetic> Conv<A> {
    pub(crate) fn new(arithmetic: A, weights: &ConvWeights, workload: Workload) -> candle_core::Result<Self> {
        let bias = weights.bias.clone();
        Ok(weights.with_kernel(|kernel| {
            Ok::<_, io::Error>(match (weights.side, weights.stride, workload) {
                (1, 1, _) => Self::Conv1x1(Conv1x1::new(arithmetic, kernel, bias)?),
                // For a single photo, transforming the weights takes longer than it saves.
                (3, 1, Workload::Many) if bias.len() < WINOGRAD_2X2_CHANNELS => {
                    Self::Winograd4x4(WinogradConv::new(arithmetic, kernel, bias)?)
                }
                (3, 1, Workload::Many) => Self::Winograd2x2(WinogradConv::new(arithmetic, kernel, bias)?),
                (side, stride, _) => Self::Im2col(Im2colConv::new(arithmetic, kernel, [side, stride], bias)?),
            })
        })??)
    }

    pub(crate) fn forward<'a>(
        &self,
        pool: &'a BufferPool,
        parallelism: Parallelism,
        input: &FeatureMap<'_, A::Element>,
        activation: Activation,
    ) -> io::Result<FeatureMap<'a, A::Element>> {
        match self {
            Self::Conv1x1(layer) => layer.forward(pool, parallelism, input, None, activation),
            Self::Im2col(layer) => layer.forward(pool, parallelism, input, activation),
            Self::Winograd4x4(layer) => layer.forward(pool, parallelism, input, activation),
            Self::Winograd2x2(layer) => layer.forward(pool, parallelism, input, activation),
        }
    }
}
