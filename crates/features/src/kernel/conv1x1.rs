//! 1x1 convolutions of stride 1: a matrix product over the pixels of a feature map, read in place.

use std::io;

use super::activation::Activation;
use super::buffer::BufferPool;
use super::feature_map::FeatureMap;
use super::micro_kernel::{BiasActivation, MatrixView, gemm_panel};
use super::packing::PackedWeights;
use super::parallelism::Parallelism;
use super::simd::{Arithmetic, Simd, tile_columns};

/// Input bytes per task: together with a panel they fit into the L2 cache.
const TASK_BYTES: usize = 256 << 10;
/// Weights up to this size stay in the L2 cache, so a task loops over tiles outside and panels inside. Larger weights
/// are streamed once per task: panels outside, tiles inside.
const CACHED_WEIGHT_BYTES: usize = 600 << 10;

pub(crate) struct Conv1x1<A: Arithmetic> {
    weights: PackedWeights<A>,
    bias: Vec<f32>,
}

impl<A: Arithmetic> Conv1x1<A> {
    /// `kernel` is of shape [outputs, inputs].
    pub(crate) fn new(arithmetic: A, kernel: &[f32], bias: Vec<f32>) -> io::Result<Self> {
        let inputs = kernel.len() / bias.len();
        let column = |output: usize, weights: &mut [f32]| weights.copy_from_slice(&kernel[output * inputs..][..inputs]);
        Ok(Self { weights: PackedWeights::new(arithmetic, 1, [inputs, bias.len()], column)?, bias })
    }

    pub(crate) fn forward<'a>(
        &self,
        pool: &'a BufferPool,
        parallelism: Parallelism,
        input: &FeatureMap<'_, A::Element>,
        residual: Option<&FeatureMap<'_, A::Element>>,
        activation: Activation,
    ) -> io::Result<FeatureMap<'a, A::Element>> {
        let arithmetic = self.weights.arithmetic();
        let mut output = FeatureMap::new(pool, input.size(), self.weights.outputs)?;
        let (pixels, stride) = (input.pixels(), output.stride);
        let rows_in = MatrixView { numbers: &input.numbers, stride: input.stride };
        let residual = residual.map(|residual| MatrixView { numbers: &residual.numbers, stride: residual.stride });
        let task_rows = (TASK_BYTES / size_of::<A::Element>() / input.stride).next_multiple_of(A::Simd::TILE_ROWS);
        let task_rows = parallelism.task_rows(pixels, task_rows, A::Simd::TILE_ROWS);
        let tile_rows = if self.weights.matrix_bytes() <= CACHED_WEIGHT_BYTES { A::Simd::TILE_ROWS } else { task_rows };
        parallelism.for_each_chunk(&mut output.numbers, task_rows * stride, |task, numbers| {
            let rows = task_rows.min(pixels - task * task_rows);
            for first in (0..rows).step_by(tile_rows) {
                let row = task * task_rows + first;
                for (panel, column) in self.weights.panels(0).zip((0..).step_by(tile_columns::<A>())) {
                    let epilogue = BiasActivation {
                        numbers: &mut numbers[first * stride + column..],
                        stride,
                        bias: &self.bias[column..],
                        residual: residual.map(|residual| residual.at(row, column)),
                        floor: activation.floor(),
                    };
                    gemm_panel(arithmetic, tile_rows.min(rows - first), rows_in.at(row, 0), panel, epilogue);
                }
            }
            Ok(())
        })?;
        Ok(output)
    }
}
