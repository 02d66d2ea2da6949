//! The supported formats, recognised by the first bytes of a file.

use std::ffi::OsStr;
use std::io::Cursor;

use image::{ImageFormat, ImageReader};

use super::limits::Limits;

/// The format of a file. TGA has no signature, so for it alone the extension (without the dot) decides.
pub(super) fn format_of(bytes: &[u8], extension: Option<&OsStr>) -> Option<ImageFormat> {
    let is_tga = || extension.is_some_and(|extension| extension.eq_ignore_ascii_case("tga"));
    image::guess_format(bytes).ok().or_else(|| is_tga().then_some(ImageFormat::Tga))
}

/// The media type of a photo that was decoded, by its content, as `image/jpeg`. `extension` (without the dot) is the
/// file's own, needed only for TGA.
#[must_use]
pub fn media_type_of(bytes: &[u8], extension: Option<&OsStr>) -> Option<&'static str> {
    format_of(bytes, extension).map(|format| format.to_mime_type())
}

/// The usual extension for the content of a whole file; `None` if its format is not supported or its header is damaged.
/// `extension` (without the dot) is the file's own, needed only for TGA.
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
