//! Choosing in the palette.

use super::Application;
use crate::tui::palette::{self, Choice};
use crate::tui::request::Effect;
use crate::tui::state::cursor::Cursor;
use crate::tui::state::overlay::Overlay;
use crate::tui::state::text_field::TextField;
use crate::tui::update;

impl Application {
    /// What the palette offers; nothing if it is not open.
    pub(super) fn palette_choices(&self) -> Vec<Choice> {
        match &self.state.overlay {
            Some(Overlay::Palette { filter, .. }) => palette::choices(&self.state, filter.text()),
            _ => Vec::new(),
        }
    }

    /// Takes the choice at `place`, or the one under the cursor.
    pub(super) fn choose(&mut self, place: Option<usize>) -> Vec<Effect> {
        let Some(Overlay::Palette { cursor, .. }) = &self.state.overlay else { return Vec::new() };
        let choice = self.palette_choices().into_iter().nth(place.unwrap_or(cursor.at));
        match choice {
            Some(Choice::Action(action)) => {
                self.state.overlay = None;
                update::apply(&mut self.state, action)
            }
            Some(Choice::Command(command)) => {
                let filter = TextField::with(format!("{} ", command.name));
                self.state.overlay = Some(Overlay::Palette { filter, cursor: Cursor::default() });
                Vec::new()
            }
            Some(Choice::Line { line, .. }) => {
                self.state.overlay = None;
                let mut effects = update::run_command(&mut self.state, &line);
                effects.extend(update::information(&mut self.state));
                effects
            }
            None => Vec::new(),
        }
    }
}
