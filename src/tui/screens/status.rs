//! What the lines at the bottom of every screen say: news and key hints.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::keymap::context::{self, Context};
use super::super::palette::choices;
use super::super::state::overlay::Overlay;
use super::super::state::vault::Task;
use super::canvas::{Canvas, Target};
use super::overlay;
use crate::services::name::inert;

/// A message that is cut says where the rest is if it has at least this many columns.
const MORE_COLUMNS: usize = 30;

/// What the vault is busy with, or the newest unread message.
pub(super) fn news(canvas: &Canvas<'_, '_>, columns: usize) -> Option<Line<'static>> {
    let state = canvas.state;
    if let Some(task) = state.collection.task {
        let mut parts = vec![format!("{} {}", canvas.spinner(), working_on(task))];
        if task == Task::Checking {
            let (checking, all) = (&state.collection.checking, state.collection.list.items().len());
            parts.push(format!("{} of {all}", checking.photos.min(all)));
            parts.extend(checking.rate().map(|rate| format!("{rate:.0} photos/s")));
            parts.extend(checking.remaining(all).map(|left| format!("{} left", format::long_time(left))));
            parts.extend((checking.damages > 0).then(|| format!("✗ {} damaged", checking.damages)));
        }
        return Some(Line::from(parts.join(" · ")));
    }
    let message = state.messages.unread()?;
    let (sign, style) = canvas.severity(message.severity);
    let text = inert(&message.text);
    let mut spans = vec![Span::styled(format!("{sign} "), style)];
    let room = columns.saturating_sub(format::width(sign) + 1);
    // Errors end in advice, which must not be lost: the list of messages has it all.
    match canvas.hint_key(Action::Log).map(|key| format!(" {key} more")) {
        Some(more) if format::width(&text) > room && room > MORE_COLUMNS => {
            spans.push(Span::raw(format::fit(&text, room - format::width(&more)).into_owned()));
            spans.push(Span::styled(more, canvas.theme.accent));
        }
        _ => spans.push(Span::raw(text.into_owned())),
    }
    Some(Line::from(spans))
}

fn working_on(task: Task) -> &'static str {
    match task {
        Task::Accepting => "accepting this copy",
        Task::Removing => "removing",
        Task::Checking => "checking every byte of the vault",
        Task::Opening => "opening in another program",
        Task::Downloading => "sending through the terminal",
    }
}

/// Key hints of a window or else of what is below it, as many as fit.
pub(super) fn hint_bar(canvas: &mut Canvas<'_, '_>, area: Rect, hinted: &[(Action, &'static str)]) {
    let state = canvas.state;
    let theme = canvas.theme;
    let is_covered =
        overlay::place(canvas.frame.area(), state, canvas.keymap).is_some_and(|window| window.intersects(area));
    if area.height == 0 || is_covered {
        return;
    }
    let contexts = context::active(state);
    let key = |action| canvas.key(&contexts, action);
    let keys: Vec<(Option<String>, &str, Action)> = match &state.overlay {
        Some(Overlay::Palette { filter, .. }) => {
            let choices = choices(state, filter.text()).len();
            let moving = canvas.up_and_down(&contexts, Action::Up, Action::Down);
            vec![
                (key(Action::Submit).filter(|_| choices > 0), "run", Action::Submit),
                (moving.filter(|_| choices > 1), "move", Action::Down),
                (key(Action::Close), "close", Action::Close),
            ]
        }
        Some(Overlay::Help { .. }) => {
            vec![(canvas.key(&[Context::Window], Action::Close), "close", Action::Close)]
        }
        // The other windows show their keys themselves.
        Some(_) => Vec::new(),
        None if state.viewer.is_none() && state.typed_filter().is_some() => {
            vec![
                (key(Action::Submit), "apply", Action::Submit),
                (key(Action::ClearFilter), "clear", Action::ClearFilter),
            ]
        }
        None => hinted.iter().map(|(action, label)| (canvas.hint_key(*action), *label, *action)).collect(),
    };
    let mut room = usize::from(area.width.saturating_sub(2));
    let mut x = area.x + 1;
    for (key, label, action) in keys.into_iter().filter_map(|(key, label, action)| Some((key?, label, action))) {
        let width = format::width(&key) + format::width(label) + 3;
        if width > room {
            continue;
        }
        room -= width;
        let columns = u16::try_from(width).unwrap_or(0);
        let place = Rect { x, width: columns, ..area };
        let hint = [Span::styled(key, theme.accent), Span::styled(format!(" {label}  "), theme.faint)];
        canvas.frame.render_widget(Line::from_iter(hint), place);
        canvas.hits.push((Rect { width: columns - 2, ..place }, Target::Act(action)));
        x += columns;
    }
}
