//! What flows between layers: a photo as pixels, pixels as channels.

use std::io;

use super::arithmetic::Number;
use super::memory::{Lent, Pool};

/// Unused bytes between pixels: without them, pixels of 2^k bytes would compete for the same few lines of the cache.
const GAP_BYTES: usize = 64;

/// Numbers from one row of a matrix of `columns` columns to the next.
pub(super) const fn stride<T>(columns: usize) -> usize {
    columns + GAP_BYTES / size_of::<T>()
}

/// A photo, row by row from the top, each pixel's channels together.
pub(super) struct Activations<'a, T> {
    pub(super) numbers: Lent<'a, T>,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Numbers from one pixel to the next.
    pub(super) stride: usize,
}

impl<'a, T: Number> Activations<'a, T> {
    /// A photo of any content.
    pub(super) fn new(pool: &'a Pool, [height, width]: [usize; 2], channels: usize) -> io::Result<Self> {
        let stride = stride::<T>(channels);
        let numbers = pool.lend(height * width * stride)?;
        Ok(Self { numbers, height, width, channels, stride })
    }

    pub(super) fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Height and width.
    pub(super) fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }
}
