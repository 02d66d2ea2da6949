//! The indexing run: a line below other tabs, and a tab of its own.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::state::indexing::{Indexing, RunStatus};
use super::canvas::{Canvas, Focus};
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
pub(super) fn numbers(run: &Indexing) -> String {
    let mut parts = vec![format!("{} of {}", run.processed(), run.total)];
    parts.extend(run.resumed_at().map(|photos| format!("resumed at {photos} of {}", run.total)));
    if run.is_running() {
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
        Span::raw(format!(" {}", numbers(run))),
    ];
    if run.failed > 0 {
        spans.push(Span::styled(format!(" · ✗ {} failed", run.failed), theme.bad));
    }
    let skipped = run.skipped.photos_and_videos();
    if skipped > 0 {
        spans.push(Span::styled(format!(" · ! {skipped} passed over"), theme.warning));
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
    let lines = overview(canvas, inner, run);
    let rows = u16::try_from(lines.len()).unwrap_or(inner.height);
    for (line, y) in lines.into_iter().zip(inner.y..inner.bottom()) {
        canvas.frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
    let below = Rect { y: inner.y + rows.min(inner.height), height: inner.height.saturating_sub(rows), ..inner };
    failures(canvas, below, run);
}

/// The status of the run; on a low screen the most important lines first, without empty ones.
fn overview(canvas: &Canvas<'_, '_>, area: Rect, run: &Indexing) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let (text, style) = status(canvas, run);
    let columns = usize::from(area.width.saturating_sub(4));
    let stage = |name: &str, path: &Option<std::path::PathBuf>| {
        let file = path.as_deref().and_then(std::path::Path::file_name).map(|file| file.to_string_lossy());
        let file = file.map_or("·".to_owned(), |file| inert(&file).into_owned());
        Line::from(vec![
            Span::styled(format!("  {name:<10}"), theme.faint),
            Span::raw(format::fit(&file, columns.saturating_sub(10)).into_owned()),
        ])
    };
    let plain = |text: String| format::wrap(&text, columns).into_iter().map(|line| Line::raw(format!("  {line}")));
    let gap = || (area.height >= 14).then(Line::default);
    let mut lines = Vec::new();
    lines.extend(gap());
    let (numbers, heading) = (numbers(run), Span::styled(format!("  {text}"), style));
    if heading.width() + format::width(&numbers) + 3 <= columns {
        lines.push(Line::from(vec![heading, Span::raw(format!("   {numbers}"))]));
    } else {
        lines.push(format::fit_line(Line::from(heading), usize::from(area.width)));
        lines.extend(plain(numbers));
    }
    lines.extend(gap());
    lines.push(Line::from(vec![
        Span::raw("  "),
        Span::styled(format::bar(run.fraction(), columns.saturating_sub(6)), theme.bar),
        Span::raw(format!(" {:>3.0} %", run.fraction() * 100.0)),
    ]));
    lines.extend(gap());
    lines.extend(plain(format!(
        "{} added · {} already in the vault · {} safe on disk · {}",
        run.added,
        run.already_present,
        run.committed,
        format::long_time(run.elapsed),
    )));
    let signed = |sign: &str, text: String, style: Style| {
        format::wrap(&format!("{sign} {}", inert(&text)), columns)
            .into_iter()
            .map(move |line| Line::from(vec![Span::raw("  "), Span::styled(line, style)]))
    };
    if let Some(error) = &run.error {
        lines.extend(signed("✗", error.clone(), theme.bad));
        lines.extend(plain("what was added is kept; index again to continue".to_owned()));
    }
    let skipped = run.skipped.photos_and_videos_in_words();
    lines.extend(skipped.into_iter().flat_map(|files| signed("!", format!("passed over {files}"), theme.warning)));
    if let (Some(files), 14..) = (run.skipped.others_in_words(), area.height) {
        lines.extend(signed("·", format!("passed over {files}"), theme.faint));
    }
    lines.extend(gap());
    lines.push(stage("reading", &run.stages.reading));
    lines.push(stage("features", &run.stages.features));
    lines.push(stage("sealing", &run.stages.sealing));
    lines.extend(gap());
    lines
}

fn failures(canvas: &mut Canvas<'_, '_>, area: Rect, run: &Indexing) {
    if run.failed == 0 || area.height < 2 {
        return;
    }
    let theme = canvas.theme;
    let title = format!("✗ {} could not be used", format::count(run.failed, "photo"));
    let title = Line::from(vec![Span::raw("  "), Span::styled(title, theme.bad)]);
    canvas.frame.render_widget(title, Rect { height: 1, ..area });
    let newest_first = run.failures.iter().rev();
    for (failure, y) in newest_first.zip(area.y + 1..area.bottom()) {
        let path = format::path(&failure.path);
        let columns = usize::from(area.width);
        let name = format::fit_end(&path, columns / 2).into_owned();
        let line = Line::from(vec![
            Span::raw(format!("    {name}  ")),
            Span::styled(inert(&failure.reason).into_owned(), theme.faint),
        ]);
        canvas.frame.render_widget(format::fit_line(line, columns), Rect { y, height: 1, ..area });
    }
}
