//! The kitty graphics protocol: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>.
//!
//! Images are transmitted inline and drawn by Unicode placeholders, so that they move with the text and tmux can keep
//! track of them. The terminal stores each image under an id until the program deletes it.
//!
//! Must never: transmit by file or shared memory, which would put decrypted pixels where others can read them.

use std::fmt::Write as _;

use image::DynamicImage;
use ratatui::layout::Size;
use ratatui_image::picker::cap_parser::{QueryStdioOptions, Response};
use ratatui_image::picker::{Capability, ProtocolType};
use ratatui_image::protocol::Protocol as Drawing;
use ratatui_image::protocol::kitty::Kitty as Placeholders;

use super::protocol::{
    Compression, Encoded, Evidence, GraphicsProtocol, Layer, PictureError, Scaling, Support, Target,
};
use super::quirks::lacks_placeholders;
use crate::preview::answers::Answers;
use crate::preview::environment::Environment;
use crate::preview::link::Link;
use crate::preview::tmux::Multiplexer;

/// Raw pixels are large, and the terminal enlarges a picture itself.
const REMOTE_MAX_PIXELS: f64 = 120_000.0;

/// The kitty graphics protocol.
pub(super) struct Kitty;

impl GraphicsProtocol for Kitty {
    fn value(&self) -> &'static str {
        "kitty"
    }

    fn name(&self) -> &'static str {
        "kitty"
    }

    fn full_name(&self) -> &'static str {
        "the kitty graphics protocol"
    }

    fn summary(&self) -> &'static str {
        "The kitty graphics protocol"
    }

    fn preference(&self) -> u8 {
        3
    }

    fn layer(&self) -> Layer {
        Layer::Placeholders
    }

    fn detect(&self, evidence: &Evidence<'_>) -> Option<Support> {
        evidence.answers.has(&Capability::Kitty).then_some(Support::Answered)
    }

    fn configure_query(&self, options: &mut QueryStdioOptions, link: Link, environment: Environment<'_>) {
        if lacks_placeholders(environment) {
            options.blacklist_protocols.push(ProtocolType::Kitty);
        }
        // Raw RGBA is 20 times the size of a JPEG: over a network, deflating it is worth the time.
        options.kitty_compression = link == Link::Remote;
    }

    fn capability(&self, response: &Response) -> Option<Capability> {
        match response {
            Response::Kitty => Some(Capability::Kitty),
            Response::KittyCompression => Some(Capability::KittyCompression),
            _ => None,
        }
    }

    fn capability_name(&self, capability: &Capability) -> Option<&'static str> {
        match capability {
            Capability::Kitty => Some("kitty graphics"),
            Capability::KittyCompression => Some("kitty compression"),
            _ => None,
        }
    }

    fn compression(&self, answers: &Answers) -> Compression {
        if answers.has(&Capability::KittyCompression) { Compression::Deflate } else { Compression::Plain }
    }

    fn max_pixels(&self, link: Link) -> f64 {
        match link {
            Link::Local => f64::INFINITY,
            Link::Remote => REMOTE_MAX_PIXELS,
        }
    }

    fn scaling(&self, _link: Link) -> Scaling {
        Scaling::Terminal
    }

    fn encode(&self, photo: DynamicImage, cells: Size, target: Target) -> Result<Encoded, PictureError> {
        let Target { multiplexer, compression, image_id, .. } = target;
        let deflates = compression == Compression::Deflate;
        let uses_shared_memory = false;
        let image = Placeholders::new(photo, cells, image_id, multiplexer.is_tmux(), deflates, uses_shared_memory)?;
        Ok(Encoded { drawing: Drawing::Kitty(image), image_id: Some(image_id) })
    }

    fn delete(&self, image_ids: &[u32], multiplexer: Multiplexer) -> String {
        let mut sequence = String::new();
        let (start, escape, end) = multiplexer.wrapping();
        // Each by its id: the other ways of deleting do not cover virtual placements.
        for id in image_ids {
            let _ = write!(sequence, "{start}{escape}_Ga=d,d=I,i={id},q=2;{escape}\\{end}");
        }
        if !image_ids.is_empty() {
            // And all visible placements, in case the terminal replaced an id.
            let _ = write!(sequence, "{start}{escape}_Ga=d,d=A,q=2;{escape}\\{end}");
        }
        sequence
    }

    fn troubleshooting(&self) -> Option<&'static str> {
        Some("boxes instead of a picture? --preview sixel or halfblocks")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preview::test_picture;

    #[test]
    fn an_image_is_stored_under_its_id_and_deleted_by_it() {
        let target = Target {
            link: Link::Local,
            multiplexer: Multiplexer::None,
            compression: Compression::Plain,
            image_id: 4711,
        };
        let encoded = Kitty.encode(test_picture(), Size::new(9, 4), target).unwrap();
        assert_eq!(encoded.image_id, Some(4711));
        let sequence = Kitty.delete(&[4711, 4712], Multiplexer::None);
        assert_eq!(sequence, "\x1b_Ga=d,d=I,i=4711,q=2;\x1b\\\x1b_Ga=d,d=I,i=4712,q=2;\x1b\\\x1b_Ga=d,d=A,q=2;\x1b\\");
        assert_eq!(Kitty.delete(&[], Multiplexer::None), "");
    }

    #[test]
    fn deleting_is_wrapped_for_tmux() {
        let sequence = Kitty.delete(&[7], Multiplexer::Tmux);
        assert!(sequence.starts_with("\x1bPtmux;\x1b\x1b_Ga=d,d=I,i=7,q=2;\x1b\x1b\\\x1b\\"), "{sequence:?}");
    }

    #[test]
    fn compression_is_queried_over_a_network_and_used_if_the_terminal_supports_it() {
        let environment = Environment::new(&|_| None);
        for (link, is_asked) in [(Link::Local, false), (Link::Remote, true)] {
            let mut options = QueryStdioOptions::default();
            Kitty.configure_query(&mut options, link, environment);
            assert_eq!((options.kitty_compression, options.blacklist_protocols.len()), (is_asked, 0));
        }
        let mut answers = Answers { capabilities: vec![Capability::Kitty], is_complete: true };
        assert_eq!(Kitty.compression(&answers), Compression::Plain);
        answers.capabilities.push(Capability::KittyCompression);
        assert_eq!(Kitty.compression(&answers), Compression::Deflate);
    }
}
