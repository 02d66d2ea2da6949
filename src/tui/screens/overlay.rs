//! Windows over the tab or the photo view: help, palette, messages and questions.

use std::path::PathBuf;

use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::super::action::Action;
use super::super::format;
use super::super::keymap::context::{self, Context};
use super::super::keymap::{HelpLine, Keymap};
use super::super::state::State;
use super::super::state::indexing::Indexing;
use super::super::state::overlay::{Overlay, Question};
use super::super::state::results::Query;
use super::super::update::current_photo;
use super::canvas::{Canvas, Focus, Target};
use super::{older_copy, palette, plan};
use crate::services::name::inert;
use crate::services::vault_name::vault_name;

/// The area of the window. Needed before drawing, because no picture may lie under it.
pub(super) fn place(area: Rect, state: &State, keymap: &Keymap) -> Option<Rect> {
    let (columns, rows) = match state.overlay.as_ref()? {
        Overlay::Help { .. } => (96, keymap.help().len() as u16 + 4),
        Overlay::Palette { .. } => (72, 22),
        Overlay::Log { .. } => (area.width, area.height),
        Overlay::Confirm(Question::UseOlder(_)) => (older_copy::COLUMNS, older_copy::ROWS),
        // Wrapped lines need more rows.
        Overlay::Confirm(Question::TrustVault) => (64, if area.width < 64 { 14 } else { 9 }),
        Overlay::Confirm(Question::Quit | Question::ResumeIndexing(_) | Question::OpenOutside(_)) => {
            (64, if area.width < 64 { 12 } else { 8 })
        }
        Overlay::Plan(_) => (plan::COLUMNS, plan::ROWS),
        Overlay::Confirm(_) | Overlay::ExportTo { .. } => (64, if area.width < 64 { 9 } else { 7 }),
    };
    let margin = |size: u16| if size >= 60 { size - 4 } else { size };
    let [middle] = Layout::vertical([Constraint::Max(rows.min(margin(area.height)))]).flex(Flex::Center).areas(area);
    let [middle] =
        Layout::horizontal([Constraint::Max(columns.min(margin(area.width)))]).flex(Flex::Center).areas(middle);
    Some(middle)
}

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, window: Rect) {
    // A wide character cut by the window's edge would cover the edge.
    if let Some(x) = window.x.checked_sub(1) {
        for y in window.y..window.bottom() {
            let cell = &mut canvas.frame.buffer_mut()[(x, y)];
            if format::width(cell.symbol()) > 1 {
                cell.set_symbol(" ");
            }
        }
    }
    canvas.frame.render_widget(Clear, window);
    canvas.frame.buffer_mut().set_style(window, canvas.theme.text);
    canvas.hits.push((window, Target::Window));
    match &canvas.state.overlay {
        Some(Overlay::Help { filter, scroll }) => help(canvas, window, filter.text(), *scroll),
        Some(Overlay::Palette { filter, cursor }) => palette::draw(canvas, window, filter, cursor.at),
        Some(Overlay::Log { scroll }) => log(canvas, window, *scroll),
        Some(Overlay::Confirm(question)) => confirm(canvas, window, question),
        Some(Overlay::ExportTo { photos, folder }) => {
            let line = Line::from(canvas.input_spans(folder));
            let title = format!("export {} to", format::count(photos.len(), "photo"));
            let note = "decrypted copies are written there; existing files are kept";
            ask(canvas, window, &title, line, note, &[(Action::Submit, "export"), (Action::Close, "cancel")]);
        }
        Some(Overlay::Plan(shown)) => plan::draw(canvas, window, shown),
        None => {}
    }
}

/// The lines of the help that match `filter`.
#[must_use]
pub fn help_lines(keymap: &Keymap, filter: &str) -> Vec<HelpLine> {
    let mut lines = keymap.help();
    let wanted = filter.to_lowercase();
    lines.retain(|line| {
        line.action.description().contains(&wanted)
            || line.action.name().contains(&wanted)
            || line.keys.contains(filter)
    });
    lines
}

fn filter_line(canvas: &Canvas<'_, '_>, filter: &str, empty: &str) -> Line<'static> {
    let theme = canvas.theme;
    let mut spans = vec![Span::styled("› ", theme.accent)];
    if filter.is_empty() {
        spans.extend([Span::styled(" ", theme.cursor), Span::styled(empty.to_owned(), theme.faint)]);
    } else {
        spans.extend([Span::raw(filter.to_owned()), Span::styled(" ", theme.cursor)]);
    }
    Line::from(spans)
}

