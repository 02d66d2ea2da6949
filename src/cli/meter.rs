//! The progress bar of a run on standard error: count, rate, time left, failures, current file. Draws nothing unless
//! standard error is a terminal.

use std::fmt::Write;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::output;
use crate::services::name::inert;
use crate::services::progress::{Event, Observer, Outcome, Stage};

/// How often the bar is redrawn without an event.
const TICK: Duration = Duration::from_millis(250);

/// Draws the progress of a run.
pub(super) struct Meter {
    bar: ProgressBar,
    /// What is counted, in the plural.
    what: &'static str,
    failed: AtomicUsize,
    is_waiting: AtomicBool,
    /// Drawing starts with the first event: until then it is unknown whether the run works or waits.
    drawn: Once,
}

impl Meter {
    /// A bar for `total` of `what`.
    pub(super) fn new(total: usize, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        bar.set_style(counting(what));
        let (failed, is_waiting) = (AtomicUsize::default(), AtomicBool::default());
        Self { bar, what, failed, is_waiting, drawn: Once::new() }
    }

    /// Sets the total and the number done.
    pub(super) fn set(&self, total: usize, done: usize) {
        self.draw();
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    /// Adds to the number done.
    pub(super) fn advance(&self, more: usize) {
        self.draw();
        self.bar.inc(more as u64);
    }

    /// Adds to the number of failures, which is shown with the word `called`, such as `failed` or `damaged`.
    pub(super) fn fail(&self, more: usize, called: &str) {
        if more > 0 {
            let failed = self.failed.fetch_add(more, Ordering::Relaxed) + more;
            self.bar.set_prefix(format!("  {failed} {called}"));
        }
    }

    /// How long the run has worked, not counting waits for another process.
    pub(super) fn elapsed(&self) -> Duration {
        if self.is_waiting.load(Ordering::Relaxed) { Duration::ZERO } else { self.bar.elapsed() }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn draw(&self) {
        self.drawn.call_once(|| self.bar.enable_steady_tick(TICK));
    }

    fn wait(&self) {
        self.is_waiting.store(true, Ordering::Relaxed);
        let waiting = "{spinner} waiting for another process that is writing to this vault  {elapsed}";
        self.bar.set_style(ProgressStyle::with_template(waiting).expect("the template is valid"));
        self.draw();
        let notice = "Another process is writing to this vault; waiting for it. Interrupt to stop waiting.";
        self.bar.suspend(|| output::say(notice));
    }

    fn go_on(&self) {
        if self.is_waiting.swap(false, Ordering::Relaxed) {
            self.bar.set_style(counting(self.what));
        }
        self.draw();
    }
}

fn counting(what: &str) -> ProgressStyle {
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what}  {{rate}}  {{eta}} left{{prefix}}  {{wide_msg}}");
    ProgressStyle::with_template(&template).expect("the template is valid").with_key(
        "rate",
        |state: &ProgressState, line: &mut dyn Write| {
            // Fails only when the bar cannot be drawn.
            let _ = line.write_str(&rate(state.per_sec()));
        },
    )
}

/// A rate with few digits.
fn rate(per_second: f64) -> String {
    let digits = if per_second < 9.95 { 1 } else { 0 };
    format!("{per_second:.digits$}/s")
}

impl Observer for Meter {
    fn observe(&self, event: Event) {
        match &event {
            Event::WaitingForWriter => self.wait(),
            // It is the last stage that waits; the others go on until their queues are full.
            Event::Entered { stage: Stage::Sealing, .. } | Event::Committed { .. } => self.go_on(),
            Event::Entered { .. } => self.draw(),
            Event::Finished { .. } => {}
        }
        match event {
            Event::Entered { path, stage: Stage::Features } => self.bar.set_message(file_name(&path)),
            // Added photos count when they are sealed: commits come in large steps.
            Event::Entered { stage: Stage::Sealing, .. }
            | Event::Finished { outcome: Outcome::AlreadyPresent | Outcome::RemovedBefore, .. } => self.advance(1),
            Event::Finished { outcome: Outcome::Failed { .. }, .. } => {
                self.advance(1);
                self.fail(1, "failed");
            }
            Event::WaitingForWriter | Event::Entered { .. } | Event::Finished { .. } | Event::Committed { .. } => {}
        }
    }
}

fn file_name(path: &Path) -> String {
    inert(&path.file_name().unwrap_or_default().to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_ten_and_more_have_no_decimals() {
        let cases =
            [(0.0, "0.0/s"), (0.314, "0.3/s"), (9.94, "9.9/s"), (9.96, "10/s"), (31.3847, "31/s"), (1234.5, "1234/s")];
        for (per_second, expected) in cases {
            assert_eq!(rate(per_second), expected);
        }
    }
}
