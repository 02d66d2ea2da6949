//! Two coloured pixels per character, by the half block U+2580. This is text, so it works in every terminal and every
//! multiplexer.

use image::DynamicImage;
use ratatui::layout::Size;
use ratatui_image::protocol::Protocol as Drawing;
use ratatui_image::protocol::halfblocks::Halfblocks as Characters;

use super::protocol::{Encoded, Evidence, GraphicsProtocol, Layer, PictureError, Support, Target};

/// Half blocks.
pub(super) struct Halfblocks;

impl GraphicsProtocol for Halfblocks {
    fn value(&self) -> &'static str {
        "halfblocks"
    }

    fn name(&self) -> &'static str {
        "half blocks"
    }

    fn summary(&self) -> &'static str {
        "Two coloured pixels a character: works everywhere"
    }

    fn preference(&self) -> u8 {
        0
    }

    fn layer(&self) -> Layer {
        Layer::Text
    }

    fn detect(&self, _evidence: &Evidence<'_>) -> Option<Support> {
        Some(Support::Universal)
    }

    fn encode(&self, photo: DynamicImage, cells: Size, _target: Target) -> Result<Encoded, PictureError> {
        Ok(Encoded { drawing: Drawing::Halfblocks(Characters::new(photo, cells)?), image_id: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preview::link::Link;
    use crate::preview::protocols::protocol::Compression;
    use crate::preview::test_picture;
    use crate::preview::tmux::Multiplexer;

    #[test]
    fn a_picture_covers_its_cells_and_the_terminal_stores_nothing() {
        let target =
            Target { link: Link::Local, multiplexer: Multiplexer::Tmux, compression: Compression::Plain, image_id: 1 };
        let encoded = Halfblocks.encode(test_picture(), Size::new(8, 4), target).unwrap();
        assert_eq!((encoded.drawing.size(), encoded.image_id), (Size::new(8, 4), None));
        assert_eq!(Halfblocks.delete(&[1], Multiplexer::None), "");
    }
}
