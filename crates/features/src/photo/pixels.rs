//! Decoded pixels with 8 bits per channel, and resizing them.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, GrayImage, ImageBuffer, Pixel, RgbImage, RgbaImage};
use zeroize::Zeroize;

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
    /// Width and height.
    pub(super) fn dimensions(&self) -> (u32, u32) {
        match self {
            Self::Grey(pixels) => pixels.dimensions(),
            Self::Opaque(pixels) => pixels.dimensions(),
            Self::Transparent(pixels) => pixels.dimensions(),
        }
    }

    /// Antialiased, and over white where transparent.
    pub(super) fn resize(&self, width: u32, height: u32, source: Source) -> Result<DynamicImage, Error> {
        Ok(match self {
            Self::Grey(pixels) => DynamicImage::from(resize::<U8, _>(pixels, width, height, source)?).into_rgb8(),
            Self::Opaque(pixels) => resize::<U8x3, _>(pixels, width, height, source)?,
            Self::Transparent(pixels) => over_white(&resize::<U8x4, _>(pixels, width, height, source)?),
        }
        .into())
    }
}

/// The pixels from which a resized picture is made.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// The largest part around the centre that has the aspect ratio of the result.
    Centre,
    /// This part: left, top, width and height.
    Part(f64, f64, f64, f64),
}

impl Zeroize for Pixels {
    fn zeroize(&mut self) {
        match self {
            Self::Grey(pixels) => pixels.zeroize(),
            Self::Opaque(pixels) => pixels.zeroize(),
            Self::Transparent(pixels) => pixels.zeroize(),
        }
    }
}

/// `Kind` is the resizer's type for pixels `P`. Colours are weighted by their opacity.
fn resize<Kind: PixelTrait, P: Pixel<Subpixel = u8>>(
    photo: &ImageBuffer<P, Vec<u8>>,
    width: u32,
    height: u32,
    source: Source,
) -> Result<ImageBuffer<P, Vec<u8>>, Error> {
    let mut resized = ImageBuffer::new(width, height);
    let pixels =
        TypedImageRef::<Kind>::from_buffer(photo.width(), photo.height(), photo).expect("the photo's own size");
    let mut target = TypedImage::<Kind>::from_buffer(width, height, &mut resized).expect("the size it was made with");
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let options = match source {
        Source::Centre => options.fit_into_destination(Some((0.5, 0.5))),
        Source::Part(left, top, width, height) => options.crop(left, top, width, height),
    };
    Resizer::new().resize_typed(&pixels, &mut target, &options)?;
    Ok(resized)
}

/// Composites over a white background.
fn over_white(pixels: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, alpha] = pixels.get_pixel(x, y).0.map(u32::from);
        image::Rgb([red, green, blue].map(|channel| ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}
