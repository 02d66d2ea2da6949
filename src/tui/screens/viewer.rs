//! The photo view: a photo, or two side by side, over the whole screen, with a line about it.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::preview::{PictureState, Rotation, Subject};
use super::super::state::Tab;
use super::super::state::cursor::Mark;
use super::super::state::results::Query;
use super::super::state::viewer::{ShownPhoto, Viewer, Zoom};
use super::super::update::{can_fetch, subject, upcoming};
use super::canvas::{Canvas, Focus, INFORMATION_COLUMNS, Target};
use super::information::{date, folder, name_of, similarity};
use super::{information, picture, status};

/// The columns from which the information pane is beside the photo, not below it.
const COLUMNS_FOR_BOTH: u16 = 76;

/// Digits after the point of a similarity.
const DECIMALS: usize = 2;

/// The columns that hints get at least, if they are not more than half of the line.
const HINTS_COLUMNS: usize = 40;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, viewer: &Viewer) {
    let [body, line] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let body = if canvas.state.shows_information { information_pane(canvas, body, viewer) } else { body };
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
    let are_drawn = states.iter().all(|state| matches!(state, PictureState::Drawn(..)));
    if let Some(next) = upcoming(canvas.state).filter(|_| are_drawn && viewer.zoom == Zoom::Fit) {
        canvas.pictures.prepare(last, next);
    }
    about(canvas, line, viewer, &states);
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
    let is_loading = state == PictureState::Loading;
    canvas.shown.push(ShownPhoto { subject, pixels, room, is_loading });
    state
}

/// The line about the photo under the cursor: what it is, how it is shown, and the keys. `states` are those of the
/// photos of the view.
fn about(canvas: &mut Canvas<'_, '_>, area: Rect, viewer: &Viewer, states: &[PictureState]) {
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
        let is_waiting = states.contains(&PictureState::Former);
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
    let room = columns - HINTS_COLUMNS.min(columns / 2);
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
    hints.extend([(Action::NextPhoto, "next"), (Action::PreviousPhoto, "previous")]);
    hints.push((Action::Zoom, if viewer.zoom == Zoom::Fit { "pixels" } else { "fit" }));
    if viewer.is_larger_than_room() {
        hints.extend([(Action::Left, "left"), (Action::Down, "down"), (Action::Up, "up"), (Action::Right, "right")]);
    }
    hints.extend([
        (Action::Details, "info"),
        (Action::Compare, if viewer.compared.is_some() { "one" } else { "compare" }),
        (Action::Similar, "similar"),
        (Action::LargerThumbnails, "zoom in"),
        (Action::SmallerThumbnails, "zoom out"),
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
    Some(format!("{} of {}", list.photos_up_to(at), list.photo_count()))
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
    facts.extend(similarity(canvas, photo, DECIMALS).map(|score| Span::styled(score, theme.text)));
    facts.extend(date(canvas, photo).map(|date| Span::styled(date, theme.faint)));
    facts.extend(folder(photo).map(|folder| Span::styled(folder, theme.faint)));
    facts
}

/// Draws the information pane at the right, or at the bottom of a narrow screen. Returns what is left for the photo.
fn information_pane(canvas: &mut Canvas<'_, '_>, area: Rect, viewer: &Viewer) -> Rect {
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
    let lines = information::about(canvas, viewer.photo(), columns);
    for (line, y) in lines.into_iter().zip(inner.y..inner.bottom()) {
        let row = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), y, height: 1 };
        canvas.frame.render_widget(format::fit_line(line, columns), row);
    }
    rest
}
