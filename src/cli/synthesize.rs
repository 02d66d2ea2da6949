//! `cipherlens synthesize`, hidden from the help: fills a vault with synthetic vectors, to measure it at scale.

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::meter::Meter;
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
    let vault = session.open_to_change()?;
    let meter = Meter::new(arguments.images, "images");
    synthetic::fill(&vault, arguments.images, &|images| meter.set(arguments.images, images))?;
    meter.finish();
    output::line(&format!("Added {} to {}.", output::count(arguments.images, "synthetic image"), vault.name()))?;
    Ok(Exit::Success)
}
