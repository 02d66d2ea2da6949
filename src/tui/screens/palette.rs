//! The palette: actions by name, and commands with an argument.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::commands::{self, CommandKind};
use super::super::format;
use super::super::keymap::context;
use super::super::palette::{Choice, choices, orders};
use super::super::state::text_field::TextField;
use super::super::update::command_refusal;
use super::canvas::{Canvas, Focus, Target};
use crate::services::name::inert;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, window: Rect, filter: &TextField, at: usize) {
    let inner = canvas.pane(window, &format!("actions{}", canvas.closing()), Focus::Here);
    let [top, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
    let mut spans = vec![Span::styled(": ", canvas.theme.accent)];
    spans.extend(canvas.input_spans(filter));
    if filter.text().is_empty() {
        spans.push(Span::styled("type to find an action, or a command with an argument", canvas.theme.faint));
    }
    canvas.frame.render_widget(format::fit_line(Line::from(spans), usize::from(top.width)), top);
    let choices = choices(canvas.state, filter.text());
    let at = at.min(choices.len().saturating_sub(1));
    let lines = usize::from(body.height);
    let first = at.saturating_sub(lines.saturating_sub(1));
    let rows = Rect { width: body.width.saturating_sub(1), ..body };
    for ((place, choice), y) in choices.iter().enumerate().skip(first).zip(body.y..body.bottom()) {
        let row = Rect { y, height: 1, ..rows };
        let (text, tail, style) = match choice {
            Choice::Action(action) => {
                let keys = canvas.keymap.keys(&context::below_windows(canvas.state), *action).join("  ");
                (action.description().to_owned(), keys, canvas.theme.accent)
            }
            Choice::Command(command) => {
                (format!("{} {}", command.name, command.argument), command.description.to_owned(), canvas.theme.faint)
            }
            Choice::Line { line, note } => (inert(line).into_owned(), note.clone(), canvas.theme.faint),
        };
        let most = usize::from(row.width).saturating_sub(format::width(&text) + 4).max(usize::from(row.width) / 2);
        let tail = format::fit(&tail, most).into_owned();
        let room = usize::from(row.width).saturating_sub(format::width(&tail) + 2);
        let line = Line::from(vec![Span::raw(" "), Span::raw(format::padded(&text, room)), Span::styled(tail, style)]);
        canvas.frame.render_widget(line, row);
        if place == at {
            canvas.mark_row(row);
        }
        canvas.hits.push((row, Target::Choice(place)));
    }
    if choices.is_empty() {
        let text = match commands::parse(filter.text()) {
            None => "no action or command matches".to_owned(),
            Some((command, argument)) => match command_refusal(canvas.state, command.kind) {
                Some(reason) => reason.to_owned(),
                None if command.kind == CommandKind::Sort => {
                    let words: Vec<&str> = orders(canvas.state).into_iter().map(|(word, _)| word).collect();
                    format!("there is no order “{}”: it is one of {}", inert(argument), words.join(", "))
                }
                None => format!("type {}: {}", command.argument, command.description),
            },
        };
        return canvas.notice(body, vec![Line::raw(text)]);
    }
    let bar = Rect { x: body.right().saturating_sub(1), width: 1, ..body };
    canvas.scrollbar(bar, first, lines, choices.len(), &|line| line);
}
