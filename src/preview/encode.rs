//! Encodes decoded photos for one terminal, with no more pixels than their cells need.

use std::sync::Arc;

use image::{DynamicImage, RgbImage};
use ratatui::layout::Size;
use ratatui_image::FilterType;
use ratatui_image::protocol::Protocol as Drawing;
use zeroize::Zeroize;

use super::graphics::Graphics;
use super::link::Link;
use super::protocols::{Encoded, ImageIds, PictureError, Protocol, Scaling, StoredImage};
use crate::services::settings::CellSize;

/// The largest factor by which a small photo is enlarged; beyond it, the photo only looks worse.
const MAX_SCALE: f64 = 3.0;

/// A photo encoded for a fixed number of cells.
pub struct Picture {
    /// Draws it through [`ratatui_image::Image`].
    pub drawing: Drawing,
    /// The image that the terminal stores once the picture is drawn.
    pub stored: Option<StoredImage>,
    /// Width and height of the photo in pixels.
    pub pixels: (u32, u32),
    /// About how many bytes of memory it takes.
    pub bytes: usize,
}

/// The room for a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Its width in pixels of the terminal.
    pub width: f64,
    /// Its height in pixels of the terminal.
    pub height: f64,
    /// Pixels of the terminal, across and down, that show one pixel of a photo at 100 %: one, or half a character where
    /// pictures are made of characters.
    pub unit: f64,
}

impl Room {
    /// The pixels of the terminal for each pixel of a photo, if the whole photo is to fit.
    #[must_use]
    pub fn fitting_scale(&self, (width, height): (u32, u32)) -> f64 {
        let across = self.width / f64::from(width.max(1));
        let down = self.height / f64::from(height.max(1));
        across.min(down).min(MAX_SCALE)
    }
}

/// Encodes pictures for one terminal.
#[derive(Clone)]
pub struct Encoder {
    graphics: Graphics,
    link: Link,
    image_ids: Arc<ImageIds>,
}

impl Encoder {
    /// An encoder for the terminal that `graphics` describes.
    #[must_use]
    pub fn new(graphics: Graphics, link: Link) -> Self {
        Self { graphics, link, image_ids: Arc::default() }
    }

    /// The same with another protocol.
    #[must_use]
    pub fn with_protocol(&self, protocol: Protocol) -> Self {
        Self { graphics: Graphics { protocol, ..self.graphics }, ..self.clone() }
    }

    /// The same with another size of cells, after the terminal's font has changed.
    #[must_use]
    pub fn with_cells(&self, cells: CellSize) -> Self {
        Self { graphics: Graphics { cells, ..self.graphics }, ..self.clone() }
    }

    /// How pictures are drawn in this terminal.
    #[must_use]
    pub fn graphics(&self) -> &Graphics {
        &self.graphics
    }

    /// Width and height in pixels to reduce a photo to before [`Self::encode`], so that it fits into `cells`
    /// (columns x rows).
    #[must_use]
    pub fn wanted_pixels(&self, (width, height): (u32, u32), cells: Size) -> (u32, u32) {
        let budget = self.graphics.protocol.max_pixels(self.link);
        let by_budget = (budget / (f64::from(width.max(1)) * f64::from(height.max(1)))).sqrt();
        let scale = self.fitting_scale((width, height), cells).min(by_budget);
        let scaled = |side: u32| ((f64::from(side.max(1)) * scale) as u32).max(1);
        (scaled(width), scaled(height))
    }

    /// The room that a picture has in `cells` (columns x rows). Where the terminal does not enlarge pictures, it is
    /// smaller over a network than the cells are: no picture has more pixels than may be sent.
    #[must_use]
    pub fn room(&self, cells: Size) -> Room {
        let whole = self.cells_in_pixels(cells);
        let limit = match self.graphics.protocol.scaling(self.link) {
            Scaling::Terminal => 1.0,
            Scaling::Program => (self.graphics.protocol.max_pixels(self.link) / (whole.0 * whole.1)).sqrt().min(1.0),
        };
        let unit = if self.graphics.protocol.draws_pixels() { 1.0 } else { f64::from(self.graphics.font().width) };
        Room { width: whole.0 * limit, height: whole.1 * limit, unit }
    }

    /// Width and height of `cells` in pixels.
    fn cells_in_pixels(&self, cells: Size) -> (f64, f64) {
        let font = self.graphics.font();
        (f64::from(cells.width) * f64::from(font.width), f64::from(cells.height) * f64::from(font.height))
    }