fn help(canvas: &mut Canvas<'_, '_>, window: Rect, filter: &str, scroll: usize) {
    let inner = canvas.pane(window, "keys", Focus::Here);
    let [top, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
    let prompt = format!("type to find a key{}", canvas.closing());
    canvas.frame.render_widget(filter_line(canvas, filter, &prompt), top);
    let mut lines = help_lines(canvas.keymap, filter);
    lines.sort_by_key(|line| line.context != Context::On(canvas.state.tab));
    let scroll = scroll.min(lines.len().saturating_sub(usize::from(body.height)));
    let keys_columns = usize::from(body.width / 3).min(24);
    let mut above = None;
    for (line, y) in lines.iter().skip(scroll).zip(body.y..body.bottom()) {
        let name = if above.replace(line.context) == Some(line.context) { "" } else { line.context.name() };
        let context = if body.width >= 60 { format!("{name:>10}  ") } else { String::new() };
        let spans = vec![
            Span::styled(context, canvas.theme.title),
            Span::styled(format::padded(&line.keys, keys_columns), canvas.theme.accent),
            Span::raw("  "),
            Span::raw(line.action.description()),
        ];
        let line = format::fit_line(Line::from(spans), usize::from(body.width));
        canvas.frame.render_widget(line, Rect { y, height: 1, ..body });
    }
    if lines.is_empty() {
        canvas.notice(body, vec![Line::raw("no key matches")]);
    }
    let bar = Rect { x: window.right().saturating_sub(1), width: 1, ..body };
    canvas.scrollbar(bar, scroll, usize::from(body.height), lines.len(), &|line| line);
}

fn log(canvas: &mut Canvas<'_, '_>, window: Rect, scroll: usize) {
    let inner = canvas.pane(window, &format!("messages, newest first{}", canvas.closing()), Focus::Here);
    let messages = &canvas.state.messages;
    if messages.iter().len() == 0 {
        return canvas.notice(inner, vec![Line::raw("no messages")]);
    }
    let columns = usize::from(inner.width).saturating_sub(4);
    let scroll = scroll.min(messages.iter().len().saturating_sub(1));
    let mut y = inner.y;
    let mut shown = 0;
    'messages: for message in messages.iter().rev().skip(scroll) {
        let (sign, style) = canvas.severity(message.severity);
        for (row, text) in format::wrap(&inert(&message.text), columns).into_iter().enumerate() {
            if y == inner.bottom() {
                break 'messages;
            }
            let sign = if row == 0 { sign } else { " " };
            let line = Line::from(vec![Span::styled(format!(" {sign} "), style), Span::raw(text)]);
            canvas.frame.render_widget(line, Rect { y, height: 1, ..inner });
            y += 1;
        }
        shown += 1;
    }
    let bar = Rect { x: window.right().saturating_sub(1), width: 1, ..inner };
    canvas.scrollbar(bar, scroll, shown, messages.iter().len(), &|line| line);
}

fn confirm(canvas: &mut Canvas<'_, '_>, window: Rect, question: &Question) {
    let photos = |count: usize| format::count(count, "photo");
    let note;
    let (title, line, note, yes) = match question {
        Question::Remove(ids) => {
            let name = match (&ids[..], current_photo(canvas.state)) {
                ([id], Some(Query::Stored(photo))) if photo.id == *id => inert(&photo.name).into_owned(),
                _ => photos(ids.len()),
            };
            ("remove", format!("Remove {name} from the vault?"), "this cannot be undone", "remove")
        }
        Question::OpenOutside(_) => (
            "open in another program",
            "Give a decrypted copy to another program?".to_owned(),
            "a private copy, wiped on lock and exit; what the other program keeps cannot be wiped",
            "open",
        ),
        Question::Download(ids) => (
            "download",
            format!("Send {}, decrypted, through the terminal?", photos(ids.len())),
            "the terminal stores them on the machine in front of you",
            "send",
        ),
        Question::QuitExporting => (
            "quit",
            "Photos are being exported. Stop the export and quit?".to_owned(),
            "exported photos are kept; export again to continue",
            "quit",
        ),
        Question::Quit => {
            let run = canvas.state.indexing.as_ref();
            // The run may end while the question is shown.
            let line = if run.is_some_and(Indexing::is_running) { "Indexing is still running. Quit?" } else { "Quit?" };
            note = run.map(|run| before_quitting(run, canvas.state.queue.len())).unwrap_or_default();
            ("quit", line.to_owned(), note.as_str(), "quit")
        }
        Question::UseOlder(age) => return older_copy::ask(canvas, window, *age),
        Question::TrustVault => {
            let line = Line::raw("Another vault is here than before. Trust it from now on?");
            let note = "Yours may have been moved or made anew. If not, somebody put another one in its place, to see \
                        what you add.";
            let keys = [(Action::TrustVault, "trust it"), (Action::No, "leave it closed")];
            let name = canvas.state.untrusted.as_ref().map(|untrusted| vault_name(&untrusted.vault));
            let title = format!("another vault: {}", name.unwrap_or_default());
            return ask(canvas, window, &title, line, note, &keys);
        }
        Question::ResumeIndexing(roots) => {
            note = interrupted(roots);
            let line = Line::raw("An indexing run was interrupted. Resume it?");
            let keys = [(Action::Yes, "resume"), (Action::No, "do not ask again"), (Action::Close, "later")];
            return ask(canvas, window, "interrupted indexing", line, &note, &keys);
        }
    };
    ask(canvas, window, title, Line::raw(line), note, &[(Action::Yes, yes), (Action::Close, "cancel")]);
}

