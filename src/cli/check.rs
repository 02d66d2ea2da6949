//! `cipherlens check`: reads everything, names all damage, and repairs what can be repaired.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Exit;
use super::check_copy;
use super::failure::{Failure, reported};
use super::meter::Meter;
use super::output;
use super::session::{Session, WeightsFile, meant};
use crate::services::check::{
    self, Compared, Damage, DamagedFile, DroppedPhoto, LostPhotoPolicy, Progress, Remedy, Repaired, Report,
    RestoreProgress, Restored,
};
use crate::services::embedding::Workload;
use crate::services::name::inert;
use crate::services::open_vault::OpenVault;

/// Arguments of `check`.
#[derive(Args)]
#[command(after_help = "Examples:\n  cipherlens check\n  cipherlens check --repair --from /backup/photos.vault\n  \
        cipherlens check ssh://nas/photos.vault\n\nReads and verifies every file. Damage is named by its file in the \
        vault; the rest stays usable. --repair rebuilds what can be derived from undamaged files: encrypted features \
        from the exact vectors, vectors and thumbnails from the photos. With --from it first takes damaged and missing \
        files from another copy of the vault, lost photos too; each is accepted only if it is exactly what the vault \
        recorded. A lost photo stays listed, so that its file can be restored later, unless --drop-lost is given. \
        Files that nothing in the vault refers to are reported; --repair moves them into `set_aside` inside the vault \
        and deletes none.\n\nWith ADDRESS no passphrase is needed: the files of that copy are hashed where they are \
        stored, and compared with the digests that the copy has of them. Whether the copy is yours and the newest \
        takes the passphrase: cipherlens --vault ADDRESS check.")]
pub(super) struct Arguments {
    /// Check this copy without its passphrase: ssh://[user@]host[:port]/path, or a folder
    #[arg(value_name = "ADDRESS", conflicts_with_all = ["repair", "from", "drop_lost"])]
    copy: Option<PathBuf>,
    /// Repair what can be repaired
    #[arg(long)]
    repair: bool,
    /// With --repair: first take damaged files from this copy of the vault: ssh://[user@]host[:port]/path, or a folder
    #[arg(long, value_name = "ADDRESS", requires = "repair")]
    from: Option<PathBuf>,
    /// With --repair: remove photos whose file is lost from the vault
    #[arg(long, requires = "repair")]
    drop_lost: bool,
    /// Print one JSON object: photos, damages [object, holds, reason, remedy], leftovers, strays, dropped, restored,
    /// lacking [object, holds, reason], older_copy; with ADDRESS: vault, other_vault, generation, photos, files,
    /// unlisted, damages [object, holds, reason], hashed_by, needs_key
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightsFile,
}

/// Checks the vault and, with `--repair`, repairs it.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    if let Some(copy) = &arguments.copy {
        return check_copy::run(&meant(copy)?, session, arguments.json);
    }
    let from = arguments.from.as_deref().map(meant).transpose()?;
    let vault = if arguments.repair { session.open_to_change()? } else { session.open_vault()? };
    let restored = from.map(|from| restore(&vault, &from)).transpose()?.unwrap_or_default();
    let photos = vault.photo_count()?;
    // A repair reads everything again at its end.
    let meter = Meter::new(if arguments.repair { 2 * photos } else { photos }, "read");
    let progress = |progress: Progress| {
        meter.advance(progress.images);
        meter.fail(progress.damages, "damaged");
    };
    let mut text = taken(&restored);
    let (report, dropped) = if arguments.repair {
        let lost = if arguments.drop_lost { LostPhotoPolicy::Drop } else { LostPhotoPolicy::Keep };
        let model = session.load_model_for(&vault, &arguments.weights, Workload::Many)?;
        let repaired = check::repair(&vault, &model, lost, &progress)?;
        text += &list("Found:", &repaired.before.damages);
        text += &mended(&repaired);
        (repaired.after, repaired.dropped)
    } else {
        (check::check(&vault, &progress)?, Vec::new())
    };
    meter.finish();
    let written = if arguments.json {
        output::json(&as_json(&report, &restored, &dropped, output::older_copy(&vault)))
    } else {
        text += &in_words(&report, vault.name(), arguments.repair);
        output::text(&text)
    };
    reported(if report.is_whole() { Exit::Success } else { Exit::Damage }, written)
}

/// Takes damaged files from another copy.
fn restore(vault: &OpenVault, from: &std::path::Path) -> Result<Restored, Failure> {
    let meter = Meter::new(0, "files");
    let progress = |progress: RestoreProgress| match progress {
        RestoreProgress::Compared(Compared { files, of, differences }) => {
            meter.set(of, files);
            meter.fail(differences, "damaged");
        }
        RestoreProgress::Fetched { files, of } => meter.set(of, files),
    };
    let restored = check::restore(vault, from, &progress);
    meter.finish();
    Ok(restored?)
}

