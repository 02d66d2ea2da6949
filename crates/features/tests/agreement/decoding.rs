//! Decoding: every format, pixel type and orientation gives the same upright picture; damage and limits give errors.

use std::ffi::OsStr;
use std::io::Cursor;

use cipherlens_features::{Error, ImageInput, Limits, Photo};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::{decode, fixture};

/// The input of a network.
const INPUT: ImageInput = ImageInput { side: 224 };

/// Red, green, blue and grey, row by row from the top left: the scene of `tests/data/formats/make.py`.
const QUADRANTS: [[u8; 3]; 4] = [[200, 30, 40], [30, 180, 60], [40, 60, 190], [128, 128, 128]];

fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let quadrant = usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
        Rgb(QUADRANTS[quadrant])
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// The colours in the middle of the picture's quadrants.
fn middles(picture: &RgbImage) -> [[u8; 3]; 4] {
    let (width, height) = picture.dimensions();
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| picture.get_pixel(x * width / 4, y * height / 4).0)
}

#[track_caller]
fn shows(picture: &RgbImage, expected: [[u8; 3]; 4], tolerance: u8) {
    for (actual, expected) in middles(picture).iter().flatten().zip(expected.iter().flatten()) {
        assert!(actual.abs_diff(*expected) <= tolerance, "{:?}, expected {expected:?}", middles(picture));
    }
}

/// Both the input of the network and the thumbnail show the scene.
#[track_caller]
fn shows_the_scene(photo: &Photo, tolerance: u8) {
    shows(&photo.reduced(512).unwrap(), QUADRANTS, tolerance);
    let prepared = photo.prepare(INPUT).unwrap();
    shows(&RgbImage::from_raw(INPUT.side, INPUT.side, prepared.rgb().to_vec()).unwrap(), QUADRANTS, tolerance);
}

#[test]
fn every_lossless_format_shows_the_scene() {
    for format in
        [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Qoi, ImageFormat::Pnm]
    {
        let photo = decode(&encoded(scene(64, 48), format));
        assert_eq!(photo.dimensions(), (64, 48), "{format:?}");
        shows_the_scene(&photo, 0);
    }
}

#[test]
fn an_icon_shows_the_scene() {
    shows_the_scene(&decode(&encoded(DynamicImage::from(scene(64, 48)).into_rgba8(), ImageFormat::Ico)), 0);
}

#[test]
fn a_gif_shows_its_first_frame() {
    shows_the_scene(&decode(&fixture("formats/animated.gif")), 2);
}

#[test]
fn a_jpeg_shows_the_scene_baseline_and_progressive() {
    shows_the_scene(&decode(&encoded(scene(64, 48), ImageFormat::Jpeg)), 8);
    shows_the_scene(&decode(&fixture("formats/progressive.jpg")), 8);
}

#[test]
fn a_lossy_webp_shows_the_scene() {
    shows_the_scene(&decode(&fixture("formats/lossy.webp")), 12);
}

#[test]
fn a_tga_is_recognised_only_by_its_extension() {
    let file = encoded(scene(64, 48), ImageFormat::Tga);
    shows_the_scene(&Photo::decode(&file, Some(OsStr::new("TGA")), Limits::default()).unwrap(), 0);
    assert!(matches!(Photo::decode(&file, Some(OsStr::new("jpg")), Limits::default()), Err(Error::UnknownFormat)));
}

#[test]
fn content_overrides_the_extension() {
    let file = encoded(scene(64, 48), ImageFormat::Png);
    shows_the_scene(&Photo::decode(&file, Some(OsStr::new("tga")), Limits::default()).unwrap(), 0);
}

#[test]
fn palettes_show_the_scene() {
    for name in ["palette.png", "palette.bmp"] {
        shows_the_scene(&decode(&fixture(&format!("formats/{name}"))), 2);
    }
}

#[test]
fn sixteen_bits_a_channel_show_the_scene() {
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        shows_the_scene(&decode(&encoded(DynamicImage::from(scene(64, 48)).into_rgb16(), format)), 0);
    }
}

