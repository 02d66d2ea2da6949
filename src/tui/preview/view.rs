//! How a photo is shown: turned, whole or in part.

use crate::preview::Room;
use crate::services::photo::Part;

/// Quarter turns clockwise.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Rotation {
    /// Upright.
    #[default]
    None,
    /// 90 degrees.
    Quarter,
    /// 180 degrees.
    Half,
    /// 270 degrees.
    ThreeQuarters,
}

impl Rotation {
    /// One quarter turn further.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::None => Self::Quarter,
            Self::Quarter => Self::Half,
            Self::Half => Self::ThreeQuarters,
            Self::ThreeQuarters => Self::None,
        }
    }

    /// The degrees, clockwise.
    #[must_use]
    pub fn degrees(self) -> u16 {
        90 * self as u16
    }

    /// Width and height of a photo before or after turning.
    #[must_use]
    pub fn swap<T>(self, (width, height): (T, T)) -> (T, T) {
        match self {
            Self::None | Self::Half => (width, height),
            Self::Quarter | Self::ThreeQuarters => (height, width),
        }
    }

    /// Where a part of the turned photo lies in the upright one, which has these pixels.
    #[must_use]
    pub fn upright(self, part: Part, (width, height): (u32, u32)) -> Part {
        let from_right = |at: u32, length: u32| width.saturating_sub(at + length);
        let from_bottom = |at: u32, length: u32| height.saturating_sub(at + length);
        let (x, y) = match self {
            Self::None => (part.x, part.y),
            Self::Quarter => (part.y, from_bottom(part.x, part.width)),
            Self::Half => (from_right(part.x, part.width), from_bottom(part.y, part.height)),
            Self::ThreeQuarters => (from_right(part.y, part.height), part.x),
        };
        let (width, height) = self.swap((part.width, part.height));
        Part { x, y, width, height }
    }
}

/// A part of a photo, and how large it is drawn.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Enlarged {
    /// The part, of the photo as it is turned.
    pub part: Part,
    /// Width in pixels of the terminal.
    pub width: u32,
    /// Height in pixels of the terminal.
    pub height: u32,
}

impl Enlarged {
    /// The part around `centre` (across and down, 0 to 1) of a photo of these pixels that has room when each of them
    /// covers `scale` pixels of the terminal. It has whole pixels, so that it is never stretched.
    #[must_use]
    pub fn around(centre: (f64, f64), (width, height): (u32, u32), scale: f64, room: &Room) -> Self {
        let axis = |side: u32, room: f64, centre: f64| {
            let length = ((room / scale) as u32).clamp(1, side.max(1));
            let first = (centre * f64::from(side) - f64::from(length) / 2.0).round().max(0.0) as u32;
            (first.min(side.saturating_sub(length)), length, ((f64::from(length) * scale).round() as u32).max(1))
        };
        let (x, across, drawn_across) = axis(width, room.width, centre.0);
        let (y, down, drawn_down) = axis(height, room.height, centre.1);
        Self { part: Part { x, y, width: across, height: down }, width: drawn_across, height: drawn_down }
    }
}

/// How a photo is shown.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct View {
    /// How it is turned.
    pub rotation: Rotation,
    /// The part of it that is shown; `None` for the whole photo, as large as fits.
    pub enlarged: Option<Enlarged>,
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GenericImageView, Rgb, RgbImage};

    use super::*;

    const ROOM: Room = Room { width: 400.0, height: 300.0, unit: 1.0 };

    #[test]
    fn four_quarter_turns_are_none() {
        let mut rotation = Rotation::None;
        let degrees: Vec<u16> = (0..4)
            .map(|_| {
                rotation = rotation.next();
                rotation.degrees()
            })
            .collect();
        assert_eq!(degrees, [90, 180, 270, 0]);
    }

    #[test]
    fn a_part_cut_from_the_upright_photo_is_the_part_of_the_turned_one() {
        let upright = DynamicImage::from(RgbImage::from_fn(7, 5, |x, y| Rgb([x as u8, y as u8, 0])));
        let part = Part { x: 1, y: 2, width: 3, height: 2 };
        for (rotation, turn) in [
            (Rotation::None, DynamicImage::clone as fn(&DynamicImage) -> DynamicImage),
            (Rotation::Quarter, DynamicImage::rotate90),
            (Rotation::Half, DynamicImage::rotate180),
            (Rotation::ThreeQuarters, DynamicImage::rotate270),
        ] {
            let expected = turn(&upright).crop_imm(part.x, part.y, part.width, part.height);
            let Part { x, y, width, height } = rotation.upright(part, upright.dimensions());
            assert_eq!(turn(&upright.crop_imm(x, y, width, height)), expected, "{rotation:?}");
            assert_eq!(rotation.swap(upright.dimensions()), turn(&upright).dimensions());
        }
    }

    #[test]
    fn at_100_percent_the_part_has_the_pixels_of_the_room() {
        let Enlarged { part, width, height } = Enlarged::around((0.5, 0.5), (4000, 3000), 1.0, &ROOM);
        assert_eq!(part, Part { x: 1800, y: 1350, width: 400, height: 300 });
        assert_eq!((width, height), (400, 300));
    }

    #[test]
    fn the_part_stays_in_the_photo() {
        for (centre, at) in [((0.0, 0.0), (0, 0)), ((1.0, 1.0), (3600, 2700)), ((0.02, 0.99), (0, 2700))] {
            let part = Enlarged::around(centre, (4000, 3000), 1.0, &ROOM).part;
            assert_eq!((part.x, part.y), at, "{centre:?}");
        }
    }

    #[test]
    fn what_is_smaller_than_the_room_is_shown_whole() {
        let Enlarged { part, width, height } = Enlarged::around((0.9, 0.5), (100, 2000), 2.0, &ROOM);
        assert_eq!(part, Part { x: 0, y: 925, width: 100, height: 150 });
        assert_eq!((width, height), (200, 300));
        assert_eq!(Enlarged::around((0.5, 0.5), (0, 0), 1.0, &ROOM).part, Part { x: 0, y: 0, width: 1, height: 1 });
    }

    #[test]
    fn no_scale_stretches_or_exceeds_the_room() {
        for percent in [1, 3, 17, 35, 70, 100, 140, 283, 800] {
            let scale = f64::from(percent) / 100.0;
            let shown = Enlarged::around((0.3, 0.7), (4000, 3000), scale, &ROOM);
            assert!(f64::from(shown.width) <= ROOM.width && f64::from(shown.height) <= ROOM.height, "{percent}");
            let exact = (f64::from(shown.part.width) * scale, f64::from(shown.part.height) * scale);
            assert!((f64::from(shown.width) - exact.0).abs() < 1.0 && (f64::from(shown.height) - exact.1).abs() < 1.0);
        }
    }
}
