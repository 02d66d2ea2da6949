//! What the event loop reacts to: the terminal, signals, and replies of the workers.

use crossterm::event::Event;

use super::preview::PictureResponse;
use super::request::Reply;
use crate::preview::Probe;
use crate::preview::tmux::PaneView;

/// Something that the event loop must handle.
pub(super) enum AppEvent {
    /// A key, a click, a paste, a new size.
    Terminal(Event),
    /// The terminal was closed.
    TerminalLost,
    /// A signal with this number arrived.
    Signal(i32),
    /// A worker replied.
    Reply(Reply),
    /// A picture was encoded, or could not be.
    Picture(Box<PictureResponse>),
    /// The terminal was probed.
    Probed(Box<Probe>),
    /// tmux reported on our pane, or did not answer in time.
    Pane {
        /// The number of the question.
        number: u64,
        /// The answer.
        view: Option<PaneView>,
    },
    /// tmux repainted the terminal.
    Repainted {
        /// Whether a terminal shows our pane.
        is_visible: bool,
    },
    /// A worker panicked; the panic hook has reported it.
    WorkerDied,
}
