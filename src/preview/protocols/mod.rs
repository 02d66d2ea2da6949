//! The graphics protocols, one a file, behind one table.
//!
//! To add a protocol, write its file here and add it to [`ALL`]. Everything specific to it lives in that file; the rest
//! of the program uses [`GraphicsProtocol`]. ratatui-image encodes the pictures.
//!
//! ```
//! use cipherlens::preview::protocols;
//!
//! let sixel = protocols::by_value("sixel").unwrap();
//! assert_eq!(sixel.name(), "Sixel");
//! assert!(sixel.draws_pixels() && !protocols::fallback().draws_pixels());
//! ```

mod halfblocks;
mod image_ids;
mod iterm2;
mod kitty;
mod protocol;
mod quirks;
mod sixel;

use ratatui_image::picker::Capability;
use ratatui_image::picker::cap_parser::{QueryStdioOptions, Response};

use super::answers::Answers;
use super::environment::Environment;
use super::link::Link;
use super::tmux::Multiplexer;
pub use image_ids::ImageIds;
pub use protocol::{
    Compression, Encoded, Evidence, GraphicsProtocol, Layer, PictureError, Protocol, Scaling, StoredImage, Support,
    Target,
};

/// Every protocol, in the order in which the application's key steps through them.
pub static ALL: &[Protocol] = &[&halfblocks::Halfblocks, &sixel::Sixel, &kitty::Kitty, &iterm2::Iterm2];

/// The protocol that every terminal draws.
#[must_use]
pub fn fallback() -> Protocol {
    &halfblocks::Halfblocks
}

/// The protocol with this name in `--preview` and the settings.
#[must_use]
pub fn by_value(value: &str) -> Option<Protocol> {
    ALL.iter().copied().find(|protocol| protocol.value() == value)
}

/// Every protocol, best first.
#[must_use]
pub fn by_preference() -> Vec<Protocol> {
    let mut protocols = ALL.to_vec();
    protocols.sort_by_key(|protocol| std::cmp::Reverse(protocol.preference()));
    protocols
}

/// The values of the protocols that draw pixels, best first, such as `kitty, sixel or iterm2`.
#[must_use]
pub fn pixel_values() -> String {
    let protocols = by_preference();
    let values: Vec<&str> =
        protocols.iter().filter(|protocol| protocol.draws_pixels()).map(|protocol| protocol.value()).collect();
    match values.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The next protocol in [`ALL`]; after the last, the first.
#[must_use]
pub fn next(protocol: Protocol) -> Protocol {
    let following = ALL.iter().skip_while(|other| **other != protocol).nth(1);
    following.or(ALL.first()).copied().unwrap_or(protocol)
}

/// The best protocol that a terminal supports. Pixels need the size of a cell; if that is unknown, the fallback.
#[must_use]
pub fn detect(evidence: &Evidence<'_>) -> (Protocol, Support) {
    let has_cell_size = evidence.answers.cells().is_some();
    by_preference()
        .into_iter()
        .filter(|protocol| has_cell_size || !protocol.draws_pixels())
        .find_map(|protocol| Some((protocol, protocol.detect(evidence)?)))
        .unwrap_or((fallback(), Support::Universal))
}

/// `options` with the queries of all protocols.
pub(super) fn configure_query(options: &mut QueryStdioOptions, link: Link, environment: Environment<'_>) {
    for protocol in ALL {
        protocol.configure_query(options, link, environment);
    }
}

/// The capability that a response to a protocol's query reports.
pub(super) fn capability(response: &Response) -> Option<Capability> {
    ALL.iter().find_map(|protocol| protocol.capability(response))
}

/// The name in reports of a capability that belongs to a protocol.
pub(super) fn capability_name(capability: &Capability) -> Option<&'static str> {
    ALL.iter().find_map(|protocol| protocol.capability_name(capability))
}

/// Whether the terminal inflates pixel data of the protocol that compresses it.
pub(super) fn compression(answers: &Answers) -> Compression {
    let mut compressions = ALL.iter().map(|protocol| protocol.compression(answers));
    compressions.find(|compression| *compression != Compression::Plain).unwrap_or(Compression::Plain)
}

/// The sequence that deletes images which the terminal stores.
#[must_use]
pub fn delete(images: &[StoredImage], multiplexer: Multiplexer) -> String {
    let ids = |protocol: Protocol| -> Vec<u32> {
        images.iter().filter(|image| image.protocol == protocol).map(|image| image.id).collect()
    };
    ALL.iter().map(|protocol| protocol.delete(&ids(*protocol), multiplexer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_preferences_are_distinct() {
        for (place, protocol) in ALL.iter().enumerate() {
            for other in &ALL[place + 1..] {
                assert_ne!(protocol.value(), other.value());
                assert_ne!(protocol.preference(), other.preference(), "{protocol:?} {other:?}");
            }
        }
    }

    #[test]
    fn stepping_visits_every_protocol_and_returns() {
        let mut protocol = fallback();
        for _ in ALL {
            protocol = next(protocol);
        }
        assert_eq!(protocol, fallback());
    }

    #[test]
    fn kitty_graphics_are_better_than_sixel() {
        let environment = Environment::new(&|_| None);
        let detected = |capabilities: &[Capability]| {
            let answers = Answers { capabilities: capabilities.to_vec(), is_complete: true };
            let (protocol, support) =
                detect(&Evidence { answers: &answers, environment, multiplexer: Multiplexer::None });
            (protocol.value(), support)
        };
        let cell_size = Capability::CellSize(Some((9, 19)));
        let both = detected(&[Capability::Sixel, Capability::Kitty, cell_size.clone()]);
        assert_eq!(both, ("kitty", Support::Answered));
        assert_eq!(detected(&[Capability::Sixel, cell_size.clone()]), ("sixel", Support::Answered));
        assert_eq!(detected(&[Capability::Sixel]), ("halfblocks", Support::Universal), "no cell size");
        assert_eq!(detected(&[Capability::RectangularOps, cell_size]), ("halfblocks", Support::Universal));
    }

    #[test]
    fn the_values_of_pixel_protocols_read_as_a_list() {
        assert_eq!(pixel_values(), "kitty, sixel or iterm2");
    }
}
