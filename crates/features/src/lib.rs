//! Photos to unit vectors: decoding, ResNet-50, normalisation.
//!
//! Two photos are as alike as the cosine of their vectors, which is their inner product. [`Photo::decode`] reads a
//! file's bytes once; [`Photo::prepare`] gives the network's input; [`Extractor::extract`] the vectors.
//! Knows no cipher and no file format of the vault. Must never: log or print pixels, features or file names.
//!
//! # Framing
//! The network sees the largest square in the photo's middle. Compared on 300 photos of Caltech 101 (20 kinds of 15 each; each
//! photo searched for among the other 299, a hit being one of its kind):
//!
//! | what becomes 224 x 224 | precision at 1 | precision at 10 | mean average precision |
//! |---|---|---|---|
//! | the whole photo, squeezed | 0.947 | 0.878 | 0.854 |
//! | the whole photo, the rest in the mean colour | 0.967 | 0.899 | 0.874 |
//! | shorter side to 256, its middle | 0.960 | 0.911 | 0.887 |
//! | **shorter side to 224, its middle** | **0.970** | **0.914** | 0.885 |
//!
//! Photos of this set keep their subject near the middle. The last row loses the least of a photo's edges of the two
//! that cut, and is at least as good where it counts: at the top of the list.

use std::borrow::Borrow;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

mod error;
mod kernel;
pub mod photo;
pub mod resnet50;
pub mod signature;
pub mod weights;

pub use error::Error;
pub use photo::{Limits, Photo, PreparedPhoto};
pub use resnet50::DIMENSIONS;
pub use weights::Weights;

use kernel::FastResNet50;
use photo::INPUT_SIDE;
use resnet50::{Convolution, ResNet50};
use weights::Layout;

/// Photos worth handing to [`Extractor::extract`] at once: several for each thread of the calling thread's rayon pool, so that
/// threads wait little for the one that ends last. Bounded, because each waits in memory for the others.
pub fn batch() -> usize {
    (4 * rayon::current_num_threads()).clamp(8, 32)
}

/// What made a vector. Vectors can be compared only if all of this agrees, so whoever stores vectors stores it too.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpace {
    /// SHA-256 of the weights file, in hexadecimal.
    pub weights: String,
    /// From decoded pixels to the network's input.
    pub preprocessing: String,
    /// Arithmetic of the network.
    pub precision: String,
}

/// 2048 numbers of unit norm, the photo in clear for whoever reads them. Wiped on drop.
pub struct FeatureVector(Box<[f32; DIMENSIONS]>);

impl FeatureVector {
    /// The numbers, none negative, their squares adding up to one.
    pub fn as_slice(&self) -> &[f32; DIMENSIONS] {
        &self.0
    }

    /// How alike two photos are, 0 to 1.
    pub fn cosine(&self, other: &Self) -> f32 {
        // Sixteen short sums instead of one long one: faster, and with less rounding.
        let (left, _) = self.0.as_chunks::<16>();
        let (right, _) = other.0.as_chunks::<16>();
        let mut sums = [0.0_f32; 16];
        for (left, right) in left.iter().zip(right) {
            for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
                *sum += left * right;
            }
        }
        sums.iter().sum()
    }

    /// Scales raw features to unit norm.
    fn normalised(features: &[f32]) -> Result<Self, Error> {
        let features: &[f32; DIMENSIONS] =
            features.try_into().map_err(|_| Error::WrongLength { expected: DIMENSIONS, actual: features.len() })?;
        let norm = features.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if !norm.is_normal() {
            return Err(Error::NoDirection { norm });
        }
        let mut unit = Box::new(*features);
        unit.iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
        Ok(Self(unit))
    }
}

impl Drop for FeatureVector {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// How the network computes. Vectors of different precision are not compared: near the threshold they could disagree.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Precision {
    /// Single precision, on every processor.
    #[default]
    F32,
    /// bfloat16 with sums in single precision, about twice as fast, on processors with AVX512_BF16.
    Bf16,
}

