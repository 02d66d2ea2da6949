//! The mouse: what is under the pointer reacts as to keys. A drag selects a range, the wheel scrolls.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::Application;
use crate::tui::action::Action;
use crate::tui::request::Effect;
use crate::tui::screens::Target;
use crate::tui::state::pointer::Press;
use crate::tui::update;

/// Lines per step of the wheel in a list of one column.
const WHEEL_LINES: usize = 3;

impl Application {
    /// Handles a mouse event.
    pub fn mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let at = Position::new(event.column, event.row);
        let target = self.hits.iter().rev().find(|(place, _)| place.contains(at)).map(|(_, target)| *target);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(target),
            MouseEventKind::Drag(MouseButton::Left) => {
                self.drag(target);
                Vec::new()
            }
            MouseEventKind::Up(MouseButton::Left) => self.release(target),
            MouseEventKind::Down(MouseButton::Right) => self.select(target),
            MouseEventKind::ScrollDown => self.scroll(Action::Down),
            MouseEventKind::ScrollUp => self.scroll(Action::Up),
            _ => Vec::new(),
        }
    }

    fn scroll(&mut self, action: Action) -> Vec<Effect> {
        if self.state.overlay.is_some() {
            return self.act_on_window(action);
        }
        let times = if self.state.viewport.columns > 1 || self.state.viewer.is_some() { 1 } else { WHEEL_LINES };
        (0..times).flat_map(|_| self.unless_locked(action)).collect()
    }

    fn unless_locked(&mut self, action: Action) -> Vec<Effect> {
        if self.state.lock_screen.is_some() { Vec::new() } else { update::apply(&mut self.state, action) }
    }

    fn click(&mut self, target: Option<Target>) -> Vec<Effect> {
        self.press = None;
        match target {
            Some(Target::Choice(place)) => return self.choose(Some(place)),
            Some(Target::Act(action)) => return self.act(action),
            Some(Target::Window) => {}
            // A click outside a window closes it.
            _ if self.state.overlay.is_some() => update::close(&mut self.state),
            Some(Target::Tab(tab)) => {
                if let Some(list) = self.state.list_mut() {
                    list.filter_mut().is_typing = false;
                }
                self.state.tab = tab;
                self.state.first_tab = None;
            }
            Some(Target::Picture) if self.state.viewer.is_some() => return self.unless_locked(Action::Close),
            Some(Target::Picture) => return self.unless_locked(Action::Zoom),
            Some(Target::Place(place)) => return self.move_to(place),
            Some(Target::Item(place)) => {
                let was_current = self.state.list().is_some_and(|list| list.cursor().at == place);
                self.press = Some(Press { place, was_current, is_drag: false });
                return self.move_to(place);
            }
            None => {}
        }
        Vec::new()
    }

    fn move_to(&mut self, place: usize) -> Vec<Effect> {
        self.state.first_tab = None;
        if let Some(list) = self.state.list_mut() {
            list.cursor_mut().at = place;
        }
        update::information(&mut self.state)
    }

    /// Extends a range from the item under which the button was pressed to the one under the pointer.
    fn drag(&mut self, target: Option<Target>) {
        let (Some(press), Some(Target::Item(place))) = (&mut self.press, target) else { return };
        if self.state.overlay.is_some() || (!press.is_drag && press.place == place) {
            return;
        }
        let begins = !std::mem::replace(&mut press.is_drag, true);
        let from = press.place;
        let Some(list) = self.state.list_mut() else { return };
        if begins {
            list.begin_range(from);
        }
        list.cursor_mut().at = place;
    }

    fn release(&mut self, target: Option<Target>) -> Vec<Effect> {
        match self.press.take() {
            Some(Press { is_drag: true, .. }) => {
                if let Some(list) = self.state.list_mut().filter(|list| list.has_range()) {
                    list.toggle_range();
                }
                Vec::new()
            }
            Some(Press { place, was_current: true, .. })
                if self.state.overlay.is_none() && target == Some(Target::Item(place)) =>
            {
                self.unless_locked(Action::Enter)
            }
            _ => Vec::new(),
        }
    }

    /// Selects or deselects the item under the pointer.
    fn select(&mut self, target: Option<Target>) -> Vec<Effect> {
        let Some(Target::Item(place)) = target.filter(|_| self.state.overlay.is_none()) else { return Vec::new() };
        let effects = self.move_to(place);
        if let Some(list) = self.state.list_mut() {
            list.toggle_current();
        }
        effects
    }
}
