//! Decoded pixels with 8 bits per channel, and resizing them.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, GrayImage, ImageBuffer, Pixel, RgbImage, RgbaImage};

use crate::error::Error;

/// Pixels in the orientation of the file. Other kinds are converted to one of these three, because the resizer is
/// compiled separately, and slowly, for each kind.
pub(super) enum Pixels {
    Grey(GrayImage),
    Opaque(RgbImage),
    Transparent(RgbaImage),
}

impl From<DynamicImage> for Pixels {
    fn from(pixels: DynamicImage) -> Self {
        match pixels.color() {
            color if color.has_alpha() => Self::Transparent(pixels.into_rgba8()),
            color if color.has_color() => Self::Opaque(pixels.into_rgb8()),
            _ => Self::Grey(pixels.into_luma8()),
        }
    }
}

impl Pixels {
    /// Cropped around the centre to this aspect ratio, antialiased, and over white where transparent.
    pub(super) fn resize(&self, width: u32, height: u32) -> Result<DynamicImage, Error> {
        Ok(match self {
            Self::Grey(pixels) => DynamicImage::from(resize::<U8, _>(pixels, width, height)?).into_rgb8(),
            Self::Opaque(pixels) => resize::<U8x3, _>(pixels, width, height)?,
            Self::Transparent(pixels) => over_white(&resize::<U8x4, _>(pixels, width, height)?),
        }
        .into())
    }
}

/// `Kind` is the resizer's type for pixels `P`. Colours are weighted by their opacity.
fn resize<Kind: PixelTrait, P: Pixel<Subpixel = u8>>(
    photo: &ImageBuffer<P, Vec<u8>>,
    width: u32,
    height: u32,
) -> Result<ImageBuffer<P, Vec<u8>>, Error> {
    let mut resized = ImageBuffer::new(width, height);
    let source =
        TypedImageRef::<Kind>::from_buffer(photo.width(), photo.height(), photo).expect("the photo's own size");
    let mut target = TypedImage::<Kind>::from_buffer(width, height, &mut resized).expect("the size it was made with");
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .fit_into_destination(Some((0.5, 0.5)));
    Resizer::new().resize_typed(&source, &mut target, &options)?;
    Ok(resized)
}

/// Composites over a white background.
fn over_white(pixels: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, alpha] = pixels.get_pixel(x, y).0.map(u32::from);
        image::Rgb([red, green, blue].map(|channel| ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}
