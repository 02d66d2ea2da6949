//! The screen for a vault that is not at its path.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::super::action::Action;
use super::super::super::format;
use super::super::super::state::lock_screen::{Choice, MissingVault};
use super::super::super::state::text_field::TextField;
use super::super::canvas::Canvas;
use super::form::{WIDEST, error_lines, form};
use crate::services::session::Presence;

/// Rows that the explanation and all choices need.
const ROWS_FOR_ALL: u16 = 12;

/// Key hints.
pub(super) fn keys(absent: &MissingVault) -> &'static [(Action, &'static str)] {
    if absent.other.is_some() {
        &[(Action::Submit, "open"), (Action::Skip, "back")]
    } else {
        &[(Action::Submit, "choose"), (Action::Up, "move"), (Action::Skip, "skip")]
    }
}

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, absent: &MissingVault) {
    let theme = canvas.theme;
    let columns = usize::from(area.width.min(WIDEST).saturating_sub(4));
    let has_all = area.height >= ROWS_FOR_ALL;
    let mut lines = Vec::new();
    if has_all {
        lines.extend([Line::default(), Line::styled("There is no vault at", theme.title)]);
    }
    lines.push(Line::raw(format::fit_end(&format::path(&absent.vault), columns).into_owned()));
    if has_all {
        let found = match absent.found {
            Presence::Folder => "The folder is there, without a vault in it. ",
            Presence::Vault | Presence::Nothing => "",
        };
        let why = format!(
            "{found}Its disk may not be mounted, or it was moved. Nothing is created here unless you choose that."
        );
        lines.extend(format::wrap(&why, columns).into_iter().map(|line| Line::styled(line, theme.faint)));
        lines.push(Line::default());
    }
    match &absent.other {
        Some(path) => lines.push(field(canvas, path, columns.saturating_sub(7))),
        None if absent.is_looking => lines.push(Line::raw(format!("{} looking", canvas.spinner()))),
        None => {
            let shown = Choice::ALL.into_iter().filter(|choice| has_all || *choice == absent.choice);
            for choice in shown {
                let (mark, style) =
                    if choice == absent.choice { ("▸ ", theme.accent) } else { ("  ", Default::default()) };
                let title = format::fit(choice.title(), columns.saturating_sub(2)).into_owned();
                lines.push(Line::from(vec![Span::styled(mark, theme.accent), Span::styled(title, style)]));
            }
        }
    }
    if has_all || absent.error.is_some() {
        lines.extend(error_lines(canvas, absent.error.as_deref(), area));
    }
    form(canvas, area, "cipherlens: no vault", lines);
}

/// The field for the path of another vault.
fn field(canvas: &Canvas<'_, '_>, path: &TextField, columns: usize) -> Line<'static> {
    let mut spans = vec![Span::styled("vault  ", canvas.theme.title)];
    spans.extend(canvas.input_spans(path, columns));
    Line::from(spans)
}
