//! `cipherlens bench`: measures encrypted search against the fastest plain scan, or the embedding network alone.

use std::fmt::Write;
use std::io;

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::session::{PrecisionFlag, Session, WeightsFile};
use crate::error::Error;
use crate::services::benchmark::{self, PlainTiming, Report, Workload};
use crate::services::embedding_benchmark;

/// Measure encrypted search on this machine against the fastest plain scan of the same vectors, or the embedding
/// network alone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cipherlens bench --images 49152 --threads 2
  cipherlens bench --dimension 2048 --json
  cipherlens bench --features --threads 2 --batch 16

Every plain kernel of this program that the processor can run is timed in turn with the encrypted one, on the same
vectors and on vectors of 2048 components; the ratios are to the fastest. All of it is in anonymous memory. A whole
search includes the verification of the answer.")]
pub(super) struct Arguments {
    /// How many synthetic images to search, in blocks of 512, as far as free memory allows: each takes 8 bytes a
    /// component, and 8 KB more for each of the first 65,536.
    #[arg(long, default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    images: u32,
    /// Components of a vector: a multiple of 128, at most 16,384
    #[arg(long, value_name = "D", default_value_t = 512)]
    dimension: usize,
    /// Measure the network instead, without decoding and scaling photos
    #[arg(long, conflicts_with_all = ["images", "dimension"])]
    features: bool,
    /// Photos in a batch of the network
    #[arg(long, requires = "features", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    batch: u16,
    #[command(flatten)]
    precision: PrecisionFlag,
    #[command(flatten)]
    weights: WeightsFile,
    /// Threads to use.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.into()).build().map_err(io::Error::other)?;
    if arguments.features {
        let model = session.load_model(&arguments.weights, arguments.precision.precision)?;
        let report = pool.install(|| embedding_benchmark::measure(&model, arguments.batch.into()));
        return print_embedding(&report?, arguments.json);
    }
    let workload = Workload::new(arguments.dimension, arguments.images as usize)
        .map_err(|refused| Failure::Usage(refused.to_string()))?;
    let report = pool.install(|| benchmark::measure(workload)).map_err(Error::from)?;
    if arguments.json {
        output::json(&report)?;
    } else {
        output::text(&text(&report))?;
    }
    Ok(Exit::Success)
}

fn print_embedding(report: &embedding_benchmark::Report, json: bool) -> Result<Exit, Failure> {
    if json {
        output::json(report)?;
    } else {
        let embedding_benchmark::Report { photos_per_second, ms_per_photo, kernel, precision, threads, batch } = report;
        output::text(&format!(
            "network alone, batches of {batch}, {threads} thread(s), kernel {kernel}, {precision}; medians\n\
             {photos_per_second:.1} photos a second, {ms_per_photo:.1} ms a photo\n"
        ))?;
    }
    Ok(Exit::Success)
}

/// A line for each plain kernel.
fn plain_kernels(timings: &[PlainTiming], fastest: &str) -> String {
    let mut lines = String::new();
    for PlainTiming { kernel, us_per_image } in timings {
        let mark = if *kernel == fastest { "  the fastest" } else { "" };
        // Writing into a string cannot fail.
        let _ = writeln!(lines, "  {kernel:<28} {us_per_image:8.3} us/image{mark}");
    }
    lines
}

/// The report for people.
fn text(report: &Report) -> String {
    let Report { kernel, plain_kernel, plain_2048_kernel, threads, images, dimension, .. } = report;
    let pages = report
        .huge_page_share
        .map_or_else(String::new, |share| format!(", {:.0} % of it in huge pages", share * 100.0));
    let scan_ms = report.encrypted_us_per_image * *images as f64 / 1e3;
    format!(
        "\
{images} images of {dimension} components, {threads} thread(s), kernel {kernel}; times are medians
anonymous memory{pages}

plain f32 scan       {plain_us:8.3} us/image  {plain_gb:6.1} GB/s (bound by memory once the vectors exceed the caches)
{plain_kernels}\
plain f32 scan, 2048 {plain_2048_us:8.3} us/image, of {plain_2048_images} vectors of 2048 components
{plain_2048_kernels}\
encrypted scan       {encrypted_us:8.3} us/image  {encrypted_gb:6.1} GB/s
ratio                {ratio:8.2} to the fastest plain scan, {plain_kernel}
ratio to 2048        {ratio_2048:8.2} to the fastest plain scan of 2048 components, {plain_2048_kernel}

query encryption     {query:8.2} ms        {query_prepared:6.2} ms with a prepared mask
verification         {verify:8.2} ms        {verify_share:6.1} % of the encrypted scan
decryption           {decrypt:8.3} us/image
sealing              {seal:8.1} us/image, check vectors included
whole search         {whole:8.2} ms        {whole_prepared:6.2} ms with a prepared mask; plain {plain_search:.2} ms

stored               {stored:8} bytes/image, hint included (plain f32: {plain_bytes})
query                {query_bytes:8} bytes, reply {reply_bytes} bytes/image
error of a score     {error_std:8.1e} std (predicted {predicted:.1e}), largest {error_max:.1e}
",
        plain_us = report.plain_us_per_image,
        plain_gb = report.plain_gb_per_second,
        plain_kernels = plain_kernels(&report.plain_kernels, plain_kernel),
        plain_2048_us = report.plain_2048_us_per_image,
        plain_2048_images = report.plain_2048_images,
        plain_2048_kernels = plain_kernels(&report.plain_2048_kernels, plain_2048_kernel),
        encrypted_us = report.encrypted_us_per_image,
        encrypted_gb = report.encrypted_gb_per_second,
        ratio = report.ratio,
        ratio_2048 = report.encrypted_us_per_image / report.plain_2048_us_per_image,
        query = report.query_ms,
        query_prepared = report.query_prepared_ms,
        verify = report.verify_ms,
        verify_share = report.verify_ms / scan_ms * 100.0,
        decrypt = report.decrypt_us_per_image,
        seal = report.seal_us_per_image,
        whole = report.whole_search_ms,
        whole_prepared = report.whole_search_prepared_ms,
        plain_search = report.plain_search_ms,
        stored = report.stored_bytes_per_image,
        plain_bytes = dimension * size_of::<f32>(),
        query_bytes = report.query_bytes,
        reply_bytes = report.reply_bytes_per_image,
        error_std = report.error_std,
        predicted = report.error_predicted_std,
        error_max = report.error_max,
    )
}
