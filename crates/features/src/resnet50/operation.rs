//! The packed network as one Candle operation, from pixels to features.

use std::io;
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::architecture::{DIMENSION, INPUT_SIDE, ResNet50};
use super::convolution::Convolution;
use super::layout::Normalise;
use super::packed::PackedResNet50;
use crate::error::Error;
use crate::kernel::{Arithmetic, Build, Built, ConvWeights, build};
use crate::precision::{Precision, Workload};

/// [`PackedResNet50`] over any arithmetic.
pub(super) trait Forward: Send + Sync {
    fn forward(&self, pixels: &[u8], features: &mut [f32]) -> io::Result<()>;
}

impl<A: Arithmetic> Forward for PackedResNet50<A> {
    fn forward(&self, pixels: &[u8], features: &mut [f32]) -> io::Result<()> {
        Self::forward(self, pixels, features)
    }
}

/// The input for packing a network.
pub(super) struct Unpacked {
    network: ResNet50<ConvWeights>,
    normalise: Normalise,
    workload: Workload,
}

impl Unpacked {
    pub(super) fn new(
        network: &ResNet50<Convolution>,
        normalise: Normalise,
        workload: Workload,
    ) -> candle_core::Result<Self> {
        let weights = |layer: &Convolution| ConvWeights::new(&layer.kernel, &layer.bias, layer.stride);
        Ok(Self { network: network.map(weights)?, normalise, workload })
    }
}

impl Build for Unpacked {
    type Output = Arc<dyn Forward>;

    fn build<A: Arithmetic>(&self, arithmetic: A) -> Result<Self::Output, Error> {
        Ok(Arc::new(PackedResNet50::new(arithmetic, &self.network, self.normalise, self.workload)?))
    }
}

/// ResNet-50 as one operation on tensors.
pub(super) struct ResNet50Operation(pub(super) Built<Arc<dyn Forward>>);

impl ResNet50Operation {
    /// Packs the weights for the kernel of this processor.
    ///
    /// # Errors
    /// When the environment names a kernel that cannot run here, or not in this precision.
    pub(super) fn new(unpacked: &Unpacked, precision: Precision) -> Result<Self, Error> {
        Ok(Self(build(precision, unpacked)?))
    }

    /// The instruction set.
    pub(super) fn kernel(&self) -> &'static str {
        self.0.kernel
    }

    /// Features before normalisation, shape [n, 2048], f32, of `pixels`, shape [n, 224, 224, 3], u8: red, green, blue.
    pub(super) fn forward(&self, pixels: &Tensor) -> candle_core::Result<Tensor> {
        pixels.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for ResNet50Operation {
    fn name(&self) -> &'static str {
        "resnet50"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (photos, height, width, channels) = layout.shape().dims4()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(candle_core::Error::Msg("the network needs contiguous input".into()));
        };
        if [height, width, channels] != [INPUT_SIDE, INPUT_SIDE, 3] {
            let expected = format!("[n, {INPUT_SIDE}, {INPUT_SIDE}, 3]");
            let actual = layout.shape();
            return Err(candle_core::Error::Msg(format!("the network's input is {expected}, not {actual:?}")));
        }
        let mut features = vec![0.0; photos * DIMENSION];
        self.0.output.forward(&storage.as_slice::<u8>()?[start..end], &mut features)?;
        Ok((CpuStorage::F32(features), Shape::from((photos, DIMENSION))))
    }
}
