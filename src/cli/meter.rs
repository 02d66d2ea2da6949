//! The progress bar of a run: how many of how many, rate, time left, and the file in hand, on standard error.

use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;
use crate::services::name::inert;
use crate::services::progress::{Event, Observer, Outcome, Stage};

/// Draws the events of a run. Where standard error is no terminal it draws nothing.
pub(super) struct Meter {
    bar: ProgressBar,
}

impl Meter {
    /// A bar for `photos` photos.
    pub(super) fn new(photos: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(photos as u64), ProgressDrawTarget::stderr());
        let style = "{bar:30} {pos}/{len} photos  {per_sec}  {eta} left  {wide_msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is valid"));
        bar.enable_steady_tick(std::time::Duration::from_millis(250));
        Self { bar }
    }

    /// Takes the bar off the screen.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line above the bar.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| output::say(line));
    }
}

impl Observer for Meter {
    fn observe(&self, event: Event) {
        match event {
            Event::WaitingForWriter => self.say("Another process is writing to this vault; waiting for it."),
            Event::Entered { path, stage: Stage::Features } => self.bar.set_message(file_name(&path)),
            // Added photos count when they are sealed; that they are committed together later is no news here.
            Event::Entered { stage: Stage::Sealing, .. }
            | Event::Finished { outcome: Outcome::AlreadyPresent | Outcome::Failed { .. }, .. } => self.bar.inc(1),
            Event::Entered { .. } | Event::Finished { .. } | Event::Committed { .. } => {}
        }
    }
}

fn file_name(path: &Path) -> String {
    inert(&path.file_name().unwrap_or_default().to_string_lossy()).into_owned()
}
