//! Plain vectors and the scans of them.

use std::hint::black_box;

use rayon::prelude::*;
use serde::Serialize;

use super::aligned::Aligned;
use crate::ckks::baseline::{PlainKernel, plain_scores};
use crate::ckks::{BLOCK_IMAGES, Error};
use crate::services::synthetic::SyntheticFeatures;
use crate::services::timing::{median, seconds};

/// How fast one plain kernel is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlainTiming {
    /// The kernel's name.
    pub kernel: &'static str,
    /// Microseconds per image, the median of all rounds.
    pub us_per_image: f64,
}

/// The timing with the least time; the first of equal ones. There is at least that of the portable kernel.
pub(super) fn fastest(timings: &[PlainTiming]) -> PlainTiming {
    let none = PlainTiming { kernel: "none", us_per_image: f64::INFINITY };
    timings.iter().fold(none, |best, timing| if timing.us_per_image < best.us_per_image { *timing } else { best })
}

/// Vectors of one dimension, one after the other.
pub(super) struct PlainVectors {
    components: Aligned<f32>,
    dimension: usize,
}

impl PlainVectors {
    /// The next `count` vectors of a sequence.
    pub(super) fn draw(features: &mut SyntheticFeatures, count: usize, dimension: usize) -> Self {
        let mut components = Aligned::zeroed(count * dimension);
        components.chunks_exact_mut(dimension).for_each(|vector| features.fill(vector));
        Self { components, dimension }
    }

    pub(super) fn len(&self) -> usize {
        self.components.len() / self.dimension
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.components.chunks_exact(self.dimension)
    }

    pub(super) fn first(&self) -> &[f32] {
        &self.components[..self.dimension]
    }
}

/// The times of the plain scans of some vectors, with every kernel that this processor runs.
pub(super) struct PlainScans<'a> {
    vectors: &'a PlainVectors,
    query: &'a [f32],
    scores: Vec<f32>,
    seconds: Vec<(PlainKernel, Vec<f64>)>,
}

impl<'a> PlainScans<'a> {
    pub(super) fn new(vectors: &'a PlainVectors, query: &'a [f32]) -> Self {
        let seconds = PlainKernel::supported().into_iter().map(|kernel| (kernel, Vec::new())).collect();
        Self { vectors, query, scores: vec![0.0; vectors.len()], seconds }
    }

    /// Scans once with each kernel, and calls `between` after each.
    pub(super) fn round(&mut self, mut between: impl FnMut() -> Result<(), Error>) -> Result<(), Error> {
        for (kernel, times) in &mut self.seconds {
            times.push(seconds(|| scan(*kernel, self.vectors, self.query, &mut self.scores)).1);
            black_box(&self.scores);
            between()?;
        }
        Ok(())
    }

    pub(super) fn timings(self) -> Vec<PlainTiming> {
        let images = self.vectors.len() as f64;
        let timing = |(kernel, times): (PlainKernel, Vec<f64>)| PlainTiming {
            kernel: kernel.name(),
            us_per_image: median(times) / images * 1e6,
        };
        self.seconds.into_iter().map(timing).collect()
    }
}

/// The plain scan, divided among threads like the encrypted one.
fn scan(kernel: PlainKernel, vectors: &PlainVectors, query: &[f32], scores: &mut [f32]) {
    vectors
        .components
        .par_chunks(BLOCK_IMAGES * vectors.dimension)
        .zip(scores.par_chunks_mut(BLOCK_IMAGES))
        .for_each(|(vectors, scores)| plain_scores(kernel, vectors, black_box(query), scores));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(kernel: &'static str, us_per_image: f64) -> PlainTiming {
        PlainTiming { kernel, us_per_image }
    }

    #[test]
    fn the_fastest_plain_kernel_is_the_baseline_whatever_its_position() {
        // As on a Zen 5, where the widest instructions are not the fastest.
        let timings = [timing("portable", 0.41), timing("avx2", 0.243), timing("avx512", 0.32)];
        for at in 0..timings.len() {
            let mut moved = timings;
            moved.rotate_left(at);
            assert_eq!(fastest(&moved).kernel, "avx2", "{moved:?}");
        }
        assert_eq!(fastest(&[timing("avx2", 0.3), timing("avx512", 0.3)]).kernel, "avx2");
    }
}
