//! Errors of decoding, weights and networks. Messages about photos name no file: the caller knows which one it opened.

use std::io;
use std::path::PathBuf;

/// Errors of decoding, weights and network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a format that is decoded here.
    #[error("not a photo in a known format (JPEG, PNG, WebP, GIF, BMP, TIFF, QOI, PNM, ICO or TGA)")]
    UnknownFormat,
    /// A photo or video in a format that is not decoded here.
    #[error("{format} files are not read yet (read are JPEG, PNG, WebP, GIF, BMP, TIFF, QOI, PNM, ICO and TGA)")]
    NotReadYet {
        /// The format's name.
        format: &'static str,
    },
    /// Reading the format failed.
    #[error("the file could not be read: {0}")]
    Read(#[from] io::Error),
    /// Width or height is zero.
    #[error("the photo has no pixels")]
    NoPixels,
    /// More pixels than the limits allow.
    #[error("the photo has {width} x {height} pixels, more than the limit of {limit}")]
    TooManyPixels {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// Pixels allowed.
        limit: u64,
    },
    /// Decoding would need more memory than the limits allow.
    #[error("decoding the photo needs {needed_bytes} bytes of memory, more than the limit of {limit_bytes}")]
    TooMuchMemory {
        /// Bytes that the decoder would allocate.
        needed_bytes: u64,
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// The file is damaged, or uses a feature that its decoder lacks.
    #[error("the photo could not be decoded: {0}")]
    Decode(#[from] image::ImageError),
    /// The JPEG is damaged, or uses a feature that its decoder lacks.
    #[error("the JPEG could not be decoded: {0}")]
    DecodeJpeg(#[source] jpeg_decoder::Error),
    /// The JPEG ends before its last pixel.
    #[error("the JPEG is cut off: the file ends in the middle of the photo")]
    CutOff,
    /// The decoded photo has a pixel format that cannot be resized.
    #[error("the photo could not be resized: {0}")]
    Resize(#[from] fast_image_resize::ResizeError),

    /// The network does not give vectors of this dimension.
    #[error("{network} gives {} numbers, not {actual}", alternatives(available))]
    UnknownDimension {
        /// Name of the network.
        network: &'static str,
        /// The dimension asked for.
        actual: usize,
        /// The dimensions that it has, the default first.
        available: &'static [usize],
    },
    /// A program without bundled weights did not find a file that the project publishes.
    #[error(
        "there is no file {}, and this program was built without its content; \
         put models/{file_name} of the source tree there, or {alternative}",
        path.display()
    )]
    FileNotFound {
        /// The path that was tried.
        path: PathBuf,
        /// Its name in the `models` folder of the source tree.
        file_name: &'static str,
        /// What the user can do without the file.
        alternative: &'static str,
    },
    /// A file differs from the one that the project publishes.
    #[error(
        "{file_name} has SHA-256 {actual}, expected {expected}; \
         restore it from the models folder of the source tree, or {alternative}"
    )]
    FileDiffers {
        /// Its name in the `models` folder of the source tree.
        file_name: &'static str,
        /// SHA-256 of the published file.
        expected: &'static str,
        /// SHA-256 of the file.
        actual: String,
        /// What the user can do without the file.
        alternative: &'static str,
    },
    /// A file of the network could not be read.
    #[error("{} could not be read: {source}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The basis for a smaller dimension was made for other weights.
    #[error(
        "these weights (SHA-256 {actual}) have no basis for {dimension} numbers, only the built-in ones \
         (SHA-256 {expected}) have: use --dimension {available}"
    )]
    NoBasis {
        /// The dimension asked for.
        dimension: usize,
        /// The dimension that these weights have.
        available: usize,
        /// SHA-256 of the weights that have a basis.
        expected: &'static str,
        /// SHA-256 of these weights.
        actual: String,
    },
    /// The file is not in safetensors format.
    #[error("not a valid safetensors file: {0}")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// The weights of another network, or in another layout.
    #[error(
        "the weights are of no known layout: neither torchvision's resnet50 (there is no tensor bn1.running_var) \
         nor marked as keras-v1-folded"
    )]
    UnknownLayout,
    /// The file lacks a tensor of the network.
    #[error("the weights lack the tensor {name}")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A tensor has the wrong shape.
    #[error("the weights' tensor {name} has shape {actual:?}, expected {expected:?}")]
    WrongShape {
        /// Its name.
        name: String,
        /// The shape the network needs.
        expected: Vec<usize>,
        /// The shape in the file.
        actual: Vec<usize>,
    },

    /// `CIPHERLENS_KERNEL` is not the name of a kernel.
    #[error("CIPHERLENS_KERNEL is {name:?}; expected one of portable, avx2, avx512, neon")]
    UnknownKernel {
        /// The name found.
        name: String,
    },
    /// `CIPHERLENS_KERNEL` names a kernel that this processor cannot run.
    #[error("CIPHERLENS_KERNEL requests {name}, which this processor cannot run")]
    UnsupportedKernel {
        /// The requested kernel.
        name: &'static str,
    },

    /// The network's arithmetic failed.
    #[error("the network failed: {0}")]
    Network(#[from] candle_core::Error),
    /// The photo was prepared for another network.
    #[error("the photo was prepared at {actual} x {actual} pixels; this network needs {expected} x {expected}")]
    WrongInput {
        /// Side of the network's input in pixels.
        expected: u32,
        /// Side of the photo in pixels.
        actual: u32,
    },
    /// The features are all zero or not finite, so they cannot be scaled to unit norm.
    #[error("the features have the norm {norm}, so they cannot be compared; the weights are not a trained network's")]
    NoDirection {
        /// Their Euclidean norm.
        norm: f64,
    },
}

/// "512 or 2048"
fn alternatives(dimensions: &[usize]) -> String {
    dimensions.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ")
}

impl From<jpeg_decoder::Error> for Error {
    fn from(error: jpeg_decoder::Error) -> Self {
        match error {
            jpeg_decoder::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::CutOff,
            other => Self::DecodeJpeg(other),
        }
    }
}
