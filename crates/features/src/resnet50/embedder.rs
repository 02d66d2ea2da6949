//! ResNet-50 as an [`Embedder`], on a processor or an accelerator.

use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::architecture::{DIMENSION, INPUT_SIDE, ResNet50};
use super::convolution::Convolution;
use super::layout::Layout;
use super::operation::{ResNet50Operation, Unpacked};
use super::projection::{BASIS_SHA256, PROJECTED_DIMENSION, Projection};
use super::weights::Weights;
use crate::accelerator;
use crate::embedder::{Embedder, Modality};
use crate::error::Error;
use crate::photo::{ImageInput, PreparedPhoto};
use crate::precision::{Precision, Workload};
use crate::space::FeatureSpace;
use crate::vector::FeatureVector;
use crate::weights_source::WeightsSource;

/// The name in [`NETWORKS`](crate::NETWORKS).
pub const NAME: &str = "resnet50";

/// The dimensions of vectors, the default first.
pub(crate) const DIMENSIONS: [usize; 2] = [PROJECTED_DIMENSION, DIMENSION];

const INPUT: ImageInput = ImageInput { side: INPUT_SIDE as u32 };

/// ResNet-50 with its weights.
///
/// Buffers of the network are reused, and freed with the embedder. They are not wiped.
pub struct ResNet50Embedder {
    engine: Engine,
    /// `None`: vectors are the 2048 pooled features.
    projection: Option<Projection>,
    layout: Layout,
    precision: Precision,
    space: FeatureSpace,
}

enum Engine {
    Processor(ResNet50Operation),
    /// Candle's own convolutions on a device that this program was compiled for (features `cuda`, `metal`).
    Accelerator {
        network: ResNet50<Convolution>,
        device: Device,
    },
}

impl ResNet50Embedder {
    /// Packs the weights for the fastest engine of this machine. Vectors have 512 components with the `projection` of
    /// these weights, and 2048 without one.
    ///
    /// # Errors
    /// [`Error::UnknownKernel`] or [`Error::UnsupportedKernel`] when `CIPHERLENS_KERNEL` names a kernel that cannot run
    /// here in this precision; [`Error::Network`] when an accelerator cannot load the weights.
    pub fn new(
        weights: Weights,
        projection: Option<Projection>,
        precision: Precision,
        workload: Workload,
    ) -> Result<Self, Error> {
        let Weights { network, layout, sha256 } = weights;
        let space = FeatureSpace {
            weights: sha256,
            preprocessing: layout.preprocessing().to_owned(),
            precision: precision.name().to_owned(),
            basis: projection.as_ref().map(|_| BASIS_SHA256.to_owned()),
        };
        let engine = match accelerator::detect()? {
            Some(device) if precision == Precision::F32 => {
                Engine::Accelerator { network: network.map(|layer| layer.to_device(&device))?, device }
            }
            _ => {
                let unpacked = Unpacked::new(&network, layout.normalise(), workload)?;
                Engine::Processor(ResNet50Operation::new(&unpacked, precision)?)
            }
        };
        Ok(Self { engine, projection, layout, precision, space })
    }

    /// The vector of a photo with these features.
    fn vector(&self, features: &[f32; DIMENSION]) -> Result<FeatureVector, Error> {
        match &self.projection {
            Some(projection) => projection.project(features),
            None => FeatureVector::normalised(features),
        }
    }

    /// Features before normalisation, shape [n, 2048].
    fn forward(&self, photos: &[&PreparedPhoto]) -> candle_core::Result<Tensor> {
        let shape = (photos.len(), INPUT_SIDE, INPUT_SIDE, 3);
        match &self.engine {
            Engine::Processor(operation) => {
                let pixels: Vec<&[u8]> = photos.iter().map(|photo| photo.rgb()).collect();
                operation.forward(&Tensor::from_vec(pixels.concat(), shape, &Device::Cpu)?)
            }
            Engine::Accelerator { network, device } => {
                let input: Vec<f32> = photos.iter().flat_map(|photo| self.layout.input(photo)).collect();
                network.forward(&Tensor::from_vec(input, shape, device)?.permute((0, 3, 1, 2))?.contiguous()?)
            }
        }
    }
}

impl Embedder for ResNet50Embedder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn dimension(&self) -> usize {
        if self.projection.is_some() { PROJECTED_DIMENSION } else { DIMENSION }
    }

    fn modality(&self) -> Modality {
        Modality::Image
    }

    fn input(&self) -> ImageInput {
        INPUT
    }

    fn space(&self) -> &FeatureSpace {
        &self.space
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn kernel(&self) -> &'static str {
        match &self.engine {
            Engine::Processor(operation) => operation.kernel(),
            Engine::Accelerator { device, .. } => accelerator::name(device),
        }
    }

    fn embed(&self, photos: &[&PreparedPhoto]) -> Result<Vec<FeatureVector>, Error> {
        if let Some(other) = photos.iter().find(|photo| photo.input() != INPUT) {
            return Err(Error::WrongInput { expected: INPUT.side, actual: other.input().side });
        }
        let features = Zeroizing::new(self.forward(photos)?.flatten_all()?.to_vec1::<f32>()?);
        let (features, _) = features.as_chunks::<DIMENSION>();
        features.par_iter().map(|features| self.vector(features)).collect()
    }

    fn project(&self, features: &[f32]) -> Result<FeatureVector, Error> {
        let (network, actual, available) = (NAME, features.len(), &[DIMENSION]);
        self.vector(features.try_into().map_err(|_| Error::UnknownDimension { network, actual, available })?)
    }
}

/// Loads the network for [`NETWORKS`](crate::NETWORKS), for one of its [`DIMENSIONS`].
pub(crate) fn load(
    weights: WeightsSource<'_>,
    dimension: usize,
    precision: Precision,
    workload: Workload,
) -> Result<Box<dyn Embedder>, Error> {
    let (weights, directory) = match weights {
        WeightsSource::Standard { directory } => (Weights::standard(directory)?, directory),
        WeightsSource::File(file) => (Weights::from_file(file)?, file.parent().unwrap_or(Path::new(""))),
    };
    let projection = match dimension {
        PROJECTED_DIMENSION => Some(Projection::of_weights(&weights, directory)?),
        _ => None,
    };
    Ok(Box::new(ResNet50Embedder::new(weights, projection, precision, workload)?))
}
