//! Draws the pictures of each frame and requests those that are missing.
//!
//! Methods that return a `String` return the sequence that deletes images from the terminal, for the caller to send.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui_image::Image;

use super::cache::PictureCache;
use super::encoders::{Encoders, Pixels};
use super::placement::{Permission, PictureState, Placements, centred};
use super::request::{PictureRequest, PictureResponse, Subject};
use super::sent::SentPictures;
use super::view::View;
use crate::preview::protocols::Layer;
use crate::preview::tmux::{Multiplexer, drawn_at};
use crate::preview::{Choice, Encoder, Graphics, Link, Room};
use crate::services::settings::CellSize;

/// All pictures of the application.
pub struct Pictures {
    encoders: Encoders,
    /// Changes when pictures become obsolete: with a new protocol, with a new font, and on lock.
    generation: u64,
    cache: PictureCache,
    requests: Vec<PictureRequest>,
    /// What the frame shows in a view that may change, so that its decoded pixels are kept.
    viewed: Vec<Subject>,
    placements: Placements,
    sent: SentPictures,
}

impl Pictures {
    /// No pictures until [`Self::use_terminal`].
    #[must_use]
    pub fn new(link: Link, sent: SentPictures) -> Self {
        Self {
            encoders: Encoders::new(link),
            generation: 0,
            cache: PictureCache::default(),
            requests: Vec::new(),
            viewed: Vec::new(),
            placements: Placements::new(),
            sent,
        }
    }

    /// Draws pictures for this terminal from now on; `None` draws no pictures.
    pub fn use_terminal(&mut self, graphics: Option<Graphics>) {
        self.encoders.use_terminal(graphics);
        self.start_generation();
    }

    /// Drops all pictures and requests, because they are obsolete.
    fn start_generation(&mut self) {
        self.generation += 1;
        self.cache.clear();
        self.requests.clear();
        self.viewed.clear();
        self.placements.clear();
    }

    /// Drops all pictures, here and in the terminal.
    #[must_use]
    pub fn forget(&mut self) -> String {
        self.start_generation();
        self.sent.delete_all(self.encoders.multiplexer())
    }

    /// Draws half blocks instead of pixels from now on.
    #[must_use]
    pub fn withhold_pixels(&mut self) -> String {
        let deletion = self.forget();
        self.encoders.set_pixels(Pixels::Withheld);
        deletion
    }

    /// Draws pixels again where the terminal can.
    pub fn allow_pixels(&mut self) {
        self.encoders.set_pixels(Pixels::Allowed);
        self.start_generation();
    }

    /// Draws pictures by the next protocol.
    #[must_use]
    pub fn cycle(&mut self) -> String {
        let deletion = self.forget();
        self.encoders.cycle();
        deletion
    }

    /// Follows a font change. `before` and `now` are the cell sizes that the terminal's driver reports.
    #[must_use]
    pub fn resize_cells(&mut self, before: CellSize, now: CellSize) -> String {
        if self.encoders.resize_cells(before, now) { self.forget() } else { String::new() }
    }

    /// Whether pixels are withheld from a terminal that could draw them.
    #[must_use]
    pub fn withholds_pixels(&self) -> bool {
        self.encoders.pixels() == Pixels::Withheld
    }

    /// Whether pixels pass through a tmux that can be asked, now or once they are allowed.
    #[must_use]
    pub fn sends_pixels_through_tmux(&self) -> bool {
        self.encoders.sends_pixels_through_tmux()
    }

    /// Whether the last frame has pictures.
    #[must_use]
    pub fn are_on_screen(&self) -> bool {
        self.placements.count() > 0
    }

    /// Whether the last frame sent pixels that the terminal did not show before.
    #[must_use]
    pub fn has_sent(&self) -> bool {
        self.placements.has_sent()
    }

