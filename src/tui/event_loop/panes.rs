//! In tmux: draws pixels while they would land in the program's own pane and half blocks otherwise, and erases pixels
//! that may lie in other panes.
//!
//! tmux is asked before and after new pixels are sent, after anything that may have moved panes, and once a second
//! while there are pictures. If the user moves panes between an answer and the pixels, these can still land elsewhere;
//! the request after them detects that.

use std::time::Instant;

use super::EventLoop;
use crate::preview::tmux::{AFTER_ERASE, ERASE_SCREEN, PASSTHROUGH_ADVICE, PaneView};
use crate::tui::error::Error;
use crate::tui::pane::StrayPixels;

impl EventLoop {
    /// Another pane may have become active.
    pub(super) fn focus_changed(&mut self) {
        self.pane.invalidate();
        self.request_view();
    }

    /// Panes may have moved, and pixels with them into another pane.
    pub(super) fn panes_moved(&mut self) {
        if self.application.pictures.sent().is_on_screen() {
            self.suspect_stray_pixels();
        }
        self.focus_changed();
    }

    fn suspect_stray_pixels(&mut self) {
        // An erasure in progress also erases what was sent before.
        if self.pane.stray_pixels == StrayPixels::None {
            self.pane.stray_pixels = StrayPixels::Possible;
        }
    }

    /// A key press shows that the program's pane is the active one.
    pub(super) fn key_pressed(&mut self) {
        if self.application.pictures.withholds_pixels() || self.pane.is_unasked {
            self.request_view();
        }
    }

    fn request_view(&mut self) {
        if self.workers.has_tmux()
            && let Some(number) = self.pane.next_request()
        {
            self.workers.view_pane(number);
        }
    }

    /// Asks tmux when it is time. Shows the advice about pictures once there are some.
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
        let needs_watch = self.pane.stray_pixels == StrayPixels::Possible || could_draw && pictures.are_on_screen();
        if pictures.is_held_back() && self.pane.stray_pixels != StrayPixels::Erasing
            || draws_pixels && pictures.has_sent()
            || needs_watch && self.pane.is_stale(Instant::now())
        {
            self.request_view();
        }
        Ok(())
    }

    /// Takes the answer of tmux about the pane.
    pub(super) fn receive_pane_view(&mut self, number: u64, view: Option<PaneView>) -> Result<(), Error> {
        let Some((before, view)) = self.pane.receive(number, view, Instant::now()) else {
            self.request_view();
            return Ok(());
        };
        let is_other = self.pane.client.as_ref().is_some_and(|client| *client != view.client);
        if view.takes_pixels() && (is_other || self.pane.is_unasked) {
            // Another terminal was attached, or queries now reach the terminal.
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
                let deletion = pictures.withhold_pixels();
                self.screen.send(deletion.as_bytes())?;
                if !view.allows_passthrough && view.is_in_front {
                    self.application.state.messages.warn(PASSTHROUGH_ADVICE);
                }
                if self.application.pictures.sent().is_on_screen() {
                    self.suspect_stray_pixels();
                }
            }
            self.clear()?;
        }
        if has_moved {
            self.suspect_stray_pixels();
        }
        if self.pane.stray_pixels == StrayPixels::Possible && view.is_visible {
            self.erase_terminal()?;
        }
        Ok(())
    }

    /// Erases all pixels from the terminal, whatever pane they lie in.
    pub(super) fn erase_terminal(&mut self) -> Result<(), Error> {
        if self.application.pictures.sent().take_on_screen() || self.pane.stray_pixels == StrayPixels::Possible {
            self.pane.stray_pixels = StrayPixels::Erasing;
            self.screen.send(ERASE_SCREEN.as_bytes())?;
            self.workers.repaint_terminal();
            self.clear()?;
        }
        Ok(())
    }

    /// tmux has repainted the terminal.
    pub(super) fn repainted(&mut self, is_visible: bool) -> Result<(), Error> {
        self.screen.send(AFTER_ERASE.as_bytes())?;
        // While no terminal shows the window, tmux passes nothing through: nothing was erased.
        self.pane.stray_pixels = if is_visible { StrayPixels::None } else { StrayPixels::Possible };
        self.clear()
    }
}
