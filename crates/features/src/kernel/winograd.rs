//! 3x3 convolutions with fewer multiplications: Winograd's minimal filtering.
//!
//! Lavin, Gray: Fast Algorithms for Convolutional Neural Networks, CVPR 2016. Photos are cut into tiles of `T` x `T` pixels
//! that overlap by two; tile `d` and kernel `g` give the outputs `A' [(G g G') * (B' d B)] A`, the product taken number by
//! number: as one matrix product over the channels for each of the `T` x `T` numbers. F(4x4) takes tiles of 6 and a
//! quarter of the multiplications, F(2x2) tiles of 4 and 4/9 of them.
#![expect(unsafe_code, reason = "transforms read and write through pointers, their bounds checked once before")]

use std::io;

use super::activations::{Activations, stride};
use super::arithmetic::{Arithmetic, Lanes, Vector, width};
use super::memory::Pool;
use super::panels::Panels;
use super::spread::Spread;
use super::tile::{Rows, Sums, multiply};

/// Pixels by which neighbouring tiles overlap.
const OVERLAP: usize = 2;
/// Outputs along a side of the largest tile.
const MOST_OUTPUTS: usize = 4;
/// Matrices up to this size stay in the second-level cache; larger ones are read once for all tiles of a task.
const KEPT_BYTES: usize = 1 << 20;
/// Transformed tiles and products of a block whose matrices are kept.
const BLOCK_BYTES: usize = 700 << 10;

/// `T` is 6 for F(4x4) and 4 for F(2x2).
pub(super) struct Winograd<A: Arithmetic, const T: usize> {
    panels: Panels<A>,
    bias: Vec<f32>,
}

impl<A: Arithmetic, const T: usize> Winograd<A, T> {
    /// `kernel` is of shape [outputs, channels, 3, 3].
    pub(super) fn new(arithmetic: A, kernel: &[f32], bias: Vec<f32>) -> io::Result<Self> {
        let channels = kernel.len() / bias.len() / 9;
        let column = |output: usize, weights: &mut [f32]| {
            let (kernels, _) = kernel[output * channels * 9..][..channels * 9].as_chunks::<9>();
            for (channel, kernel) in kernels.iter().enumerate() {
                let columns = [0, 1, 2].map(|x| transform_kernel::<T>([0, 3, 6].map(|y| kernel[y + x])));
                for y in 0..T {
                    for (x, number) in transform_kernel::<T>(columns.map(|column| column[y])).into_iter().enumerate() {
                        weights[(y * T + x) * channels + channel] = number;
                    }
                }
            }
        };
        Ok(Self { panels: Panels::new(arithmetic, T * T, [channels, bias.len()], column)?, bias })
    }

    pub(super) fn forward<'a>(
        &self,
        pool: &'a Pool,
        spread: Spread,
        input: &Activations<'_, A::Stored>,
        floor: f32,
    ) -> io::Result<Activations<'a, A::Stored>> {
        let mut output = Activations::new(pool, input.size(), self.panels.outputs)?;
        let (outputs, across) = (T - OVERLAP, input.width.div_ceil(T - OVERLAP));
        let (height, width, stride) = (output.height, output.width, output.stride);
        let down = height.div_ceil(outputs);
        let rows = spread.share(down, down, 1);
        spread.for_each_chunk(&mut output.numbers, rows * outputs * width * stride, |task, numbers| {
            let tiles = (task * rows * across..down.min((task + 1) * rows) * across)
                .map(|tile| Place { y: tile / across * outputs, x: tile % across * outputs });
            let above = task * rows * outputs;
            self.convolve(
                pool,
                input,
                &tiles.collect::<Vec<_>>(),
                &mut Target { numbers, stride, height, width, above, floor },
            )
        })?;
        Ok(output)
    }

    /// The outputs of some tiles, block by block.
    fn convolve(
        &self,
        pool: &Pool,
        input: &Activations<'_, A::Stored>,
        places: &[Place],
        target: &mut Target<'_, A::Stored>,
    ) -> io::Result<()> {
        let arithmetic = self.panels.arithmetic();
        let strides = (stride::<A::Stored>(input.channels), stride::<f32>(self.panels.outputs));
        let block = if self.panels.matrix_bytes() * T * T <= KEPT_BYTES {
            let tile_bytes = T * T * (strides.0 * size_of::<A::Stored>() + strides.1 * size_of::<f32>());
            (BLOCK_BYTES / tile_bytes).next_multiple_of(A::Lanes::ROWS).min(places.len())
        } else {
            places.len()
        };
        let mut transformed = pool.lend(T * T * block * strides.0)?;
        let mut products = pool.lend(T * T * block * strides.1)?;
        for places in places.chunks(block) {
            arithmetic.vectorised(|| {
                for (at, place) in places.iter().enumerate() {
                    enter::<A, T>(arithmetic, input, *place, &mut transformed[at * strides.0..], block * strides.0);
                }
            });
            for number in 0..T * T {
                let rows = Rows { numbers: &transformed[number * block * strides.0..], stride: strides.0 };
                for (panel, column) in self.panels.matrix(number).zip((0..).step_by(width::<A>())) {
                    let numbers = &mut products[number * block * strides.1 + column..];
                    multiply(arithmetic, places.len(), rows, panel, Sums { numbers, stride: strides.1 });
                }
            }
            arithmetic.vectorised(|| {
                for (at, place) in places.iter().enumerate() {
                    let products = &products[at * strides.1..];
                    leave::<A, T>(arithmetic, products, block * strides.1, &self.bias, *place, target);
                }
            });
        }
        Ok(())
    }
}

