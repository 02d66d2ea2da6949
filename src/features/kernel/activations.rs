//! What flows between layers: photos as pixels, pixels as channels.

use std::io;

use super::arithmetic::Number;
use super::memory::{Lent, Pool};

/// Unused bytes between pixels: without them, pixels of 2^k bytes would compete for the same few lines of the cache.
const GAP_BYTES: usize = 64;

/// Numbers from one row of a matrix of `columns` columns to the next.
pub(super) const fn stride<T>(columns: usize) -> usize {
    columns + GAP_BYTES / size_of::<T>()
}

/// Photos of one size, row by row from the top, each pixel's channels together.
pub(super) struct Activations<'a, T> {
    pub(super) numbers: Lent<'a, T>,
    pub(super) photos: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Numbers from one pixel to the next.
    pub(super) stride: usize,
}

impl<'a, T: Number> Activations<'a, T> {
    /// Photos of any content.
    pub(super) fn new(pool: &'a Pool, [photos, height, width]: [usize; 3], channels: usize) -> io::Result<Self> {
        let stride = stride::<T>(channels);
        let numbers = pool.lend(photos * height * width * stride)?;
        Ok(Self { numbers, photos, height, width, channels, stride })
    }

    pub(super) fn pixels(&self) -> usize {
        self.photos * self.height * self.width
    }

    /// Photos, height and width.
    pub(super) fn dimensions(&self) -> [usize; 3] {
        [self.photos, self.height, self.width]
    }
}
