//! Weight files: verifying, recognising the layout, loading.
//!
//! There are two layouts. The bundled file (`models/README.md`) is Keras's ResNet-50 with batch normalisation folded
//! into the convolutions. The other is torchvision's `resnet50` as safetensors or `.pth`; its batch normalisation is
//! folded here, so that the network consists of convolutions with biases. Any other layout is an error: never guess.

use std::borrow::Cow;
use std::path::Path;

use candle_core::pickle::PthTensors;
use candle_core::safetensors::Load;
use candle_core::{DType, Device, Tensor};
use safetensors::{SafeTensorError, SafeTensors};

use super::architecture::{BLOCKS_PER_STAGE, Bottleneck, EXPANSION, ResNet50, STAGE_WIDTH};
use super::convolution::Convolution;
use super::layout::{Downsampling, Layout};
use crate::error::Error;
use crate::published_file::{PublishedFile, sha256};

/// SHA-256 of `models/resnet50.safetensors` in hexadecimal.
pub const BUNDLED_SHA256: &str = "011ded4a7ab13c86179325fe7a0dbc46a44840fbf108b938ae5968783267fdf4";

/// Name of the weights file in the data directory, in a program built without `bundled-weights`.
pub const FILE_NAME: &str = "resnet50.safetensors";

/// torchvision's batch normalisation adds this to the variance.
const TORCH_EPSILON: f64 = 1e-5;

#[cfg(feature = "bundled-weights")]
const BUNDLED: Option<&[u8]> =
    Some(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/resnet50.safetensors")));
#[cfg(not(feature = "bundled-weights"))]
const BUNDLED: Option<&[u8]> = None;

static FILE: PublishedFile = PublishedFile {
    name: FILE_NAME,
    sha256: BUNDLED_SHA256,
    bundled: BUNDLED,
    alternative: "name a weights file with --weights",
};

/// Weights in memory, with their digest and layout.
pub struct Weights {
    pub(super) network: ResNet50<Convolution>,
    pub(super) layout: Layout,
    pub(super) sha256: String,
}

impl Weights {
    /// The published weights: those inside the program or, in a program built without them, the file [`FILE_NAME`] in
    /// `data_directory`, whose SHA-256 must be [`BUNDLED_SHA256`].
    ///
    /// A file is hashed on every load. The 47 MB inside the program are not: a test compares them with the digest.
    ///
    /// # Errors
    /// Without `bundled-weights`: [`Error::FileNotFound`], [`Error::FileDiffers`], [`Error::ReadFile`].
    pub fn standard(data_directory: &Path) -> Result<Self, Error> {
        let bytes = FILE.read(data_directory)?;
        if let Cow::Owned(bytes) = &bytes {
            FILE.verify(bytes)?;
        }
        Self::from_safetensors(&bytes, BUNDLED_SHA256.to_owned())
    }

    /// Loads a safetensors or PyTorch `.pth` file in one of the two layouts.
    ///
    /// A `.pth` file is a Python pickle. Candle's reader executes nothing in it; still, prefer safetensors.
    ///
    /// # Errors
    /// When the file cannot be read, its layout is unknown, or a tensor is missing or has another shape.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let read = |source| Error::ReadFile { path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(read)?;
        let sha256 = sha256(&bytes);
        // PyTorch has written ZIP archives since version 1.6; a safetensors file starts with the length of its header.
        if bytes.starts_with(b"PK\x03\x04") {
            drop(bytes);
            return Self::from_tensors(&PthTensors::new(path, None)?, None, sha256);
        }
        Self::from_safetensors(&bytes, sha256)
    }

    /// The network over Candle's own convolutions: the reference for the kernels, and their baseline.
    #[must_use]
    pub fn reference(&self) -> &ResNet50<Convolution> {
        &self.network
    }

    fn from_safetensors(bytes: &[u8], sha256: String) -> Result<Self, Error> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let stated = header.metadata().as_ref().and_then(|metadata| metadata.get("layout"));
        let layout = match stated.map(String::as_str) {
            Some("keras-v1-folded") => Some(Layout::KerasV1Folded),
            _ => None,
        };
        Self::from_tensors(&SafeTensors::deserialize(bytes)?, layout, sha256)
    }

    fn from_tensors(tensors: &impl Tensors, stated: Option<Layout>, sha256: String) -> Result<Self, Error> {
        let layout = match stated {
            Some(layout) => layout,
            None if tensors.find("bn1.running_var")?.is_some() => Layout::TorchvisionV15,
            None => return Err(Error::UnknownLayout),
        };
        Ok(Self { network: Reader { tensors, layout }.network()?, layout, sha256 })
    }
}

