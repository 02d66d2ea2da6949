//! When an application that nobody uses locks itself. Time that the machine slept or the program was stopped counts: a
//! laptop that was closed for an hour locks when it wakes up.

use std::time::Duration;

/// Decides when it is time to lock. Told the time, as [`now`] gives it.
pub(super) struct IdleLock {
    after: Option<Duration>,
    last_used: Duration,
}

impl IdleLock {
    /// Locks after this long without use; never without.
    pub(super) fn new(after: Option<Duration>, now: Duration) -> Self {
        Self { after, last_used: now }
    }

    /// A key was pressed. Ask [`Self::is_due`] first: a key that comes too late must not put off the lock.
    pub(super) fn used(&mut self, now: Duration) {
        self.last_used = now;
    }

    /// Whether it is time to lock; said once, and then again after as long.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let is_due = self.after.is_some_and(|after| now.saturating_sub(self.last_used) >= after);
        if is_due {
            self.last_used = now;
        }
        is_due
    }
}

/// The time on a clock that only goes forward, and goes on while the machine sleeps. `std::time::Instant` stands still
/// then on Linux and on Apple's systems.
pub(super) fn now() -> Duration {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const CLOCK: ClockId = ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const CLOCK: ClockId = ClockId::Monotonic;
        // The clock exists on each of these systems, and its time is not negative.
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
    fn it_locks_after_as_long_without_a_key_and_not_before() {
        let start = Duration::from_secs(1_000_000);
        let mut lock = IdleLock::new(Some(15 * MINUTE), start);
        assert!(!lock.is_due(start + 14 * MINUTE));
        lock.used(start + 14 * MINUTE);
        assert!(!lock.is_due(start + 28 * MINUTE));
        assert!(lock.is_due(start + 29 * MINUTE));
        assert!(!lock.is_due(start + 30 * MINUTE), "said once");
        assert!(!IdleLock::new(None, start).is_due(start + 10_000 * MINUTE));
    }

    #[test]
    fn after_an_hour_asleep_it_is_due_before_the_first_key_counts() {
        // Two readings of a clock that went on meanwhile; nothing ran in between.
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
        // The kernel's uptime is that clock's, rounded down to hundredths.
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
