//! How a long use case reports progress, and how it is paused or stopped. No terminal type lives here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// A step of the indexing pipeline; the steps overlap.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Reading a file and decoding the photo in it.
    Reading,
    /// The network: pixels to a vector.
    Features,
    /// Encrypting photo, thumbnail and vector, and writing them.
    Sealing,
}

/// The outcome for one photo.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is in the vault, and committed.
    Added,
    /// The vault, or this run, has the same content already.
    AlreadyPresent,
    /// It was removed from the vault before, and was not added again.
    RemovedBefore,
    /// It cannot be used; the run continues.
    Failed {
        /// Why, in words for the user.
        reason: String,
    },
}

/// An event of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Another process writes to the vault; the run continues when that one has finished.
    WaitingForWriter,
    /// A photo entered a stage.
    Entered {
        /// The file.
        path: PathBuf,
        /// The stage it entered.
        stage: Stage,
    },
    /// A photo is done.
    Finished {
        /// The file.
        path: PathBuf,
        /// The outcome.
        outcome: Outcome,
    },
    /// All photos added so far are durable in the vault.
    Committed {
        /// How many this run has added so far.
        photos: usize,
    },
}

/// Receives the events of a run, from several threads. It must return quickly, because the pipeline waits for it.
pub trait Observer: Sync {
    /// Called for each event.
    fn observe(&self, event: Event);
}

impl<F: Fn(Event) + Sync> Observer for F {
    fn observe(&self, event: Event) {
        self(event);
    }
}

/// Pauses and stops a run; shared between the run and its owner.
#[derive(Debug, Default)]
pub struct Control {
    stopped: AtomicBool,
    paused: Mutex<bool>,
    changed: Condvar,
}

impl Control {
    /// Asks the run to stop: it finishes the current batch, commits it, and returns.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.set_paused(false);
    }

    /// Whether the run was asked to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Waits until the run is asked to stop, at most for `most`. Returns whether it was.
    #[must_use]
    pub fn stopped_within(&self, most: Duration) -> bool {
        let mut unchanged = self.paused.lock();
        self.changed.wait_while_for(&mut unchanged, |_| !self.is_stopped(), most);
        self.is_stopped()
    }

    /// Holds the run before its next photo, until [`Control::resume`] or [`Control::stop`].
    pub fn pause(&self) {
        self.set_paused(true);
    }

    /// Resumes a paused run.
    pub fn resume(&self) {
        self.set_paused(false);
    }

    /// Called by the run between photos: waits while paused, then says whether to continue.
    #[must_use]
    pub fn may_continue(&self) -> bool {
        self.changed.wait_while(&mut self.paused.lock(), |paused| *paused);
        !self.is_stopped()
    }

    fn set_paused(&self, value: bool) {
        *self.paused.lock() = value;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopping_a_run_wakes_a_thread_that_waits_for_it() {
        let control = Control::default();
        assert!(!control.stopped_within(Duration::from_millis(1)));
        std::thread::scope(|scope| {
            // Far longer than the test may take: only the stop can end it.
            let waiting = scope.spawn(|| control.stopped_within(Duration::from_secs(3600)));
            control.stop();
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn a_paused_run_waits_and_a_stopped_one_ends() {
        let control = Control::default();
        assert!(control.may_continue());
        control.pause();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| sender.send(control.may_continue()));
            assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err(), "it did not wait");
            control.resume();
            assert!(receiver.recv().unwrap());
            control.pause();
            scope.spawn(|| sender.send(control.may_continue()));
            control.stop();
            assert!(!receiver.recv().unwrap(), "stopping must free a paused run");
        });
    }
}
