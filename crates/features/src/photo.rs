//! A photo's bytes to pixels: decoded under limits, upright, over white, at the size asked for.
//!
//! Formats are recognised by their first bytes; TGA has none, so only there the file's extension decides. [`signature`]
//! names those that are not read. The limits hold before a pixel is decoded. One decoding serves both the network's input
//! and a thumbnail.
//!
//! A large JPEG is decoded at half, quarter or eighth scale: its cosine transform gives those sizes for a fraction of the
//! work. Of the permissively licensed decoders in Rust only `jpeg-decoder` can; it is in maintenance mode, its authors
//! moving to `zune-jpeg`, which has no scaled decoding yet. It also reports a truncated file, which `image`'s own
//! setting of `zune-jpeg` fills with grey instead.
//! Must never: open files, or keep or print anything of the photo.

use std::ffi::OsStr;
use std::io::Cursor;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageBuffer, ImageDecoder, ImageFormat, ImageReader, Pixel, RgbImage, RgbaImage};
use jpeg_decoder::{CodingProcess, PixelFormat};
use zeroize::Zeroize;

use super::Error;
use super::signature;
use super::signature::Content;

/// Side of the network's square input in pixels.
pub const INPUT_SIDE: u32 = 224;

/// A JPEG is never decoded to a shorter side below this many pixels before the last resize. At 512 the features keep a
/// cosine of at least 0.9986 to those of the full decoding; at 256 only 0.989.
const SHORTEST_SCALED_SIDE: u16 = 512;

/// What a photo may ask for, checked before its pixels are decoded.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Pixels of the decoded photo.
    pub pixels: u64,
    /// Memory a decoder may take for its result, in bytes.
    pub memory_bytes: u64,
}

impl Default for Limits {
    /// 2^28 pixels (16,384 x 16,384; the largest phone cameras make 200 million) in at most 1 GiB: enough for them at
    /// three or four bytes a pixel, and little enough for a machine that keeps photos.
    fn default() -> Self {
        Self { pixels: 1 << 28, memory_bytes: 1 << 30 }
    }
}

/// A decoded photo.
pub struct Photo {
    pixels: Pixels,
    orientation: Orientation,
    width: u32,
    height: u32,
}

/// As stored in the file, a JPEG perhaps at reduced scale; 8 bits a channel, which is all that is left after resizing.
///
/// Resizing is compiled for each kind of pixel, and takes long to compile: these three serve all.
enum Pixels {
    Grey(GrayImage),
    Opaque(RgbImage),
    Transparent(RgbaImage),
}

/// The format of a whole file by its first bytes; TGA has no such bytes, so there `extension` decides.
fn format_of(bytes: &[u8], extension: Option<&OsStr>) -> Option<ImageFormat> {
    let is_tga = || extension.is_some_and(|extension| extension.eq_ignore_ascii_case("tga"));
    image::guess_format(bytes).ok().or_else(|| is_tga().then_some(ImageFormat::Tga))
}

/// The extension that says what a whole file holds; `None` for a format that is not decoded here, and for a file whose
/// head is not one of its format. `extension` (without the dot) is needed for TGA only.
#[must_use]
pub fn extension_of(bytes: &[u8], extension: Option<&OsStr>) -> Option<&'static str> {
    let format = format_of(bytes, extension)?;
    let known = match format {
        ImageFormat::Bmp => "bmp",
        ImageFormat::Gif => "gif",
        ImageFormat::Ico => "ico",
        ImageFormat::Jpeg => "jpg",
        ImageFormat::Png => "png",
        ImageFormat::Pnm => "pnm",
        ImageFormat::Qoi => "qoi",
        ImageFormat::Tga => "tga",
        ImageFormat::Tiff => "tif",
        ImageFormat::WebP => "webp",
        _ => return None,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(Limits::default().for_decoder());
    reader.into_dimensions().is_ok().then_some(known)
}

/// The network's input: 224 x 224 pixels of red, green, blue, 8 bits each. Wiped on drop.
pub struct PreparedPhoto(RgbImage);

impl Photo {
    /// Decodes a whole file. `extension` (without the dot) is needed for TGA only.
    ///
    /// # Errors
    /// The format is not known, the limits do not allow it, or the file is damaged.
    pub fn decode(bytes: &[u8], extension: Option<&OsStr>, limits: Limits) -> Result<Self, Error> {
        Self::decode_known(bytes, extension, limits).map_err(|error| match signature::recognise(bytes, extension) {
            // Some raw formats are tried as the TIFF files they are, and hold a small copy that can be decoded.
            Content::NotReadYet(format) => Error::NotReadYet { format },
            Content::Readable | Content::Other => error,
        })
    }

    fn decode_known(bytes: &[u8], extension: Option<&OsStr>, limits: Limits) -> Result<Self, Error> {
        let format = format_of(bytes, extension).ok_or(Error::UnknownFormat)?;
        if format == ImageFormat::Jpeg {
            return Self::decode_jpeg(bytes, limits);
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits.for_decoder());
        Self::decode_whole(reader.into_decoder()?, limits)
    }

