//! `cipherlens demo`: the sample photos the program carries, searched by similarity in the clear.

use std::io::{self, Write};
use std::time::Instant;

use clap::Args;
use include_dir::{Dir, File, include_dir};
use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;
use super::features::{failed, load};
use crate::features::{BATCH, Error, Extractor, FeatureVector, Limits, Photo, PreparedPhoto};

static PHOTOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/photos");
static ALTERED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/altered");

/// Photos searched for besides the altered copies.
const QUERIES: [&str; 4] =
    ["pizza/image_0002.jpg", "grand_piano/image_0007.jpg", "watch/image_0005.jpg", "Motorbikes/image_0003.jpg"];

/// Neighbours shown for each photo.
const SHOWN: usize = 3;

/// Search the sample photos for similar ones, in the clear.
///
/// Computes the features of a hundred photos the program carries and prints the nearest neighbours of a few of them. Nothing is
/// encrypted and nothing is stored.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens demo")]
pub(super) struct Arguments {}

/// A sample photo's name and vector.
struct Sample {
    name: String,
    vector: FeatureVector,
}

pub(super) fn run() -> Exit {
    let started = Instant::now();
    let samples = match load(None).and_then(|extractor| samples(&extractor)) {
        Ok(samples) => samples,
        Err(error) => return failed(&error),
    };
    let seconds = started.elapsed().as_secs_f64();
    match show(&mut io::stdout().lock(), &samples, seconds) {
        Ok(()) => Exit::Success,
        // Whoever read the output has gone.
        Err(_) => Exit::Failure,
    }
}

fn samples(extractor: &Extractor) -> Result<Vec<Sample>, Error> {
    let files: Vec<&File<'_>> = PHOTOS.dirs().flat_map(Dir::files).chain(ALTERED.files()).collect();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} photos").expect("the template is constant");
    let progress = ProgressBar::new(files.len() as u64).with_style(style);
    let mut samples = Vec::with_capacity(files.len());
    for batch in files.chunks(BATCH) {
        let photos = batch.iter().map(|file| prepare(file)).collect::<Result<Vec<_>, Error>>()?;
        let vectors = extractor.extract(&photos)?;
        samples.extend(batch.iter().zip(vectors).map(|(file, vector)| Sample { name: name(file), vector }));
        progress.inc(batch.len() as u64);
    }
    progress.finish_and_clear();
    Ok(samples)
}

fn prepare(file: &File<'_>) -> Result<PreparedPhoto, Error> {
    Photo::decode(file.contents(), None, Limits::default())?.prepare()
}

fn name(file: &File<'_>) -> String {
    file.path().to_string_lossy().replace('\\', "/")
}

fn show(output: &mut impl Write, samples: &[Sample], seconds: f64) -> io::Result<()> {
    let rate = samples.len() as f64 / seconds;
    writeln!(
        output,
        "In the clear: {} sample photos to vectors in {seconds:.1} s ({rate:.1} a second).",
        samples.len()
    )?;
    writeln!(output, "Nothing here is encrypted. The nearest by cosine:")?;
    let altered = |sample: &Sample| ALTERED.get_file(&sample.name).is_some();
    for query in samples.iter().filter(|sample| altered(sample) || QUERIES.contains(&sample.name.as_str())) {
        writeln!(output, "\n{}", query.name)?;
        let mut others: Vec<_> = samples
            .iter()
            .filter(|sample| sample.name != query.name)
            .map(|sample| (query.vector.cosine(&sample.vector), &sample.name))
            .collect();
        others.sort_by(|left, right| right.0.total_cmp(&left.0));
        for (cosine, name) in others.iter().take(SHOWN) {
            writeln!(output, "  {cosine:.3}  {name}")?;
        }
    }
    Ok(())
}
