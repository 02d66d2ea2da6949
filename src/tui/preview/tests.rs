//! Pictures from request to screen, for every kind of protocol.

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use super::*;
use crate::preview::protocols::{self, Protocol};
use crate::preview::tmux::Passage;
use crate::preview::{Choice, Graphics, Link, test_picture};
use crate::tui::state::PhotoId;

fn by_value(value: &str) -> Protocol {
    protocols::by_value(value).unwrap()
}

fn pictures(protocol: &str) -> Pictures {
    let mut pictures = Pictures::new(Link::Local, SentPictures::default());
    pictures.use_terminal(Some(Graphics { protocol: by_value(protocol), ..Graphics::halfblocks() }));
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
        let result =
            encoder.encode(test_picture().into_rgb8(), (240, 240), wish.cells).map_err(|error| error.to_string());
        let _ = pictures.receive(Fulfilled { wish, result });
    }
}

#[test]
fn a_picture_is_wished_for_then_drawn_and_sent_in_one_cell() {
    for (protocol, mark) in [("sixel", "\x1bP"), ("kitty", "\x1b_G"), ("iterm2", "\x1b]1337;File=inline=1")] {
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
    for protocol in ["sixel", "iterm2"] {
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
    let mut pictures = pictures("kitty");
    frame(&mut pictures, None);
    let wish = pictures.wishes()[0].clone();
    fulfil(&mut pictures);
    frame(&mut pictures, None);
    let forgetting = pictures.forget();
    assert!(forgetting.contains("\x1b_Ga=d,d=I,"), "{forgetting:?}");
    let _ = pictures.receive(Fulfilled { wish, result: Err("late".to_owned()) });
    assert_eq!(frame(&mut pictures, None).0, Standing::Loading);
    assert_eq!(pictures.forget(), "", "nothing is on record twice");
}

#[test]
fn a_screen_of_more_pictures_than_are_kept_otherwise_keeps_all_of_them() {
    let mut pictures = pictures("halfblocks");
    let mut terminal = Terminal::new(TestBackend::new(20, 8)).unwrap();
    let mut frame = |pictures: &mut Pictures| {
        pictures.begin_frame(None);
        let draw_all = |frame: &mut Frame<'_>| {
            for number in 0..200 {
                let subject = Subject::Thumbnail(PhotoId((number as u128).to_be_bytes()));
                pictures.draw(frame, Rect::new(2, 1, 12, 6), subject);
            }
        };
        terminal.draw(draw_all).unwrap();
    };
    frame(&mut pictures);
    assert_eq!(pictures.wishes().len(), 200);
    fulfil(&mut pictures);
    frame(&mut pictures);
    assert!(pictures.wishes().is_empty());
}

#[test]
fn in_tmux_pixels_wait_for_permission_and_what_is_shown_stays() {
    let mut pictures = pictures("sixel");
    let graphics = Graphics { protocol: by_value("sixel"), passage: Passage::Tmux, ..Graphics::halfblocks() };
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
    let _ = pictures.withhold_pixels();
    assert_eq!(pictures.protocol_name(), "half blocks");
    assert_eq!(pictures.choice(), Some(Choice::Protocol(by_value("sixel"))), "the choice stays");
    frame(&mut pictures, None);
    fulfil(&mut pictures);
    let (standing, symbols) = frame(&mut pictures, None);
    assert!(matches!(standing, Standing::Drawn(..)) && !symbols.contains('\x1b'));
    pictures.allow_pixels();
    assert_eq!(pictures.protocol_name(), "Sixel");
}
