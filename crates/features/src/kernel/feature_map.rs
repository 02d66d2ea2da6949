//! Feature maps: input and output of layers, channels-last.

use std::io;

use super::buffer::{BufferPool, PooledBuffer};
use super::simd::Element;

/// Unused bytes after each pixel: at strides of a power of two, pixels would share a few sets of the cache (4K
/// aliasing).
const GAP_BYTES: usize = 64;

/// Elements from one row of a matrix with `columns` columns to the next.
pub(crate) const fn stride<T>(columns: usize) -> usize {
    columns + GAP_BYTES / size_of::<T>()
}

/// The feature map of one photo: `[height][width][channel]`.
pub(crate) struct FeatureMap<'a, T> {
    pub(crate) numbers: PooledBuffer<'a, T>,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Elements from one pixel to the next.
    pub(crate) stride: usize,
}

impl<'a, T: Element> FeatureMap<'a, T> {
    /// With undefined content.
    pub(crate) fn new(pool: &'a BufferPool, [height, width]: [usize; 2], channels: usize) -> io::Result<Self> {
        let stride = stride::<T>(channels);
        let numbers = pool.take(height * width * stride)?;
        Ok(Self { numbers, height, width, channels, stride })
    }

    pub(crate) fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Height and width.
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }
}
