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

    /// The factor by which a photo of `width` x `height` pixels fills `cells`, up to [`MAX_SCALE`].
    fn fitting_scale(&self, (width, height): (u32, u32), cells: Size) -> f64 {
        let font = self.graphics.font();
        let across = f64::from(cells.width) * f64::from(font.width) / f64::from(width.max(1));
        let down = f64::from(cells.height) * f64::from(font.height) / f64::from(height.max(1));
        across.min(down).min(MAX_SCALE)
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
        let protocol = self.graphics.protocol;
        let (photo, cells) = match protocol.scaling(self.link) {
            Scaling::Terminal => (exact, self.covered_cells(pixels, cells)),
            Scaling::Program => self.graphics.fit(exact, cells),
        };
        let target = self.graphics.target(self.link, self.image_ids.next());
        let Encoded { drawing, image_id } = protocol.encode(photo, cells, target)?;
        Ok(Picture { drawing, stored: image_id.map(|id| StoredImage { protocol, id }), pixels })
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
