//! Where the weights of a network come from, and with them the basis of its smaller vectors.

use std::path::Path;

/// Where the weights of a network come from.
#[derive(Clone, Copy, Debug)]
pub enum WeightsSource<'a> {
    /// The published weights and basis: bundled with the program, otherwise the files in this directory.
    Standard {
        /// The directory.
        directory: &'a Path,
    },
    /// A weights file that the user chose. Only a copy of the published weights has a basis: the bundled one, otherwise
    /// the file beside the weights. Other weights have the dimension of the network itself only.
    File(&'a Path),
}
