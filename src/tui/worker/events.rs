//! Reads the terminal's events, and asks the terminal what it understands when told to: one thread does both, so that no
//! answer is taken for a key, and nobody else waits for a terminal that answers late or never.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::event::AppEvent;
use crate::preview::{self, Question};

/// How often the thread looks whether the terminal is to be asked something.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Held while the terminal is asked: its modes are being changed, and must not be given back meanwhile.
#[derive(Clone, Default)]
pub(super) struct Asking(Arc<Mutex<()>>);

impl Asking {
    /// Waits until nothing is being asked; as long as the guard lives, nothing will be.
    pub(super) fn pause(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the first question, then reads events until the terminal is gone or nobody wants them.
pub(super) fn work(questions: &Receiver<Question>, asking: &Asking, events: &Sender<AppEvent>) {
    let Ok(first) = questions.recv() else { return };
    let mut question = Some(first);
    loop {
        if let Some(question) = question.take() {
            let probe = {
                let _asking = asking.pause();
                preview::probe(&question)
            };
            if events.send(AppEvent::Probed(Box::new(probe))).is_err() {
                return;
            }
        }
        question = questions.try_recv().ok();
        if question.is_some() {
            continue;
        }
        let event = match crossterm::event::poll(POLL_INTERVAL) {
            Ok(false) => continue,
            Ok(true) => crossterm::event::read().map_or(AppEvent::TerminalLost, AppEvent::Terminal),
            Err(_) => AppEvent::TerminalLost,
        };
        let is_lost = matches!(event, AppEvent::TerminalLost);
        if events.send(event).is_err() || is_lost {
            return;
        }
    }
}
