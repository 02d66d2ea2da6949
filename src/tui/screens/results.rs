//! The results tab: the question in a strip, below it the matches and the nearest other photos as a grid or as lines.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::preview::Subject;
use super::super::state::results::Query;
use super::super::state::tiles::Arrangement;
use super::canvas::Canvas;
use super::{grid, information, picture};
use crate::services::name::inert;
use crate::services::search::Match;

/// The rows of the strip with a picture of the query, and from how many rows on there is room for it.
const STRIP_ROWS: u16 = 4;
const ROWS_FOR_PICTURE: u16 = 18;
/// From how many columns on the strip has room for everything.
const WIDE_STRIP: usize = 76;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect) {
    if canvas.state.results.query.is_none() {
        let mut lines = vec![Line::raw("no search yet")];
        lines.extend(canvas.press(Action::Files, "for the Files tab or"));
        lines.extend(canvas.press(Action::Vault, "for the Vault tab, and search for a photo there"));
        return canvas.notice(area, lines);
    }
    let photo = canvas.state.results.list.current().map(|found| &found.photo);
    let Some(area) = canvas.beside_information(area, &mut |canvas, pane| information::draw(canvas, pane, photo)) else {
        return;
    };
    let rows = if area.height >= ROWS_FOR_PICTURE { STRIP_ROWS } else { 1 };
    let [strip, area] = Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(area);
    question(canvas, strip);
    photos(canvas, area);
}

/// The question strip: what was asked, and what came of it.
fn question(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let Some(query) = &canvas.state.results.query else { return };
    let mut text = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if area.height >= STRIP_ROWS && canvas.state.results.error.is_none() {
        let [image, right] = Layout::horizontal([Constraint::Length(11), Constraint::Fill(1)]).areas(text);
        let subject = match query {
            Query::File(path) => Subject::File(path.clone()),
            Query::Stored(photo) => Subject::Thumbnail(photo.id),
        };
        picture::draw(canvas, Rect { width: image.width.saturating_sub(1), ..image }, subject);
        text = right;
    }
    let columns = usize::from(text.width);
    let lines = if area.height >= STRIP_ROWS {
        described(canvas, query, columns)
    } else {
        let mut line = outcome(canvas, query);
        if canvas.state.results.summary().is_some_and(|found| found.query_is_stored) {
            line.push_span(Span::styled("  the query is in the vault", canvas.theme.faint));
        }
        vec![line]
    };
    for (line, y) in lines.into_iter().zip(text.y..text.bottom()) {
        canvas.frame.render_widget(format::fit_line(line, columns), Rect { y, height: 1, ..text });
    }
}

/// The question and its outcome in a line.
fn outcome(canvas: &Canvas<'_, '_>, query: &Query) -> Line<'static> {
    let results = &canvas.state.results;
    let theme = canvas.theme;
    let mut spans = vec![Span::raw("like "), Span::styled(information::name_of(query), theme.title)];
    if results.is_searching {
        spans.push(Span::styled(format!("  {} searching", canvas.spinner()), theme.faint));
    }
    if let Some(found) = results.summary() {
        let matches = format::count(results.reached(), "match");
        let compared = format::count(found.compared, "photo");
        spans.push(Span::raw(format!("  {matches} ≥ {:.2} among {compared}", results.threshold())));
    }
    Line::from(spans)
}

fn described(canvas: &Canvas<'_, '_>, query: &Query, columns: usize) -> Vec<Line<'static>> {
    let results = &canvas.state.results;
    let theme = canvas.theme;
    let mut lines = vec![outcome(canvas, query)];
    if let Some(found) = results.summary() {
        let mut mark = vec![Span::styled(format!("mark {:.2} ", results.threshold()), theme.faint)];
        if columns >= WIDE_STRIP {
            mark.push(Span::styled(format::bar(f64::from(results.threshold()).max(0.0), 16), theme.bar));
            mark.push(Span::raw("  "));
        }
        mark.extend(canvas.hints(&[(Action::LowerThreshold, "lower"), (Action::RaiseThreshold, "raise")]).spans);
        mark.push(Span::styled(format!("best {}  ", results.top()), theme.faint));
        mark.extend(canvas.hints(&[(Action::FewerResults, "fewer"), (Action::MoreResults, "more")]).spans);
        lines.push(Line::from(mark));
        let timing = found.timing;
        let total = format::milliseconds(timing.total());
        let each = [
            ("features", timing.features),
            ("encrypt", timing.encrypt),
            ("scan", timing.scan),
            ("decrypt", timing.decrypt),
        ]
        .map(|(step, took)| format!("{step} {}", format::milliseconds(took)));
        let each = if columns >= WIDE_STRIP { format!(": {}", each.join(" · ")) } else { String::new() };
        lines.push(Line::styled(format!("searched encrypted in {total}{each}"), theme.faint));
        let mut more = Vec::new();
        if found.query_is_stored {
            more.push(Span::raw("the query is in the vault  "));
        }
        let searches = [(Action::PreviousQuery, "search before"), (Action::NextQuery, "search after")];
        more.extend(canvas.hints(&searches).spans);
        lines.push(Line::from(more));
    }
    lines
}

