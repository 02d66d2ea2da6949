//! In tmux: pixels are drawn while they would land in the own pane, half blocks otherwise; and pixels that lie
//! elsewhere are erased.
//!
//! tmux is asked before and after pixels are sent that the terminal does not show yet, after whatever may have moved
//! panes, and once a second while there are pictures. What a user does to the panes between an answer and the pixels
//! can still put them elsewhere: the question after them finds out.

use std::time::Instant;

use super::EventLoop;
use crate::preview::tmux::{ADVICE, ERASE_SCREEN, ERASED, View};
use crate::tui::options::Error;
use crate::tui::pane::Screen;

impl EventLoop {
    /// Another pane may have become active.
    pub(super) fn focus_changed(&mut self) {
        self.pane.changed();
        self.view_pane();
    }

    /// Panes may have moved: what was drawn may lie in another one.
    pub(super) fn panes_moved(&mut self) {
        if self.application.pictures.sent().is_on_screen() {
            self.stain();
        }
        self.focus_changed();
    }

    fn stain(&mut self) {
        // While the terminal is being erased, what was sent before is erased with it.
        if self.pane.screen == Screen::Clean {
            self.pane.screen = Screen::Stained;
        }
    }

    /// A key came: so the own pane is the active one.
    pub(super) fn key_came(&mut self) {
        if self.application.pictures.withholds_pixels() || self.pane.is_unasked {
            self.view_pane();
        }
    }

    fn view_pane(&mut self) {
        if self.workers.has_tmux()
            && let Some(number) = self.pane.question()
        {
            self.workers.view_pane(number);
        }
    }

    /// Asks tmux when it is time. Says what has to be told about pictures, when there are some.
    pub(super) fn watch_pane(&mut self) -> Result<(), Error> {
        if self.application.pictures.are_on_screen()
            && let Some(advice) = self.pane.advice.take()
        {
            self.application.state.messages.warn(advice);
            self.draw()?;
        }
        let pictures = &self.application.pictures;
        let draws_pixels = pictures.sends_pixels_through_tmux() && !pictures.withholds_pixels();
        let could_draw = pictures.sends_pixels_through_tmux() || self.pane.is_unasked;
        let is_due = self.pane.screen == Screen::Stained || could_draw && pictures.are_on_screen();
        if pictures.is_held_back() && self.pane.screen != Screen::Erasing
            || draws_pixels && pictures.has_sent()
            || is_due && self.pane.is_old(Instant::now())
        {
            self.view_pane();
        }
        Ok(())
    }

    /// tmux said how the own pane stands.
    pub(super) fn hear_pane(&mut self, number: u64, view: Option<View>) -> Result<(), Error> {
        let Some((before, view)) = self.pane.hear(number, view, Instant::now()) else {
            self.view_pane();
            return Ok(());
        };
        let is_other = self.pane.client.as_ref().is_some_and(|client| *client != view.client);
        if view.takes_pixels() && (is_other || self.pane.is_unasked) {
            // Another terminal was attached, or questions get through to it now.
            self.pane.is_unasked = false;
            self.pane.client = Some(view.client.clone());
            self.ask_terminal();
        }
        let pictures = &mut self.application.pictures;
        let has_moved = before.layout != view.layout && pictures.sent().is_on_screen();
        if pictures.sends_pixels_through_tmux() && view.takes_pixels() == pictures.withholds_pixels() {
            if view.takes_pixels() {
                pictures.allow_pixels();
            } else {
                let forgetting = pictures.withhold_pixels();
                self.screen.send(forgetting.as_bytes())?;
                if !view.passes && view.is_in_front {
                    self.application.state.messages.warn(ADVICE);
                }
                if self.application.pictures.sent().is_on_screen() {
                    self.stain();
                }
            }
            self.clear()?;
        }
        if has_moved {
            self.stain();
        }
        if self.pane.screen == Screen::Stained && view.is_visible {
            self.erase_terminal()?;
        }
        Ok(())
    }

    /// Erases every pixel from the terminal, in whatever pane it lies.
    pub(super) fn erase_terminal(&mut self) -> Result<(), Error> {
        if self.application.pictures.sent().take_on_screen() || self.pane.screen == Screen::Stained {
            self.pane.screen = Screen::Erasing;
            self.screen.send(ERASE_SCREEN.as_bytes())?;
            self.workers.repaint_terminal();
            self.clear()?;
        }
        Ok(())
    }

    /// tmux has painted the terminal again.
    pub(super) fn repainted(&mut self, is_visible: bool) -> Result<(), Error> {
        self.screen.send(ERASED.as_bytes())?;
        // tmux passes nothing on from a window that no terminal shows.
        self.pane.screen = if is_visible { Screen::Clean } else { Screen::Stained };
        self.clear()
    }
}
