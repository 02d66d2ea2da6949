//! The pictures on the screen: which are wanted by the frame being drawn, and which are at hand.
//!
//! Drawing never waits: what is not at hand is wished for and shown when it comes. Pictures are kept in memory only,
//! few of them, and forgotten on lock. Must never: show one photo's picture under another's name, or in tmux send
//! pixels that nobody permitted: they could land in another pane.

mod sent;

use std::path::PathBuf;

use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui_image::Image;
use ratatui_image::picker::ProtocolType;

use crate::preview::tmux::{Passage, drawn_at};
use crate::preview::{self, Choice, Encoder, Graphics, Link, Picture};
use crate::services::settings::CellSize;

use super::state::PhotoId;
pub use sent::{SentPictures, take_back};

/// What a picture shows.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Subject {
    /// A photo of the file system.
    File(PathBuf),
    /// A photo of the vault, small.
    Thumbnail(PhotoId),
    /// A photo of the vault, whole.
    Photo(PhotoId),
    /// The test picture.
    Test,
}

/// A picture that the screen wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wish {
    /// What it shows.
    pub subject: Subject,
    /// The cells it may cover.
    pub cells: Size,
    /// Counts the changes of protocol and the locks: what was wished for before is not wanted any more.
    pub generation: u64,
}

/// What came of a wish.
pub struct Fulfilled {
    /// The wish.
    pub wish: Wish,
    /// The picture, or why there is none.
    pub result: Result<Picture, String>,
}

/// What stands in a place for a picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// The picture was drawn here; its photo has so many pixels.
    Drawn((u32, u32), Rect),
    /// It is on its way.
    Loading,
    /// There is none; why.
    Failed(String),
    /// Pictures are off, or a window covers this place.
    Hidden,
}

/// At most so many pictures are kept: a screen of thumbnails, and a few large ones.
const KEPT: usize = 96;

/// Whether pixels are drawn where the terminal can.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pixels {
    Allowed,
    /// Half blocks instead: in tmux, pixels would land in another pane.
    Withheld,
}

/// All pictures.
pub struct Pictures {
    /// For the terminal as it is.
    terminal: Option<Encoder>,
    /// For the terminal, or for half blocks while pixels are withheld.
    encoder: Option<Encoder>,
    pixels: Pixels,
    link: Link,
    generation: u64,
    /// Most recently used last.
    kept: Vec<Fulfilled>,
    wishes: Vec<Wish>,
    /// A window over the screen in this frame.
    covered: Option<Rect>,
    /// What the frame before drew, and where: the terminal is not sent it again.
    before: Vec<(Wish, Rect)>,
    /// The same of this frame.
    drawn: Vec<(Wish, Rect)>,
    /// Whether pixels may be sent that the terminal does not show yet. Matters in tmux only.
    permission: Permission,
    /// As it was permitted last.
    origin: (u16, u16),
    is_held_back: bool,
    has_sent: bool,
    sent: SentPictures,
}

/// Whether tmux has just said that pixels would land in the own pane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Permission {
    /// It has.
    Granted {
        /// The column and the row of the terminal's screen where the pane begins.
        origin: (u16, u16),
    },
    /// It has not, or not lately.
    Missing,
}

impl Pictures {
    /// No pictures until [`Self::use_terminal`].
    #[must_use]
    pub fn new(link: Link, sent: SentPictures) -> Self {
        Self {
            terminal: None,
            encoder: None,
            pixels: Pixels::Allowed,
            link,
            generation: 0,
            kept: Vec::new(),
            wishes: Vec::new(),
            covered: None,
            before: Vec::new(),
            drawn: Vec::new(),
            permission: Permission::Missing,
            origin: (0, 0),
            is_held_back: false,
            has_sent: false,
            sent,
        }
    }

    /// Draws pictures for this terminal from now on; none without one.
    pub fn use_terminal(&mut self, graphics: Option<Graphics>) {
        self.terminal = graphics.map(|graphics| Encoder::new(graphics, self.link));
        self.pixels = Pixels::Allowed;
        self.choose_encoder();
    }

