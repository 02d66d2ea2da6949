//! The vault tab: a grid of photos by date, and a preview of the one under the cursor.

use std::path::Path;

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::preview::Subject;
use super::super::state::Pane;
use super::super::state::tiles::Arrangement;
use super::canvas::{Canvas, Focus};
use super::{grid, picture};
use crate::services::copies::{Check, KnownCopy};
use crate::services::library::StoredPhoto;
use crate::services::name::inert;

/// The most copies that are named.
const MOST_COPIES: usize = 3;

/// The rows below which the photos need all room.
const ROWS_FOR_COPIES: u16 = 16;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let lines = if area.height < ROWS_FOR_COPIES { Vec::new() } else { copies(canvas) };
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let [area, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(area);
    for (line, y) in lines.into_iter().zip(below.y..below.bottom()) {
        let row = Rect { x: below.x + 1, width: below.width.saturating_sub(2), y, height: 1 };
        canvas.frame.render_widget(format::fit_line(line, usize::from(row.width)), row);
    }
    if canvas.viewport.is_one_pane {
        match canvas.state.pane {
            Pane::List => photos(canvas, area),
            Pane::Preview => preview(canvas, area),
        }
        return;
    }
    let [left, right] = Layout::horizontal([Constraint::Percentage(60), Constraint::Fill(1)]).areas(area);
    photos(canvas, left);
    preview(canvas, right);
}

/// A line for each known copy: where it is, how old it is, and its last check.
fn copies(canvas: &Canvas<'_, '_>) -> Vec<Line<'static>> {
    let (copies, theme) = (&canvas.state.collection.copies, canvas.theme);
    let named = if copies.len() > MOST_COPIES { MOST_COPIES - 1 } else { copies.len() };
    let line = |copy: &KnownCopy| {
        let age = if copy.behind() == Some(0) { theme.faint } else { theme.warning };
        let health = match copy.last_check {
            Some(Check { damages: 1.., .. }) => theme.bad,
            _ => theme.faint,
        };
        Line::from(vec![
            Span::raw(format!("copy {}  ", format::path(Path::new(&copy.address)))),
            Span::styled(format!("generation {}, {}  ", copy.generation, copy.age_in_words()), age),
            Span::styled(copy.health(), health),
        ])
    };
    let mut lines: Vec<_> = copies.iter().take(named).map(line).collect();
    if copies.len() > named {
        // At least two.
        let text = format!("and {} more: cipherlens copies lists all", copies.len() - named);
        lines.push(Line::styled(text, theme.faint));
    }
    lines
}

fn photos(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let collection = &canvas.state.collection;
    let title = match canvas.state.session.open() {
        Some(vault) => format::path(vault),
        None => "vault".to_owned(),
    };
    let inner = canvas.pane(area, &title, Focus::Here);
    let count = collection.list.visible().len();
    if count == 0 {
        return empty(canvas, inner);
    }
    let items = grid::Items { count, cursor: collection.list.cursor, divider: None };
    if canvas.state.tiles.arrangement == Arrangement::List {
        return grid::lines(canvas, inner, &items, &|canvas, place, columns| {
            let photo = canvas.state.collection.list.at(place)?;
            Some(row_of(canvas, photo, place, columns))
        });
    }
    grid::draw(canvas, inner, &items, &|canvas, place, columns| {
        let collection = &canvas.state.collection;
        let photo = collection.list.at(place)?;
        let name = inert(&photo.name);
        let date = photo.day().unwrap_or_else(|| "no date".to_owned());
        Some(grid::Item {
            photo: photo.id,
            mark: collection.list.mark(place),
            name: Line::raw(format::fit(&name, columns).into_owned()),
            fact: Line::styled(inert(&date).into_owned(), canvas.theme.faint),
        })
    });
}

