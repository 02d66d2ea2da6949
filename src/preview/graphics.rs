//! How pictures are drawn in a terminal: by which protocol, in cells of how many pixels, and through what.

use image::DynamicImage;
use ratatui::layout::Size;
use ratatui_image::errors::Errors;
use ratatui_image::picker::ProtocolType;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::halfblocks::Halfblocks;
use ratatui_image::protocol::iterm2::Iterm2;
use ratatui_image::protocol::kitty::Kitty;
use ratatui_image::protocol::sixel::Sixel;
use ratatui_image::{FilterType, FontSize, Resize};

use super::tmux::Passage;
use crate::services::settings::CellSize;

/// The cells of a terminal of which nothing is known: half blocks need their proportions, not their size.
const USUAL_CELLS: CellSize = CellSize { width: 10, height: 20 };

/// Whether pixels are deflated for a kitty terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// It inflates them.
    Deflate,
    /// It takes them as they are.
    Plain,
}

/// How pictures are drawn in a terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Graphics {
    /// The protocol.
    pub protocol: ProtocolType,
    /// Width and height of a character in pixels.
    pub cells: CellSize,
    /// What stands between the program and the terminal.
    pub passage: Passage,
    /// How a kitty terminal takes pixels.
    pub compression: Compression,
}

impl Graphics {
    /// Half blocks, which every terminal draws, and through which everything passes.
    #[must_use]
    pub fn halfblocks() -> Self {
        Self {
            protocol: ProtocolType::Halfblocks,
            cells: USUAL_CELLS,
            passage: Passage::Direct,
            compression: Compression::Plain,
        }
    }

    pub(super) fn font(&self) -> FontSize {
        FontSize::new(self.cells.width, self.cells.height)
    }

    /// A photo in at most `cells`; a kitty terminal keeps it under `kitty_id`.
    pub(super) fn fit(&self, photo: DynamicImage, cells: Size, kitty_id: u32) -> Result<Protocol, Errors> {
        let resize = Resize::Fit(Some(FilterType::Triangle));
        let font = self.font();
        let natural = Resize::natural_size(&photo, font);
        let fits = natural.width <= cells.width && natural.height <= cells.height;
        let pixels = |count: u16, side: u16| u32::from(count) * u32::from(side);
        let fills_its_cells =
            photo.width() == pixels(natural.width, font.width) || photo.height() == pixels(natural.height, font.height);
        let (photo, cells) = if fits && fills_its_cells {
            (photo, natural)
        } else {
            let cells = resize.size_for(&photo, font, cells);
            (resize.resize(&photo, font, cells, None), cells)
        };
        let is_tmux = self.passage.is_tmux();
        Ok(match self.protocol {
            ProtocolType::Halfblocks => Protocol::Halfblocks(Halfblocks::new(photo, cells)?),
            ProtocolType::Sixel => Protocol::Sixel(Sixel::new(photo, cells, is_tmux)?),
            ProtocolType::Iterm2 => Protocol::ITerm2(Iterm2::new(photo, cells, is_tmux)?),
            ProtocolType::Kitty => Protocol::Kitty(self.kitty(photo, cells, kitty_id)?),
        })
    }

    /// A photo that a kitty terminal enlarges to `cells`.
    pub(super) fn kitty(&self, photo: DynamicImage, cells: Size, id: u32) -> Result<Kitty, Errors> {
        let deflates = self.compression == Compression::Deflate;
        Kitty::new(photo, cells, id, self.passage.is_tmux(), deflates, false)
    }
}