fn photos(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let results = &canvas.state.results;
    let count = results.list.visible().len();
    if count == 0 {
        return empty(canvas, area);
    }
    let items =
        grid::Items { count, cursor: results.list.cursor, sections: results.sections(), heading: Some(&heading) };
    match canvas.state.tiles.arrangement {
        Arrangement::List => grid::lines(canvas, area, &items, &|canvas, place, columns| {
            let found = canvas.state.results.list.at(place)?;
            Some(row_of(canvas, found, place, columns))
        }),
        Arrangement::Grid => grid::draw(canvas, area, &items, &|canvas, place, columns| {
            let results = &canvas.state.results;
            let found = results.list.at(place)?;
            let bar = format::bar(f64::from(found.score).max(0.0), columns.saturating_sub(7));
            let caption = Line::from(vec![
                match_sign(canvas, place),
                Span::raw(format!(" {:.2} ", found.score)),
                Span::styled(bar, canvas.theme.bar),
            ]);
            Some(grid::Item { photo: found.photo.id, mark: results.list.mark(place), caption })
        }),
    }
}

/// The mark of a match.
fn match_sign(canvas: &Canvas<'_, '_>, place: usize) -> Span<'static> {
    if place < canvas.state.results.shown_matches() { Span::styled("✓", canvas.theme.good) } else { Span::raw(" ") }
}

/// The headings above the matches and above the other photos.
fn heading(canvas: &Canvas<'_, '_>, number: usize, columns: usize) -> Line<'static> {
    let results = &canvas.state.results;
    let (matches, threshold) = (results.shown_matches(), results.threshold());
    let text = match (number, matches) {
        (0, _) if matches < results.reached() => {
            format!("{matches} of {} at {threshold:.2} or above", format::count(results.reached(), "match"))
        }
        (0, _) => format!("{} at {threshold:.2} or above", format::count(matches, "match")),
        (_, 0) => format!("no match at {threshold:.2}; the nearest photos"),
        _ => format!("below {threshold:.2}: the nearest photos"),
    };
    let rule = "─".repeat(columns.saturating_sub(format::width(&text) + 5));
    Line::from(vec![
        Span::styled("── ", canvas.theme.border),
        Span::styled(text, canvas.theme.title),
        Span::styled(format!(" {rule}"), canvas.theme.border),
    ])
}

fn row_of(canvas: &Canvas<'_, '_>, found: &Match, place: usize, columns: usize) -> Line<'static> {
    let theme = canvas.theme;
    let results = &canvas.state.results;
    let mark = canvas.sign(results.list.mark(place));
    let bar_columns = if columns >= 40 { 10 } else { 4 };
    let bar = format::bar(f64::from(found.score).max(0.0), bar_columns);
    let date = found.photo.day().unwrap_or_default();
    let tail = if columns >= 46 { format!("  {:10} ", inert(&date)) } else { String::new() };
    let room = columns.saturating_sub(bar_columns + 9 + format::width(&tail));
    Line::from(vec![
        mark,
        match_sign(canvas, place),
        Span::raw(format!(" {:.2} ", found.score)),
        Span::styled(bar, theme.bar),
        Span::raw(" "),
        Span::raw(format::padded(&inert(&found.photo.name), room)),
        Span::styled(tail, theme.faint),
    ])
}

fn empty(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let results = &canvas.state.results;
    let theme = canvas.theme;
    let mut lines = Vec::new();
    if results.is_searching {
        lines.push(Line::styled(format!("{} searching among encrypted photos", canvas.spinner()), theme.faint));
    } else if let Some(reason) = &results.error {
        lines.push(Line::styled("✗ the search failed", theme.bad));
        lines.push(Line::styled(inert(reason).into_owned(), theme.faint));
        lines.extend(canvas.press(Action::Reload, "to try again"));
    } else if !results.listed().is_empty() {
        lines.push(Line::raw("no name matches the filter"));
        lines.extend(canvas.press(Action::Back, "to clear the filter"));
    } else if results.summary().is_some_and(|found| found.query_is_stored) {
        lines.push(Line::raw("there is no other photo in the vault"));
        lines.extend(canvas.press(Action::Files, "to go to Files and add some"));
    } else {
        lines.push(Line::raw("the vault is empty: there is nothing to search"));
        lines.extend(canvas.press(Action::Files, "to go to Files and add some"));
    }
    canvas.notice(area, lines);
}

/// The status line: the selection, and the photo under the cursor.
pub(super) fn status(canvas: &Canvas<'_, '_>) -> Line<'static> {
    let list = &canvas.state.results.list;
    let mut spans = canvas.selection_and_filter(list.selected().len(), &list.filter);
    if let Some(found) = list.current() {
        spans.push(Span::raw(format!("{:.3} ", found.score)));
        spans.extend(canvas.facts(&found.photo));
    }
    Line::from(spans)
}
