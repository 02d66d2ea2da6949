//! `cipherlens passwd`: a new passphrase for the vault.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::passphrase::{PassphraseSource, Purpose};
use super::session::{self, CostFlags, Session};

/// Arguments of `passwd`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens passwd\n\nOnly the files `header` and `mapping.json` change. Whoever has \
        an old copy of them and knows the old passphrase can still decrypt the vault: delete old copies too."
)]
pub(super) struct Arguments {
    /// Read the new passphrase from the first line of FILE instead of asking
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    cost: CostFlags,
}

/// Changes the passphrase.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let cost = arguments.cost.cost()?;
    let (vault, old) = session.open_with_passphrase()?;
    let source = PassphraseSource::from_file(arguments.new_passphrase_file.clone());
    let new = session::read_passphrase(&source, "New passphrase", Purpose::Choose)?;
    vault.change_passphrase(&old, &new, cost)?;
    output::text(
        "The vault opens with the new passphrase from now on.\n\
         Older copies of the vault, in backups for instance, still open with the old one: delete them.\n",
    )?;
    Ok(Exit::Success)
}