/// The first output of a tile.
#[derive(Clone, Copy)]
struct Place {
    y: usize,
    x: usize,
}

/// The output pixels of a task.
struct Target<'a, T> {
    numbers: &'a mut [T],
    /// Numbers from one pixel to the next.
    stride: usize,
    height: usize,
    width: usize,
    /// Rows of the photo above the first one here.
    above: usize,
    floor: f32,
}

/// One tile's numbers, transformed, to `to`: each in turn `step` after the one before, with all its channels.
#[inline(always)]
fn enter<A: Arithmetic, const T: usize>(
    arithmetic: A,
    input: &Activations<'_, A::Stored>,
    place: Place,
    to: &mut [A::Stored],
    step: usize,
) {
    let (lanes, channels) = (arithmetic.lanes(), input.channels);
    assert!(channels.is_multiple_of(A::Lanes::COUNT), "whole vectors of channels");
    assert!(to.len() >= (T * T - 1) * step + channels, "a tile stays inside its block");
    // The tile begins one pixel before its first output.
    let inside = |at: usize, from: usize, length: usize| (from + at).checked_sub(1).filter(|at| *at < length);
    let mut pixels: [[Option<&[A::Stored]>; T]; T] = [[None; T]; T];
    for (at_y, y) in (0..T).filter_map(|at| Some((at, inside(at, place.y, input.height)?))) {
        for (at_x, x) in (0..T).filter_map(|at| Some((at, inside(at, place.x, input.width)?))) {
            let pixel = y * input.width + x;
            pixels[at_x][at_y] = Some(&input.numbers[pixel * input.stride..][..channels]);
        }
    }
    // Loops instead of closures from here on: only they are sure to be compiled for the instructions.
    let zeros = [lanes.splat(0.0); T];
    for channel in (0..channels).step_by(A::Lanes::COUNT) {
        let mut columns = [zeros; T];
        for (column, pixels) in columns.iter_mut().zip(&pixels) {
            for (number, pixel) in column.iter_mut().zip(pixels) {
                if let Some(pixel) = pixel {
                    // SAFETY: a pixel has all channels, of which a vector begins here.
                    *number = unsafe { arithmetic.load(pixel.as_ptr().add(channel)) };
                }
            }
            *column = transform_tile::<A, T>(lanes, *column);
        }
        for y in 0..T {
            let mut row = zeros;
            for (number, column) in row.iter_mut().zip(&columns) {
                *number = column[y];
            }
            for (x, number) in transform_tile::<A, T>(lanes, row).into_iter().enumerate() {
                // SAFETY: `to` holds that many numbers, each with all channels, of which a vector begins here.
                unsafe { arithmetic.store(to.as_mut_ptr().add((y * T + x) * step + channel), number) };
            }
        }
    }
}

