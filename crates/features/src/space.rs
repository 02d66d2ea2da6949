//! The identity of a feature space: which vectors can be compared.

use serde::{Deserialize, Serialize};

/// How a vector was made. Two vectors can be compared only if all fields are equal, so store this with the vectors.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpace {
    /// SHA-256 of the weights file, in hexadecimal.
    pub weights: String,
    /// Name of the steps from decoded pixels to the input of the network.
    pub preprocessing: String,
    /// [`Precision::name`](crate::Precision::name) of the arithmetic.
    pub precision: String,
    /// SHA-256 of the basis file onto which the network's features are projected, in hexadecimal; `None` if they are
    /// not projected.
    pub basis: Option<String>,
}
