//! Queries tmux about this pane and has it repaint, without the event loop waiting for tmux.

use std::sync::mpsc::{Receiver, Sender};

use super::AppEvent;
use crate::preview::tmux::Tmux;

/// A request to tmux.
#[derive(Clone, Copy)]
pub(super) enum TmuxRequest {
    /// Describe this pane; the number comes back with the answer.
    View(u64),
    /// Repaint the terminal after it was sent the sequence that erases it.
    Repaint,
}

pub(super) fn work(tmux: &Tmux, requests: &Receiver<TmuxRequest>, app_events: &Sender<AppEvent>) {
    while let Ok(request) = requests.recv() {
        let event = match request {
            TmuxRequest::View(number) => AppEvent::Pane { number, view: tmux.view() },
            TmuxRequest::Repaint => AppEvent::Repainted { is_visible: tmux.repaint_after_erasing() },
        };
        if app_events.send(event).is_err() {
            return;
        }
    }
}
