//! A terminal's answers to the queries of [`query`](super::query).

use ratatui_image::picker::Capability;

use crate::services::settings::CellSize;

/// The answers of one terminal.
#[derive(Debug, Default)]
pub struct Answers {
    /// Each answer, in the order in which it came.
    pub capabilities: Vec<Capability>,
    /// Whether the last query was answered in time.
    pub is_complete: bool,
}

impl Answers {
    /// Whether the terminal reported this capability.
    #[must_use]
    pub fn has(&self, capability: &Capability) -> bool {
        self.capabilities.contains(capability)
    }

    /// Width and height of a cell in pixels, if the terminal reported them.
    #[must_use]
    pub fn cells(&self) -> Option<CellSize> {
        self.capabilities.iter().find_map(|capability| match capability {
            Capability::CellSize(Some((width, height))) => Some(CellSize { width: *width, height: *height }),
            _ => None,
        })
    }
}
