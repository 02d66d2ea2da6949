//! 3x3 convolutions of stride 1 by Winograd's minimal filtering, which needs fewer multiplications.
//!
//! Lavin, Gray: Fast Algorithms for Convolutional Neural Networks, CVPR 2016. The input is cut into tiles `d` of T x T
//! pixels that overlap by two. With filter `g` the outputs of a tile are `A' [(G g G') * (B' d B)] A`, where `*` is
//! element-wise: summed over the channels it is one matrix product for each of the T x T elements. F(4x4, 3x3) has T =
//! 6 and needs 1/4 of the multiplications; F(2x2, 3x3) has T = 4 and needs 4/9.
#![expect(unsafe_code, reason = "transforms access pixels through pointers after one check of bounds")]

use std::io;

use super::activation::Activation;
use super::buffer::BufferPool;
use super::feature_map::{FeatureMap, stride};
use super::micro_kernel::{MatrixView, StoreSums, gemm_panel};
use super::packing::PackedWeights;
use super::parallelism::Parallelism;
use super::simd::{Arithmetic, Simd, Vector, tile_columns};

/// Pixels by which neighbouring tiles overlap.
const OVERLAP: usize = 2;
/// Outputs along a side of the largest tile.
const MAX_OUTPUTS: usize = 4;
/// Weights up to this size stay in the L2 cache while a task runs block by block; larger ones are streamed once per
/// task.
const CACHED_WEIGHT_BYTES: usize = 1 << 20;
/// Bytes of the transformed tiles and products of a block.
const BLOCK_BYTES: usize = 700 << 10;

/// `T` is 6 for F(4x4) and 4 for F(2x2).
pub(crate) struct WinogradConv<A: Arithmetic, const T: usize> {
    weights: PackedWeights<A>,
    bias: Vec<f32>,
}

impl<A: Arithmetic, const T: usize> WinogradConv<A, T> {
    /// `kernel` is of shape [outputs, channels, 3, 3].
    pub(crate) fn new(arithmetic: A, kernel: &[f32], bias: Vec<f32>) -> io::Result<Self> {
        let channels = kernel.len() / bias.len() / 9;
        let column = |output: usize, weights: &mut [f32]| {
            let (kernels, _) = kernel[output * channels * 9..][..channels * 9].as_chunks::<9>();
            for (channel, kernel) in kernels.iter().enumerate() {
                let columns = [0, 1, 2].map(|x| filter_transform_1d::<T>([0, 3, 6].map(|y| kernel[y + x])));
                for y in 0..T {
                    for (x, number) in filter_transform_1d::<T>(columns.map(|column| column[y])).into_iter().enumerate()
                    {
                        weights[(y * T + x) * channels + channel] = number;
                    }
                }
            }
        };
        Ok(Self { weights: PackedWeights::new(arithmetic, T * T, [channels, bias.len()], column)?, bias })
    }

    pub(crate) fn forward<'a>(
        &self,
        pool: &'a BufferPool,
        parallelism: Parallelism,
        input: &FeatureMap<'_, A::Element>,
        activation: Activation,
    ) -> io::Result<FeatureMap<'a, A::Element>> {
        let mut output = FeatureMap::new(pool, input.size(), self.weights.outputs)?;
        let (outputs, across) = (T - OVERLAP, input.width.div_ceil(T - OVERLAP));
        let (height, width, stride) = (output.height, output.width, output.stride);
        let down = height.div_ceil(outputs);
        let rows = parallelism.task_rows(down, down, 1);
        parallelism.for_each_chunk(&mut output.numbers, rows * outputs * width * stride, |task, numbers| {
            let tiles = (task * rows * across..down.min((task + 1) * rows) * across)
                .map(|tile| TilePosition { y: tile / across * outputs, x: tile % across * outputs });
            let first_row = task * rows * outputs;
            self.convolve(
                pool,
                input,
                &tiles.collect::<Vec<_>>(),
                &mut OutputRegion { numbers, stride, height, width, first_row, floor: activation.floor() },
            )
        })?;
        Ok(output)
    }

    /// Computes the outputs of some tiles, block by block.
    fn convolve(
        &self,
        pool: &BufferPool,
        input: &FeatureMap<'_, A::Element>,
        tiles: &[TilePosition],
        region: &mut OutputRegion<'_, A::Element>,
    ) -> io::Result<()> {
        let arithmetic = self.weights.arithmetic();
        let strides = (stride::<A::Element>(input.channels), stride::<f32>(self.weights.outputs));
        let block = if self.weights.matrix_bytes() * T * T <= CACHED_WEIGHT_BYTES {
            let tile_bytes = T * T * (strides.0 * size_of::<A::Element>() + strides.1 * size_of::<f32>());
            (BLOCK_BYTES / tile_bytes).next_multiple_of(A::Simd::TILE_ROWS).min(tiles.len())
        } else {
            tiles.len()
        };
        let mut transformed = pool.take(T * T * block * strides.0)?;
        let mut products = pool.take(T * T * block * strides.1)?;
        for tiles in tiles.chunks(block) {
            arithmetic.vectorised(|| {
                for (at, tile) in tiles.iter().enumerate() {
                    input_transform::<A, T>(
                        arithmetic,
                        input,
                        *tile,
                        &mut transformed[at * strides.0..],
                        block * strides.0,
                    );
                }
            });
            for number in 0..T * T {
                let rows = MatrixView { numbers: &transformed[number * block * strides.0..], stride: strides.0 };
                for (panel, column) in self.weights.panels(number).zip((0..).step_by(tile_columns::<A>())) {
                    let numbers = &mut products[number * block * strides.1 + column..];
                    gemm_panel(arithmetic, tiles.len(), rows, panel, StoreSums { numbers, stride: strides.1 });
                }
            }
            arithmetic.vectorised(|| {
                for (at, tile) in tiles.iter().enumerate() {
                    let products = &products[at * strides.1..];
                    output_transform::<A, T>(arithmetic, products, block * strides.1, &self.bias, *tile, region);
                }
            });
        }
        Ok(())
    }
}

