//! The question about a copy of the vault that is not the newest: what is known of it, and the ways out.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::keymap::context;
use super::canvas::{Canvas, Focus};
use crate::services::copies::{Advice, AdvisedAction};
use crate::services::open_vault::CopyAge;

/// Columns of the window.
pub(super) const COLUMNS: u16 = 72;

/// Rows of the window, for the longest explanation with a command of two lines.
pub(super) const ROWS: u16 = 14;

/// The title, and what is known of the copy.
fn explanation(age: CopyAge) -> (&'static str, String) {
    match age {
        CopyAge::Newest => ("a copy of the vault", "This copy of the vault is the newest.".to_owned()),
        CopyAge::Older { found, seen } => (
            "an older copy of the vault",
            format!(
                "This machine has seen a newer copy of this vault: that one has generation {seen}, this one has \
                 generation {found}. It may be a backup that was restored; if not, somebody may have put an old copy \
                 back."
            ),
        ),
        CopyAge::Forked { found, seen } => (
            "two copies were changed separately",
            format!(
                "Photos were added or removed here (generation {found}) and in another copy that this machine has seen \
                 (generation {seen}), neither knowing of the other. Each may have photos that the other one lacks."
            ),
        ),
        CopyAge::Unproven { found, seen } => (
            "nobody can tell whether this is the newest copy",
            format!(
                "This machine has seen generation {seen} of this vault. What this copy (generation {found}) records of \
                 its past begins later, or is damaged. An upgrade or a repair on another machine does that; if there \
                 was none, somebody may have put another copy here."
            ),
        ),
    }
}

/// What using the copy from now on means.
fn price(age: CopyAge) -> &'static str {
    match age {
        CopyAge::Newest | CopyAge::Unproven { .. } => "use it from now on",
        CopyAge::Older { .. } => "use it from now on, without what only the newer one has",
        CopyAge::Forked { .. } => "use it from now on, without what only the other one has",
    }
}

/// What the command that brings two copies together is for, and the command.
fn command(age: CopyAge, advice: Option<&Advice>) -> Option<(&'static str, String)> {
    let purpose = |action| match action {
        AdvisedAction::Update => "To bring this copy up to date instead, quit and run:",
        AdvisedAction::Merge => "To have the photos of both instead, quit and run:",
    };
    match (advice, age) {
        (Some(advice), _) => Some((purpose(advice.action), advice.command.clone())),
        // The other copy is at no address that this machine knows.
        (None, CopyAge::Older { .. }) => {
            Some((purpose(AdvisedAction::Update), "cipherlens push NEWER-COPY THIS-COPY".to_owned()))
        }
        (None, CopyAge::Forked { .. }) => {
            Some((purpose(AdvisedAction::Merge), "cipherlens merge OTHER-COPY THIS-COPY".to_owned()))
        }
        (None, CopyAge::Newest | CopyAge::Unproven { .. }) => None,
    }
}

/// Draws the question. Where there is little room the keys come first, then the explanation.
pub(super) fn ask(canvas: &mut Canvas<'_, '_>, window: Rect, age: CopyAge) {
    let theme = canvas.theme;
    let (title, explanation) = explanation(age);
    let inner = canvas.pane(window, title, Focus::Here);
    let columns = usize::from(inner.width.saturating_sub(2));
    let contexts = context::active(canvas.state);
    let rows = usize::from(inner.height);
    let labels = [(Action::No, "only read it: nothing is changed"), (Action::UseOlder, price(age))];
    let choice = |(action, label): &(Action, &'static str)| {
        let key = canvas.key(&contexts, *action)?;
        let indent = format::width(&key) + 2;
        let texts = format::wrap(label, columns.saturating_sub(indent));
        let line = move |(row, text): (usize, String)| {
            let key = if row == 0 { format!("{key}  ") } else { " ".repeat(indent) };
            Line::from(vec![Span::styled(key, theme.accent), Span::raw(text)])
        };
        Some(texts.into_iter().enumerate().map(line).collect::<Vec<_>>())
    };
    let wrapped: Vec<_> = labels.iter().filter_map(choice).collect();
    // On the smallest screens a line each.
    let all_rows = if wrapped.iter().map(Vec::len).sum::<usize>() > rows { 1 } else { usize::MAX };
    let choices: Vec<_> = wrapped.into_iter().flat_map(|lines| lines.into_iter().take(all_rows)).collect();
    let mut outside = Vec::new();
    if let Some((purpose, command)) = command(age, canvas.state.collection.advice.as_ref()) {
        outside.extend(format::wrap(purpose, columns).into_iter().map(|line| Line::styled(line, theme.faint)));
        outside.extend(format::wrap(&command, columns).into_iter().map(Line::raw));
    }
    let mut explanation: Vec<_> = format::wrap(&explanation, columns).into_iter().map(Line::raw).collect();
    if explanation.len() + choices.len() + outside.len() > rows {
        outside.clear();
    }
    explanation.truncate(rows.saturating_sub(choices.len()));
    let parts = [explanation, choices, outside];
    let empty_rows = rows.saturating_sub(parts.iter().map(Vec::len).sum());
    let mut lines = Vec::new();
    for (number, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
        if number < empty_rows {
            lines.push(Line::default());
        }
        lines.extend(part);
    }
    for (line, y) in lines.into_iter().zip(inner.y..inner.bottom()) {
        let row = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), y, height: 1 };
        canvas.frame.render_widget(format::fit_line(line, usize::from(row.width)), row);
    }
}
