//! Every kernel against the plain definition: each layer on the activations of a real photo, and the features.

use candle_core::{DType, Device};

use super::activations::Activations;
use super::arithmetic::{Number, Single};
use super::bfloat16::PortablePairs;
use super::memory::Pool;
use super::network::{KEEP, Layer, RELU};
use super::portable::Portable;
use super::spread::Spread;
use super::*;
use crate::resnet50::Then;
use crate::weights::Layout as Arrangement;
use crate::{Limits, Photo, PreparedPhoto};

/// What the bundled weights want of pixels.
const LAYOUT: Arrangement = Arrangement::KerasV1Folded;

/// What Winograd's transforms leave of eight bits for the output that is furthest from its value; most are far nearer.
const BF16_RELATIVE: f32 = 0.1;

/// A convolution of the network with a photo's real activations: what enters, what leaves.
struct Case {
    name: String,
    convolution: Convolution,
    input: Tensor,
    output: Tensor,
    floor: f32,
}

fn reference() -> ResNet50<Convolution> {
    let models = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    super::super::Weights::standard(&models).unwrap().network
}

fn photo() -> PreparedPhoto {
    let sample = include_bytes!("../../../../data/photos/butterfly/image_0001.jpg");
    Photo::decode(sample, None, Limits::default()).unwrap().prepare().unwrap()
}

/// The photo as the kernels take it, of shape [1, 224, 224, 3].
fn pixels() -> Tensor {
    Tensor::from_slice(photo().rgb(), (1, INPUT_SIDE, INPUT_SIDE, 3), &Device::Cpu).unwrap()
}

/// The photo as the plain network takes it, of shape [1, 3, 224, 224].
fn input() -> Tensor {
    let numbers = LAYOUT.input(&photo());
    let input = Tensor::from_vec(numbers, (1, INPUT_SIDE, INPUT_SIDE, 3), &Device::Cpu).unwrap();
    input.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
}

fn plain(network: &ResNet50<Convolution>) -> PlainNetwork {
    PlainNetwork { layers: network.map(Weights::new).unwrap(), normalise: LAYOUT.normalise() }
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// All layers that are a convolution and nothing more, in the order of the network.
fn cases(network: &ResNet50<Convolution>) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut keep = |name: String, convolution: &Convolution, input: &Tensor, then: Then<'_>| {
        let output = convolution.forward(input, then).unwrap();
        let floor = if matches!(then, Then::Relu) { RELU } else { KEEP };
        let (convolution, input) = (convolution.clone(), input.clone());
        cases.push(Case { name, convolution, input, output: output.clone(), floor });
        output
    };
    let stem = keep("stem".into(), &network.stem, &input(), Then::Relu);
    let mut activations = Convolution::max_pool(&stem).unwrap();
    for (number, block) in network.blocks.iter().enumerate() {
        let name = |layer: &str| format!("block {number}, {layer}");
        let reduced = keep(name("reduce"), &block.reduce, &activations, Then::Relu);
        let mixed = keep(name("spatial"), &block.spatial, &reduced, Then::Relu);
        let expanded = keep(name("expand"), &block.expand, &mixed, Then::Keep);
        let residual = match &block.shortcut {
            Some(shortcut) => keep(name("shortcut"), shortcut, &activations, Then::Keep),
            None => activations,
        };
        activations = (expanded + residual).unwrap().relu().unwrap();
    }
    cases
}

