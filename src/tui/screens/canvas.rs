//! What every screen draws with: the frame, the state, the look, the keys, and the pictures.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph, Wrap};

use super::super::action::Action;
use super::super::keymap::Keymap;
use super::super::keymap::context::{self, Context};
use super::super::preview::Pictures;
use super::super::state::cursor::Mark;
use super::super::state::journal::Weight;
use super::super::state::line::Line as Input;
use super::super::state::overlay::Overlay;
use super::super::state::{Shown, State, Tab};
use super::super::theme::Theme;
use super::super::update::refusal;
use super::super::words;
use crate::services::name::inert;
use crate::services::settings::Motion;

/// What a click on a place means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// To this tab.
    Tab(Tab),
    /// To this item of the list; onto it again: open it.
    Item(usize),
    /// The large picture.
    Picture,
    /// To this line of the palette.
    Choice(usize),
    /// Inside a window: nothing below it is meant.
    Window,
}

/// Whether a pane takes the keys.
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
    pub shown: Shown,
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

    /// A mark that something is under way; it turns unless motion is reduced.
    pub(super) fn spinner(&self) -> char {
        const TURNING: [char; 8] = ['⣾', '⣽', '⣻', '⢿', '⡿', '⣟', '⣯', '⣷'];
        match self.state.preferences.motion {
            Motion::Full => TURNING[self.state.tick % TURNING.len()],
            Motion::Reduced => '…',
        }
    }

    /// A text field that takes the keys: its text with the cursor in it.
    pub(super) fn input_spans(&self, input: &Input) -> Vec<Span<'static>> {
        let (before, after) = input.halves();
        let mut after = after.chars();
        let under = after.next().unwrap_or(' ').to_string();
        vec![
            Span::raw(inert(before).into_owned()),
            Span::styled(inert(&under).into_owned(), self.theme.cursor),
            Span::raw(inert(after.as_str()).into_owned()),
        ]
    }

    /// Marks a row as the one under the cursor, in one tone: what was faint or coloured in it must stay readable.
    pub(super) fn mark_row(&mut self, row: Rect) {
        let plain = Style::new().fg(Color::Reset).remove_modifier(Modifier::DIM);
        self.frame.buffer_mut().set_style(row, plain.patch(self.theme.cursor));
    }

    /// The sign before an item that tells whether it is taken.
    pub(super) fn sign(&self, mark: Mark) -> Span<'static> {
        match mark {
            Mark::Selected => Span::styled("●", self.theme.selected),
            Mark::InRange => Span::styled("○", self.theme.selected),
            Mark::None => Span::raw(" "),
        }
    }

    /// The sign and look of a message.
    pub(super) fn weight(&self, weight: Weight) -> (&'static str, Style) {
        match weight {
            Weight::Note => ("✓", self.theme.good),
            Weight::Refusal => ("·", self.theme.text),
            Weight::Warning => ("!", self.theme.warning),
            Weight::Failure => ("✗", self.theme.bad),
        }
    }

    /// Draws a pane's border and title; returns what is inside.
    pub(super) fn pane(&mut self, area: Rect, title: &str, focus: Focus) -> Rect {
        let style = if focus == Focus::Here { self.theme.focus } else { self.theme.border };
        let room = usize::from(area.width.saturating_sub(4));
        let title = words::fit(title, room).into_owned();
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(style)
            .title(Span::styled(format!(" {title} "), self.theme.title));
        let inner = block.inner(area);
        self.frame.render_widget(block, area);
        inner
    }

    /// Text in the middle of an area, for lists that are empty: why, and which key is next.
    pub(super) fn notice(&mut self, area: Rect, lines: Vec<Line<'_>>) {
        let columns = usize::from(area.width.saturating_sub(2));
        let rows: usize = lines.iter().map(|line| words::wrap(&line.to_string(), columns).len()).sum();
        let text = Paragraph::new(Text::from(lines))
            .alignment(Alignment::Center)
            .wrap(Wrap { trim: true })
            .block(Block::new().padding(Padding::horizontal(1)));
        let rows = u16::try_from(rows).unwrap_or(area.height).min(area.height);
        let [middle] = Layout::vertical([Constraint::Length(rows)]).flex(ratatui::layout::Flex::Center).areas(area);
        self.frame.render_widget(text, middle);
    }

    /// `press KEY to do this`, with the key as it is bound; nothing where the key would do nothing.
    pub(super) fn press(&self, action: Action, purpose: &str) -> Option<Line<'static>> {
        let key = self.hint_key(action)?;
        Some(Line::from(vec![
            Span::styled("press ", self.theme.faint),
            Span::styled(key, self.theme.accent),
            Span::styled(format!(" {purpose}"), self.theme.faint),
        ]))
    }

    /// Keys with what they do in a word or two; those that would do nothing are left out.
    pub(super) fn hints(&self, actions: &[(Action, &'static str)]) -> Line<'static> {
        Line::from(self.key_spans(actions.iter().map(|(action, label)| (self.hint_key(*action), *label))))
    }

    /// The key for a hint: the first one bound, if the action would do something now. Below a window no key reaches the tab.
    pub(super) fn hint_key(&self, action: Action) -> Option<String> {
        let is_reached = matches!(self.state.overlay, None | Some(Overlay::Zoom));
        let applies = is_reached && refusal(self.state, action).is_none();
        self.key(&context::of_tab(self.state.tab), action).filter(|_| applies)
    }
}
