//! The known copies of the vault: where each is, how old it is, and its last check.

use std::path::Path;

use ratatui::text::{Line, Span};

use super::super::format;
use super::canvas::Canvas;
use crate::services::copies::{Check, KnownCopy};

/// The most copies that are named.
const MOST_COPIES: usize = 3;

/// A line for each copy that needs attention: one that is not current, or has damage.
pub(super) fn in_need(canvas: &Canvas<'_, '_>) -> Vec<Line<'static>> {
    let is_in_need =
        |copy: &&KnownCopy| copy.behind() != Some(0) || copy.last_check.is_some_and(|check| check.damages > 0);
    let copies: Vec<&KnownCopy> = canvas.state.collection.copies.iter().filter(is_in_need).collect();
    named(canvas, &copies, &|copy| {
        let place = format::path(Path::new(&copy.address));
        vec![Line::from(vec![
            Span::raw(format!("copy {place}  ")),
            age(canvas, copy),
            Span::raw("  "),
            health(canvas, copy),
        ])]
    })
}

/// Three lines for each copy, for a narrow pane.
pub(super) fn all(canvas: &Canvas<'_, '_>, columns: usize) -> Vec<Line<'static>> {
    let copies: Vec<&KnownCopy> = canvas.state.collection.copies.iter().collect();
    named(canvas, &copies, &|copy| {
        let place = format::path(Path::new(&copy.address));
        vec![
            Line::raw(format!("copy {}", format::fit_end(&place, columns.saturating_sub(5)))),
            Line::from(vec![Span::raw("  "), age(canvas, copy)]),
            Line::from(vec![Span::raw("  "), health(canvas, copy)]),
        ]
    })
}

/// The lines of the first copies, and how many more there are.
fn named(
    canvas: &Canvas<'_, '_>,
    copies: &[&KnownCopy],
    lines_of: &dyn Fn(&KnownCopy) -> Vec<Line<'static>>,
) -> Vec<Line<'static>> {
    let named = if copies.len() > MOST_COPIES { MOST_COPIES - 1 } else { copies.len() };
    let mut lines: Vec<_> = copies.iter().take(named).flat_map(|copy| lines_of(copy)).collect();
    if copies.len() > named {
        // At least two.
        let text = format!("and {} more: cipherlens copies lists all", copies.len() - named);
        lines.push(Line::styled(text, canvas.theme.faint));
    }
    lines
}

fn age(canvas: &Canvas<'_, '_>, copy: &KnownCopy) -> Span<'static> {
    let style = if copy.behind() == Some(0) { canvas.theme.faint } else { canvas.theme.warning };
    Span::styled(format!("generation {}, {}", copy.generation, copy.age_in_words()), style)
}

fn health(canvas: &Canvas<'_, '_>, copy: &KnownCopy) -> Span<'static> {
    let style = match copy.last_check {
        Some(Check { damages: 1.., .. }) => canvas.theme.bad,
        _ => canvas.theme.faint,
    };
    Span::styled(copy.health(), style)
}
