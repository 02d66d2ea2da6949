//! `cipherlens add`: indexes photos and folders into the vault.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use parking_lot::Mutex;
use serde_json::json;

use super::Exit;
use super::failure::{Failure, reported};
use super::interrupt;
use super::meter::Meter;
use super::output;
use super::session::Session;
use crate::error::with_causes;
use crate::services::embedding::Workload;
use crate::services::find::{self, FoundFiles};
use crate::services::index::{self, IfRemoved, Original, Photos, Summary};
use crate::services::interrupted_runs;
use crate::services::name::inert;
use crate::services::progress::{Control, Event, Observer, Outcome};
use crate::services::skipped::SkippedFiles;

/// Arguments of `add`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens add ~/Pictures holiday.jpg\n\nPhotos in folders are recognised by content, \
        whatever their names; skipped files are counted by kind (--json names each file), and photos and videos in \
        formats that cannot be read yet make the exit code 1. Symbolic links are followed. Hidden files and folders \
        are skipped. A file named on the command line is always tried. Photos that the vault holds already are \
        skipped, so the same command resumes an interrupted run. Photos that were removed from the vault are named and \
        left out, unless --again is given."
)]
pub(super) struct Arguments {
    /// Photos and folders to add
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Add photos again that were removed from the vault before
    #[arg(long)]
    again: bool,
    /// List what would be added, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object: added, already_present, removed_before [path], left, error, failed [path, reason],
    /// passed_over [kind, photo_or_video, files, paths], hidden [path]
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: super::session::WeightsFile,
}

/// Adds the photos.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let found = find::photos_below(&arguments.paths);
    if arguments.dry_run {
        return dry_run(&found, arguments.json);
    }
    if found.is_empty() {
        return Err(Failure::Usage("found no files at these paths".to_owned()));
    }
    let read = |path: &std::path::Path| index::read_file(path);
    let if_removed = if arguments.again { IfRemoved::AddAgain } else { IfRemoved::LeaveOut };
    let report = Report { named: Named::Failed, json: arguments.json, if_removed };
    let roots = Some(arguments.paths.as_slice());
    index_and_report(session, &arguments.weights, &found, read, report, roots)
}

/// Which files the report lists.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Named {
    /// Files that could not be used.
    Failed,
    /// Every file, with its outcome.
    All,
}

/// How a run is reported.
#[derive(Clone, Copy)]
pub(super) struct Report {
    pub(super) named: Named,
    pub(super) json: bool,
    pub(super) if_removed: IfRemoved,
}

/// Indexes the photos that were found, with a progress bar, and reports; shared with `import-legacy`. Until the run is
/// finished, `roots` are remembered, so that the terminal application can offer to continue.
pub(super) fn index_and_report<R>(
    session: &Session,
    weights: &super::session::WeightsFile,
    found: &FoundFiles,
    read: R,
    report: Report,
    roots: Option<&[PathBuf]>,
) -> Result<Exit, Failure>
where
    R: Fn(&std::path::Path) -> Result<Original, String> + Sync,
{
    let vault = session.open_to_change()?;
    let model = session.load_model_for(&vault, weights, Workload::Many)?;
    let control = Arc::new(Control::default());
    let meter = Meter::new(found.photos.len(), "photos");
    let interrupted = interrupt::stops(&control, interrupt::FINISHING);
    let used = Mutex::new(Vec::new());
    let observer = |event: Event| {
        if let (Named::All, Event::Finished { path, outcome }) = (report.named, &event) {
            let outcome = match outcome {
                Outcome::Added => Some("added"),
                Outcome::AlreadyPresent => Some("already present"),
                Outcome::RemovedBefore => Some("removed before"),
                Outcome::Failed { .. } => None,
            };
            let mut used = used.lock();
            used.extend(outcome.map(|outcome| (path.clone(), outcome)));
        }
        meter.observe(event);
    };
    let (folders, if_removed) = (roots.unwrap_or_default(), report.if_removed);
    let photos = Photos { folders, paths: &found.photos, if_removed };
    let index = || index::run(&vault, &model, photos, read, &observer, &control);
    let mut summary = match roots {
        Some(roots) => interrupted_runs::remembered(&vault, session.dirs()?, roots, index)?,
        None => index()?,
    };
    let elapsed = meter.elapsed();
    meter.finish();
    drop(interrupted);
    log::info!("added {} photos, {} present, {} failed", summary.added, summary.already_present, summary.failed.len());
    summary.failed.extend(found.unreadable.iter().cloned());
    let mut used = used.into_inner();
    used.sort_unstable();
    match print(summary, vault.name(), &found.skipped, &used, elapsed, report) {
        // The terminal was closed while the last photos were sealed.
        Err(Failure::Io(_)) if control.is_stopped() => Ok(Exit::Interrupted),
        ended => ended,
    }
}

