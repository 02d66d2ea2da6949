//! `cipherlens bench`: the encrypted scan next to the plain one, on this machine, in one run.
//!
//! Must never: measure one side without the other, or report figures of a computation whose result was not checked.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::Exit;
use crate::ckks::baseline::plain_scores;
use crate::ckks::precision::{Measured, predicted_noise_std, predicted_score_std};
use crate::ckks::{
    BLOCK_BYTES, BLOCK_IMAGES, DIMENSION, EncryptedQuery, Error, Evaluator, HINT_BYTES, Kernel, KeyHolder, NONCE_BYTES,
    Parameters, PublicContext, QUERY_BYTES, ScannedBlock, SecretContext,
};

/// Queries whose errors are pooled: with non-negative vectors part of the error is common to all scores of one query.
const ERROR_QUERIES: usize = 8;
/// Scans per figure; medians are reported. At least this many, and for at least this long in total.
const LEAST_SCANS: usize = 15;
const LEAST_SECONDS: f64 = 0.5;
/// Queries per figure.
const QUERIES: usize = 25;
const FLOAT_BYTES: usize = size_of::<f32>();

/// Measure encrypted search on this machine, next to a plain scan of the same vectors.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens bench --images 49152 --threads 2")]
pub(super) struct Arguments {
    /// How many synthetic images to search (about 19 KB of memory each, in blocks of 512).
    #[arg(long, default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    images: u32,
    /// Threads for both scans and the decryption.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was measured. Times are medians.
#[derive(Serialize)]
struct Report {
    kernel: &'static str,
    threads: usize,
    images: usize,
    plain_us_per_image: f64,
    encrypted_us_per_image: f64,
    ratio: f64,
    plain_gb_per_second: f64,
    encrypted_gb_per_second: f64,
    query_ms: f64,
    query_prepared_ms: f64,
    decrypt_us_per_image: f64,
    seal_us_per_image: f64,
    whole_search_ms: f64,
    whole_search_prepared_ms: f64,
    plain_search_ms: f64,
    stored_bytes_per_image: usize,
    query_bytes: usize,
    reply_bytes_per_image: usize,
    error_predicted_std: f64,
    error_std: f64,
    error_max: f64,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Exit {
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.into()).build() {
        Ok(pool) => pool,
        Err(error) => {
            eprintln!("cipherlens: cannot start {} threads: {error}", arguments.threads);
            return Exit::Failure;
        }
    };
    let report = match pool.install(|| measure(arguments.images as usize, arguments.threads.into())) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("cipherlens: {error}");
            return Exit::Failure;
        }
    };
    let mut out = io::stdout().lock();
    let written = if arguments.json {
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        report.write_text(&mut out)
    };
    match written {
        Ok(()) => Exit::Success,
        Err(_) => Exit::Failure,
    }
}

/// Blocks as a vault stores them: ciphertexts one after the other, the rest beside them.
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

fn measure(images: usize, threads: usize) -> Result<Report, Error> {
    let public = PublicContext::generate()?;
    let holder = KeyHolder::new(&public, SecretContext::generate()?)?;
    let evaluator = Evaluator::new(&public)?;

    let mut features = SyntheticFeatures(0x9e37_79b9_7f4a_7c15);
    let mut vectors = vec![0.0; images * DIMENSION];
    vectors.as_chunks_mut().0.iter_mut().for_each(|vector| features.fill(vector));
    let query = &mut [0.0; DIMENSION];
    features.fill(query);
    let (sealed, seal_seconds) = seal(&holder, &vectors)?;

    let mut plain = vec![0.0; images];
    let mut scan_plain = || plain_scan(evaluator.kernel(), &vectors, query, &mut plain);
    let (encrypted, _) = encrypt(&holder, query)?;
    let scan_encrypted = || evaluator.score(&sealed.ciphertexts, black_box(&encrypted));
    // Alternately, so that whatever else the machine does is shared by both.
    let (mut plain_seconds, mut encrypted_seconds) = (Vec::new(), Vec::new());
    let started = Instant::now();
    while plain_seconds.len() < LEAST_SCANS || started.elapsed().as_secs_f64() < LEAST_SECONDS {
        plain_seconds.push(seconds(&mut scan_plain).1);
        let (answer, seconds) = seconds(scan_encrypted);
        black_box(answer?);
        encrypted_seconds.push(seconds);
    }

    let mut query_seconds = Vec::new();
    let mut prepared_seconds = Vec::new();
    let mut decrypt_seconds = Vec::new();
    let mut whole_seconds = Vec::new();
    let mut whole_prepared_seconds = Vec::new();
    for _ in 0..QUERIES {
        let (mask, prepare) = seconds(|| holder.prepare());
        let mask = mask?;
        let (pair, encrypt) = seconds(|| holder.encrypt(mask, query));
        let (encrypted, secret) = pair?;
        let (answer, scan) = seconds(|| evaluator.score(&sealed.ciphertexts, &encrypted));
        let answer = answer?;
        let (scores, decrypt) = seconds(|| secret.decrypt(&holder, sealed.blocks(), &answer));
        black_box(scores?);
        query_seconds.push(prepare + encrypt);
        prepared_seconds.push(encrypt);
        decrypt_seconds.push(decrypt);
        whole_seconds.push(prepare + encrypt + scan + decrypt);
        whole_prepared_seconds.push(encrypt + scan + decrypt);
    }

    let errors = errors(&holder, &evaluator, &sealed, &vectors, &mut features)?;
    let per_image = |seconds: f64| seconds / images as f64;
    let plain_search = median(plain_seconds);
    let (plain, encrypted) = (per_image(plain_search), per_image(median(encrypted_seconds)));
    // Ciphertext is read in whole blocks, so bytes read are those of the blocks.
    let block_bytes_per_image = sealed.ciphertexts.len() as f64 / images as f64;
    Ok(Report {
        kernel: evaluator.kernel().name(),
        threads,
        images,
        plain_us_per_image: plain * 1e6,
        encrypted_us_per_image: encrypted * 1e6,
        ratio: encrypted / plain,
        plain_gb_per_second: (DIMENSION * FLOAT_BYTES) as f64 / plain * 1e-9,
        encrypted_gb_per_second: block_bytes_per_image / encrypted * 1e-9,
        query_ms: median(query_seconds) * 1e3,
        query_prepared_ms: median(prepared_seconds) * 1e3,
        decrypt_us_per_image: per_image(median(decrypt_seconds)) * 1e6,
        seal_us_per_image: seal_seconds * 1e6,
        whole_search_ms: median(whole_seconds) * 1e3,
        whole_search_prepared_ms: median(whole_prepared_seconds) * 1e3,
        plain_search_ms: plain_search * 1e3,
        stored_bytes_per_image: (BLOCK_BYTES + HINT_BYTES + NONCE_BYTES).div_ceil(BLOCK_IMAGES),
        query_bytes: QUERY_BYTES,
        reply_bytes_per_image: crate::ckks::ANSWER_BYTES / BLOCK_IMAGES,
        error_predicted_std: predicted_score_std(&Parameters::V1),
        error_std: errors.std(),
        error_max: errors.max(),
    })
}

