//! `cipherlens synthesize`, not shown in the help: fills a vault with synthetic vectors, to measure it at scale.

use clap::Args;
use indicatif::ProgressBar;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::session::Session;
use crate::services::synthetic;

/// Arguments of `synthesize`.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens --vault scale.vault synthesize 100000")]
pub(super) struct Arguments {
    /// How many images
    images: usize,
}

/// Fills the vault.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let vault = session.open_vault()?;
    let bar = ProgressBar::new(arguments.images as u64);
    synthetic::fill(&vault, arguments.images, &|images| bar.set_position(images as u64))?;
    bar.finish_and_clear();
    output::line(&format!("Added {}.", output::count(arguments.images, "synthetic image")))?;
    Ok(Exit::Success)
}
