//! `cipherlens import-legacy`: imports a folder that the legacy program encrypted.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Exit;
use super::add::{self, Named, Report};
use super::failure::Failure;
use super::session::{Session, WeightsFile};
use crate::services::find::FoundFiles;
use crate::services::index::{IfRemoved, Original};
use crate::services::legacy::{self, LegacyKey};
use crate::services::photo;

/// Arguments of `import-legacy`.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens import-legacy ~/old --key-file ~/old/key\n\nThe folder holds \
        `encrypted_images` (each file: 16 bytes of IV, then AES-128-CBC of the photo with PKCS#7 padding) and \
        `mapping.json`. Photos are decrypted in memory and added; features are computed again. The outcome for each \
        file is printed at the end. The folder is not changed.")]
pub(super) struct Arguments {
    /// The older program's folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The file with the 16-byte key, raw or as 32 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// Print one JSON object: added, already_present, left, error, files [path, outcome], failed [path, reason]
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightsFile,
}

/// Adds the folder's photos to the vault.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let key = LegacyKey::load(&arguments.key_file)?;
    let images = legacy::images(&arguments.folder)?;
    let read = |path: &Path| -> Result<Original, String> {
        let mut file = photo::read(path).map_err(|error| error.to_string())?;
        let bytes = key.decrypt(std::mem::take(&mut *file)).map_err(|error| error.to_string())?;
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        Ok(Original { bytes, name: legacy::original_name(path).into(), modified })
    };
    let found = FoundFiles { photos: images, ..FoundFiles::default() };
    let report = Report { named: Named::All, json: arguments.json, if_removed: IfRemoved::LeaveOut };
    add::index_and_report(session, &arguments.weights, &found, read, report, None)
}