/// What another copy had, and what it lacked.
fn taken(Restored { restored, lacking }: &Restored) -> String {
    let mut text = String::new();
    if !restored.is_empty() {
        text += &format!("Restored {} from the other copy:\n", output::count(restored.len(), "file"));
        text.extend(restored.iter().map(|object| format!("  {object}\n")));
    }
    if !lacking.is_empty() {
        text += &format!(
            "Damaged here, and not to be had from the other copy: {}.\n",
            output::count(lacking.len(), "file")
        );
        let line = |DamagedFile { reason, holds, .. }: &DamagedFile| {
            format!("  there: {}\n    holds {}\n", inert(reason), inert(holds))
        };
        text.extend(lacking.iter().map(line));
    }
    text
}

fn in_words(report: &Report, vault: &str, repaired: bool) -> String {
    let images = format!("{} of {vault}", output::count(report.photos, "photo"));
    let mut text = if report.is_whole() {
        format!("{images} checked: no damage found.\n")
    } else {
        list(&format!("{images} checked. {}:", if repaired { "Still damaged" } else { "Damaged" }), &report.damages)
    };
    if !report.leftovers.is_empty() {
        let leftovers = output::count(report.leftovers.len(), "leftover");
        text += &format!("{leftovers} of an interrupted run; the next change removes them.\n");
    }
    let strays = &report.strays;
    if !strays.is_empty() {
        let files = output::count(strays.len(), "file");
        text += &format!("{files} that nothing in the vault refers to; --repair moves them into set_aside:\n");
        text.extend(strays.iter().map(|stray| format!("  {}\n", inert(stray))));
    }
    text
}

/// What a repair has mended, and what it has given up for that.
fn mended(repaired: &Repaired) -> String {
    let mut text = String::new();
    let mended = repaired.mended().count();
    if mended > 0 {
        text += &format!("Repaired: {}.\n", output::count(mended, "file"));
    }
    let given_up: Vec<_> = repaired.mended().filter(|damage| damage.remedy.gives_up_content()).collect();
    if !given_up.is_empty() || !repaired.dropped.is_empty() {
        text += "Given up, because it was damaged:\n";
    }
    let lost = given_up.iter().filter(|damage| damage.remedy != Remedy::Lost);
    text.extend(lost.map(|damage| format!("  {}\n", inert(&damage.holds))));
    text.extend(repaired.dropped.iter().map(|DroppedPhoto { id, name }| {
        format!("  the photo {} ({})\n", inert(name.as_deref().unwrap_or("without a name")), &id.to_string()[..8])
    }));
    let moved = repaired.before.strays.len().saturating_sub(repaired.after.strays.len());
    if moved > 0 {
        text += &format!("Moved into set_aside: {}.\n", output::count(moved, "file"));
    }
    text
}

/// The damages under `title`; empty if there are none.
fn list(title: &str, damages: &[Damage]) -> String {
    if damages.is_empty() {
        return String::new();
    }
    let damage =
        |damage: &Damage| format!("  {}\n    holds {}\n    {}\n", damage.reason, inert(&damage.holds), damage.advice());
    format!("{title}\n{}", damages.iter().map(damage).collect::<String>())
}

fn as_json(
    report: &Report,
    Restored { restored, lacking }: &Restored,
    dropped: &[DroppedPhoto],
    older_copy: serde_json::Value,
) -> serde_json::Value {
    let damages: Vec<_> = report
        .damages
        .iter()
        .map(|damage| {
            let remedy = match damage.remedy {
                Remedy::Rebuild => "rebuild",
                Remedy::Regenerate => "remake",
                Remedy::Rename => "rename",
                Remedy::Forget => "forget",
                Remedy::ForgetRemovals => "forget removals",
                Remedy::Omit => "omit",
                Remedy::Lost => "lost",
                Remedy::ReadAgain => "read again",
                Remedy::Upgrade => "upgrade",
                Remedy::Restore => "restore",
            };
            json!({ "object": damage.object, "holds": damage.holds, "reason": damage.reason, "remedy": remedy })
        })
        .collect();
    let dropped: Vec<_> = dropped.iter().map(|photo| photo.id.to_string()).collect();
    json!({
        "photos": report.photos, "damages": damages, "leftovers": report.leftovers, "strays": report.strays,
        "dropped": dropped, "restored": restored, "lacking": check_copy::damaged_files(lacking),
        "older_copy": older_copy,
    })
}