#[test]
fn grey_stays_grey_at_eight_and_sixteen_bits() {
    let grey = DynamicImage::from(scene(64, 48)).into_luma8();
    let expected = middles(&DynamicImage::from(grey.clone()).into_rgb8());
    let deep = DynamicImage::from(grey.clone()).into_luma16();
    for file in
        [encoded(grey.clone(), ImageFormat::Png), encoded(deep, ImageFormat::Png), encoded(grey, ImageFormat::Jpeg)]
    {
        shows(&decode(&file).reduced(64).unwrap(), expected, 2);
    }
}

#[test]
fn cmyk_files_show_the_scene() {
    // The inks of these JPEGs are stored inverted, as Adobe does; the large ones are decoded at reduced scale.
    for name in ["cmyk.jpg", "ycck.jpg", "large_cmyk.jpg", "large_ycck.jpg", "cmyk.tiff"] {
        println!("{name}");
        shows_the_scene(&decode(&fixture(&format!("formats/{name}"))), 12);
    }
}

#[test]
fn transparent_pixels_are_composited_over_white() {
    // The upper half is half transparent, the lower half fully: the colour of transparent pixels must not show.
    let veiled = RgbaImage::from_fn(64, 48, |_, y| Rgba([200, 0, 40, if y < 24 { 128 } else { 0 }]));
    let (pink, white) = ([227, 127, 147], [255; 3]);
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let photo = decode(&encoded(veiled.clone(), format));
        shows(&photo.reduced(64).unwrap(), [pink, pink, white, white], 1);
    }
    let deep = DynamicImage::from(veiled).into_rgba16();
    shows(&decode(&encoded(deep, ImageFormat::Png)).reduced(64).unwrap(), [pink, pink, white, white], 1);
}

/// A minimal Exif block with one entry, the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

/// The scene stored so that this orientation (Exif 2.32, tag 0x0112) turns it upright.
fn stored(orientation: u8) -> DynamicImage {
    let upright = DynamicImage::from(scene(64, 48));
    match orientation {
        1 => upright,
        2 => upright.fliph(),
        3 => upright.rotate180(),
        4 => upright.flipv(),
        5 => upright.rotate90().fliph(),
        6 => upright.rotate270(),
        7 => upright.rotate270().fliph(),
        8 => upright.rotate90(),
        other => panic!("there is no orientation {other}"),
    }
}

#[test]
fn all_eight_orientations_are_turned_upright() {
    for orientation in 1..=8 {
        let image = stored(orientation);
        let (mut jpeg, mut png, mut webp) = (Vec::new(), Vec::new(), Vec::new());
        let mut encoders =
            (JpegEncoder::new(&mut jpeg), PngEncoder::new(&mut png), WebPEncoder::new_lossless(&mut webp));
        encoders.0.set_exif_metadata(exif(orientation)).unwrap();
        encoders.1.set_exif_metadata(exif(orientation)).unwrap();
        encoders.2.set_exif_metadata(exif(orientation)).unwrap();
        image.write_with_encoder(encoders.0).unwrap();
        image.write_with_encoder(encoders.1).unwrap();
        image.write_with_encoder(encoders.2).unwrap();
        for file in [jpeg, png, webp] {
            let photo = decode(&file);
            assert_eq!(photo.dimensions(), (64, 48), "orientation {orientation}");
            shows_the_scene(&photo, 8);
        }
    }
}

#[test]
fn a_rotated_tiff_is_turned_upright() {
    let photo = decode(&fixture("formats/orientation_6.tiff"));
    assert_eq!(photo.dimensions(), (64, 48));
    shows_the_scene(&photo, 0);
}

#[test]
fn a_large_jpeg_is_turned_upright_and_reports_its_original_dimensions() {
    let lying = DynamicImage::from(scene(2400, 1600)).rotate270();
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new(&mut file);
    encoder.set_exif_metadata(exif(6)).unwrap();
    lying.write_with_encoder(encoder).unwrap();
    let photo = decode(&file);
    assert_eq!(photo.dimensions(), (2400, 1600));
    assert_eq!(photo.reduced(512).unwrap().dimensions(), (512, 341));
    shows_the_scene(&photo, 8);
    shows_the_scene(&decode(&fixture("formats/large_progressive.jpg")), 8);
}

