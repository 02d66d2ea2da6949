//! Convolutions that change the resolution: each window is gathered into a row.

use std::io;
use std::ops::Range;

use super::activations::{Activations, stride};
use super::arithmetic::{Arithmetic, Lanes, Number, width};
use super::memory::Pool;
use super::panels::Panels;
use super::spread::Spread;
use super::tile::{Outputs, Rows, multiply};

/// Gathered windows of one task: with a panel they fit the second-level cache.
const TASK_BYTES: usize = 512 << 10;

pub(super) struct Gathered<A: Arithmetic> {
    panels: Panels<A>,
    bias: Vec<f32>,
    window: Window,
}

/// Square windows over a photo, zeros around it as wide as half of a window.
#[derive(Clone, Copy)]
struct Window {
    side: usize,
    stride: usize,
}

impl<A: Arithmetic> Gathered<A> {
    /// `kernel` is of shape [outputs, channels, side, side].
    pub(super) fn new(arithmetic: A, kernel: &[f32], [side, stride]: [usize; 2], bias: Vec<f32>) -> io::Result<Self> {
        let (inputs, area) = (kernel.len() / bias.len(), side * side);
        let column = |output: usize, weights: &mut [f32]| {
            for (channel, plane) in kernel[output * inputs..][..inputs].chunks_exact(area).enumerate() {
                for (at, weight) in plane.iter().enumerate() {
                    weights[at * (inputs / area) + channel] = *weight;
                }
            }
        };
        let panels = Panels::new(arithmetic, 1, [inputs, bias.len()], column)?;
        Ok(Self { panels, bias, window: Window { side, stride } })
    }

    pub(super) fn forward<'a>(
        &self,
        pool: &'a Pool,
        spread: Spread,
        input: &Activations<'_, A::Stored>,
        floor: f32,
    ) -> io::Result<Activations<'a, A::Stored>> {
        let arithmetic = self.panels.arithmetic();
        let (down, across) = (self.window.steps(input.height), self.window.steps(input.width));
        let mut output = Activations::new(pool, [down, across], self.panels.outputs)?;
        let (pixels, output_stride) = (output.pixels(), output.stride);
        let columns = self.window.side * self.window.side * input.channels;
        let row = stride::<A::Stored>(columns);
        let task_rows = (TASK_BYTES / size_of::<A::Stored>() / row).next_multiple_of(A::Lanes::ROWS);
        let task_rows = spread.share(pixels, task_rows, A::Lanes::ROWS);
        spread.for_each_chunk(&mut output.numbers, task_rows * output_stride, |task, numbers| {
            let rows = task_rows.min(pixels - task * task_rows);
            let mut windows = pool.lend(rows * row)?;
            for (at, window) in windows.chunks_exact_mut(row).enumerate() {
                let pixel = task * task_rows + at;
                self.window.gather(input, [pixel / across, pixel % across], &mut window[..columns]);
            }
            for (panel, column) in self.panels.matrix(0).zip((0..).step_by(width::<A>())) {
                let outputs = Outputs {
                    numbers: &mut numbers[column..],
                    stride: output_stride,
                    bias: &self.bias[column..],
                    residual: None,
                    floor,
                };
                multiply(arithmetic, rows, Rows { numbers: &windows, stride: row }, panel, outputs);
            }
            Ok(())
        })?;
        Ok(output)
    }
}

impl Window {
    /// Windows along a side of `length` pixels.
    fn steps(self, length: usize) -> usize {
        (length - 1) / self.stride + 1
    }

    /// The pixels that window `step` covers along a side of `length` pixels, and the first of its own places inside.
    fn span(self, step: usize, length: usize) -> (Range<usize>, usize) {
        let (start, padding) = (step * self.stride, self.side / 2);
        let first = start.saturating_sub(padding);
        (first..(start + self.side - padding).min(length), padding.saturating_sub(start))
    }

    /// One window's numbers: from the top, from the left, channels.
    fn gather<T: Number>(self, input: &Activations<'_, T>, [y, x]: [usize; 2], row: &mut [T]) {
        let channels = input.channels;
        let (ys, above) = self.span(y, input.height);
        let (xs, before) = self.span(x, input.width);
        if ys.len() < self.side || xs.len() < self.side {
            row.fill(T::nearest(0.0));
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