fn row_of(canvas: &Canvas<'_, '_>, photo: &StoredPhoto, place: usize, columns: usize) -> Line<'static> {
    let date = photo.day().unwrap_or_else(|| "no date".to_owned());
    let size = format::size(photo.bytes);
    let tail = match columns {
        46.. => format!(" {size:>7}  {:10} ", inert(&date)),
        30.. => format!(" {:10} ", inert(&date)),
        _ => String::new(),
    };
    let room = columns.saturating_sub(format::width(&tail) + 2);
    Line::from(vec![
        canvas.sign(canvas.state.collection.list.mark(place)),
        Span::raw(" "),
        Span::raw(format::padded(&inert(&photo.name), room)),
        Span::styled(tail, canvas.theme.faint),
    ])
}

fn empty(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let collection = &canvas.state.collection;
    let theme = canvas.theme;
    let mut lines = Vec::new();
    if canvas.state.session.open().is_none() {
        lines.push(Line::raw("no vault is open"));
        lines.extend(canvas.press(Action::Lock, "to open or create one"));
    } else if let Some(reason) = &collection.error {
        lines.push(Line::styled("✗ the photos cannot be listed", theme.bad));
        lines.push(Line::styled(inert(reason).into_owned(), theme.faint));
        lines.extend(canvas.press(Action::Reload, "to try again"));
    } else if !collection.is_listed {
        lines.push(Line::styled(format!("{} reading the catalogue", canvas.spinner()), theme.faint));
    } else if collection.list.items().is_empty() {
        lines.push(Line::raw("the vault is empty"));
        lines.extend(canvas.press(Action::Files, "to go to Files and index some"));
    } else {
        lines.push(Line::raw("no name matches the filter"));
        lines.extend(canvas.press(Action::Back, "to clear it"));
    }
    canvas.notice(area, lines);
}

fn preview(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let collection = &canvas.state.collection;
    let Some(photo) = collection.list.current() else {
        let inner = canvas.pane(area, "preview", Focus::Elsewhere);
        let line = Line::styled("the photo under the cursor is shown here", canvas.theme.faint);
        return canvas.notice(inner, vec![line]);
    };
    let exif = collection.exif.as_ref().filter(|(id, _)| *id == photo.id).map(|(_, fields)| fields);
    picture::preview(canvas, area, &photo.name, Subject::Photo(photo.id), &mut |canvas, _| {
        let mut lines = picture::facts(canvas, photo);
        for (name, value) in exif.into_iter().flatten() {
            lines.push(Line::from(vec![
                Span::styled(format!("{:<14}", inert(name)), canvas.theme.faint),
                Span::raw(inert(value).into_owned()),
            ]));
        }
        lines
    });
}

/// The status line: size of the vault and result of the last check, for about `columns` columns.
pub(super) fn status(canvas: &Canvas<'_, '_>, columns: u16) -> Line<'static> {
    let collection = &canvas.state.collection;
    let theme = canvas.theme;
    let mut spans = Vec::new();
    if !collection.list.selected().is_empty() {
        spans.push(Span::styled(format!("● {} selected  ", collection.list.selected().len()), theme.selected));
    }
    if !collection.list.filter.field.text().is_empty() {
        let shown = format::count(collection.list.visible().len(), "photo");
        spans.push(Span::raw(format!("{shown} like “{}”  ", inert(collection.list.filter.field.text()))));
    }
    match &collection.health {
        Some(report) if report.is_whole() => {
            let photos = format::count(report.photos, "photo");
            spans.push(Span::styled(format!("✓ intact: {photos} checked  "), theme.good));
        }
        Some(report) => {
            let places = format::count(report.damages.len(), "place");
            spans.push(Span::styled(format!("✗ damaged in {places}  "), theme.bad));
        }
        None => {}
    }
    if let Some(statistics) = &collection.statistics {
        let photos = format::count(statistics.photos, "photo");
        let (original, stored) = (format::size(statistics.original_bytes), format::size(statistics.stored_bytes()));
        let text = match columns {
            0..60 => format!("{photos} · {stored} on disk"),
            _ => format!("{photos} · {original} of originals · {stored} on disk"),
        };
        spans.push(Span::styled(text, theme.faint));
    }
    Line::from(spans)
}
