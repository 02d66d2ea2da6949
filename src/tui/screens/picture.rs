//! A picture or its placeholder, and the preview pane.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::super::format;
use super::super::preview::{PictureState, Subject, View};
use super::canvas::{Canvas, Focus, Target};
use crate::services::name::inert;

/// Draws a picture or its placeholder: a mark while it loads, or the reason why there is none.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, subject: Subject) -> PictureState {
    let state = canvas.pictures.draw(canvas.frame, area, subject);
    placeholder(canvas, area, &state);
    state
}

/// Draws a view of a photo or its placeholder.
pub(super) fn draw_view(canvas: &mut Canvas<'_, '_>, area: Rect, subject: Subject, view: View) -> PictureState {
    let state = canvas.pictures.draw_view(canvas.frame, area, subject, view);
    placeholder(canvas, area, &state);
    state
}

fn placeholder(canvas: &mut Canvas<'_, '_>, area: Rect, state: &PictureState) {
    match state {
        PictureState::Drawn(..) | PictureState::Former => {}
        PictureState::Loading => {
            let mark = Line::styled(format!("{} loading", canvas.spinner()), canvas.theme.faint);
            canvas.notice(area, vec![mark]);
        }
        PictureState::Failed(reason) => {
            let lines = vec![
                Line::styled("✗ no picture", canvas.theme.bad),
                Line::styled(inert(reason).into_owned(), canvas.theme.faint),
            ];
            canvas.notice(area, lines);
        }
        PictureState::Hidden => {
            let mark = Line::styled("▣", canvas.theme.faint);
            canvas.notice(area, vec![mark]);
        }
    }
}

/// Makes the lines about a photo, given its size in pixels if known.
type About<'a> = &'a mut dyn FnMut(&Canvas<'_, '_>, Option<(u32, u32)>) -> Vec<Line<'static>>;

/// Draws a pane with a picture and lines about it below.
pub(super) fn preview(canvas: &mut Canvas<'_, '_>, area: Rect, name: &str, subject: Subject, about: About<'_>) {
    let inner = canvas.pane(area, &inert(name), Focus::Elsewhere);
    // Count the lines before drawing the picture: their text may change, their number does not.
    let rows = u16::try_from(about(canvas, None).len()).unwrap_or(0).min(inner.height / 2);
    let [picture, text] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(inner);
    canvas.hits.push((picture, Target::Picture));
    let pixels = match draw(canvas, picture, subject) {
        PictureState::Drawn(pixels, _) => Some(pixels),
        _ => None,
    };
    for (row, line) in (text.y..text.bottom()).zip(about(canvas, pixels)) {
        let place = Rect { y: row, height: 1, x: text.x + 1, width: text.width.saturating_sub(2) };
        canvas.frame.render_widget(format::fit_line(line, usize::from(place.width)), place);
    }
}