/// A file's tensors by name.
trait Tensors {
    fn find(&self, name: &str) -> Result<Option<Tensor>, Error>;
}

impl Tensors for SafeTensors<'_> {
    fn find(&self, name: &str) -> Result<Option<Tensor>, Error> {
        match self.tensor(name) {
            Ok(view) => Ok(Some(view.load(&Device::Cpu)?)),
            Err(SafeTensorError::TensorNotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Tensors for PthTensors {
    fn find(&self, name: &str) -> Result<Option<Tensor>, Error> {
        Ok(self.get(name)?)
    }
}

/// Builds the network from the tensors of a file, and checks the shape of each.
struct Reader<'a, T> {
    tensors: &'a T,
    layout: Layout,
}

impl<T: Tensors> Reader<'_, T> {
    fn network(&self) -> Result<ResNet50<Convolution>, Error> {
        let stem = self.convolution("conv1", "bn1", [STAGE_WIDTH[0], 3, 7, 7], 2)?;
        let mut blocks = Vec::with_capacity(BLOCKS_PER_STAGE.iter().sum());
        let mut channels = STAGE_WIDTH[0];
        for (stage, (&count, &width)) in BLOCKS_PER_STAGE.iter().zip(&STAGE_WIDTH).enumerate() {
            for block in 0..count {
                let halving = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(self.block(&format!("layer{}.{block}", stage + 1), channels, width, halving)?);
                channels = width * EXPANSION;
            }
        }
        Ok(ResNet50 { stem, blocks })
    }

    fn block(
        &self,
        name: &str,
        channels: usize,
        width: usize,
        stride: usize,
    ) -> Result<Bottleneck<Convolution>, Error> {
        let (reduce_stride, spatial_stride) = match self.layout.downsampling() {
            Downsampling::Reduce => (stride, 1),
            Downsampling::Spatial => (1, stride),
        };
        let layer = |index: usize, shape, stride| {
            self.convolution(&format!("{name}.conv{index}"), &format!("{name}.bn{index}"), shape, stride)
        };
        let expanded = width * EXPANSION;
        let shortcut = || {
            let (convolution, norm) = (format!("{name}.downsample.0"), format!("{name}.downsample.1"));
            self.convolution(&convolution, &norm, [expanded, channels, 1, 1], stride)
        };
        Ok(Bottleneck {
            reduce: layer(1, [width, channels, 1, 1], reduce_stride)?,
            spatial: layer(2, [width, width, 3, 3], spatial_stride)?,
            expand: layer(3, [expanded, width, 1, 1], 1)?,
            shortcut: (channels != expanded).then(shortcut).transpose()?,
        })
    }

    fn convolution(&self, name: &str, norm: &str, shape: [usize; 4], stride: usize) -> Result<Convolution, Error> {
        let kernel = self.tensor(&format!("{name}.weight"), &shape)?;
        let out = shape[0];
        match self.layout {
            Layout::KerasV1Folded => {
                Ok(Convolution { kernel, bias: self.tensor(&format!("{name}.bias"), &[out])?, stride })
            }
            Layout::TorchvisionV15 => {
                let part = |part: &str| self.tensor(&format!("{norm}.{part}"), &[out]);
                // y = (x - mean) / sqrt(variance + epsilon) * weight + bias is again a convolution with bias.
                let scale = (part("weight")? / (part("running_var")? + TORCH_EPSILON)?.sqrt()?)?;
                let bias = (part("bias")? - (part("running_mean")? * &scale)?)?;
                Ok(Convolution { kernel: kernel.broadcast_mul(&scale.reshape((out, 1, 1, 1))?)?, bias, stride })
            }
        }
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, Error> {
        let tensor = self.tensors.find(name)?.ok_or_else(|| Error::MissingTensor { name: name.to_owned() })?;
        if tensor.dims() != shape {
            let (expected, actual) = (shape.to_vec(), tensor.dims().to_vec());
            return Err(Error::WrongShape { name: name.to_owned(), expected, actual });
        }
        Ok(tensor.to_dtype(DType::F32)?)
    }
}
