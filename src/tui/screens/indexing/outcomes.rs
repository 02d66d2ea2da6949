//! What became of the photos of a run, by kind.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::super::format;
use super::super::super::state::indexing::Indexing;
use super::super::canvas::Canvas;
use crate::services::name::inert;

/// Columns of the numbers.
const NUMBER: usize = 7;

/// A line for each outcome. On a low screen only those that there are.
pub(super) fn lines(canvas: &Canvas<'_, '_>, area: Rect, run: &Indexing) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let columns = usize::from(area.width).saturating_sub(NUMBER + 3);
    let row = |photos: usize, label: &str, style: Style| {
        let style = if photos > 0 { style } else { theme.faint };
        let text = format::wrap(label, columns).into_iter().enumerate();
        let lines = text.map(move |(at, text)| {
            let number = if at == 0 { photos.to_string() } else { String::new() };
            // Not styled: bad news may be underlined.
            let indent = " ".repeat(NUMBER.saturating_sub(number.len()));
            Line::from(vec![Span::raw(indent), Span::styled(format!("{number} {text}"), style)])
        });
        lines.collect::<Vec<_>>()
    };
    let mut lines = row(run.added, &added(run), theme.good);
    lines.extend(row(run.already_present, "already in the vault", theme.text));
    let is_high = area.height >= 24;
    let with = |photos: usize| photos > 0 || is_high;
    if with(run.removed_before) {
        lines.extend(row(run.removed_before, "removed before and left out", theme.text));
    }
    if with(run.failed) {
        lines.extend(row(run.failed, "could not be used", theme.bad));
    }
    let unsupported: Vec<_> =
        run.skipped.unsupported.iter().map(|(format, files)| format!("{files} {format}")).collect();
    if with(unsupported.len()) {
        let kinds = if unsupported.is_empty() { String::new() } else { format!(": {}", unsupported.join(", ")) };
        let label = format!("passed over, formats that are not read yet{kinds}");
        lines.extend(row(run.skipped.photos_and_videos(), &label, theme.warning));
    }
    if let (Some(files), 14..) = (run.skipped.others_in_words(), area.height) {
        let others = run.skipped.other + run.skipped.hidden;
        lines.extend(row(others, &format!("passed over, not photos: {files}"), theme.faint));
    }
    if let Some(error) = &run.error {
        let error = format::wrap(&format!("✗ {}", inert(error)), usize::from(area.width.saturating_sub(4)));
        let lines_of = |line| Line::from(vec![Span::raw("  "), Span::styled(line, theme.bad)]);
        lines.extend(error.into_iter().map(lines_of));
    }
    lines
}

/// What is already sure to survive a power cut.
fn added(run: &Indexing) -> String {
    match run.added.saturating_sub(run.committed) {
        0 if run.added > 0 => "added, all of them saved".to_owned(),
        0 => "added".to_owned(),
        _ if run.committed == 0 => "added, to be saved in a few seconds".to_owned(),
        _ => format!("added, {} of them saved", run.committed),
    }
}
