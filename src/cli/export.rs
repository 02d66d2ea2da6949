//! `cipherlens export`: decrypts originals into a folder, byte for byte.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::failure::{Failure, reported};
use super::interrupt;
use super::meter::Meter;
use super::output;
use super::session::Session;
use crate::error::{Error, with_causes};
use crate::services::decoys::Fetch;
use crate::services::export::{self, Failed, IfExists, Report, Target};
use crate::services::library::PhotoId;
use crate::services::name::inert;
use crate::services::open_vault::OpenVault;
use crate::services::progress::Control;

/// Arguments of `export`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cipherlens export 3f2a 77b0 --to out\n  cipherlens export --all restored\n\nWithout a \
        folder the photos go to the current one. Exported files are plaintext, readable by you alone, so the folder \
        must be outside of every vault. Existing files are kept, and a photo of the same name gets a number; a photo \
        that was exported before is skipped, so the same command resumes an interrupted export."
)]
pub(super) struct Arguments {
    /// The first digits of the photos' ids
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// Every photo, into FOLDER
    #[arg(long, value_name = "FOLDER", conflicts_with = "to")]
    all: Option<PathBuf>,
    /// The folder to write to [default: the current folder]
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// Replace files of the same name with other content
    #[arg(long)]
    overwrite: bool,
    /// Print one JSON object: exported and already_there [id, path], failed [id, reason], left, older_copy,
    /// and error if one ended the run
    #[arg(long)]
    json: bool,
}

/// Exports the photos.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    // Checked first, so that a wrong folder is reported before the passphrase is asked for.
    let target = match arguments.all.as_ref().or(arguments.to.as_ref()) {
        Some(folder) => Target::at(folder)?,
        None => Target::current_folder()?,
    };
    let vault = session.open_vault()?;
    let (photos, unreadable) = match arguments.all {
        Some(_) => export::everything(&vault)?,
        None => (find(&vault, &arguments.ids)?, Vec::new()),
    };
    let if_exists = if arguments.overwrite { IfExists::Overwrite } else { IfExists::Rename };
    let mut report = run_with_meter(&vault, &photos, &target, if_exists);
    report.failed.extend(unreadable);
    let written = if arguments.json {
        let mut object = as_json(&report);
        object["older_copy"] = output::older_copy(&vault);
        output::json(&object)
    } else {
        print(&report, &vault, &target, Named::No)
    };
    finish(report, written)
}

/// The photos with these id prefixes.
fn find(vault: &OpenVault, ids: &[String]) -> Result<Vec<Fetch>, Error> {
    ids.iter().map(|id| Ok(Fetch::Wanted(vault.find(id)?.id))).collect()
}

/// Exports with a progress bar on standard error; an interrupt stops it between photos.
pub(super) fn run_with_meter(vault: &OpenVault, photos: &[Fetch], target: &Target, if_exists: IfExists) -> Report {
    let control = Arc::new(Control::default());
    let interrupted = interrupt::stops(&control, interrupt::FINISHING);
    let meter = Meter::new(photos.len(), "photos");
    let mut failed = 0;
    let report = export::run(vault, photos, target, if_exists, &control, &mut |progress| {
        meter.set(progress.total, progress.done);
        meter.fail(progress.failed - failed, "failed");
        failed = progress.failed;
    });
    meter.finish();
    drop(interrupted);
    report
}

/// Whether the report lists each photo's file.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Named {
    Yes,
    No,
}

/// Reports what was done.
pub(super) fn print(report: &Report, vault: &OpenVault, target: &Target, named: Named) -> io::Result<()> {
    let mut lines = Vec::new();
    if named == Named::Yes {
        for (what, files) in [("exported", &report.exported), ("already there", &report.already_there)] {
            lines.extend(files.iter().map(|(_, path)| format!("{what}: {}", inert(&path.to_string_lossy()))));
        }
    }
    let folder = target.folder().to_string_lossy();
    let exported = output::count(report.exported.len(), "photo");
    lines.push(format!("Exported {exported} from {} to {}.", vault.name(), inert(&folder)));
    if !report.already_there.is_empty() {
        lines.push(format!("{} already there.", were(report.already_there.len())));
    }
    if report.left > 0 {
        lines.push(format!("{} left. Run the same command again to continue.", were(report.left)));
    }
    let written = output::text(&(lines.join("\n") + "\n"));
    for Failed { error, .. } in &report.failed {
        output::say(&format!("cipherlens: {}", inert(&error.with_advice())));
    }
    written
}

fn were(photos: usize) -> String {
    format!("{} {}", output::count(photos, "photo"), if photos == 1 { "was" } else { "were" })
}

/// The exit code of the run. A report that could not be `written` matters only if nothing worse happened: closing the
/// terminal also interrupts the run.
pub(super) fn finish(report: Report, written: io::Result<()>) -> Result<Exit, Failure> {
    match report.error {
        Some(error) => Err(error.into()),
        None if report.left > 0 => Ok(Exit::Interrupted),
        None if report.failed.iter().any(|failed| failed.error.is_damage()) => reported(Exit::Damage, written),
        None if !report.failed.is_empty() => reported(Exit::Failure, written),
        None => reported(Exit::Success, written),
    }
}

/// The report for scripts.
pub(super) fn as_json(report: &Report) -> Value {
    let files = |files: &[(PhotoId, PathBuf)]| -> Vec<_> {
        files.iter().map(|(id, path)| json!({ "id": id.to_string(), "path": path.to_string_lossy() })).collect()
    };
    let failed =
        |Failed { id, error }: &Failed| json!({ "id": id.map(|id| id.to_string()), "reason": with_causes(error) });
    let mut object = json!({
        "exported": files(&report.exported),
        "already_there": files(&report.already_there),
        "failed": report.failed.iter().map(failed).collect::<Vec<_>>(),
        "left": report.left,
    });
    if let Some(error) = &report.error {
        object["error"] = json!(with_causes(error));
    }
    object
}
