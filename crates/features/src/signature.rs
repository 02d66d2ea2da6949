//! The content of a file by its first bytes (its signature), not by its name.
//!
//! Recognises the formats that [`Photo::decode`](super::Photo::decode) decodes, and other photos and videos, so that
//! the program can tell the user what they are. TGA has no signature and is not recognised. Opens no files, and must
//! not panic on any bytes.

use std::ffi::OsStr;

/// How many bytes of a file [`recognise`] needs: enough for the first directory of a TIFF file, or four packets of an
/// MPEG stream.
pub const START_BYTES: usize = 4096;

/// The content of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content {
    /// A photo in a format that is decoded.
    Readable,
    /// A photo or video in a format that is not decoded: the name of the format.
    NotReadYet(&'static str),
    /// Not recognised as a photo or video.
    Other,
}

use Content::{NotReadYet, Other, Readable};

/// An offset, and the bytes that files of a format have there.
type Part = (usize, &'static [u8]);

/// Formats with fixed signatures; a file must match all parts of a row.
const SIGNATURES: &[(Content, &[Part])] = &[
    // Decoded. The signatures of BMP, ICO, PNM and TIFF are too short to be enough: see below.
    (Readable, &[(0, b"\xff\xd8\xff")]),
    (Readable, &[(0, b"\x89PNG\r\n\x1a\n")]),
    (Readable, &[(0, b"GIF87a")]),
    (Readable, &[(0, b"GIF89a")]),
    (Readable, &[(0, b"RIFF"), (8, b"WEBP")]),
    (Readable, &[(0, b"qoif")]),
    // Other photos.
    (NotReadYet("JPEG XL"), &[(0, b"\xff\x0a")]),
    (NotReadYet("JPEG XL"), &[(0, b"\0\0\0\x0cJXL \r\n\x87\n")]),
    (NotReadYet("JPEG 2000"), &[(0, b"\0\0\0\x0cjP  \r\n\x87\n")]),
    (NotReadYet("JPEG 2000"), &[(0, b"\xff\x4f\xff\x51")]),
    (NotReadYet("JPEG XR"), &[(0, b"II\xbc")]),
    (NotReadYet("JNG"), &[(0, b"\x8bJNG\r\n\x1a\n")]),
    (NotReadYet("PSD"), &[(0, b"8BPS")]),
    (NotReadYet("XCF"), &[(0, b"gimp xcf ")]),
    (NotReadYet("OpenEXR"), &[(0, b"\x76\x2f\x31\x01")]),
    (NotReadYet("HDR"), &[(0, b"#?RADIANCE")]),
    (NotReadYet("HDR"), &[(0, b"#?RGBE")]),
    (NotReadYet("farbfeld"), &[(0, b"farbfeld")]),
    (NotReadYet("FITS"), &[(0, b"SIMPLE  =")]),
    (NotReadYet("BPG"), &[(0, b"BPG\xfb")]),
    (NotReadYet("FLIF"), &[(0, b"FLIF")]),
    (NotReadYet("BigTIFF"), &[(0, b"II+\0")]),
    (NotReadYet("BigTIFF"), &[(0, b"MM\0+")]),
    // Raw formats with a signature of their own. The others are TIFF files: see below.
    (NotReadYet("CRW"), &[(0, b"II\x1a\0"), (6, b"HEAPCCDR")]),
    (NotReadYet("MRW"), &[(0, b"\0MRM")]),
    (NotReadYet("ORF"), &[(0, b"IIRO")]),
    (NotReadYet("ORF"), &[(0, b"IIRS")]),
    (NotReadYet("ORF"), &[(0, b"MMOR")]),
    (NotReadYet("RAF"), &[(0, b"FUJIFILMCCD-RAW")]),
    (NotReadYet("RW2"), &[(0, b"IIU\0")]),
    (NotReadYet("X3F"), &[(0, b"FOVb")]),
    // Videos. MOV: QuickTime files from before the `ftyp` box.
    (NotReadYet("MOV"), &[(4, b"moov")]),
    (NotReadYet("MOV"), &[(4, b"mdat")]),
    (NotReadYet("MOV"), &[(0, b"\0"), (4, b"wide")]),
    (NotReadYet("MOV"), &[(0, b"\0"), (4, b"pnot")]),
    (NotReadYet("AVI"), &[(0, b"RIFF"), (8, b"AVI ")]),
    (NotReadYet("MPEG"), &[(0, b"\0\0\x01\xba")]),
    (NotReadYet("MPEG"), &[(0, b"\0\0\x01\xb3")]),
    (NotReadYet("MPEG"), &[(0, b"G"), (188, b"G"), (376, b"G"), (564, b"G")]),
    (NotReadYet("MPEG"), &[(4, b"G"), (196, b"G"), (388, b"G"), (580, b"G")]),
    (NotReadYet("ASF"), &[(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")]),
    (NotReadYet("FLV"), &[(0, b"FLV\x01")]),
    (NotReadYet("MXF"), &[(0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02")]),
    (NotReadYet("Ogg video"), &[(0, b"OggS"), (28, b"\x80theora")]),
    (NotReadYet("RealMedia"), &[(0, b".RMF")]),
];

/// Major brands of the ISO base media file format (ISO/IEC 14496-12) that are not MP4.
const BRANDS: &[(&[u8; 4], Content)] = &[
    (b"avif", NotReadYet("AVIF")),
    (b"avis", NotReadYet("AVIF")),
    (b"heic", NotReadYet("HEIC")),
    (b"heix", NotReadYet("HEIC")),
    (b"heim", NotReadYet("HEIC")),
    (b"heis", NotReadYet("HEIC")),
    (b"hevc", NotReadYet("HEIC")),
    (b"hevx", NotReadYet("HEIC")),
    (b"hevm", NotReadYet("HEIC")),
    (b"hevs", NotReadYet("HEIC")),
    (b"avci", NotReadYet("HEIF")),
    (b"mif1", NotReadYet("HEIF")),
    (b"mif2", NotReadYet("HEIF")),
    (b"msf1", NotReadYet("HEIF")),
    (b"crx ", NotReadYet("CR3")),
    (b"qt  ", NotReadYet("MOV")),
    (b"M4A ", Other),
    (b"M4B ", Other),
    (b"M4P ", Other),
    (b"F4A ", Other),
    (b"F4B ", Other),
];

/// Raw formats that are TIFF files. Many look alike, some like a plain TIFF, so for TIFF content the extension decides.
const RAW_EXTENSIONS: &[&str] = &[
    "3FR", "ARW", "CR2", "DCR", "DNG", "ERF", "FFF", "GPR", "IIQ", "K25", "KDC", "MEF", "MOS", "NEF", "NRW", "PEF",
    "SR2", "SRF", "SRW",
];

/// Recognises a file by `start`, its first [`START_BYTES`] (or all of it). `extension`, without the dot, is used only
/// to distinguish formats that are TIFF files.
#[must_use]
pub fn recognise(start: &[u8], extension: Option<&OsStr>) -> Content {
    let has = |(offset, bytes): &Part| start.get(*offset..).is_some_and(|rest| rest.starts_with(bytes));
    let row = SIGNATURES.iter().find(|(_, parts)| parts.iter().all(has)).map(|(content, _)| *content);
    row.or_else(|| tiff(start, extension))
        .or_else(|| iso_media(start))
        .or_else(|| matroska(start))
        .or_else(|| (is_bmp(start) || is_ico(start) || is_pnm(start)).then_some(Readable))
        .unwrap_or(Other)
}

/// ISO base media files: HEIF, AVIF, CR3, MOV, MP4.
fn iso_media(start: &[u8]) -> Option<Content> {
    if start.get(4..8)? != b"ftyp" {
        return None;
    }
    let of = |brand: &[u8]| BRANDS.iter().find(|(known, _)| *known == brand).map(|(_, content)| *content);
    let major = start.get(8..12)?;
    let content = match of(major) {
        // HEIF allows any coding; the compatible brands name the one in use.
        Some(NotReadYet("HEIF")) => {
            let end = start.len().min(u32_at(start, 0, u32::from_be_bytes)? as usize);
            let mut compatible = start.get(16..end).unwrap_or_default().chunks_exact(4).filter_map(of);
            let coding = compatible.find(|content| matches!(content, NotReadYet("AVIF" | "HEIC")));
            coding.unwrap_or(NotReadYet("HEIF"))
        }
        Some(content) => content,
        None if major.starts_with(b"3g") => NotReadYet("3GP"),
        None => NotReadYet("MP4"),
    };
    Some(content)
}

/// TIFF 6.0, and the raw formats based on it.
fn tiff(start: &[u8], extension: Option<&OsStr>) -> Option<Content> {
    let is_little = match start.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    if start.get(8..10) == Some(b"CR") {
        return Some(NotReadYet("CR2"));
    }
    let tags = first_directory(start, is_little).unwrap_or_default();
    let value = |wanted: u16| tags.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
    const NEW_SUBFILE_TYPE: u16 = 254;
    const PHOTOMETRIC_INTERPRETATION: u16 = 262;
    const DNG_VERSION: u16 = 50_706;
    if value(DNG_VERSION).is_some() {
        return Some(NotReadYet("DNG"));
    }
    let extension = extension.and_then(OsStr::to_str).unwrap_or_default();
    if let Some(name) = RAW_EXTENSIONS.iter().find(|name| name.eq_ignore_ascii_case(extension)) {
        return Some(NotReadYet(name));
    }
    // In raw files the first image is a thumbnail (reduced), or sensor values (colour filter array, linear raw).
    let is_reduced = value(NEW_SUBFILE_TYPE).is_some_and(|bits| bits & 1 == 1);
    let is_sensor = matches!(value(PHOTOMETRIC_INTERPRETATION), Some(32_803 | 34_892));
    Some(if is_reduced || is_sensor { NotReadYet("RAW") } else { Readable })
}

/// Tags and values of the first directory of a TIFF file, as far as they are within `start`.
fn first_directory(start: &[u8], is_little: bool) -> Option<Vec<(u16, u32)>> {
    let short = |at: usize| -> Option<u16> {
        let bytes = start.get(at..)?.first_chunk()?;
        Some(if is_little { u16::from_le_bytes(*bytes) } else { u16::from_be_bytes(*bytes) })
    };
    let long = |at| u32_at(start, at, if is_little { u32::from_le_bytes } else { u32::from_be_bytes });
    const SHORT: u16 = 3;
    let directory = long(4)? as usize;
    let entries = usize::from(short(directory)?);
    let entry = |number: usize| {
        let at = directory + 2 + 12 * number;
        let value = if short(at + 2)? == SHORT { u32::from(short(at + 8)?) } else { long(at + 8)? };
        Some((short(at)?, value))
    };
    Some((0..entries).map_while(entry).collect())
}

/// Matroska and WebM: EBML (RFC 8794) with the document type in its first bytes.
fn matroska(start: &[u8]) -> Option<Content> {
    let header = start.strip_prefix(b"\x1a\x45\xdf\xa3")?;
    let header = &header[..header.len().min(64)];
    let names = |name: &[u8]| header.windows(name.len()).any(|window| window == name);
    if names(b"webm") { Some(NotReadYet("WebM")) } else { names(b"matroska").then_some(NotReadYet("MKV")) }
}

/// BMP. `BM` alone is too short: text can start with it.
fn is_bmp(start: &[u8]) -> bool {
    let header_size = u32_at(start, 14, u32::from_le_bytes);
    start.starts_with(b"BM")
        && start.get(6..10) == Some(&[0; 4])
        && matches!(header_size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// ICO: a list of images, whose data follows the list.
fn is_ico(start: &[u8]) -> bool {
    let Some(list) = start.strip_prefix(&[0, 0, 1, 0]) else { return false };
    let images = list.first_chunk().map_or(0, |count| u16::from_le_bytes(*count));
    let list_bytes = 6 + 16 * u32::from(images);
    let reserved = list.get(5);
    images > 0 && reserved == Some(&0) && u32_at(start, 18, u32::from_le_bytes).is_some_and(|at| at >= list_bytes)
}

/// PNM and PAM (`pnm(5)`, `pam(5)`): the magic number, then the width or a comment.
fn is_pnm(start: &[u8]) -> bool {
    match start {
        [b'P', b'1'..=b'6', separator, rest @ ..] if separator.is_ascii_whitespace() => {
            let next = rest.trim_ascii_start();
            let digits = next.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let height = next[digits..].trim_ascii_start();
            next.starts_with(b"#")
                || (digits > 0 && height.first().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'#')))
        }
        [b'P', b'7', b'\n', rest @ ..] => rest.starts_with(b"WIDTH") || rest.starts_with(b"#"),
        _ => false,
    }
}

fn u32_at(bytes: &[u8], at: usize, from: fn([u8; 4]) -> u32) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| from(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(start: &[u8], extension: &str) -> Content {
        recognise(start, Some(OsStr::new(extension)))
    }

    fn content(start: &[u8]) -> Content {
        recognise(start, None)
    }

    /// An `ftyp` box with a major brand and compatible ones, followed by another box.
    fn ftyp(major: &str, compatible: &[&str]) -> Vec<u8> {
        let size = (16 + 4 * compatible.len()) as u32;
        let brands = compatible.concat();
        [&size.to_be_bytes()[..], b"ftyp", major.as_bytes(), &[0; 4], brands.as_bytes(), b"\0\0\0\x08avif"].concat()
    }

    /// A TIFF file of one directory with these tags, each a LONG.
    fn tiff_with(tags: &[(u16, u32)], is_little: bool) -> Vec<u8> {
        let short = |value: u16| if is_little { value.to_le_bytes() } else { value.to_be_bytes() };
        let long = |value: u32| if is_little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut file = if is_little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        file.extend(long(8));
        file.extend(short(tags.len() as u16));
        for (tag, value) in tags {
            file.extend([&short(*tag)[..], &short(4), &long(1), &long(*value)].concat());
        }
        file.extend(long(0));
        file
    }

    /// Zeros of this length with bytes at offsets.
    fn zeros_with(length: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut file = vec![0; length];
        for (at, bytes) in parts {
            file[*at..*at + bytes.len()].copy_from_slice(bytes);
        }
        file
    }

    #[test]
    fn supported_photos_are_recognised() {
        let bmp = zeros_with(60, &[(0, b"BM"), (10, &[54]), (14, &[40])]);
        let ico = zeros_with(60, &[(2, &[1]), (4, &[1]), (18, &[22])]);
        let files: [&[u8]; 15] = [
            b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"GIF87a\x01\0\x01\0",
            b"GIF89a\x01\0\x01\0",
            b"RIFF\x24\0\0\0WEBPVP8 ",
            b"qoif\0\0\0\x01\0\0\0\x01\x03\0",
            &bmp,
            &ico,
            b"P1\n1 1\n0",
            b"P2 # by hand\n1 1 255 7",
            b"P3\r\n12\n34 255",
            b"P6\t1 1 255 rgb",
            b"P7\nWIDTH 1\n",
            &tiff_with(&[(256, 10)], true),
            &tiff_with(&[(254, 0), (262, 2)], false),
        ];
        for file in files {
            assert_eq!(content(file), Readable, "{:?}", &file[..8]);
        }
    }

    #[test]
    fn each_unsupported_format_is_named() {
        let asf = [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0, 0xaa, 0, 0x62, 0xce, 0x6c, 1];
        let theora = zeros_with(60, &[(0, b"OggS"), (28, b"\x80theora")]);
        let stream = zeros_with(800, &[(0, b"G@"), (188, b"G"), (376, b"G"), (564, b"G")]);
        let camcorder = zeros_with(800, &[(4, b"G@"), (196, b"G"), (388, b"G"), (580, b"G")]);
        let rows: [(&str, &[u8]); 43] = [
            ("JPEG XL", b"\xff\x0a\xfa\x7f"),
            ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl "),
            ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 "),
            ("JPEG 2000", b"\xff\x4f\xff\x51\0\x2f"),
            ("JPEG XR", b"II\xbc\x01\x20\0\0\0"),
            ("JNG", b"\x8bJNG\r\n\x1a\n\0\0\0\x10JHDR"),
            ("PSD", b"8BPS\0\x01"),
            ("XCF", b"gimp xcf v011\0"),
            ("OpenEXR", b"\x76\x2f\x31\x01\x02\0\0\0"),
            ("HDR", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n"),
            ("HDR", b"#?RGBE\n"),
            ("farbfeld", b"farbfeld\0\0\0\x01\0\0\0\x01"),
            ("FITS", b"SIMPLE  =                    T"),
            ("BPG", b"BPG\xfb\x20\0"),
            ("FLIF", b"FLIF\x31\x01"),
            ("BigTIFF", b"II+\0\x08\0\0\0"),
            ("BigTIFF", b"MM\0+\0\x08\0\0"),
            ("CRW", b"II\x1a\0\0\0HEAPCCDR"),
            ("MRW", b"\0MRM\0\x01\0\0"),
            ("ORF", b"IIRO\x08\0\0\0"),
            ("ORF", b"IIRS\x08\0\0\0"),
            ("ORF", b"MMOR\0\0\0\x08"),
            ("RAF", b"FUJIFILMCCD-RAW 0201"),
            ("RW2", b"IIU\0\x18\0\0\0"),
            ("X3F", b"FOVb\0\0\x02\0"),
            ("MOV", b"\0\0\x01\x00moov\0\0\0\x6cmvhd"),
            ("MOV", b"\0\x12\xd6\x87mdat"),
            ("MOV", b"\0\0\0\x08wide\0\x12\xd6\x87mdat"),
            ("MOV", b"\0\0\0\x14pnot"),
            ("AVI", b"RIFF\0\0\x10\0AVI LIST"),
            ("MPEG", b"\0\0\x01\xba\x44"),
            ("MPEG", b"\0\0\x01\xb3\x14"),
            ("MPEG", &stream),
            ("MPEG", &camcorder),
            ("ASF", &asf),
            ("FLV", b"FLV\x01\x05"),
            ("MXF", b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01"),
            ("Ogg video", &theora),
            ("RealMedia", b".RMF\0\0\0\x12"),
            ("WebM", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"),
            ("MKV", b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska"),
            ("MP4", &ftyp("isom", &["iso2", "avc1", "mp41"])),
            ("3GP", &ftyp("3gp5", &["isom"])),
        ];
        for (name, file) in rows {
            assert_eq!(content(file), NotReadYet(name), "{:?}", &file[..file.len().min(16)]);
        }
    }

    #[test]
    fn brands_distinguish_iso_media() {
        for (major, name) in [
            ("avif", "AVIF"),
            ("avis", "AVIF"),
            ("heic", "HEIC"),
            ("heix", "HEIC"),
            ("heim", "HEIC"),
            ("heis", "HEIC"),
            ("hevc", "HEIC"),
            ("hevx", "HEIC"),
            ("hevm", "HEIC"),
            ("hevs", "HEIC"),
            ("avci", "HEIF"),
            ("mif1", "HEIF"),
            ("mif2", "HEIF"),
            ("msf1", "HEIF"),
            ("crx ", "CR3"),
            ("qt  ", "MOV"),
            ("mp42", "MP4"),
            ("3g2a", "3GP"),
        ] {
            assert_eq!(content(&ftyp(major, &["miaf"])), NotReadYet(name), "{major}");
        }
        for audio in ["M4A ", "M4B ", "M4P ", "F4A ", "F4B "] {
            assert_eq!(content(&ftyp(audio, &["isom"])), Other);
        }
        assert_eq!(content(&ftyp("mif1", &["miaf", "heic"])), NotReadYet("HEIC"));
        assert_eq!(content(&ftyp("mif1", &["avif", "miaf"])), NotReadYet("AVIF"));
    }

    #[test]
    fn raw_photos_are_distinguished_from_plain_tiff_files() {
        let plain = tiff_with(&[(256, 10)], true);
        assert_eq!(named(&plain, "tif"), Readable);
        for name in RAW_EXTENSIONS {
            assert_eq!(named(&plain, &name.to_lowercase()), NotReadYet(name));
        }
        for is_little in [true, false] {
            assert_eq!(content(&tiff_with(&[(254, 1), (50_706, 4)], is_little)), NotReadYet("DNG"));
            assert_eq!(content(&tiff_with(&[(254, 1)], is_little)), NotReadYet("RAW"));
            assert_eq!(content(&tiff_with(&[(262, 32_803)], is_little)), NotReadYet("RAW"));
            assert_eq!(content(&tiff_with(&[(262, 34_892)], is_little)), NotReadYet("RAW"));
        }
        assert_eq!(content(b"II*\0\x10\0\0\0CR\x02\0"), NotReadYet("CR2"));
        assert_eq!(named(&plain[..6], "nef"), NotReadYet("NEF"), "a directory beyond the start is not an error");
    }

    #[test]
    fn text_and_other_files_are_not_photos() {
        for file in [
            &b""[..],
            b"BMW is a maker of cars, and this is long enough for a header",
            b"P1 is a car too",
            b"P5 4",
            b"the wide world",
            b"PK\x03\x04 a zip file",
            b"%PDF-1.7",
            b"\0\x01\0\0\0\x0c\0\x80 a font",
            b"RIFF\0\0\0\0WAVEfmt ",
            b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1e\x01vorbis",
            b"\x1a\x45\xdf\xa3",
            b"ftyp",
            b"\0\0\x01\0",
        ] {
            assert_eq!(content(file), Other, "{file:?}");
        }
    }

    #[test]
    fn no_file_start_makes_it_panic() {
        let files = [ftyp("mif1", &["heic"]), tiff_with(&[(254, 1), (262, 2)], true), tiff_with(&[(50_706, 1)], false)];
        for file in &files {
            for end in 0..=file.len() {
                let _ = content(&file[..end]);
                let _ = named(&file[..end], "nef");
            }
        }
        for size in [u32::MAX, 0, 15] {
            let mut file = ftyp("mif1", &["heic"]);
            file[..4].copy_from_slice(&size.to_be_bytes());
            let _ = content(&file);
            let _ = content(&[&b"II*\0"[..], &size.to_le_bytes(), &[0; 20]].concat());
        }
    }
}
