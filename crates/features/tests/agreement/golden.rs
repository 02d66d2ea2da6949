//! Agreement with an independent implementation of the network on the same weights (`tests/data/golden/README.md`).

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::projection::project_vector;
use super::{EMBEDDER, cosine, decode, fixture, project, read, vectors};

/// Vectors of the PNGs in `tests/data/golden/`.
#[derive(Deserialize)]
pub(super) struct Features {
    pub(super) images: Vec<Image>,
}

#[derive(Deserialize)]
pub(super) struct Image {
    pub(super) file: String,
    pub(super) features: Vec<f32>,
}

#[derive(Deserialize)]
struct Cosines {
    photos: Vec<String>,
    cosine: Vec<Vec<f32>>,
}

#[test]
fn the_weights_file_has_the_published_digest() {
    let digest = Sha256::digest(read("models/resnet50.safetensors"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, cipherlens_features::resnet50::BUNDLED_SHA256);
    assert_eq!(digest, EMBEDDER.space().weights);
    let recorded = String::from_utf8(read("models/resnet50.safetensors.sha256")).unwrap();
    assert_eq!(recorded, format!("{digest}  resnet50.safetensors\n"));
}

#[test]
fn features_agree_on_every_golden_photo() {
    let golden: Features = serde_json::from_slice(&fixture("golden/features.json")).unwrap();
    assert_eq!(golden.images.len(), 12);
    let files: Vec<_> = golden.images.iter().map(|image| fixture(&format!("golden/{}", image.file))).collect();
    for (image, vector) in golden.images.iter().zip(vectors(&**EMBEDDER, files.iter().map(Vec::as_slice))) {
        let agreement = cosine(&image.features, vector.as_slice());
        assert!(agreement >= 0.9999, "{}: cosine {agreement}", image.file);
        let norm = cosine(vector.as_slice(), vector.as_slice());
        assert!((norm - 1.0).abs() < 1e-6);
        let square: f64 = vector.as_slice().iter().map(|value| f64::from(*value).powi(2)).sum();
        assert!((square - 1.0).abs() < 1e-6, "{}: squares add up to {square}", image.file);
    }
}

/// The photo as the independent implementation saw it: stretched to 224 x 224.
fn stretched(path: &str) -> Vec<u8> {
    let sample = project(&format!("data/photos/{path}"));
    let bytes =
        if sample.exists() { std::fs::read(sample).unwrap() } else { fixture(&format!("golden/photos/{path}")) };
    let whole = decode(&bytes).reduced(u32::MAX).unwrap();
    let square = imageops::resize(&whole, 224, 224, FilterType::Triangle);
    let mut png = Cursor::new(Vec::new());
    DynamicImage::from(square).write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

#[test]
fn cosines_of_all_pairs_agree() {
    let golden: Cosines = serde_json::from_slice(&fixture("golden/cosines.json")).unwrap();
    assert_eq!(golden.photos.len(), 60);
    let files: Vec<_> = golden.photos.iter().map(|path| stretched(path)).collect();
    let vectors = vectors(&**EMBEDDER, files.iter().map(Vec::as_slice));
    let (mut sum, mut worst, mut pairs) = (0.0_f32, 0.0_f32, 0);
    for left in 0..vectors.len() {
        for right in 0..left {
            let difference = (vectors[left].cosine(&vectors[right]) - golden.cosine[left][right]).abs();
            assert!(difference <= 0.05, "{} and {}: {difference}", golden.photos[left], golden.photos[right]);
            worst = worst.max(difference);
            sum += difference;
            pairs += 1;
        }
    }
    let mean = sum / pairs as f32;
    println!("{pairs} pairs: mean difference {mean}, worst {worst}");
    assert!(mean < 0.01, "mean difference {mean}");
}

#[test]
fn a_photo_alone_and_in_a_batch_has_the_same_vector() {
    let files: Vec<_> = (1..=3).map(|number| read(&format!("data/photos/dolphin/image_000{number}.jpg"))).collect();
    let batch = vectors(&**EMBEDDER, files.iter().map(Vec::as_slice));
    for (file, together) in files.iter().zip(&batch) {
        let alone = vectors(&**EMBEDDER, [file.as_slice()]);
        let largest_difference = alone[0]
            .as_slice()
            .iter()
            .zip(together.as_slice())
            .map(|(alone, together)| (alone - together).abs())
            .fold(0.0, f32::max);
        assert!(largest_difference < 1e-6, "{largest_difference}");
        assert!((alone[0].cosine(together) - 1.0).abs() < 1e-6, "{}", alone[0].cosine(together));
    }
    assert!(EMBEDDER.embed(&[]).unwrap().is_empty());
}

#[test]
fn altered_copies_are_nearest_to_their_originals() {
    let samples = |directory: &str| -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = walkdir::WalkDir::new(project(directory))
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "jpg"))
            .map(|entry| {
                let name =
                    entry.path().strip_prefix(project(directory)).unwrap().to_string_lossy().replace(['/', '\\'], "_");
                (name, std::fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    };
    let (originals, copies) = (samples("data/photos"), samples("data/altered"));
    assert_eq!((originals.len(), copies.len()), (100, 6));
    let of = |files: &[(String, Vec<u8>)]| vectors(&**EMBEDDER, files.iter().map(|(_, bytes)| bytes.as_slice()));
    let features = (of(&originals), of(&copies));
    let projected = (features.0.iter().map(project_vector).collect(), features.1.iter().map(project_vector).collect());
    for (original_vectors, copy_vectors) in [features, projected] {
        for ((copy, _), vector) in copies.iter().zip(&copy_vectors) {
            let nearest = (0..originals.len())
                .max_by(|left, right| {
                    vector.cosine(&original_vectors[*left]).total_cmp(&vector.cosine(&original_vectors[*right]))
                })
                .unwrap();
            let original = originals[nearest].0.trim_end_matches(".jpg");
            assert!(copy.starts_with(original), "{copy} is nearest to {original}");
        }
    }
}
