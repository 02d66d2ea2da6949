//! Which encoder draws the pictures: the terminal's own, or half blocks while pixels would land in another tmux pane.

use crate::preview::protocols;
use crate::preview::tmux::Multiplexer;
use crate::preview::{Choice, Encoder, Graphics, Link};
use crate::services::settings::CellSize;

/// Whether pixels are drawn where the terminal can.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pixels {
    Allowed,
    /// Half blocks instead: in tmux, pixels would land in another pane.
    Withheld,
}

/// The encoders for one terminal.
pub(super) struct Encoders {
    link: Link,
    /// `None` while no picture is drawn.
    terminal: Option<Encoder>,
    /// [`Self::terminal`], or its half blocks while pixels are withheld.
    active: Option<Encoder>,
    pixels: Pixels,
}

impl Encoders {
    /// No encoder until the terminal is known.
    pub(super) fn new(link: Link) -> Self {
        Self { link, terminal: None, active: None, pixels: Pixels::Allowed }
    }

    /// Encodes for this terminal from now on; `None` draws no pictures.
    pub(super) fn use_terminal(&mut self, graphics: Option<Graphics>) {
        self.terminal = graphics.map(|graphics| Encoder::new(graphics, self.link));
        self.set_pixels(Pixels::Allowed);
    }

    pub(super) fn set_pixels(&mut self, pixels: Pixels) {
        self.pixels = pixels;
        self.active = match pixels {
            Pixels::Allowed => self.terminal.clone(),
            Pixels::Withheld => self.terminal.as_ref().map(|terminal| terminal.with_protocol(protocols::fallback())),
        };
    }

    pub(super) fn pixels(&self) -> Pixels {
        self.pixels
    }

    /// Changes to the next protocol of the table.
    pub(super) fn cycle(&mut self) {
        if let Some(terminal) = &self.terminal {
            self.terminal = Some(terminal.with_protocol(protocols::next(terminal.graphics().protocol)));
        }
        self.set_pixels(self.pixels);
    }

    /// Follows a font change: the cell sizes before and after, as the terminal's driver reports them. Returns whether
    /// that changes anything: the driver is trusted only if it agreed with the terminal before.
    pub(super) fn resize_cells(&mut self, before: CellSize, now: CellSize) -> bool {
        let Some(terminal) = self.terminal.as_ref().filter(|terminal| terminal.graphics().cells == before) else {
            return false;
        };
        if before == now {
            return false;
        }
        self.terminal = Some(terminal.with_cells(now));
        self.set_pixels(self.pixels);
        true
    }

    /// What encodes the pictures.
    pub(super) fn active(&self) -> Option<&Encoder> {
        self.active.as_ref()
    }

    /// The multiplexer between the program and the terminal.
    pub(super) fn multiplexer(&self) -> Multiplexer {
        self.active.as_ref().map_or(Multiplexer::None, |encoder| encoder.graphics().multiplexer)
    }

    /// The protocol of the terminal, as a choice to remember.
    pub(super) fn choice(&self) -> Option<Choice> {
        Some(Choice::Protocol(self.terminal.as_ref()?.graphics().protocol))
    }

    /// Whether pixels pass through a tmux that can be asked, now or once they are allowed.
    pub(super) fn sends_pixels_through_tmux(&self) -> bool {
        self.terminal.as_ref().is_some_and(|terminal| terminal.graphics().sends_pixels_through_tmux())
    }
}
