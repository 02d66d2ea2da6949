//! How fast a run is, and so how long it takes still.

use std::collections::VecDeque;
use std::time::Duration;

/// The rate is taken over this much of the recent past.
const RATE_OVER: Duration = Duration::from_secs(10);

/// Photos through at moments of the recent past.
#[derive(Clone, Debug, Default)]
pub struct Rate(VecDeque<(Duration, usize)>);

impl Rate {
    /// So many photos are through after this time.
    pub fn record(&mut self, elapsed: Duration, through: usize) {
        self.0.push_back((elapsed, through));
        while self.0.front().is_some_and(|(at, _)| *at + RATE_OVER < elapsed) {
            self.0.pop_front();
        }
    }

    /// What was recorded so far says nothing about what follows.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// Photos a second over the last ten seconds; `None` before there is anything to measure.
    #[must_use]
    pub fn per_second(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (self.0.front()?, self.0.back()?);
        let seconds = (*to - *from).as_secs_f64();
        (seconds > 0.5 && after > before).then(|| (after - before) as f64 / seconds)
    }

    /// Time that so many photos take at the present rate.
    #[must_use]
    pub fn time_for(&self, photos: usize) -> Option<Duration> {
        self.per_second().map(|rate| Duration::from_secs_f64(photos as f64 / rate))
    }
}