#[test]
fn small_photos_are_not_enlarged_for_a_thumbnail() {
    assert_eq!(decode(&encoded(scene(64, 48), ImageFormat::Png)).reduced(512).unwrap().dimensions(), (64, 48));
}

#[test]
fn extreme_aspect_ratios_are_accepted() {
    for (width, height) in [(1, 1), (3000, 1), (1, 3000)] {
        let photo = decode(&encoded(RgbImage::from_pixel(width, height, Rgb([9, 8, 7])), ImageFormat::Png));
        let thumbnail = photo.reduced(512).unwrap();
        assert_eq!(thumbnail.width().max(thumbnail.height()), width.max(height).min(512));
        assert!(photo.prepare(INPUT).unwrap().rgb().chunks_exact(3).all(|pixel| pixel == [9, 8, 7]));
    }
}

#[test]
fn a_file_that_is_not_a_photo_is_reported_as_such() {
    for bytes in [b"".as_slice(), b"hello", &[0; 64], b"%PDF-1.7"] {
        assert!(matches!(Photo::decode(bytes, None, Limits::default()), Err(Error::UnknownFormat)));
    }
}

#[test]
fn truncated_photos_are_never_accepted() {
    let noise =
        RgbImage::from_fn(64, 48, |x, y| Rgb([(x * 37 + y * 91) as u8, (x * y) as u8, ((x * 5) ^ (y * 11)) as u8]));
    for format in [
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Qoi,
        ImageFormat::Pnm,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
    ] {
        let file = encoded(noise.clone(), format);
        let half = &file[..file.len() / 2];
        assert!(Photo::decode(half, None, Limits::default()).is_err(), "half a {format:?} was accepted");
    }
}

#[test]
fn damaged_headers_do_not_crash() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Gif] {
        let file = encoded(scene(16, 16), format);
        for position in 0..file.len().min(400) {
            let mut damaged = file.clone();
            damaged[position] ^= 0xff;
            if let Ok(photo) = Photo::decode(&damaged, None, Limits { pixels: 1 << 20, memory_bytes: 1 << 24 }) {
                photo.prepare(INPUT).unwrap();
            }
        }
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_decoded() {
    // The header promises 60,000 x 60,000 pixels.
    let mut png = encoded(scene(16, 16), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let checksum = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&checksum);
    let error = Photo::decode(&png, None, Limits::default()).err().unwrap();
    assert!(matches!(error, Error::TooManyPixels { width: 60_000, height: 60_000, .. }), "{error}");

    let mut jpeg = encoded(scene(16, 16), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let error = Photo::decode(&jpeg, None, Limits::default()).err().unwrap();
    assert!(matches!(error, Error::TooManyPixels { width: 65_535, height: 65_535, .. }), "{error}");
}

#[test]
fn a_progressive_bomb_is_refused_for_its_coefficients() {
    // 16,000 x 16,000 pixels are within the limit; their coefficients, three for each pixel, are not.
    let mut jpeg = fixture("formats/progressive.jpg");
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc2]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x3e, 0x80, 0x3e, 0x80]);
    let error = Photo::decode(&jpeg, None, Limits::default()).err().unwrap();
    assert!(matches!(error, Error::TooMuchMemory { needed_bytes: 1_536_000_000, .. }), "{error}");
}

#[test]
fn memory_is_limited_too() {
    // The pixels are within the limit, their eight bytes each are not.
    let deep = encoded(DynamicImage::from(scene(64, 48)).into_rgba16(), ImageFormat::Png);
    let limits = Limits { pixels: 64 * 48, memory_bytes: 64 * 48 * 8 - 1 };
    assert!(Photo::decode(&deep, None, limits).is_err());
    assert!(Photo::decode(&deep, None, Limits { memory_bytes: 1 << 20, ..limits }).is_ok());
    assert!(matches!(
        Photo::decode(&deep, None, Limits { pixels: 64 * 48 - 1, ..limits }),
        Err(Error::TooManyPixels { width: 64, height: 48, limit: 3071 })
    ));
}

/// The checksum of a PNG chunk (RFC 2083, appendix 15).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}
