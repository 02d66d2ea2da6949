//! A picture that shows at a glance whether colours, edges and proportions are right.

use image::{DynamicImage, Rgb, RgbImage};

/// Width and height in pixels.
const SIDE: u32 = 240;

/// A wheel of hues, white in the middle, in a grey frame.
#[must_use]
pub fn test_picture() -> DynamicImage {
    let middle = f64::from(SIDE) / 2.0;
    DynamicImage::ImageRgb8(RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (across, down) = (f64::from(x) + 0.5 - middle, f64::from(y) + 0.5 - middle);
        let distance = across.hypot(down) / middle;
        let at_edge = x.min(y).min(SIDE - 1 - x).min(SIDE - 1 - y) < 3;
        if at_edge {
            return Rgb([128, 128, 128]);
        }
        if distance > 0.94 {
            return Rgb([24, 24, 32]);
        }
        let hue = down.atan2(across) / std::f64::consts::TAU * 6.0 + 3.0;
        let channel = |offset: f64| {
            let at = (hue + offset).rem_euclid(6.0);
            let pure = (2.0 - (at - 3.0).abs()).clamp(0.0, 1.0);
            // White in the middle, pure at the rim.
            ((1.0 - distance * (1.0 - pure)) * 255.0) as u8
        };
        Rgb([channel(3.0), channel(1.0), channel(5.0)])
    }))
}
