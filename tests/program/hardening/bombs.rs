//! Row "decompression bombs": files that declare or decompress to more memory than a machine has, and files with lying
//! metadata, given to the real program under an address space of 1.5 GiB and a limit on processor time.

use std::fs;
use std::io::Cursor;
use std::process::Command;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::support::scene::{Ran, Scene};

const ADDRESS_SPACE_KIB: u32 = 3 << 19;
/// Many times what the run takes. Processor time, because that does not depend on other load.
const PROCESSOR_SECONDS: u32 = 120;
/// The decompressed size of a text or profile: more than the address space.
const UNFOLDED_BYTES: usize = 2 << 30;

fn encoded(format: ImageFormat) -> Vec<u8> {
    let picture = DynamicImage::ImageRgb8(RgbImage::from_fn(16, 12, |x, y| Rgb([(x * 16) as u8, (y * 20) as u8, 90])));
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A file in `format`, overwritten with `bytes` at `at`.
fn patched(format: ImageFormat, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = encoded(format);
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// The checksum of a PNG chunk (RFC 2083, appendix 15).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// A PNG whose header is followed by one more chunk.
fn png_with(kind: &[u8; 4], data: &[&[u8]]) -> Vec<u8> {
    const HEADER: usize = 33;
    let png = encoded(ImageFormat::Png);
    let named = [&kind[..], &data.concat()].concat();
    let length = (named.len() as u32 - 4).to_be_bytes();
    [&png[..HEADER], &length, &named, &crc32(&named).to_be_bytes(), &png[HEADER..]].concat()
}

/// [`UNFOLDED_BYTES`] zeros as a zlib stream (RFC 1950, RFC 1951): a literal, then copies of the preceding 258 bytes.
fn folded_zeros() -> Vec<u8> {
    // The fixed code of length 258 is 11000101 with its first bit first, that of distance 1 is 00000.
    const COPY: (u64, u32) = (0b1010_0011, 13);
    let copies = UNFOLDED_BYTES / 258;
    let mut stream = vec![0x78, 0x01];
    let (mut waiting, mut count) = (0u64, 0);
    // The last block, with fixed codes; the literal 0 is 00110000; after the copies 0000000 ends the block.
    let last = [(0b011, 3), (0b0000_1100, 8)].into_iter().chain(std::iter::repeat_n(COPY, copies)).chain([(0, 7)]);
    for (bits, length) in last {
        waiting |= bits << count;
        count += length;
        while count >= 8 {
            stream.push(waiting as u8);
            (waiting, count) = (waiting >> 8, count - 8);
        }
    }
    stream.push(waiting as u8);
    // Adler-32 of zeros: the first sum stays 1, the second counts the bytes.
    let second = (copies * 258 + 1) % 65_521;
    stream.extend(((second as u32) << 16 | 1).to_be_bytes());
    stream
}

/// A GIF of this many frames of one pixel.
fn gif_of_frames(frames: usize) -> Vec<u8> {
    // A screen of 1 x 1 with a palette of two colours; a frame's data are the 3-bit codes clear, 0 and end.
    let head = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff";
    let frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0";
    [&head[..], &frame.repeat(frames), b";"].concat()
}

/// A JPEG with one more segment in front.
fn jpeg_with(marker: u8, content: &[u8]) -> Vec<u8> {
    let jpeg = encoded(ImageFormat::Jpeg);
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

fn exif(block: &[u8]) -> Vec<u8> {
    jpeg_with(0xe1, &[b"Exif\0\0", block].concat())
}

fn profile(content: &[u8]) -> Vec<u8> {
    jpeg_with(0xe2, &[b"ICC_PROFILE\0", content].concat())
}

/// Files that must be refused, because they declare photos that do not fit into memory.
fn promising_too_much() -> Vec<(&'static str, Vec<u8>)> {
    let wide = 50_000u32.to_be_bytes();
    let mut png = patched(ImageFormat::Png, 16, &[wide, wide].concat());
    let checksum = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&checksum);
    let jpeg = encoded(ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    let mut screen = gif_of_frames(1);
    screen[6..10].fill(0xff);
    vec![
        ("50000x50000.png", png),
        ("65535x65535.jpg", patched(ImageFormat::Jpeg, frame + 5, &[0xff; 4])),
        ("65535x65535.gif", screen),
        ("2147483647x2147483647.bmp", patched(ImageFormat::Bmp, 18, &[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f])),
        ("4294967295x4294967295.qoi", patched(ImageFormat::Qoi, 4, &[0xff; 8])),
        ("4294967295x4294967295.ppm", b"P6\n4294967295 4294967295\n255\n".to_vec()),
        ("65535x65535.tga", patched(ImageFormat::Tga, 12, &[0xff; 4])),
    ]
}

/// Small valid photos whose metadata lies.
fn lying_beside_the_pixels() -> Vec<(&'static str, Vec<u8>)> {
    let zeros = folded_zeros();
    // A directory of one entry: tag, kind, count, value.
    let directory = |entry: &[u8], next: u32| [b"II*\0\x08\0\0\0\x01\0", entry, &next.to_le_bytes()].concat();
    let time = |count: u32, at: u32| [&b"\x32\x01\x02\0"[..], &count.to_le_bytes(), &at.to_le_bytes()].concat();
    vec![
        ("frames.gif", gif_of_frames(100_000)),
        ("zTXt.png", png_with(b"zTXt", &[b"Comment\0\0", &zeros])),
        ("iTXt.png", png_with(b"iTXt", &[b"Comment\0\x01\0\0\0", &zeros])),
        ("iCCP.png", png_with(b"iCCP", &[b"profile\0\0", &zeros])),
        ("exif_next_is_itself.jpg", exif(&directory(&time(20, 0), 8))),
        ("exif_count.jpg", exif(&directory(&time(u32::MAX, 26), 0))),
        ("exif_offset.jpg", exif(&directory(&time(20, u32::MAX - 4), 0))),
        ("exif_pointer_to_itself.jpg", exif(&directory(b"\x69\x87\x04\0\x01\0\0\0\x08\0\0\0", 0))),
        ("exif_entries.jpg", exif(b"MM\0*\0\0\0\x08\xff\xff\x01\x32")),
        ("exif_cut.jpg", exif(b"II*\0")),
        ("icc_part_0_of_0.jpg", profile(b"\0\0profile")),
        ("icc_part_200_of_2.jpg", profile(b"\xc8\x02profile")),
        ("icc_size.jpg", profile(&[&b"\x01\x01\xff\xff\xff\xff"[..], &[0xff; 200]].concat())),
        ("icc_cut.jpg", profile(b"\x01")),
    ]
}

#[test]
fn bombs_are_refused_and_small_photos_with_lying_metadata_are_added_within_the_limits() {
    let scene = Scene::with_vault();
    let folder = scene.path("bombs");
    fs::create_dir(&folder).unwrap();
    let (too_much, lying) = (promising_too_much(), lying_beside_the_pixels());
    for (name, bytes) in too_much.iter().chain(&lying) {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let program = scene.command_with(&["add", "--json"], [&folder]);
    let mut limited = Command::new("sh");
    // On one of the processors that this process may use: as many photos are decoded at once as there are processors,
    // and each of them may take the limit for a photo.
    let script = format!(
        "cpu=$(taskset -pc $$ | sed 's/.*: //; s/[,-].*//') && ulimit -v {ADDRESS_SPACE_KIB} && \
         ulimit -t {PROCESSOR_SECONDS} && exec taskset -c \"$cpu\" \"$0\" \"$@\""
    );
    limited.args(["-c", &script]);
    limited.arg(program.get_program()).args(program.get_args());
    limited.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Each thread reserves address space without using memory, so their number is fixed.
    limited.env("RAYON_NUM_THREADS", "2").env("MALLOC_ARENA_MAX", "2");
    let outcome = Ran(limited.output().unwrap()).exits(1).json();
    let failed: Vec<&str> =
        outcome["failed"].as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect();
    for (name, _) in &too_much {
        assert!(failed.iter().any(|path| path.ends_with(name)), "{name} is not refused: {outcome}");
    }
    for (name, _) in &lying {
        assert!(!failed.iter().any(|path| path.ends_with(name)), "{name} is refused: {outcome}");
    }
    assert_eq!(failed.len(), too_much.len());
    scene.run(["check"]).success();
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), lying.len());
}
