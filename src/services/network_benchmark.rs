//! Measuring the network alone, on this machine: photos that are decoded already to vectors.
//!
//! Must never: print.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;

use crate::features::photo::INPUT_SIDE;
use crate::features::{Error, Extractor, Limits, Photo, PreparedPhoto};

/// Batches timed: at least this many, and for at least this long in total.
const LEAST_BATCHES: usize = 5;
const LEAST_SECONDS: f64 = 2.0;

/// What was measured; the time of a batch is a median.
#[derive(Serialize)]
pub struct Report {
    /// Photos a second.
    pub photos_per_second: f64,
    /// Milliseconds a photo.
    pub ms_per_photo: f64,
    /// What computed: the processor's instructions, or an accelerator.
    pub kernel: &'static str,
    /// `f32` or `bf16`.
    pub precision: &'static str,
    /// Threads of the pool.
    pub threads: usize,
    /// Photos of a batch.
    pub batch: usize,
}

/// Takes batches of `batch` photos through the network, on the threads of the pool that it runs in.
///
/// # Errors
/// When the network fails.
pub fn measure(extractor: &Extractor, batch: usize) -> Result<Report, Error> {
    let photos = (0..batch).map(synthetic_photo).collect::<Result<Vec<_>, _>>()?;
    // The first batch fills the network's pool of memory.
    black_box(extractor.extract(&photos)?);
    let mut seconds = Vec::new();
    let all = Instant::now();
    while seconds.len() < LEAST_BATCHES || all.elapsed().as_secs_f64() < LEAST_SECONDS {
        let started = Instant::now();
        black_box(extractor.extract(&photos)?);
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let per_photo = seconds[seconds.len() / 2] / batch as f64;
    Ok(Report {
        photos_per_second: 1.0 / per_photo,
        ms_per_photo: per_photo * 1e3,
        kernel: extractor.kernel(),
        precision: extractor.precision().name(),
        threads: rayon::current_num_threads(),
        batch,
    })
}

/// Stripes whose width is the photo's number: any content costs the network the same.
fn synthetic_photo(number: usize) -> Result<PreparedPhoto, Error> {
    let side = INPUT_SIDE as usize;
    let mut file = format!("P6 {side} {side} 255\n").into_bytes();
    file.extend((0..side * side * 3).map(|at| if (at / (number + 2)).is_multiple_of(2) { 40 } else { 200 }));
    Photo::decode(&file, None, Limits::default())?.prepare()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_photos_are_photos_and_differ() {
        let [first, second] = [0, 1].map(|number| synthetic_photo(number).unwrap());
        assert_eq!(first.rgb().len(), 224 * 224 * 3);
        assert_ne!(first.rgb(), second.rgb());
    }
}