    /// The factor by which a photo of `width` x `height` pixels fills `cells`, up to [`MAX_SCALE`].
    fn fitting_scale(&self, photo: (u32, u32), cells: Size) -> f64 {
        let (width, height) = self.cells_in_pixels(cells);
        Room { width, height, unit: 1.0 }.fitting_scale(photo)
    }

    /// Encodes a photo of `pixels` (width, height), which the caller has reduced to about [`Self::wanted_pixels`]. The
    /// picture covers at most `cells` (columns x rows) in its own proportions. The given pixels are wiped.
    ///
    /// # Errors
    /// When the protocol cannot express the photo.
    pub fn encode(&self, mut reduced: RgbImage, pixels: (u32, u32), cells: Size) -> Result<Picture, PictureError> {
        let (width, height) = self.wanted_pixels(pixels, cells);
        // Eight bits a channel without alpha: every protocol sends this in the fewest bytes.
        let exact = DynamicImage::ImageRgb8(image::imageops::resize(&reduced, width, height, FilterType::Triangle));
        reduced.zeroize();
        let (photo, cells) = match self.graphics.protocol.scaling(self.link) {
            Scaling::Terminal => (exact, self.covered_cells(pixels, cells)),
            Scaling::Program => self.graphics.fit(exact, cells),
        };
        self.encode_covering(photo, pixels, cells)
    }

    /// Encodes a part of a photo of `pixels` (width, height) as it is: each of its pixels is one of the terminal's, and
    /// there are no more than the [`Room`] in `cells` has. The given pixels are wiped.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_part(&self, mut part: RgbImage, pixels: (u32, u32), cells: Size) -> Result<Picture, PictureError> {
        let (width, height) = part.dimensions();
        let budget = self.graphics.protocol.max_pixels(self.link);
        let scale = (budget / (f64::from(width) * f64::from(height))).sqrt().min(1.0);
        let scaled = |side: u32| ((f64::from(side) * scale) as u32).max(1);
        let exact = image::imageops::resize(&part, scaled(width), scaled(height), FilterType::Triangle);
        part.zeroize();
        let font = self.graphics.font();
        let (photo, cells) = match self.graphics.protocol.scaling(self.link) {
            Scaling::Terminal => {
                let count = |pixels: u32, cell: u16, most: u16| {
                    ((f64::from(pixels) / f64::from(cell)).round() as u16).clamp(1, most)
                };
                let covered =
                    Size::new(count(width, font.width, cells.width), count(height, font.height, cells.height));
                (DynamicImage::ImageRgb8(exact), covered)
            }
            Scaling::Program => self.graphics.fit(DynamicImage::ImageRgb8(exact), cells),
        };
        self.encode_covering(photo, pixels, cells)
    }

    /// Encodes a photo for these cells.
    fn encode_covering(&self, photo: DynamicImage, pixels: (u32, u32), cells: Size) -> Result<Picture, PictureError> {
        let protocol = self.graphics.protocol;
        let sent = u64::from(photo.width()) * u64::from(photo.height());
        let target = self.graphics.target(self.link, self.image_ids.next());
        let Encoded { drawing, image_id } = protocol.encode(photo, cells, target)?;
        let bytes = bytes_of(&drawing, usize::try_from(sent).unwrap_or(usize::MAX));
        Ok(Picture { drawing, stored: image_id.map(|id| StoredImage { protocol, id }), pixels, bytes })
    }

    /// The cells that a photo of `pixels` covers when it fills `cells`.
    fn covered_cells(&self, pixels: (u32, u32), cells: Size) -> Size {
        let scale = self.fitting_scale(pixels, cells);
        let font = self.graphics.font();
        let count = |pixels: u32, cell: u16, most: u16| {
            ((f64::from(pixels.max(1)) * scale / f64::from(cell)).round() as u16).clamp(1, most)
        };
        Size::new(count(pixels.0, font.width, cells.width), count(pixels.1, font.height, cells.height))
    }
}