    /// Which encoder it is; what was made by another is not wanted any more.
    fn choose_encoder(&mut self) {
        self.encoder = match self.pixels {
            Pixels::Allowed => self.terminal.clone(),
            Pixels::Withheld => self.terminal.as_ref().map(|terminal| terminal.with_protocol(ProtocolType::Halfblocks)),
        };
        self.generation += 1;
        self.kept.clear();
        self.wishes.clear();
        self.drawn.clear();
    }

    /// Draws half blocks from now on. Returns what the terminal must be sent so that it forgets the pictures in pixels.
    pub fn withhold_pixels(&mut self) -> String {
        let forgetting = self.forget();
        self.pixels = Pixels::Withheld;
        self.choose_encoder();
        forgetting
    }

    /// Draws pixels again where the terminal can.
    pub fn allow_pixels(&mut self) {
        self.pixels = Pixels::Allowed;
        self.choose_encoder();
    }

    /// Whether pixels are withheld from a terminal that could draw them.
    #[must_use]
    pub fn withholds_pixels(&self) -> bool {
        self.pixels == Pixels::Withheld
    }

    /// Whether pixels pass through a tmux that can be asked, now or once they are not withheld.
    #[must_use]
    pub fn sends_pixels_through_tmux(&self) -> bool {
        self.terminal.as_ref().is_some_and(|terminal| needs_permission(terminal.graphics()))
    }

    /// Whether the frame drawn last has pictures.
    #[must_use]
    pub fn are_on_screen(&self) -> bool {
        !self.drawn.is_empty()
    }

