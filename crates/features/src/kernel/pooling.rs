//! Pooling layers: maximum over 3x3 windows, and global average.
#![expect(unsafe_code, reason = "pixels are accessed through pointers after one check of bounds")]

use std::io;

use super::buffer::BufferPool;
use super::feature_map::FeatureMap;
use super::parallelism::Parallelism;
use super::simd::{Arithmetic, Simd};

/// Maximum over 3x3 windows, stride 2, padding 1. No input may be negative: padding counts as zero.
pub(crate) fn max_pool_3x3<'a, A: Arithmetic>(
    arithmetic: A,
    pool: &'a BufferPool,
    parallelism: Parallelism,
    input: &FeatureMap<'_, f32>,
) -> io::Result<FeatureMap<'a, A::Element>> {
    let simd = arithmetic.simd();
    let (down, across) = (input.height.div_ceil(2), input.width.div_ceil(2));
    let mut output = FeatureMap::<A::Element>::new(pool, [down, across], input.channels)?;
    let (channels, stride) = (input.channels, output.stride);
    assert!(channels.is_multiple_of(A::Simd::LANES) && input.stride >= channels, "whole vectors of channels");
    parallelism.for_each_chunk(&mut output.numbers, across * stride, |y, numbers| {
        arithmetic.vectorised(|| {
            for (x, pixel) in numbers.chunks_exact_mut(stride).enumerate() {
                let ys = (2 * y).saturating_sub(1)..(2 * y + 2).min(input.height);
                let xs = (2 * x).saturating_sub(1)..(2 * x + 2).min(input.width);
                for channel in (0..channels).step_by(A::Simd::LANES) {
                    let mut largest = simd.splat(0.0);
                    for y in ys.clone() {
                        let first = (y * input.width + xs.start) * input.stride;
                        let from = &input.numbers[first..first + xs.len() * input.stride];
                        for at in 0..xs.len() {
                            // SAFETY: each pixel of `from` has a whole vector of channels from here on.
                            let value = unsafe { simd.load(from.as_ptr().add(at * input.stride + channel)) };
                            largest = simd.maximum(largest, value);
                        }
                    }
                    // SAFETY: the pixel has a whole vector of channels from here on.
                    unsafe { arithmetic.store(pixel.as_mut_ptr().add(channel), largest) };
                }
            }
        });
        Ok(())
    })?;
    Ok(output)
}

/// Mean over all pixels of each channel.
pub(crate) fn global_average_pool<A: Arithmetic>(arithmetic: A, input: &FeatureMap<'_, A::Element>, means: &mut [f32]) {
    let (simd, channels) = (arithmetic.simd(), input.channels);
    assert!(channels.is_multiple_of(A::Simd::LANES) && input.stride >= channels, "whole vectors of channels");
    assert_eq!(means.len(), channels, "a mean for each channel");
    let share = simd.splat(1.0 / input.pixels() as f32);
    arithmetic.vectorised(|| {
        for channel in (0..channels).step_by(A::Simd::LANES) {
            let mut sum = simd.splat(0.0);
            for pixel in input.numbers.chunks_exact(input.stride) {
                // SAFETY: the pixel has a whole vector of channels from here on.
                sum = simd.add(sum, unsafe { arithmetic.load(pixel.as_ptr().add(channel)) });
            }
            let mean = simd.multiply_add(sum, share, simd.splat(0.0));
            // SAFETY: `means` has a whole vector of channels from here on.
            unsafe { simd.store(means.as_mut_ptr().add(channel), mean) };
        }
    });
}