    /// Whether the last frame held pixels back because permission was missing.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.placements.is_held_back()
    }

    /// Sets whether the next frame may send pixels through tmux.
    pub fn permit(&mut self, permission: Permission) {
        self.placements.permit(permission);
    }

    /// The screen was cleared: the next frame sends every picture again.
    pub fn screen_cleared(&mut self) {
        self.placements.clear();
    }

    /// What the terminal was sent.
    #[must_use]
    pub fn sent(&self) -> &SentPictures {
        &self.sent
    }

    /// The encoder for the worker; `None` when no picture is drawn.
    #[must_use]
    pub fn encoder(&self) -> Option<&Encoder> {
        self.encoders.active()
    }

    /// The name of the protocol that draws the pictures.
    #[must_use]
    pub fn protocol_name(&self) -> &'static str {
        self.encoder().map_or("no pictures", |encoder| encoder.graphics().protocol.name())
    }

    /// The protocol of the terminal, as a choice to remember.
    #[must_use]
    pub fn choice(&self) -> Option<Choice> {
        self.encoders.choice()
    }

    /// Changes when pictures become obsolete.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Begins a frame. `covered` is where a window will be.
    pub fn begin_frame(&mut self, covered: Option<Rect>) {
        self.requests.clear();
        self.viewed.clear();
        self.placements.begin_frame(covered);
    }

    /// The pictures that the last frame lacked, most urgent first.
    #[must_use]
    pub fn requests(&self) -> &[PictureRequest] {
        &self.requests
    }

    /// What the last frame shows in a view that may change: its decoded pixels are worth keeping.
    #[must_use]
    pub fn viewed(&self) -> &[Subject] {
        &self.viewed
    }

    /// The room that a picture has in `area`; `None` while no picture is drawn.
    #[must_use]
    pub fn room(&self, area: Rect) -> Option<Room> {
        Some(self.encoder()?.room(area.as_size()))
    }

    /// Draws the picture of `subject` in the middle of `area`, or requests it.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, subject: Subject) -> PictureState {
        self.draw_request(frame, area, self.request(area, subject, View::default()))
    }

    /// Draws a view of `subject` in the middle of `area`, or requests it. Until it is there, the former view of it in
    /// the same area stays.
    pub fn draw_view(&mut self, frame: &mut Frame<'_>, area: Rect, subject: Subject, view: View) -> PictureState {
        let request = self.request(area, subject, view);
        self.viewed.push(request.subject.clone());
        if self.cache.contains(&request) {
            return self.draw_request(frame, area, request);
        }
        let former = self.placements.former(&request, area).cloned();
        let state = self.draw_request(frame, area, request);
        match (state, former) {
            (PictureState::Loading, Some(former)) if self.cache.contains(&former) => {
                match self.draw_request(frame, area, former) {
                    PictureState::Drawn(..) => PictureState::Former,
                    other => other,
                }
            }
            (state, _) => state,
        }
    }

    /// Requests a picture that is not on the screen but may be soon. Call it after everything else was drawn.
    pub fn prepare(&mut self, area: Rect, subject: Subject) {
        let request = self.request(area, subject, View::default());
        if self.encoder().is_some() && !self.cache.contains(&request) {
            self.requests.push(request);
        }
    }

    fn request(&self, area: Rect, subject: Subject, view: View) -> PictureRequest {
        PictureRequest { subject, view, cells: area.as_size(), generation: self.generation }
    }

    fn draw_request(&mut self, frame: &mut Frame<'_>, area: Rect, request: PictureRequest) -> PictureState {
        let Some(encoder) = self.encoders.active() else { return PictureState::Hidden };
        if area.width < 2 || area.height < 1 {
            return PictureState::Hidden;
        }
        let graphics = encoder.graphics();
        let is_overlay = graphics.protocol.layer() == Layer::Overlay;
        // Pixels that lie over the cells would show through a window.
        if is_overlay && self.placements.is_covered(area) {
            return PictureState::Hidden;
        }
        let Some(cached) = self.cache.get(&request) else {
            self.requests.push(request);
            return PictureState::Loading;
        };
        let picture = match &cached.result {
            Ok(picture) => picture,
            Err(reason) => return PictureState::Failed(reason.clone()),
        };
        let place = centred(picture.drawing.size(), area);
        if !self.placements.place(&request, place, graphics) {
            return PictureState::Loading;
        }
        frame.render_widget(Image::new(&picture.drawing), place);
        if is_overlay
            && graphics.multiplexer == Multiplexer::Tmux
            && let Some(cell) = frame.buffer_mut().cell_mut((place.x, place.y))
            && let Some(placed) = drawn_at(self.placements.on_terminal(place), cell.symbol())
        {
            cell.set_symbol(&placed);
        }
        if graphics.protocol.draws_pixels() {
            self.sent.add(picture.stored, graphics.multiplexer);
        }
        PictureState::Drawn(picture.pixels, place)
    }

    /// Takes a picture from the worker. Evicts others to make room for it.
    #[must_use]
    pub fn receive(&mut self, response: PictureResponse) -> String {
        // The second of two equal answers is dropped: the terminal may store the image of the first.
        if response.request.generation != self.generation || self.cache.contains(&response.request) {
            return String::new();
        }
        let on_screen = self.placements.count() + self.requests.len();
        let evicted = self.cache.insert(response, on_screen);
        self.sent.delete(&evicted, self.encoders.multiplexer())
    }
}
