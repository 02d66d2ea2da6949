//! The pictures on the screen: which are wanted by the frame being drawn, and which are at hand.
//!
//! Drawing never waits: what is not at hand is wished for and shown when it comes. Pictures are kept in memory only, few
//! of them, and forgotten on lock. Must never: show one photo's picture under another's name.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui_image::Image;
use ratatui_image::picker::{Picker, ProtocolType};

use crate::preview::{self, Choice, Encoder, Link, Picture};
use crate::services::settings::CellSize;

use super::state::PhotoId;

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

/// The numbers of the pictures that a kitty terminal holds, shared with the panic hook.
pub type SentPictures = Arc<Mutex<Vec<u32>>>;

/// All pictures.
pub struct Pictures {
    encoder: Option<Encoder>,
    link: Link,
    generation: u64,
    /// Most recently used last.
    kept: Vec<Fulfilled>,
    wishes: Vec<Wish>,
    /// A window over the screen in this frame.
    covered: Option<Rect>,
    sent: SentPictures,
}

impl Pictures {
    /// No pictures until [`Self::use_terminal`].
    #[must_use]
    pub fn new(link: Link, sent: SentPictures) -> Self {
        Self { encoder: None, link, generation: 0, kept: Vec::new(), wishes: Vec::new(), covered: None, sent }
    }

    /// Draws pictures for this terminal from now on; none without one.
    pub fn use_terminal(&mut self, picker: Option<Picker>) {
        self.encoder = picker.map(|picker| Encoder::new(picker, self.link));
        self.generation += 1;
        self.kept.clear();
    }

    /// What encodes for this terminal, for the worker.
    #[must_use]
    pub fn encoder(&self) -> Option<&Encoder> {
        self.encoder.as_ref()
    }

    /// The name of the way pictures are drawn.
    #[must_use]
    pub fn protocol_name(&self) -> &'static str {
        match self.encoder.as_ref().map(|encoder| encoder.picker().protocol_type()) {
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
        if let Some(encoder) = &self.encoder {
            self.encoder = Some(encoder.with_protocol(encoder.picker().protocol_type().next()));
        }
        forgetting
    }

    /// The terminal's characters were so large in pixels and now are so: its font was changed. Returns what it must be
    /// sent so that it forgets the pictures that were made for the old one.
    pub fn resize_cells(&mut self, before: CellSize, now: CellSize) -> String {
        // What the driver says counts only where the terminal itself had said the same.
        match self.encoder.as_ref().filter(|encoder| before != now && encoder.cells() == before) {
            Some(encoder) => {
                self.encoder = Some(encoder.with_cells(now));
                self.forget()
            }
            None => String::new(),
        }
    }

    /// The way pictures are drawn, as a choice to remember.
    #[must_use]
    pub fn choice(&self) -> Option<Choice> {
        Some(match self.encoder.as_ref()?.picker().protocol_type() {
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
        take_back(&self.sent, self.is_tmux())
    }

    fn is_tmux(&self) -> bool {
        self.encoder.as_ref().is_some_and(|encoder| encoder.picker().tmux_detected())
    }

    /// A frame begins; `covered` is where a window will be.
    pub fn begin_frame(&mut self, covered: Option<Rect>) {
        self.wishes.clear();
        self.covered = covered;
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
        // Sixel and iTerm2 pictures lie over the text: a window drawn over one would leave its ghost behind.
        let lies_over_text = matches!(encoder.picker().protocol_type(), ProtocolType::Sixel | ProtocolType::Iterm2);
        if lies_over_text && self.covered.is_some_and(|covered| covered.intersects(area)) {
            return Standing::Hidden;
        }
        let wish = Wish { subject, cells: Size::new(area.width, area.height), generation: self.generation };
        let Some(at) = self.kept.iter().position(|kept| kept.wish == wish) else {
            self.wishes.push(wish);
            return Standing::Loading;
        };
        let kept = self.kept.remove(at);
        let standing = match &kept.result {
            Err(reason) => Standing::Failed(reason.clone()),
            Ok(picture) => {
                let size = picture.protocol.size();
                let place = Rect {
                    x: area.x + area.width.saturating_sub(size.width) / 2,
                    y: area.y + area.height.saturating_sub(size.height) / 2,
                    width: size.width.min(area.width),
                    height: size.height.min(area.height),
                };
                frame.render_widget(Image::new(&picture.protocol), place);
                if let Some(id) = picture.kitty_id {
                    let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
                    if !sent.contains(&id) {
                        sent.push(id);
                    }
                }
                Standing::Drawn(picture.pixels, place)
            }
        };
        self.kept.push(kept);
        standing
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
        let dropped: Vec<u32> = self
            .kept
            .drain(..self.kept.len().saturating_sub(KEPT))
            .filter_map(|kept| kept.result.ok()?.kitty_id)
            .collect();
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|id| !dropped.contains(id));
        preview::forget(&dropped, self.is_tmux())
    }

    /// Counts the changes of protocol and the locks.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// What makes the terminal forget every picture it was sent; afterwards none is on record.
#[must_use]
pub fn take_back(sent: &SentPictures, is_tmux: bool) -> String {
    let ids = std::mem::take(&mut *sent.lock().unwrap_or_else(PoisonError::into_inner));
    preview::forget(&ids, is_tmux)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn pictures(protocol: ProtocolType) -> Pictures {
        let mut pictures = Pictures::new(Link::Local, SentPictures::default());
        let mut picker = Picker::halfblocks();
        picker.set_protocol_type(protocol);
        pictures.use_terminal(Some(picker));
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
        // A picker that asked nobody has cells of 10 x 20.
        let (before, now) = (CellSize { width: 10, height: 20 }, CellSize { width: 12, height: 24 });
        let mut pictures = pictures(ProtocolType::Kitty);
        let generation = pictures.generation();
        pictures.resize_cells(CellSize { width: 9, height: 20 }, now);
        pictures.resize_cells(before, before);
        assert_eq!(pictures.generation(), generation, "nothing changed");
        pictures.resize_cells(before, now);
        assert_eq!(pictures.encoder().unwrap().cells(), now);
        assert_eq!(pictures.choice(), Some(Choice::Kitty), "the protocol stays");
        assert_ne!(pictures.generation(), generation, "pictures for the old font are made again");
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
}
