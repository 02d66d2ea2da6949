//! `cipherlens features`: the vectors of photos, unencrypted, for other programs.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::Exit;
use super::failure::{Failure, reported};
use super::output;
use super::session::{PrecisionFlag, Session, WeightsFile};
use crate::services::embedding::EmbeddingModel;
use crate::services::name::inert;

/// Print the features of photos, unencrypted.
///
/// The features describe what a photo shows: anybody who reads them can search for it. Nothing is stored.
#[derive(Args)]
#[command(after_help = "\
Example:
  cipherlens features holiday/*.jpg --json > features.jsonl

With --json each photo is one line, in the order given: {\"path\": ..., \"features\": [numbers]}. \
The numbers have unit norm, so the inner product of two photos' features is their cosine. \
Compare only features of the same --dimension, --weights and --precision. \
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
    /// Numbers per photo. 512 are the network's 2048 features projected onto the directions that tell photos apart, and
    /// need the built-in weights; 2048 are the features themselves
    #[arg(long, value_name = "N", default_value_t = EmbeddingModel::dimensions()[0], value_parser = dimensions())]
    dimension: usize,
}

pub(super) fn dimensions() -> impl TypedValueParser<Value = usize> {
    PossibleValuesParser::new(EmbeddingModel::dimensions().iter().map(usize::to_string))
        .map(|number| number.parse().expect("only numbers are possible"))
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    features: &'a [f32],
}

/// Prints the features of the photos, in the order given.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let Arguments { weights, precision, dimension, .. } = arguments;
    let model = session.load_model_for_dimension(*dimension, weights, precision.precision)?;
    let mut exit = Exit::Success;
    for files in arguments.photos.chunks(EmbeddingModel::batch_size()) {
        for (path, embedding) in files.iter().zip(model.embed_files(files)?) {
            let path = path.to_string_lossy();
            match embedding {
                Ok(embedding) => {
                    let written = print(&path, &embedding, arguments.json);
                    if written.is_err() {
                        // Nothing is stored, so ending here loses no work.
                        return reported(exit, written);
                    }
                }
                Err(error) => {
                    output::say(&format!("cipherlens: {}: {}", inert(&path), inert(&error.to_string())));
                    exit = Exit::Failure;
                }
            }
        }
    }
    Ok(exit)
}

fn print(path: &str, features: &[f32], json: bool) -> std::io::Result<()> {
    if json {
        return output::json(&Line { path, features });
    }
    // By magnitude: projected features have both signs.
    let strongest = features.iter().copied().enumerate().max_by(|left, right| left.1.abs().total_cmp(&right.1.abs()));
    let (position, value) = strongest.unwrap_or_default();
    let (path, dimension) = (inert(path), features.len());
    output::line(&format!("{path}: {dimension} features, strongest {position} ({value:.4})"))
}
