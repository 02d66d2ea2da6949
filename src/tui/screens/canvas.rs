//! What every screen draws with: frame, state, theme, keymap and pictures.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph, Wrap};

use super::super::action::Action;
use super::super::format;
use super::super::keymap::Keymap;
use super::super::keymap::context::{self, Context};
use super::super::preview::Pictures;
use super::super::state::Pane;
use super::super::state::cursor::Mark;
use super::super::state::list::Filter;
use super::super::state::messages::Severity;
use super::super::state::text_field::TextField;
use super::super::state::viewer::ShownPhoto;
use super::super::state::{State, Tab, Viewport};
use super::super::theme::Theme;
use super::super::update::refusal;
use crate::services::library::StoredPhoto;
use crate::services::name::inert;
use crate::services::settings::Motion;

/// The columns of the information pane.
pub(super) const INFORMATION_COLUMNS: u16 = 36;

/// What a click does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// Shows this tab.
    Tab(Tab),
    /// Moves to this item, or opens it if the cursor is there already.
    Item(usize),
    /// Moves to this item.
    Place(usize),
    /// Opens or closes the large picture.
    Picture,
    /// Performs this action.
    Act(Action),
    /// Takes the choice on this line of the palette.
    Choice(usize),
    /// Nothing: it is inside a window.
    Window,
}

/// Whether a pane has the focus.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Focus {
    Here,
    Elsewhere,
}

pub(super) struct Canvas<'a, 'f> {
    pub frame: &'a mut Frame<'f>,
    pub state: &'a State,
    pub theme: &'a Theme,
    pub keymap: &'a Keymap,
    pub pictures: &'a mut Pictures,
    pub hits: Vec<(Rect, Target)>,
    pub viewport: Viewport,
    /// The photos of the photo view.
    pub shown: Vec<ShownPhoto>,
}

impl Canvas<'_, '_> {
    /// The first key of `action` in `contexts`, if it has one.
    pub(super) fn key(&self, contexts: &[Context], action: Action) -> Option<String> {
        self.keymap.keys(contexts, action).into_iter().next()
    }

    /// The keys for up and down in `contexts`, in short: the arrows where they are bound.
    pub(super) fn up_and_down(&self, contexts: &[Context], up: Action, down: Action) -> Option<String> {
        let (up, down) = (self.keymap.keys(contexts, up), self.keymap.keys(contexts, down));
        if up.iter().any(|key| key == "up") && down.iter().any(|key| key == "down") {
            return Some("↑↓".to_owned());
        }
        Some(format!("{} {}", up.first()?, down.first()?))
    }

    /// Keys with what they do in a word or two.
    pub(super) fn key_spans(
        &self,
        keys: impl IntoIterator<Item = (Option<String>, &'static str)>,
    ) -> Vec<Span<'static>> {
        let bound = keys.into_iter().filter_map(|(key, label)| Some((key?, label)));
        bound
            .flat_map(|(key, label)| {
                [Span::styled(key, self.theme.accent), Span::styled(format!(" {label}  "), self.theme.faint)]
            })
            .collect()
    }

    /// A spinner; it turns unless motion is reduced.
    pub(super) fn spinner(&self) -> char {
        // Every font has these.
        const TURNING: [char; 4] = ['|', '/', '-', '\\'];
        match self.state.preferences.motion {
            Motion::Full => TURNING[self.state.tick % TURNING.len()],
            Motion::Reduced => '…',
        }
    }

