//! The available networks, and how to load one.
//!
//! A new network is a folder that implements [`Embedder`] and one entry of [`NETWORKS`].

use crate::embedder::Embedder;
use crate::error::Error;
use crate::precision::{Precision, Workload};
use crate::resnet50;
use crate::space::FeatureSpace;
use crate::weights_source::WeightsSource;

/// Every network, the default first.
pub static NETWORKS: &[Network] = &[Network {
    name: resnet50::NAME,
    dimensions: &resnet50::DIMENSIONS,
    weights_with_a_basis: resnet50::BUNDLED_SHA256,
    preprocessing: &resnet50::PREPROCESSING,
    load: resnet50::load,
}];

/// A network that [`load`](Self::load) can load.
pub struct Network {
    name: &'static str,
    dimensions: &'static [usize],
    /// The SHA-256 of the weights that have all of `dimensions`; others have only the last one, which needs no basis.
    weights_with_a_basis: &'static str,
    /// Every [`FeatureSpace::preprocessing`] of this network, unique among all networks.
    preprocessing: &'static [&'static str],
    load: Load,
}

type Load = fn(WeightsSource<'_>, usize, Precision, Workload) -> Result<Box<dyn Embedder>, Error>;

impl Network {
    /// The network for a new vault.
    #[must_use]
    pub fn default_network() -> &'static Self {
        &NETWORKS[0]
    }

    /// The network with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        NETWORKS.iter().find(|network| network.name == name)
    }

    /// The network with this feature space; `None` if this version does not have it.
    #[must_use]
    pub fn of_space(space: &FeatureSpace) -> Option<&'static Self> {
        NETWORKS.iter().find(|network| network.preprocessing.contains(&space.preprocessing.as_str()))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How many components its vectors can have, the default first. Vectors of different dimension are not comparable.
    #[must_use]
    pub fn dimensions(&self) -> &'static [usize] {
        self.dimensions
    }

    /// How many components its vectors have by default.
    #[must_use]
    pub fn default_dimension(&self) -> usize {
        self.dimensions[0]
    }

    /// How many components vectors have by default with the weights of this SHA-256.
    #[must_use]
    pub fn default_dimension_of(&self, weights: &str) -> usize {
        let has_basis = weights == self.weights_with_a_basis;
        if has_basis { self.default_dimension() } else { self.dimensions[self.dimensions.len() - 1] }
    }

    /// Loads the network for vectors of `dimension` components.
    ///
    /// Reads the weights and packs them for the fastest kernel of this processor, or for the one named by the
    /// environment variable `CIPHERLENS_KERNEL`. For `f32`, an accelerator takes its place if the program was compiled
    /// for one.
    ///
    /// # Errors
    /// [`Error::UnknownDimension`] for a dimension that is not one of [`dimensions`](Self::dimensions),
    /// [`Error::NoBasis`] for one that these weights do not have. When the weights are missing, damaged or those of
    /// another network; when the named kernel is unknown or cannot run here.
    pub fn load(
        &self,
        weights: WeightsSource<'_>,
        dimension: usize,
        precision: Precision,
        workload: Workload,
    ) -> Result<Box<dyn Embedder>, Error> {
        if !self.dimensions.contains(&dimension) {
            let (network, available) = (self.name, self.dimensions);
            return Err(Error::UnknownDimension { network, actual: dimension, available });
        }
        (self.load)(weights, dimension, precision, workload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_preprocessing_identify_one_network() {
        for network in NETWORKS {
            assert!(std::ptr::eq(Network::named(network.name).unwrap(), network));
            for preprocessing in network.preprocessing {
                let space = FeatureSpace {
                    weights: String::new(),
                    preprocessing: (*preprocessing).to_owned(),
                    precision: Precision::F32.name().to_owned(),
                    basis: None,
                };
                assert!(std::ptr::eq(Network::of_space(&space).unwrap(), network));
            }
        }
        assert!(Network::named("another").is_none());
    }

    #[test]
    fn weights_without_a_basis_give_the_numbers_of_the_network_itself() {
        let network = Network::default_network();
        assert_eq!(network.default_dimension_of(resnet50::BUNDLED_SHA256), 512);
        assert_eq!(network.default_dimension_of("0".repeat(64).as_str()), 2048);
    }

    #[test]
    fn a_dimension_that_a_network_does_not_have_is_refused_with_those_it_has() {
        let network = Network::default_network();
        let weights = WeightsSource::File(std::path::Path::new("never read"));
        let error = network.load(weights, 300, Precision::F32, Workload::One).err().unwrap();
        assert_eq!(error.to_string(), "resnet50 gives 512 or 2048 numbers, not 300");
    }
}
