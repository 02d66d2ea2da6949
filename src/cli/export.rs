//! `cipherlens export`: originals out of the vault, byte for byte.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::session::Session;
use crate::error::Error;
use crate::services::library::{self, IfExists};
use crate::services::name::inert;

/// Arguments of `export`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cipherlens export 3f2a 77b0 --to out\n  cipherlens export --all restored\n\nWithout a folder the photos go to `decrypted_images` inside the vault. Exported files are plaintext, readable by you alone; a file that is there already is kept, and the photo gets a number."
)]
pub(super) struct Arguments {
    /// The first digits of the photos' ids
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// Every photo, into FOLDER
    #[arg(long, value_name = "FOLDER", conflicts_with = "to")]
    all: Option<PathBuf>,
    /// The folder to write to
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// Replace files that are there already
    #[arg(long)]
    overwrite: bool,
    /// Print one JSON object: exported [id, path], failed [id, reason]
    #[arg(long)]
    json: bool,
}

/// Exports the photos.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let vault = session.open_vault()?;
    let snapshot = vault.snapshot().map_err(Error::from)?;
    let mut images = Vec::new();
    for id in &arguments.ids {
        images.push(snapshot.find(id).map_err(Error::from)?);
    }
    if arguments.all.is_some() {
        for position in 0..snapshot.len() {
            images.push(snapshot.image_at(position).map_err(Error::from)?);
        }
    }
    let named = arguments.all.as_ref().or(arguments.to.as_ref());
    let folder = named.cloned().unwrap_or_else(|| library::default_export_folder(&vault));
    let if_exists = if arguments.overwrite { IfExists::Overwrite } else { IfExists::Rename };
    let bar = ProgressBar::new(images.len() as u64);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} photos  {eta} left").expect("the template is valid"),
    );
    let (mut exported, mut failed) = (Vec::new(), Vec::new());
    for image in images {
        match library::export(image, &folder, if_exists) {
            Ok(path) => exported.push((image.id(), path)),
            // A full disk or a folder that cannot be written fails for every photo; a damaged photo only for itself.
            Err(error) if error.is_damage() => failed.push((image.id(), error)),
            Err(error) => return Err(error.into()),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if arguments.json {
        let exported: Vec<_> =
            exported.iter().map(|(id, path)| json!({ "id": id.to_string(), "path": path.to_string_lossy() })).collect();
        let failed: Vec<_> =
            failed.iter().map(|(id, error)| json!({ "id": id.to_string(), "reason": error.to_string() })).collect();
        output::json(&json!({ "exported": exported, "failed": failed }))?;
    } else {
        println!("Decrypted {} into {}", output::count(exported.len(), "photo"), inert(&folder.to_string_lossy()));
    }
    for (_, error) in &failed {
        eprintln!("cipherlens: {error}");
    }
    Ok(if failed.is_empty() { Exit::Success } else { Exit::Damage })
}
