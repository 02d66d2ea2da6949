//! The results tab: the query, matches and nearest other photos, and a preview of the one under the cursor.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::preview::Subject;
use super::super::state::Pane;
use super::super::state::results::Query;
use super::super::state::tiles::Arrangement;
use super::canvas::{Canvas, Focus};
use super::{grid, picture};
use crate::services::name::inert;
use crate::services::search::Match;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect) {
    if canvas.state.results.query.is_none() {
        let inner = canvas.pane(area, "results", Focus::Here);
        let mut lines = vec![Line::raw("no search yet")];
        lines.extend(canvas.press(Action::Files, "for the Files tab or"));
        lines.extend(canvas.press(Action::Vault, "for the Vault tab, and search for a photo there"));
        return canvas.notice(inner, lines);
    }
    if canvas.viewport.is_one_pane {
        match canvas.state.pane {
            Pane::List => photos(canvas, area),
            Pane::Preview => preview(canvas, area),
        }
        return;
    }
    if area.width >= 100 {
        let [left, middle, right] =
            Layout::horizontal([Constraint::Length(26), Constraint::Fill(5), Constraint::Fill(3)]).areas(area);
        query(canvas, left);
        photos(canvas, middle);
        preview(canvas, right);
    } else {
        let [left, right] = Layout::horizontal([Constraint::Percentage(55), Constraint::Fill(1)]).areas(area);
        photos(canvas, left);
        preview(canvas, right);
    }
}

fn query_name(query: &Query) -> String {
    match query {
        Query::File(path) => inert(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()).into_owned(),
        Query::Stored(photo) => inert(&photo.name).into_owned(),
    }
}

fn query(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let results = &canvas.state.results;
    let Some(query) = &results.query else { return };
    let [top, bottom] = Layout::vertical([Constraint::Max(14), Constraint::Fill(1)]).areas(area);
    let inner = canvas.pane(top, "like this", Focus::Elsewhere);
    let [image, name] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(inner);
    let subject = match query {
        Query::File(path) => Subject::File(path.clone()),
        Query::Stored(photo) => Subject::Thumbnail(photo.id),
    };
    picture::draw(canvas, image, subject);
    let text = query_name(query);
    canvas.frame.render_widget(Line::raw(format::fit(&text, usize::from(name.width)).into_owned()).centered(), name);

    let inner = canvas.pane(bottom, "search", Focus::Elsewhere);
    let columns = usize::from(inner.width);
    let theme = canvas.theme;
    let part = f64::from(results.threshold()).max(0.0);
    let mut lines = vec![
        Line::from(format!("threshold   {:.2}", results.threshold())),
        Line::styled(format::bar(part, columns), theme.bar),
        canvas.hints(&[(Action::LowerThreshold, "lower"), (Action::RaiseThreshold, "raise")]),
        Line::default(),
        Line::from(format!("list        {}", results.top())),
        canvas.hints(&[(Action::FewerResults, "fewer"), (Action::MoreResults, "more")]),
    ];
    if let Some(found) = results.summary() {
        let matches = format::count(results.reached(), "match");
        lines.extend([Line::default(), Line::raw(format!("{matches} of {}", found.compared))]);
        if found.query_is_stored {
            lines.push(Line::raw(QUERY_IS_STORED));
        }
    }
    for (line, y) in lines.into_iter().zip(inner.y..inner.bottom()) {
        canvas.frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
}

/// Shown when the vault holds the query itself, which is not listed.
const QUERY_IS_STORED: &str = "query is in the vault";

fn photos(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let results = &canvas.state.results;
    let count = results.list.visible().len();
    let title = match (&results.query, results.summary()) {
        (Some(query), Some(_)) if area.width < 100 => {
            let matches = format::count(results.shown_matches(), "match");
            format!("{matches} ≥ {:.2} of {count} like {}", results.threshold(), query_name(query))
        }
        _ => "results".to_owned(),
    };
    let inner = canvas.pane(area, &title, Focus::Here);
    if count == 0 {
        return empty(canvas, inner);
    }
    let items = grid::Items { count, cursor: results.list.cursor, divider: divider(canvas) };
    match canvas.state.tiles.arrangement {
        Arrangement::List => grid::lines(canvas, inner, &items, &|canvas, place, columns| {
            let found = canvas.state.results.list.at(place)?;
            Some(row_of(canvas, found, place, columns))
        }),
        Arrangement::Grid => grid::draw(canvas, inner, &items, &|canvas, place, columns| {
            let results = &canvas.state.results;
            let found = results.list.at(place)?;
            let bar = format::bar(f64::from(found.score).max(0.0), columns.saturating_sub(7));
            let fact = Line::from(vec![
                match_sign(canvas, place),
                Span::raw(format!(" {:.2} ", found.score)),
                Span::styled(bar, canvas.theme.bar),
            ]);
            let name = inert(&found.photo.name);
            Some(grid::Item {
                photo: found.photo.id,
                mark: results.list.mark(place),
                name: Line::raw(format::fit(&name, columns).into_owned()),
                fact,
            })
        }),
    }
}

/// The mark of a match.
fn match_sign(canvas: &Canvas<'_, '_>, place: usize) -> Span<'static> {
    if place < canvas.state.results.shown_matches() { Span::styled("✓", canvas.theme.good) } else { Span::raw(" ") }
}