    /// Whether the frame drawn last sent pixels that the terminal did not show before.
    #[must_use]
    pub fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Whether the frame drawn last held pixels back for want of permission.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.is_held_back
    }

    /// Whether the next frame may send pixels through tmux.
    pub fn permit(&mut self, permission: Permission) {
        self.permission = permission;
        if let Permission::Granted { origin } = permission {
            self.origin = origin;
        }
    }

    /// The screen was cleared: the next frame sends every picture again.
    pub fn erased(&mut self) {
        self.drawn.clear();
    }

    /// What the terminal was sent.
    #[must_use]
    pub fn sent(&self) -> &SentPictures {
        &self.sent
    }

    /// What encodes for this terminal, for the worker.
    #[must_use]
    pub fn encoder(&self) -> Option<&Encoder> {
        self.encoder.as_ref()
    }

    /// The name of the way pictures are drawn.
    #[must_use]
    pub fn protocol_name(&self) -> &'static str {
        match self.encoder.as_ref().map(|encoder| encoder.graphics().protocol) {
            None => "no pictures",
            Some(ProtocolType::Halfblocks) => "half blocks",
            Some(ProtocolType::Sixel) => "Sixel",
            Some(ProtocolType::Kitty) => "kitty",
            Some(ProtocolType::Iterm2) => "iTerm2",
        }
    }

    /// Draws pictures the next way. Returns what the terminal must be sent so that it forgets the earlier ones.
    pub fn cycle(&mut self) -> String {
        let forgetting = self.forget();
        if let Some(terminal) = &self.terminal {
            self.terminal = Some(terminal.with_protocol(terminal.graphics().protocol.next()));
        }
        self.choose_encoder();
        forgetting
    }

    /// The terminal's characters were so large in pixels and now are so: its font was changed. Returns what it must be
    /// sent so that it forgets the pictures that were made for the old one.
    pub fn resize_cells(&mut self, before: CellSize, now: CellSize) -> String {
        // What the driver says counts only where the terminal itself had said the same.
        match self.terminal.as_ref().filter(|terminal| before != now && terminal.graphics().cells == before) {
            Some(terminal) => {
                self.terminal = Some(terminal.with_cells(now));
                let forgetting = self.forget();
                self.choose_encoder();
                forgetting
            }
            None => String::new(),
        }
    }

    /// The way pictures are drawn, as a choice to remember.
    #[must_use]
    pub fn choice(&self) -> Option<Choice> {
        Some(match self.terminal.as_ref()?.graphics().protocol {
            ProtocolType::Halfblocks => Choice::Halfblocks,
            ProtocolType::Sixel => Choice::Sixel,
            ProtocolType::Kitty => Choice::Kitty,
            ProtocolType::Iterm2 => Choice::Iterm2,
        })
    }

    /// Forgets all pictures. Returns what the terminal must be sent so that it forgets them too.
    pub fn forget(&mut self) -> String {
        self.generation += 1;
        self.kept.clear();
        self.wishes.clear();
        self.drawn.clear();
        take_back(&self.sent, self.is_tmux())
    }

    fn is_tmux(&self) -> bool {
        self.encoder.as_ref().is_some_and(|encoder| encoder.graphics().passage.is_tmux())
    }

    /// A frame begins; `covered` is where a window will be.
    pub fn begin_frame(&mut self, covered: Option<Rect>) {
        self.wishes.clear();
        self.covered = covered;
        self.before = std::mem::take(&mut self.drawn);
        self.is_held_back = false;
        self.has_sent = false;
    }

    /// What the last frame wanted and did not have, most wanted first.
    #[must_use]
    pub fn wishes(&self) -> &[Wish] {
        &self.wishes
    }

    /// Draws the picture of `subject` in the middle of `area`, or wishes for it.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, subject: Subject) -> Standing {
        let Some(encoder) = &self.encoder else { return Standing::Hidden };
        if area.width < 2 || area.height < 1 {
            return Standing::Hidden;
        }
        // A window drawn over such a picture would leave its ghost behind.
        if lies_over_text(encoder.graphics()) && self.covered.is_some_and(|covered| covered.intersects(area)) {
            return Standing::Hidden;
        }
        let wish = Wish { subject, cells: Size::new(area.width, area.height), generation: self.generation };
        let Some(at) = self.kept.iter().position(|kept| kept.wish == wish) else {
            self.wishes.push(wish);
            return Standing::Loading;
        };
        let graphics = *encoder.graphics();
        let kept = self.kept.remove(at);
        let standing = match &kept.result {
            Err(reason) => Standing::Failed(reason.clone()),
            Ok(picture) => self.place(frame, area, &kept.wish, picture, &graphics),
        };
        self.kept.push(kept);
        standing
    }

    fn place(
        &mut self,
        frame: &mut Frame<'_>,
        area: Rect,
        wish: &Wish,
        picture: &Picture,
        graphics: &Graphics,
    ) -> Standing {
        let size = picture.protocol.size();
        let place = Rect {
            x: area.x + area.width.saturating_sub(size.width) / 2,
            y: area.y + area.height.saturating_sub(size.height) / 2,
            width: size.width.min(area.width),
            height: size.height.min(area.height),
        };
        let drawing = (wish.clone(), place);
        if !self.before.contains(&drawing) {
            if needs_permission(graphics) && self.permission == Permission::Missing {
                self.is_held_back = true;
                return Standing::Loading;
            }
            self.has_sent = true;
        }
        self.drawn.push(drawing);
        frame.render_widget(Image::new(&picture.protocol), place);
        if lies_over_text(graphics) && graphics.passage == Passage::Tmux {
            let at = (self.origin.0.saturating_add(place.x), self.origin.1.saturating_add(place.y));
            if let Some(cell) = frame.buffer_mut().cell_mut((place.x, place.y))
                && let Some(placed) = drawn_at(at, cell.symbol())
            {
                cell.set_symbol(&placed);
            }
        }
        if graphics.protocol != ProtocolType::Halfblocks {
            self.sent.add(picture.kitty_id, graphics.passage);
        }
        Standing::Drawn(picture.pixels, place)
    }

    /// A picture came. Returns what the terminal must be sent so that it forgets those that make room for it.
    pub fn receive(&mut self, fulfilled: Fulfilled) -> String {
        if fulfilled.wish.generation != self.generation {
            return String::new();
        }
        // What was asked for twice came already, and the terminal may hold it under the earlier number.
        if self.kept.iter().any(|kept| kept.wish == fulfilled.wish) {
            return String::new();
        }
        self.kept.push(fulfilled);
        // A screen with more pictures keeps them all: dropping one of them would have it made again with every frame.
        let on_screen = self.drawn.len() + self.wishes.len();
        let dropped: Vec<u32> = self
            .kept
            .drain(..self.kept.len().saturating_sub(KEPT.max(on_screen)))
            .filter_map(|kept| kept.result.ok()?.kitty_id)
            .collect();
        self.sent.drop_kitty_ids(&dropped);
        preview::forget(&dropped, self.is_tmux())
    }

    /// Counts the changes of protocol and the locks.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// Sixel and iTerm2 pictures lie over the text, where the cursor is; kitty's stand in for characters.
