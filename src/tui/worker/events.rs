//! Reads the terminal's events and probes the terminal. One thread does both, so that no answer is mistaken for a key
//! and no other thread waits for a terminal that answers late or never.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::super::event::AppEvent;
use crate::preview::{self, ProbeOptions};

/// How often the thread checks whether the terminal is to be probed.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Held during a probe, which changes the terminal's modes: they must not be restored meanwhile.
#[derive(Clone, Default)]
pub(super) struct Asking(Arc<Mutex<()>>);

impl Asking {
    /// Waits for a running probe to end, and prevents another one while the guard lives.
    pub(super) fn pause(&self) -> MutexGuard<'_, ()> {
        self.0.lock()
    }
}

/// Probes the terminal, then reads events until the terminal is closed or the receiver is dropped.
pub(super) fn work(questions: &Receiver<ProbeOptions>, asking: &Asking, events: &Sender<AppEvent>) {
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