/// Seals all vectors, and the median seconds an image in full blocks' worth.
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

fn encrypt(holder: &KeyHolder, query: &[f32]) -> Result<(EncryptedQuery, crate::ckks::QuerySecret), Error> {
    holder.encrypt(holder.prepare()?, query)
}

/// The plain scan on the same threads as the encrypted one, in shares of the same images.
fn plain_scan(kernel: Kernel, vectors: &[f32], query: &[f32; DIMENSION], scores: &mut [f32]) {
    vectors
        .par_chunks(BLOCK_IMAGES * DIMENSION)
        .zip(scores.par_chunks_mut(BLOCK_IMAGES))
        .for_each(|(vectors, scores)| plain_scores(kernel, vectors, black_box(query), scores));
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

fn seconds<R>(work: impl FnOnce() -> R) -> (R, f64) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Unit vectors shaped like pooled network features: non-negative, half of them zero, a few large. No secret is made
/// from this generator (xorshift64*), only data whose scores are known.
struct SyntheticFeatures(u64);

impl SyntheticFeatures {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn fill(&mut self, vector: &mut [f32; DIMENSION]) {
        for component in vector.iter_mut() {
            let word = self.next();
            let (left, right) = ((word >> 40 & 0xffff) + 1, word >> 20 & 0xffff);
            *component = if word >> 63 == 1 { (left * right) as f32 } else { 0.0 };
        }
        let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt() as f32;
        vector.iter_mut().for_each(|component| *component /= norm);
    }
}

impl Report {
    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { kernel, threads, images, .. } = self;
        writeln!(out, "{images} images, {threads} thread(s), kernel {kernel}; times are medians")?;
        writeln!(out)?;
        writeln!(
            out,
            "plain f32 scan       {:8.3} us/image  {:6.1} GB/s (bound by memory once the vectors exceed the caches)",
            self.plain_us_per_image, self.plain_gb_per_second
        )?;
        writeln!(
            out,
            "encrypted scan       {:8.3} us/image  {:6.1} GB/s",
            self.encrypted_us_per_image, self.encrypted_gb_per_second
        )?;
        writeln!(out, "ratio                {:8.2}", self.ratio)?;
        writeln!(out)?;
        writeln!(
            out,
            "query encryption     {:8.2} ms        {:6.2} ms with a prepared mask",
            self.query_ms, self.query_prepared_ms
        )?;
        writeln!(out, "decryption           {:8.3} us/image", self.decrypt_us_per_image)?;
        writeln!(out, "sealing              {:8.1} us/image", self.seal_us_per_image)?;
        writeln!(
            out,
            "whole search         {:8.2} ms        {:6.2} ms with a prepared mask; plain {:.2} ms",
            self.whole_search_ms, self.whole_search_prepared_ms, self.plain_search_ms
        )?;
        writeln!(out)?;
        writeln!(
            out,
            "stored               {:8} bytes/image, hint included (plain f32: {})",
            self.stored_bytes_per_image,
            DIMENSION * FLOAT_BYTES
        )?;
        writeln!(
            out,
            "query                {:8} bytes, reply {} bytes/image",
            self.query_bytes, self.reply_bytes_per_image
        )?;
        writeln!(
            out,
            "error of a score     {:8.1e} std (predicted {:.1e}: noise {:.1e}, and rounding to 4 decimals), largest {:.1e}",
            self.error_std,
            self.error_predicted_std,
            predicted_noise_std(&Parameters::V1),
            self.error_max
        )
    }
}
