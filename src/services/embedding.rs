//! The embedding model: which one a vault needs, loading it, and turning photos into vectors.
//!
//! No network is named here: `crates/features` has the table of them. Vectors can be compared only if the same model
//! made them, so a vault records its model, and [`EmbeddingModel::load_for`] loads the recorded one.

use std::borrow::Borrow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::features::{self, Embedder, Network, WeightsSource};
pub use crate::features::{Photo, Precision, PreparedPhoto, Workload};
use crate::services::app_dirs::AppDirs;
use crate::services::open_vault::OpenVault;
use crate::services::photo;
use crate::vault::{self, FeatureSpace, Vault};

/// The cosine from which photos count as alike, in thousandths: what a new vault records.
const THRESHOLD: u16 = 800;

/// A unit vector that describes a photo; anybody who reads it can tell what the photo shows. Wiped on drop.
pub type Embedding = Zeroizing<Vec<f32>>;

/// A loaded model, ready for photos.
pub struct EmbeddingModel(Box<dyn Embedder>);

impl EmbeddingModel {
    /// How many numbers an embedding by the model of new vaults can have, the default of the network first. Vaults
    /// store as many as [`Self::load`] gives.
    #[must_use]
    pub fn dimensions() -> &'static [usize] {
        Network::default_network().dimensions()
    }

    /// Loads the model of new vaults in `precision`: the weights in `file`, else those built into the program, else
    /// those in the data folder.
    ///
    /// # Errors
    /// When there are no weights, the file does not fit the model, or `CIPHERLENS_KERNEL` names a kernel that this
    /// processor does not run.
    pub fn load(file: Option<&Path>, precision: Precision, workload: Workload, dirs: &AppDirs) -> Result<Self, Error> {
        Self::load_for_dimension(Self::dimensions()[0], file, precision, workload, dirs)
    }

    /// Loads the model of new vaults, as [`Self::load`] does, for embeddings of `dimension` numbers: one of
    /// [`Self::dimensions`].
    ///
    /// # Errors
    /// As [`Self::load`], or when the weights do not have this dimension.
    pub fn load_for_dimension(
        dimension: usize,
        file: Option<&Path>,
        precision: Precision,
        workload: Workload,
        dirs: &AppDirs,
    ) -> Result<Self, Error> {
        Self::load_network(Network::default_network(), dimension, file, precision, workload, dirs)
    }

    fn load_network(
        network: &Network,
        dimension: usize,
        file: Option<&Path>,
        precision: Precision,
        workload: Workload,
        dirs: &AppDirs,
    ) -> Result<Self, Error> {
        let weights = match file {
            Some(file) => WeightsSource::File(file),
            None => WeightsSource::Standard { directory: dirs.data() },
        };
        Ok(Self(network.load(weights, dimension, precision, workload)?))
    }

    /// Loads the model that made the vectors of `vault`.
    ///
    /// # Errors
    /// As [`Self::load`], or when the vault needs a model that this version does not have; [`vault::Error::Outdated`].
    pub fn load_for(vault: &OpenVault, file: Option<&Path>, workload: Workload, dirs: &AppDirs) -> Result<Self, Error> {
        require_current(vault.vault())?;
        let dimension = vault.vault().feature_space().dimension;
        Self::load_network(network_of(vault), dimension, file, precision_of(vault)?, workload, dirs)
    }

    /// How many numbers the vectors of a vault of format 1 or 2 have after its upgrade.
    pub(super) fn dimension_after_upgrade(vault: &OpenVault) -> usize {
        network_of(vault).default_dimension_of(&vault.vault().feature_space().weights)
    }

    /// Loads the model that a vault of format 1 or 2 has after its upgrade: the same network, weights and precision.
    ///
    /// # Errors
    /// As [`Self::load_for`]; when the vault's vectors were made with other weights.
    pub(super) fn load_for_upgrade(vault: &OpenVault, file: Option<&Path>, dirs: &AppDirs) -> Result<Self, Error> {
        let network = network_of(vault);
        let precision = precision_of(vault)?;
        let dimension = Self::dimension_after_upgrade(vault);
        let model = Self::load_network(network, dimension, file, precision, Workload::One, dirs)?;
        let (old, new) = (vault.vault().feature_space(), model.space());
        // Old vaults record neither the name of the network nor a basis.
        let unprojected = FeatureSpace { network: old.network.clone(), basis: None, dimension: old.dimension, ..new };
        old.check(&unprojected)?;
        Ok(model)
    }

    /// Whether it can serve as the model of `vault`, as far as that is known before the weights are read.
    ///
    /// # Errors
    /// As [`Self::load_for`].
    pub fn suits(&self, vault: &OpenVault) -> Result<bool, Error> {
        let dimension = vault.vault().feature_space().dimension;
        let of_vault = (network_of(vault).name(), dimension, precision_of(vault)?);
        Ok((self.0.name(), self.0.dimension(), self.0.precision()) == of_vault)
    }

    /// The arithmetic in which it computes.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.0.precision()
    }

    /// The kernel in use: a set of processor instructions, or an accelerator.
    #[must_use]
    pub fn kernel(&self) -> &'static str {
        self.0.kernel()
    }

    /// How many numbers an embedding has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.0.dimension()
    }

    /// How many photos are worth handing to [`Self::embed`] at once.
    #[must_use]
    pub fn batch_size() -> usize {
        features::batch_size()
    }

    /// Scales and crops a decoded photo to the model's input.
    ///
    /// # Errors
    /// When its pixels cannot be resized.
    pub fn prepare(&self, photo: &Photo) -> Result<PreparedPhoto, Error> {
        Ok(self.0.prepare(photo)?)
    }

    /// The embeddings of prepared photos, in their order.
    ///
    /// # Errors
    /// When the arithmetic fails.
    pub fn embed<P: Borrow<PreparedPhoto> + Sync>(&self, photos: &[P]) -> Result<Vec<Embedding>, Error> {
        let photos: Vec<&PreparedPhoto> = photos.iter().map(Borrow::borrow).collect();
        let vectors = self.0.embed(&photos)?;
        Ok(vectors.iter().map(|vector| Zeroizing::new(vector.as_slice().to_vec())).collect())
    }

    /// The embedding of one photo file; only TGA needs the `extension`.
    ///
    /// # Errors
    /// When `bytes` are not a photo, or the arithmetic fails.
    pub fn embed_photo(&self, bytes: &[u8], extension: Option<&OsStr>) -> Result<Embedding, Error> {
        let prepared = self.prepare(&photo::decode(bytes, extension)?)?;
        let mut embeddings = self.embed(&[prepared])?;
        Ok(embeddings.remove(0))
    }

    /// The embeddings of photo files, in their order, or the reason why a file cannot be used.
    ///
    /// # Errors
    /// When the arithmetic fails.
    pub fn embed_files(&self, files: &[PathBuf]) -> Result<Vec<Result<Embedding, Error>>, Error> {
        let prepare = |path: &PathBuf| {
            let bytes = photo::read(path).map_err(features::Error::from)?;
            self.prepare(&photo::decode(&bytes, path.extension())?)
        };
        let prepared: Vec<Result<PreparedPhoto, Error>> = files.par_iter().map(prepare).collect();
        let usable: Vec<&PreparedPhoto> = prepared.iter().filter_map(|photo| photo.as_ref().ok()).collect();
        let mut embeddings = self.embed(&usable)?.into_iter();
        Ok(prepared.into_iter().map(|photo| photo.map(|_| embeddings.next().unwrap_or_default())).collect())
    }

    /// This model's embedding of a photo, from its vector by the same network without a projection.
    ///
    /// # Errors
    /// When `vector` has another length, or no direction among the numbers of this model.
    pub(super) fn project(&self, vector: &[f32]) -> Result<Embedding, Error> {
        Ok(Zeroizing::new(self.0.project(vector)?.as_slice().to_vec()))
    }

    /// Refuses a vault whose vectors another model made: similarities between the two would mean nothing.
    pub(super) fn require_space_of(&self, vault: &Vault) -> Result<(), Error> {
        require_current(vault)?;
        Ok(vault.feature_space().check(&self.space())?)
    }

    /// What a vault records about the model that makes its vectors.
    ///
    pub(super) fn space(&self) -> FeatureSpace {
        let features::FeatureSpace { weights, preprocessing, precision, basis } = self.0.space().clone();
        let (network, dimension) = (self.0.name().to_owned(), self.0.dimension());
        FeatureSpace { network, weights, preprocessing, precision, basis, dimension, threshold: THRESHOLD }
    }
}

/// Refuses a vault of an older format before its vectors are compared: the user must upgrade it, not look for weights.
fn require_current(vault: &Vault) -> Result<(), Error> {
    if vault.is_old() { Err(vault::Error::Outdated.into()) } else { Ok(()) }
}

/// The network that made a vault's vectors. If this version does not have it, the network of new vaults: comparing the
/// two feature spaces then tells the user what differs.
fn network_of(vault: &OpenVault) -> &'static Network {
    let FeatureSpace { weights, preprocessing, precision, basis, .. } = vault.vault().feature_space().clone();
    let space = features::FeatureSpace { weights, preprocessing, precision, basis };
    Network::of_space(&space).unwrap_or_else(Network::default_network)
}

/// The precision in which a vault's vectors were made.
fn precision_of(vault: &OpenVault) -> Result<Precision, Error> {
    let name = &vault.vault().feature_space().precision;
    let unknown = || vault::Error::FeatureSpace {
        field: "precision",
        vault: name.clone(),
        program: Precision::ALL.map(Precision::name).join(" or "),
    };
    Ok(Precision::named(name).ok_or_else(unknown)?)
}