fn dry_run(found: &FoundFiles, json: bool) -> Result<Exit, Failure> {
    let written = if json {
        output::json(&json!({
            "photos": paths(&found.photos),
            "other_files": found.skipped.other.len(),
            "failed": failed(&found.unreadable),
            "passed_over": passed_over(&found.skipped),
            "hidden": paths(&found.skipped.hidden),
        }))
    } else {
        let lines: String = found.photos.iter().map(|photo| format!("{}\n", inert(&photo.to_string_lossy()))).collect();
        let written = output::text(&lines);
        output::say(&format!("{} would be read; nothing was changed.", output::count(found.photos.len(), "photo")));
        list_failed(&found.unreadable);
        say_passed_over(&found.skipped);
        written
    };
    reported(completeness(&found.unreadable, &found.skipped), written)
}

fn print(
    summary: Summary,
    vault: &str,
    passed: &SkippedFiles,
    used: &[(PathBuf, &'static str)],
    elapsed: Duration,
    report: Report,
) -> Result<Exit, Failure> {
    let written = write(&summary, vault, passed, used, elapsed, report);
    if let Some(error) = summary.ended_by {
        return Ok(Failure::from(error).report());
    }
    if summary.left > 0 {
        // Even if the report could not be written: a closed terminal has interrupted the run.
        return Ok(Exit::Interrupted);
    }
    reported(completeness(&summary.failed, passed), written)
}

/// The exit code: success if every file could be used.
fn completeness(failed: &[(PathBuf, String)], passed: &SkippedFiles) -> Exit {
    if failed.is_empty() && passed.unsupported.is_empty() { Exit::Success } else { Exit::Failure }
}

fn write(
    summary: &Summary,
    vault: &str,
    passed: &SkippedFiles,
    used: &[(PathBuf, &'static str)],
    elapsed: Duration,
    report: Report,
) -> io::Result<()> {
    if report.json {
        let mut object = json!({
            "added": summary.added,
            "already_present": summary.already_present,
            "removed_before": paths(&summary.removed_before),
            "left": summary.left,
            "error": summary.ended_by.as_ref().map(|error| with_causes(error)),
            "failed": failed(&summary.failed),
            "passed_over": passed_over(passed),
            "hidden": paths(&passed.hidden),
        });
        if report.named == Named::All {
            let row = |(path, outcome): &(PathBuf, _)| json!({ "path": path.to_string_lossy(), "outcome": outcome });
            object["files"] = used.iter().map(row).collect();
        }
        return output::json(&object);
    }
    let line = |(path, outcome): &(PathBuf, _)| format!("{outcome}: {}\n", inert(&path.to_string_lossy()));
    let mut text: String = used.iter().map(line).collect();
    let added = output::count(summary.added, "photo");
    text += &if summary.added > 0 {
        let seconds = elapsed.as_secs_f64();
        format!("Added {added} to {vault} in {seconds:.1} s ({:.1} a second).\n", summary.added as f64 / seconds)
    } else {
        format!("Added {added} to {vault}.\n")
    };
    if summary.already_present > 0 {
        text += &format!("{} were in the vault already.\n", summary.already_present);
    }
    if summary.left > 0 {
        let how = if summary.ended_by.is_some() { "Failed" } else { "Interrupted" };
        let left = output::count(summary.left, "photo");
        text += &format!("{how} with {left} left. Run the same command again to continue.\n");
    }
    let written = output::text(&text);
    say_removed_before(&summary.removed_before);
    list_failed(&summary.failed);
    say_passed_over(passed);
    written
}

fn say_removed_before(removed: &[PathBuf]) {
    if removed.is_empty() {
        return;
    }
    let photos = output::count(removed.len(), "photo");
    output::say(&format!("Left out {photos} removed from the vault before; --again adds them:"));
    for path in removed {
        output::say(&format!("  {}", inert(&path.to_string_lossy())));
    }
}

fn failed(failed: &[(PathBuf, String)]) -> Vec<serde_json::Value> {
    failed.iter().map(|(path, reason)| json!({ "path": path.to_string_lossy(), "reason": reason })).collect()
}

/// The skipped files by kind. Hidden ones are not among them, because their kind is unknown.
fn passed_over(passed: &SkippedFiles) -> Vec<serde_json::Value> {
    let row = |kind: &str, photo_or_video: bool, files: &[PathBuf]| {
        let (count, paths) = (files.len(), paths(files));
        json!({ "kind": kind, "photo_or_video": photo_or_video, "files": count, "paths": paths })
    };
    let mut rows: Vec<_> = passed.by_format().into_iter().map(|(format, files)| row(format, true, files)).collect();
    if !passed.other.is_empty() {
        rows.push(row("other", false, &passed.other));
    }
    rows
}

fn paths(paths: &[PathBuf]) -> Vec<std::borrow::Cow<'_, str>> {
    paths.iter().map(|path| path.to_string_lossy()).collect()
}

fn say_passed_over(passed: &SkippedFiles) {
    let counts = passed.counts();
    if let Some(files) = counts.photos_and_videos_in_words() {
        output::say(&format!("Passed over {files}. They are not in the vault; --json lists them."));
    }
    if let Some(files) = counts.others_in_words() {
        output::say(&format!("Passed over {files}."));
    }
}

fn list_failed(failed: &[(PathBuf, String)]) {
    if failed.is_empty() {
        return;
    }
    output::say(&format!("{} could not be used:", output::count(failed.len(), "file")));
    for (path, reason) in failed {
        output::say(&format!("  {}: {}", inert(&path.to_string_lossy()), inert(reason)));
    }
}
