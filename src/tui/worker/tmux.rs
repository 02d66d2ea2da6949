//! Asks tmux how the own pane stands, and has it paint: it may take its time, and the event loop does not wait.

use std::sync::mpsc::{Receiver, Sender};

use super::super::event::AppEvent;
use crate::preview::tmux::Tmux;

/// What is wanted of tmux.
#[derive(Clone, Copy)]
pub(super) enum TmuxRequest {
    /// The view of the own pane, in answer to the question of this number.
    View(u64),
    /// The terminal painted again, which was sent the sequence that erases it.
    Repaint,
}

pub(super) fn work(tmux: &Tmux, requests: &Receiver<TmuxRequest>, events: &Sender<AppEvent>) {
    while let Ok(request) = requests.recv() {
        let event = match request {
            TmuxRequest::View(number) => AppEvent::Pane { number, view: tmux.view() },
            TmuxRequest::Repaint => AppEvent::Repainted { is_visible: tmux.repaint_after_erasing() },
        };
        if events.send(event).is_err() {
            return;
        }
    }
}
