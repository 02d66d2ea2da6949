//! The public API: agreement with independent implementations of the network, and decoding.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "tests print what they measured")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a failed test is a panic")]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cipherlens_features::{Embedder, FeatureVector, Limits, NETWORKS, Photo, Precision, WeightsSource, Workload};

mod decoding;
mod golden;
mod projection;
mod torchvision;

/// The default network with the published weights, its features not projected.
static EMBEDDER: LazyLock<Box<dyn Embedder>> = LazyLock::new(|| load(2048, Precision::F32));

/// The default network with the published weights.
fn load(dimension: usize, precision: Precision) -> Box<dyn Embedder> {
    let weights = WeightsSource::Standard { directory: &project("models") };
    NETWORKS[0].load(weights, dimension, precision, Workload::Many).unwrap()
}

/// A path in the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A path below `tests/data/`.
fn fixture_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(fixture_path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn decode(bytes: &[u8]) -> Photo {
    Photo::decode(bytes, None, Limits::default()).unwrap()
}

fn vectors<'a>(embedder: &dyn Embedder, files: impl IntoIterator<Item = &'a [u8]>) -> Vec<FeatureVector> {
    let photos: Vec<_> = files.into_iter().map(|file| embedder.prepare(&decode(file)).unwrap()).collect();
    embedder.embed(&photos.iter().collect::<Vec<_>>()).unwrap()
}

/// Cosine of two vectors of any norm.
fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let product = |left: &[f32], right: &[f32]| -> f64 {
        left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
    };
    product(left, right) / (product(left, left) * product(right, right)).sqrt()
}
