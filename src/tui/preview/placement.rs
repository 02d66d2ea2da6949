//! Where the pictures of a frame are, which of them the terminal shows already, and whether more may be sent.

use ratatui::layout::{Rect, Size};

use super::request::PictureRequest;
use crate::preview::Graphics;

/// What is drawn in the place of a picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PictureState {
    /// The picture: width and height of its photo in pixels, and the cells it covers.
    Drawn((u32, u32), Rect),
    /// Another view of the same photo, until the one that is wanted is there.
    Former,
    /// Nothing yet.
    Loading,
    /// Nothing, for this reason.
    Failed(String),
    /// Nothing: pictures are off, or a window covers the place.
    Hidden,
}

/// Whether tmux has just confirmed that pixels would land in the program's own pane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Permission {
    /// It has.
    Granted {
        /// Column and row of the terminal's screen where the pane begins, from 0.
        origin: (u16, u16),
    },
    /// It has not, or not recently.
    Missing,
}

/// The pictures of this frame and of the one before.
pub(super) struct Placements {
    /// What the terminal shows from the frame before, and where: it is not sent again.
    before: Vec<(PictureRequest, Rect)>,
    /// What this frame shows.
    drawn: Vec<(PictureRequest, Rect)>,
    /// A window over the screen in this frame.
    covered: Option<Rect>,
    /// Needed in tmux only.
    permission: Permission,
    /// The origin in the last permission that was granted.
    origin: (u16, u16),
    is_held_back: bool,
    has_sent: bool,
}

impl Placements {
    pub(super) fn new() -> Self {
        Self {
            before: Vec::new(),
            drawn: Vec::new(),
            covered: None,
            permission: Permission::Missing,
            origin: (0, 0),
            is_held_back: false,
            has_sent: false,
        }
    }

    /// Begins a frame. `covered` is where a window will be.
    pub(super) fn begin_frame(&mut self, covered: Option<Rect>) {
        self.covered = covered;
        self.before = std::mem::take(&mut self.drawn);
        self.is_held_back = false;
        self.has_sent = false;
    }

    /// Whether the window of this frame covers some of `area`.
    pub(super) fn is_covered(&self, area: Rect) -> bool {
        self.covered.is_some_and(|covered| covered.intersects(area))
    }

    /// Sets whether the next frame may send pixels through tmux.
    pub(super) fn permit(&mut self, permission: Permission) {
        self.permission = permission;
        if let Permission::Granted { origin } = permission {
            self.origin = origin;
        }
    }

    /// Places a picture. Returns whether it may be drawn: pixels that the terminal does not show yet need permission to
    /// pass through tmux.
    #[must_use]
    pub(super) fn place(&mut self, request: &PictureRequest, place: Rect, graphics: &Graphics) -> bool {
        let drawing = (request.clone(), place);
        if !self.before.contains(&drawing) {
            if graphics.sends_pixels_through_tmux() && self.permission == Permission::Missing {
                self.is_held_back = true;
                return false;
            }
            self.has_sent = true;
        }
        self.drawn.push(drawing);
        true
    }

    /// The request for another view of the same photo that the frame before showed in `area`.
    pub(super) fn former(&self, request: &PictureRequest, area: Rect) -> Option<&PictureRequest> {
        let is_former = |(other, place): &&(PictureRequest, Rect)| {
            other.subject == request.subject
                && other.cells == request.cells
                && other.generation == request.generation
                && area.contains(place.as_position())
        };
        self.before.iter().find(is_former).map(|(former, _)| former)
    }

    /// Where a cell of the pane is on the terminal's screen: column and row, from 0.
    pub(super) fn on_terminal(&self, place: Rect) -> (u16, u16) {
        (self.origin.0.saturating_add(place.x), self.origin.1.saturating_add(place.y))
    }

    /// The screen was cleared: the terminal shows none of the pictures any more.
    pub(super) fn clear(&mut self) {
        self.drawn.clear();
    }

    /// The number of pictures on the screen.
    pub(super) fn count(&self) -> usize {
        self.drawn.len()
    }

    /// Whether the frame sent pixels that the terminal did not show before.
    pub(super) fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Whether the frame held pixels back because permission was missing.
    pub(super) fn is_held_back(&self) -> bool {
        self.is_held_back
    }
}

/// The place of a picture of `size` in the middle of `area`.
pub(super) fn centred(size: Size, area: Rect) -> Rect {
    Rect {
        x: area.x + area.width.saturating_sub(size.width) / 2,
        y: area.y + area.height.saturating_sub(size.height) / 2,
        width: size.width.min(area.width),
        height: size.height.min(area.height),
    }
}
