//! Where the weights of a network come from.

use std::path::Path;

/// Where the weights of a network come from.
#[derive(Clone, Copy, Debug)]
pub enum WeightsSource<'a> {
    /// The published weights: bundled with the program, otherwise the file in this directory.
    Standard {
        /// The directory.
        directory: &'a Path,
    },
    /// A file that the user chose.
    File(&'a Path),
}
