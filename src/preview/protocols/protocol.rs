//! The interface of a graphics protocol.
//!
//! Must never: know a particular protocol.

use std::fmt;

use image::DynamicImage;
use ratatui::layout::Size;
use ratatui_image::errors::Errors;
use ratatui_image::picker::Capability;
use ratatui_image::picker::cap_parser::{QueryStdioOptions, Response};
use ratatui_image::protocol::Protocol as Drawing;

use crate::preview::answers::Answers;
use crate::preview::environment::Environment;
use crate::preview::link::Link;
use crate::preview::tmux::Multiplexer;

/// A protocol of the table.
pub type Protocol = &'static dyn GraphicsProtocol;

/// A way to draw pictures in a terminal. Implementations are unit structs; two are equal when their values are.
pub trait GraphicsProtocol: Sync {
    /// Its name in `--preview`, the settings and the remembered choices.
    fn value(&self) -> &'static str;

    /// Its name in the application, in the middle of a sentence.
    fn name(&self) -> &'static str;

    /// Its name in reports.
    fn full_name(&self) -> &'static str {
        self.name()
    }

    /// Its description in shell completions.
    fn summary(&self) -> &'static str;

    /// Of the protocols that a terminal supports, the one with the highest preference is used.
    fn preference(&self) -> u8;

    /// How its pictures share the screen with text.
    fn layer(&self) -> Layer;

    /// Whether the terminal supports it, and how that is known.
    fn detect(&self, evidence: &Evidence<'_>) -> Option<Support>;

    /// Adds the protocol's queries to `options`; by default there are none.
    fn configure_query(&self, _options: &mut QueryStdioOptions, _link: Link, _environment: Environment<'_>) {}

    /// The capability that a response to the protocol's queries means.
    fn capability(&self, _response: &Response) -> Option<Capability> {
        None
    }

    /// The name in reports of a capability that belongs to the protocol.
    fn capability_name(&self, _capability: &Capability) -> Option<&'static str> {
        None
    }

    /// Whether the terminal inflates this protocol's pixel data.
    fn compression(&self, _answers: &Answers) -> Compression {
        Compression::Plain
    }

    /// The most pixels to send for one picture.
    fn max_pixels(&self, _link: Link) -> f64 {
        f64::INFINITY
    }

    /// Which side enlarges a picture to the cells it covers.
    fn scaling(&self, _link: Link) -> Scaling {
        Scaling::Program
    }

    /// Encodes a photo that is to cover `cells` (columns x rows). Where the program scales, `photo` fits these cells.
    ///
    /// # Errors
    /// When the photo cannot be encoded.
    fn encode(&self, photo: DynamicImage, cells: Size, target: Target) -> Result<Encoded, PictureError>;

    /// The sequence that deletes images which the terminal stores; empty for protocols whose terminals store none.
    fn delete(&self, _image_ids: &[u32], _multiplexer: Multiplexer) -> String {
        String::new()
    }

    /// What to try when the terminal claims support but shows something else.
    fn troubleshooting(&self) -> Option<&'static str> {
        None
    }
}

impl dyn GraphicsProtocol {
    /// Whether it sends pixels to the terminal, rather than text alone.
    #[must_use]
    pub fn draws_pixels(&self) -> bool {
        self.layer() != Layer::Text
    }
}

impl PartialEq for dyn GraphicsProtocol {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl Eq for dyn GraphicsProtocol {}

impl fmt::Debug for dyn GraphicsProtocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.value())
    }
}

/// How pictures share the screen with text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layer {
    /// Pictures are coloured characters.
    Text,
    /// The terminal shows pixels in place of placeholder characters: writing over these removes the picture, and the
    /// terminal stores the image until it is deleted.
    Placeholders,
    /// Pixels lie over the cells from the cursor on. Text that is written later does not reliably remove them: they
    /// stay until the screen is erased, and nothing may be drawn over them.
    Overlay,
}

/// How it is known that a terminal supports a protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Support {
    /// The terminal reported it.
    Answered,
    /// The environment names a terminal that is known to support it.
    Environment,
    /// Every terminal supports it.
    Universal,
}

/// What is known about a terminal.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Its answers.
    pub answers: &'a Answers,
    /// The environment of the program.
    pub environment: Environment<'a>,
    /// The multiplexer between the program and the terminal, if any.
    pub multiplexer: Multiplexer,
}

/// Whether pixel data is deflated (RFC 1950).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// The terminal inflates it.
    Deflate,
    /// It is sent as it is.
    Plain,
}

/// Which side enlarges a picture to the cells it covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scaling {
    /// The program, to every pixel of these cells.
    Program,
    /// The terminal.
    Terminal,
}

/// Where an encoded picture goes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Whether the terminal is on this machine.
    pub link: Link,
    /// The multiplexer between the program and the terminal, if any.
    pub multiplexer: Multiplexer,
    /// Whether pixel data is deflated.
    pub compression: Compression,
    /// The id for an image that the terminal stores; no other image on this terminal may have it.
    pub image_id: u32,
}

/// An encoded picture.
pub struct Encoded {
    /// Draws it through [`ratatui_image::Image`].
    pub drawing: Drawing,
    /// The id under which the terminal stores it until it is deleted.
    pub image_id: Option<u32>,
}

/// An image that a terminal stores.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoredImage {
    /// The protocol that it was sent with.
    pub protocol: Protocol,
    /// Its id.
    pub id: u32,
}

/// Why a picture cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The photo cannot be written in the image format that the protocol sends.
    #[error("{0}")]
    Format(#[from] image::ImageError),
    /// The protocol cannot express it.
    #[error("cannot be drawn: {0}")]
    Encoding(#[from] Errors),
}
