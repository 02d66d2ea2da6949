//! `cipherlens features`: the vectors of photos, in clear, for other programs.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::Exit;
use super::failure::{Failure, reported};
use super::output;
use super::session::{PrecisionFlag, Session, WeightsFile};
use crate::features::{Embedder, Error, FeatureVector, Limits, Photo, PreparedPhoto, batch_size};
use crate::services::name::inert;
use crate::services::original;

/// Print the features of photos, unencrypted.
///
/// The features say what a photo shows: whoever reads them can search for it. Nothing is stored.
#[derive(Args)]
#[command(after_help = "\
Example:
  cipherlens features holiday/*.jpg --json > features.jsonl

With --json each photo is one line, in the order given: {\"path\": ..., \"features\": [numbers]}. \
The numbers have unit norm, so the inner product of two photos' features is their cosine. \
The output is plaintext.

A photo that fails is named on standard error; the others are still printed, and the exit code is 1. \
RAYON_NUM_THREADS sets the number of threads; the default is one for each processor.")]
pub(super) struct Arguments {
    /// Photos in JPEG, PNG, WebP, GIF, BMP, TIFF, QOI, PNM, ICO or TGA format
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Print one JSON line for each photo
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightsFile,
    #[command(flatten)]
    precision: PrecisionFlag,
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    features: &'a [f32],
}

/// Prints the features of the photos, in the order given.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let embedder = session.embedder(&arguments.weights, arguments.precision.precision)?;
    let mut exit = Exit::Success;
    for paths in arguments.photos.chunks(batch_size()) {
        let read: Vec<_> = paths.par_iter().map(|path| prepare(path, &*embedder)).collect();
        let (mut names, mut photos) = (Vec::new(), Vec::new());
        for (path, read) in paths.iter().zip(read) {
            match read {
                Ok(photo) => {
                    names.push(path.as_path());
                    photos.push(photo);
                }
                Err(error) => {
                    let (path, reason) = (path.to_string_lossy(), error.to_string());
                    output::say(&format!("cipherlens: {}: {}", inert(&path), inert(&reason)));
                    exit = Exit::Failure;
                }
            }
        }
        let photos: Vec<_> = photos.iter().collect();
        let vectors = embedder.embed(&photos).map_err(crate::error::Error::from)?;
        for (path, vector) in names.iter().zip(&vectors) {
            let written = print(path, vector, arguments.json);
            if written.is_err() {
                // Nothing is stored, so there is no work left that anybody would miss.
                return reported(exit, written);
            }
        }
    }
    Ok(exit)
}

fn prepare(path: &Path, embedder: &dyn Embedder) -> Result<PreparedPhoto, Error> {
    embedder.prepare(&Photo::decode(&original::read(path)?, path.extension(), Limits::default())?)
}

fn print(path: &Path, vector: &FeatureVector, json: bool) -> std::io::Result<()> {
    let (path, features) = (path.to_string_lossy(), vector.as_slice());
    if json {
        return output::json(&Line { path: &path, features });
    }
    let dimension = features.len();
    let active = features.iter().filter(|value| **value > 0.0).count();
    let largest = features.iter().copied().enumerate().max_by(|left, right| left.1.total_cmp(&right.1));
    let (position, value) = largest.unwrap_or_default();
    let path = inert(&path);
    output::line(&format!("{path}: {active} of {dimension} features active, strongest {position} ({value:.4})"))
}
