//! Measures encrypted search against plain scans on this machine, in one run.
//!
//! Vectors and blocks lie in anonymous memory that starts on a cache line; [`Report::huge_page_share`] says in which
//! pages. A vault maps its blocks from files instead, in pages of the usual size. Every block is sealed, so that errors
//! are those of distinct ciphertexts. Beyond the caches the time of a row of 2048 components does not depend on their
//! number, so at most [`MOST_PLAIN_2048`] are held.
//!
//! Must never: measure one side without the other, compare with a slower plain kernel than the fastest of this
//! program on this machine, or print.
//! Encrypted scores are compared with exact ones here; tests beside the plain kernels check that those agree.

mod aligned;
mod memory;
mod plain;
mod scans;
mod sealed;
mod searches;
mod workload;

use serde::Serialize;

pub use self::plain::PlainTiming;
use self::plain::PlainVectors;
use self::scans::Scans;
use self::sealed::SealedVectors;
use self::searches::Searches;
pub use self::workload::{MOST_PLAIN_2048, Workload, WorkloadError};
use super::synthetic::{Components, SyntheticFeatures};
use super::timing::median;
use crate::ckks::precision::{Measured, predicted_score_std};
use crate::ckks::{ANSWER_BYTES, BLOCK_IMAGES, Error, Evaluator, HINT_BYTES, KeyHolder, NONCE_BYTES};
use crate::ckks::{PublicContext, SecretContext};

/// Queries whose errors are pooled, because part of the error is common to all scores of one query.
const ERROR_QUERIES: usize = 8;
/// Seeds of the vectors of the requested dimension and of those of 2048 components.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const SEED_2048: u64 = 0xbf58_476d_1ce4_e5b9;

