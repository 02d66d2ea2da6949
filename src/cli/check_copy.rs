//! `cipherlens check ADDRESS`: a copy of a vault, checked without its passphrase.
//!
//! Must never: ask for a passphrase, or let a check without a key look like one with it.

use std::path::Path;

use serde_json::json;

use super::Exit;
use super::failure::{Failure, reported};
use super::meter::Meter;
use super::output;
use super::session::Session;
use crate::services::check::{self, Compared, CopyReport, DamagedFile};
use crate::services::name::inert;
use crate::services::session::Trust;

/// What a key is needed for, in `needs_key`.
const NEEDS_KEY: [&str; 3] = ["mapping_is_the_owners", "mapping_is_the_newest", "content_is_what_records_say"];

/// Checks the copy at `root`.
pub(super) fn run(root: &Path, session: &Session, json: bool) -> Result<Exit, Failure> {
    let meter = Meter::new(0, "files");
    let progress = |Compared { files, of, differences }: Compared| {
        meter.set(of, files);
        meter.fail(differences, "damaged");
    };
    let report = check::check_copy(root, session.dirs()?, &progress);
    meter.finish();
    let report = report?;
    let written = if json { output::json(&as_json(&report)) } else { output::text(&in_words(&report)) };
    // Files that fit one another are no comfort if they are those of somebody else's vault.
    let is_expected = !report.is_other_vault || *session.trust() == Trust::Any;
    reported(if report.is_whole() && is_expected { Exit::Success } else { Exit::Damage }, written)
}

fn in_words(report: &CopyReport) -> String {
    let CopyReport { generation, photos, files, unlisted, damages, is_remote, .. } = report;
    let (photos, files) = (output::count(*photos, "photo"), output::count(*files, "file"));
    let mut text = String::new();
    if report.is_other_vault {
        text += "\
ANOTHER VAULT IS HERE than the one that this machine knows at this address. Yours may have been moved, or made anew; or
somebody put another one in its place. What follows is about the vault that is here now. If you expect another one here:
--trust-new-vault

";
    }
    text += &format!("Generation {generation}: {photos}, {files} compared with what the vault recorded of them. ");
    if report.is_whole() {
        text += "No damage found.\n";
    } else if !damages.is_empty() {
        text += "Damaged:\n";
        let line = |DamagedFile { reason, holds, .. }: &DamagedFile| {
            format!("  {}\n    holds {}\n", inert(reason), inert(holds))
        };
        text.extend(damages.iter().map(line));
    }
    if *unlisted > 0 {
        let photos = output::count(*unlisted, "photo");
        text += &format!("Not checked: {photos}, because the lists that name their files cannot be read.\n");
    }
    text += "\
Not checked, because it takes the passphrase: that the copy is the owner's, that it is the newest, and that what is
encrypted in the files is what the vault says of them.
";
    if *is_remote {
        text += "\
The other machine computed the digests: if it lies about them, this check does not notice.
";
    }
    text + "To read and verify everything with the passphrase: cipherlens --vault ADDRESS check\n"
}

fn as_json(report: &CopyReport) -> serde_json::Value {
    let CopyReport { vault, is_other_vault, generation, photos, files, unlisted, damages, is_remote } = report;
    json!({
        "vault": vault, "other_vault": is_other_vault, "generation": generation, "photos": photos, "files": files,
        "unlisted": unlisted, "damages": damaged_files(damages),
        "hashed_by": if *is_remote { "host" } else { "this machine" },
        "needs_key": NEEDS_KEY,
    })
}

/// Damaged files as JSON; shared with `check --repair --from`.
pub(super) fn damaged_files(files: &[DamagedFile]) -> serde_json::Value {
    let object = |file: &DamagedFile| json!({ "object": file.object, "holds": file.holds, "reason": file.reason });
    files.iter().map(object).collect()
}
