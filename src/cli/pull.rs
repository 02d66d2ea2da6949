//! `cipherlens pull`: brings the vault here up to date with another copy.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::push;
use super::session::Session;
use crate::services::transfer::IfGone;

/// Arguments of `pull`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens pull ssh://nas/photos.vault ~/photos.vault\n\nOnly missing files are copied, \
        and an interrupted copy is resumed. A destination that is newer or was changed separately is left as it is; \
        with --accept-older a newer folder is replaced, and what only it has is lost."
)]
pub(super) struct Arguments {
    /// The copy that is up to date: ssh://[user@]host[:port]/path, or a folder
    #[arg(value_name = "ADDRESS")]
    from: PathBuf,
    /// The vault, or the place for one
    #[arg(value_name = "VAULT")]
    to: PathBuf,
    /// Print one JSON object: files, bytes, generation
    #[arg(long)]
    json: bool,
}

/// Brings it up to date.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    push::copy(&arguments.from, &arguments.to, IfGone::Copy, session, arguments.json)
}
