//! Why the application may end.

use std::io;

/// Why the application ended other than by the user's choice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The terminal cannot be used.
    #[error("cannot use the terminal")]
    Terminal(#[from] io::Error),
    /// A thread panicked.
    #[error("a part of the program failed; the message above says which")]
    WorkerDied,
    /// A signal ended it.
    #[error("ended by signal {0}")]
    Signal(i32),
}