impl Precision {
    /// All, by the names that users and vaults know them by.
    pub const ALL: [Self; 2] = [Self::F32, Self::Bf16];

    /// The name in a [`FeatureSpace`].
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// The precision of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == name)
    }
}

/// How many photos a network is loaded for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Workload {
    /// One: what counts is how soon the weights are ready.
    One,
    /// Many: what counts is how fast they are.
    Many,
}

/// The network with its weights, ready for photos.
///
/// It makes no threads: photos of a batch run side by side on the rayon pool of the calling thread (the global one
/// unless the caller is inside `ThreadPool::install`), and a photo alone is spread over the same pool. Memory of the network
/// is used again and leaves the process with the extractor; it is not wiped before.
pub struct Extractor {
    engine: Engine,
    layout: Layout,
    precision: Precision,
    space: FeatureSpace,
}

/// What computes.
enum Engine {
    Processor(FastResNet50),
    /// Candle's own convolutions on a device that this program was compiled for (features `cuda`, `metal`).
    Accelerator {
        network: ResNet50<Convolution>,
        device: Device,
    },
}

impl Extractor {
    /// Arranges the weights for what computes fastest here.
    ///
    /// # Errors
    /// The processor cannot compute in this precision, or an accelerator failed to take the weights.
    pub fn new(weights: Weights, precision: Precision, workload: Workload) -> Result<Self, Error> {
        let space = FeatureSpace {
            weights: weights.sha256,
            preprocessing: weights.layout.preprocessing().to_owned(),
            precision: precision.name().to_owned(),
        };
        let engine = match accelerator()? {
            Some(device) if precision == Precision::F32 => {
                Engine::Accelerator { network: weights.network.map(|layer| layer.to_device(&device))?, device }
            }
            _ => {
                Engine::Processor(FastResNet50::new(&weights.network, weights.layout.normalise(), precision, workload)?)
            }
        };
        Ok(Self { engine, layout: weights.layout, precision, space })
    }

    /// What vectors of this extractor can be compared with.
    pub fn space(&self) -> &FeatureSpace {
        &self.space
    }

    /// How it computes.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What computes: the instructions of the processor, or an accelerator.
    pub fn kernel(&self) -> &'static str {
        match &self.engine {
            Engine::Processor(network) => network.kernel(),
            Engine::Accelerator { device, .. } if device.is_cuda() => "cuda",
            Engine::Accelerator { .. } => "metal",
        }
    }

    /// The vectors of the photos, in their order.
    ///
    /// # Errors
    /// When the network's arithmetic fails, or its features have no direction (weights that are no ResNet-50's).
    pub fn extract<P: Borrow<PreparedPhoto> + Sync>(&self, photos: &[P]) -> Result<Vec<FeatureVector>, Error> {
        let shape = (photos.len(), INPUT_SIDE as usize, INPUT_SIDE as usize, 3);
        let features = match &self.engine {
            Engine::Processor(network) => {
                let pixels: Vec<&[u8]> = photos.iter().map(|photo| photo.borrow().rgb()).collect();
                network.forward(&Tensor::from_vec(pixels.concat(), shape, &Device::Cpu)?)?
            }
            Engine::Accelerator { network, device } => {
                let input: Vec<f32> = photos.iter().flat_map(|photo| self.layout.input(photo.borrow())).collect();
                network.forward(&Tensor::from_vec(input, shape, device)?.permute((0, 3, 1, 2))?.contiguous()?)?
            }
        };
        let mut features = features.flatten_all()?.to_vec1::<f32>()?;
        let vectors = features.chunks(DIMENSIONS).map(FeatureVector::normalised).collect();
        features.zeroize();
        vectors
    }
}

/// A device this program was compiled for and that is there.
fn accelerator() -> Result<Option<Device>, Error> {
    for device in [Device::cuda_if_available(0)?, Device::metal_if_available(0)?] {
        if !device.is_cpu() {
            return Ok(Some(device));
        }
    }
    Ok(None)
}
