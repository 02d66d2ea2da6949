//! `cipherlens upgrade`: brings a vault of an older format to the current one, in place.

use clap::Args;
use serde_json::json;

use super::Exit;
use super::failure::{Failure, reported};
use super::meter::Meter;
use super::output;
use super::session::{Session, WeightsFile};
use crate::services::format;
use crate::services::open_vault::OpenVault;
use crate::services::upgrade::{self, UpgradePlan, UpgradeProgress, Upgraded};

/// Arguments of `upgrade`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cipherlens upgrade --dry-run\n  cipherlens upgrade\n\nA vault of an older format can be \
        listed, shown, exported and checked, but not searched or changed. The upgrade keeps every photo where it is, \
        with its id, and writes new features, names and thumbnails next to the old ones; then one step makes them the \
        vault, and the old files are removed. Interrupted before that step, the vault is as before, and the next \
        attempt on the same machine goes on where it stopped. Earlier versions of the program cannot read the vault \
        afterwards: upgrade the program on all machines that use it first, also where it is served from."
)]
pub(super) struct Arguments {
    /// Only say what the upgrade would read and write, and the space that it needs
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object: photos, read, written, needed, removed, free; after an upgrade also generation,
    /// resumed, without_vector, damages
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightsFile,
}

/// Upgrades the vault, or says what that needs.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let (vault, passphrase) = session.open_to_upgrade()?;
    let plan = upgrade::plan(&vault)?;
    if arguments.dry_run {
        let written =
            if arguments.json { output::json(&as_json(&plan, None)) } else { output::text(&planned(&plan, &vault)) };
        return reported(Exit::Success, written);
    }
    // Everything is read again at the end.
    let meter = Meter::new(2 * plan.photos, "read");
    let progress = |progress: UpgradeProgress| match progress {
        UpgradeProgress::Written(photos) | UpgradeProgress::Checked(photos) => meter.advance(photos),
    };
    let upgraded = upgrade::upgrade(&vault, &passphrase, arguments.weights.file(), session.dirs()?, &progress);
    meter.finish();
    let upgraded = upgraded?;
    let written = if arguments.json {
        output::json(&as_json(&plan, Some(&upgraded)))
    } else {
        output::text(&done(&upgraded, vault.name()))
    };
    reported(if upgraded.report.is_whole() { Exit::Success } else { Exit::Damage }, written)
}

fn planned(plan: &UpgradePlan, vault: &OpenVault) -> String {
    let UpgradePlan { photos, read, written, needed, removed, free } = plan;
    let [read, written, needed, removed] = [read, written, needed, removed].map(|bytes| format::size(*bytes));
    let (reads, writes) = if vault.traffic().is_some() { ("receives", "sends") } else { ("reads", "writes") };
    let free = free.map_or_else(String::new, |free| format!(", of {} that are free", format::size(free)));
    format!(
        "{} of {} to upgrade. It {reads} about {read} and {writes} at most {written}.\nIt needs at most \
         {needed}{free}, until it removes {removed} of old files.\nPhotos stay as they are.\n",
        output::count(*photos, "photo"),
        vault.name()
    )
}

fn done(upgraded: &Upgraded, vault: &str) -> String {
    // More than were planned, if another program was adding some when it began.
    let photos = output::count(upgraded.report.photos, "photo");
    let mut text =
        format!("Upgraded {photos}: {vault} is of the current format, at generation {}.\n", upgraded.generation);
    if upgraded.resumed > 0 {
        text += &format!("An interrupted upgrade had written {} of them already.\n", upgraded.resumed);
    }
    if upgraded.without_vector > 0 {
        let photos = output::count(upgraded.without_vector, "photo");
        text += &format!("{photos} cannot be found by a search any more.\n");
    }
    if upgraded.report.is_whole() {
        text += "All new files were read again: no damage found.\n";
    } else {
        let damages = output::count(upgraded.report.damages.len(), "file");
        text += &format!("{damages} cannot be read back; cipherlens check lists them.\n");
    }
    text
}

fn as_json(plan: &UpgradePlan, upgraded: Option<&Upgraded>) -> serde_json::Value {
    let UpgradePlan { photos, read, written, needed, removed, free } = plan;
    let mut value = json!({
        "photos": photos, "read": read, "written": written, "needed": needed, "removed": removed, "free": free,
    });
    if let Some(Upgraded { generation, resumed, without_vector, report }) = upgraded {
        let damages: Vec<_> = report.damages.iter().map(|damage| &damage.object).collect();
        value["photos"] = json!(report.photos);
        value["generation"] = json!(generation);
        value["resumed"] = json!(resumed);
        value["without_vector"] = json!(without_vector);
        value["damages"] = json!(damages);
    }
    value
}
