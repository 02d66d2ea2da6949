//! The progress of an indexing run: numbers, rate, stages and failures.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use super::cursor::Cursor;
use super::rate::Rate;
use crate::services::skipped::SkippedCounts;

/// How many failures are kept, the newest; older ones are only counted.
const SHOWN_FAILURES: usize = 200;

/// How many of the photos added last are shown as thumbnails, at most.
const SHOWN_RECENT: usize = 24;
/// The shortest time between new thumbnails of these: decoding them takes time from the run.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// Fewer photos than this say nothing about the pace of later runs.
const PACE_FROM: usize = 5;

/// The status of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RunStatus {
    /// Looking for photos.
    Looking,
    /// Indexing.
    Running,
    /// Paused by the user.
    Paused,
    /// Stopping; progress is being committed.
    Stopping,
    /// All photos are done.
    Done,
    /// Stopped before all photos were done.
    Stopped,
    /// The run itself failed.
    Failed,
}

/// A photo that could not be indexed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// The photo that each stage of the pipeline got last; stages overlap.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stages {
    /// Reading and decoding.
    pub reading: Option<PathBuf>,
    /// Computing features.
    pub features: Option<PathBuf>,
    /// Encrypting and writing.
    pub sealing: Option<PathBuf>,
}

/// A run, running or finished.
#[derive(Clone, Debug)]
pub struct Indexing {
    /// What it adds; empty once the vault was locked.
    pub roots: Vec<PathBuf>,
    /// Its status.
    pub status: RunStatus,
    /// Photos to index.
    pub total: usize,
    /// Photos encrypted and written, committed or not.
    pub added: usize,
    /// Photos that were already in the vault.
    pub already_present: usize,
    /// Photos that were removed from the vault before, and were left out.
    pub removed_before: usize,
    /// Photos that could not be indexed.
    pub failed: usize,
    /// Photos that are committed.
    pub committed: usize,
    /// Photos skipped before the first new one; `None` before that.
    resumed_at: Option<usize>,
    /// The newest failures, newest last.
    pub failures: VecDeque<Failure>,
    /// The failure under the cursor; 0 is the newest.
    pub failure: Cursor,
    /// Files in folders that were skipped.
    pub skipped: SkippedCounts,
    /// Why the run itself failed.
    pub error: Option<String>,
    /// The photo in each stage.
    pub stages: Stages,
    /// Time since the start, without pauses.
    pub elapsed: Duration,
    recent: Rate,
    /// The photos added last, newest first.
    sealed: VecDeque<PathBuf>,
    /// Those of them that are shown.
    shown: Vec<PathBuf>,
    since_shown: Duration,
    /// Photos per second of an earlier run.
    earlier_pace: Option<f64>,
}

impl Indexing {
    /// A run over `roots` that is still looking for photos, after `earlier` ones.
    #[must_use]
    pub fn after(earlier: Option<&Self>, roots: Vec<PathBuf>) -> Self {
        Self { roots, earlier_pace: earlier.and_then(Self::pace), ..Self::new() }
    }

    /// A run that is still looking for photos.
    #[must_use]
    pub fn new() -> Self {
        Self {
            roots: Vec::new(),
            status: RunStatus::Looking,
            total: 0,
            added: 0,
            already_present: 0,
            removed_before: 0,
            failed: 0,
            committed: 0,
            resumed_at: None,
            failures: VecDeque::new(),
            failure: Cursor::default(),
            skipped: SkippedCounts::default(),
            error: None,
            stages: Stages::default(),
            elapsed: Duration::ZERO,
            recent: Rate::default(),
            sealed: VecDeque::new(),
            shown: Vec::new(),
            since_shown: Duration::ZERO,
            earlier_pace: None,
        }
    }

    /// The files were found.
    pub fn found(&mut self, total: usize, skipped: SkippedCounts) {
        self.total = total;
        self.skipped = skipped;
        if self.status == RunStatus::Looking {
            self.status = RunStatus::Running;
        }
    }

