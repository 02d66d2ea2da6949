//! Why a stage failed.

use std::path::PathBuf;

use thiserror::Error as ThisError;

/// Errors of all stages.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A file does not have the length that follows from the instance.
    #[error("{}: expected {expected} bytes, found {actual}", path.display())]
    Length { path: PathBuf, expected: u64, actual: u64 },
    /// Encrypted search failed.
    #[error(transparent)]
    Engine(#[from] cipherlens_ckks::Error),
    /// The operating system returned no entropy. There is no fallback.
    #[error("the operating system returned no entropy: {0}")]
    Entropy(#[from] getrandom::Error),
    /// Payloads are not those that the client encrypted with this block.
    #[error("the payloads of block {block} were altered")]
    PayloadsAltered { block: usize },
}
