//! The first run and unlocking.

mod form;
mod missing_vault;

use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::keymap::context;
use super::super::preview::Subject;
use super::super::state::indexing::{Indexing, RunStatus};
use super::super::state::lock_screen::{FirstRun, LockScreen, Look, Step, Unlock};
use super::canvas::{Canvas, Focus};
use super::{indexing, picture};
use crate::services::passphrase_strength::{Strength, strength};
use form::{WIDEST, error_lines, form, secret_field, text_field};

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, lock_screen: &LockScreen) {
    let [form, hints] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    match lock_screen {
        LockScreen::Unlock(unlock) => draw_unlock(canvas, form, unlock),
        LockScreen::FirstRun(first) => draw_first_run(canvas, form, first),
        LockScreen::MissingVault(absent) => missing_vault::draw(canvas, form, absent),
    }
    let keys: &[(Action, &str)] = match lock_screen {
        LockScreen::Unlock(Unlock { is_working: true, look: Look::Asked, .. }) => &[(Action::Skip, "skip")],
        // The key is being derived: nothing can be typed.
        LockScreen::Unlock(Unlock { is_working: true, .. })
        | LockScreen::FirstRun(FirstRun { is_working: true, .. }) => &[],
        LockScreen::Unlock(_) => {
            &[(Action::Submit, "unlock"), (Action::OpenVault, "another vault"), (Action::Skip, "skip")]
        }
        LockScreen::MissingVault(absent) => missing_vault::keys(absent),
        LockScreen::FirstRun(_) => &[(Action::Submit, "ok"), (Action::NextField, "next"), (Action::Skip, "skip")],
    };
    let contexts = context::of_unlock();
    let everywhere = [(Action::Help, "help"), (Action::Quit, "quit")];
    let keys = keys.iter().chain(&everywhere).map(|(action, label)| match action {
        Action::Up => (canvas.up_and_down(&contexts, Action::PreviousField, Action::NextField), *label),
        action => (canvas.key(&contexts, *action), *label),
    });
    let mut spans = canvas.key_spans(keys);
    spans.insert(0, Span::raw(" "));
    canvas.frame.render_widget(format::fit_line(Line::from(spans), usize::from(hints.width)), hints);
}

fn draw_unlock(canvas: &mut Canvas<'_, '_>, area: Rect, unlock: &Unlock) {
    let theme = canvas.theme;
    let columns = usize::from(area.width.min(WIDEST).saturating_sub(4));
    let vault = format::path(&unlock.vault);
    let mut field = vec![Span::styled("passphrase  ", theme.title)];
    let has_something = !unlock.passphrase.is_empty() || unlock.error.is_some();
    if unlock.look == Look::Asked && (unlock.is_working || !has_something) {
        field.push(Span::raw(format!("{} looking for the vault", canvas.spinner())));
    } else if unlock.is_working {
        field.push(Span::raw(format!("{} deriving the key", canvas.spinner())));
    } else {
        field.extend(secret_field(canvas, &unlock.passphrase, Focus::Here));
    }
    let run = canvas.state.indexing.as_ref();
    let note = match run {
        // Do not claim more than is true: an indexing run still holds keys.
        Some(run) if run.status == RunStatus::Stopping => "the keys are wiped as soon as that is done",
        Some(run) if run.is_running() => "its keys stay in memory until it ends; pictures and names are wiped",
        _ => "encrypted; photos, names and dates cannot be read without the passphrase",
    };
    let mut lines = vec![Line::default(), Line::raw(format::fit_end(&vault, columns).into_owned())];
    if let Some(run) = run {
        let (text, style) = run_in_numbers(canvas, run);
        lines.extend(format::wrap(&text, columns).into_iter().map(|line| Line::from(Span::styled(line, style))));
    }
    lines.extend(format::wrap(note, columns).into_iter().map(|line| Line::styled(line, theme.faint)));
    lines.extend([Line::default(), Line::from(field)]);
    if area.height >= 9 || unlock.error.is_some() {
        lines.extend(error_lines(canvas, unlock.error.as_deref(), area));
    }
    form(canvas, area, "cipherlens", lines);
}

