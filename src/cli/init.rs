//! `cipherlens init`: a new vault.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::passphrase::Purpose;
use super::session::{CostFlags, PrecisionFlag, Session, WeightsFile, meant};
use crate::remote::Address;
use crate::services::session;

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
    /// Print one JSON object: vault, id
    #[arg(long)]
    json: bool,
}

/// Creates the vault.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let named = arguments.path.as_ref().or_else(|| session.named_vault());
    let named = named.ok_or_else(|| Failure::Usage("say where to create it: cipherlens init VAULT".to_owned()))?;
    let named = &meant(named)?;
    let cost = arguments.cost.cost()?;
    let embedder = session.embedder(&arguments.weights, arguments.precision.precision)?;
    let passphrase = session.passphrase("Choose a passphrase", Purpose::Choose)?;
    let path = if Address::is_remote(named) { named.clone() } else { std::path::absolute(named)? };
    let vault = session::create_vault(&path, &passphrase, cost, &*embedder, session.places()?)?;
    session.remember(&path);
    if arguments.json {
        output::json(&json!({ "vault": path.to_string_lossy(), "id": vault.id().to_string() }))?;
        return Ok(Exit::Success);
    }
    output::text(&format!(
        "\
Created the vault {}

  header           what your passphrase opens; without it, or without the passphrase, all is lost
  public_context   what lets a machine search on ciphertexts, and nothing else
  secret_context   what decrypts scores, itself encrypted
  mapping.json     which encrypted features belong to which encrypted photo

To back up: copy the whole folder; photos, names and features in it are encrypted. Keep the passphrase elsewhere.
Next: cipherlens add FOLDER
",
        path.display()
    ))?;
    Ok(Exit::Success)
}
