//! Keys, clicks and replies in; effects and frames out. Knows no terminal and no thread, so that tests can play both.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use super::action::Action;
use super::keymap::{Chord, Keymap, Meaning};
use super::preview::Pictures;
use super::request::{Effect, Reply, Request};
use super::screens::{self, Target};
use super::state::cursor::{Shape, Step};
use super::state::gate::Gate;
use super::state::line::Edit;
use super::state::list::{Filter, List};
use super::state::overlay::Overlay;
use super::state::{State, Tab};
use super::theme::Theme;
use super::update::{self, GateKey};

/// How many lines a turn of the mouse wheel moves.
const WHEEL_LINES: usize = 3;

/// The application without its terminal.
pub struct Application {
    /// What it knows.
    pub state: State,
    /// Which keys do what.
    pub keymap: Keymap,
    /// How it looks.
    pub theme: Theme,
    /// The pictures on the screen.
    pub pictures: Pictures,
    pressed: Vec<Chord>,
    hits: Vec<(Rect, Target)>,
}

impl Application {
    /// Puts the parts together.
    #[must_use]
    pub fn new(state: State, keymap: Keymap, theme: Theme, pictures: Pictures) -> Self {
        Self { state, keymap, theme, pictures, pressed: Vec::new(), hits: Vec::new() }
    }

    /// What is to be done first: the folder is listed, and the vault looked for.
    #[must_use]
    pub fn start(&self) -> Vec<Effect> {
        let mut effects = vec![Effect::Ask(Request::List(self.state.browser.folder.clone()))];
        if let Some(Gate::Unlock(unlock)) = &self.state.gate {
            effects.push(Effect::Ask(Request::Look(unlock.vault.clone())));
        }
        effects
    }

