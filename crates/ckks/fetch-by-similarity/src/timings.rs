//! Times of the steps of a stage: lines on standard output, and for the server the file from which the harness copies
//! them into its results.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::error::Error;
use crate::files;

/// Measures consecutive steps.
pub(crate) struct Timings {
    party: &'static str,
    started: Instant,
    step_started: Instant,
    steps: Vec<(&'static str, f64)>,
}

impl Timings {
    /// Starts the first step of a stage that `party` ("client" or "server") runs.
    pub(crate) fn start(party: &'static str) -> Self {
        let now = Instant::now();
        Self { party, started: now, step_started: now, steps: Vec::new() }
    }

    /// Ends a step and starts the next one.
    pub(crate) fn finish(&mut self, step: &'static str) {
        let now = Instant::now();
        self.steps.push((step, (now - self.step_started).as_secs_f64()));
        self.step_started = now;
    }

    /// Prints all steps.
    pub(crate) fn print(&self) {
        let mut output = std::io::stdout().lock();
        for (step, seconds) in &self.steps {
            // Nobody needs the times of a stage whose output is closed.
            let _ = writeln!(output, "         [{}] {step}: {seconds:.4}s", self.party);
        }
    }

    /// Writes all steps and their total as the JSON object that the harness reads: seconds by name.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(crate) fn save(&self, path: &Path) -> Result<(), Error> {
        let total = ("Total", self.started.elapsed().as_secs_f64());
        let rounded = |seconds: f64| (seconds * 1e4).round() / 1e4;
        let steps = self.steps.iter().chain([&total]);
        let object: serde_json::Map<_, _> =
            steps.map(|(step, seconds)| ((*step).to_owned(), rounded(*seconds).into())).collect();
        files::write(path, serde_json::Value::Object(object).to_string().as_bytes())
    }
}
