//! The photos of a run that could not be used, each with the reason, newest first.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::super::format;
use super::super::super::state::Viewport;
use super::super::super::state::indexing::Indexing;
use super::super::canvas::Canvas;
use crate::services::name::inert;

/// Of `most` rows, those that an empty row, a title and the failures take.
pub(super) fn rows(run: &Indexing, most: u16) -> u16 {
    match u16::try_from(run.failures.len()).unwrap_or(u16::MAX) {
        0 => 0,
        failures => failures.saturating_add(2).min(most),
    }
}

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, run: &Indexing) {
    // Without the empty row where there is little room.
    let area = if area.height > 2 { Rect { y: area.y + 1, height: area.height - 1, ..area } } else { area };
    if area.height < 2 {
        return;
    }
    let theme = canvas.theme;
    let lines = usize::from(area.height - 1);
    canvas.viewport = Viewport { columns: 1, lines, ..canvas.viewport };
    let count = run.failures.len();
    let title = format!("✗ {} could not be used", format::count(run.failed, "photo"));
    let at = format!("   {} of {count}", run.failure.at + 1);
    let title = Line::from(vec![Span::raw("  "), Span::styled(title, theme.bad), Span::styled(at, theme.faint)]);
    canvas.frame.render_widget(title, Rect { height: 1, ..area });
    // The cursor in the middle as far as possible: the list grows while the run goes on.
    let first = run.failure.at.saturating_sub(lines / 2).min(count.saturating_sub(lines));
    let bar = Rect { x: area.right().saturating_sub(1), y: area.y + 1, width: 1, height: area.height - 1 };
    canvas.scrollbar(bar, first, lines, count, &|line| line);
    let newest_first = run.failures.iter().rev().enumerate().skip(first);
    for ((place, failure), y) in newest_first.zip(area.y + 1..area.bottom()) {
        let columns = usize::from(area.width.saturating_sub(1));
        let name = format::fit_end(&format::path(&failure.path), columns / 2).into_owned();
        let line = Line::from(vec![
            Span::raw(format!("    {name}  ")),
            Span::styled(inert(&failure.reason).into_owned(), theme.faint),
        ]);
        let row = Rect { y, height: 1, width: area.width.saturating_sub(1), ..area };
        canvas.frame.render_widget(format::fit_line(line, columns), row);
        if place == run.failure.at && count > 1 {
            canvas.mark_row(row);
        }
    }
}
