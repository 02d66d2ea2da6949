//! `cipherlens demo`: a tour on built-in sample photos, in a temporary vault.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use include_dir::{Dir, File, include_dir};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::Exit;
use super::failure::Failure;
use super::interrupt;
use super::meter::Meter;
use super::output;
use super::pictures;
use super::search;
use super::session::{Session, WeightsFile};
use crate::preview::Choice;
use crate::services::app_dirs::AppDirs;
use crate::services::embedding::{EmbeddingModel, Precision};
use crate::services::index::{self, Original, Photos};
use crate::services::open_vault::OpenVault;
use crate::services::progress::Control;
use crate::services::search::{self as find, Listing, Query};
use crate::services::session::{self, Cost, Prompts};

static PHOTOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/photos");
static ALTERED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/altered");

/// The queries: photos below `data/altered` that are not in the vault.
const QUERIES: [(&str, &str); 3] = [
    ("flamingo_image_0006_recompressed.jpg", "a flamingo, saved again at JPEG quality 15"),
    ("elephant_image_0002_cropped.jpg", "an elephant, cropped"),
    ("sunflower_image_0003_darkened.jpg", "a sunflower, darkened"),
];

/// The passphrase of the vault, for `--keep`.
const PASSPHRASE: &str = "demo";

/// Lower than the default, so that other photos of the same kind match too.
const THRESHOLD: f32 = 0.60;

const MOST_LISTED: usize = 4;

/// Arguments of `demo`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens demo --keep demo.vault\n\nBuilds a vault from a hundred sample photos, runs \
        three searches, and deletes the vault again. Photos: Caltech 101 by Fei-Fei Li, Marco Andreeto, Marc'Aurelio \
        Ranzato and Pietro Perona, CC BY 4.0, doi 10.22002/D1.20086."
)]
pub(super) struct Arguments {
    /// Keep the vault in FOLDER instead of deleting it; its passphrase is `demo`
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    #[arg(
        long,
        help = format!("How to show pictures: {}", Choice::values()),
        value_name = "HOW",
        hide_possible_values = true,
    )]
    preview: Option<Choice>,
    #[command(flatten)]
    weights: WeightsFile,
}

/// Runs the demonstration.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let scratch = TempDir::with_prefix("cipherlens-demo-")?;
    // The demonstration leaves no trace in the user's folders.
    let dirs = AppDirs::within(scratch.path());
    let root = arguments.keep.clone().unwrap_or_else(|| scratch.path().join("vault"));
    let model = session.load_model(&arguments.weights, Precision::F32)?;
    let passphrase = session::passphrase(&Zeroizing::new(PASSPHRASE.as_bytes().to_vec()))?;
    let vault = session::create_vault(&root, &passphrase, Cost::FLOOR, &model, &dirs, Prompts::Allowed)?;

    if !index_samples(&vault, &model)? {
        output::say("Interrupted; the vault was deleted.");
        return Ok(Exit::Interrupted);
    }
    for (name, title) in QUERIES {
        let file = ALTERED.get_file(name).expect("the demonstration's queries are among the altered samples");
        output::text(&format!("\nWhat looks like {title}?\n"))?;
        let query = Query::Photo { bytes: file.contents(), extension: None, model: &model };
        let listing = Listing::Matches { threshold: THRESHOLD, top: Some(MOST_LISTED) };
        let found = find::search(&vault, &query, listing)?;
        output::text(&search::in_words(&found, THRESHOLD, listing))?;
        let shown: Vec<_> = found.ranked.iter().map(|hit| (hit.photo.id, format!("{:.3}", hit.score))).collect();
        pictures::show(session, arguments.preview, &vault, &shown, None, 0)?;
    }
    conclude(arguments)?;
    Ok(Exit::Success)
}

/// Indexes the samples; false when interrupted.
fn index_samples(vault: &OpenVault, model: &EmbeddingModel) -> Result<bool, Failure> {
    let files: Vec<&File<'_>> = PHOTOS.dirs().flat_map(Dir::files).collect();
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path().to_owned()).collect();
    // On standard error: this is progress, and with --keep the vault is filled even if nobody reads the output.
    output::say(&format!("Encrypting {} into a new vault:", output::count(files.len(), "sample photo")));
    let read = |path: &Path| -> Result<Original, String> {
        let file = PHOTOS.get_file(path).ok_or("not among the samples")?;
        // File names are only numbers, so the name includes the folder, which says what the photo shows.
        let name = path.to_string_lossy().replace(['/', '\\'], "_");
        Ok(Original { bytes: Zeroizing::new(file.contents().to_vec()), name: name.into(), modified: None })
    };
    let control = Arc::new(Control::default());
    let meter = Meter::new(files.len(), "photos");
    let interruptible = interrupt::stops(&control, "Stopping.");
    let started = Instant::now();
    let photos = Photos { paths: &paths, ..Photos::default() };
    let summary = index::run(vault, model, photos, read, &meter, &control)?;
    drop(interruptible);
    meter.finish();
    if let Some(error) = summary.ended_by {
        return Err(error.into());
    }
    let seconds = started.elapsed().as_secs_f64();
    output::text(&format!(
        "{} sealed in {seconds:.1} s ({:.1} a second): pixels to {} numbers, numbers by CKKS, photos by AES-256.\n",
        output::count(summary.added, "photo"),
        summary.added as f64 / seconds,
        model.dimension()
    ))?;
    Ok(summary.left == 0)
}

fn conclude(arguments: &Arguments) -> io::Result<()> {
    let end = match &arguments.keep {
        Some(folder) => format!("The vault is kept in {}; its passphrase is: {PASSPHRASE}", folder.display()),
        None => "The demonstration's vault was deleted.".to_owned(),
    };
    output::text(&format!(
        "
Each score was computed on ciphertexts, by code without a key. Make your own vault:
  cipherlens init ~/photos.vault
  cipherlens add ~/Pictures
  cipherlens search some-photo.jpg
{end}
"
    ))
}
