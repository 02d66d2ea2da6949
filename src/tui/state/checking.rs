//! The progress of a check of every byte of the vault.

use std::time::Duration;

use super::rate::Rate;
use crate::services::check::Progress;

/// A check under way.
#[derive(Clone, Debug, Default)]
pub struct Checking {
    /// Photos that were read.
    pub photos: usize,
    /// Damaged files that were found.
    pub damages: usize,
    elapsed: Duration,
    rate: Rate,
}

impl Checking {
    /// More was read.
    pub fn read(&mut self, progress: Progress) {
        self.photos += progress.images;
        self.damages += progress.damages;
    }

    /// Advances the clock.
    pub fn advance(&mut self, by: Duration) {
        self.elapsed += by;
        self.rate.record(self.elapsed, self.photos);
    }

    /// Photos per second; `None` until it can be measured.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.rate.per_second()
    }

    /// Estimated time to the end of `all` photos.
    #[must_use]
    pub fn remaining(&self, all: usize) -> Option<Duration> {
        self.rate.time_for(all.saturating_sub(self.photos))
    }
}
