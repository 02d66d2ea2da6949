//! DEC Sixel: VT330/VT340 Programmer Reference Manual, volume 2, chapter 14,
//! <https://vt100.net/docs/vt3xx-gp/chapter14.html>.
//!
//! A picture has at most 256 colours. No terminal enlarges it: a picture with fewer pixels covers fewer cells.

use image::DynamicImage;
use ratatui::layout::Size;
use ratatui_image::picker::cap_parser::{QueryStdioOptions, Response};
use ratatui_image::picker::{Capability, ProtocolType};
use ratatui_image::protocol::Protocol as Drawing;
use ratatui_image::protocol::sixel::Sixel as SixelData;

use super::protocol::{Encoded, Evidence, GraphicsProtocol, Layer, PictureError, Support, Target};
use super::quirks::lacks_placeholders;
use crate::preview::environment::Environment;
use crate::preview::link::Link;

/// More than for protocols whose terminals enlarge pictures: with Sixel, fewer pixels make a smaller picture.
const REMOTE_MAX_PIXELS: f64 = 200_000.0;

/// DEC Sixel.
pub(super) struct Sixel;

impl GraphicsProtocol for Sixel {
    fn value(&self) -> &'static str {
        "sixel"
    }

    fn name(&self) -> &'static str {
        "Sixel"
    }

    fn summary(&self) -> &'static str {
        "DEC Sixel, 256 colours"
    }

    fn preference(&self) -> u8 {
        2
    }

    fn layer(&self) -> Layer {
        Layer::Overlay
    }

    fn detect(&self, evidence: &Evidence<'_>) -> Option<Support> {
        evidence.answers.has(&Capability::Sixel).then_some(Support::Answered)
    }

    fn configure_query(&self, options: &mut QueryStdioOptions, _link: Link, environment: Environment<'_>) {
        if lacks_placeholders(environment) {
            options.blacklist_protocols.push(ProtocolType::Sixel);
        }
    }

    fn capability(&self, response: &Response) -> Option<Capability> {
        matches!(response, Response::Sixel).then_some(Capability::Sixel)
    }

    fn capability_name(&self, capability: &Capability) -> Option<&'static str> {
        matches!(capability, Capability::Sixel).then_some("Sixel")
    }

    fn max_pixels(&self, link: Link) -> f64 {
        match link {
            Link::Local => f64::INFINITY,
            Link::Remote => REMOTE_MAX_PIXELS,
        }
    }

    fn encode(&self, photo: DynamicImage, cells: Size, target: Target) -> Result<Encoded, PictureError> {
        let drawing = Drawing::Sixel(SixelData::new(photo, cells, target.multiplexer.is_tmux())?);
        Ok(Encoded { drawing, image_id: None })
    }

    fn troubleshooting(&self) -> Option<&'static str> {
        Some("boxes instead of a picture? --preview halfblocks")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preview::answers::Answers;
    use crate::preview::tmux::Multiplexer;

    #[test]
    fn it_is_used_only_if_the_terminal_reports_it() {
        let environment = Environment::new(&|_| None);
        let mut answers = Answers { capabilities: vec![Capability::RectangularOps], is_complete: true };
        let detect =
            |answers: &Answers| Sixel.detect(&Evidence { answers, environment, multiplexer: Multiplexer::None });
        assert_eq!(detect(&answers), None);
        answers.capabilities.push(Capability::Sixel);
        assert_eq!(detect(&answers), Some(Support::Answered));
    }

    #[test]
    fn wezterm_and_konsole_do_not_get_it() {
        for variable in ["WEZTERM_EXECUTABLE", "KONSOLE_VERSION"] {
            let lookup = |name: &str| (name == variable).then(|| "1".to_owned());
            let mut options = QueryStdioOptions::default();
            Sixel.configure_query(&mut options, Link::Local, Environment::new(&lookup));
            assert_eq!(options.blacklist_protocols, [ProtocolType::Sixel], "{variable}");
        }
    }
}
