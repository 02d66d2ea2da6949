//! `cipherlens init`: a new vault.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::features::dimensions;
use super::output;
use super::passphrase::Purpose;
use super::session::{CostFlags, PrecisionFlag, Session, WeightsFile, meant};
use crate::services::embedding::EmbeddingModel;
use crate::services::session::{self, Address, Prompts};
use crate::services::vault_name::vault_name;

/// Arguments of `init`.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens init ~/photos.vault")]
pub(super) struct Arguments {
    /// Where to create it: a new or empty folder, here or at ssh://[user@]host[:port]/path [default: --vault or --via]
    #[arg(value_name = "VAULT")]
    path: Option<PathBuf>,
    #[command(flatten)]
    cost: CostFlags,
    #[command(flatten)]
    weights: WeightsFile,
    #[command(flatten)]
    precision: PrecisionFlag,
    /// How many numbers describe a photo: more take more room and time, and find altered copies a little better
    #[arg(
        long,
        value_name = "NUMBERS",
        default_value_t = EmbeddingModel::dimensions()[0],
        value_parser = dimensions(),
    )]
    dimension: usize,
    /// Print one JSON object: vault, id
    #[arg(long)]
    json: bool,
}

/// Creates the vault.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let named = arguments.path.as_ref().or_else(|| session.named_vault());
    let named = named.ok_or_else(|| Failure::Usage("name the place to create it: cipherlens init VAULT".to_owned()))?;
    let named = &meant(named)?;
    let cost = arguments.cost.cost()?;
    let (weights, precision) = (&arguments.weights, arguments.precision.precision);
    let model = session.load_model_for_dimension(arguments.dimension, weights, precision)?;
    let passphrase = session.passphrase(&format!("Choose a passphrase for {}", vault_name(named)), Purpose::Choose)?;
    let path = if Address::is_remote(named) { named.clone() } else { std::path::absolute(named)? };
    let vault = session::create_vault(&path, &passphrase, cost, &model, session.dirs()?, Prompts::Allowed)?;
    if arguments.json {
        output::json(&json!({ "vault": path.to_string_lossy(), "id": vault.id() }))?;
        return Ok(Exit::Success);
    }
    output::text(&format!(
        "\
Created the vault {}

  header         the master key, encrypted with your passphrase; without either, all is lost
  mapping.json   says which encrypted features belong to which encrypted photo, and authenticates them

To back up: copy the whole folder; photos, names and features in it are encrypted. Keep the passphrase elsewhere.
Next: cipherlens add FOLDER
",
        path.display()
    ))?;
    Ok(Exit::Success)
}