/// One tile's products, transformed, to the outputs that lie inside the photo.
#[inline(always)]
fn leave<A: Arithmetic, const T: usize>(
    arithmetic: A,
    products: &[f32],
    step: usize,
    bias: &[f32],
    place: Place,
    target: &mut Target<'_, A::Stored>,
) {
    let (lanes, outputs) = (arithmetic.lanes(), bias.len());
    assert!(outputs.is_multiple_of(A::Lanes::COUNT), "whole vectors of outputs");
    assert!(products.len() >= (T * T - 1) * step + outputs, "a tile stays inside its block");
    let floor = lanes.splat(target.floor);
    let (height, width) = ((target.height - place.y).min(T - OVERLAP), (target.width - place.x).min(T - OVERLAP));
    let first = ((place.y - target.above) * target.width + place.x) * target.stride;
    let last = first + ((height - 1) * target.width + width - 1) * target.stride;
    let numbers = &mut target.numbers[first..last + outputs];
    let zeros = [lanes.splat(0.0); T];
    for channel in (0..outputs).step_by(A::Lanes::COUNT) {
        // SAFETY: bias and products have all channels, of which a vector begins here.
        let bias = unsafe { lanes.load(bias.as_ptr().add(channel)) };
        let mut columns = [[bias; MOST_OUTPUTS]; T];
        for (x, outputs) in columns.iter_mut().enumerate() {
            let mut column = zeros;
            for (y, number) in column.iter_mut().enumerate() {
                // SAFETY: as above.
                *number = unsafe { lanes.load(products.as_ptr().add((y * T + x) * step + channel)) };
            }
            *outputs = transform_products::<A, T>(lanes, column);
        }
        for y in 0..height {
            let mut row = zeros;
            for (number, column) in row.iter_mut().zip(&columns) {
                *number = column[y];
            }
            let row = transform_products::<A, T>(lanes, row);
            for (x, value) in row.into_iter().take(width).enumerate() {
                let value = lanes.maximum(lanes.add(value, bias), floor);
                // SAFETY: row and column are inside the photo, and `numbers` reaches to its last channel there.
                unsafe {
                    let to = numbers.as_mut_ptr().add((y * target.width + x) * target.stride + channel);
                    arithmetic.store(to, value);
                }
            }
        }
    }
}

/// `G g`.
fn transform_kernel<const T: usize>([a, b, c]: [f32; 3]) -> [f32; T] {
    let (even, odd) = (a / 24.0 + c / 6.0, b / 12.0);
    let numbers: &[f32] = match T {
        4 => &[a, (a + b + c) / 2.0, (a - b + c) / 2.0, c],
        _ => &[a / 4.0, -(a + b + c) / 6.0, -(a - b + c) / 6.0, even + odd, even - odd, c],
    };
    std::array::from_fn(|at| numbers[at])
}

/// `B' d`.
#[inline(always)]
fn transform_tile<A: Arithmetic, const T: usize>(lanes: A::Lanes, d: [Vector<A>; T]) -> [Vector<A>; T] {
    let mut t = d;
    if T == 4 {
        t[0] = lanes.subtract(d[0], d[2]);
        t[1] = lanes.add(d[1], d[2]);
        t[2] = lanes.subtract(d[2], d[1]);
        t[3] = lanes.subtract(d[1], d[3]);
    } else {
        let (even, odd) = (times::<A>(lanes, -4.0, d[2], d[4]), times::<A>(lanes, -4.0, d[1], d[3]));
        let (outer, inner) = (lanes.subtract(d[4], d[2]), lanes.subtract(d[3], d[1]));
        t[0] = times::<A>(lanes, 4.0, d[0], times::<A>(lanes, -5.0, d[2], d[4]));
        t[1] = lanes.add(even, odd);
        t[2] = lanes.subtract(even, odd);
        t[3] = times::<A>(lanes, 2.0, inner, outer);
        t[4] = times::<A>(lanes, -2.0, inner, outer);
        t[5] = times::<A>(lanes, 4.0, d[1], times::<A>(lanes, -5.0, d[3], d[5]));
    }
    t
}

/// `factor * left + sum`.
#[inline(always)]
fn times<A: Arithmetic>(lanes: A::Lanes, factor: f32, left: Vector<A>, sum: Vector<A>) -> Vector<A> {
    lanes.multiply_add(lanes.splat(factor), left, sum)
}

/// `A' m`: four outputs for F(4x4), two for F(2x2).
#[inline(always)]
fn transform_products<A: Arithmetic, const T: usize>(lanes: A::Lanes, m: [Vector<A>; T]) -> [Vector<A>; MOST_OUTPUTS] {
    let (sum, difference) = (lanes.add(m[1], m[2]), lanes.subtract(m[1], m[2]));
    if T == 4 {
        let last = lanes.subtract(difference, m[3]);
        [lanes.add(m[0], sum), last, last, last]
    } else {
        let (far_sum, far_difference) = (lanes.add(m[3], m[4]), lanes.subtract(m[3], m[4]));
        [
            lanes.add(lanes.add(m[0], sum), far_sum),
            times::<A>(lanes, 2.0, far_difference, difference),
            times::<A>(lanes, 4.0, far_sum, sum),
            lanes.add(times::<A>(lanes, 8.0, far_difference, difference), m[5]),
        ]
    }
}
