//! Measures encrypted search against a plain scan on this machine, in one run.
//!
//! Must never: measure one side without the other, compare with a slower plain scan than the machine can do, or print.
//! Encrypted scores are compared with exact ones here; tests beside the plain kernels check that those agree.

mod scans;

use std::fs;
use std::hint::black_box;

use serde::Serialize;

pub use self::scans::PlainTiming;
use self::scans::Scans;
use super::synthetic::SyntheticFeatures;
use super::timing::{median, seconds};
use crate::ckks_v1::precision::{Measured, predicted_noise_std, predicted_score_std};
use crate::ckks_v1::{
    ANSWER_BYTES, BLOCK_BYTES, BLOCK_IMAGES, DIMENSION, EncryptedQuery, Error, Evaluator, HINT_BYTES, KeyHolder,
    NONCE_BYTES, Parameters, PublicContext, QUERY_BYTES, QuerySecret, ScannedBlock, SecretContext,
};

/// Queries whose errors are pooled, because part of the error is common to all scores of one query.
const ERROR_QUERIES: usize = 8;
/// Queries that are timed; each figure is their median.
const QUERIES: usize = 25;
/// Bytes of a plain vector.
pub const PLAIN_BYTES: usize = DIMENSION * size_of::<f32>();

/// Bytes of memory for each image: its vector, its share of a block and a hint, and its results.
const BYTES_PER_IMAGE: usize = PLAIN_BYTES + (BLOCK_BYTES + HINT_BYTES) / BLOCK_IMAGES + 64;

/// How many images fit into free memory; `None` if the system does not report it.
#[must_use]
pub fn most_images() -> Option<usize> {
    images_in(&fs::read_to_string("/proc/meminfo").ok()?)
}

/// The same from the text of Linux's `/proc/meminfo`.
fn images_in(meminfo: &str) -> Option<usize> {
    let available = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.strip_suffix("kB"))?;
    Some(available.trim().parse::<usize>().ok()?.saturating_mul(1024) / BYTES_PER_IMAGE)
}

/// The part of a score's predicted error that is encryption noise: a standard deviation.
#[must_use]
pub fn predicted_noise() -> f64 {
    predicted_noise_std(&Parameters::V1)
}

/// What was measured. Times are medians.
#[derive(Serialize)]
pub struct Report {
    /// The kernel of the encrypted scan.
    pub kernel: &'static str,
    /// Threads of both scans and of the decryption.
    pub threads: usize,
    /// Images searched.
    pub images: usize,
    /// The fastest plain kernel of this machine.
    pub plain_kernel: &'static str,
    /// Microseconds per image of the plain scan with that kernel.
    pub plain_us_per_image: f64,
    /// Every plain kernel that runs on this machine.
    pub plain_kernels: Vec<PlainTiming>,
    /// Microseconds per image of the encrypted scan.
    pub encrypted_us_per_image: f64,
    /// Time of the encrypted scan divided by that of the fastest plain one.
    pub ratio: f64,
    /// Gigabytes of vectors read per second.
    pub plain_gb_per_second: f64,
    /// Gigabytes of blocks read per second.
    pub encrypted_gb_per_second: f64,
    /// Milliseconds to encrypt a query, including its mask.
    pub query_ms: f64,
    /// Milliseconds to encrypt a query under a prepared mask.
    pub query_prepared_ms: f64,
    /// Microseconds per image to decrypt the answer.
    pub decrypt_us_per_image: f64,
    /// Microseconds per image to seal full blocks.
    pub seal_us_per_image: f64,
    /// Milliseconds of a search: query, scan, decryption.
    pub whole_search_ms: f64,
    /// The same with a prepared mask.
    pub whole_search_prepared_ms: f64,
    /// Milliseconds of a plain search with the fastest plain kernel.
    pub plain_search_ms: f64,
    /// Bytes per image of blocks, hints and nonces.
    pub stored_bytes_per_image: usize,
    /// Bytes of an encrypted query.
    pub query_bytes: usize,
    /// Bytes per image of an answer.
    pub reply_bytes_per_image: usize,
    /// Predicted standard deviation of a score's error.
    pub error_predicted_std: f64,
    /// Measured standard deviation of the errors of all scores of several queries.
    pub error_std: f64,
    /// The largest of those errors.
    pub error_max: f64,
}

