//! A full disk, simulated without root by a limit on the size of files.

use std::path::Path;

use image::{Rgb, RgbImage};

/// Arguments of `/bin/sh` before a program and its arguments: no file may exceed 6 million bytes. Each file of a vault
/// of a few hundred small photos is smaller.
pub(crate) const SMALL_FILES: [&str; 2] = ["-c", "ulimit -f 11718 && trap '' XFSZ && exec \"$0\" \"$@\""];

/// Makes a folder of `small` small photos in different colours, and a last one that exceeds the limit.
pub(crate) fn photos(folder: &Path, small: usize) {
    std::fs::create_dir(folder).unwrap();
    for number in 0..small {
        let colour = Rgb([(number % 16 * 16) as u8, (number / 16 * 8) as u8, 99]);
        RgbImage::from_pixel(8, 8, colour).save(folder.join(format!("{number:03}.png"))).unwrap();
    }
    RgbImage::from_fn(1600, 1300, |x, y| Rgb([x as u8, y as u8, 0])).save(folder.join("large.bmp")).unwrap();
}
