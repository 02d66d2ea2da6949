//! Other weight files: the torchvision layout agrees with torchvision's own network; anything else is refused.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use cipherlens_features::resnet50::{ResNet50Embedder, Weights};
use cipherlens_features::{Embedder, Error, NETWORKS, Precision, WeightsSource, Workload};

use super::{EMBEDDER, fixture, fixture_path, project, vectors};

/// The numbers of `tests/data/torchvision/make.py`, by the same formula.
fn formula(name: &str, shape: &[usize]) -> Tensor {
    let seed = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let inputs: usize = shape[1..].iter().product();
    let even = (0..shape.iter().product::<usize>() as u64).map(|position| {
        let mut z = seed.wrapping_add(position);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 54) as f32 / 1024.0 - 0.5
    });
    let numbers: Vec<f32> = if shape.len() == 4 {
        let scale = (24.0 / inputs as f32).sqrt().log2().round().exp2();
        even.map(|even| even * scale).collect()
    } else if name.ends_with("running_var") || name.ends_with("weight") {
        even.map(|even| even + 1.0).collect()
    } else {
        even.map(|even| even / 4.0).collect()
    };
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

/// The tensors of torchvision's resnet50 without classifier.
fn tensors() -> Vec<(String, Tensor)> {
    fn add(tensors: &mut Vec<(String, Tensor)>, convolution: &str, norm: &str, shape: [usize; 4]) {
        let weight = format!("{convolution}.weight");
        tensors.push((weight.clone(), formula(&weight, &shape)));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            let name = format!("{norm}.{part}");
            tensors.push((name.clone(), formula(&name, &shape[..1])));
        }
    }
    let mut all = Vec::new();
    add(&mut all, "conv1", "bn1", [64, 3, 7, 7]);
    let mut channels = 64;
    for (stage, blocks) in [3, 4, 6, 3].into_iter().enumerate() {
        let width = 64 << stage;
        for block in 0..blocks {
            let name = format!("layer{}.{block}", stage + 1);
            let shapes = [[width, channels, 1, 1], [width, width, 3, 3], [4 * width, width, 1, 1]];
            for (index, shape) in (1..).zip(shapes) {
                add(&mut all, &format!("{name}.conv{index}"), &format!("{name}.bn{index}"), shape);
            }
            if block == 0 {
                let shape = [4 * width, channels, 1, 1];
                add(&mut all, &format!("{name}.downsample.0"), &format!("{name}.downsample.1"), shape);
            }
            channels = 4 * width;
        }
    }
    all
}

fn saved(directory: &Path, tensors: Vec<(String, Tensor)>) -> PathBuf {
    let path = directory.join("weights.safetensors");
    candle_core::safetensors::save(&tensors.into_iter().collect(), &path).unwrap();
    path
}

fn refused(path: &Path) -> Error {
    Weights::from_file(path).err().expect("the file must be refused")
}

#[test]
fn features_agree_with_torchvision() {
    let directory = tempfile::tempdir().unwrap();
    let embedder = ResNet50Embedder::new(
        Weights::from_file(&saved(directory.path(), tensors())).unwrap(),
        None,
        Precision::F32,
        Workload::Many,
    )
    .unwrap();
    let expected: Vec<f32> = serde_json::from_slice(&fixture("torchvision/features.json")).unwrap();
    let actual = &vectors(&embedder, [fixture("golden/okapi.png").as_slice()])[0];
    let largest = expected.iter().copied().fold(0.0, f32::max);
    for (position, (expected, actual)) in expected.iter().zip(actual.as_slice()).enumerate() {
        assert!((expected - actual).abs() <= 1e-4 * largest, "feature {position}: {actual}, expected {expected}");
    }
    assert_ne!(embedder.space(), EMBEDDER.space());
    assert!(embedder.space().preprocessing.ends_with("rgb-mean-deviation"));
}

#[test]
fn other_weights_have_no_basis() {
    let directory = tempfile::tempdir().unwrap();
    let file = saved(directory.path(), tensors());
    let load = |dimension| NETWORKS[0].load(WeightsSource::File(&file), dimension, Precision::F32, Workload::One);
    let error = load(512).err().unwrap();
    assert!(matches!(error, Error::NoBasis { dimension: 512, available: 2048, .. }), "{error}");
    assert!(error.to_string().ends_with("use --dimension 2048"), "{error}");
    assert_eq!(load(2048).unwrap().dimension(), 2048);
}

#[test]
fn a_missing_tensor_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut few = tensors();
    few.retain(|(name, _)| name != "layer3.4.bn2.running_mean");
    let error = refused(&saved(directory.path(), few));
    assert!(matches!(&error, Error::MissingTensor { name } if name == "layer3.4.bn2.running_mean"), "{error}");
}

#[test]
fn a_wrong_shape_is_named_in_a_file_written_by_torch() {
    let error = refused(&fixture_path("torchvision/few.pth"));
    let Error::WrongShape { name, expected, actual } = &error else { panic!("{error}") };
    assert_eq!((name.as_str(), expected.as_slice(), actual.as_slice()), ("bn1.weight", &[64][..], &[32][..]));
}

#[test]
fn numbers_of_a_file_written_by_torch_are_read() {
    let file = candle_core::pickle::PthTensors::new(fixture_path("torchvision/few.pth"), None).unwrap();
    let read = file.get("conv1.weight").unwrap().unwrap().to_dtype(candle_core::DType::F32).unwrap();
    let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(numbers(&read), numbers(&formula("conv1.weight", &[64, 3, 7, 7])));
}

#[test]
fn another_network_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let other = vec![("conv1.weight".to_owned(), formula("conv1.weight", &[64, 3, 7, 7]))];
    assert!(matches!(refused(&saved(directory.path(), other)), Error::UnknownLayout));
}

#[test]
fn a_file_that_holds_no_tensors_is_refused() {
    assert!(matches!(refused(&project("Cargo.toml")), Error::Safetensors(_)));
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(refused(&directory.path().join("absent")), Error::ReadFile { .. }));
}