/// What happens to a run if the program quits.
fn before_quitting(run: &Indexing, waiting: usize) -> String {
    if !run.is_running() {
        return format!("indexing has ended; {} safe in the vault", run.committed);
    }
    let sealed = run.added.saturating_sub(run.committed);
    let mut kept = Vec::new();
    if run.committed > 0 {
        kept.push(format!("{} safe in the vault", run.committed));
    }
    if sealed > 0 {
        kept.push(format!("{sealed} encrypted, saved before the program ends"));
    }
    if run.total > 0 {
        kept.push(format!("{} to go", run.total.saturating_sub(run.processed())));
    }
    if waiting > 0 {
        kept.push(format!("{} to begin", format::count(waiting, "waiting run")));
    }
    kept.push("the next start offers to resume".to_owned());
    kept.join("; ")
}

/// The paths of an interrupted run, in short.
fn interrupted(roots: &[PathBuf]) -> String {
    let mut text = roots.first().map(|root| format::path(root)).unwrap_or_default();
    if roots.len() > 1 {
        text.push_str(&format!(" and {} more", roots.len() - 1));
    }
    text.push_str("; photos already in the vault are skipped");
    text
}

fn ask(
    canvas: &mut Canvas<'_, '_>,
    window: Rect,
    title: &str,
    line: Line<'static>,
    note: &str,
    keys: &[(Action, &'static str)],
) {
    let theme = canvas.theme;
    let inner = canvas.pane(window, title, Focus::Here);
    let contexts = context::active(canvas.state);
    let mut spans = Vec::new();
    let mut buttons = Vec::new();
    let mut x = inner.x + 1;
    for (action, label) in keys {
        if let Some(key) = canvas.key(&contexts, *action) {
            let columns = u16::try_from(format::width(&key) + format::width(label) + 4).unwrap_or(0);
            buttons.push((Rect { x, width: columns.saturating_sub(3), height: 1, ..inner }, *action));
            x += columns;
            spans.extend([Span::styled(key, theme.accent), Span::styled(format!(" {label}   "), theme.faint)]);
        }
    }
    let columns = usize::from(inner.width.saturating_sub(2));
    let is_high = inner.height >= 5;
    let mut lines = Vec::new();
    lines.extend(is_high.then(Line::default));
    lines.push(line);
    let notes = if is_high { format::wrap(note, columns) } else { vec![format::fit(note, columns).into_owned()] };
    lines.extend(notes.into_iter().map(|note| Line::styled(note, theme.faint)));
    lines.extend([Line::default(), Line::from(spans)]);
    let hidden = lines.len().saturating_sub(usize::from(inner.height));
    if hidden > 0 {
        // Drop the empty lines first.
        lines.retain(|line| line.width() > 0);
    }
    let last = lines.len();
    for ((number, line), y) in (1..).zip(lines).zip(inner.y..inner.bottom()) {
        let row = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), y, height: 1 };
        canvas.frame.render_widget(format::fit_line(line, columns), row);
        if number == last {
            let place = |(button, action): &(Rect, Action)| (Rect { y, ..*button }.intersection(inner), *action);
            canvas.hits.extend(buttons.iter().map(place).map(|(button, action)| (button, Target::Act(action))));
        }
    }
}
