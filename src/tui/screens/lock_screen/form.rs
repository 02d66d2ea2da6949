//! The form of the screens that ask for a vault: a centred window, its fields, and its errors.

use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::super::format;
use super::super::super::state::text_field::{PassphraseField, TextField};
use super::super::canvas::{Canvas, Focus};
use crate::services::name::inert;

/// The widest a form gets, in columns.
pub(super) const WIDEST: u16 = 76;

/// Draws a centred form, as high as its lines.
pub(super) fn form(canvas: &mut Canvas<'_, '_>, area: Rect, title: &str, lines: Vec<Line<'static>>) {
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let [middle] = Layout::vertical([Constraint::Length(rows)]).flex(Flex::Center).areas(area);
    let [middle] = Layout::horizontal([Constraint::Max(WIDEST)]).flex(Flex::Center).areas(middle);
    let inner = canvas.pane(middle, title, Focus::Here);
    // On a small screen keep the last lines: the field and its error.
    let hidden = lines.len().saturating_sub(usize::from(inner.height));
    for (line, y) in lines.into_iter().skip(hidden).zip(inner.y..inner.bottom()) {
        let row = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), y, height: 1 };
        canvas.frame.render_widget(line, row);
    }
}

/// A passphrase field shows that something was typed, but neither what nor how much.
pub(super) fn secret_field(canvas: &Canvas<'_, '_>, passphrase: &PassphraseField, focus: Focus) -> Vec<Span<'static>> {
    let theme = canvas.theme;
    let typed = if passphrase.is_empty() { "" } else { "typed, not shown" };
    let mut spans = vec![Span::styled(typed, theme.faint)];
    if focus == Focus::Here {
        spans.push(Span::styled(" ", theme.cursor));
    }
    spans
}

/// The error, wrapped where there is room for it; one empty line without an error.
pub(super) fn error_lines(canvas: &Canvas<'_, '_>, error: Option<&str>, area: Rect) -> Vec<Line<'static>> {
    let Some(reason) = error else { return vec![Line::default()] };
    let columns = usize::from(area.width.min(WIDEST).saturating_sub(4));
    let text = format!("✗ {}", inert(reason));
    let lines =
        if area.height < 9 { vec![format::fit(&text, columns).into_owned()] } else { format::wrap(&text, columns) };
    lines.into_iter().map(|line| Line::from(Span::styled(line, canvas.theme.bad))).collect()
}

/// A text field of this many columns; only a focused one shows its cursor.
pub(super) fn text_field(
    canvas: &Canvas<'_, '_>,
    input: &TextField,
    focus: Focus,
    columns: usize,
) -> Vec<Span<'static>> {
    match focus {
        Focus::Here => canvas.input_spans(input, columns),
        Focus::Elsewhere => vec![Span::raw(format::fit_end(&inert(input.text()), columns).into_owned())],
    }
}
