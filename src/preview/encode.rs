//! A decoded photo to what a terminal draws, no larger than its cells need, and taking it back from the terminal.
//!
//! kitty graphics protocol: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>; iTerm2 inline images:
//! <https://iterm2.com/documentation-images.html>.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Rgb, RgbImage};
use ratatui::layout::Size;
use ratatui_image::FilterType;
use ratatui_image::errors::Errors;
use ratatui_image::picker::ProtocolType;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::iterm2::Iterm2;
use zeroize::Zeroize;

use super::tmux::wrapping;
use super::{Graphics, Link};
use crate::services::settings::CellSize;

/// Over a network link, no picture has more pixels than this where the terminal can enlarge it itself (kitty, iTerm2).
const REMOTE_PIXELS: f64 = 120_000.0;
/// Over a network link, no Sixel picture has more pixels than this: no terminal enlarges Sixels, so it covers less.
const REMOTE_SIXEL_PIXELS: f64 = 200_000.0;
/// Small photos are enlarged at most so much; beyond, they only look worse.
const LARGEST_SCALE: f64 = 3.0;
const REMOTE_JPEG_QUALITY: u8 = 75;

/// Why a picture cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The photo cannot be written as a JPEG.
    #[error("{0}")]
    Jpeg(#[from] image::ImageError),
    /// The protocol cannot express it.
    #[error("cannot be drawn: {0}")]
    Encoding(#[from] Errors),
}

/// A photo as a terminal draws it, in a fixed number of cells.
pub struct Picture {
    /// Draws it through [`ratatui_image::Image`].
    pub protocol: Protocol,
    /// The number under which a kitty terminal keeps it.
    pub kitty_id: Option<u32>,
    /// Width and height of the photo in pixels.
    pub pixels: (u32, u32),
}

/// Makes pictures for one terminal.
#[derive(Clone)]
pub struct Encoder {
    graphics: Graphics,
    link: Link,
    next_kitty_id: Arc<AtomicU32>,
}

impl Encoder {
    /// For the terminal that `graphics` describes.
    #[must_use]
    pub fn new(graphics: Graphics, link: Link) -> Self {
        Self { graphics, link, next_kitty_id: Arc::new(AtomicU32::new(first_kitty_id())) }
    }

    /// The same with another protocol.
    #[must_use]
    pub fn with_protocol(&self, protocol: ProtocolType) -> Self {
        Self { graphics: Graphics { protocol, ..self.graphics }, ..self.clone() }
    }

    /// The same after the terminal's font was changed.
    #[must_use]
    pub fn with_cells(&self, cells: CellSize) -> Self {
        Self { graphics: Graphics { cells, ..self.graphics }, ..self.clone() }
    }

    /// The terminal.
    #[must_use]
    pub fn graphics(&self) -> &Graphics {
        &self.graphics
    }

    /// The pixels that a photo should be reduced to before it is given to [`Self::encode`], to fit into `cells`.
    #[must_use]
    pub fn wanted_pixels(&self, (width, height): (u32, u32), cells: Size) -> (u32, u32) {
        let (across, down) = self.pixels_of(cells);
        let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        let fits = (across / width).min(down / height).min(LARGEST_SCALE);
        let budget = (self.budget() / (width * height)).sqrt();
        let scale = fits.min(budget);
        (((width * scale) as u32).max(1), ((height * scale) as u32).max(1))
    }

    fn budget(&self) -> f64 {
        match (self.link, self.graphics.protocol) {
            (Link::Local, _) | (Link::Remote, ProtocolType::Halfblocks) => f64::INFINITY,
            (Link::Remote, ProtocolType::Kitty | ProtocolType::Iterm2) => REMOTE_PIXELS,
            (Link::Remote, ProtocolType::Sixel) => REMOTE_SIXEL_PIXELS,
        }
    }

    fn pixels_of(&self, cells: Size) -> (f64, f64) {
        let font = self.graphics.font();
        (f64::from(cells.width) * f64::from(font.width), f64::from(cells.height) * f64::from(font.height))
    }

    /// A photo of `pixels` (width, height), given reduced to about [`Self::wanted_pixels`], as a picture of at most
    /// `cells` in its own proportions. The pixels are wiped.
    ///
    /// # Errors
    /// When the protocol cannot express it.
    pub fn encode(&self, mut reduced: RgbImage, pixels: (u32, u32), cells: Size) -> Result<Picture, PictureError> {
        let (width, height) = self.wanted_pixels(pixels, cells);
        // Eight bits a channel and no alpha: what every protocol sends cheapest.
        let exact = DynamicImage::ImageRgb8(image::imageops::resize(&reduced, width, height, FilterType::Triangle));
        reduced.zeroize();
        let covered = self.covered_cells(pixels, cells);
        let (protocol, kitty_id) = match (self.graphics.protocol, self.link) {
            (ProtocolType::Kitty, _) => {
                let id = self.next_kitty_id.fetch_add(1, Ordering::Relaxed);
                (Protocol::Kitty(self.graphics.kitty(exact, covered, id)?), Some(id))
            }
            (ProtocolType::Iterm2, Link::Remote) => {
                (Protocol::ITerm2(iterm2_jpeg(&exact, covered, self.graphics.passage.is_tmux())?), None)
            }
            _ => (self.graphics.fit(exact, cells, 0)?, None),
        };
        Ok(Picture { protocol, kitty_id, pixels })
    }

    /// The cells that a photo covers when it fills `cells` as far as its proportions and [`LARGEST_SCALE`] allow.
    fn covered_cells(&self, (width, height): (u32, u32), cells: Size) -> Size {
        let (across, down) = self.pixels_of(cells);
        let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        let scale = (across / width).min(down / height).min(LARGEST_SCALE);
        let font = self.graphics.font();
        let count = |pixels: f64, cell: u16, most: u16| ((pixels / f64::from(cell)).round() as u16).clamp(1, most);
        Size::new(count(width * scale, font.width, cells.width), count(height * scale, font.height, cells.height))
    }
}

/// Where the numbers of pictures begin: other programs draw in the same terminal.
pub(super) fn first_kitty_id() -> u32 {
    let mut seed = [0; 4];
    // Without entropy the numbers begin at a fixed place all the same.
    let _ = getrandom::fill(&mut seed);
    u32::from_le_bytes(seed) & 0x7fff_ffff | 0x0100_0000
}

/// An iTerm2 picture as a JPEG that the terminal enlarges to its cells: a tenth of the bytes of a PNG at full size.
fn iterm2_jpeg(photo: &DynamicImage, cells: Size, is_tmux: bool) -> Result<Iterm2, PictureError> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, REMOTE_JPEG_QUALITY).encode_image(photo)?;
    let (start, escape, end) = wrapping(is_tmux);
    let mut data = String::from(start);
    // What stood here before would shine through the picture's edges.
    for _ in 0..cells.height {
        let _ = write!(data, "{escape}[{}X{escape}[1B", cells.width);
    }
    let _ = write!(
        data,
        "{escape}[{}A{escape}]1337;File=inline=1;size={};width={};height={};preserveAspectRatio=0;doNotMoveCursor=1:",
        cells.height,
        jpeg.len(),
        cells.width,
        cells.height,
    );
    BASE64.encode_string(&jpeg, &mut data);
    let _ = write!(data, "\x07{end}");
    Ok(Iterm2 { data, size: cells, is_tmux })
}

