//! `cipherlens serve`: the host's side of a remote vault.

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::failure::Failure;
use crate::services::transfer;

/// Arguments of `serve`.
#[derive(Args)]
#[command(
    after_help = "Example, on the machine that has the passphrase:\n  cipherlens --vault ssh://nas/photos.vault search \
        beach.jpg\n\nssh starts this command on the other machine. It needs no passphrase and never sees one: it sends \
        encrypted files, compares encrypted queries with encrypted features, and stores what it receives."
)]
pub(super) struct Arguments {
    /// Speak the protocol on standard input and output; there is no other mode
    #[arg(long, required = true)]
    stdio: bool,
    /// The vault, or the place for a new one
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

/// Serves until the other side hangs up.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    // Not the locked handles: three threads answer, and each frame is written under its own lock.
    transfer::serve(&arguments.path, io::stdin(), io::stdout())?;
    Ok(Exit::Success)
}
