//! 512 numbers: agreement with NumPy's decomposition of the classifier (`tests/data/golden/README.md`), and which
//! vectors are comparable.

use std::sync::LazyLock;

use cipherlens_features::resnet50::{BASIS_SHA256, Projection, Weights};
use cipherlens_features::{Embedder, FeatureVector, NETWORKS, Network, Precision, WeightsSource, Workload};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use super::golden::Features;
use super::{EMBEDDER, cosine, fixture, load, project, read, vectors};

static PROJECTION: LazyLock<Projection> = LazyLock::new(|| {
    let models = project("models");
    Projection::of_weights(&Weights::standard(&models).unwrap(), &models).unwrap()
});

/// The default network with the published weights and its default dimension.
static PROJECTED: LazyLock<Box<dyn Embedder>> = LazyLock::new(|| load(512, Precision::F32));

/// A vector of 2048 features in 512 numbers.
pub(super) fn project_vector(features: &FeatureVector) -> FeatureVector {
    PROJECTION.project(features.as_slice().try_into().unwrap()).unwrap()
}

fn golden(file: &str) -> Features {
    serde_json::from_slice(&fixture(file)).unwrap()
}

fn golden_vectors(embedder: &dyn Embedder) -> Vec<FeatureVector> {
    let files: Vec<_> = golden("golden/features.json").images.iter().map(|image| image.file.clone()).collect();
    let files: Vec<_> = files.iter().map(|file| fixture(&format!("golden/{file}"))).collect();
    vectors(embedder, files.iter().map(Vec::as_slice))
}

#[test]
fn the_basis_file_has_the_published_digest() {
    let digest = Sha256::digest(read("models/resnet50-basis.safetensors"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, BASIS_SHA256);
    let recorded = String::from_utf8(read("models/resnet50-basis.safetensors.sha256")).unwrap();
    assert_eq!(recorded, format!("{digest}  resnet50-basis.safetensors\n"));
}

#[test]
fn projected_vectors_agree_with_numpy_on_every_golden_photo() {
    let golden = golden("golden/projected.json");
    assert_eq!(golden.images.len(), 12);
    for (image, vector) in golden.images.iter().zip(golden_vectors(&**PROJECTED)) {
        assert_eq!((image.features.len(), vector.as_slice().len()), (512, 512));
        let agreement = cosine(&image.features, vector.as_slice());
        assert!(agreement >= 0.9999, "{}: cosine {agreement}", image.file);
        let square: f64 = vector.as_slice().iter().map(|value| f64::from(*value).powi(2)).sum();
        assert!((square - 1.0).abs() < 1e-6, "{}: squares add up to {square}", image.file);
    }
}

/// The golden features times the shipped basis, column by column in double precision.
#[test]
fn projected_vectors_agree_with_their_definition() {
    let file = read("models/resnet50-basis.safetensors");
    let file = SafeTensors::deserialize(&file).unwrap();
    let basis = file.tensor("basis").unwrap();
    assert_eq!((basis.dtype(), basis.shape()), (safetensors::Dtype::F16, &[512, 2048][..]));
    let basis: Vec<f64> = basis.data().as_chunks().0.iter().map(|bytes| half(*bytes)).collect();
    for (image, vector) in golden("golden/features.json").images.iter().zip(golden_vectors(&**PROJECTED)) {
        let mut expected = [0.0; 512];
        for (column, feature) in image.features.iter().enumerate() {
            for (row, sum) in expected.iter_mut().enumerate() {
                *sum += basis[row * 2048 + column] * f64::from(*feature);
            }
        }
        let agreement = cosine(&expected.map(|value| value as f32), vector.as_slice());
        assert!(agreement >= 0.9999, "{}: cosine {agreement}", image.file);
    }
}

/// A finite 16-bit float of IEEE 754: sign, five bits of exponent, ten of fraction.
fn half(bytes: [u8; 2]) -> f64 {
    let bits = u16::from_le_bytes(bytes);
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude =
        if exponent == 0 { fraction * 2.0_f64.powi(-24) } else { (1024.0 + fraction) * 2.0_f64.powi(exponent - 25) };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[test]
fn unit_vectors_of_2048_numbers_can_be_projected_later() {
    for (features, projected) in golden_vectors(&**EMBEDDER).iter().zip(golden_vectors(&**PROJECTED)) {
        let cosine = project_vector(features).cosine(&projected);
        assert!((cosine - 1.0).abs() < 1e-5, "{cosine}");
    }
}

#[test]
fn both_dimensions_exist_in_bf16() {
    let photo = fixture("golden/okapi.png");
    for (dimension, f32) in [(512, &PROJECTED), (2048, &EMBEDDER)] {
        let bf16 = load(dimension, Precision::Bf16);
        let (bf16, f32) = (vectors(&*bf16, [photo.as_slice()]), vectors(&***f32, [photo.as_slice()]));
        assert_eq!(bf16[0].as_slice().len(), dimension);
        let agreement = bf16[0].cosine(&f32[0]);
        assert!(agreement >= 0.999, "{dimension} numbers: cosine {agreement}");
    }
}

#[test]
fn vectors_of_different_dimension_are_in_different_spaces_of_one_network() {
    assert_eq!(Network::default_network().dimensions(), [512, 2048]);
    assert_eq!((PROJECTED.dimension(), EMBEDDER.dimension()), (512, 2048));
    assert_ne!(PROJECTED.space(), EMBEDDER.space());
    assert_eq!((PROJECTED.space().basis.as_deref(), &EMBEDDER.space().basis), (Some(BASIS_SHA256), &None));
    for space in [PROJECTED.space(), EMBEDDER.space()] {
        assert_eq!(Network::of_space(space).unwrap().name(), "resnet50");
    }
}

#[test]
fn a_copy_of_the_published_weights_has_the_basis() {
    let weights = project("models/resnet50.safetensors");
    let named = NETWORKS[0].load(WeightsSource::File(&weights), 512, Precision::F32, Workload::One).unwrap();
    assert_eq!(named.space(), PROJECTED.space());
}
