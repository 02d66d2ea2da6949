//! [`Photo`]: decoding, orientation and resizing.
//!
//! One decoding serves both the input of a network and a thumbnail.

use std::ffi::OsStr;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use zeroize::Zeroize;

use super::format::format_of;
use super::jpeg;
use super::limits::Limits;
use super::part::Part;
use super::pixels::{Pixels, Source};
use super::prepared::{ImageInput, PreparedPhoto};
use crate::error::Error;
use crate::signature::{self, Content};

/// The shorter side of what [`Photo::decode`] decodes, in pixels: large photos are decoded at reduced scale, but never
/// below this. At 512 the features have a cosine of at least 0.9986 with those of full decoding; at 256 only 0.989.
const SHORTER_SIDE: u32 = 512;

/// A decoded photo. [`Zeroize::zeroize`] wipes its pixels; dropping it does not.
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
        Self::decode_at_least(bytes, extension, limits, SHORTER_SIDE)
    }

    /// [`Self::decode`] for pictures larger than a thumbnail: decoded at reduced scale only as long as the shorter side
    /// has at least `shorter_side` pixels, and always at full scale for `u32::MAX`.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_at_least(
        bytes: &[u8],
        extension: Option<&OsStr>,
        limits: Limits,
        shorter_side: u32,
    ) -> Result<Self, Error> {
        let shorter_side = shorter_side.max(SHORTER_SIDE);
        Self::decode_known(bytes, extension, limits, shorter_side).map_err(|error| {
            match signature::recognise(bytes, extension) {
                // The TIFF decoder is tried on raw formats too, because it can decode the preview inside some of them.
                Content::NotReadYet(format) => Error::NotReadYet { format },
                Content::Readable | Content::Other => error,
            }
        })
    }

    fn decode_known(bytes: &[u8], extension: Option<&OsStr>, limits: Limits, shorter_side: u32) -> Result<Self, Error> {
        let format = format_of(bytes, extension).ok_or(Error::UnknownFormat)?;
        if format == ImageFormat::Jpeg {
            let jpeg = jpeg::decode(bytes, limits, shorter_side)?;
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

    /// Whether decoding again with [`Self::decode_at_least`] and this `shorter_side` would give no more pixels.
    #[must_use]
    pub fn suffices(&self, shorter_side: u32) -> bool {
        let (width, height) = self.pixels.dimensions();
        let decoded = width.min(height);
        decoded >= shorter_side || decoded >= self.width.min(self.height)
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

    /// A part of the upright photo, resized to `width` x `height` pixels.
    ///
    /// # Errors
    /// [`Error::Resize`] if the part does not lie within the photo.
    pub fn part(&self, part: Part, width: u32, height: u32) -> Result<RgbImage, Error> {
        let (width, height) = if swaps_sides(self.orientation) { (height, width) } else { (width, height) };
        let stored = if swaps_sides(self.orientation) { (self.height, self.width) } else { (self.width, self.height) };
        let part = part.before(self.orientation, stored);
        let decoded = self.pixels.dimensions();
        let (left, across) = scaled(part.x, part.width, decoded.0, stored.0);
        let (top, down) = scaled(part.y, part.height, decoded.1, stored.1);
        let source = Source::Part(left, top, across, down);
        let mut upright = self.pixels.resize(width, height, source)?;
        upright.apply_orientation(self.orientation);
        Ok(upright.into_rgb8())
    }

    /// The upright photo at this size, cropped around its centre to this aspect ratio.
    fn upright(&self, width: u32, height: u32) -> Result<RgbImage, Error> {
        let (width, height) = if swaps_sides(self.orientation) { (height, width) } else { (width, height) };
        let mut upright = self.pixels.resize(width, height, Source::Centre)?;
        upright.apply_orientation(self.orientation);
        Ok(upright.into_rgb8())
    }
}

impl Zeroize for Photo {
    fn zeroize(&mut self) {
        self.pixels.zeroize();
    }
}

/// Start and length of a part of a side that has `stored` pixels in the file, in the `decoded` pixels that it has at
/// the scale at which it was decoded. Rounding must not lead beyond the edge, because the resizer refuses
/// that.
fn scaled(start: u32, length: u32, decoded: u32, stored: u32) -> (f64, f64) {
    let edge = f64::from(decoded);
    let scale = edge / f64::from(stored);
    let (from, along) = (f64::from(start) * scale, f64::from(length) * scale);
    let is_within = u64::from(start) + u64::from(length) <= u64::from(stored);
    if is_within { (from.min(edge), along.min(edge - from.min(edge))) } else { (from, along) }
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

#[cfg(test)]
mod tests {
    use image::GrayImage;

    use super::*;

    /// A photo of `width` x `height` pixels, decoded with one of `scale` in each direction.
    fn decoded(width: u32, height: u32, scale: u32) -> Photo {
        let pixels = GrayImage::new(width.div_ceil(scale), height.div_ceil(scale));
        Photo::new(pixels.into(), Orientation::NoTransforms, width, height)
    }

    #[test]
    fn the_whole_of_a_photo_decoded_at_any_scale_is_a_part_of_it() {
        for side in 1025..=3000 {
            for scale in [2, 4, 8] {
                for photo in [decoded(side, 8, scale), decoded(8, side, scale)] {
                    let part = photo.part(Part::whole(photo.dimensions()), 2, 2);
                    assert!(part.is_ok(), "{:?} at 1/{scale}: {part:?}", photo.dimensions());
                }
            }
        }
    }

    #[test]
    fn a_part_up_to_the_edge_does_not_lead_beyond_it() {
        for stored in 1025..=3000 {
            for scale in [1, 2, 4, 8] {
                let decoded = u32::div_ceil(stored, scale);
                for x in (0..stored).step_by(7) {
                    let (start, length) = scaled(x, stored - x, decoded, stored);
                    assert!(start + length <= f64::from(decoded) && length > 0.0, "{x} of {stored} at 1/{scale}");
                }
            }
        }
    }

    #[test]
    fn a_part_that_is_not_within_the_photo_is_an_error() {
        let photo = decoded(1100, 1100, 2);
        for x in [1096, 1100, u32::MAX] {
            assert!(photo.part(Part { x, y: 0, width: 5, height: 5 }, 2, 2).is_err(), "{x}");
        }
        assert!(photo.part(Part { x: 1095, y: 0, width: 5, height: 5 }, 2, 2).is_ok());
    }
}