/// What was measured. Times are medians.
#[derive(Serialize)]
pub struct Report {
    /// The kernel of the encrypted scan.
    pub kernel: &'static str,
    /// Threads of all scans, of verification and of decryption.
    pub threads: usize,
    /// Images searched.
    pub images: usize,
    /// Components of a vector.
    pub dimension: usize,
    /// The part of the program's anonymous memory that is in transparent huge pages, from 0 to 1; `None` if the system
    /// does not report it.
    pub huge_page_share: Option<f64>,
    /// The fastest plain kernel of this machine.
    pub plain_kernel: &'static str,
    /// Microseconds per image of the plain scan of the same vectors with that kernel.
    pub plain_us_per_image: f64,
    /// Every plain kernel that runs on this machine.
    pub plain_kernels: Vec<PlainTiming>,
    /// Vectors of 2048 components that were scanned: as many as images, up to [`MOST_PLAIN_2048`].
    pub plain_2048_images: usize,
    /// The fastest plain kernel for vectors of 2048 components.
    pub plain_2048_kernel: &'static str,
    /// Microseconds per image of the plain scan of vectors of 2048 components with that kernel.
    pub plain_2048_us_per_image: f64,
    /// Every plain kernel with vectors of 2048 components.
    pub plain_2048_kernels: Vec<PlainTiming>,
    /// Microseconds per image of the encrypted scan.
    pub encrypted_us_per_image: f64,
    /// Time of the encrypted scan divided by that of the fastest plain one of the same vectors.
    pub ratio: f64,
    /// Gigabytes of vectors read per second.
    pub plain_gb_per_second: f64,
    /// Gigabytes of blocks read per second.
    pub encrypted_gb_per_second: f64,
    /// Milliseconds to encrypt a query, including its mask.
    pub query_ms: f64,
    /// Milliseconds to encrypt a query under a prepared mask.
    pub query_prepared_ms: f64,
    /// Milliseconds to verify the answer.
    pub verify_ms: f64,
    /// Microseconds per image to decrypt the verified answer.
    pub decrypt_us_per_image: f64,
    /// Microseconds per image to seal full blocks and add them to their check vectors.
    pub seal_us_per_image: f64,
    /// Milliseconds of a search: query, scan, verification, decryption.
    pub whole_search_ms: f64,
    /// The same with a prepared mask.
    pub whole_search_prepared_ms: f64,
    /// Milliseconds of a plain search of the same vectors with the fastest plain kernel.
    pub plain_search_ms: f64,
    /// Bytes per image of blocks, hints and nonces; check vectors add 512 D bytes for every 65,536 images.
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

/// Measures encrypted search among synthetic images, on the threads of the calling rayon pool.
///
/// # Errors
/// The system has no entropy, or the requested kernel does not run on this machine.
pub fn measure(workload: Workload) -> Result<Report, Error> {
    let (parameters, images) = (*workload.parameters(), workload.images());
    let dimension = parameters.dimension();
    let public = PublicContext::generate(parameters)?;
    let holder = KeyHolder::new(&public, SecretContext::generate(parameters)?)?;
    let evaluator = Evaluator::new(&public)?;

    let mut features = SyntheticFeatures::new(SEED, Components::Signed);
    let vectors = PlainVectors::draw(&mut features, images, dimension);
    let vectors_2048 = (dimension != workload::WIDE).then(|| {
        let mut features = SyntheticFeatures::new(SEED_2048, Components::Signed);
        PlainVectors::draw(&mut features, workload.plain_2048_images(), workload::WIDE)
    });
    let mut query = vec![0.0; dimension];
    features.fill(&mut query);
    let (sealed, seal_seconds) = SealedVectors::seal(&holder, &vectors)?;

    let (encrypted, _) = holder.encrypt(holder.prepare()?, &query)?;
    let vectors_2048 = vectors_2048.as_ref();
    let scans = Scans::measure(&evaluator, sealed.ciphertexts(), &encrypted, (&vectors, &query), vectors_2048)?;
    let searches = Searches::measure(&holder, &evaluator, &sealed, &query)?;
    let errors = errors(&holder, &evaluator, &sealed, &vectors, &mut features)?;

    let per_image = |seconds: f64| seconds / images as f64;
    let (plain, plain_2048) = (plain::fastest(&scans.plain), plain::fastest(&scans.plain_2048));
    let plain_seconds_per_image = plain.us_per_image * 1e-6;
    let encrypted = per_image(scans.encrypted_seconds);
    // A scan reads the last block in full, even if few of its rows are used.
    let block_bytes_per_image = sealed.ciphertexts().len() as f64 / images as f64;
    Ok(Report {
        kernel: evaluator.kernel().name(),
        threads: rayon::current_num_threads(),
        images,
        dimension,
        huge_page_share: memory::huge_page_share(),
        plain_kernel: plain.kernel,
        plain_us_per_image: plain.us_per_image,
        plain_kernels: scans.plain,
        plain_2048_images: vectors_2048.unwrap_or(&vectors).len(),
        plain_2048_kernel: plain_2048.kernel,
        plain_2048_us_per_image: plain_2048.us_per_image,
        plain_2048_kernels: scans.plain_2048,
        encrypted_us_per_image: encrypted * 1e6,
        ratio: encrypted / plain_seconds_per_image,
        plain_gb_per_second: workload::plain_bytes(dimension) as f64 / plain_seconds_per_image * 1e-9,
        encrypted_gb_per_second: block_bytes_per_image / encrypted * 1e-9,
        query_ms: median(searches.query) * 1e3,
        query_prepared_ms: median(searches.query_prepared) * 1e3,
        verify_ms: median(searches.verify) * 1e3,
        decrypt_us_per_image: per_image(median(searches.decrypt)) * 1e6,
        seal_us_per_image: seal_seconds * 1e6,
        whole_search_ms: median(searches.whole) * 1e3,
        whole_search_prepared_ms: median(searches.whole_prepared) * 1e3,
        plain_search_ms: plain_seconds_per_image * images as f64 * 1e3,
        stored_bytes_per_image: (parameters.block_bytes() + HINT_BYTES + NONCE_BYTES).div_ceil(BLOCK_IMAGES),
        query_bytes: parameters.query_bytes(),
        reply_bytes_per_image: ANSWER_BYTES / BLOCK_IMAGES,
        error_predicted_std: predicted_score_std(),
        error_std: errors.std(),
        error_max: errors.max(),
    })
}

/// Errors of all scores of several queries.
fn errors(
    holder: &KeyHolder,
    evaluator: &Evaluator,
    sealed: &SealedVectors,
    vectors: &PlainVectors,
    features: &mut SyntheticFeatures,
) -> Result<Measured, Error> {
    let blocks = sealed.blocks();
    let groups = sealed.groups(&blocks);
    let mut measured = Measured::default();
    let mut query = vec![0.0; holder.parameters().dimension()];
    for _ in 0..ERROR_QUERIES {
        features.fill(&mut query);
        let (encrypted, secret) = holder.encrypt(holder.prepare()?, &query)?;
        let answer = evaluator.score(sealed.ciphertexts(), &encrypted)?;
        let scores = secret.verify(holder, &groups, &answer)?.decrypt()?;
        for (score, vector) in scores.into_iter().zip(vectors.rows()) {
            let exact = vector.iter().zip(&query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            measured.add(f64::from(score), exact);
        }
    }
    Ok(measured)
}
