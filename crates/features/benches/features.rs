//! Photos per second: the network alone, Candle's own convolutions with the same weights, and the whole path from JPEG
//! to vector.
//!
//! `cargo bench -p cipherlens-features`. `CIPHERLENS_KERNEL` selects a kernel other than the fastest.

use std::hint::black_box;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use candle_core::{Device, Tensor};
use cipherlens_features::resnet50::{Projection, ResNet50Embedder, Weights};
use cipherlens_features::{Embedder, Limits, Photo, Precision, PreparedPhoto, Workload};
use criterion::{BenchmarkId, Criterion, Throughput};
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};

/// Candle's own convolutions are measured with this batch size only: others take minutes and give the same result.
const BASELINE_BATCH: usize = 8;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")
}

fn weights() -> Weights {
    Weights::standard(&models()).expect("the weights load")
}

/// The network with 512 numbers a photo, the default.
fn embedder() -> ResNet50Embedder {
    let weights = weights();
    let projection = Projection::of_weights(&weights, &models()).expect("the basis loads");
    ResNet50Embedder::new(weights, Some(projection), Precision::F32, Workload::Many).expect("the weights fit")
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start")
}

/// A sample photo enlarged to `width` x `height`, with the fine noise a camera adds, as a JPEG.
fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let sample = include_bytes!("../../../data/photos/butterfly/image_0001.jpg");
    let small = image::load_from_memory(sample).expect("the sample is a photo");
    let mut photo = small.resize_exact(width, height, FilterType::CatmullRom).into_rgb8();
    let mut state = 1_u32;
    for channel in photo.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *channel = channel.saturating_add((state >> 28) as u8);
    }
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(photo).write_to(&mut file, ImageFormat::Jpeg).expect("the photo is encoded");
    file.into_inner()
}

fn prepare(embedder: &dyn Embedder, jpeg: &[u8]) -> PreparedPhoto {
    Photo::decode(jpeg, None, Limits::default()).and_then(|photo| embedder.prepare(&photo)).expect("the photo decodes")
}

fn network(criterion: &mut Criterion) {
    let (weights, photo) = (weights(), jpeg(300, 200));
    let embedder = embedder();
    let mut group = criterion.benchmark_group("network");
    for threads in [1, 2] {
        let pool = pool(threads);
        for batch in [1, 8, 16] {
            let photos: Vec<_> = (0..batch).map(|_| prepare(&embedder, &photo)).collect();
            let photos: Vec<_> = photos.iter().collect();
            let parameter = format!("{threads} threads, batch {batch}");
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_function(BenchmarkId::new("cipherlens", &parameter), |bencher| {
                bencher.iter(|| pool.install(|| black_box(embedder.embed(&photos).expect("the network runs"))));
            });
            if batch != BASELINE_BATCH {
                continue;
            }
            let input = Tensor::rand(-100.0_f32, 100.0, (batch, 3, 224, 224), &Device::Cpu).expect("a tensor fits");
            group.bench_function(BenchmarkId::new("candle conv2d", &parameter), |bencher| {
                bencher.iter(|| pool.install(|| black_box(weights.reference().forward(&input).expect("it runs"))));
            });
        }
    }
}

fn jpeg_to_vector(criterion: &mut Criterion) {
    let embedder = embedder();
    let mut group = criterion.benchmark_group("jpeg");
    group.throughput(Throughput::Elements(1));
    for (name, width, height) in [("0.1 megapixels", 384, 256), ("12 megapixels", 4032, 3024)] {
        let file = jpeg(width, height);
        group.bench_function(BenchmarkId::new("to pixels", name), |bencher| {
            bencher.iter(|| black_box(prepare(&embedder, &file)));
        });
        group.bench_function(BenchmarkId::new("to vector", name), |bencher| {
            bencher.iter(|| black_box(embedder.embed(&[&prepare(&embedder, &file)]).expect("the network runs")));
        });
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    network(&mut criterion);
    jpeg_to_vector(&mut criterion);
    criterion.final_summary();
}