/// About how many bytes a picture of `pixels` takes.
fn bytes_of(drawing: &Drawing, pixels: usize) -> usize {
    match drawing {
        Drawing::Sixel(sixel) => sixel.data.len(),
        Drawing::ITerm2(image) => image.data.len(),
        // Four bytes a pixel in base64, unless it is deflated.
        Drawing::Kitty(_) => pixels * 16 / 3,
        // Two colours and a character for each cell.
        Drawing::Halfblocks(_) => usize::from(drawing.size().width) * usize::from(drawing.size().height) * 12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preview::protocols;

    fn encoder(protocol: Protocol, link: Link) -> Encoder {
        Encoder::new(Graphics { protocol, ..Graphics::halfblocks() }, link)
    }

    #[test]
    fn a_picture_keeps_its_proportions_and_stays_in_its_cells() {
        let photo = RgbImage::new(800, 400);
        for protocol in protocols::ALL {
            for link in [Link::Local, Link::Remote] {
                let picture = encoder(*protocol, link).encode(photo.clone(), (4000, 2000), Size::new(40, 20)).unwrap();
                let cells = picture.drawing.size();
                assert!(cells.width <= 40 && cells.height <= 20, "{protocol:?} {link:?}: {cells:?}");
                // Cells are 10 x 20 pixels, so a picture twice as wide as high covers four columns for each row.
                let ratio = f64::from(cells.width) / f64::from(cells.height);
                assert!((3.3..=4.7).contains(&ratio), "{protocol:?} {link:?}: {cells:?}");
                assert_eq!(picture.pixels, (4000, 2000));
            }
        }
    }

    #[test]
    fn a_part_is_drawn_pixel_by_pixel_and_covers_no_more_cells_than_it_needs() {
        for protocol in protocols::ALL {
            let encoder = encoder(*protocol, Link::Local);
            let cells = Size::new(40, 20);
            let room = encoder.room(cells);
            assert_eq!((room.width, room.height), (400.0, 400.0), "{protocol:?}");
            for (pixels, covered) in [((400, 400), (40, 20)), ((400, 200), (40, 10)), ((95, 31), (10, 2))] {
                let picture = encoder.encode_part(RgbImage::new(pixels.0, pixels.1), (4000, 3000), cells).unwrap();
                let size = picture.drawing.size();
                assert!(size.width.abs_diff(covered.0) <= 1 && size.height.abs_diff(covered.1) <= 1, "{protocol:?}");
                assert!(size.width <= 40 && size.height <= 20 && picture.bytes > 0, "{protocol:?} {size:?}");
            }
        }
    }

    #[test]
    fn at_100_percent_half_a_character_shows_a_pixel() {
        let cells = Size::new(40, 20);
        let units: Vec<f64> =
            protocols::ALL.iter().map(|protocol| encoder(*protocol, Link::Local).room(cells).unit).collect();
        assert_eq!(units, [10.0, 1.0, 1.0, 1.0], "half blocks first");
    }

    #[test]
    fn where_the_terminal_does_not_enlarge_the_room_is_smaller_over_a_network() {
        let room = |value| encoder(protocols::by_value(value).unwrap(), Link::Remote).room(Size::new(100, 40));
        let (sixel, kitty) = (room("sixel"), room("kitty"));
        assert!(sixel.width * sixel.height <= 200_001.0);
        assert_eq!((kitty.width, kitty.height), (1000.0, 800.0));
    }

    #[test]
    fn over_a_network_link_fewer_pixels_are_sent() {
        let cells = Size::new(100, 40);
        for protocol in protocols::ALL.iter().filter(|protocol| protocol.draws_pixels()) {
            let pixels = |link| {
                let (width, height) = encoder(*protocol, link).wanted_pixels((4000, 3000), cells);
                u64::from(width) * u64::from(height)
            };
            assert!(pixels(Link::Remote) <= 200_000 && pixels(Link::Local) > 500_000, "{protocol:?}");
        }
    }

    #[test]
    fn each_stored_image_has_its_own_id_and_is_deleted_by_it() {
        let encoder = encoder(protocols::by_value("kitty").unwrap(), Link::Local);
        let photo = RgbImage::new(240, 240);
        let images: Vec<StoredImage> =
            (0..2).filter_map(|_| encoder.encode(photo.clone(), (240, 240), Size::new(9, 4)).unwrap().stored).collect();
        assert_eq!(images[1].id, images[0].id + 1);
        let sequence = protocols::delete(&images, encoder.graphics().multiplexer);
        for StoredImage { id, .. } in images {
            assert!(sequence.contains(&format!("\x1b_Ga=d,d=I,i={id},q=2;\x1b\\")), "{sequence:?}");
        }
        assert_eq!(protocols::delete(&[], encoder.graphics().multiplexer), "");
    }
}
