//! The two scans that `bench` compares: the encrypted one, and the fastest plain one of this machine.
//!
//! Must never: compare with a plain kernel that is not the fastest, or time the scans under different conditions.

use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::ckks_v1::baseline::{PlainKernel, plain_scores};
use crate::ckks_v1::{BLOCK_IMAGES, DIMENSION, EncryptedQuery, Error, Evaluator};
use crate::services::timing::{median, seconds};

/// Rounds of scans, whose median is reported: at least this many, and for at least this long in total.
const LEAST_ROUNDS: usize = 9;
const LEAST_SECONDS: f64 = 0.5;

/// How fast one plain kernel is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlainTiming {
    /// The kernel's name.
    pub kernel: &'static str,
    /// Microseconds per image, the median of all rounds.
    pub us_per_image: f64,
}

/// Medians of rounds in which each plain kernel ran once.
pub(super) struct Scans {
    /// Every plain kernel that this processor runs.
    pub(super) plain: Vec<PlainTiming>,
    /// Seconds of one encrypted scan.
    pub(super) encrypted_seconds: f64,
}

impl Scans {
    /// Times the scans of the same images, on the threads of the pool that this runs in.
    pub(super) fn measure(
        evaluator: &Evaluator,
        ciphertexts: &[u8],
        encrypted: &EncryptedQuery,
        vectors: &[f32],
        query: &[f32; DIMENSION],
    ) -> Result<Self, Error> {
        let images = vectors.len() / DIMENSION;
        let mut scores = vec![0.0; images];
        let mut plain: Vec<_> = PlainKernel::supported().into_iter().map(|kernel| (kernel, Vec::new())).collect();
        let mut encrypted_seconds = Vec::new();
        let started = Instant::now();
        let mut rounds = 0;
        while rounds < LEAST_ROUNDS || started.elapsed().as_secs_f64() < LEAST_SECONDS {
            // Alternating, so that other load on the machine and the state of the caches affect both alike.
            for (kernel, times) in &mut plain {
                times.push(seconds(|| plain_scan(*kernel, vectors, query, &mut scores)).1);
                black_box(&scores);
                let (answer, seconds) = seconds(|| evaluator.score(ciphertexts, black_box(encrypted)));
                black_box(answer?);
                encrypted_seconds.push(seconds);
            }
            rounds += 1;
        }
        let timing = |(kernel, times): (PlainKernel, Vec<f64>)| PlainTiming {
            kernel: kernel.name(),
            us_per_image: median(times) / images as f64 * 1e6,
        };
        Ok(Self { plain: plain.into_iter().map(timing).collect(), encrypted_seconds: median(encrypted_seconds) })
    }

    /// The plain kernel that the encrypted scan is compared with.
    pub(super) fn fastest_plain(&self) -> PlainTiming {
        fastest(&self.plain).expect("every processor runs the portable kernel")
    }
}

/// The timing with the least time; the first of equal ones.
fn fastest(timings: &[PlainTiming]) -> Option<PlainTiming> {
    timings.iter().copied().min_by(|one, other| one.us_per_image.total_cmp(&other.us_per_image))
}

/// The plain scan, divided among threads like the encrypted one.
fn plain_scan(kernel: PlainKernel, vectors: &[f32], query: &[f32; DIMENSION], scores: &mut [f32]) {
    vectors
        .par_chunks(BLOCK_IMAGES * DIMENSION)
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
        assert_eq!(fastest(&timings), Some(timings[1]));
        let scans = Scans { plain: timings.to_vec(), encrypted_seconds: 1.0 };
        assert_eq!(scans.fastest_plain().kernel, "avx2");
        for at in 0..timings.len() {
            let mut moved = timings;
            moved.rotate_left(at);
            assert_eq!(fastest(&moved).unwrap().kernel, "avx2", "{moved:?}");
        }
        assert_eq!(fastest(&[timing("avx2", 0.3), timing("avx512", 0.3)]).unwrap().kernel, "avx2");
        assert_eq!(fastest(&[]), None);
    }
}
