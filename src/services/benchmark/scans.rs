//! The scans that `bench` compares: the encrypted one, and all plain ones of this machine.
//!
//! Must never: time the scans under different conditions.

use std::hint::black_box;
use std::time::Instant;

use super::plain::{PlainScans, PlainTiming, PlainVectors};
use crate::ckks::{EncryptedQuery, Error, Evaluator};
use crate::services::timing::{median, seconds};

/// Rounds of scans, whose median is reported: at least this many, and for at least this long in total.
const LEAST_ROUNDS: usize = 9;
const LEAST_SECONDS: f64 = 0.5;

/// Medians of rounds in which each plain kernel ran once.
pub(super) struct Scans {
    /// Every plain kernel, on the vectors that were sealed.
    pub(super) plain: Vec<PlainTiming>,
    /// Every plain kernel, on vectors of 2048 components.
    pub(super) plain_2048: Vec<PlainTiming>,
    /// Seconds of one encrypted scan.
    pub(super) encrypted_seconds: f64,
}

impl Scans {
    /// Times the scans on the threads of the pool that this runs in. Without `vectors_2048`, the sealed vectors have
    /// 2048 components, and their figures count for both.
    pub(super) fn measure(
        evaluator: &Evaluator,
        ciphertexts: &[u8],
        encrypted: &EncryptedQuery,
        (vectors, query): (&PlainVectors, &[f32]),
        vectors_2048: Option<&PlainVectors>,
    ) -> Result<Self, Error> {
        let mut plain = PlainScans::new(vectors, query);
        let mut plain_2048 = vectors_2048.map(|vectors| PlainScans::new(vectors, vectors.first()));
        let mut encrypted_seconds = Vec::new();
        let started = Instant::now();
        let mut rounds = 0;
        while rounds < LEAST_ROUNDS || started.elapsed().as_secs_f64() < LEAST_SECONDS {
            // Alternating, so that other load on the machine and the state of the caches affect both alike.
            plain.round(|| {
                let (answer, seconds) = seconds(|| evaluator.score(ciphertexts, black_box(encrypted)));
                black_box(answer?);
                encrypted_seconds.push(seconds);
                Ok(())
            })?;
            // After the round: between a plain and an encrypted scan they would empty the caches for one of the two
            // only.
            if let Some(plain) = &mut plain_2048 {
                plain.round(|| Ok(()))?;
            }
            rounds += 1;
        }
        let plain = plain.timings();
        let plain_2048 = plain_2048.map_or_else(|| plain.clone(), PlainScans::timings);
        Ok(Self { plain, plain_2048, encrypted_seconds: median(encrypted_seconds) })
    }
}
