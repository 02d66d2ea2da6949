//! `cipherlens passwd`: a new passphrase for the vault.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::passphrase::{PassphraseSource, Purpose};
use super::session::{self, CostFlags, Session};
use crate::services::keys;

/// Arguments of `passwd`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens passwd\n\nOnly the files `header` and `mapping.json` change. Whoever has \
        an old copy of them and knows the old passphrase can still decrypt the vault: delete old copies too. If the \
        vault has several passphrases (cipherlens key), only the one that you give is replaced, and the cost of a try \
        stays: it is common to all."
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
    let new = session::read_passphrase(&source, &format!("New passphrase for {}", vault.name()), Purpose::Choose)?;
    let others = keys::change(&vault, &old, &new, cost)?;
    let mut text = format!("The passphrase of {} was changed: it opens with the new one from now on.\n", vault.name());
    if others > 0 {
        let others = output::count(others, "other slot");
        text += &format!("Only the old passphrase was replaced; {others} stayed (cipherlens key list).\n");
    }
    text += "Other copies still open with the old one until cipherlens push has brought them up to date, and backups \
             for good: delete those, if somebody else may know the old one.\n";
    output::text(&text)?;
    Ok(Exit::Success)
}