/// The first output pixel of a tile.
#[derive(Clone, Copy)]
struct TilePosition {
    y: usize,
    x: usize,
}

/// The output rows of one task.
struct OutputRegion<'a, T> {
    numbers: &'a mut [T],
    /// Elements from one pixel to the next.
    stride: usize,
    height: usize,
    width: usize,
    /// Output rows of the photo above this region.
    first_row: usize,
    floor: f32,
}

/// Writes `B' d B` of one tile to `to`: `[element][channel]`, elements `step` apart.
#[inline(always)]
fn input_transform<A: Arithmetic, const T: usize>(
    arithmetic: A,
    input: &FeatureMap<'_, A::Element>,
    tile: TilePosition,
    to: &mut [A::Element],
    step: usize,
) {
    let (simd, channels) = (arithmetic.simd(), input.channels);
    assert!(channels.is_multiple_of(A::Simd::LANES), "whole vectors of channels");
    assert!(to.len() >= (T * T - 1) * step + channels, "a tile stays inside its block");
    // A tile begins one pixel above and left of its first output.
    let inside = |at: usize, from: usize, length: usize| (from + at).checked_sub(1).filter(|at| *at < length);
    let mut pixels: [[Option<&[A::Element]>; T]; T] = [[None; T]; T];
    for (at_y, y) in (0..T).filter_map(|at| Some((at, inside(at, tile.y, input.height)?))) {
        for (at_x, x) in (0..T).filter_map(|at| Some((at, inside(at, tile.x, input.width)?))) {
            let pixel = y * input.width + x;
            pixels[at_x][at_y] = Some(&input.numbers[pixel * input.stride..][..channels]);
        }
    }
    // Loops instead of closures: closures might not be inlined and would miss the instruction set.
    let zeros = [simd.splat(0.0); T];
    for channel in (0..channels).step_by(A::Simd::LANES) {
        let mut columns = [zeros; T];
        for (column, pixels) in columns.iter_mut().zip(&pixels) {
            for (number, pixel) in column.iter_mut().zip(pixels) {
                if let Some(pixel) = pixel {
                    // SAFETY: a pixel has a whole vector of channels from here on.
                    *number = unsafe { arithmetic.load(pixel.as_ptr().add(channel)) };
                }
            }
            *column = input_transform_1d::<A, T>(simd, *column);
        }
        for y in 0..T {
            let mut row = zeros;
            for (number, column) in row.iter_mut().zip(&columns) {
                *number = column[y];
            }
            for (x, number) in input_transform_1d::<A, T>(simd, row).into_iter().enumerate() {
                // SAFETY: `to` has T x T elements, each with a whole vector of channels from here on.
                unsafe { arithmetic.store(to.as_mut_ptr().add((y * T + x) * step + channel), number) };
            }
        }
    }
}

