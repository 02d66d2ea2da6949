//! Measuring the network alone, on this machine: photos that are decoded already to vectors.
//!
//! Must never: print.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;

use crate::features::{Embedder, Error, ImageInput, Limits, Photo, PreparedPhoto};

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
pub fn measure(embedder: &dyn Embedder, batch: usize) -> Result<Report, Error> {
    let photos = (0..batch).map(|number| synthetic_photo(embedder.input(), number)).collect::<Result<Vec<_>, _>>()?;
    let photos: Vec<_> = photos.iter().collect();
    // The first batch fills the network's pool of memory.
    black_box(embedder.embed(&photos)?);
    let mut seconds = Vec::new();
    let all = Instant::now();
    while seconds.len() < LEAST_BATCHES || all.elapsed().as_secs_f64() < LEAST_SECONDS {
        let started = Instant::now();
        black_box(embedder.embed(&photos)?);
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let per_photo = seconds[seconds.len() / 2] / batch as f64;
    Ok(Report {
        photos_per_second: 1.0 / per_photo,
        ms_per_photo: per_photo * 1e3,
        kernel: embedder.kernel(),
        precision: embedder.precision().name(),
        threads: rayon::current_num_threads(),
        batch,
    })
}

/// Stripes whose width is the photo's number: any content costs the network the same.
fn synthetic_photo(input: ImageInput, number: usize) -> Result<PreparedPhoto, Error> {
    let side = input.side as usize;
    let mut file = format!("P6 {side} {side} 255\n").into_bytes();
    file.extend((0..side * side * 3).map(|at| if (at / (number + 2)).is_multiple_of(2) { 40 } else { 200 }));
    Photo::decode(&file, None, Limits::default())?.prepare(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_photos_are_photos_and_differ() {
        let input = ImageInput { side: 32 };
        let [first, second] = [0, 1].map(|number| synthetic_photo(input, number).unwrap());
        assert_eq!(first.rgb().len(), 32 * 32 * 3);
        assert_ne!(first.rgb(), second.rgb());
    }
}
