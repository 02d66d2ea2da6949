//! An indexing run as the user sees it: how far, how fast, what is in which stage, what failed.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use super::rate::Rate;
use crate::services::skipped::SkippedCounts;

/// Failures shown; older ones are in the summary.
const SHOWN_FAILURES: usize = 200;

/// How a run stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Files are looked for.
    Looking,
    /// Photos go through.
    Running,
    /// Held by the user.
    Paused,
    /// Told to stop; what is done is being kept.
    Stopping,
    /// All photos are through.
    Done,
    /// Stopped before all photos were through.
    Stopped,
    /// The run itself failed.
    Failed,
}

/// A photo that could not be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// What is in each stage of the pipeline; they overlap.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stages {
    /// The photo last read.
    pub reading: Option<PathBuf>,
    /// The photo last given to the network.
    pub features: Option<PathBuf>,
    /// The photo last given to be encrypted and written.
    pub sealing: Option<PathBuf>,
}

/// A run, under way or over.
#[derive(Clone, Debug)]
pub struct Indexing {
    /// How it stands.
    pub standing: Standing,
    /// Photos to go through.
    pub total: usize,
    /// Photos encrypted and written into the vault; those that are committed are among them.
    pub added: usize,
    /// Photos that the vault held already.
    pub already_present: usize,
    /// Photos that could not be used.
    pub failed: usize,
    /// Photos that are durable in the vault.
    pub committed: usize,
    /// Photos that the vault held already when the first new one came; `None` before.
    resumed_at: Option<usize>,
    /// The newest failures, newest last.
    pub failures: VecDeque<Failure>,
    /// Files in folders that were not taken.
    pub skipped: SkippedCounts,
    /// Why the run itself failed.
    pub error: Option<String>,
    /// What is in each stage.
    pub stages: Stages,
    /// Time since the start, without pauses.
    pub elapsed: Duration,
    recent: Rate,
}

impl Indexing {
    /// A run that looks for its files.
    #[must_use]
    pub fn new() -> Self {
        Self {
            standing: Standing::Looking,
            total: 0,
            added: 0,
            already_present: 0,
            failed: 0,
            committed: 0,
            resumed_at: None,
            failures: VecDeque::new(),
            skipped: SkippedCounts::default(),
            error: None,
            stages: Stages::default(),
            elapsed: Duration::ZERO,
            recent: Rate::default(),
        }
    }

    /// The files were found.
    pub fn found(&mut self, total: usize, skipped: SkippedCounts) {
        self.total = total;
        self.skipped = skipped;
        if self.standing == Standing::Looking {
            self.standing = Standing::Running;
        }
    }

    /// Whether it still works, or would if it were not paused.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.standing, Standing::Looking | Standing::Running | Standing::Paused | Standing::Stopping)
    }

    /// Photos that are through, whatever became of them.
    #[must_use]
    pub fn through(&self) -> usize {
        self.added + self.already_present + self.failed
    }

    /// The part that is through, 0 to 1.
    #[must_use]
    pub fn part(&self) -> f64 {
        if self.total == 0 { 0.0 } else { (self.through() as f64 / self.total as f64).min(1.0) }
    }

    /// A new photo is in the network. When photos before it were in the vault already, an earlier run was interrupted
    /// here; passing those over was quick and says nothing about the rate.
    pub fn describe(&mut self, path: PathBuf) {
        self.stages.features = Some(path);
        if self.resumed_at.is_none() {
            self.resumed_at = Some(self.already_present);
            self.recent.forget();
        }
    }

    /// Where an interrupted run is taken up again.
    #[must_use]
    pub fn resumed_at(&self) -> Option<usize> {
        self.resumed_at.filter(|photos| *photos > 0)
    }

    /// A photo is being encrypted and written, which takes no time that a user would see.
    pub fn seal(&mut self, path: PathBuf) {
        self.added += 1;
        self.stages.sealing = Some(path);
    }

    /// Time went on.
    pub fn advance(&mut self, by: Duration) {
        if matches!(self.standing, Standing::Running | Standing::Stopping) {
            self.elapsed += by;
            self.recent.record(self.elapsed, self.through());
        }
    }

    /// Photos a second over the last ten seconds; `None` before there is anything to measure.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.recent.per_second()
    }

    /// Time to the end at the present rate.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.recent.time_for(self.total.saturating_sub(self.through()))
    }

    /// The run ended by an error: what was sealed and not committed is not in the vault.
    pub fn end_by(&mut self, error: String) {
        self.standing = Standing::Failed;
        self.added = self.committed;
        self.error = Some(error);
    }

    /// A photo could not be used.
    pub fn fail(&mut self, path: PathBuf, reason: String) {
        self.failed += 1;
        if self.failures.len() == SHOWN_FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back(Failure { path, reason });
    }
}

impl Default for Indexing {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_recent_past_and_pauses_do_not_count() {
        let mut run = Indexing { standing: Standing::Running, total: 300, ..Indexing::new() };
        assert_eq!(run.rate(), None);
        for _ in 0..20 {
            run.added += 5;
            run.advance(Duration::from_secs(1));
        }
        assert!((run.rate().unwrap() - 5.0).abs() < 1e-9);
        assert_eq!(run.remaining(), Some(Duration::from_secs(40)));
        run.standing = Standing::Paused;
        run.advance(Duration::from_secs(100));
        assert_eq!(run.elapsed, Duration::from_secs(20));
    }

    #[test]
    fn a_run_is_resumed_where_new_photos_begin_and_what_was_passed_over_is_no_rate() {
        let mut fresh = Indexing::new();
        fresh.describe(PathBuf::from("1"));
        fresh.already_present += 1;
        assert_eq!(fresh.resumed_at(), None, "a second copy is no earlier run");

        let mut run = Indexing { standing: Standing::Running, total: 1000, ..Indexing::new() };
        run.already_present = 500;
        run.advance(Duration::from_secs(1));
        run.describe(PathBuf::from("501"));
        run.already_present += 1;
        for _ in 0..3 {
            run.added += 4;
            run.advance(Duration::from_secs(1));
        }
        assert_eq!(run.resumed_at(), Some(500));
        assert!((run.rate().unwrap() - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_run_that_fails_has_added_what_it_committed() {
        let mut run = Indexing { total: 9, added: 5, committed: 3, ..Indexing::new() };
        run.end_by("disk full".to_owned());
        assert_eq!((run.added, run.standing, run.error.as_deref()), (3, Standing::Failed, Some("disk full")));
    }

    #[test]
    fn every_outcome_counts_as_through() {
        let mut run = Indexing { total: 4, added: 1, already_present: 1, ..Indexing::new() };
        run.fail(PathBuf::from("x"), "damaged".to_owned());
        assert_eq!(run.through(), 3);
        assert!((run.part() - 0.75).abs() < 1e-12);
        assert_eq!(run.failures[0].reason, "damaged");
    }
}
