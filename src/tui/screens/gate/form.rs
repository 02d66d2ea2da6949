//! The form that the unlock screens share: a window in the middle, its fields, and its errors.

use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::super::state::line::{Line as Input, Passphrase};
use super::super::super::words;
use super::super::canvas::{Canvas, Focus};
use crate::services::name::inert;

/// The widest a form gets, in columns.
pub(super) const WIDEST: u16 = 76;

/// A form in the middle, as high as its lines.
pub(super) fn form(canvas: &mut Canvas<'_, '_>, area: Rect, title: &str, lines: Vec<Line<'static>>) {
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let [middle] = Layout::vertical([Constraint::Length(rows)]).flex(Flex::Center).areas(area);
    let [middle] = Layout::horizontal([Constraint::Max(WIDEST)]).flex(Flex::Center).areas(middle);
    let inner = canvas.pane(middle, title, Focus::Here);
    // On a small screen the last lines matter most: the field, and what is wrong with it.
    let hidden = lines.len().saturating_sub(usize::from(inner.height));
    for (line, y) in lines.into_iter().skip(hidden).zip(inner.y..inner.bottom()) {
        let row = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), y, height: 1 };
        canvas.frame.render_widget(line, row);
    }
}

/// A passphrase field shows that something was typed, and neither what nor how much.
pub(super) fn secret_field(canvas: &Canvas<'_, '_>, passphrase: &Passphrase, focus: Focus) -> Vec<Span<'static>> {
    let theme = canvas.theme;
    let typed = if passphrase.is_empty() { "" } else { "typed, not shown" };
    let mut spans = vec![Span::styled(typed, theme.faint)];
    if focus == Focus::Here {
        spans.push(Span::styled(" ", theme.cursor));
    }
    spans
}

/// What is wrong, in as many lines as it takes where there is room for them; without an error, one empty line.
pub(super) fn error_lines(canvas: &Canvas<'_, '_>, error: Option<&str>, area: Rect) -> Vec<Line<'static>> {
    let Some(reason) = error else { return vec![Line::default()] };
    let columns = usize::from(area.width.min(WIDEST).saturating_sub(4));
    let text = format!("✗ {}", inert(reason));
    let lines =
        if area.height < 9 { vec![words::fit(&text, columns).into_owned()] } else { words::wrap(&text, columns) };
    lines.into_iter().map(|line| Line::from(Span::styled(line, canvas.theme.bad))).collect()
}

/// A field with its cursor, which only the field that takes the keys shows.
pub(super) fn text_field(canvas: &Canvas<'_, '_>, input: &Input, focus: Focus) -> Vec<Span<'static>> {
    match focus {
        Focus::Here => canvas.input_spans(input),
        Focus::Elsewhere => vec![Span::raw(inert(input.text()).into_owned())],
    }
}
