//! iTerm2 inline images (OSC 1337): <https://iterm2.com/documentation-images.html>.
//!
//! No terminal reports them, so they are detected by the environment alone. Over a network the program sends a small
//! JPEG that the terminal enlarges: a tenth of the bytes of a PNG with every pixel.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::DynamicImage;
use image::codecs::jpeg::JpegEncoder;
use ratatui::layout::Size;
use ratatui_image::protocol::Protocol as Drawing;
use ratatui_image::protocol::iterm2::Iterm2 as InlineImage;

use super::protocol::{Encoded, Evidence, GraphicsProtocol, Layer, PictureError, Scaling, Support, Target};
use crate::preview::link::Link;
use crate::preview::tmux::Multiplexer;

/// The terminal enlarges a picture that has fewer pixels than its cells.
const REMOTE_MAX_PIXELS: f64 = 120_000.0;
/// JPEG quality, from 1 to 100.
const REMOTE_JPEG_QUALITY: u8 = 75;

/// Terminals that draw inline images, by parts of their TERM_PROGRAM.
const TERMINALS: [&str; 9] =
    ["iTerm", "WezTerm", "mintty", "vscode", "Tabby", "Hyper", "rio", "Bobcat", "WarpTerminal"];

/// iTerm2 inline images.
pub(super) struct Iterm2;

impl GraphicsProtocol for Iterm2 {
    fn value(&self) -> &'static str {
        "iterm2"
    }

    fn name(&self) -> &'static str {
        "iTerm2"
    }

    fn full_name(&self) -> &'static str {
        "iTerm2 inline images"
    }

    fn summary(&self) -> &'static str {
        "iTerm2 inline images (OSC 1337)"
    }

    fn preference(&self) -> u8 {
        1
    }

    fn layer(&self) -> Layer {
        Layer::Overlay
    }

    fn detect(&self, evidence: &Evidence<'_>) -> Option<Support> {
        let Evidence { environment, multiplexer, .. } = evidence;
        let is_supported = TERMINALS.iter().any(|terminal| environment.contains("TERM_PROGRAM", terminal))
            || environment.contains("LC_TERMINAL", "iTerm")
            // Within tmux, TERM_PROGRAM names tmux; these variables are inherited from the terminal.
            || multiplexer.is_tmux()
                && (environment.is_set("ITERM_SESSION_ID") || environment.is_set("WEZTERM_EXECUTABLE"));
        is_supported.then_some(Support::Environment)
    }

    fn max_pixels(&self, link: Link) -> f64 {
        match link {
            Link::Local => f64::INFINITY,
            Link::Remote => REMOTE_MAX_PIXELS,
        }
    }

    fn scaling(&self, link: Link) -> Scaling {
        match link {
            Link::Local => Scaling::Program,
            Link::Remote => Scaling::Terminal,
        }
    }

    fn encode(&self, photo: DynamicImage, cells: Size, target: Target) -> Result<Encoded, PictureError> {
        let image = match target.link {
            Link::Local => InlineImage::new(photo, cells, target.multiplexer.is_tmux())?,
            Link::Remote => jpeg(&photo, cells, target.multiplexer)?,
        };
        Ok(Encoded { drawing: Drawing::ITerm2(image), image_id: None })
    }
}

/// A JPEG that the terminal enlarges to `cells` (columns x rows).
fn jpeg(photo: &DynamicImage, cells: Size, multiplexer: Multiplexer) -> Result<InlineImage, PictureError> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, REMOTE_JPEG_QUALITY).encode_image(photo)?;
    let (start, escape, end) = multiplexer.wrapping();
    let mut data = String::from(start);
    // Earlier text would show at the edges, where the picture ends within a cell.
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
    Ok(InlineImage { data, size: cells, is_tmux: multiplexer.is_tmux() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preview::answers::Answers;
    use crate::preview::environment::Environment;
    use crate::preview::test_picture;

    #[test]
    fn the_environment_names_the_terminal_also_over_ssh_and_in_tmux() {
        let answers = Answers::default();
        for (variable, value, multiplexer, is_supported) in [
            ("TERM_PROGRAM", "iTerm.app", Multiplexer::None, true),
            ("TERM_PROGRAM", "WezTerm", Multiplexer::None, true),
            ("TERM_PROGRAM", "Apple_Terminal", Multiplexer::None, false),
            ("LC_TERMINAL", "iTerm2", Multiplexer::None, true),
            ("ITERM_SESSION_ID", "w0t0p0", Multiplexer::None, false),
            ("ITERM_SESSION_ID", "w0t0p0", Multiplexer::Tmux, true),
            ("WEZTERM_EXECUTABLE", "/usr/bin/wezterm", Multiplexer::RemoteTmux, true),
            ("WEZTERM_EXECUTABLE", "", Multiplexer::Tmux, false),
        ] {
            let lookup = |name: &str| (name == variable).then(|| value.to_owned());
            let evidence = Evidence { answers: &answers, environment: Environment::new(&lookup), multiplexer };
            let expected = is_supported.then_some(Support::Environment);
            assert_eq!(Iterm2.detect(&evidence), expected, "{variable}={value} {multiplexer:?}");
        }
    }

    #[test]
    fn over_a_network_a_jpeg_is_sent_that_the_terminal_enlarges() {
        let cells = Size::new(9, 4);
        let image = jpeg(&test_picture(), cells, Multiplexer::None).unwrap();
        let (clearing, rest) = image.data.split_once("\x1b]1337;File=inline=1;size=").unwrap();
        assert_eq!(clearing, "\x1b[9X\x1b[1B".repeat(4) + "\x1b[4A");
        let (arguments, payload) = rest.split_once(':').unwrap();
        assert!(arguments.ends_with(";width=9;height=4;preserveAspectRatio=0;doNotMoveCursor=1"), "{arguments}");
        let jpeg = BASE64.decode(payload.strip_suffix('\x07').unwrap()).unwrap();
        assert!(arguments.starts_with(&format!("{};", jpeg.len())) && jpeg.starts_with(&[0xff, 0xd8]));
    }
}
