//! How pictures are drawn in one terminal, and how many cells a photo covers there.

use image::DynamicImage;
use ratatui::layout::Size;
use ratatui_image::{FilterType, FontSize, Resize};

use super::link::Link;
use super::protocols::{self, Compression, Protocol, Target};
use super::tmux::Multiplexer;
use crate::services::settings::CellSize;

/// Cells of a terminal that does not report their size: text needs their proportions only.
const DEFAULT_CELLS: CellSize = CellSize { width: 10, height: 20 };

/// How pictures are drawn in a terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Graphics {
    /// The protocol.
    pub protocol: Protocol,
    /// Width and height of a cell in pixels.
    pub cells: CellSize,
    /// The multiplexer between the program and the terminal, if any.
    pub multiplexer: Multiplexer,
    /// Whether pixel data is deflated, for the protocols that can.
    pub compression: Compression,
}

impl Graphics {
    /// Half blocks, which every terminal draws.
    #[must_use]
    pub fn halfblocks() -> Self {
        Self {
            protocol: protocols::fallback(),
            cells: DEFAULT_CELLS,
            multiplexer: Multiplexer::None,
            compression: Compression::Plain,
        }
    }

    /// Whether pixels are sent through a tmux that can report where they would land.
    #[must_use]
    pub fn sends_pixels_through_tmux(&self) -> bool {
        self.multiplexer == Multiplexer::Tmux && self.protocol.draws_pixels()
    }

    pub(super) fn font(&self) -> FontSize {
        FontSize::new(self.cells.width, self.cells.height)
    }

    /// Where a picture of this terminal goes.
    pub(super) fn target(&self, link: Link, image_id: u32) -> Target {
        Target { link, multiplexer: self.multiplexer, compression: self.compression, image_id }
    }

    /// Resizes a photo to whole cells, at most `cells` (columns x rows), in its own proportions. Returns it with the
    /// cells that it covers.
    pub(super) fn fit(&self, photo: DynamicImage, cells: Size) -> (DynamicImage, Size) {
        let resize = Resize::Fit(Some(FilterType::Triangle));
        let font = self.font();
        let natural = Resize::natural_size(&photo, font);
        let fits = natural.width <= cells.width && natural.height <= cells.height;
        let pixels = |count: u16, side: u16| u32::from(count) * u32::from(side);
        let fills_its_cells =
            photo.width() == pixels(natural.width, font.width) || photo.height() == pixels(natural.height, font.height);
        if fits && fills_its_cells {
            (photo, natural)
        } else {
            let cells = resize.size_for(&photo, font, cells);
            (resize.resize(&photo, font, cells, None), cells)
        }
    }
}