/// Writes `A' m A` of the products of one tile to the outputs inside the feature map.
#[inline(always)]
fn output_transform<A: Arithmetic, const T: usize>(
    arithmetic: A,
    products: &[f32],
    step: usize,
    bias: &[f32],
    tile: TilePosition,
    region: &mut OutputRegion<'_, A::Element>,
) {
    let (simd, outputs) = (arithmetic.simd(), bias.len());
    assert!(outputs.is_multiple_of(A::Simd::LANES), "whole vectors of outputs");
    assert!(products.len() >= (T * T - 1) * step + outputs, "a tile stays inside its block");
    let floor = simd.splat(region.floor);
    let (height, width) = ((region.height - tile.y).min(T - OVERLAP), (region.width - tile.x).min(T - OVERLAP));
    let first = ((tile.y - region.first_row) * region.width + tile.x) * region.stride;
    let last = first + ((height - 1) * region.width + width - 1) * region.stride;
    let numbers = &mut region.numbers[first..last + outputs];
    let zeros = [simd.splat(0.0); T];
    for channel in (0..outputs).step_by(A::Simd::LANES) {
        // SAFETY: bias and products have a whole vector of channels from here on.
        let bias = unsafe { simd.load(bias.as_ptr().add(channel)) };
        let mut columns = [[bias; MAX_OUTPUTS]; T];
        for (x, outputs) in columns.iter_mut().enumerate() {
            let mut column = zeros;
            for (y, number) in column.iter_mut().enumerate() {
                // SAFETY: as above.
                *number = unsafe { simd.load(products.as_ptr().add((y * T + x) * step + channel)) };
            }
            *outputs = output_transform_1d::<A, T>(simd, column);
        }
        for y in 0..height {
            let mut row = zeros;
            for (number, column) in row.iter_mut().zip(&columns) {
                *number = column[y];
            }
            let row = output_transform_1d::<A, T>(simd, row);
            for (x, value) in row.into_iter().take(width).enumerate() {
                let value = simd.maximum(simd.add(value, bias), floor);
                // SAFETY: the pixel is inside the feature map, and `numbers` reaches its last channel.
                unsafe {
                    let to = numbers.as_mut_ptr().add((y * region.width + x) * region.stride + channel);
                    arithmetic.store(to, value);
                }
            }
        }
    }
}

/// `G g`.
fn filter_transform_1d<const T: usize>([a, b, c]: [f32; 3]) -> [f32; T] {
    let (even, odd) = (a / 24.0 + c / 6.0, b / 12.0);
    let numbers: &[f32] = match T {
        4 => &[a, (a + b + c) / 2.0, (a - b + c) / 2.0, c],
        _ => &[a / 4.0, -(a + b + c) / 6.0, -(a - b + c) / 6.0, even + odd, even - odd, c],
    };
    std::array::from_fn(|at| numbers[at])
}

/// `B' d`.
#[inline(always)]
fn input_transform_1d<A: Arithmetic, const T: usize>(simd: A::Simd, d: [Vector<A>; T]) -> [Vector<A>; T] {
    let mut t = d;
    if T == 4 {
        t[0] = simd.subtract(d[0], d[2]);
        t[1] = simd.add(d[1], d[2]);
        t[2] = simd.subtract(d[2], d[1]);
        t[3] = simd.subtract(d[1], d[3]);
    } else {
        let (even, odd) = (scaled_add::<A>(simd, -4.0, d[2], d[4]), scaled_add::<A>(simd, -4.0, d[1], d[3]));
        let (outer, inner) = (simd.subtract(d[4], d[2]), simd.subtract(d[3], d[1]));
        t[0] = scaled_add::<A>(simd, 4.0, d[0], scaled_add::<A>(simd, -5.0, d[2], d[4]));
        t[1] = simd.add(even, odd);
        t[2] = simd.subtract(even, odd);
        t[3] = scaled_add::<A>(simd, 2.0, inner, outer);
        t[4] = scaled_add::<A>(simd, -2.0, inner, outer);
        t[5] = scaled_add::<A>(simd, 4.0, d[1], scaled_add::<A>(simd, -5.0, d[3], d[5]));
    }
    t
}

/// `factor * left + sum`.
#[inline(always)]
fn scaled_add<A: Arithmetic>(simd: A::Simd, factor: f32, left: Vector<A>, sum: Vector<A>) -> Vector<A> {
    simd.multiply_add(simd.splat(factor), left, sum)
}

/// `A' m`: four outputs for F(4x4), two for F(2x2).
#[inline(always)]
fn output_transform_1d<A: Arithmetic, const T: usize>(simd: A::Simd, m: [Vector<A>; T]) -> [Vector<A>; MAX_OUTPUTS] {
    let (sum, difference) = (simd.add(m[1], m[2]), simd.subtract(m[1], m[2]));
    if T == 4 {
        let last = simd.subtract(difference, m[3]);
        [simd.add(m[0], sum), last, last, last]
    } else {
        let (far_sum, far_difference) = (simd.add(m[3], m[4]), simd.subtract(m[3], m[4]));
        [
            simd.add(simd.add(m[0], sum), far_sum),
            scaled_add::<A>(simd, 2.0, far_difference, difference),
            scaled_add::<A>(simd, 4.0, far_sum, sum),
            simd.add(scaled_add::<A>(simd, 8.0, far_difference, difference), m[5]),
        ]
    }
}
