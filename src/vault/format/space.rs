//! The feature space: what made a vault's vectors. Only vectors of the same space can be compared.
//!
//! Must never: know what a network is; it only handles names and digests from the program.

use serde::{Deserialize, Serialize};

use crate::vault::error::Error;

/// What made a vault's vectors. Only vectors of the same space can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpace {
    /// The digest of the network's weights.
    pub weights: String,
    /// Name and version of the preprocessing of pixels.
    pub preprocessing: String,
    /// The arithmetic of the network.
    pub precision: String,
}

impl FeatureSpace {
    const LONGEST_BYTES: usize = 256;

    /// Whether vectors of the space `program` may be compared with this vault's.
    ///
    /// # Errors
    /// [`Error::FeatureSpace`] naming the first difference.
    pub fn check(&self, program: &Self) -> Result<(), Error> {
        for ((field, vault), (_, program)) in self.fields().into_iter().zip(program.fields()) {
            if vault != program {
                return Err(Error::FeatureSpace { field, vault: vault.clone(), program: program.clone() });
            }
        }
        Ok(())
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

    fn fields(&self) -> [(&'static str, &String); 3] {
        [("weights", &self.weights), ("preprocessing", &self.preprocessing), ("precision", &self.precision)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_compared_field_by_field() {
        let vault = FeatureSpace { weights: "w".into(), preprocessing: "centre".into(), precision: "f32".into() };
        assert!(vault.check(&vault).is_ok());
        let other = FeatureSpace { precision: "bf16".into(), ..vault.clone() };
        assert!(matches!(vault.check(&other), Err(Error::FeatureSpace { field: "precision", .. })));
    }
}
