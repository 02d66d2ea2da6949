//! Bounds on what decoding a photo may cost, checked before its pixels are decoded.

use crate::error::Error;

/// The most that a photo may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Pixels of the decoded photo.
    pub pixels: u64,
    /// Bytes of memory that a decoder may allocate for its result.
    pub memory_bytes: u64,
}

impl Default for Limits {
    /// 2^28 pixels in 1 GiB: the largest phone cameras take 200 million pixels, of three or four bytes each.
    fn default() -> Self {
        Self { pixels: 1 << 28, memory_bytes: 1 << 30 }
    }
}

impl Limits {
    /// The same dimensions, if they are allowed.
    pub(super) fn check(self, (width, height): (u32, u32)) -> Result<(u32, u32), Error> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(Error::NoPixels);
        }
        if pixels > self.pixels {
            return Err(Error::TooManyPixels { width, height, limit: self.pixels });
        }
        Ok((width, height))
    }

    pub(super) fn check_memory(self, needed_bytes: u64) -> Result<(), Error> {
        if needed_bytes > self.memory_bytes {
            return Err(Error::TooMuchMemory { needed_bytes, limit_bytes: self.memory_bytes });
        }
        Ok(())
    }

    /// The memory limit for the decoders of the `image` crate.
    pub(super) fn for_decoder(self) -> image::Limits {
        let mut limits = image::Limits::no_limits();
        limits.max_alloc = Some(self.memory_bytes);
        limits
    }
}
