//! The photo view: a photo, or two side by side, over the whole screen, with a line about it.

use std::path::{Path, PathBuf};

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::preview::{PictureState, Rotation, Subject};
use super::super::state::Tab;
use super::super::state::browser::Kind;
use super::super::state::cursor::Mark;
use super::super::state::results::Query;
use super::super::state::viewer::{ShownPhoto, Viewer, Zoom, id_of, is_same};
use super::super::update::{can_fetch, subject, upcoming};
use super::canvas::{Canvas, Focus, Target};
use super::{picture, status};
use crate::services::library::Place;
use crate::services::name::inert;

/// The columns of the information pane.
const INFORMATION_COLUMNS: u16 = 36;

/// The columns from which it is beside the photo, not below it.
const COLUMNS_FOR_BOTH: u16 = 76;

/// The part of the line that hints get at least.
const HINTS_PART: usize = 3;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, viewer: &Viewer) {
    let [body, line] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let body = if viewer.has_information { information(canvas, body, viewer) } else { body };
    let mut states = Vec::new();
    let mut last = body;
    match &viewer.compared {
        None => states.push(photo(canvas, body, viewer, viewer.photo())),
        Some(left) => {
            // Equally wide, so that the same part of both is shown.
            let width = body.width.saturating_sub(1) / 2;
            let halves = [Rect { width, ..body }, Rect { x: body.right() - width, width, ..body }];
            for (half, shown) in halves.into_iter().zip([left, viewer.photo()]) {
                let [above, caption] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(half);
                states.push(photo(canvas, above, viewer, shown));
                let text = format::fit_line(caption_of(canvas, shown), usize::from(caption.width));
                canvas.frame.render_widget(text.centered(), caption);
                last = above;
            }
        }
    }
    let is_waiting = states.contains(&PictureState::Former);
    let are_drawn = states.iter().all(|state| matches!(state, PictureState::Drawn(..)));
    if let Some(next) = upcoming(canvas.state).filter(|_| are_drawn && viewer.zoom == Zoom::Fit) {
        canvas.pictures.prepare(last, next);
    }
    about(canvas, line, viewer, is_waiting);
}

fn photo(canvas: &mut Canvas<'_, '_>, area: Rect, viewer: &Viewer, photo: &Query) -> PictureState {
    canvas.hits.push((area, Target::Picture));
    let subject = subject(canvas.state, viewer, photo);
    let room = canvas.pictures.room(area);
    let view = viewer.view(viewer.pixels(&subject), room);
    let state = picture::draw_view(canvas, area, subject.clone(), view);
    let pixels = match (&state, &subject) {
        // A thumbnail has not the pixels of its photo.
        (_, Subject::Thumbnail(_)) => None,
        (PictureState::Drawn(pixels, _), _) => Some(*pixels),
        _ => None,
    };
    canvas.shown.push(ShownPhoto { subject, pixels, room });
    state
}

/// The line about the photo under the cursor: what it is, how it is shown, and the keys.
fn about(canvas: &mut Canvas<'_, '_>, area: Rect, viewer: &Viewer, is_waiting: bool) {
    let columns = usize::from(area.width);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    if let Some(news) = status::news(canvas, columns.saturating_sub(2)) {
        canvas.frame.render_widget(format::fit_line(news, columns.saturating_sub(2)), inner);
        return;
    }
    let theme = canvas.theme;
    let mut spans = Vec::new();
    if viewer.slideshow.is_some() {
        spans.push(Span::styled("▸ ", theme.good));
    }
    match mark(canvas) {
        Mark::None => {}
        mark => spans.extend([canvas.sign(mark), Span::raw(" ")]),
    }
    // The name may be long: the rest of the line matters too.
    let name = name_of(viewer.photo());
    let mut facts: Vec<Span<'static>> = Vec::new();
    facts.extend(position(canvas).map(|position| Span::styled(position, theme.text)));
    if let Some(percent) = viewer.percent() {
        let mark = if is_waiting { format!("{} ", canvas.spinner()) } else { String::new() };
        facts.push(Span::styled(format!("{mark}{}", percent_text(percent)), theme.text));
    }
    if let Some((across, down)) = viewer.place() {
        facts.push(Span::styled(format!("{across} % across, {down} % down"), theme.faint));
    }
    if viewer.rotation != Rotation::None {
        facts.push(Span::styled(format!("turned {}°", viewer.rotation.degrees()), theme.faint));
    }
    if can_fetch(canvas.state) {
        facts.push(Span::styled("thumbnail", theme.warning));
    }
    if viewer.compared.is_none() {
        facts.extend(about_photo(canvas, viewer.photo()));
    }
    let room = columns - columns / HINTS_PART;
    spans.push(Span::styled(format::fit(&name, room / 2).into_owned(), theme.title));
    let mut used: usize = spans.iter().map(Span::width).sum();
    for fact in facts {
        if used + fact.width() + 2 <= room {
            used += fact.width() + 2;
            spans.extend([Span::raw("  "), fact]);
        }
    }
    canvas.frame.render_widget(Line::from(spans), inner);
    let taken = u16::try_from(used + 2).unwrap_or(u16::MAX).min(area.width);
    let rest = Rect { x: area.x + taken, width: area.width - taken, ..area };
    status::hint_bar(canvas, rest, &hinted(canvas, viewer));
}

