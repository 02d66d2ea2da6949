//! `cipherlens remove`: removes photos from the vault for good.

use std::io::{self, IsTerminal};

use clap::Args;
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::session::Session;
use crate::services::library;
use crate::services::name::inert;

/// Arguments of `remove`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens remove 3f2a 77b0\n\nThe photos' files are deleted, their vectors are dropped, \
        and the rest of each block is re-encrypted. Earlier copies of the vault still hold the photos."
)]
pub(super) struct Arguments {
    /// The first digits of the photos' ids
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print one JSON object: removed [id]
    #[arg(long)]
    json: bool,
}

/// Removes the photos.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let vault = session.open_to_change()?;
    let mut ids = Vec::new();
    for id in &arguments.ids {
        let photo = vault.find(id)?;
        // A photo may be given twice, perhaps by prefixes of different lengths.
        if ids.contains(&photo.id) {
            continue;
        }
        output::say(&format!("{}  {}", &photo.id.to_string()[..8], inert(&photo.name)));
        ids.push(photo.id);
    }
    let photos = output::count(ids.len(), "photo");
    if !arguments.yes && !confirmed(&format!("Remove {photos} from {} for good?", vault.name()))? {
        output::say("Nothing was removed.");
        return Ok(Exit::Failure);
    }
    library::remove(&vault, &ids)?;
    if arguments.json {
        let removed: Vec<_> = ids.iter().map(ToString::to_string).collect();
        output::json(&json!({ "removed": removed }))?;
    } else {
        output::line(&format!("Removed {photos} from {}.", vault.name()))?;
    }
    Ok(Exit::Success)
}

/// Asks before something is removed. Without a terminal this is an error: scripts give `--yes`.
pub(super) fn confirmed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage("no terminal to ask; give --yes to remove without being asked".to_owned()));
    }
    let answer = output::ask(&format!("{question} [y/N]"))?;
    Ok(matches!(answer.as_str(), "y" | "Y" | "yes"))
}
