//! [`Part`]: a rectangle of a photo, and where it lies before the photo is turned upright.

use image::metadata::Orientation;

/// A rectangle of the upright photo, in pixels at full resolution.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Part {
    /// Pixels to its left.
    pub x: u32,
    /// Pixels above it.
    pub y: u32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl Part {
    /// The whole of a photo of this width and height.
    #[must_use]
    pub fn whole((width, height): (u32, u32)) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// Where the part lies in pixels of width and height `stored`, which `orientation` turns upright.
    pub(super) fn before(self, orientation: Orientation, stored: (u32, u32)) -> Self {
        let Self { x, y, width, height } = self;
        // The distance from the other side.
        let from_right = |at: u32, length: u32| stored.0.saturating_sub(at + length);
        let from_bottom = |at: u32, length: u32| stored.1.saturating_sub(at + length);
        let turned = |x, y| Self { x, y, width: height, height: width };
        match orientation {
            Orientation::NoTransforms => self,
            Orientation::FlipHorizontal => Self { x: from_right(x, width), ..self },
            Orientation::FlipVertical => Self { y: from_bottom(y, height), ..self },
            Orientation::Rotate180 => Self { x: from_right(x, width), y: from_bottom(y, height), ..self },
            Orientation::Rotate90 => turned(y, from_bottom(x, width)),
            Orientation::Rotate270 => turned(from_right(y, height), x),
            Orientation::Rotate90FlipH => turned(y, x),
            Orientation::Rotate270FlipH => turned(from_right(y, height), from_bottom(x, width)),
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GenericImageView, Rgb, RgbImage};

    use super::*;

    #[test]
    fn a_part_cut_before_turning_is_the_part_cut_after_it() {
        let stored = DynamicImage::from(RgbImage::from_fn(7, 5, |x, y| Rgb([x as u8, y as u8, 0])));
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let mut upright = stored.clone();
            upright.apply_orientation(orientation);
            let part = Part { x: 1, y: 2, width: 3, height: 2 };
            let expected = upright.crop_imm(part.x, part.y, part.width, part.height);
            let before = part.before(orientation, stored.dimensions());
            let mut cut = stored.crop_imm(before.x, before.y, before.width, before.height);
            cut.apply_orientation(orientation);
            assert_eq!(cut.to_rgb8(), expected.to_rgb8(), "{orientation:?}");
        }
    }
}
