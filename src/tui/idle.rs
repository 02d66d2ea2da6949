//! When to lock an idle application. Time asleep or suspended counts: a laptop that was closed for an hour locks
//! when it wakes up.

use std::time::Duration;

/// Decides when to lock. Times are those of [`now`].
pub(super) struct IdleLock {
    after: Option<Duration>,
    last_used: Duration,
}

impl IdleLock {
    /// Locks after this long without a key; `None` never locks.
    pub(super) fn new(after: Option<Duration>, now: Duration) -> Self {
        Self { after, last_used: now }
    }

    /// Records a key. Call [`Self::is_due`] first: a key that comes too late must not put off the lock.
    pub(super) fn used(&mut self, now: Duration) {
        self.last_used = now;
    }

    /// Whether to lock now. True once, then again only after the full time.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let is_due = self.after.is_some_and(|after| now.saturating_sub(self.last_used) >= after);
        if is_due {
            self.last_used = now;
        }
        is_due
    }
}

/// The time on a monotonic clock that counts sleep, as `std::time::Instant` does not on Linux and on Apple's systems.
pub(super) fn now() -> Duration {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const CLOCK: ClockId = ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const CLOCK: ClockId = ClockId::Monotonic;
        // The clock exists on all of these systems and is never negative.
        Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default()
    }
    #[cfg(not(unix))]
    {
        use std::sync::LazyLock;
        use std::time::Instant;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn it_locks_after_the_set_time_without_a_key_and_not_before() {
        let start = Duration::from_secs(1_000_000);
        let mut lock = IdleLock::new(Some(15 * MINUTE), start);
        assert!(!lock.is_due(start + 14 * MINUTE));
        lock.used(start + 14 * MINUTE);
        assert!(!lock.is_due(start + 28 * MINUTE));
        assert!(lock.is_due(start + 29 * MINUTE));
        assert!(!lock.is_due(start + 30 * MINUTE), "reported once");
        assert!(!IdleLock::new(None, start).is_due(start + 10_000 * MINUTE));
    }

    #[test]
    fn after_an_hour_asleep_it_locks_before_the_first_key() {
        // The clock continued while nothing ran.
        let before = Duration::from_secs(50);
        let mut lock = IdleLock::new(Some(15 * MINUTE), before);
        let awake = before + 60 * MINUTE;
        assert!(lock.is_due(awake));
        lock.used(awake);
        assert!(!lock.is_due(awake + MINUTE));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_clock_is_the_one_that_counts_sleep() {
        // The kernel's uptime is the same clock, rounded down to hundredths.
        let uptime = || {
            let text = std::fs::read_to_string("/proc/uptime").unwrap();
            Duration::from_secs_f64(text.split(' ').next().unwrap().parse().unwrap())
        };
        let before = uptime();
        let read = now();
        let after = uptime() + Duration::from_millis(10);
        assert!(before <= read && read <= after, "{before:?} {read:?} {after:?}");
    }
}
