//! [`Photo`]: decoding, orientation and resizing.
//!
//! One decoding serves both the input of a network and a thumbnail.

use std::ffi::OsStr;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};

use super::format::format_of;
use super::jpeg;
use super::limits::Limits;
use super::pixels::Pixels;
use super::prepared::{ImageInput, PreparedPhoto};
use crate::error::Error;
use crate::signature::{self, Content};

/// A decoded photo.
pub struct Photo {
    pixels: Pixels,
    orientation: Orientation,
    width: u32,
    height: u32,
}

impl Photo {
    /// Decodes a whole file. `extension` (without the dot) is needed only for TGA.
    ///
    /// # Errors
    /// When the format is unknown or not supported, the photo exceeds `limits`, or the file is damaged.
    pub fn decode(bytes: &[u8], extension: Option<&OsStr>, limits: Limits) -> Result<Self, Error> {
        Self::decode_known(bytes, extension, limits).map_err(|error| match signature::recognise(bytes, extension) {
            // The TIFF decoder is tried on raw formats too, because it can decode the preview inside some of them.
            Content::NotReadYet(format) => Error::NotReadYet { format },
            Content::Readable | Content::Other => error,
        })
    }

    fn decode_known(bytes: &[u8], extension: Option<&OsStr>, limits: Limits) -> Result<Self, Error> {
        let format = format_of(bytes, extension).ok_or(Error::UnknownFormat)?;
        if format == ImageFormat::Jpeg {
            let jpeg = jpeg::decode(bytes, limits)?;
            return Ok(Self::new(jpeg.pixels, jpeg.orientation, jpeg.width, jpeg.height));
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits.for_decoder());
        let mut decoder = reader.into_decoder()?;
        let (width, height) = limits.check(decoder.dimensions())?;
        decoder.set_limits(limits.for_decoder())?;
        limits.check_memory(decoder.total_bytes())?;
        // A photo with unreadable metadata is still a photo.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok(Self::new(DynamicImage::from_decoder(decoder)?, orientation, width, height))
    }

    /// `width` and `height` are those stored in the file.
    fn new(pixels: DynamicImage, orientation: Orientation, width: u32, height: u32) -> Self {
        let (width, height) = if swaps_sides(orientation) { (height, width) } else { (width, height) };
        Self { pixels: pixels.into(), orientation, width, height }
    }

    /// Width and height in pixels of the upright photo at full resolution.
    #[must_use]
    pub fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Crops and resizes to the input of a network; see also [`Embedder::prepare`](crate::Embedder::prepare).
    ///
    /// # Errors
    /// [`Error::Resize`], which no decoded photo causes.
    pub fn prepare(&self, input: ImageInput) -> Result<PreparedPhoto, Error> {
        Ok(PreparedPhoto::new(self.upright(input.side, input.side)?))
    }

    /// The upright photo with its longer side at most `longest` pixels, for a thumbnail. Never enlarged.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn reduced(&self, longest: u32) -> Result<RgbImage, Error> {
        let scale = (f64::from(longest) / f64::from(self.width.max(self.height))).min(1.0);
        let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
        self.upright(scaled(self.width), scaled(self.height))
    }

    /// The upright photo at this size, cropped around its centre to this aspect ratio.
    fn upright(&self, width: u32, height: u32) -> Result<RgbImage, Error> {
        let (width, height) = if swaps_sides(self.orientation) { (height, width) } else { (width, height) };
        let mut upright = self.pixels.resize(width, height)?;
        upright.apply_orientation(self.orientation);
        Ok(upright.into_rgb8())
    }
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}