/// Hints, the most important first.
fn hinted(canvas: &Canvas<'_, '_>, viewer: &Viewer) -> Vec<(Action, &'static str)> {
    let mut hints = Vec::new();
    if can_fetch(canvas.state) {
        hints.push((Action::Enter, "fetch the photo itself"));
    }
    hints.push((Action::Close, "back"));
    if viewer.slideshow.is_some() {
        hints.push((Action::Slideshow, "stop"));
    }
    hints.push((Action::Zoom, if viewer.zoom == Zoom::Fit { "pixels" } else { "fit" }));
    if viewer.is_larger_than_room() {
        hints.extend([(Action::Left, "left"), (Action::Down, "down"), (Action::Up, "up"), (Action::Right, "right")]);
    }
    hints.extend([
        (Action::NextPhoto, "next"),
        (Action::PreviousPhoto, "previous"),
        (Action::Details, "info"),
        (Action::Compare, if viewer.compared.is_some() { "one" } else { "compare" }),
        (Action::Similar, "similar"),
        (Action::LargerThumbnails, "in"),
        (Action::SmallerThumbnails, "out"),
        (Action::Rotate, "turn"),
    ]);
    if viewer.slideshow.is_none() {
        hints.push((Action::Slideshow, "slideshow"));
    }
    hints.extend([(Action::Select, "select"), (Action::Help, "help")]);
    hints
}

fn percent_text(percent: f64) -> String {
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// How the photo under the cursor is marked in the list.
fn mark(canvas: &Canvas<'_, '_>) -> Mark {
    let state = canvas.state;
    match state.tab {
        Tab::Files => state.browser.list.mark(state.browser.list.cursor.at),
        Tab::Results => state.results.list.mark(state.results.list.cursor.at),
        Tab::Vault => state.collection.list.mark(state.collection.list.cursor.at),
        Tab::Indexing => Mark::None,
    }
}

/// `12 of 345`: the place of the photo among those of the list.
fn position(canvas: &Canvas<'_, '_>) -> Option<String> {
    let list = canvas.state.list()?;
    let at = list.cursor().at;
    let place = match canvas.state.tab {
        Tab::Files => {
            canvas.state.browser.list.visible().take(at + 1).filter(|entry| entry.kind == Kind::Photo).count()
        }
        _ => at + 1,
    };
    Some(format!("{place} of {}", list.photo_count()))
}

fn name_of(photo: &Query) -> String {
    match photo {
        Query::File(path) => inert(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()).into_owned(),
        Query::Stored(photo) => inert(&photo.name).into_owned(),
    }
}

fn caption_of(canvas: &Canvas<'_, '_>, photo: &Query) -> Line<'static> {
    let mut spans = vec![Span::styled(name_of(photo), canvas.theme.title)];
    spans.extend(about_photo(canvas, photo).into_iter().flat_map(|fact| [Span::raw("  "), fact]));
    Line::from(spans)
}

/// Score, date and folder of a photo, as far as they are known.
fn about_photo(canvas: &Canvas<'_, '_>, photo: &Query) -> Vec<Span<'static>> {
    let theme = canvas.theme;
    let mut facts = Vec::new();
    facts.extend(score(canvas, photo).map(|score| Span::styled(score, theme.text)));
    facts.extend(date(canvas, photo).map(|date| Span::styled(date, theme.faint)));
    facts.extend(folder(photo).map(|folder| Span::styled(format::path(&folder), theme.faint)));
    facts
}

