//! Asks tmux how the own pane stands, and has it paint: it may take its time, and the event loop does not wait.

use std::sync::mpsc::{Receiver, Sender};

use super::Happening;
use crate::preview::tmux::Tmux;

/// What is wanted of tmux.
#[derive(Clone, Copy)]
pub(super) enum Errand {
    /// The view of the own pane, in answer to the question of this number.
    View(u64),
    /// The terminal painted again, which was sent the sequence that erases it.
    Repaint,
}

pub(super) fn work(tmux: &Tmux, errands: &Receiver<Errand>, happenings: &Sender<Happening>) {
    while let Ok(errand) = errands.recv() {
        let happening = match errand {
            Errand::View(number) => Happening::Pane { number, view: tmux.view() },
            Errand::Repaint => Happening::Repainted { is_visible: tmux.repaint_after_erasing() },
        };
        if happenings.send(happening).is_err() {
            return;
        }
    }
}
