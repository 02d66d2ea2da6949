//! 1x1 convolutions that keep the resolution: pixels are rows, read where they lie.

use std::io;

use super::activations::Activations;
use super::arithmetic::{Arithmetic, Lanes, width};
use super::memory::Pool;
use super::panels::Panels;
use super::spread::Spread;
use super::tile::{Outputs, Rows, multiply};

/// Activations that one task reads: with a panel they fit the second-level cache.
const TASK_BYTES: usize = 256 << 10;
/// Weights up to this size stay in the second-level cache while a task goes through its rows tile by tile; larger ones are
/// read panel by panel, once for all rows of the task.
const KEPT_BYTES: usize = 600 << 10;

pub(super) struct Pointwise<A: Arithmetic> {
    panels: Panels<A>,
    bias: Vec<f32>,
}

impl<A: Arithmetic> Pointwise<A> {
    /// `kernel` is of shape [outputs, inputs].
    pub(super) fn new(arithmetic: A, kernel: &[f32], bias: Vec<f32>) -> io::Result<Self> {
        let inputs = kernel.len() / bias.len();
        let column = |output: usize, weights: &mut [f32]| weights.copy_from_slice(&kernel[output * inputs..][..inputs]);
        Ok(Self { panels: Panels::new(arithmetic, 1, [inputs, bias.len()], column)?, bias })
    }

    pub(super) fn forward<'a>(
        &self,
        pool: &'a Pool,
        spread: Spread,
        input: &Activations<'_, A::Stored>,
        residual: Option<&Activations<'_, A::Stored>>,
        floor: f32,
    ) -> io::Result<Activations<'a, A::Stored>> {
        let arithmetic = self.panels.arithmetic();
        let mut output = Activations::new(pool, input.size(), self.panels.outputs)?;
        let (pixels, stride) = (input.pixels(), output.stride);
        let from = Rows { numbers: &input.numbers, stride: input.stride };
        let residual = residual.map(|residual| Rows { numbers: &residual.numbers, stride: residual.stride });
        let task_rows = (TASK_BYTES / size_of::<A::Stored>() / input.stride).next_multiple_of(A::Lanes::ROWS);
        let task_rows = spread.share(pixels, task_rows, A::Lanes::ROWS);
        let tile_rows = if self.panels.matrix_bytes() <= KEPT_BYTES { A::Lanes::ROWS } else { task_rows };
        spread.for_each_chunk(&mut output.numbers, task_rows * stride, |task, numbers| {
            let rows = task_rows.min(pixels - task * task_rows);
            for first in (0..rows).step_by(tile_rows) {
                let row = task * task_rows + first;
                for (panel, column) in self.panels.matrix(0).zip((0..).step_by(width::<A>())) {
                    let outputs = Outputs {
                        numbers: &mut numbers[first * stride + column..],
                        stride,
                        bias: &self.bias[column..],
                        residual: residual.map(|residual| residual.at(row, column)),
                        floor,
                    };
                    multiply(arithmetic, tile_rows.min(rows - first), from.at(row, 0), panel, outputs);
                }
            }
            Ok(())
        })?;
        Ok(output)
    }
}
