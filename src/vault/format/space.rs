//! Spaces: what made a set of vectors, and the public context under which they are encrypted. Only vectors of one space
//! can be compared.
//!
//! Must never: know what a network is; it only handles names and digests from the program.

use serde::{Deserialize, Serialize};

use super::hex::{Hex, Id};
use super::layout::Object;
use crate::ckks::{Parameters, PublicContext};
use crate::vault::error::Error;

/// Bytes of a public context.
const CONTEXT_BYTES: usize = crate::ckks::CONTEXT_BYTES;

/// What made a vault's vectors. Only vectors with the same features can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSpace {
    /// The name of the network; empty in formats 1 and 2, which do not record it.
    pub network: String,
    /// The digest of the network's weights.
    pub weights: String,
    /// Name and version of the preprocessing of pixels.
    pub preprocessing: String,
    /// The arithmetic of the network.
    pub precision: String,
    /// The digest of the basis onto which vectors are projected, if they are.
    pub basis: Option<String>,
    /// Numbers in a vector.
    pub dimension: usize,
    /// The cosine from which photos count as alike, in thousandths.
    pub threshold: u16,
}

impl FeatureSpace {
    const LONGEST_BYTES: usize = 256;

    /// Whether vectors of the space `program` may be compared with this vault's.
    ///
    /// # Errors
    /// [`Error::FeatureSpace`] naming the first difference; [`Error::Dimension`].
    pub fn check(&self, program: &Self) -> Result<(), Error> {
        for ((field, vault), (_, program)) in self.fields().into_iter().zip(program.fields()) {
            if vault != program {
                return Err(Error::FeatureSpace { field, vault: vault.to_owned(), program: program.to_owned() });
            }
        }
        let (actual, expected) = (program.dimension, self.dimension);
        if actual == expected { Ok(()) } else { Err(Error::Dimension { actual, expected }) }
    }

    /// Refuses text that is too long for the mapping.
    ///
    /// # Errors
    /// [`Error::TooLong`] naming the first such field.
    pub fn check_lengths(&self) -> Result<(), Error> {
        for (what, text) in self.fields() {
            if text.len() > Self::LONGEST_BYTES {
                return Err(Error::TooLong { what, actual: text.len(), limit: Self::LONGEST_BYTES });
            }
        }
        Ok(())
    }

    fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("network", &self.network),
            ("weights", &self.weights),
            ("preprocessing", &self.preprocessing),
            ("precision", &self.precision),
            ("basis", self.basis.as_deref().unwrap_or_default()),
        ]
    }
}

/// A space as the mapping lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Its random id, from which its secret key is derived.
    pub id: Id,
    network: String,
    weights: String,
    preprocessing: String,
    precision: String,
    basis: Option<String>,
    threshold: u16,
    public_context: Hex<CONTEXT_BYTES>,
}

impl Space {
    /// A new space with a random id and a fresh public context.
    ///
    /// # Errors
    /// [`Error::TooLong`]; [`Error::Ckks`] for a dimension without parameters; when the system gives no entropy.
    pub fn new(features: FeatureSpace) -> Result<Self, Error> {
        features.check_lengths()?;
        let parameters = Parameters::for_dimension(features.dimension)?;
        let context = PublicContext::generate(parameters)?.to_bytes();
        let FeatureSpace { network, weights, preprocessing, precision, basis, threshold, .. } = features;
        let id = Id::random()?;
        let public_context = Hex(context.try_into().expect("a public context has CONTEXT_BYTES bytes"));
        Ok(Self { id, network, weights, preprocessing, precision, basis, threshold, public_context })
    }

    /// What made its vectors.
    ///
    /// # Errors
    /// As [`Self::public_context`].
    pub fn features(&self) -> Result<FeatureSpace, Error> {
        Ok(FeatureSpace {
            network: self.network.clone(),
            weights: self.weights.clone(),
            preprocessing: self.preprocessing.clone(),
            precision: self.precision.clone(),
            basis: self.basis.clone(),
            dimension: self.public_context()?.parameters().dimension(),
            threshold: self.threshold,
        })
    }

    /// The public context of its encrypted search.
    ///
    /// # Errors
    /// [`Error::Damaged`] when its bytes are not one of this version of the engine.
    pub fn public_context(&self) -> Result<PublicContext, Error> {
        PublicContext::from_bytes(&self.public_context.0).map_err(|_| Error::Damaged {
            object: Object::Mapping,
            what: "the public context of a space is not one of this version",
        })
    }

    /// The serialised public context, for a host.
    #[must_use]
    pub fn context_bytes(&self) -> &[u8; CONTEXT_BYTES] {
        &self.public_context.0
    }

    /// Refuses a space that this version cannot use.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.features()?.check_lengths()
    }
}

#[cfg(test)]
pub(in crate::vault) mod tests {
    use super::*;

    /// What might have made the vectors of a vault.
    pub(in crate::vault) fn features() -> FeatureSpace {
        FeatureSpace {
            network: "resnet50".into(),
            weights: "w".into(),
            preprocessing: "centre".into(),
            precision: "f32".into(),
            basis: Some("b".into()),
            dimension: 512,
            threshold: 800,
        }
    }

    #[test]
    fn spaces_are_compared_field_by_field() {
        let vault = features();
        assert!(vault.check(&vault).is_ok());
        let other = FeatureSpace { precision: "bf16".into(), ..vault.clone() };
        assert!(matches!(vault.check(&other), Err(Error::FeatureSpace { field: "precision", .. })));
        let other = FeatureSpace { basis: None, ..vault.clone() };
        assert!(matches!(vault.check(&other), Err(Error::FeatureSpace { field: "basis", .. })));
        let other = FeatureSpace { dimension: 2048, ..vault.clone() };
        assert!(matches!(vault.check(&other), Err(Error::Dimension { actual: 2048, expected: 512 })));
        let other = FeatureSpace { threshold: 500, ..vault.clone() };
        assert!(vault.check(&other).is_ok(), "a threshold is a default, not what made the vectors");
    }

    #[test]
    fn a_space_gives_back_its_features() {
        let space = Space::new(features()).unwrap();
        assert_eq!(space.features().unwrap(), features());
        let text = serde_json::to_string(&space).unwrap();
        assert_eq!(serde_json::from_str::<Space>(&text).unwrap(), space);
        let long = FeatureSpace { network: "n".repeat(257), ..features() };
        assert!(matches!(Space::new(long), Err(Error::TooLong { what: "network", .. })));
        assert!(Space::new(FeatureSpace { dimension: 100, ..features() }).is_err());
    }
}
