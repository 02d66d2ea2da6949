//! The thread that asks tmux about the program's pane and has it repaint: tmux may take its time, and the event loop
//! must not wait.

use std::sync::mpsc::{Receiver, Sender};

use super::super::event::AppEvent;
use crate::preview::tmux::Tmux;

/// What tmux is asked.
#[derive(Clone, Copy)]
pub(super) enum TmuxRequest {
    /// The state of the pane. The number identifies the request.
    PaneView(u64),
    /// To repaint the terminal, which was sent the sequence that erases it.
    Repaint,
}

/// Answers requests until the other end of a channel is closed.
pub(super) fn work(tmux: &Tmux, requests: &Receiver<TmuxRequest>, events: &Sender<AppEvent>) {
    while let Ok(request) = requests.recv() {
        let event = match request {
            TmuxRequest::PaneView(number) => AppEvent::Pane { number, view: tmux.view() },
            TmuxRequest::Repaint => AppEvent::Repainted { is_visible: tmux.repaint_after_erasing() },
        };
        if events.send(event).is_err() {
            return;
        }
    }
}