/// Blocks as a vault stores them: contiguous ciphertexts, with nonces and hints beside them.
struct Sealed {
    ciphertexts: Vec<u8>,
    nonces: Vec<[u8; NONCE_BYTES]>,
    hints: Vec<u8>,
    images: usize,
}

impl Sealed {
    fn blocks(&self) -> impl Iterator<Item = ScannedBlock<'_>> {
        self.nonces.iter().zip(self.hints.chunks_exact(HINT_BYTES)).enumerate().map(|(at, (nonce, hint))| {
            ScannedBlock { nonce, hint, images: (self.images - at * BLOCK_IMAGES).min(BLOCK_IMAGES) }
        })
    }
}

/// Measures encrypted search among `images` synthetic images, on the threads of the calling rayon pool.
///
/// # Errors
/// The system has no entropy, or the requested kernel does not run on this machine.
pub fn measure(images: usize) -> Result<Report, Error> {
    let public = PublicContext::generate()?;
    let holder = KeyHolder::new(&public, SecretContext::generate()?)?;
    let evaluator = Evaluator::new(&public)?;

    let mut features = SyntheticFeatures::new(0x9e37_79b9_7f4a_7c15);
    let mut vectors = vec![0.0; images * DIMENSION];
    vectors.as_chunks_mut().0.iter_mut().for_each(|vector| features.fill(vector));
    let query = &mut [0.0; DIMENSION];
    features.fill(query);
    let (sealed, seal_seconds) = seal(&holder, &vectors)?;

    let (encrypted, _) = encrypt(&holder, query)?;
    let scans = Scans::measure(&evaluator, &sealed.ciphertexts, &encrypted, &vectors, query)?;
    let searches = Searches::measure(&holder, &evaluator, &sealed, query)?;
    let errors = errors(&holder, &evaluator, &sealed, &vectors, &mut features)?;

    let per_image = |seconds: f64| seconds / images as f64;
    let plain = scans.fastest_plain();
    let plain_seconds_per_image = plain.us_per_image * 1e-6;
    let encrypted = per_image(scans.encrypted_seconds);
    // A scan reads the last block in full, even if few of its rows are used.
    let block_bytes_per_image = sealed.ciphertexts.len() as f64 / images as f64;
    Ok(Report {
        kernel: evaluator.kernel().name(),
        threads: rayon::current_num_threads(),
        images,
        plain_kernel: plain.kernel,
        plain_us_per_image: plain.us_per_image,
        plain_kernels: scans.plain,
        encrypted_us_per_image: encrypted * 1e6,
        ratio: encrypted / plain_seconds_per_image,
        plain_gb_per_second: PLAIN_BYTES as f64 / plain_seconds_per_image * 1e-9,
        encrypted_gb_per_second: block_bytes_per_image / encrypted * 1e-9,
        query_ms: median(searches.query) * 1e3,
        query_prepared_ms: median(searches.query_prepared) * 1e3,
        decrypt_us_per_image: per_image(median(searches.decrypt)) * 1e6,
        seal_us_per_image: seal_seconds * 1e6,
        whole_search_ms: median(searches.whole) * 1e3,
        whole_search_prepared_ms: median(searches.whole_prepared) * 1e3,
        plain_search_ms: plain_seconds_per_image * images as f64 * 1e3,
        stored_bytes_per_image: (BLOCK_BYTES + HINT_BYTES + NONCE_BYTES).div_ceil(BLOCK_IMAGES),
        query_bytes: QUERY_BYTES,
        reply_bytes_per_image: ANSWER_BYTES / BLOCK_IMAGES,
        error_predicted_std: predicted_score_std(&Parameters::V1),
        error_std: errors.std(),
        error_max: errors.max(),
    })
}

