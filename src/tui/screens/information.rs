//! The information pane: everything known about the photo under the cursor, and about the vault.
//!
//! Must never: fetch an original. The picture is the thumbnail.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::format;
use super::super::preview::Subject;
use super::canvas::{Canvas, Focus};
use super::{copies, picture};
use crate::services::library::StoredPhoto;
use crate::services::name::inert;

/// Draws the pane for `photo`, with its score if it is a result.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, photo: Option<&StoredPhoto>, score: Option<f32>) {
    let inner = canvas.pane(area, "information", Focus::Elsewhere);
    let columns = usize::from(inner.width);
    let about = photo.map(|photo| about(canvas, photo, score, columns)).unwrap_or_default();
    let mut vault = vault(canvas, columns);
    if about.len() + vault.len() >= usize::from(inner.height) {
        // What was asked about comes first.
        vault.clear();
    }
    let rows = |lines: &[Line<'_>]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let picture_rows = inner.width * 2 / 5;
    let rest = inner.height.saturating_sub(rows(&about) + rows(&vault) + 1);
    let [image, text, _, below] = Layout::vertical([
        Constraint::Length(if rest >= 4 { picture_rows.min(rest) } else { 0 }),
        Constraint::Length(rows(&about)),
        Constraint::Fill(1),
        Constraint::Length(rows(&vault)),
    ])
    .areas(inner);
    if let Some(photo) = photo.filter(|_| image.height > 0) {
        picture::draw(canvas, image, Subject::Thumbnail(photo.id));
    }
    for (place, lines) in [(text, about), (below, vault)] {
        for (line, y) in lines.into_iter().zip(place.y..place.bottom()) {
            canvas.frame.render_widget(format::fit_line(line, columns), Rect { y, height: 1, ..place });
        }
    }
}

fn fact(canvas: &Canvas<'_, '_>, label: &str, value: &str) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{:<13} ", inert(label)), canvas.theme.faint),
        Span::raw(inert(value).into_owned()),
    ])
}

/// What is known of a photo.
pub(super) fn about(
    canvas: &Canvas<'_, '_>,
    photo: &StoredPhoto,
    score: Option<f32>,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = format::wrap(&inert(&photo.name), columns)
        .into_iter()
        .map(|line| Line::styled(line, canvas.theme.title))
        .collect();
    lines.extend(score.map(|score| fact(canvas, "similarity", &format!("{score:.3}"))));
    lines.extend(photo.minute().map(|date| fact(canvas, "date", &date)));
    lines.push(fact(canvas, "pixels", &format!("{} × {}", photo.width, photo.height)));
    lines.push(fact(canvas, "size", &format::size(photo.bytes)));
    if let Some(folder) = photo.folder() {
        lines.push(fact(canvas, "folder", &format::fit_end(&inert(&folder), columns.saturating_sub(14))));
    }
    let exif = canvas.state.collection.exif.as_ref().filter(|(id, _)| *id == photo.id);
    for (label, value) in exif.into_iter().flat_map(|(_, fields)| fields) {
        lines.push(fact(canvas, label, value));
    }
    lines
}

/// What is known of the vault.
fn vault(canvas: &Canvas<'_, '_>, columns: usize) -> Vec<Line<'static>> {
    let collection = &canvas.state.collection;
    let mut lines = Vec::new();
    if let Some(statistics) = &collection.statistics {
        lines.push(Line::styled("the vault", canvas.theme.title));
        lines.push(fact(canvas, "photos", &statistics.photos.to_string()));
        lines.push(fact(canvas, "originals", &format::size(statistics.original_bytes)));
        lines.push(fact(canvas, "on disk", &format::size(statistics.stored_bytes())));
    }
    lines.extend(collection.health.as_ref().map(|report| {
        if report.is_whole() {
            let photos = format::count(report.photos, "photo");
            Line::styled(format!("✓ intact: {photos} checked"), canvas.theme.good)
        } else {
            let places = format::count(report.damages.len(), "place");
            Line::styled(format!("✗ damaged in {places}"), canvas.theme.bad)
        }
    }));
    lines.extend(copies::all(canvas, columns));
    lines
}
