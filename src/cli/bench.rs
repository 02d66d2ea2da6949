//! `cipherlens bench`: how fast this machine is: encrypted search next to a plain scan, and the network alone.

use std::io::{self, Write};

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::session::{PrecisionFlag, Session, WeightsFile};
use crate::ckks::Parameters;
use crate::ckks::precision::predicted_noise_std;
use crate::error::Error;
use crate::services::benchmark::{self, PLAIN_BYTES, Report};
use crate::services::network_benchmark;

/// Measure encrypted search on this machine, next to a plain scan of the same vectors; or the network that describes photos.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cipherlens bench --images 49152 --threads 2
  cipherlens bench --features --threads 2 --batch 16")]
pub(super) struct Arguments {
    /// How many synthetic images to search (about 19 KB of memory each, in blocks of 512); no more than fit into free memory.
    #[arg(long, default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    images: u32,
    /// Measure the network instead: photos that are decoded already to vectors
    #[arg(long, conflicts_with = "images")]
    features: bool,
    /// Photos that the network takes at once
    #[arg(long, requires = "features", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    batch: u16,
    #[command(flatten)]
    precision: PrecisionFlag,
    #[command(flatten)]
    weights: WeightsFile,
    /// Threads for what is measured.
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
        let extractor = session.extractor(&arguments.weights, arguments.precision.precision)?;
        let report = pool.install(|| network_benchmark::measure(&extractor, arguments.batch.into()));
        return print_network(&report.map_err(Error::from)?, arguments.json);
    }
    let images = arguments.images as usize;
    if let Some(most) = benchmark::most_images().filter(|most| *most < images) {
        return Err(Failure::Usage(format!(
            "{images} images and their plain vectors do not fit into the memory that is free; {most} would"
        )));
    }
    let report = pool.install(|| benchmark::measure(images)).map_err(Error::from)?;
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write_text(&report, &mut out)?;
    }
    Ok(Exit::Success)
}

fn print_network(report: &network_benchmark::Report, json: bool) -> Result<Exit, Failure> {
    if json {
        output::json(report)?;
    } else {
        let network_benchmark::Report { photos_per_second, ms_per_photo, kernel, precision, threads, batch } = report;
        println!("network alone, batches of {batch}, {threads} thread(s), kernel {kernel}, {precision}; medians");
        println!("{photos_per_second:.1} photos a second, {ms_per_photo:.1} ms a photo");
    }
    Ok(Exit::Success)
}

fn write_text(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let Report { kernel, threads, images, .. } = report;
    writeln!(out, "{images} images, {threads} thread(s), kernel {kernel}; times are medians")?;
    writeln!(out)?;
    writeln!(
        out,
        "plain f32 scan       {:8.3} us/image  {:6.1} GB/s (bound by memory once the vectors exceed the caches)",
        report.plain_us_per_image, report.plain_gb_per_second
    )?;
    writeln!(
        out,
        "encrypted scan       {:8.3} us/image  {:6.1} GB/s",
        report.encrypted_us_per_image, report.encrypted_gb_per_second
    )?;
    writeln!(out, "ratio                {:8.2}", report.ratio)?;
    writeln!(out)?;
    writeln!(
        out,
        "query encryption     {:8.2} ms        {:6.2} ms with a prepared mask",
        report.query_ms, report.query_prepared_ms
    )?;
    writeln!(out, "decryption           {:8.3} us/image", report.decrypt_us_per_image)?;
    writeln!(out, "sealing              {:8.1} us/image", report.seal_us_per_image)?;
    writeln!(
        out,
        "whole search         {:8.2} ms        {:6.2} ms with a prepared mask; plain {:.2} ms",
        report.whole_search_ms, report.whole_search_prepared_ms, report.plain_search_ms
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "stored               {:8} bytes/image, hint included (plain f32: {})",
        report.stored_bytes_per_image, PLAIN_BYTES
    )?;
    writeln!(
        out,
        "query                {:8} bytes, reply {} bytes/image",
        report.query_bytes, report.reply_bytes_per_image
    )?;
    writeln!(
        out,
        "error of a score     {:8.1e} std (predicted {:.1e}: noise {:.1e}, and rounding to 4 decimals), largest {:.1e}",
        report.error_std,
        report.error_predicted_std,
        predicted_noise_std(&Parameters::V1),
        report.error_max
    )
}
