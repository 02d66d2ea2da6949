//! `cipherlens features`: the vectors of photos, in clear, for other programs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::Exit;
use super::terminal_text::inert;
use crate::features::{BATCH, DIMENSIONS, Error, Extractor, FeatureVector, Limits, Photo, PreparedPhoto, Weights};

/// Print the features of photos: 2048 numbers each, unencrypted.
///
/// The features say what a photo shows: whoever reads them can search for it. Nothing is stored.
#[derive(Args)]
#[command(after_help = "\
Example:
  cipherlens features holiday/*.jpg --json > features.jsonl

With --json each photo is one line, in the order given: {\"path\": ..., \"features\": [2048 numbers]}. \
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
    /// Use other ResNet-50 weights: torchvision's layout, as safetensors or .pth
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    features: &'a [f32],
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let extractor = match load(arguments.weights.as_deref()) {
        Ok(extractor) => extractor,
        Err(error) => return failed(&error),
    };
    let mut exit = Exit::Success;
    let mut output = io::stdout().lock();
    for paths in arguments.photos.chunks(BATCH) {
        let read: Vec<_> = paths.par_iter().map(|path| prepare(path)).collect();
        let (mut names, mut photos) = (Vec::new(), Vec::new());
        for (path, read) in paths.iter().zip(read) {
            match read {
                Ok(photo) => {
                    names.push(path.as_path());
                    photos.push(photo);
                }
                Err(error) => {
                    eprintln!("cipherlens: {}: {}", inert(&path.to_string_lossy()), inert(&error.to_string()));
                    exit = Exit::Failure;
                }
            }
        }
        let vectors = match extractor.extract(&photos) {
            Ok(vectors) => vectors,
            Err(error) => return failed(&error),
        };
        for (path, vector) in names.iter().zip(&vectors) {
            if print(&mut output, path, vector, arguments.json).is_err() {
                // Whoever read the output has gone.
                return Exit::Failure;
            }
        }
    }
    exit
}

/// The network with the named weights, or those the program comes with.
pub(super) fn load(weights: Option<&Path>) -> Result<Extractor, Error> {
    let weights = match weights {
        Some(path) => Weights::from_file(path)?,
        None => {
            let directories = directories::ProjectDirs::from("", "", "cipherlens");
            let data = directories.as_ref().map_or(Path::new("."), directories::ProjectDirs::data_dir);
            Weights::standard(data)?
        }
    };
    Extractor::new(weights)
}

/// Names the error on standard error.
pub(super) fn failed(error: &Error) -> Exit {
    eprintln!("cipherlens: {}", inert(&error.to_string()));
    Exit::Failure
}

fn prepare(path: &Path) -> Result<PreparedPhoto, Error> {
    Photo::decode(&std::fs::read(path)?, path.extension(), Limits::default())?.prepare()
}

fn print(output: &mut impl Write, path: &Path, vector: &FeatureVector, json: bool) -> io::Result<()> {
    let (path, features) = (path.to_string_lossy(), vector.as_slice());
    if json {
        serde_json::to_writer(&mut *output, &Line { path: &path, features })?;
        return writeln!(output);
    }
    let active = features.iter().filter(|value| **value > 0.0).count();
    let largest = features.iter().copied().enumerate().max_by(|left, right| left.1.total_cmp(&right.1));
    let (position, value) = largest.unwrap_or_default();
    writeln!(output, "{}: {active} of {DIMENSIONS} features active, strongest {position} ({value:.4})", inert(&path))
}
