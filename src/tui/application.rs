//! Keys, clicks and replies in; effects and frames out. No terminal and no thread: tests play both.

mod mouse;
mod palette;

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;

use super::action::Action;
use super::attention;
use super::keymap::chord::Chord;
use super::keymap::context;
use super::keymap::{Keymap, Meaning};
use super::preview::Pictures;
use super::request::{Effect, Reply, Request};
use super::screens::{self, Target};
use super::state::cursor::Step;
use super::state::grid_layout::GridLayout;
use super::state::list::Filter;
use super::state::overlay::{Overlay, Question};
use super::state::pointer::Press;
use super::state::surveys::SurveyRequest;
use super::state::text_field::Edit;
use super::state::{State, Tab};
use super::theme::Theme;
use super::update::{self, FormKey};
use crate::services::vault_name::vault_name;

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
    press: Option<Press>,
}

impl Application {
    /// Combines the parts.
    #[must_use]
    pub fn new(state: State, keymap: Keymap, theme: Theme, pictures: Pictures) -> Self {
        Self { state, keymap, theme, pictures, pressed: Vec::new(), hits: Vec::new(), press: None }
    }

    /// The first requests: list the folder, and look for the vault.
    #[must_use]
    pub fn start(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::Ask(Request::List(self.state.browser.folder.clone()))];
        effects.extend(update::look_if_due(&mut self.state));
        effects
    }

    /// Draws a frame.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        self.state.pictures_by = self.pictures.protocol_name();
        let drawn = screens::draw(frame, &self.state, &self.theme, &self.keymap, &mut self.pictures);
        self.hits = drawn.hits;
        self.state.viewport = drawn.viewport;
        if let Some(viewer) = &mut self.state.viewer {
            viewer.drawn(drawn.shown);
        } else if let Some(list) = self.state.list_mut() {
            list.cursor_mut().top = drawn.viewport.top;
        }
    }

    /// The title of the terminal's window: what runs, and which vault is open. A locked one is not named.
    #[must_use]
    pub fn title(&self) -> String {
        let vault = self.state.session.open().map(|vault| match self.state.collection.is_read_only {
            true => format!("{} (read only)", vault_name(vault)),
            false => vault_name(vault),
        });
        let parts = [attention::summary(&self.state), vault, Some("cipherlens".to_owned())];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" - ")
    }

    /// The photos on the screen that have yet to be compared with the vault's.
    #[must_use]
    pub fn to_recognise(&self) -> Vec<PathBuf> {
        let State { tab, session, browser, viewport, .. } = &self.state;
        if *tab != Tab::Files || session.open().is_none() {
            return Vec::new();
        }
        browser.to_recognise(viewport.top..viewport.top + viewport.lines)
    }

    /// What is to be surveyed: the plan that is shown, or else the folder under the cursor.
    #[must_use]
    pub fn to_survey(&self) -> Option<SurveyRequest> {
        let State { tab, lock_screen, overlay, viewer, browser, .. } = &self.state;
        match overlay {
            Some(Overlay::Plan(plan)) => Some(&plan.request).filter(|_| !plan.survey.is_over).cloned(),
            _ => browser.to_survey().filter(|_| *tab == Tab::Files && lock_screen.is_none() && viewer.is_none()),
        }
    }

    /// Handles a worker's reply.
    pub fn receive(&mut self, reply: Reply) -> Vec<Effect> {
        // Another item may be under the pointer from now on.
        self.press = None;
        update::receive(&mut self.state, reply)
    }

    /// Advances clocks and spinners, and a slideshow.
    pub fn advance(&mut self, by: Duration) -> Vec<Effect> {
        update::advance(&mut self.state, by)
    }

    /// Locks if a vault is open. A passphrase that waits for an answer is wiped.
    pub fn lock(&mut self) -> Vec<Effect> {
        if self.state.untrusted.is_some() {
            update::close(&mut self.state);
        }
        if self.state.session.open().is_some() { update::apply(&mut self.state, Action::Lock) } else { Vec::new() }
    }

    /// Prepares the last frame.
    pub fn finish(&mut self) {
        update::finish(&mut self.state);
    }

    /// Handles a key.
    pub fn key(&mut self, event: KeyEvent) -> Vec<Effect> {
        if event.kind == KeyEventKind::Release {
            return Vec::new();
        }
        let chord = Chord::of(event);
        match chord.typed().filter(|_| self.types_characters()) {
            Some(character) => self.edit(Edit::Insert(character)),
            None => self.bound_key(chord),
        }
    }

    fn bound_key(&mut self, chord: Chord) -> Vec<Effect> {
        self.pressed.push(chord);
        match self.keymap.meaning(&context::active(&self.state), &self.pressed) {
            Meaning::Action(action) => {
                self.pressed.clear();
                self.act(action)
            }
            Meaning::Prefix => Vec::new(),
            Meaning::Unbound if self.pressed.len() > 1 => {
                // The sequence leads nowhere; its last key may mean something by itself.
                self.pressed.clear();
                self.bound_key(chord)
            }
            Meaning::Unbound => {
                self.pressed.clear();
                match chord.typed().filter(|_| self.takes_text()) {
                    Some(character) => self.edit(Edit::Insert(character)),
                    None => Vec::new(),
                }
            }
        }
    }

    /// Applies `action` to what has the focus: a window, the lock screen, a filter being typed, or else the tab.
    fn act(&mut self, action: Action) -> Vec<Effect> {
        if let Some(edit) = edit_of(action) {
            return self.edit(edit);
        }
        if self.state.overlay.is_some() {
            self.act_on_window(action)
        } else if self.state.lock_screen.is_some() {
            self.act_on_lock_screen(action)
        } else if self.state.viewer.is_none() && self.state.typed_filter().is_some() {
            self.act_on_filter(action)
        } else {
            update::apply(&mut self.state, action)
        }
    }

    /// Edits the text field that has the focus, if there is one.
    fn edit(&mut self, edit: Edit) -> Vec<Effect> {
        match &mut self.state.overlay {
            Some(Overlay::Help { filter, scroll }) => {
                filter.edit(edit);
                *scroll = 0;
            }
            Some(Overlay::Palette { filter, cursor }) => {
                filter.edit(edit);
                cursor.at = 0;
            }
            Some(Overlay::ExportTo { folder, .. }) => folder.edit(edit),
            Some(Overlay::Log { .. } | Overlay::Confirm(_) | Overlay::Plan(_)) => {}
            None if self.state.lock_screen.is_some() => {
                return update::lock_screen_key(&mut self.state, FormKey::Edit(edit));
            }
            None if self.state.viewer.is_some() => {}
            None => {
                if let Some(list) = self.state.list_mut().filter(|list| list.filter().is_typing) {
                    list.filter_mut().field.edit(edit);
                    self.state.arrange();
                    return update::information(&mut self.state);
                }
            }
        }
        Vec::new()
    }

    fn act_on_filter(&mut self, action: Action) -> Vec<Effect> {
        let Some(list) = self.state.list_mut() else { return Vec::new() };
        match action {
            Action::Submit => list.filter_mut().is_typing = false,
            Action::ClearFilter => *list.filter_mut() = Filter::default(),
            // The cursor of the list can be moved while typing.
            _ => return update::apply(&mut self.state, action),
        }
        self.state.arrange();
        Vec::new()
    }

    fn act_on_lock_screen(&mut self, action: Action) -> Vec<Effect> {
        let key = match action {
            Action::Quit | Action::Help | Action::OpenVault => return update::apply(&mut self.state, action),
            Action::Skip => {
                update::skip_lock_screen(&mut self.state);
                return Vec::new();
            }
            Action::Submit => FormKey::Submit,
            Action::NextField => FormKey::Next,
            Action::PreviousField => FormKey::Previous,
            _ => return Vec::new(),
        };
        update::lock_screen_key(&mut self.state, key)
    }

    fn act_on_window(&mut self, action: Action) -> Vec<Effect> {
        let lines = self.state.viewport.lines.max(1);
        let palette_lines = self.palette_choices().len();
        match (&mut self.state.overlay, action) {
            (Some(_), Action::Close) => update::close(&mut self.state),
            (Some(Overlay::Log { scroll }), _) => *scroll = scrolled(*scroll, action, lines),
            (Some(Overlay::Help { scroll, .. }), _) => {
                *scroll = scrolled(*scroll, action, lines).min(self.keymap.help().len());
            }
            (Some(Overlay::Palette { .. }), Action::Submit) => return self.choose(None),
            (Some(Overlay::Palette { cursor, .. }), Action::Down) => {
                cursor.step(Step::Down, &GridLayout::whole(palette_lines, 1), lines);
            }
            (Some(Overlay::Palette { cursor, .. }), Action::Up) => {
                cursor.step(Step::Up, &GridLayout::whole(palette_lines, 1), lines);
            }
            (Some(Overlay::Confirm(question)), _) if action == yes_to(question) => {
                return update::answer(&mut self.state);
            }
            (Some(Overlay::Confirm(_)), Action::No) => return update::decline(&mut self.state),
            (Some(Overlay::ExportTo { .. }), Action::Submit) => return update::export(&mut self.state),
            (Some(Overlay::Plan(_)), Action::Submit) => return update::submit_plan(&mut self.state),
            _ => {}
        }
        Vec::new()
    }

    /// Handles pasted text: it goes into text fields only.
    pub fn paste(&mut self, text: &str) -> Vec<Effect> {
        // A pasted line break is not Enter: the user checks the text first.
        let mut effects = Vec::new();
        for character in text.chars().filter(|character| !character.is_control()) {
            effects.extend(self.edit(Edit::Insert(character)));
        }
        effects
    }

    /// Whether letters go into a text field. Elsewhere they are commands or answers.
    fn takes_text(&self) -> bool {
        match &self.state.overlay {
            Some(Overlay::Help { .. } | Overlay::Palette { .. } | Overlay::ExportTo { .. }) => true,
            Some(Overlay::Log { .. } | Overlay::Confirm(_) | Overlay::Plan(_)) => false,
            None if self.state.lock_screen.is_some() => true,
            None => self.state.viewer.is_none() && self.state.typed_filter().is_some(),
        }
    }

    /// Whether plain characters are typed, even where they are bound. In the help they act while its field is empty, so
    /// that the key that opened it closes it.
    fn types_characters(&self) -> bool {
        match &self.state.overlay {
            Some(Overlay::Help { filter, .. }) => !filter.text().is_empty(),
            _ => self.takes_text(),
        }
    }
}

/// The action that means yes to `question`. Questions about another vault and about an older copy may appear while a
/// passphrase is being typed, so they take keys of their own.
fn yes_to(question: &Question) -> Action {
    match question {
        Question::TrustVault => Action::TrustVault,
        Question::UseOlder(_) => Action::UseOlder,
        _ => Action::Yes,
    }
}

/// The scroll position after `action`, with `lines` lines on the screen.
fn scrolled(scroll: usize, action: Action, lines: usize) -> usize {
    match action {
        Action::Down => scroll + 1,
        Action::Up => scroll.saturating_sub(1),
        Action::PageDown => scroll + lines,
        Action::PageUp => scroll.saturating_sub(lines),
        _ => scroll,
    }
}

/// The change to a text field that an action makes.
fn edit_of(action: Action) -> Option<Edit> {
    Some(match action {
        Action::DeleteBackward => Edit::Backspace,
        Action::DeleteForward => Edit::Delete,
        Action::DeleteWord => Edit::DeleteWord,
        Action::ClearLine => Edit::Clear,
        Action::CharLeft => Edit::Left,
        Action::CharRight => Edit::Right,
        Action::LineStart => Edit::Home,
        Action::LineEnd => Edit::End,
        _ => return None,
    })
}
