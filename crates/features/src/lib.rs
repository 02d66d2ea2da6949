//! Photos to unit vectors: decoding under limits, and the networks that embed them.
//!
//! Two photos are as similar as the cosine of their feature vectors, which have norm 1, so the cosine is an inner
//! product. This crate uses no cipher and no vault. It never logs or prints pixels, features or file names.
//!
//! 1. [`Photo::decode`] decodes a file, within [`Limits`] that are checked before pixels are allocated.
//! 2. [`Network::load`] loads one of [`NETWORKS`] with its weights, for vectors of one of its
//!    [dimensions](Network::dimensions), and returns an [`Embedder`].
//! 3. [`Embedder::prepare`] crops and resizes a photo to the input of that network.
//! 4. [`Embedder::embed`] runs the network on a batch and returns one [`FeatureVector`] for each photo.
//!
//! Vectors are comparable only if their [`FeatureSpace`] is equal, so store it with them.
//!
//! ```
//! use std::path::Path;
//!
//! use cipherlens_features::{Limits, Network, Photo, Precision, WeightsSource, Workload};
//!
//! let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
//! let network = Network::named("resnet50").ok_or("no such network")?;
//! let standard = WeightsSource::Standard { directory: &project.join("models") };
//! let embedder = network.load(standard, network.default_dimension(), Precision::F32, Workload::Many)?;
//!
//! let decode = |name: &str| -> Result<Photo, Box<dyn std::error::Error>> {
//!     let bytes = std::fs::read(project.join("data/photos").join(name))?;
//!     Ok(Photo::decode(&bytes, None, Limits::default())?)
//! };
//! let watch = embedder.prepare(&decode("watch/image_0001.jpg")?)?;
//! let another_watch = embedder.prepare(&decode("watch/image_0002.jpg")?)?;
//! let butterfly = embedder.prepare(&decode("butterfly/image_0001.jpg")?)?;
//!
//! let vectors = embedder.embed(&[&watch, &another_watch, &butterfly])?;
//! assert_eq!(vectors[0].as_slice().len(), 512);
//! assert!(vectors[0].cosine(&vectors[1]) > vectors[0].cosine(&vectors[2]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Adding a network
//! A folder next to [`resnet50`] that implements [`Embedder`], and one line in [`NETWORKS`].

mod accelerator;
mod batch;
mod embedder;
mod error;
mod kernel;
mod networks;
pub mod photo;
mod precision;
mod published_file;
pub mod resnet50;
pub mod signature;
mod space;
mod vector;
mod weights_source;

pub use batch::batch_size;
pub use embedder::{Embedder, Modality};
pub use error::Error;
pub use networks::{NETWORKS, Network};
pub use photo::{ImageInput, Limits, Part, Photo, PreparedPhoto};
pub use precision::{Precision, Workload};
pub use space::FeatureSpace;
pub use vector::FeatureVector;
pub use weights_source::WeightsSource;
