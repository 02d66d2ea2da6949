//! The running export, as one line below the tab.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::state::exporting::Exporting;
use super::canvas::Canvas;

/// Progress, rate, remaining time, and the key that stops it.
pub(super) fn strip(canvas: &mut Canvas<'_, '_>, area: Rect, run: &Exporting) {
    let theme = canvas.theme;
    let (text, style) =
        if run.is_stopping { ("stopping the export", theme.warning) } else { ("exporting", theme.text) };
    let mut numbers = vec![format!("{} of {}", run.progress.done, run.progress.total)];
    numbers.extend(run.rate().map(|rate| format!("{rate:.1} photos/s")));
    numbers.extend(run.remaining().map(|left| format!("{} left", format::long_time(left))));
    let bar_columns = if area.width >= 80 { 24 } else { 8 };
    let mut spans = vec![
        Span::styled(format!(" {} {text} ", canvas.spinner()), style),
        Span::styled(format::bar(run.fraction(), bar_columns), theme.bar),
        Span::raw(format!(" {}", numbers.join(" · "))),
    ];
    if run.progress.failed > 0 {
        spans.push(Span::styled(format!(" · ✗ {} failed", run.progress.failed), theme.bad));
    }
    spans.push(Span::raw("  "));
    spans.extend(canvas.hints(&[(Action::StopExport, "stop")]).spans);
    canvas.frame.render_widget(format::fit_line(Line::from(spans), usize::from(area.width)), area);
}
