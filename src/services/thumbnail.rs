//! Thumbnails: small JPEGs, sealed beside the originals so that listing and grids never open whole photos.

use image::codecs::jpeg::JpegEncoder;
use zeroize::Zeroizing;

use crate::features::{Error, Photo};

/// The longer side in pixels, and the quality of the JPEG.
const LONGEST_PIXELS: u32 = 384;
const QUALITY: u8 = 82;
/// Room for nearly every thumbnail: a vector that grows leaves unwiped copies behind.
const ROOM_BYTES: usize = 128 * 1024;

/// The thumbnail of a decoded photo, upright, as a JPEG.
///
/// # Errors
/// When the photo's pixels cannot be resized or encoded.
pub fn of(photo: &Photo) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut thumbnail = Zeroizing::new(Vec::with_capacity(ROOM_BYTES));
    let reduced = photo.reduced(LONGEST_PIXELS)?;
    JpegEncoder::new_with_quality(&mut *thumbnail, QUALITY).encode_image(&reduced)?;
    Ok(thumbnail)
}
