//! The information pane: everything known about the photo under the cursor, and about the vault. The photo view has the
//! facts about the photo from here too.
//!
//! Must never: fetch an original. The picture is the thumbnail.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::format;
use super::super::preview::Subject;
use super::super::state::Tab;
use super::super::state::results::Query;
use super::super::state::viewer::{id_of, is_same};
use super::canvas::{Canvas, Focus};
use super::{copies, picture};
use crate::services::library::StoredPhoto;
use crate::services::name::inert;

/// The columns of a label and the space after it.
const LABEL_COLUMNS: usize = 14;

/// Digits after the point of a similarity.
const DECIMALS: usize = 3;

/// Draws the pane for `photo`.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, photo: Option<&StoredPhoto>) {
    let inner = canvas.pane(area, "information", Focus::Elsewhere);
    let columns = usize::from(inner.width);
    let about = photo.map(|photo| about(canvas, &Query::Stored(photo.clone()), columns)).unwrap_or_default();
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

/// A label and its value, which continues below if it is long.
fn fact(canvas: &Canvas<'_, '_>, label: &str, value: &str, columns: usize) -> Vec<Line<'static>> {
    let values = format::wrap(&inert(value), columns.saturating_sub(LABEL_COLUMNS));
    let label = format!("{} ", format::padded(&inert(label), LABEL_COLUMNS - 1));
    let labels = std::iter::once(label).chain(std::iter::repeat(" ".repeat(LABEL_COLUMNS)));
    let lines = labels.zip(values);
    lines.map(|(label, value)| Line::from(vec![Span::styled(label, canvas.theme.faint), Span::raw(value)])).collect()
}

/// What is known of a photo.
pub(super) fn about(canvas: &Canvas<'_, '_>, photo: &Query, columns: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> =
        format::wrap(&name_of(photo), columns).into_iter().map(|line| Line::styled(line, canvas.theme.title)).collect();
    let (pixels, bytes) = match photo {
        Query::Stored(photo) => {
            (Some((photo.width, photo.height)).filter(|pixels| *pixels != (0, 0)), Some(photo.bytes))
        }
        Query::File(path) => {
            let entry = canvas.state.browser.list.current().filter(|entry| entry.path == *path);
            let viewer = canvas.state.viewer.as_ref();
            let pixels = viewer.and_then(|viewer| viewer.pixels(&Subject::File(path.clone())));
            (pixels, entry.map(|entry| entry.bytes))
        }
    };
    let facts = [
        ("similarity", similarity(canvas, photo, DECIMALS)),
        ("date", date(canvas, photo)),
        ("pixels", pixels.map(|(width, height)| format!("{width} × {height}"))),
        ("size", bytes.map(format::size)),
        ("folder", folder(photo)),
    ];
    for (label, value) in facts.into_iter().filter_map(|(label, value)| Some((label, value?))) {
        lines.extend(fact(canvas, label, &value, columns));
    }
    let Some(id) = id_of(photo) else { return lines };
    match canvas.state.collection.exif.as_ref().filter(|(known, _)| *known == id) {
        Some((_, fields)) if fields.is_empty() => lines.extend(fact(canvas, "camera", "nothing recorded", columns)),
        Some((_, fields)) => {
            lines.extend(fields.iter().flat_map(|(label, value)| fact(canvas, label, value, columns)));
        }
        // The view asks for them whenever it shows a photo.
        None if canvas.state.viewer.is_some() => lines.extend(fact(canvas, "camera", "…", columns)),
        None => {}
    }
    lines
}

/// The name of a photo, inert.
pub(super) fn name_of(photo: &Query) -> String {
    match photo {
        Query::File(path) => inert(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()).into_owned(),
        Query::Stored(photo) => inert(&photo.name).into_owned(),
    }
}

/// The similarity to the query with this many digits after the point; on the results only.
pub(super) fn similarity(canvas: &Canvas<'_, '_>, photo: &Query, decimals: usize) -> Option<String> {
    let state = canvas.state;
    if state.tab != Tab::Results {
        return None;
    }
    if state.results.query.as_ref().is_some_and(|query| is_same(query, photo)) {
        return Some("the query".to_owned());
    }
    let found = state.results.list.current().filter(|found| id_of(photo) == Some(found.photo.id))?;
    Some(format!("{:.decimals$}", found.score))
}

/// When a photo was taken or its file was last changed, inert.
pub(super) fn date(canvas: &Canvas<'_, '_>, photo: &Query) -> Option<String> {
    match photo {
        Query::Stored(photo) => Some(inert(&photo.minute()?).into_owned()),
        Query::File(path) => {
            let entry = canvas.state.browser.list.current().filter(|entry| entry.path == *path)?;
            Some(format::day(entry.modified?)).filter(|day| !day.is_empty())
        }
    }
}

/// The folder that a photo is in, or was added from, inert.
pub(super) fn folder(photo: &Query) -> Option<String> {
    match photo {
        Query::Stored(photo) => Some(inert(&photo.folder()?).into_owned()),
        Query::File(path) => path.parent().filter(|folder| !folder.as_os_str().is_empty()).map(format::path),
    }
}

/// What is known of the vault.
fn vault(canvas: &Canvas<'_, '_>, columns: usize) -> Vec<Line<'static>> {
    let collection = &canvas.state.collection;
    let mut lines = Vec::new();
    if let Some(statistics) = &collection.statistics {
        lines.push(Line::styled("the vault", canvas.theme.title));
        lines.extend(fact(canvas, "photos", &statistics.photos.to_string(), columns));
        lines.extend(fact(canvas, "originals", &format::size(statistics.original_bytes), columns));
        lines.extend(fact(canvas, "on disk", &format::size(statistics.stored_bytes()), columns));
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
