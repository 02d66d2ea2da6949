//! The program's view of a network: [`Embedder`].

use crate::error::Error;
use crate::photo::{ImageInput, Photo, PreparedPhoto};
use crate::precision::Precision;
use crate::space::FeatureSpace;
use crate::vector::FeatureVector;

/// What an embedder can embed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Modality {
    /// Photos.
    Image,
}

/// A loaded network that maps photos to unit vectors.
///
/// Embedders spawn no threads. They run on the rayon pool of the calling thread (the global pool, unless called inside
/// `ThreadPool::install`): the photos of a batch run in parallel, and a single photo is split over the pool.
pub trait Embedder: Send + Sync {
    /// Name of the network, as in [`NETWORKS`](crate::NETWORKS).
    fn name(&self) -> &'static str;

    /// Components of a vector.
    fn dimension(&self) -> usize;

    /// What the network embeds.
    fn modality(&self) -> Modality;

    /// The input size that the network expects.
    fn input(&self) -> ImageInput;

    /// Which vectors can be compared with this network's.
    fn space(&self) -> &FeatureSpace;

    /// The arithmetic.
    fn precision(&self) -> Precision;

    /// What computes: an instruction set such as `avx512`, or an accelerator such as `cuda`.
    fn kernel(&self) -> &'static str;

    /// The vectors of a batch, in the order of `photos`.
    ///
    /// # Errors
    /// [`Error::WrongInput`] for a photo prepared for another network, [`Error::Network`] when the arithmetic fails,
    /// [`Error::NoDirection`] when the weights are not those of a trained network.
    fn embed(&self, photos: &[&PreparedPhoto]) -> Result<Vec<FeatureVector>, Error>;

    /// This network's vector for a photo, from `features`: its vector by the same network without a projection.
    ///
    /// # Errors
    /// [`Error::UnknownDimension`] for another number of features; [`Error::NoDirection`] when they are not finite, or
    /// all zero where this network looks.
    fn project(&self, features: &[f32]) -> Result<FeatureVector, Error>;

    /// Crops and resizes a photo to [`input`](Self::input).
    ///
    /// # Errors
    /// [`Error::Resize`], which no decoded photo causes.
    fn prepare(&self, photo: &Photo) -> Result<PreparedPhoto, Error> {
        photo.prepare(self.input())
    }
}
