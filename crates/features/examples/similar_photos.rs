//! Ranks the sample photos by similarity to one photo:
//! `cargo run --release -p cipherlens-features --example similar_photos [PHOTO]`.
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;
use std::path::{Path, PathBuf};

use cipherlens_features::{
    Embedder, FeatureVector, Limits, NETWORKS, Photo, Precision, WeightsSource, Workload, batch_size,
};

const SHOWN: usize = 5;

fn embed(embedder: &dyn Embedder, paths: &[PathBuf]) -> Result<Vec<FeatureVector>, Box<dyn Error>> {
    let mut vectors = Vec::new();
    for batch in paths.chunks(batch_size()) {
        let mut photos = Vec::new();
        for path in batch {
            let photo = Photo::decode(&std::fs::read(path)?, path.extension(), Limits::default())?;
            photos.push(embedder.prepare(&photo)?);
        }
        vectors.extend(embedder.embed(&photos.iter().collect::<Vec<_>>())?);
    }
    Ok(vectors)
}

fn main() -> Result<(), Box<dyn Error>> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let samples = project.join("data/photos");
    let query = std::env::args_os().nth(1).map_or_else(|| samples.join("butterfly/image_0001.jpg"), PathBuf::from);

    let weights = WeightsSource::Standard { directory: &project.join("models") };
    let network = &NETWORKS[0];
    let embedder = network.load(weights, network.default_dimension(), Precision::F32, Workload::Many)?;
    println!("{} with {}: {} numbers a photo", embedder.name(), embedder.kernel(), embedder.dimension());

    let mut paths = Vec::new();
    for entry in walkdir::WalkDir::new(&samples).sort_by_file_name() {
        let path = entry?.into_path();
        if path.extension().is_some_and(|extension| extension == "jpg") {
            paths.push(path);
        }
    }
    let query_vector = embed(&*embedder, &[query])?.remove(0);
    let vectors = embed(&*embedder, &paths)?;
    let mut ranked: Vec<_> = vectors.iter().map(|vector| query_vector.cosine(vector)).zip(&paths).collect();
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0));
    for (cosine, path) in ranked.iter().take(SHOWN) {
        println!("{cosine:.4}  {}", path.strip_prefix(&samples)?.display());
    }
    Ok(())
}
