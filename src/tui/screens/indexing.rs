//! The indexing run: a line below other tabs, and a tab of its own.

mod failures;
mod outcomes;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::preview::Subject;
use super::super::state::indexing::{Indexing, RunStatus};
use super::canvas::{Canvas, Focus};
use super::contact_sheet;
use crate::services::name::inert;

/// The status of a run, with its sign and style.
fn status(canvas: &Canvas<'_, '_>, run: &Indexing) -> (String, Style) {
    let theme = canvas.theme;
    match run.status {
        RunStatus::Looking => (format!("{} looking for photos", canvas.spinner()), theme.text),
        RunStatus::Running => (format!("{} indexing", canvas.spinner()), theme.text),
        RunStatus::Paused => ("‖ paused".to_owned(), theme.warning),
        RunStatus::Stopping => (format!("{} stopping, saving progress", canvas.spinner()), theme.warning),
        RunStatus::Done => ("✓ done".to_owned(), theme.good),
        RunStatus::Stopped => ("■ stopped, progress saved".to_owned(), theme.warning),
        RunStatus::Failed => ("✗ failed".to_owned(), theme.bad),
    }
}

/// Progress, rate and remaining time.
fn pace(run: &Indexing) -> String {
    let mut parts = vec![format!("{} of {}", run.processed(), run.total)];
    if run.is_running() && run.status != RunStatus::Paused {
        parts.extend(run.rate().map(|rate| format!("{rate:.1} photos/s")));
        parts.extend(run.remaining().map(|left| format!("{} left", format::long_time(left))));
    }
    parts.join(" · ")
}

/// The same, and where a resumed run began.
pub(super) fn numbers(run: &Indexing) -> String {
    let mut parts = vec![format!("{} of {}", run.processed(), run.total)];
    parts.extend(run.resumed_at().map(|photos| format!("the first {photos} were in the vault")));
    if run.is_running() && run.status != RunStatus::Paused {
        parts.extend(run.rate().map(|rate| format!("{rate:.1} photos/s")));
        parts.extend(run.remaining().map(|left| format!("{} left", format::long_time(left))));
    }
    parts.join(" · ")
}

/// One line above the status line.
pub(super) fn strip(canvas: &mut Canvas<'_, '_>, area: Rect, run: &Indexing) {
    let theme = canvas.theme;
    let (text, style) = status(canvas, run);
    let bar_columns = if area.width >= 80 { 24 } else { 8 };
    let keys = [
        (Action::PauseIndexing, if run.status == RunStatus::Paused { "resume" } else { "pause" }),
        (Action::StopIndexing, "stop"),
    ];
    let mut spans = vec![
        Span::styled(format!(" {text} "), style),
        Span::styled(format::bar(run.fraction(), bar_columns), theme.bar),
        Span::raw(format!(" {}", pace(run))),
    ];
    if run.failed > 0 {
        spans.push(Span::styled(format!(" · ✗ {} failed", run.failed), theme.bad));
    }
    let skipped = run.skipped.photos_and_videos();
    if skipped > 0 {
        spans.push(Span::styled(format!(" · ! {skipped} passed over"), theme.warning));
    }
    if !canvas.state.queue.is_empty() {
        spans.push(Span::raw(format!(" · {} waiting", canvas.state.queue.len())));
    }
    spans.push(Span::raw("  "));
    spans.extend(canvas.hints(&keys).spans);
    canvas.frame.render_widget(format::fit_line(Line::from(spans), usize::from(area.width)), area);
}

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let inner = canvas.pane(area, "indexing", Focus::Here);
    let Some(run) = &canvas.state.indexing else {
        let mut lines = vec![Line::raw("nothing is being indexed")];
        lines.extend(canvas.press(Action::Files, "to go to Files and index some"));
        return canvas.notice(inner, lines);
    };
    let gap = || (inner.height >= 16).then(Line::default);
    let mut above: Vec<Line<'static>> = Vec::new();
    above.extend(gap());
    above.extend(heading(canvas, inner, run));
    above.extend(gap());
    above.extend(outcomes::lines(canvas, inner, run));
    above.extend(gap());
    above.extend(if run.is_running() { now(canvas, inner, run) } else { next_steps(canvas, run) });
    if !canvas.state.queue.is_empty() {
        above.extend(gap().filter(|_| inner.height >= 24));
        above.extend(queue(canvas, inner));
    }
    let rows = u16::try_from(above.len()).unwrap_or(inner.height).min(inner.height);
    draw_lines(canvas, inner, above);
    let below = Rect { y: inner.y + rows, height: inner.height - rows, ..inner };
    let has_thumbnails = canvas.pictures.encoder().is_some() && !run.shown().is_empty();
    let most = if has_thumbnails { (below.height / 2).max(4) } else { below.height };
    let failed = failures::rows(run, below.height.min(most));
    let sheet = Rect { height: if has_thumbnails { below.height - failed } else { 0 }, ..below };
    added(canvas, sheet, run);
    failures::draw(canvas, Rect { y: sheet.bottom(), height: failed, ..below }, run);
}

