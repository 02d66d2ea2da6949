//! Measures the embedding model alone on this machine: from prepared photos to vectors.
//!
//! Must never: print.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;

use crate::error::Error;
use crate::services::embedding::{EmbeddingModel, PreparedPhoto};
use crate::services::photo;
use crate::services::timing::{median, seconds};

/// Batches timed: at least this many, and for at least this long in total.
const LEAST_BATCHES: usize = 5;
const LEAST_SECONDS: f64 = 2.0;

/// What was measured; the time of a batch is a median.
#[derive(Serialize)]
pub struct Report {
    /// Photos per second.
    pub photos_per_second: f64,
    /// Milliseconds per photo.
    pub ms_per_photo: f64,
    /// The kernel in use: a set of processor instructions, or an accelerator.
    pub kernel: &'static str,
    /// `f32` or `bf16`.
    pub precision: &'static str,
    /// Threads of the pool.
    pub threads: usize,
    /// Photos of a batch.
    pub batch: usize,
}

/// Embeds batches of `batch` photos on the threads of the calling rayon pool.
///
/// # Errors
/// When the model's arithmetic fails.
pub fn measure(model: &EmbeddingModel, batch: usize) -> Result<Report, Error> {
    let photos = (0..batch).map(|number| synthetic_photo(model, number)).collect::<Result<Vec<_>, _>>()?;
    // The first batch fills the model's memory pool.
    black_box(model.embed(&photos)?);
    let mut times = Vec::new();
    let all = Instant::now();
    while times.len() < LEAST_BATCHES || all.elapsed().as_secs_f64() < LEAST_SECONDS {
        let (embedded, taken) = seconds(|| model.embed(&photos));
        black_box(embedded?);
        times.push(taken);
    }
    let per_photo = median(times) / batch as f64;
    Ok(Report {
        photos_per_second: 1.0 / per_photo,
        ms_per_photo: per_photo * 1e3,
        kernel: model.kernel(),
        precision: model.precision().name(),
        threads: rayon::current_num_threads(),
        batch,
    })
}

/// Stripes whose width depends on `number`; the content does not affect the time.
fn synthetic_photo(model: &EmbeddingModel, number: usize) -> Result<PreparedPhoto, Error> {
    const SIDE_PIXELS: usize = 256;
    let mut file = format!("P6 {SIDE_PIXELS} {SIDE_PIXELS} 255\n").into_bytes();
    let stripe = |at: usize| if (at / (number + 2)).is_multiple_of(2) { 40 } else { 200 };
    file.extend((0..SIDE_PIXELS * SIDE_PIXELS * 3).map(stripe));
    model.prepare(&photo::decode(&file, None)?)
}
