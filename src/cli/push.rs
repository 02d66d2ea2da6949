//! `cipherlens push`: brings another copy up to date with the vault here.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::meter::Meter;
use super::output;
use super::passphrase::Purpose;
use super::session::{Session, meant};
use crate::services::transfer::{IfGone, Transfer};

/// Arguments of `push`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens push ~/photos.vault ssh://nas/photos.vault\n\nOnly missing files are copied, \
        and an interrupted copy is resumed. A destination that is newer or was changed separately is left as it is; \
        with --accept-older a newer folder is replaced, and what only it has is lost."
)]
pub(super) struct Arguments {
    /// The vault that is up to date
    #[arg(value_name = "VAULT")]
    from: PathBuf,
    /// The copy, or the place for one: ssh://[user@]host[:port]/path, or a folder
    #[arg(value_name = "ADDRESS")]
    to: PathBuf,
    /// Print one JSON object: files, bytes, generation
    #[arg(long)]
    json: bool,
}

/// Brings it up to date.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    copy(&arguments.from, &arguments.to, IfGone::Refuse, session, arguments.json)
}

/// Brings the copy at `to` up to date with the one at `from`; shared with `pull`.
pub(super) fn copy(from: &Path, to: &Path, if_gone: IfGone, session: &Session, json: bool) -> Result<Exit, Failure> {
    let (from, to) = (meant(from)?, meant(to)?);
    let dirs = session.dirs()?;
    // Both are found first, so that another vault than before is reported before the passphrase is asked for.
    let transfer = session.find_trusted(|trust| Transfer::between(&from, &to, dirs, trust, if_gone))?;
    let [source, target] = transfer.names();
    let passphrase = session.passphrase(&format!("Passphrase for {}", transfer.source_and_address()), Purpose::Open)?;
    let meter = Meter::new(0, "files");
    let copied = |done: usize, files: usize| meter.set(files, done);
    let (done, notes) = transfer.run(&passphrase, dirs, session.older_source(), &copied)?;
    meter.finish();
    notes.iter().for_each(|note| output::note(note));
    if json {
        output::json(&json!({ "files": done.files, "bytes": done.bytes, "generation": done.newest.generation }))?;
    } else if done.files == 0 {
        output::line(&format!(
            "Both copies are at generation {}. Their files were not compared; cipherlens check does that.",
            done.newest.generation
        ))?;
    } else {
        let files = output::count(done.files, "file");
        output::line(&format!("Copied {files} ({}) from {source} to {target}.", output::size(done.bytes)))?;
    }
    Ok(Exit::Success)
}