/// Asks every layer for outputs that differ by at most `absolute`, or by `relative` of the layer's largest.
fn agree<A: Arithmetic>(kernel: &str, arithmetic: A, cases: &[Case], absolute: f32, relative: f32) {
    let pool = Pool::default();
    for case in cases {
        let (_, channels, height, width) = case.input.dims4().unwrap();
        if channels % A::DEPTH != 0 {
            continue; // The stem, which is f32 always.
        }
        let mut input = Activations::<A::Stored>::new(&pool, [height, width], channels).unwrap();
        let stride = input.stride;
        let pixels = numbers(&case.input.permute((0, 2, 3, 1)).unwrap());
        for (to, from) in input.numbers.chunks_exact_mut(stride).zip(pixels.chunks_exact(channels)) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = A::Stored::nearest(*from);
            }
        }
        let expected = numbers(&case.output.permute((0, 2, 3, 1)).unwrap());
        let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let weights = Weights::new(&case.convolution).unwrap();
        let layers = [Workload::One, Workload::Many].map(|load| Layer::new(arithmetic, &weights, load).unwrap());
        for (layer, spread) in [(0, Spread::Nowhere), (0, Spread::Threads), (1, Spread::Nowhere), (1, Spread::Threads)]
        {
            let layer = &layers[layer];
            let output = layer.forward(&pool, spread, &input, case.floor).unwrap();
            assert_eq!(output.pixels() * output.channels, expected.len(), "{kernel}, {}", case.name);
            let found = output.numbers.chunks_exact(output.stride).flat_map(|pixel| &pixel[..output.channels]);
            let furthest =
                found.zip(&expected).fold(0.0_f32, |far, (found, expected)| far.max((found.value() - expected).abs()));
            let name = &case.name;
            assert!(furthest <= absolute.max(relative * largest), "{kernel}, {name}: {furthest} of {largest}");
        }
    }
}

#[test]
fn every_layer_agrees_with_its_definition() {
    let cases = cases(&reference());
    assert_eq!(cases.len(), 53, "the network's convolutions");
    agree("portable", Single(Portable), &cases, 1e-3, 0.0);
    agree("portable bf16", PortablePairs, &cases, 0.0, BF16_RELATIVE);
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(avx2) = avx2::Avx2::detect() {
            agree("avx2", Single(avx2), &cases, 1e-3, 0.0);
        }
        if let Some(avx512) = avx512::Avx512::detect() {
            agree("avx512", Single(avx512), &cases, 1e-3, 0.0);
        }
        if let Some(pairs) = avx512_bf16::Pairs::detect() {
            agree("avx512_bf16", pairs, &cases, 0.0, BF16_RELATIVE);
        }
    }
    #[cfg(target_arch = "aarch64")]
    agree("neon", Single(neon::Neon), &cases, 1e-3, 0.0);
}

/// Kernels against the definition by the cosine of their features; batches of one, of two and of a few more.
#[test]
fn features_agree_with_the_definition() {
    let network = reference();
    let pixels = pixels();
    let expected = numbers(&network.forward(&input()).unwrap());
    let cosine = |found: &[f32]| {
        let product = |left: &[f32], right: &[f32]| -> f64 {
            left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
        };
        product(found, &expected) / (product(found, found) * product(&expected, &expected)).sqrt()
    };
    let plain = plain(&network);
    for (precision, least) in [(Precision::F32, 0.99999), (Precision::Bf16, 0.9995)] {
        for kernel in choice::NAMES {
            let Some(chosen) = choice::on(kernel, &plain, precision, Workload::Many).unwrap() else { continue };
            let network = FastResNet50(chosen);
            for photos in [1, 2, 5] {
                let batch = Tensor::cat(&vec![&pixels; photos], 0).unwrap();
                for features in network.forward(&batch).unwrap().to_vec2::<f32>().unwrap() {
                    let cosine = cosine(&features);
                    assert!(cosine >= least, "{} {precision:?}, batch of {photos}: {cosine}", network.kernel());
                }
            }
        }
    }
}

#[test]
fn other_input_is_refused() {
    let chosen = choice::on("portable", &plain(&reference()), Precision::F32, Workload::One).unwrap().unwrap();
    let network = FastResNet50(chosen);
    let bytes = pixels();
    assert!(network.forward(&bytes.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()).is_err(), "channels first");
    assert!(network.forward(&bytes.transpose(1, 2).unwrap()).is_err(), "not contiguous");
    assert!(network.forward(&bytes.to_dtype(DType::F32).unwrap()).is_err(), "not bytes");
}