/// Seconds of the steps of several searches.
#[derive(Default)]
struct Searches {
    query: Vec<f64>,
    query_prepared: Vec<f64>,
    decrypt: Vec<f64>,
    whole: Vec<f64>,
    whole_prepared: Vec<f64>,
}

impl Searches {
    fn measure(
        holder: &KeyHolder,
        evaluator: &Evaluator,
        sealed: &Sealed,
        query: &[f32; DIMENSION],
    ) -> Result<Self, Error> {
        let mut searches = Self::default();
        for _ in 0..QUERIES {
            let (mask, prepare) = seconds(|| holder.prepare());
            let mask = mask?;
            let (pair, encrypt) = seconds(|| holder.encrypt(mask, query));
            let (encrypted, secret) = pair?;
            let (answer, scan) = seconds(|| evaluator.score(&sealed.ciphertexts, &encrypted));
            let answer = answer?;
            let (scores, decrypt) = seconds(|| secret.decrypt(holder, sealed.blocks(), &answer));
            black_box(scores?);
            searches.query.push(prepare + encrypt);
            searches.query_prepared.push(encrypt);
            searches.decrypt.push(decrypt);
            searches.whole.push(prepare + encrypt + scan + decrypt);
            searches.whole_prepared.push(encrypt + scan + decrypt);
        }
        Ok(searches)
    }
}

/// Seals all vectors; also returns the median seconds per image.
fn seal(holder: &KeyHolder, vectors: &[f32]) -> Result<(Sealed, f64), Error> {
    let rows: Vec<&[f32]> = vectors.chunks_exact(DIMENSION).collect();
    let blocks = rows.len().div_ceil(BLOCK_IMAGES);
    let mut sealed = Sealed {
        ciphertexts: Vec::with_capacity(blocks * BLOCK_BYTES),
        nonces: Vec::new(),
        hints: Vec::new(),
        images: rows.len(),
    };
    let mut per_image = Vec::new();
    for images in rows.chunks(BLOCK_IMAGES) {
        let (block, seconds) = seconds(|| holder.seal(images));
        let block = block?;
        per_image.push(seconds / images.len() as f64);
        sealed.ciphertexts.extend_from_slice(block.ciphertext());
        sealed.nonces.push(*block.nonce());
        sealed.hints.extend_from_slice(block.hint());
    }
    Ok((sealed, median(per_image)))
}

fn encrypt(holder: &KeyHolder, query: &[f32]) -> Result<(EncryptedQuery, QuerySecret), Error> {
    holder.encrypt(holder.prepare()?, query)
}

/// Errors of all scores of several queries.
fn errors(
    holder: &KeyHolder,
    evaluator: &Evaluator,
    sealed: &Sealed,
    vectors: &[f32],
    features: &mut SyntheticFeatures,
) -> Result<Measured, Error> {
    let mut measured = Measured::default();
    for _ in 0..ERROR_QUERIES {
        let mut query = [0.0; DIMENSION];
        features.fill(&mut query);
        let (encrypted, secret) = encrypt(holder, &query)?;
        let answer = evaluator.score(&sealed.ciphertexts, &encrypted)?;
        let scores = secret.decrypt(holder, sealed.blocks(), &answer)?;
        for (score, vector) in scores.into_iter().zip(vectors.chunks_exact(DIMENSION)) {
            let exact = vector.iter().zip(&query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            measured.add(f64::from(score), exact);
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_read_from_proc_meminfo() {
        let meminfo =
            "MemTotal:       24607380 kB\nMemFree:          123 kB\nMemAvailable:   18000000 kB\nBuffers: 1 kB\n";
        assert_eq!(images_in(meminfo), Some(18_000_000 * 1024 / BYTES_PER_IMAGE));
        assert!((900_000..1_000_000).contains(&images_in(meminfo).unwrap()));
        for nonsense in ["", "MemAvailable: much kB\n", "MemAvailable: 5\n"] {
            assert_eq!(images_in(nonsense), None, "{nonsense:?}");
        }
        assert_eq!(images_in("MemAvailable: 18446744073709551615 kB\n"), Some(usize::MAX / BYTES_PER_IMAGE));
    }
}
