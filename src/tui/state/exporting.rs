//! The progress of an export. It names no photo, so it may outlive a lock.

use std::path::PathBuf;
use std::time::Duration;

use super::rate::Rate;
use crate::services::export::Progress;

/// A running export.
#[derive(Clone, Debug)]
pub struct Exporting {
    /// Where the photos go.
    pub folder: PathBuf,
    /// Its progress.
    pub progress: Progress,
    /// Whether the user has stopped it.
    pub is_stopping: bool,
    elapsed: Duration,
    rate: Rate,
}

impl Exporting {
    /// A new export of `total` photos.
    #[must_use]
    pub fn new(folder: PathBuf, total: usize) -> Self {
        let progress = Progress { total, ..Progress::default() };
        Self { folder, progress, is_stopping: false, elapsed: Duration::ZERO, rate: Rate::default() }
    }

    /// The fraction that is done, 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        if self.progress.total == 0 { 0.0 } else { self.progress.done as f64 / self.progress.total as f64 }
    }

    /// Advances clocks and spinners.
    pub fn advance(&mut self, by: Duration) {
        self.elapsed += by;
        self.rate.record(self.elapsed, self.progress.done);
    }

    /// Photos per second; `None` until it can be measured.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.rate.per_second()
    }

    /// Estimated time to the end.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.rate.time_for(self.progress.total.saturating_sub(self.progress.done))
    }
}
