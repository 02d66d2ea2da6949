//! The window that shows what a run would add, before it begins.

use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::keymap::context;
use super::super::state::indexing::Indexing;
use super::super::state::intake::Plan;
use super::canvas::{Canvas, Focus};
use crate::services::survey::{Extent, NewPhotos};

/// Columns of the window.
pub(super) const COLUMNS: u16 = 72;
/// Rows of the window.
pub(super) const ROWS: u16 = 14;

/// Draws the window. Where there is little room, the empty lines go first and then what would be passed over.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, window: Rect, plan: &Plan) {
    let theme = canvas.theme;
    let inner = canvas.pane(window, "add to the vault", Focus::Here);
    let columns = usize::from(inner.width.saturating_sub(2));
    let mut lines = vec![Line::styled(paths(plan, columns), theme.title), Line::default()];
    lines.extend(counts(canvas, plan));
    lines.extend(time(canvas, plan));
    lines.extend(passed_over(canvas, plan, columns));
    let keys = keys(canvas, plan);
    let room = usize::from(inner.height).saturating_sub(2);
    if lines.len() > room {
        lines.retain(|line| line.width() > 0);
        lines.truncate(room.max(1));
    }
    let above = lines.len() < usize::from(inner.height).saturating_sub(2);
    let rows = inner.y + u16::from(above)..inner.bottom().saturating_sub(1);
    for (line, y) in lines.into_iter().zip(rows) {
        let row = Rect { x: inner.x + 1, y, width: inner.width.saturating_sub(2), height: 1 };
        canvas.frame.render_widget(format::fit_line(line, columns), row);
    }
    let last =
        Rect { x: inner.x + 1, y: inner.bottom().saturating_sub(1), width: inner.width.saturating_sub(2), height: 1 };
    canvas.frame.render_widget(format::fit_line(Line::from(keys), columns), last.intersection(inner));
}

fn paths(plan: &Plan, columns: usize) -> String {
    let paths = &plan.request.paths;
    let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
    let first = paths.first().map(|path| format::path(path)).unwrap_or_default();
    format!("{}{more}", format::fit_end(&first, columns.saturating_sub(more.len())))
}

/// How many photos there are, and how many of them are new.
fn counts(canvas: &Canvas<'_, '_>, plan: &Plan) -> Vec<Line<'static>> {
    let (survey, theme) = (&plan.survey, canvas.theme);
    let photos = format!("{}, {}", format::count(survey.photos, "photo"), format::size(survey.bytes));
    let spinner = canvas.spinner();
    if survey.found == Extent::Partial {
        return vec![Line::from(vec![
            Span::raw(photos),
            Span::styled(format!(" so far {spinner} looking"), theme.faint),
        ])];
    }
    let new = survey.new_photos();
    let size = format::size(survey.bytes.saturating_sub(survey.stored_bytes));
    let stored = match (survey.stored, survey.compared) {
        (0, Extent::Whole) => String::new(),
        (stored, Extent::Whole) => format!(" · {stored} already in the vault"),
        (0, Extent::Partial) => " · not all compared with the vault".to_owned(),
        (stored, Extent::Partial) => format!(" · {stored} in the vault, not all compared"),
    };
    let line = if survey.photos == 0 {
        Line::styled("nothing to add: no photo is here", theme.warning)
    } else if survey.has_nothing_new() {
        Line::styled("nothing new: the vault holds all of them", theme.stored)
    } else if !survey.is_over {
        Line::styled(format!("{} already in the vault so far {spinner} comparing", survey.stored), theme.faint)
    } else if new == NewPhotos::Exactly(survey.photos) {
        Line::styled("all of them are new", theme.good)
    } else {
        Line::from(vec![Span::styled(format!("{new}, {size}"), theme.good), Span::styled(stored, theme.faint)])
    };
    vec![Line::raw(photos), line]
}

/// How long it may take, and when it begins.
fn time(canvas: &Canvas<'_, '_>, plan: &Plan) -> Vec<Line<'static>> {
    let (survey, theme) = (&plan.survey, canvas.theme);
    if survey.has_nothing_new() {
        return Vec::new();
    }
    let run = canvas.state.indexing.as_ref();
    let pace = run.and_then(Indexing::pace).filter(|_| survey.is_over);
    let photos = survey.photos.saturating_sub(survey.stored);
    let mut lines = Vec::new();
    lines.extend(pace.map(|pace| {
        let time = Duration::try_from_secs_f64(photos as f64 / pace).unwrap_or(Duration::MAX);
        Line::styled(format!("about {} at {pace:.1} photos/s, as before", format::long_time(time)), theme.faint)
    }));
    if run.is_some_and(Indexing::is_running) {
        let waiting = match canvas.state.queue.len() {
            0 => "begins when the run under way has ended".to_owned(),
            runs => format!("begins after the run under way and {runs} of the queue"),
        };
        lines.push(Line::styled(waiting, theme.faint));
    }
    lines
}

/// What would be passed over, and what cannot be read.
fn passed_over(canvas: &Canvas<'_, '_>, plan: &Plan, columns: usize) -> Vec<Line<'static>> {
    let (survey, theme) = (&plan.survey, canvas.theme);
    let wrapped = |sign: &str, text: String, style| {
        let lines = format::wrap(&format!("{sign} {text}"), columns);
        lines.into_iter().map(move |line| Line::styled(line, style)).collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    if survey.unreadable > 0 {
        let text = format!("{} cannot be used", format::count(survey.unreadable, "path"));
        lines.extend(wrapped("!", text, theme.warning));
    }
    let unsupported = survey.skipped.photos_and_videos_in_words();
    lines.extend(unsupported.into_iter().flat_map(|files| wrapped("!", format!("passes over {files}"), theme.warning)));
    let others = survey.skipped.others_in_words();
    lines.extend(others.into_iter().flat_map(|files| wrapped("·", format!("passes over {files}"), theme.faint)));
    if !lines.is_empty() {
        lines.insert(0, Line::default());
    }
    lines
}

fn keys(canvas: &Canvas<'_, '_>, plan: &Plan) -> Vec<Span<'static>> {
    let contexts = context::active(canvas.state);
    let key = |action| canvas.key(&contexts, action);
    if plan.survey.has_nothing_new() {
        return canvas.key_spans([(key(Action::Submit).or(key(Action::Close)), "close")]);
    }
    let is_running = canvas.state.indexing.as_ref().is_some_and(Indexing::is_running);
    let submit = if is_running { "add after the run under way" } else { "add" };
    canvas.key_spans([(key(Action::Submit), submit), (key(Action::Close), "cancel")])
}