fn draw_lines(canvas: &mut Canvas<'_, '_>, area: Rect, lines: Vec<Line<'static>>) {
    for (line, y) in lines.into_iter().zip(area.y..area.bottom()) {
        canvas.frame.render_widget(format::fit_line(line, usize::from(area.width)), Rect { y, height: 1, ..area });
    }
}

/// Status, numbers and bar.
fn heading(canvas: &Canvas<'_, '_>, area: Rect, run: &Indexing) -> Vec<Line<'static>> {
    let (text, style) = status(canvas, run);
    let columns = usize::from(area.width.saturating_sub(4));
    let mut lines = Vec::new();
    let time = format::long_time(run.elapsed);
    let time = if run.is_running() { format!("{time} so far") } else { format!("in {time}") };
    let (numbers, heading) = (format!("{} · {time}", numbers(run)), Span::styled(format!("  {text}"), style));
    if heading.width() + format::width(&numbers) + 3 <= columns {
        lines.push(Line::from(vec![heading, Span::raw(format!("   {numbers}"))]));
    } else {
        lines.push(Line::from(heading));
        lines.extend(format::wrap(&numbers, columns).into_iter().map(|line| Line::raw(format!("  {line}"))));
    }
    lines.push(Line::from(vec![
        Span::raw("  "),
        Span::styled(format::bar(run.fraction(), columns.saturating_sub(6)), canvas.theme.bar),
        Span::raw(format!(" {:>3.0} %", run.fraction() * 100.0)),
    ]));
    lines
}

/// The folder and the files that the run is at, and its time.
fn now(canvas: &Canvas<'_, '_>, area: Rect, run: &Indexing) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let columns = usize::from(area.width.saturating_sub(14));
    let fact = |name: &str, value: String| {
        Line::from(vec![Span::styled(format!("  {name:<10}"), theme.faint), Span::raw(value)])
    };
    let stages = &run.stages;
    let newest = stages.reading.as_ref().or(stages.features.as_ref()).or(stages.sealing.as_ref());
    let folder = newest.and_then(|path| path.parent()).map(format::path).unwrap_or("·".to_owned());
    let name = |path: &Option<std::path::PathBuf>| {
        let file = path.as_deref().and_then(std::path::Path::file_name).map(|file| file.to_string_lossy());
        file.map_or("·".to_owned(), |file| inert(&file).into_owned())
    };
    let mut lines = vec![fact("folder", format::fit_end(&folder, columns).into_owned())];
    // Where there is little room, thumbnails say more.
    if area.height >= 22 {
        let stages = [("reading", &stages.reading), ("features", &stages.features), ("sealing", &stages.sealing)];
        lines.extend(stages.map(|(stage, path)| fact(stage, format::fit(&name(path), columns).into_owned())));
    }
    lines
}

/// What can be done after the run.
fn next_steps(canvas: &Canvas<'_, '_>, run: &Indexing) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if run.status != RunStatus::Done {
        lines.push(Line::raw("what was added is kept; index again to continue"));
    }
    if run.added + run.already_present > 0 {
        lines.extend(canvas.press(Action::Vault, "to see the photos in the vault"));
    }
    lines.extend(canvas.press(Action::Files, "to add more from the files"));
    lines.into_iter().map(|line| Line::from([vec![Span::raw("  ")], line.spans].concat())).collect()
}

/// Runs of the queue that are listed.
const LISTED: usize = 3;

/// What waits for the run to end.
fn queue(canvas: &Canvas<'_, '_>, area: Rect) -> Vec<Line<'static>> {
    let (queue, theme) = (&canvas.state.queue, canvas.theme);
    let columns = usize::from(area.width.saturating_sub(4));
    let mut lines = Vec::new();
    for (at, run) in queue.iter().take(LISTED).enumerate() {
        let first = run.paths.first().map(|path| format::path(path)).unwrap_or_default();
        let mut about = String::new();
        if run.paths.len() > 1 {
            about.push_str(&format!(" and {} more", run.paths.len() - 1));
        }
        about.extend(run.new_photos.map(|photos| format!(" · {photos}")));
        let place = if at == 0 { "next" } else { "then" };
        let room = columns.saturating_sub(format::width(&about) + 10);
        lines.push(Line::from(vec![
            Span::styled(format!("  {place:<10}"), theme.faint),
            Span::raw(format::fit_end(&first, room).into_owned()),
            Span::styled(about, theme.faint),
        ]));
    }
    if queue.len() > LISTED {
        lines.push(Line::styled(format!("            and {} more", queue.len() - LISTED), theme.faint));
    }
    lines
}

/// Thumbnails of the photos added last. None while the vault is locked: their names are not known then.
fn added(canvas: &mut Canvas<'_, '_>, area: Rect, run: &Indexing) {
    // An empty row above.
    let sheet = Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(1),
    };
    if sheet.height < contact_sheet::LOWEST {
        return;
    }
    let photos: Vec<Subject> = run.shown().iter().cloned().map(Subject::File).collect();
    contact_sheet::draw(canvas, sheet, &photos);
}
