//! Every kernel against the reference: each layer on the feature maps of a real photo, and the features.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::architecture::{INPUT_SIDE, ResNet50};
use super::convolution::{Convolution, PostOp};
use super::layout::Layout;
use super::operation::{ResNet50Operation, Unpacked};
use super::weights::Weights;
use crate::kernel::{
    Activation, Arithmetic, BufferPool, Conv, ConvWeights, Element, F32, FeatureMap, KERNELS, Parallelism, Portable,
    PortableBf16, build_for,
};
use crate::photo::{ImageInput, Limits, Photo, PreparedPhoto};
use crate::precision::{Precision, Workload};

/// The layout of the bundled weights.
const LAYOUT: Layout = Layout::KerasV1Folded;

/// Largest error of an output in bfloat16, relative to the largest output: Winograd's transforms lose bits. Most
/// outputs are far closer.
const BF16_RELATIVE: f32 = 0.1;

/// A convolution of the network, with its input and output for a real photo.
struct Case {
    name: String,
    convolution: Convolution,
    input: Tensor,
    output: Tensor,
    activation: Activation,
}

fn reference() -> ResNet50<Convolution> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    Weights::standard(&models).unwrap().network
}

fn photo() -> PreparedPhoto {
    let sample = include_bytes!("../../../../data/photos/butterfly/image_0001.jpg");
    Photo::decode(sample, None, Limits::default()).unwrap().prepare(ImageInput { side: INPUT_SIDE as u32 }).unwrap()
}

/// The input of the kernels, of shape [1, 224, 224, 3].
fn pixels() -> Tensor {
    Tensor::from_slice(photo().rgb(), (1, INPUT_SIDE, INPUT_SIDE, 3), &Device::Cpu).unwrap()
}

/// The input of the reference, of shape [1, 3, 224, 224].
fn input() -> Tensor {
    let numbers = LAYOUT.input(&photo());
    let input = Tensor::from_vec(numbers, (1, INPUT_SIDE, INPUT_SIDE, 3), &Device::Cpu).unwrap();
    input.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
}

fn unpacked(network: &ResNet50<Convolution>, workload: Workload) -> Unpacked {
    Unpacked::new(network, LAYOUT.normalise(), workload).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Every convolution of the network in order, without residuals.
fn cases(network: &ResNet50<Convolution>) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut keep = |name: String, convolution: &Convolution, input: &Tensor, post_op: PostOp<'_>| {
        let output = convolution.forward(input, post_op).unwrap();
        let activation = if matches!(post_op, PostOp::Relu) { Activation::Relu } else { Activation::Linear };
        let (convolution, input) = (convolution.clone(), input.clone());
        cases.push(Case { name, convolution, input, output: output.clone(), activation });
        output
    };
    let stem = keep("stem".into(), &network.stem, &input(), PostOp::Relu);
    let mut activations = Convolution::max_pool(&stem).unwrap();
    for (number, block) in network.blocks.iter().enumerate() {
        let name = |layer: &str| format!("block {number}, {layer}");
        let reduced = keep(name("reduce"), &block.reduce, &activations, PostOp::Relu);
        let mixed = keep(name("spatial"), &block.spatial, &reduced, PostOp::Relu);
        let expanded = keep(name("expand"), &block.expand, &mixed, PostOp::None);
        let residual = match &block.shortcut {
            Some(shortcut) => keep(name("shortcut"), shortcut, &activations, PostOp::None),
            None => activations,
        };
        activations = (expanded + residual).unwrap().relu().unwrap();
    }
    cases
}

/// Asserts that outputs differ by at most `absolute`, or by `relative` of the largest output of the layer.
fn agree<A: Arithmetic>(kernel: &str, arithmetic: A, cases: &[Case], absolute: f32, relative: f32) {
    let pool = BufferPool::default();
    for case in cases {
        let (_, channels, height, width) = case.input.dims4().unwrap();
        if channels % A::K_STEP != 0 {
            continue; // The stem, which is f32 always.
        }
        let mut input = FeatureMap::<A::Element>::new(&pool, [height, width], channels).unwrap();
        let stride = input.stride;
        let pixels = numbers(&case.input.permute((0, 2, 3, 1)).unwrap());
        for (to, from) in input.numbers.chunks_exact_mut(stride).zip(pixels.chunks_exact(channels)) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = A::Element::from_f32(*from);
            }
        }
        let expected = numbers(&case.output.permute((0, 2, 3, 1)).unwrap());
        let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let weights =
            ConvWeights::new(&case.convolution.kernel, &case.convolution.bias, case.convolution.stride).unwrap();
        let layers = [Workload::One, Workload::Many].map(|load| Conv::new(arithmetic, &weights, load).unwrap());
        for (layer, parallelism) in [
            (0, Parallelism::Sequential),
            (0, Parallelism::Threads),
            (1, Parallelism::Sequential),
            (1, Parallelism::Threads),
        ] {
            let layer = &layers[layer];
            let output = layer.forward(&pool, parallelism, &input, case.activation).unwrap();
            assert_eq!(output.pixels() * output.channels, expected.len(), "{kernel}, {}", case.name);
            let found = output.numbers.chunks_exact(output.stride).flat_map(|pixel| &pixel[..output.channels]);
            let furthest =
                found.zip(&expected).fold(0.0_f32, |far, (found, expected)| far.max((found.to_f32() - expected).abs()));
            let name = &case.name;
            assert!(furthest <= absolute.max(relative * largest), "{kernel}, {name}: {furthest} of {largest}");
        }
    }
}

#[test]
fn every_layer_agrees_with_its_definition() {
    let cases = cases(&reference());
    assert_eq!(cases.len(), 53, "the network's convolutions");
    agree("portable", F32(Portable), &cases, 1e-3, 0.0);
    agree("portable bf16", PortableBf16, &cases, 0.0, BF16_RELATIVE);
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(avx2) = crate::kernel::Avx2::detect() {
            agree("avx2", F32(avx2), &cases, 1e-3, 0.0);
        }
        if let Some(avx512) = crate::kernel::Avx512::detect() {
            agree("avx512", F32(avx512), &cases, 1e-3, 0.0);
        }
        if let Some(pairs) = crate::kernel::Avx512Bf16::detect() {
            agree("avx512_bf16", pairs, &cases, 0.0, BF16_RELATIVE);
        }
    }
    #[cfg(target_arch = "aarch64")]
    agree("neon", F32(crate::kernel::Neon), &cases, 1e-3, 0.0);
}

/// The cosine of the features of every kernel to those of the reference, for several batch sizes.
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
    let unpacked = unpacked(&network, Workload::Many);
    for (precision, least) in [(Precision::F32, 0.99999), (Precision::Bf16, 0.9995)] {
        for kernel in KERNELS {
            let Some(built) = build_for(kernel, precision, &unpacked).unwrap() else { continue };
            let network = ResNet50Operation(built);
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
fn input_of_another_shape_or_type_is_refused() {
    let built = build_for("portable", Precision::F32, &unpacked(&reference(), Workload::One)).unwrap().unwrap();
    let network = ResNet50Operation(built);
    let bytes = pixels();
    assert!(network.forward(&bytes.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()).is_err(), "channels first");
    assert!(network.forward(&bytes.transpose(1, 2).unwrap()).is_err(), "not contiguous");
    assert!(network.forward(&bytes.to_dtype(DType::F32).unwrap()).is_err(), "not bytes");
}
