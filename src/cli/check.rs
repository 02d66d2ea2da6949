//! `cipherlens check`: reads everything, names each damage, and mends what can be mended.

use clap::Args;
use serde_json::json;

use super::Exit;
use super::failure::{Failure, reported};
use super::meter::Meter;
use super::output;
use super::session::{Session, WeightsFile};
use crate::error::Error;
use crate::features::Workload;
use crate::services::mend;
use crate::services::name::inert;
use crate::vault::LostPhotoPolicy;
use crate::vault::check::{self, Damage, Progress, Remedy, Report};

/// Arguments of `check`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cipherlens check\n  cipherlens check --repair\n\nReads and verifies every file. What is damaged is named by its file in the vault; the rest stays usable. --repair makes anew what follows from whole files: encrypted features from the exact vectors, those and thumbnails from the photos. A photo that is lost stays listed, so that its file can be put back from a backup, unless --drop-lost is given. Files that nothing names are reported; --repair moves them into `set_aside` inside the vault and deletes none."
)]
pub(super) struct Arguments {
    /// Make anew what can be made anew
    #[arg(long)]
    repair: bool,
    /// With --repair: take photos whose file is lost out of the vault
    #[arg(long, requires = "repair")]
    drop_lost: bool,
    /// Print one JSON object: photos, damages [object, reason, remedy], leftovers, strays, dropped, older_copy
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightsFile,
}

/// Checks the vault, and mends it if told.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let vault = if arguments.repair { session.open_to_change()? } else { session.open_vault()?.0 };
    let photos = vault.snapshot().map_err(Error::from)?.len();
    // A repair reads everything once more at its end.
    let meter = Meter::new(if arguments.repair { 2 * photos } else { photos }, "read");
    let read = |read: Progress| {
        meter.advance(read.images);
        meter.fail(read.damages, "damaged");
    };
    let mut text = String::new();
    let (report, dropped) = if arguments.repair {
        let losses = if arguments.drop_lost { LostPhotoPolicy::Drop } else { LostPhotoPolicy::Keep };
        let extractor = session.extractor_of(&vault, &arguments.weights, Workload::Many)?;
        let repaired = mend::repair(&vault, &extractor, losses, &read)?;
        text += &list("Found:", &repaired.before.damages);
        (repaired.after, repaired.dropped)
    } else {
        (check::check(&vault, &read).map_err(Error::from)?, Vec::new())
    };
    meter.finish();
    let dropped: Vec<_> = dropped.iter().map(ToString::to_string).collect();
    let written = if arguments.json {
        output::json(&as_json(&report, &dropped, output::older_copy(&vault)))
    } else {
        text += &in_words(&report, arguments.repair);
        text.extend(dropped.iter().map(|id| format!("  dropped {id}\n")));
        output::text(&text)
    };
    reported(if report.is_whole() { Exit::Success } else { Exit::Damage }, written)
}

fn in_words(report: &Report, repaired: bool) -> String {
    let images = output::count(report.images, "photo");
    let mut text = if report.is_whole() {
        format!("{images} checked: everything is whole.\n")
    } else {
        list(&format!("{images} checked. {}:", if repaired { "Still damaged" } else { "Damaged" }), &report.damages)
    };
    if !report.leftovers.abandoned.is_empty() {
        let leftovers = output::count(report.leftovers.abandoned.len(), "leftover");
        text += &format!("{leftovers} of an interrupted run; the next change removes them.\n");
    }
    let strays = &report.leftovers.strays;
    if !strays.is_empty() {
        let files = output::count(strays.len(), "file");
        text += &format!("{files} that nothing names; --repair moves them into set_aside:\n");
        text.extend(strays.iter().map(|stray| format!("  {}\n", inert(stray))));
    }
    text
}

/// The damages below `title`; nothing where there are none.
fn list(title: &str, damages: &[Damage]) -> String {
    if damages.is_empty() {
        return String::new();
    }
    let damage = |damage: &Damage| format!("  {}\n    {}\n", damage.cause, remedy(damage.remedy));
    format!("{title}\n{}", damages.iter().map(damage).collect::<String>())
}

fn remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Rebuild => "nothing is lost: --repair makes it anew",
        Remedy::Regenerate => "nothing is lost: --repair makes it anew from the photos",
        Remedy::Rename => "names and dates are lost, the photos are not: --repair gives them new names",
        Remedy::Lost => "the photo is lost: put the file back from a backup, or take it out with --repair --drop-lost",
    }
}

fn as_json(report: &Report, dropped: &[String], older_copy: serde_json::Value) -> serde_json::Value {
    let damages: Vec<_> = report
        .damages
        .iter()
        .map(|damage| {
            let remedy = match damage.remedy {
                Remedy::Rebuild => "rebuild",
                Remedy::Regenerate => "remake",
                Remedy::Rename => "rename",
                Remedy::Lost => "lost",
            };
            json!({ "object": damage.object.to_string(), "reason": damage.cause.to_string(), "remedy": remedy })
        })
        .collect();
    let leftovers: Vec<_> = report.leftovers.abandoned.iter().map(ToString::to_string).collect();
    let strays = &report.leftovers.strays;
    json!({
        "photos": report.images, "damages": damages, "leftovers": leftovers, "strays": strays, "dropped": dropped,
        "older_copy": older_copy,
    })
}