fn lies_over_text(graphics: &Graphics) -> bool {
    matches!(graphics.protocol, ProtocolType::Sixel | ProtocolType::Iterm2)
}

/// Whether pixels pass through a tmux that says where they would land.
fn needs_permission(graphics: &Graphics) -> bool {
    graphics.passage == Passage::Tmux && graphics.protocol != ProtocolType::Halfblocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn pictures(protocol: ProtocolType) -> Pictures {
        let mut pictures = Pictures::new(Link::Local, SentPictures::default());
        pictures.use_terminal(Some(Graphics { protocol, ..Graphics::halfblocks() }));
        pictures
    }

    /// Draws the test picture into a small terminal; returns what stands there and all cells' symbols.
    fn frame(pictures: &mut Pictures, covered: Option<Rect>) -> (Standing, String) {
        let mut terminal = Terminal::new(TestBackend::new(20, 8)).unwrap();
        let mut standing = Standing::Hidden;
        pictures.begin_frame(covered);
        terminal.draw(|frame| standing = pictures.draw(frame, Rect::new(2, 1, 12, 6), Subject::Test)).unwrap();
        let symbols = terminal.backend().buffer().content().iter().map(ratatui::buffer::Cell::symbol).collect();
        (standing, symbols)
    }

    fn fulfil(pictures: &mut Pictures) {
        let encoder = pictures.encoder().unwrap().clone();
        for wish in pictures.wishes().to_vec() {
            let result = encoder
                .encode(preview::test_picture().into_rgb8(), (240, 240), wish.cells)
                .map_err(|error| error.to_string());
            pictures.receive(Fulfilled { wish, result });
        }
    }

    #[test]
    fn a_picture_is_wished_for_then_drawn_and_sent_in_one_cell() {
        for (protocol, mark) in [
            (ProtocolType::Sixel, "\x1bP"),
            (ProtocolType::Kitty, "\x1b_G"),
            (ProtocolType::Iterm2, "\x1b]1337;File=inline=1"),
        ] {
            let mut pictures = pictures(protocol);
            assert_eq!(frame(&mut pictures, None).0, Standing::Loading);
            assert_eq!(pictures.wishes().len(), 1);
            fulfil(&mut pictures);
            let (standing, symbols) = frame(&mut pictures, None);
            assert!(matches!(standing, Standing::Drawn((240, 240), _)), "{protocol:?}: {standing:?}");
            assert!(symbols.contains(mark), "{protocol:?}");
            assert!(pictures.wishes().is_empty());
        }
    }

    #[test]
    fn no_picture_that_lies_over_text_is_drawn_under_a_window() {
        for protocol in [ProtocolType::Sixel, ProtocolType::Iterm2] {
            let mut pictures = pictures(protocol);
            frame(&mut pictures, None);
            fulfil(&mut pictures);
            let (standing, symbols) = frame(&mut pictures, Some(Rect::new(0, 0, 20, 3)));
            assert_eq!(standing, Standing::Hidden);
            assert!(!symbols.contains('\x1b'), "{protocol:?}");
            assert!(frame(&mut pictures, None).1.contains('\x1b'), "{protocol:?}: it comes back");
        }
    }

    #[test]
    fn what_was_wished_for_before_a_lock_is_not_shown_after_it() {
        let mut pictures = pictures(ProtocolType::Kitty);
        frame(&mut pictures, None);
        let wish = pictures.wishes()[0].clone();
        fulfil(&mut pictures);
        frame(&mut pictures, None);
        let forgetting = pictures.forget();
        assert!(forgetting.contains("\x1b_Ga=d,d=I,"), "{forgetting:?}");
        pictures.receive(Fulfilled { wish, result: Err("late".to_owned()) });
        assert_eq!(frame(&mut pictures, None).0, Standing::Loading);
        assert_eq!(pictures.forget(), "", "nothing is on record twice");
    }

    #[test]
    fn a_changed_font_is_followed_where_the_driver_and_the_terminal_agreed() {
        // Where nobody was asked, cells are of 10 x 20.
        let (before, now) = (CellSize { width: 10, height: 20 }, CellSize { width: 12, height: 24 });
        let mut pictures = pictures(ProtocolType::Kitty);
        let generation = pictures.generation();
        pictures.resize_cells(CellSize { width: 9, height: 20 }, now);
        pictures.resize_cells(before, before);
        assert_eq!(pictures.generation(), generation, "nothing changed");
        pictures.resize_cells(before, now);
        assert_eq!(pictures.encoder().unwrap().graphics().cells, now);
        assert_eq!(pictures.choice(), Some(Choice::Kitty), "the protocol stays");
        assert_ne!(pictures.generation(), generation, "pictures for the old font are made again");
    }

    #[test]
    fn a_screen_of_more_pictures_than_are_kept_otherwise_keeps_all_of_them() {
        let mut pictures = pictures(ProtocolType::Halfblocks);
        let mut terminal = Terminal::new(TestBackend::new(20, 8)).unwrap();
        let mut frame = |pictures: &mut Pictures| {
            pictures.begin_frame(None);
            let draw_all = |frame: &mut Frame<'_>| {
                for number in 0..2 * KEPT {
                    let subject = Subject::Thumbnail(PhotoId::from((number as u128).to_be_bytes()));
                    pictures.draw(frame, Rect::new(2, 1, 12, 6), subject);
                }
            };
            terminal.draw(draw_all).unwrap();
        };
        frame(&mut pictures);
        assert_eq!(pictures.wishes().len(), 2 * KEPT);
        fulfil(&mut pictures);
        frame(&mut pictures);
        assert!(pictures.wishes().is_empty());
    }

    #[test]
    fn only_a_bounded_number_of_pictures_is_kept() {
        let mut pictures = pictures(ProtocolType::Halfblocks);
        for height in 1..=KEPT as u16 + 10 {
            let wish = Wish { subject: Subject::Test, cells: Size::new(4, height), generation: pictures.generation() };
            pictures.receive(Fulfilled { wish, result: Err(String::new()) });
        }
        assert_eq!(pictures.kept.len(), KEPT);
    }

    #[test]
    fn in_tmux_pixels_wait_for_permission_and_what_is_shown_stays() {
        let mut pictures = pictures(ProtocolType::Sixel);
        let graphics = Graphics { protocol: ProtocolType::Sixel, passage: Passage::Tmux, ..Graphics::halfblocks() };
        pictures.use_terminal(Some(graphics));
        frame(&mut pictures, None);
        fulfil(&mut pictures);
        let (standing, symbols) = frame(&mut pictures, None);
        assert_eq!((standing, pictures.is_held_back()), (Standing::Loading, true));
        assert!(!symbols.contains('\x1b') && !pictures.sent().is_on_screen(), "nothing was permitted");
        pictures.permit(Permission::Granted { origin: (30, 10) });
        // It begins in the third column and the second row of the pane.
        assert!(frame(&mut pictures, None).1.contains("\x1bPtmux;\x1b\x1b[12;33H"));
        assert!(pictures.has_sent() && pictures.sent().is_on_screen());
        pictures.permit(Permission::Missing);
        let (standing, symbols) = frame(&mut pictures, None);
        assert!(
            matches!(standing, Standing::Drawn(..)) && symbols.contains("\x1bPtmux;\x1b\x1b[12;33H"),
            "it stands there"
        );
        assert!(!pictures.has_sent() && !pictures.is_held_back());
        pictures.erased();
        assert_eq!(frame(&mut pictures, None).0, Standing::Loading, "it would have to be sent again");
        pictures.withhold_pixels();
        assert_eq!(pictures.protocol_name(), "half blocks");
        assert_eq!(pictures.choice(), Some(Choice::Sixel), "the choice stays");
        frame(&mut pictures, None);
        fulfil(&mut pictures);
        let (standing, symbols) = frame(&mut pictures, None);
        assert!(matches!(standing, Standing::Drawn(..)) && !symbols.contains('\x1b'));
        pictures.allow_pixels();
        assert_eq!(pictures.protocol_name(), "Sixel");
    }
}
