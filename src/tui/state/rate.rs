//! The rate of a run, and the estimated time to its end.

use std::collections::VecDeque;
use std::time::Duration;

/// The window over which the rate is measured.
const RATE_OVER: Duration = Duration::from_secs(10);

/// Recent samples: elapsed time, and photos done by then.
#[derive(Clone, Debug, Default)]
pub struct Rate(VecDeque<(Duration, usize)>);

impl Rate {
    /// Records that `through` photos are processed after `elapsed`.
    pub fn record(&mut self, elapsed: Duration, through: usize) {
        self.0.push_back((elapsed, through));
        while self.0.front().is_some_and(|(at, _)| *at + RATE_OVER < elapsed) {
            self.0.pop_front();
        }
    }

    /// Drops all samples.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// Photos per second over the last ten seconds; `None` until it can be measured.
    #[must_use]
    pub fn per_second(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (self.0.front()?, self.0.back()?);
        let seconds = (*to - *from).as_secs_f64();
        (seconds > 0.5 && after > before).then(|| (after - before) as f64 / seconds)
    }

    /// Estimated time for this many photos.
    #[must_use]
    pub fn time_for(&self, photos: usize) -> Option<Duration> {
        self.per_second().map(|rate| Duration::from_secs_f64(photos as f64 / rate))
    }
}