    /// Draws a frame.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        self.state.pictures_by = self.pictures.protocol_name();
        let drawn = screens::draw(frame, &self.state, &self.theme, &self.keymap, &mut self.pictures);
        self.hits = drawn.hits;
        self.state.shown = drawn.shown;
    }

    /// The listed photos on the screen of which it is not known whether the vault holds them.
    #[must_use]
    pub fn to_recognise(&self) -> Vec<PathBuf> {
        let State { tab, session, browser, shown, .. } = &self.state;
        if *tab != Tab::Files || session.open().is_none() {
            return Vec::new();
        }
        let first = browser.list.cursor.first_line(Shape::whole(browser.list.count(), 1), shown.lines);
        browser.to_recognise(first..first + shown.lines)
    }

    /// A reply of a worker arrived.
    pub fn receive(&mut self, reply: Reply) -> Vec<Effect> {
        update::receive(&mut self.state, reply)
    }

    /// Time went on.
    pub fn advance(&mut self, by: Duration) {
        self.state.tick = self.state.tick.wrapping_add(1);
        if let Some(run) = &mut self.state.indexing {
            run.advance(by);
        }
        if let Some(run) = &mut self.state.exporting {
            run.advance(by);
        }
    }

    /// Locks, as the key does; without an open vault there is nothing to lock.
    pub fn lock(&mut self) -> Vec<Effect> {
        if self.state.session.open().is_some() { update::apply(&mut self.state, Action::Lock) } else { Vec::new() }
    }

    /// The application is about to end.
    pub fn finish(&mut self) {
        update::finish(&mut self.state);
    }

    /// A key was pressed.
    pub fn key(&mut self, event: KeyEvent) -> Vec<Effect> {
        if event.kind == KeyEventKind::Release {
            return Vec::new();
        }
        if self.state.overlay.is_some() {
            return self.overlay_key(event);
        }
        if self.state.gate.is_some() {
            return self.gate_key(event);
        }
        if self.is_typing_a_filter() && !is_interrupt(event) {
            self.filter_key(event);
            return Vec::new();
        }
        self.bound_key(event)
    }

    fn bound_key(&mut self, event: KeyEvent) -> Vec<Effect> {
        self.pressed.push(Chord::of(event));
        match self.keymap.meaning(self.state.tab, &self.pressed) {
            Meaning::Action(action) => {
                self.pressed.clear();
                update::apply(&mut self.state, action)
            }
            Meaning::Beginning => Vec::new(),
            Meaning::Nothing if self.pressed.len() > 1 => {
                // What was begun leads nowhere; the last key may mean something by itself.
                self.pressed.clear();
                self.bound_key(event)
            }
            Meaning::Nothing => {
                self.pressed.clear();
                Vec::new()
            }
        }
    }

    fn is_typing_a_filter(&self) -> bool {
        self.state.typed_filter().is_some()
    }

    fn filter_key(&mut self, event: KeyEvent) {
        // The list can be walked while typing.
        if let KeyCode::Up | KeyCode::Down = event.code {
            let step = if event.code == KeyCode::Up { Action::Up } else { Action::Down };
            update::apply(&mut self.state, step);
            return;
        }
        let Some(filter) = self.state.list_mut().map(List::filter_mut) else { return };
        match event.code {
            KeyCode::Enter => filter.is_typing = false,
            KeyCode::Esc => *filter = Filter::default(),
            _ => match edit_of(event) {
                Some(edit) => filter.line.edit(edit),
                None => return,
            },
        }
        self.state.arrange();
    }

    fn gate_key(&mut self, event: KeyEvent) -> Vec<Effect> {
        let key = match event.code {
            _ if is_interrupt(event) => return update::apply(&mut self.state, Action::Quit),
            KeyCode::F(1) => return update::apply(&mut self.state, Action::Help),
            KeyCode::Esc => {
                update::skip_gate(&mut self.state);
                return Vec::new();
            }
            KeyCode::Enter => GateKey::Submit,
            KeyCode::Tab | KeyCode::Down => GateKey::Next,
            KeyCode::BackTab | KeyCode::Up => GateKey::Previous,
            _ => match edit_of(event) {
                Some(edit) => GateKey::Edit(edit),
                None => return Vec::new(),
            },
        };
        update::gate_key(&mut self.state, key)
    }

    fn overlay_key(&mut self, event: KeyEvent) -> Vec<Effect> {
        if event.code == KeyCode::Esc || is_interrupt(event) {
            self.state.overlay = None;
            return Vec::new();
        }
        let lines = self.state.shown.lines.max(1);
        match &mut self.state.overlay {
            Some(Overlay::Zoom) => {
                return match self.keymap.meaning(self.state.tab, &[Chord::of(event)]) {
                    // The same key that opened it closes it.
                    Meaning::Action(Action::Zoom | Action::Enter | Action::Back | Action::Quit) => {
                        self.state.overlay = None;
                        Vec::new()
                    }
                    Meaning::Action(action) => update::apply(&mut self.state, action),
                    Meaning::Beginning | Meaning::Nothing => Vec::new(),
                };
            }
            Some(Overlay::Log { scroll }) => match event.code {
                KeyCode::Down | KeyCode::Char('j') => *scroll += 1,
                KeyCode::Up | KeyCode::Char('k') => *scroll = scroll.saturating_sub(1),
                KeyCode::PageDown => *scroll += lines,
                KeyCode::PageUp => *scroll = scroll.saturating_sub(lines),
                KeyCode::Char('q' | '!') => self.state.overlay = None,
                _ => {}
            },
            Some(Overlay::Help { filter, scroll }) => match event.code {
                KeyCode::Down => *scroll = (*scroll + 1).min(self.keymap.help().len()),
                KeyCode::Up => *scroll = scroll.saturating_sub(1),
                KeyCode::PageDown => *scroll = (*scroll + lines).min(self.keymap.help().len()),
                KeyCode::PageUp => *scroll = scroll.saturating_sub(lines),
                KeyCode::F(1) | KeyCode::Enter => self.state.overlay = None,
                KeyCode::Char('?') if filter.text().is_empty() => self.state.overlay = None,
                _ => {
                    if let Some(edit) = edit_of(event) {
                        filter.edit(edit);
                        *scroll = 0;
                    }
                }
            },
            Some(Overlay::Palette { .. }) => return self.palette_key(event),
            Some(Overlay::Confirm(question)) => match event.code {
                KeyCode::Char(letter) if question.is_yes(letter) => return update::answer(&mut self.state),
                KeyCode::Char('n' | 'N') => return update::decline(&mut self.state),
                KeyCode::Char('q') => self.state.overlay = None,
                _ => {}
            },
            Some(Overlay::ExportTo { folder, .. }) => match event.code {
                KeyCode::Enter => return update::export(&mut self.state),
                _ => {
                    if let Some(edit) = edit_of(event) {
                        folder.edit(edit);
                    }
                }
            },
            None => {}
        }
        Vec::new()
    }

    fn palette_key(&mut self, event: KeyEvent) -> Vec<Effect> {
        if event.code == KeyCode::Enter {
            return self.choose(None);
        }
        let lines = self.state.shown.lines;
        let count = self.palette_actions().len();
        let Some(Overlay::Palette { filter, cursor }) = &mut self.state.overlay else { return Vec::new() };
        match event.code {
            KeyCode::Down => cursor.step(Step::Down, Shape::whole(count, 1), lines),
            KeyCode::Up => cursor.step(Step::Up, Shape::whole(count, 1), lines),
            _ => {
                if let Some(edit) = edit_of(event) {
                    filter.edit(edit);
                    cursor.at = 0;
                }
            }
        }
        Vec::new()
    }

    /// What the palette offers.
    fn palette_actions(&self) -> Vec<Action> {
        match &self.state.overlay {
            Some(Overlay::Palette { filter, .. }) => screens::palette_actions(&self.state, filter.text()),
            _ => Vec::new(),
        }
    }

    /// Does what the palette's cursor, or a click in it, is on.
    fn choose(&mut self, place: Option<usize>) -> Vec<Effect> {
        let Some(Overlay::Palette { cursor, .. }) = &self.state.overlay else { return Vec::new() };
        match self.palette_actions().get(place.unwrap_or(cursor.at)).copied() {
            Some(action) => update::choose(&mut self.state, action),
            None => Vec::new(),
        }
    }

    /// Text was pasted.
    pub fn paste(&mut self, text: &str) -> Vec<Effect> {
        // A pasted line's end is not an Enter: what is pasted is looked at before it counts.
        let mut effects = Vec::new();
        for character in text.chars().filter(|character| !character.is_control()) {
            if self.takes_text() {
                effects.extend(self.key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE)));
            }
        }
        effects
    }

    /// Whether letters go into a field. To a question, or a list, they would be answers and commands.
    fn takes_text(&self) -> bool {
        match &self.state.overlay {
            Some(Overlay::Help { .. } | Overlay::Palette { .. } | Overlay::ExportTo { .. }) => true,
            Some(Overlay::Log { .. } | Overlay::Confirm(_) | Overlay::Zoom) => false,
            None => self.state.gate.is_some() || self.is_typing_a_filter(),
        }
    }

    /// The mouse did something.
    pub fn mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let at = Position::new(event.column, event.row);
        let target = self.hits.iter().rev().find(|(place, _)| place.contains(at)).map(|(_, target)| *target);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(target),
            MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
                let is_down = event.kind == MouseEventKind::ScrollDown;
                let code = if is_down { KeyCode::Down } else { KeyCode::Up };
                if self.state.overlay.is_some() {
                    return self.key(KeyEvent::new(code, KeyModifiers::NONE));
                }
                let action = if is_down { Action::Down } else { Action::Up };
                let times = if self.state.shown.columns > 1 { 1 } else { WHEEL_LINES };
                (0..times).flat_map(|_| self.unless_gated(action)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn unless_gated(&mut self, action: Action) -> Vec<Effect> {
        if self.state.gate.is_some() { Vec::new() } else { update::apply(&mut self.state, action) }
    }

    fn click(&mut self, target: Option<Target>) -> Vec<Effect> {
        match target {
            Some(Target::Choice(place)) => return self.choose(Some(place)),
            Some(Target::Picture) if matches!(self.state.overlay, Some(Overlay::Zoom)) => {
                self.state.overlay = None;
            }
            Some(Target::Window) => {}
            // A click beside a window closes it.
            _ if self.state.overlay.is_some() => self.state.overlay = None,
            Some(Target::Tab(tab)) => {
                if let Some(list) = self.state.list_mut() {
                    list.filter_mut().is_typing = false;
                }
                self.state.tab = tab;
            }
            Some(Target::Picture) => return self.unless_gated(Action::Zoom),
            Some(Target::Item(place)) => {
                let Some(list) = self.state.list_mut() else { return Vec::new() };
                let cursor = list.cursor_mut();
                if cursor.at == place {
                    return self.unless_gated(Action::Enter);
                }
                cursor.at = place;
            }
            None => {}
        }
        Vec::new()
    }

    /// The gate that asks for the vault, at start.
    pub fn show_gate(&mut self, gate: Gate) {
        self.state.gate = Some(gate);
    }
}

/// Ctrl-C, which in raw mode is a key like others.
fn is_interrupt(event: KeyEvent) -> bool {
    event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL)
}

/// The change to a typed line that a key makes.
fn edit_of(event: KeyEvent) -> Option<Edit> {
    let is_control = event.modifiers.contains(KeyModifiers::CONTROL);
    Some(match event.code {
        KeyCode::Char('w') if is_control => Edit::DeleteWord,
        KeyCode::Char('u') if is_control => Edit::Clear,
        KeyCode::Char('a') if is_control => Edit::Home,
        KeyCode::Char('e') if is_control => Edit::End,
        KeyCode::Char('h') if is_control => Edit::Backspace,
        KeyCode::Char(_) if is_control || event.modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char(character) => Edit::Insert(character),
        KeyCode::Backspace => Edit::Backspace,
        KeyCode::Delete => Edit::Delete,
        KeyCode::Left => Edit::Left,
        KeyCode::Right => Edit::Right,
        KeyCode::Home => Edit::Home,
        KeyCode::End => Edit::End,
        _ => return None,
    })
}