/// What makes a kitty terminal forget pictures: each by its number, for virtual placements heed nothing else.
#[must_use]
pub fn forget(kitty_ids: &[u32], is_tmux: bool) -> String {
    let mut text = String::new();
    let (start, escape, end) = wrapping(is_tmux);
    for id in kitty_ids {
        let _ = write!(text, "{start}{escape}_Ga=d,d=I,i={id},q=2;{escape}\\{end}");
    }
    if !kitty_ids.is_empty() {
        // And whatever else is visible, should a terminal have lost count.
        let _ = write!(text, "{start}{escape}_Ga=d,d=A,q=2;{escape}\\{end}");
    }
    text
}

/// A picture that shows at a glance whether colours, edges and proportions are right: a wheel of hues in a frame.
#[must_use]
pub fn test_picture() -> DynamicImage {
    const SIDE: u32 = 240;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn encoder(protocol: ProtocolType, link: Link) -> Encoder {
        Encoder::new(Graphics { protocol, ..Graphics::halfblocks() }, link)
    }

    #[test]
    fn a_picture_keeps_its_proportions_and_stays_in_its_cells() {
        let photo = RgbImage::new(800, 400);
        for protocol in [ProtocolType::Halfblocks, ProtocolType::Sixel, ProtocolType::Kitty, ProtocolType::Iterm2] {
            for link in [Link::Local, Link::Remote] {
                let picture = encoder(protocol, link).encode(photo.clone(), (4000, 2000), Size::new(40, 20)).unwrap();
                let cells = picture.protocol.size();
                assert!(cells.width <= 40 && cells.height <= 20, "{protocol:?} {link:?}: {cells:?}");
                // Cells are 10 x 20 pixels: twice as wide as high in pixels is four to one in cells.
                let ratio = f64::from(cells.width) / f64::from(cells.height);
                assert!((3.3..=4.7).contains(&ratio), "{protocol:?} {link:?}: {cells:?}");
                assert_eq!(picture.pixels, (4000, 2000));
            }
        }
    }

    #[test]
    fn over_a_network_link_fewer_pixels_are_sent() {
        let cells = Size::new(100, 40);
        for protocol in [ProtocolType::Kitty, ProtocolType::Iterm2, ProtocolType::Sixel] {
            let pixels = |link| {
                let (width, height) = encoder(protocol, link).wanted_pixels((4000, 3000), cells);
                u64::from(width) * u64::from(height)
            };
            assert!(pixels(Link::Remote) <= 200_000 && pixels(Link::Local) > 500_000, "{protocol:?}");
        }
    }

    #[test]
    fn kitty_pictures_have_their_own_numbers_and_are_taken_back_by_them() {
        let encoder = encoder(ProtocolType::Kitty, Link::Local);
        let photo = test_picture().into_rgb8();
        let ids: Vec<u32> = (0..2)
            .filter_map(|_| encoder.encode(photo.clone(), (240, 240), Size::new(9, 4)).unwrap().kitty_id)
            .collect();
        assert_eq!(ids[1], ids[0] + 1);
        let text = forget(&ids, false);
        assert!(ids.iter().all(|id| text.contains(&format!("\x1b_Ga=d,d=I,i={id},q=2;\x1b\\"))), "{text:?}");
        assert_eq!(forget(&[], false), "");
    }
}