    /// Whether it is under way, paused or not.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.status, RunStatus::Looking | RunStatus::Running | RunStatus::Paused | RunStatus::Stopping)
    }

    /// Photos that are done, whatever the outcome.
    #[must_use]
    pub fn processed(&self) -> usize {
        self.added + self.already_present + self.removed_before + self.failed
    }

    /// The fraction that is done, 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        if self.total == 0 { 0.0 } else { (self.processed() as f64 / self.total as f64).min(1.0) }
    }

    /// Records a new photo in the network. If photos before it were in the vault already, this resumes an interrupted
    /// run; skipping those was quick and says nothing about the rate.
    pub fn features_started(&mut self, path: PathBuf) {
        self.stages.features = Some(path);
        if self.resumed_at.is_none() {
            self.resumed_at = Some(self.already_present);
            self.recent.forget();
        }
    }

    /// The number of photos that a resumed run skipped first.
    #[must_use]
    pub fn resumed_at(&self) -> Option<usize> {
        self.resumed_at.filter(|photos| *photos > 0)
    }

    /// Records a photo being encrypted and written, and counts it as added: that takes no visible time.
    pub fn sealing_started(&mut self, path: PathBuf) {
        self.added += 1;
        self.sealed.truncate(SHOWN_RECENT - 1);
        self.sealed.push_front(path.clone());
        self.stages.sealing = Some(path);
    }

    /// The photos added last that are shown as thumbnails, newest first.
    #[must_use]
    pub fn shown(&self) -> &[PathBuf] {
        &self.shown
    }

    /// Shows the photos added last.
    pub fn show_added(&mut self) {
        self.shown = self.sealed.iter().cloned().collect();
        self.since_shown = Duration::ZERO;
    }

    /// Drops all names of files but those of failures.
    pub fn forget_names(&mut self) {
        self.roots.clear();
        self.stages = Stages::default();
        self.sealed.clear();
        self.shown.clear();
    }

    /// Photos per second of this run, or of an earlier one if this one says nothing about it yet.
    #[must_use]
    pub fn pace(&self) -> Option<f64> {
        let seconds = self.elapsed.as_secs_f64();
        let is_measured = self.added >= PACE_FROM && seconds > 0.5;
        if is_measured { Some(self.added as f64 / seconds) } else { self.earlier_pace }
    }

    /// Advances clocks and spinners.
    pub fn advance(&mut self, by: Duration) {
        if matches!(self.status, RunStatus::Running | RunStatus::Stopping) {
            self.elapsed += by;
            self.recent.record(self.elapsed, self.processed());
        }
        self.since_shown += by;
        if self.since_shown >= RENEW_EVERY || self.shown.is_empty() {
            self.show_added();
        }
    }

    /// Photos per second over the last ten seconds; `None` until it can be measured.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.recent.per_second()
    }

    /// Estimated time to the end.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.recent.time_for(self.total.saturating_sub(self.processed()))
    }

    /// Ends the run with an error. Photos that were sealed but not committed are not in the vault.
    pub fn fail(&mut self, error: String) {
        self.status = RunStatus::Failed;
        self.added = self.committed;
        self.error = Some(error);
    }

    /// Records a photo that could not be indexed.
    pub fn photo_failed(&mut self, path: PathBuf, reason: String) {
        self.failed += 1;
        // The cursor stays on its failure; on the newest one, it stays there.
        if self.failure.at > 0 {
            self.failure.at = (self.failure.at + 1).min(SHOWN_FAILURES - 1);
        }
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
    fn the_rate_is_recent_and_ignores_pauses() {
        let mut run = Indexing { status: RunStatus::Running, total: 300, ..Indexing::new() };
        assert_eq!(run.rate(), None);
        for _ in 0..20 {
            run.added += 5;
            run.advance(Duration::from_secs(1));
        }
        assert!((run.rate().unwrap() - 5.0).abs() < 1e-9);
        assert_eq!(run.remaining(), Some(Duration::from_secs(40)));
        run.status = RunStatus::Paused;
        run.advance(Duration::from_secs(100));
        assert_eq!(run.elapsed, Duration::from_secs(20));
    }

    #[test]
    fn a_run_resumes_at_the_first_new_photo_and_skipped_ones_do_not_affect_the_rate() {
        let mut fresh = Indexing::new();
        fresh.features_started(PathBuf::from("1"));
        fresh.already_present += 1;
        assert_eq!(fresh.resumed_at(), None, "a duplicate does not mean that there was an earlier run");

        let mut run = Indexing { status: RunStatus::Running, total: 1000, ..Indexing::new() };
        run.already_present = 500;
        run.advance(Duration::from_secs(1));
        run.features_started(PathBuf::from("501"));
        run.already_present += 1;
        for _ in 0..3 {
            run.added += 4;
            run.advance(Duration::from_secs(1));
        }
        assert_eq!(run.resumed_at(), Some(500));
        assert!((run.rate().unwrap() - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_failed_run_has_added_only_what_it_committed() {
        let mut run = Indexing { total: 9, added: 5, committed: 3, ..Indexing::new() };
        run.fail("disk full".to_owned());
        assert_eq!((run.added, run.status, run.error.as_deref()), (3, RunStatus::Failed, Some("disk full")));
    }

    #[test]
    fn every_outcome_counts_as_processed() {
        let mut run = Indexing { total: 4, added: 1, already_present: 1, ..Indexing::new() };
        run.photo_failed(PathBuf::from("x"), "damaged".to_owned());
        assert_eq!(run.processed(), 3);
        assert!((run.fraction() - 0.75).abs() < 1e-12);
        assert_eq!(run.failures[0].reason, "damaged");
    }

    #[test]
    fn thumbnails_of_added_photos_change_at_most_every_two_seconds_and_no_name_stays_after_a_lock() {
        let mut run = Indexing { status: RunStatus::Running, total: 99, ..Indexing::after(None, vec!["/p".into()]) };
        run.sealing_started(PathBuf::from("1"));
        run.advance(Duration::from_millis(120));
        assert_eq!(run.shown(), [PathBuf::from("1")], "the first one at once");
        run.sealing_started(PathBuf::from("2"));
        run.advance(Duration::from_millis(1900));
        assert_eq!(run.shown().len(), 1);
        run.advance(Duration::from_millis(120));
        assert_eq!(run.shown(), [PathBuf::from("2"), PathBuf::from("1")]);
        (3..99).for_each(|number| run.sealing_started(PathBuf::from(number.to_string())));
        run.advance(Duration::from_secs(2));
        assert_eq!((run.shown().len(), run.shown()[0].clone()), (SHOWN_RECENT, PathBuf::from("98")));
        run.forget_names();
        run.advance(Duration::from_secs(2));
        assert!(run.shown().is_empty() && run.roots.is_empty() && run.stages == Stages::default());
    }

    #[test]
    fn the_pace_of_a_run_is_known_in_the_next_one() {
        let mut run = Indexing { status: RunStatus::Running, ..Indexing::new() };
        assert_eq!(run.pace(), None);
        run.added = 20;
        run.advance(Duration::from_secs(10));
        let next = Indexing::after(Some(&run), Vec::new());
        assert_eq!((next.pace(), Indexing::after(Some(&next), Vec::new()).pace()), (Some(2.0), Some(2.0)));
    }

    #[test]
    fn the_cursor_stays_on_its_failure_when_another_one_is_reported() {
        let mut run = Indexing::new();
        for name in ["a", "b", "c"] {
            run.photo_failed(PathBuf::from(name), String::new());
        }
        run.failure.at = 1;
        run.photo_failed(PathBuf::from("d"), String::new());
        assert_eq!(run.failures.iter().rev().nth(run.failure.at).unwrap().path, PathBuf::from("b"));
    }
}