    /// A focused text field of this many columns: the part of its text with the cursor in it.
    pub(super) fn input_spans(&self, input: &TextField, columns: usize) -> Vec<Span<'static>> {
        let (before, after) = input.split_at_cursor();
        let before = inert(before).into_owned();
        let before = format::fit_end(&before, columns.saturating_sub(1)).into_owned();
        let mut after = after.chars();
        let under = after.next().unwrap_or(' ').to_string();
        vec![
            Span::raw(before),
            Span::styled(inert(&under).into_owned(), self.theme.cursor),
            Span::raw(inert(after.as_str()).into_owned()),
        ]
    }

    /// Highlights the row under the cursor in one colour, so that faint and coloured text in it stays readable.
    pub(super) fn mark_row(&mut self, row: Rect) {
        self.frame.buffer_mut().set_style(row, self.theme.plain().patch(self.theme.cursor));
    }

    /// The mark before an item.
    pub(super) fn sign(&self, mark: Mark) -> Span<'static> {
        match mark {
            Mark::Selected => Span::styled("●", self.theme.selected),
            Mark::InRange => Span::styled("○", self.theme.selected),
            Mark::None => Span::raw(" "),
        }
    }

    /// Sign and style of a message.
    pub(super) fn severity(&self, severity: Severity) -> (&'static str, Style) {
        match severity {
            Severity::Info => ("✓", self.theme.good),
            Severity::Refusal => ("·", self.theme.text),
            Severity::Warning => ("!", self.theme.warning),
            Severity::Error => ("✗", self.theme.bad),
        }
    }

    /// Draws a pane's border and title; returns what is inside.
    pub(super) fn pane(&mut self, area: Rect, title: &str, focus: Focus) -> Rect {
        let style = if focus == Focus::Here { self.theme.focus } else { self.theme.border };
        let room = usize::from(area.width.saturating_sub(4));
        let title = format::fit(title, room).into_owned();
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(style)
            .title(Span::styled(format!(" {title} "), self.theme.title));
        let inner = block.inner(area);
        self.frame.render_widget(block, area);
        inner
    }

    /// Draws a scrollbar in a column: which of `all` lines are on the screen. Nothing if all of them are. A click on it
    /// moves to the item at the place that `place_of` gives for a line.
    pub(super) fn scrollbar(
        &mut self,
        bar: Rect,
        first: usize,
        visible: usize,
        all: usize,
        place_of: &dyn Fn(usize) -> usize,
    ) {
        let rows = usize::from(bar.height);
        if all <= visible || rows == 0 {
            return;
        }
        let length = (rows * visible / all).clamp(1, rows);
        let from = (rows - length) * first.min(all - visible) / (all - visible);
        for (row, y) in (bar.y..bar.bottom()).enumerate() {
            let cell = Rect { y, height: 1, width: 1, ..bar };
            let is_thumb = (from..from + length).contains(&row);
            let (symbol, style) = if is_thumb { ("┃", self.theme.focus) } else { ("│", self.theme.border) };
            self.frame.render_widget(Span::styled(symbol, style), cell);
            let line = if rows > 1 { row * (all - 1) / (rows - 1) } else { 0 };
            if self.state.overlay.is_none() {
                self.hits.push((cell, Target::Place(place_of(line))));
            }
        }
    }

    /// Draws the information pane beside the list if it is shown: `draw` draws it. Returns the room for the list;
    /// `None` on a narrow screen, where the pane takes the place of the list.
    pub(super) fn beside_information(&mut self, area: Rect, draw: &mut dyn FnMut(&mut Self, Rect)) -> Option<Rect> {
        if self.viewport.is_one_pane {
            if self.state.pane == Pane::Preview {
                draw(self, area);
                return None;
            }
            return Some(area);
        }
        if !self.state.shows_information {
            return Some(area);
        }
        let [list, pane] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(INFORMATION_COLUMNS.min(area.width / 2))])
                .areas(area);
        draw(self, pane);
        Some(list)
    }

    /// How many items are selected, and the filter, for the status line.
    pub(super) fn selection_and_filter(&self, selected: usize, filter: &Filter) -> Vec<Span<'static>> {
        let mut spans = Vec::new();
        if selected > 0 {
            spans.push(Span::styled(format!("● {selected} selected  "), self.theme.selected));
        }
        if !filter.field.text().is_empty() {
            spans.push(Span::styled(format!("filter “{}”  ", inert(filter.field.text())), self.theme.title));
        }
        spans
    }

    /// Name, size, date and folder of a stored photo in a line.
    pub(super) fn facts(&self, photo: &StoredPhoto) -> Vec<Span<'static>> {
        let mut parts = vec![format!("{}×{}", photo.width, photo.height), format::size(photo.bytes)];
        parts.extend(photo.minute());
        parts.extend(photo.folder());
        vec![
            Span::raw(inert(&photo.name).into_owned()),
            Span::styled(format!("  {}", inert(&parts.join(" · "))), self.theme.faint),
        ]
    }

    /// Draws centred text, for empty lists: why, and which key to press.
    pub(super) fn notice(&mut self, area: Rect, lines: Vec<Line<'_>>) {
        let columns = usize::from(area.width.saturating_sub(2));
        let rows: usize = lines.iter().map(|line| format::wrap(&line.to_string(), columns).len()).sum();
        let text = Paragraph::new(Text::from(lines))
            .alignment(Alignment::Center)
            .wrap(Wrap { trim: true })
            .block(Block::new().padding(Padding::horizontal(1)));
        let rows = u16::try_from(rows).unwrap_or(area.height).min(area.height);
        let [middle] = Layout::vertical([Constraint::Length(rows)]).flex(ratatui::layout::Flex::Center).areas(area);
        self.frame.render_widget(text, middle);
    }

    /// `press KEY to do this`; `None` where the action is refused.
    pub(super) fn press(&self, action: Action, purpose: &str) -> Option<Line<'static>> {
        let key = self.hint_key(action)?;
        Some(Line::from(vec![
            Span::styled("press ", self.theme.faint),
            Span::styled(key, self.theme.accent),
            Span::styled(format!(" {purpose}"), self.theme.faint),
        ]))
    }

    /// `; KEY closes`, for the title of a window.
    pub(super) fn closing(&self) -> String {
        // Prefer the key that closes every window.
        let key = self.key(&[Context::Window], Action::Close);
        let key = key.or(self.key(&context::active(self.state), Action::Close));
        key.map(|key| format!("; {key} closes")).unwrap_or_default()
    }

    /// Key hints; actions that are refused now are left out.
    pub(super) fn hints(&self, actions: &[(Action, &'static str)]) -> Line<'static> {
        Line::from(self.key_spans(actions.iter().map(|(action, label)| (self.hint_key(*action), *label))))
    }

    /// The first key of an action, if the action is not refused and no window takes the keys.
    pub(super) fn hint_key(&self, action: Action) -> Option<String> {
        let applies = self.state.overlay.is_none() && refusal(self.state, action).is_none();
        self.key(&context::below_windows(self.state), action).filter(|_| applies)
    }
}
