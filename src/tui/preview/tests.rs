//! Pictures from request to screen, for every kind of protocol.

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use super::*;
use crate::preview::protocols::{self, Layer, Protocol};
use crate::preview::tmux::Multiplexer;
use crate::preview::{Choice, Graphics, Link, test_picture};
use crate::services::library::PhotoId;
use crate::services::settings::CellSize;

/// More pictures than the capacity of the cache.
const MANY: usize = 200;

fn by_value(value: &str) -> Protocol {
    protocols::by_value(value).unwrap()
}

fn pictures(protocol: &str) -> Pictures {
    let mut pictures = Pictures::new(Link::Local, SentPictures::default());
    pictures.use_terminal(Some(Graphics { protocol: by_value(protocol), ..Graphics::halfblocks() }));
    pictures
}

/// Draws the test picture into a small terminal. Returns its state and the symbols of all cells.
fn frame(pictures: &mut Pictures, covered: Option<Rect>) -> (PictureState, String) {
    let mut terminal = Terminal::new(TestBackend::new(20, 8)).unwrap();
    let mut state = PictureState::Hidden;
    pictures.begin_frame(covered);
    terminal.draw(|frame| state = pictures.draw(frame, Rect::new(2, 1, 12, 6), Subject::Test)).unwrap();
    let symbols = terminal.backend().buffer().content().iter().map(ratatui::buffer::Cell::symbol).collect();
    (state, symbols)
}

/// Plays the worker: answers every request with the test picture.
fn answer_requests(pictures: &mut Pictures) {
    let encoder = pictures.encoder().unwrap().clone();
    for request in pictures.requests().to_vec() {
        let result =
            encoder.encode(test_picture().into_rgb8(), (240, 240), request.cells).map_err(|error| error.to_string());
        let _ = pictures.receive(PictureResponse { request, result });
    }
}

#[test]
fn a_picture_is_requested_then_drawn_and_sent_in_one_cell() {
    for (protocol, mark) in [("sixel", "\x1bP"), ("kitty", "\x1b_G"), ("iterm2", "\x1b]1337;File=inline=1")] {
        let mut pictures = pictures(protocol);
        assert_eq!(frame(&mut pictures, None).0, PictureState::Loading);
        assert_eq!(pictures.requests().len(), 1);
        answer_requests(&mut pictures);
        let (state, symbols) = frame(&mut pictures, None);
        assert!(matches!(state, PictureState::Drawn((240, 240), _)), "{protocol:?}: {state:?}");
        assert!(symbols.contains(mark), "{protocol:?}");
        assert!(pictures.requests().is_empty());
    }
}

#[test]
fn no_overlaid_picture_is_drawn_under_a_window() {
    for protocol in protocols::ALL.iter().filter(|protocol| protocol.layer() == Layer::Overlay) {
        let mut pictures = pictures(protocol.value());
        frame(&mut pictures, None);
        answer_requests(&mut pictures);
        let (state, symbols) = frame(&mut pictures, Some(Rect::new(0, 0, 20, 3)));
        assert_eq!(state, PictureState::Hidden);
        assert!(!symbols.contains('\x1b'), "{protocol:?}");
        assert!(frame(&mut pictures, None).1.contains('\x1b'), "{protocol:?}: it comes back");
    }
}

#[test]
fn a_picture_requested_before_a_lock_is_not_shown_after_it() {
    let mut pictures = pictures("kitty");
    frame(&mut pictures, None);
    let request = pictures.requests()[0].clone();
    answer_requests(&mut pictures);
    frame(&mut pictures, None);
    let deletion = pictures.forget();
    assert!(deletion.contains("\x1b_Ga=d,d=I,"), "{deletion:?}");
    let _ = pictures.receive(PictureResponse { request, result: Err("late".to_owned()) });
    assert_eq!(frame(&mut pictures, None).0, PictureState::Loading);
    assert_eq!(pictures.forget(), "", "each image is deleted once");
}

#[test]
fn a_font_change_is_followed_if_driver_and_terminal_agreed_before() {
    // The cell size of a terminal that did not report one.
    let (before, now) = (CellSize { width: 10, height: 20 }, CellSize { width: 12, height: 24 });
    let mut pictures = pictures("kitty");
    let generation = pictures.generation();
    let _ = pictures.resize_cells(CellSize { width: 9, height: 20 }, now);
    let _ = pictures.resize_cells(before, before);
    assert_eq!(pictures.generation(), generation, "nothing changed");
    let _ = pictures.resize_cells(before, now);
    assert_eq!(pictures.encoder().unwrap().graphics().cells, now);
    assert_eq!(pictures.choice(), Some(Choice::Protocol(by_value("kitty"))), "the protocol stays");
    assert_ne!(pictures.generation(), generation, "pictures for the old font are encoded again");
}

#[test]
fn all_pictures_on_the_screen_are_kept_even_beyond_the_capacity() {
    let mut pictures = pictures("halfblocks");
    let mut terminal = Terminal::new(TestBackend::new(20, 8)).unwrap();
    let mut frame = |pictures: &mut Pictures| {
        pictures.begin_frame(None);
        let draw_all = |frame: &mut Frame<'_>| {
            for number in 0..MANY {
                let subject = Subject::Thumbnail(PhotoId::from((number as u128).to_be_bytes()));
                pictures.draw(frame, Rect::new(2, 1, 12, 6), subject);
            }
        };
        terminal.draw(draw_all).unwrap();
    };
    frame(&mut pictures);
    assert_eq!(pictures.requests().len(), MANY);
    answer_requests(&mut pictures);
    frame(&mut pictures);
    assert!(pictures.requests().is_empty());
}

#[test]
fn in_tmux_new_pixels_wait_for_permission_and_shown_ones_stay() {
    let mut pictures = pictures("sixel");
    let graphics = Graphics { protocol: by_value("sixel"), multiplexer: Multiplexer::Tmux, ..Graphics::halfblocks() };
    pictures.use_terminal(Some(graphics));
    frame(&mut pictures, None);
    answer_requests(&mut pictures);
    let (state, symbols) = frame(&mut pictures, None);
    assert_eq!((state, pictures.is_held_back()), (PictureState::Loading, true));
    assert!(!symbols.contains('\x1b') && !pictures.sent().is_on_screen(), "nothing was permitted");
    pictures.permit(Permission::Granted { origin: (30, 10) });
    // The picture begins in the third column and the second row of the pane.
    assert!(frame(&mut pictures, None).1.contains("\x1bPtmux;\x1b\x1b[12;33H"));
    assert!(pictures.has_sent() && pictures.sent().is_on_screen());
    pictures.permit(Permission::Missing);
    let (state, symbols) = frame(&mut pictures, None);
    assert!(
        matches!(state, PictureState::Drawn(..)) && symbols.contains("\x1bPtmux;\x1b\x1b[12;33H"),
        "it stays where it is"
    );
    assert!(!pictures.has_sent() && !pictures.is_held_back());
    pictures.screen_cleared();
    assert_eq!(frame(&mut pictures, None).0, PictureState::Loading, "it would have to be sent again");
    let _ = pictures.withhold_pixels();
    assert_eq!(pictures.protocol_name(), "half blocks");
    assert_eq!(pictures.choice(), Some(Choice::Protocol(by_value("sixel"))), "the choice stays");
    frame(&mut pictures, None);
    answer_requests(&mut pictures);
    let (state, symbols) = frame(&mut pictures, None);
    assert!(matches!(state, PictureState::Drawn(..)) && !symbols.contains('\x1b'));
    pictures.allow_pixels();
    assert_eq!(pictures.protocol_name(), "Sixel");
}