/// An indexing run in numbers: a locked screen shows no names.
fn run_in_numbers(canvas: &Canvas<'_, '_>, run: &Indexing) -> (String, Style) {
    let (theme, spinner) = (canvas.theme, canvas.spinner());
    match run.status {
        RunStatus::Looking => (format!("{spinner} still indexing: looking for photos"), theme.text),
        RunStatus::Running | RunStatus::Paused => {
            (format!("{spinner} still indexing: {}", indexing::numbers(run)), theme.text)
        }
        RunStatus::Stopping => (format!("{spinner} indexing is stopping, saving progress"), theme.warning),
        RunStatus::Done => (format!("✓ indexing is done: {}", indexing::numbers(run)), theme.good),
        RunStatus::Stopped => {
            (format!("■ indexing stopped at {}; unlock to resume", indexing::numbers(run)), theme.warning)
        }
        RunStatus::Failed => {
            let key = canvas.key(&context::of_tab(canvas.state.tab), Action::Log);
            let how = key.map(|key| format!("; unlock and press {key} to see why")).unwrap_or_default();
            (format!("✗ indexing failed{how}"), theme.bad)
        }
    }
}

fn draw_first_run(canvas: &mut Canvas<'_, '_>, area: Rect, first: &FirstRun) {
    // Where there is room, a test picture shows whether previews work.
    let has_picture = area.width >= 90 && area.height >= 16;
    let [left, right] = if has_picture {
        Layout::horizontal([Constraint::Max(WIDEST), Constraint::Length(32)]).flex(Flex::Center).spacing(1).areas(area)
    } else {
        [area, Rect::default()]
    };
    let theme = canvas.theme;
    let focus = |step: Step| if first.step == step && !first.is_working { Focus::Here } else { Focus::Elsewhere };
    let mark = |step: Step, is_done: bool| match (first.step == step, is_done) {
        (true, _) => Span::styled("▸ ", theme.accent),
        (false, true) => Span::styled("✓ ", theme.good),
        (false, false) => Span::raw("  "),
    };
    let mut folder = vec![mark(Step::Folder, true), Span::styled("vault       ", theme.title)];
    // Beside the border, the space within it, the mark and the label.
    let columns = usize::from(left.width.min(WIDEST)).saturating_sub(18);
    folder.extend(text_field(canvas, &first.folder, focus(Step::Folder), columns));
    let mut passphrase =
        vec![mark(Step::Passphrase, !first.passphrase.is_empty()), Span::styled("passphrase  ", theme.title)];
    passphrase.extend(secret_field(canvas, &first.passphrase, focus(Step::Passphrase)));
    let mut again = vec![mark(Step::Again, false), Span::styled("repeat      ", theme.title)];
    again.extend(secret_field(canvas, &first.again, focus(Step::Again)));

    let mut lines = Vec::new();
    if area.height >= 18 {
        lines.extend([
            Line::default(),
            Line::raw("Your photos stay encrypted; searching needs no decryption."),
            Line::styled("A vault is one folder: copy it, keep it on any machine.", theme.faint),
            Line::styled("Without the passphrase nobody can open it, you included.", theme.faint),
            Line::default(),
        ]);
    }
    lines.push(Line::from(folder));
    lines.push(Line::from(passphrase));
    lines.push(strength_line(canvas, first));
    lines.push(Line::from(again));
    if first.is_working {
        lines.push(Line::raw(format!("{} creating the vault", canvas.spinner())));
    } else {
        lines.extend(error_lines(canvas, first.error.as_deref(), left));
    }
    form(canvas, left, "cipherlens: a new vault", lines);
    if has_picture {
        let [middle] = Layout::vertical([Constraint::Length(16)]).flex(Flex::Center).areas(right);
        let title = format!("test picture: {}", canvas.state.pictures_by);
        let inner = canvas.pane(middle, &title, Focus::Elsewhere);
        picture::draw(canvas, inner, Subject::Test);
    }
}

fn strength_line(canvas: &Canvas<'_, '_>, first: &FirstRun) -> Line<'static> {
    let theme = canvas.theme;
    if first.passphrase.is_empty() {
        return Line::styled("              five random words make a good one", theme.faint);
    }
    let (strength, bits) = strength(first.passphrase.expose());
    let (word, style) = match strength {
        Strength::Weak => ("weak", theme.bad),
        Strength::Fair => ("fair", theme.warning),
        Strength::Strong => ("strong", theme.good),
    };
    Line::from(vec![
        Span::raw("              "),
        Span::styled(format::bar(f64::from(bits) / 90.0, 12), style),
        Span::styled(format!(" {word}"), style),
    ])
}
