//! An export as the user sees it: how far, how fast. It holds no name of a photo, so it may outlive a lock.

use std::path::PathBuf;
use std::time::Duration;

use super::rate::Rate;
use crate::services::export::Progress;

/// An export under way.
#[derive(Clone, Debug)]
pub struct Exporting {
    /// Where the photos go.
    pub folder: PathBuf,
    /// How far it is.
    pub progress: Progress,
    /// Whether it was told to stop.
    pub is_stopping: bool,
    elapsed: Duration,
    rate: Rate,
}

impl Exporting {
    /// An export of so many photos that begins.
    #[must_use]
    pub fn new(folder: PathBuf, total: usize) -> Self {
        let progress = Progress { total, ..Progress::default() };
        Self { folder, progress, is_stopping: false, elapsed: Duration::ZERO, rate: Rate::default() }
    }

    /// The part that is through, 0 to 1.
    #[must_use]
    pub fn part(&self) -> f64 {
        if self.progress.total == 0 { 0.0 } else { self.progress.done as f64 / self.progress.total as f64 }
    }

    /// Time went on.
    pub fn advance(&mut self, by: Duration) {
        self.elapsed += by;
        self.rate.record(self.elapsed, self.progress.done);
    }

    /// Photos a second; `None` before there is anything to measure.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.rate.per_second()
    }

    /// Time to the end at the present rate.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.rate.time_for(self.progress.total.saturating_sub(self.progress.done))
    }
}
