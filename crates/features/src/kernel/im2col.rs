//! Convolutions of any kernel size and stride by im2col: each window is copied into a row of a matrix, then multiplied.
//!
//! Used for strided convolutions, and for 3x3 where computing Winograd's weights is not worth it.

use std::io;
use std::ops::Range;

use super::activation::Activation;
use super::buffer::BufferPool;
use super::feature_map::{FeatureMap, stride};
use super::micro_kernel::{BiasActivation, MatrixView, gemm_panel};
use super::packing::PackedWeights;
use super::parallelism::Parallelism;
use super::simd::{Arithmetic, Element, Simd, tile_columns};

/// Matrix rows per task: together with a panel they fit into the L2 cache.
const TASK_BYTES: usize = 512 << 10;

pub(crate) struct Im2colConv<A: Arithmetic> {
    weights: PackedWeights<A>,
    bias: Vec<f32>,
    window: Window,
}

/// The windows of a square kernel, with zero padding of half its side.
#[derive(Clone, Copy)]
struct Window {
    side: usize,
    stride: usize,
}

impl<A: Arithmetic> Im2colConv<A> {
    /// `kernel` is of shape [outputs, channels, side, side].
    pub(crate) fn new(arithmetic: A, kernel: &[f32], [side, stride]: [usize; 2], bias: Vec<f32>) -> io::Result<Self> {
        let (inputs, area) = (kernel.len() / bias.len(), side * side);
        let column = |output: usize, weights: &mut [f32]| {
            for (channel, plane) in kernel[output * inputs..][..inputs].chunks_exact(area).enumerate() {
                for (at, weight) in plane.iter().enumerate() {
                    weights[at * (inputs / area) + channel] = *weight;
                }
            }
        };
        let weights = PackedWeights::new(arithmetic, 1, [inputs, bias.len()], column)?;
        Ok(Self { weights, bias, window: Window { side, stride } })
    }

    pub(crate) fn forward<'a>(
        &self,
        pool: &'a BufferPool,
        parallelism: Parallelism,
        input: &FeatureMap<'_, A::Element>,
        activation: Activation,
    ) -> io::Result<FeatureMap<'a, A::Element>> {
        let arithmetic = self.weights.arithmetic();
        let (down, across) = (self.window.outputs(input.height), self.window.outputs(input.width));
        let mut output = FeatureMap::new(pool, [down, across], self.weights.outputs)?;
        let (pixels, output_stride) = (output.pixels(), output.stride);
        let columns = self.window.side * self.window.side * input.channels;
        let row = stride::<A::Element>(columns);
        let task_rows = (TASK_BYTES / size_of::<A::Element>() / row).next_multiple_of(A::Simd::TILE_ROWS);
        let task_rows = parallelism.task_rows(pixels, task_rows, A::Simd::TILE_ROWS);
        parallelism.for_each_chunk(&mut output.numbers, task_rows * output_stride, |task, numbers| {
            let rows = task_rows.min(pixels - task * task_rows);
            let mut windows = pool.take(rows * row)?;
            for (at, window) in windows.chunks_exact_mut(row).enumerate() {
                let pixel = task * task_rows + at;
                self.window.im2col(input, [pixel / across, pixel % across], &mut window[..columns]);
            }
            for (panel, column) in self.weights.panels(0).zip((0..).step_by(tile_columns::<A>())) {
                let epilogue = BiasActivation {
                    numbers: &mut numbers[column..],
                    stride: output_stride,
                    bias: &self.bias[column..],
                    residual: None,
                    floor: activation.floor(),
                };
                gemm_panel(arithmetic, rows, MatrixView { numbers: &windows, stride: row }, panel, epilogue);
            }
            Ok(())
        })?;
        Ok(output)
    }
}

impl Window {
    /// Outputs along a side of `length` pixels.
    fn outputs(self, length: usize) -> usize {
        (length - 1) / self.stride + 1
    }

    /// Along a side of `length` pixels: the pixels under the window of this output, and the padding before them.
    fn span(self, output: usize, length: usize) -> (Range<usize>, usize) {
        let (start, padding) = (output * self.stride, self.side / 2);
        let first = start.saturating_sub(padding);
        (first..(start + self.side - padding).min(length), padding.saturating_sub(start))
    }

    /// Copies the window of the output at (y, x) to `row`: `[window y][window x][channel]`.
    fn im2col<T: Element>(self, input: &FeatureMap<'_, T>, [y, x]: [usize; 2], row: &mut [T]) {
        let channels = input.channels;
        let (ys, above) = self.span(y, input.height);
        let (xs, before) = self.span(x, input.width);
        if ys.len() < self.side || xs.len() < self.side {
            row.fill(T::from_f32(0.0));
        }
        for (at, y) in ys.enumerate() {
            let from = &input.numbers[(y * input.width + xs.start) * input.stride..];
            let to = &mut row[((above + at) * self.side + before) * channels..][..xs.len() * channels];
            if input.stride == channels {
                to.copy_from_slice(&from[..to.len()]);
            } else {
                for (to, from) in to.chunks_exact_mut(channels).zip(from.chunks(input.stride)) {
                    to.copy_from_slice(&from[..channels]);
                }
            }
        }
    }
}