/// The similarity to the query, on the results.
fn score(canvas: &Canvas<'_, '_>, photo: &Query) -> Option<String> {
    let state = canvas.state;
    if state.tab != Tab::Results {
        return None;
    }
    if state.results.query.as_ref().is_some_and(|query| is_same(query, photo)) {
        return Some("the query".to_owned());
    }
    let found = state.results.list.current().filter(|found| id_of(photo) == Some(found.photo.id))?;
    Some(format!("{:.2}", found.score))
}

fn date(canvas: &Canvas<'_, '_>, photo: &Query) -> Option<String> {
    match photo {
        Query::Stored(photo) => Some(inert(&photo.minute()?).into_owned()),
        Query::File(path) => {
            let entry = canvas.state.browser.list.current().filter(|entry| entry.path == *path)?;
            Some(format::day(entry.modified?)).filter(|day| !day.is_empty())
        }
    }
}

/// The folder that a photo is in, or was added from.
fn folder(photo: &Query) -> Option<PathBuf> {
    let path = match photo {
        Query::File(path) => path.clone(),
        Query::Stored(photo) => {
            let Place { source, path, .. } = photo.places.first()?;
            let text = |bytes: &[u8]| PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
            source.as_ref().map(|source| text(source)).unwrap_or_default().join(text(path))
        }
    };
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned)
}

/// Draws the information pane at the right, or at the bottom of a narrow screen. Returns what is left for the photo.
fn information(canvas: &mut Canvas<'_, '_>, area: Rect, viewer: &Viewer) -> Rect {
    let lines = facts(canvas, viewer);
    let (rest, place) = if area.width >= COLUMNS_FOR_BOTH {
        let [rest, place] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(INFORMATION_COLUMNS)]).areas(area);
        (rest, place)
    } else {
        // The photo keeps half of the screen, whatever there is to say.
        let [rest, place] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        (rest, place)
    };
    let inner = canvas.pane(place, "information", Focus::Elsewhere);
    let columns = usize::from(inner.width.saturating_sub(2));
    let mut y = inner.y;
    for (label, value) in lines {
        let label = format!("{label:<13}");
        for (number, text) in format::wrap(&value, columns.saturating_sub(label.len())).into_iter().enumerate() {
            if y == inner.bottom() {
                return rest;
            }
            let label = if number == 0 { label.clone() } else { " ".repeat(label.len()) };
            let line = Line::from(vec![Span::styled(label, canvas.theme.faint), Span::raw(text)]);
            let row = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), y, height: 1 };
            canvas.frame.render_widget(format::fit_line(line, columns), row);
            y += 1;
        }
    }
    rest
}

/// Everything that is known of the photo under the cursor: labels and values.
fn facts(canvas: &Canvas<'_, '_>, viewer: &Viewer) -> Vec<(String, String)> {
    let photo = viewer.photo();
    let mut facts = vec![("name", Some(name_of(photo)))];
    let (pixels, bytes) = match photo {
        Query::Stored(photo) => {
            let known = photo.width > 0 && photo.height > 0;
            (known.then_some((photo.width, photo.height)), Some(photo.bytes))
        }
        Query::File(path) => {
            let entry = canvas.state.browser.list.current().filter(|entry| entry.path == *path);
            (viewer.pixels(&Subject::File(path.clone())), entry.map(|entry| entry.bytes))
        }
    };
    facts.extend([
        ("similarity", score(canvas, photo)),
        ("date", date(canvas, photo)),
        ("pixels", pixels.map(|(width, height)| format!("{width} × {height}"))),
        ("size", bytes.map(format::size)),
        ("folder", folder(photo).map(|folder| format::path(&folder))),
    ]);
    let mut facts: Vec<(String, String)> =
        facts.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value?))).collect();
    let Some(id) = id_of(photo) else { return facts };
    match canvas.state.collection.exif.as_ref().filter(|(known, _)| *known == id) {
        Some((_, fields)) if fields.is_empty() => facts.push(("camera".to_owned(), "nothing recorded".to_owned())),
        Some((_, fields)) => {
            facts.extend(fields.iter().map(|(label, value)| (inert(label).into_owned(), inert(value).into_owned())));
        }
        None => facts.push(("camera".to_owned(), "…".to_owned())),
    }
    facts
}
