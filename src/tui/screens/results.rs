//! Matches of the last search: the query, the matches in order of score, and the one under the cursor large.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::preview::Subject;
use super::super::state::results::{Arrangement, Match, Query};
use super::super::state::{Pane, Shown};
use super::super::words;
use super::canvas::{Canvas, Focus, Target};
use super::{grid, picture};
use crate::services::name::inert;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect) {
    if canvas.state.results.query.is_none() {
        let inner = canvas.pane(area, "results", Focus::Here);
        let lines = vec![
            Line::raw("no search yet"),
            canvas.press(Action::Files, "for the files, move onto a photo, and"),
            canvas.press(Action::Similar, "to find photos like it in the vault"),
        ];
        return canvas.notice(inner, lines);
    }
    if canvas.shown.is_one_pane {
        match canvas.state.pane {
            Pane::List => matches(canvas, area),
            Pane::Preview => preview(canvas, area),
        }
        return;
    }
    if area.width >= 100 {
        let [left, middle, right] =
            Layout::horizontal([Constraint::Length(26), Constraint::Fill(5), Constraint::Fill(4)]).areas(area);
        query(canvas, left);
        matches(canvas, middle);
        preview(canvas, right);
    } else {
        let [left, right] = Layout::horizontal([Constraint::Percentage(55), Constraint::Fill(1)]).areas(area);
        matches(canvas, left);
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
    canvas.frame.render_widget(Line::raw(words::fit(&text, usize::from(name.width)).into_owned()).centered(), name);

    let inner = canvas.pane(bottom, "what counts", Focus::Elsewhere);
    let columns = usize::from(inner.width);
    let theme = canvas.theme;
    let lower = canvas.key(Action::LowerThreshold);
    let raise = canvas.key(Action::RaiseThreshold);
    let fewer = canvas.key(Action::FewerResults);
    let more = canvas.key(Action::MoreResults);
    let part = f64::from(results.threshold()).max(0.0);
    let mut lines = vec![
        Line::from(format!("threshold   {:.2}", results.threshold())),
        Line::styled(words::bar(part, columns), theme.bar),
        Line::from(vec![
            Span::styled(lower, theme.accent),
            Span::styled(" lower  ", theme.faint),
            Span::styled(raise, theme.accent),
            Span::styled(" raise", theme.faint),
        ]),
        Line::default(),
        Line::from(format!("at most     {}", results.top())),
        Line::from(vec![
            Span::styled(fewer, theme.accent),
            Span::styled(" fewer  ", theme.faint),
            Span::styled(more, theme.accent),
            Span::styled(" more", theme.faint),
        ]),
    ];
    if let Some(found) = results.found() {
        lines.extend([
            Line::default(),
            Line::from(format!("{} of {}", results.matches().len(), words::count(found.compared, "photo"))),
        ]);
    }
    for (line, y) in lines.into_iter().zip(inner.y..inner.bottom()) {
        canvas.frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
}

fn matches(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let results = &canvas.state.results;
    let count = results.matches().len();
    let title = match (&results.query, results.found()) {
        (Some(query), Some(found)) if area.width < 100 => {
            format!("{count} of {} like {} ≥ {:.2}", found.compared, query_name(query), results.threshold())
        }
        (_, Some(found)) => format!("{count} of {}", words::count(found.compared, "photo")),
        _ => "results".to_owned(),
    };
    let inner = canvas.pane(area, &title, Focus::Here);
    if count == 0 {
        return empty(canvas, inner);
    }
    match results.arrangement {
        Arrangement::List => list(canvas, inner),
        Arrangement::Grid => grid::draw(canvas, inner, count, results.cursor, &|canvas, place, columns| {
            let results = &canvas.state.results;
            let found = results.at(place)?;
            let bar = words::bar(f64::from(found.score).max(0.0), columns.saturating_sub(5));
            let score =
                Line::from(vec![Span::raw(format!("{:.2} ", found.score)), Span::styled(bar, canvas.theme.bar)]);
            let name = inert(&found.photo.name);
            Some(grid::Item {
                photo: found.photo.id,
                mark: results.mark(place),
                name: Line::raw(words::fit(&name, columns).into_owned()),
                fact: score,
            })
        }),
    }
}

fn list(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let results = &canvas.state.results;
    let lines = usize::from(area.height);
    canvas.shown = Shown { columns: 1, lines, ..canvas.shown };
    let first = results.cursor.first_line(results.matches().len(), 1, lines);
    for ((place, found), y) in results.matches().enumerate().skip(first).zip(area.y..area.bottom()) {
        let row = Rect { y, height: 1, ..area };
        let line = row_of(canvas, found, place, usize::from(area.width));
        canvas.frame.render_widget(line, row);
        if place == results.cursor.at {
            canvas.mark_row(row);
        }
        canvas.hits.push((row, Target::Item(place)));
    }
}

fn row_of(canvas: &Canvas<'_, '_>, found: &Match, place: usize, columns: usize) -> Line<'static> {
    let theme = canvas.theme;
    let results = &canvas.state.results;
    let mark = canvas.sign(results.mark(place));
    let bar_columns = if columns >= 40 { 10 } else { 4 };
    let bar = words::bar(f64::from(found.score).max(0.0), bar_columns);
    let date = found.photo.date.as_deref().and_then(|date| date.get(..10)).unwrap_or_default();
    let tail = if columns >= 46 { format!("  {:10} ", inert(date)) } else { String::new() };
    let room = columns.saturating_sub(bar_columns + 8 + words::width(&tail));
    Line::from(vec![
        mark,
        Span::raw(format!(" {:.2} ", found.score)),
        Span::styled(bar, theme.bar),
        Span::raw(" "),
        Span::raw(words::padded(&inert(&found.photo.name), room)),
        Span::styled(tail, theme.faint),
    ])
}

fn empty(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let results = &canvas.state.results;
    let theme = canvas.theme;
    let lines = if results.is_searching {
        vec![Line::styled(format!("{} searching among encrypted photos", canvas.spinner()), theme.faint)]
    } else if let Some(reason) = &results.error {
        vec![
            Line::styled("✗ the search failed", theme.bad),
            Line::styled(inert(reason).into_owned(), theme.faint),
            canvas.press(Action::Reload, "to try again"),
        ]
    } else if results.found().is_some_and(|found| found.compared == 0) {
        vec![
            Line::raw("the vault is empty: there is nothing to search"),
            canvas.press(Action::Files, "for the files, and index some"),
        ]
    } else if !results.reached().is_empty() {
        vec![Line::raw("no match has such a name"), canvas.press(Action::Back, "to clear the filter")]
    } else {
        let mut lines = vec![Line::raw(format!("nothing reaches {:.2}", results.threshold()))];
        if let Some(best) = results.nearest().first() {
            lines.push(canvas.press(Action::LowerThreshold, "to lower the threshold"));
            lines.push(Line::default());
            lines.push(Line::styled(format!("the most similar score {:.2} and less:", best.score), theme.faint));
        }
        for near in results.nearest() {
            let name = inert(&near.photo.name);
            let name = words::fit(&name, usize::from(area.width.saturating_sub(8)));
            lines.push(Line::styled(format!("{:.2} {name}", near.score), theme.faint));
        }
        lines
    };
    canvas.notice(area, lines);
}

fn preview(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let Some(found) = canvas.state.results.current() else {
        let inner = canvas.pane(area, "preview", Focus::Elsewhere);
        let line = Line::styled("the match under the cursor is shown here", canvas.theme.faint);
        return canvas.notice(inner, vec![line]);
    };
    picture::preview(canvas, area, &found.photo.name, Subject::Photo(found.photo.id), &mut |canvas, _| {
        let score = Span::raw(format!("similarity {:.4}", found.score));
        [vec![Line::from(score)], picture::facts(canvas, &found.photo)].concat()
    });
}

/// What the search took, and what is selected, in about so many columns.
pub(super) fn status(canvas: &Canvas<'_, '_>, columns: u16) -> Line<'static> {
    let results = &canvas.state.results;
    if results.is_searching {
        return Line::from(format!("{} searching", canvas.spinner()));
    }
    let Some(found) = results.found() else { return Line::default() };
    let timing = found.timing;
    let mut spans = Vec::new();
    if !results.selected.is_empty() {
        spans.push(Span::styled(format!("● {} selected  ", results.selected.len()), canvas.theme.selected));
    }
    if !results.filter.line.text().is_empty() {
        spans.push(Span::raw(format!("filter “{}”  ", inert(results.filter.line.text()))));
    }
    let total = words::milliseconds(timing.total());
    let compared = words::count(found.compared, "photo");
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
        .map(|(step, took)| format!("{step} {}", words::milliseconds(took)));
        spans.push(Span::styled(format!(": {}", each.join(" · ")), canvas.theme.faint));
    }
    Line::from(spans)
}