/// The divider between matches and other photos; `None` if all are matches.
fn divider(canvas: &Canvas<'_, '_>) -> Option<(usize, Line<'static>)> {
    let results = &canvas.state.results;
    let matches = results.shown_matches();
    if matches == results.list.visible().len() {
        return None;
    }
    let threshold = results.threshold();
    let text = match matches {
        0 => format!("── no match at {threshold:.2}; nearest photos ──"),
        _ => format!("── below {threshold:.2}: nearest photos ──"),
    };
    Some((matches, Line::styled(text, canvas.theme.title)))
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
        lines.extend(canvas.press(Action::Files, "to go to Files and index some"));
    } else {
        lines.push(Line::raw("the vault is empty: there is nothing to search"));
        lines.extend(canvas.press(Action::Files, "to go to Files and index some"));
    }
    canvas.notice(area, lines);
}

fn preview(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let Some(found) = canvas.state.results.list.current() else {
        let inner = canvas.pane(area, "preview", Focus::Elsewhere);
        let line = Line::styled("the photo under the cursor is shown here", canvas.theme.faint);
        return canvas.notice(inner, vec![line]);
    };
    picture::preview(canvas, area, &found.photo.name, Subject::Photo(found.photo.id), &mut |canvas, _| {
        let is_match = found.score >= canvas.state.results.threshold();
        let score = format!("similarity {:.3}{}", found.score, if is_match { ", a match" } else { "" });
        [vec![Line::raw(score)], picture::facts(canvas, &found.photo)].concat()
    });
}

/// The status line: selection and timing of the search, for about `columns` columns.
pub(super) fn status(canvas: &Canvas<'_, '_>, columns: u16) -> Line<'static> {
    let results = &canvas.state.results;
    if results.is_searching {
        return Line::from(format!("{} searching", canvas.spinner()));
    }
    let Some(found) = results.summary() else { return Line::default() };
    let timing = found.timing;
    let mut spans = Vec::new();
    if !results.list.selected().is_empty() {
        spans.push(Span::styled(format!("● {} selected  ", results.list.selected().len()), canvas.theme.selected));
    }
    if !results.list.filter.field.text().is_empty() {
        spans.push(Span::raw(format!("filter “{}”  ", inert(results.list.filter.field.text()))));
    }
    // The query pane says it too, if there is room for that.
    if found.query_is_stored && columns < 98 {
        spans.push(Span::raw(format!("{QUERY_IS_STORED}  ")));
    }
    let total = format::milliseconds(timing.total());
    let compared = format::count(found.compared, "photo");
    spans.push(Span::raw(match columns {
        0..60 => format!("{compared} in {total}"),
        60..100 => total,
        _ => format!("{compared} searched encrypted in {total}"),
    }));
    if columns >= 60 {
        let each = [
            ("features", timing.features),
            ("encrypt", timing.encrypt),
            ("scan", timing.scan),
            ("decrypt", timing.decrypt),
        ]
        .map(|(step, took)| format!("{step} {}", format::milliseconds(took)));
        spans.push(Span::styled(format!(": {}", each.join(" · ")), canvas.theme.faint));
    }
    Line::from(spans)
}
