//! Thumbnails: small JPEGs, encrypted beside the originals so that lists and grids never open originals.

use image::codecs::jpeg::JpegEncoder;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::features;
use crate::services::photo::Photo;

const LONGER_SIDE_PIXELS: u32 = 384;
const JPEG_QUALITY: u8 = 82;
/// Room for nearly every thumbnail: a vector that grows leaves unwiped copies behind.
const CAPACITY_BYTES: usize = 128 * 1024;

/// The thumbnail of a decoded photo, upright, as a JPEG.
///
/// # Errors
/// When the photo's pixels cannot be resized or encoded.
pub fn of(photo: &Photo) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut thumbnail = Zeroizing::new(Vec::with_capacity(CAPACITY_BYTES));
    let reduced = photo.reduced(LONGER_SIDE_PIXELS)?;
    JpegEncoder::new_with_quality(&mut *thumbnail, JPEG_QUALITY)
        .encode_image(&reduced)
        .map_err(features::Error::from)?;
    Ok(thumbnail)
}