    fn decode_whole(mut decoder: impl ImageDecoder, limits: Limits) -> Result<Self, Error> {
        let (width, height) = limits.check(decoder.dimensions())?;
        decoder.set_limits(limits.for_decoder())?;
        limits.check_memory(decoder.total_bytes())?;
        // Metadata that cannot be read is no reason to refuse the pixels.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok(Self::new(DynamicImage::from_decoder(decoder)?, orientation, width, height))
    }

    fn decode_jpeg(bytes: &[u8], limits: Limits) -> Result<Self, Error> {
        let mut decoder = jpeg_decoder::Decoder::new(bytes);
        decoder.set_max_decoding_buffer_size(usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX));
        decoder.read_info()?;
        let info = decoder.info().ok_or(Error::NoPixels)?;
        let (width, height) = limits.check((info.width.into(), info.height.into()))?;
        if info.coding_process == CodingProcess::DctProgressive {
            // All coefficients, two bytes each, are kept until the last scan, whatever the scale.
            let samples = u64::from(width) * u64::from(height) * info.pixel_format.pixel_bytes() as u64;
            limits.check_memory(2 * samples)?;
        }
        // `scale` keeps the smallest size at which one of the two sides suffices: ask for the shorter side alone.
        let (scaled_width, scaled_height) = if width < height {
            decoder.scale(SHORTEST_SCALED_SIDE, u16::MAX)?
        } else {
            decoder.scale(u16::MAX, SHORTEST_SCALED_SIDE)?
        };
        let decoded = decoder.decode()?;
        let pixels = from_jpeg(info.pixel_format, decoded, scaled_width.into(), scaled_height.into());
        let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
        Ok(Self::new(pixels.ok_or(Error::NoPixels)?, orientation.unwrap_or(Orientation::NoTransforms), width, height))
    }

    fn new(pixels: DynamicImage, orientation: Orientation, width: u32, height: u32) -> Self {
        let (width, height) = if swaps_sides(orientation) { (height, width) } else { (width, height) };
        Self { pixels: pixels.into(), orientation, width, height }
    }

    /// Width and height in pixels of the original, upright.
    pub fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The network's input: the largest square in the photo's middle, at 224 x 224 pixels, antialiased.
    ///
    /// # Errors
    /// None for a photo that was decoded; resizing reports its errors all the same.
    pub fn prepare(&self) -> Result<PreparedPhoto, Error> {
        Ok(PreparedPhoto(self.upright(INPUT_SIDE, INPUT_SIDE)?))
    }

    /// The photo upright with its longer side at most `longest` pixels, for a thumbnail; smaller ones keep their size.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn reduced(&self, longest: u32) -> Result<RgbImage, Error> {
        let scale = (f64::from(longest) / f64::from(self.width.max(self.height))).min(1.0);
        let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
        self.upright(scaled(self.width), scaled(self.height))
    }

    /// The upright photo at exactly this size, what exceeds its proportions cut off evenly.
    fn upright(&self, width: u32, height: u32) -> Result<RgbImage, Error> {
        let (width, height) = if swaps_sides(self.orientation) { (height, width) } else { (width, height) };
        let mut upright = DynamicImage::from(match &self.pixels {
            Pixels::Grey(pixels) => DynamicImage::from(resize::<U8, _>(pixels, width, height)?).into_rgb8(),
            Pixels::Opaque(pixels) => resize::<U8x3, _>(pixels, width, height)?,
            Pixels::Transparent(pixels) => over_white(&resize::<U8x4, _>(pixels, width, height)?),
        });
        upright.apply_orientation(self.orientation);
        Ok(upright.into_rgb8())
    }
}

impl PreparedPhoto {
    /// Rows from the top, pixels from the left, red, green, blue: 224 x 224 x 3 bytes.
    pub fn rgb(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for PreparedPhoto {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Limits {
    fn check(self, (width, height): (u32, u32)) -> Result<(u32, u32), Error> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(Error::NoPixels);
        }
        if pixels > self.pixels {
            return Err(Error::TooManyPixels { width, height, limit: self.pixels });
        }
        Ok((width, height))
    }

    fn check_memory(self, needed_bytes: u64) -> Result<(), Error> {
        if needed_bytes > self.memory_bytes {
            return Err(Error::TooMuchMemory { needed_bytes, limit_bytes: self.memory_bytes });
        }
        Ok(())
    }

    fn for_decoder(self) -> image::Limits {
        let mut limits = image::Limits::no_limits();
        limits.max_alloc = Some(self.memory_bytes);
        limits
    }
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
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

/// The middle of `photo` at this size, antialiased; colours count as much as they are opaque. `Kind` is the resizer's
/// name for the pixels `P`.
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

/// What a viewer with a white background shows.
fn over_white(pixels: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, alpha] = pixels.get_pixel(x, y).0.map(u32::from);
        image::Rgb([red, green, blue].map(|channel| ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}

/// The decoder's bytes as an image; none if they are not as many as the size says.
fn from_jpeg(format: PixelFormat, bytes: Vec<u8>, width: u32, height: u32) -> Option<DynamicImage> {
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

/// Ink to light: each channel is what its ink and black let through.
fn cmyk_to_rgb(inks: &[u8]) -> Vec<u8> {
    inks.chunks_exact(4)
        .flat_map(|ink| {
            let light = |ink: u8| 255 - u32::from(ink);
            [0, 1, 2].map(|channel| ((light(ink[channel]) * light(ink[3]) + 127) / 255) as u8)
        })
        .collect()
}
