//! Timing a piece of work.

use std::time::Instant;

/// What `work` returns, and the seconds it took.
pub(super) fn seconds<R>(work: impl FnOnce() -> R) -> (R, f64) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed().as_secs_f64())
}

/// The middle value; the upper one of the two in the middle. `values` must not be empty.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
