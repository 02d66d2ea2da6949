//! JPEG, decoded at reduced scale.
//!
//! Large photos are decoded at half, quarter or eighth scale, which the discrete cosine transform allows for a fraction
//! of the work. Of the permissively licensed decoders in Rust only `jpeg-decoder` can do that. It is in maintenance
//! mode; its successor `zune-jpeg` cannot scale yet. `jpeg-decoder` also reports truncated files, which `image` fills
//! with grey.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageBuffer, RgbImage};
use jpeg_decoder::{CodingProcess, PixelFormat};

use super::limits::Limits;
use crate::error::Error;

pub(super) struct Jpeg {
    /// Possibly at reduced scale.
    pub(super) pixels: DynamicImage,
    pub(super) orientation: Orientation,
    /// Width of the stored photo at full scale.
    pub(super) width: u32,
    /// Height of the stored photo at full scale.
    pub(super) height: u32,
}

/// Decodes at the smallest scale at which the shorter side has at least `shorter_side` pixels.
pub(super) fn decode(bytes: &[u8], limits: Limits, shorter_side: u32) -> Result<Jpeg, Error> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX));
    decoder.read_info()?;
    let info = decoder.info().ok_or(Error::NoPixels)?;
    let (width, height) = limits.check((info.width.into(), info.height.into()))?;
    if info.coding_process == CodingProcess::DctProgressive {
        // At any scale, the decoder keeps all coefficients until the last scan, two bytes each.
        let samples = u64::from(width) * u64::from(height) * info.pixel_format.pixel_bytes() as u64;
        limits.check_memory(2 * samples)?;
    }
    let shorter_side = u16::try_from(shorter_side).unwrap_or(u16::MAX);
    // `scale` stops at the smallest size that suffices for either side: pass the shorter side alone.
    let (scaled_width, scaled_height) =
        if width < height { decoder.scale(shorter_side, u16::MAX)? } else { decoder.scale(u16::MAX, shorter_side)? };
    let decoded = decoder.decode()?;
    let pixels = to_image(info.pixel_format, decoded, scaled_width.into(), scaled_height.into());
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    Ok(Jpeg { pixels: pixels.ok_or(Error::NoPixels)?, orientation, width, height })
}

/// `None` if there are fewer bytes than the size needs.
fn to_image(format: PixelFormat, bytes: Vec<u8>, width: u32, height: u32) -> Option<DynamicImage> {
    match format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, bytes).map(Into::into),
        PixelFormat::L16 => {
            let (grey, _) = bytes.as_chunks::<2>();
            let grey = grey.iter().map(|bytes| u16::from_ne_bytes(*bytes)).collect();
            ImageBuffer::<image::Luma<u16>, _>::from_raw(width, height, grey).map(Into::into)
        }
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, bytes).map(Into::into),
        PixelFormat::CMYK32 => RgbImage::from_raw(width, height, cmyk_to_rgb(&bytes)).map(Into::into),
    }
}

/// Each channel is the light that its ink and the black ink let through.
fn cmyk_to_rgb(inks: &[u8]) -> Vec<u8> {
    inks.chunks_exact(4)
        .flat_map(|ink| {
            let light = |ink: u8| 255 - u32::from(ink);
            [0, 1, 2].map(|channel| ((light(ink[channel]) * light(ink[3]) + 127) / 255) as u8)
        })
        .collect()
}
