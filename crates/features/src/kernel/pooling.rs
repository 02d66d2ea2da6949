//! The two poolings: the largest of 3x3 pixels after the first layer, and the mean of all after the last.
#![expect(unsafe_code, reason = "pixels are read and written through pointers, their bounds checked once before")]

use std::io;

use super::activations::Activations;
use super::arithmetic::{Arithmetic, Lanes};
use super::memory::Pool;
use super::spread::Spread;

/// The maximum over windows of 3x3, stride 2, zeros around the photo; no input is negative.
pub(super) fn maximum<'a, A: Arithmetic>(
    arithmetic: A,
    pool: &'a Pool,
    spread: Spread,
    input: &Activations<'_, f32>,
) -> io::Result<Activations<'a, A::Stored>> {
    let lanes = arithmetic.lanes();
    let (down, across) = (input.height.div_ceil(2), input.width.div_ceil(2));
    let mut output = Activations::<A::Stored>::new(pool, [down, across], input.channels)?;
    let (channels, stride) = (input.channels, output.stride);
    assert!(channels.is_multiple_of(A::Lanes::COUNT) && input.stride >= channels, "whole vectors of channels");
    spread.for_each_chunk(&mut output.numbers, across * stride, |y, numbers| {
        arithmetic.vectorised(|| {
            for (x, pixel) in numbers.chunks_exact_mut(stride).enumerate() {
                let ys = (2 * y).saturating_sub(1)..(2 * y + 2).min(input.height);
                let xs = (2 * x).saturating_sub(1)..(2 * x + 2).min(input.width);
                for channel in (0..channels).step_by(A::Lanes::COUNT) {
                    let mut largest = lanes.splat(0.0);
                    for y in ys.clone() {
                        let first = (y * input.width + xs.start) * input.stride;
                        let from = &input.numbers[first..first + xs.len() * input.stride];
                        for at in 0..xs.len() {
                            // SAFETY: each pixel of `from` has all channels, of which a vector begins here.
                            let value = unsafe { lanes.load(from.as_ptr().add(at * input.stride + channel)) };
                            largest = lanes.maximum(largest, value);
                        }
                    }
                    // SAFETY: the pixel has all channels, of which a vector begins here.
                    unsafe { arithmetic.store(pixel.as_mut_ptr().add(channel), largest) };
                }
            }
        });
        Ok(())
    })?;
    Ok(output)
}

/// The mean over all pixels, for each channel.
pub(super) fn mean<A: Arithmetic>(arithmetic: A, input: &Activations<'_, A::Stored>, means: &mut [f32]) {
    let (lanes, channels) = (arithmetic.lanes(), input.channels);
    assert!(channels.is_multiple_of(A::Lanes::COUNT) && input.stride >= channels, "whole vectors of channels");
    assert_eq!(means.len(), channels, "a mean for each channel");
    let share = lanes.splat(1.0 / input.pixels() as f32);
    arithmetic.vectorised(|| {
        for channel in (0..channels).step_by(A::Lanes::COUNT) {
            let mut sum = lanes.splat(0.0);
            for pixel in input.numbers.chunks_exact(input.stride) {
                // SAFETY: the pixel has all channels, of which a vector begins here.
                sum = lanes.add(sum, unsafe { arithmetic.load(pixel.as_ptr().add(channel)) });
            }
            let mean = lanes.multiply_add(sum, share, lanes.splat(0.0));
            // SAFETY: there is a mean for each channel, of which a vector begins here.
            unsafe { lanes.store(means.as_mut_ptr().add(channel), mean) };
        }
    });
}
