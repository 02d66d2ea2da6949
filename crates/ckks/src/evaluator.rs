//! Encrypted scores, computed without keys. Everything here is public and can run on an untrusted machine.
//!
//! F0\[b\]\[l\] = fold(sum over g of B\[b\]\[l\]\[g\] Q\[g\]): sums of K neighbouring slots, one reduction each. No
//! inverse NTT, no relinearisation, no rotation.

use rayon::prelude::*;

use super::context::PublicContext;
use super::error::Error;
use super::kernel::Kernel;
use super::parameters::{ANSWER_BYTES, Parameters};
use super::query::EncryptedQuery;

/// Computes the encrypted scores of an encrypted query against sealed blocks.
pub struct Evaluator {
    parameters: Parameters,
    kernel: Kernel,
}

impl Evaluator {
    /// An evaluator for blocks sealed under this context.
    ///
    /// # Errors
    /// [`Error::UnknownKernel`] and [`Error::UnsupportedKernel`] when `CIPHERLENS_KERNEL` names none that runs here.
    pub fn new(public: &PublicContext) -> Result<Self, Error> {
        Ok(Self::with_kernel(public, Kernel::chosen()?))
    }

    /// An evaluator with this kernel.
    #[must_use]
    pub fn with_kernel(public: &PublicContext, kernel: Kernel) -> Self {
        Self { parameters: *public.parameters(), kernel }
    }

    /// The kernel in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The answer to `query` for the blocks concatenated in `blocks`, [`ANSWER_BYTES`] for each. It does not depend on
    /// the kernel or the number of threads. Blocks may be memory-mapped, at any alignment.
    ///
    /// Residues of blocks are not checked: the answer for a damaged block is wrong, and the key holder refuses it.
    ///
    /// # Errors
    /// [`Error::NotWholeBlocks`]; [`Error::Length`] for a query of another dimension.
    pub fn score(&self, blocks: &[u8], query: &EncryptedQuery) -> Result<Vec<u8>, Error> {
        let block_bytes = self.parameters.block_bytes();
        if !blocks.len().is_multiple_of(block_bytes) {
            return Err(Error::NotWholeBlocks { block_bytes, actual: blocks.len() });
        }
        let (expected, actual) = (self.parameters.query_bytes(), query.as_bytes().len());
        if actual != expected {
            return Err(Error::Length { what: "encrypted query", expected, actual });
        }
        let query = query.split();
        let mut answer = vec![0; blocks.len() / block_bytes * ANSWER_BYTES];
        blocks
            .par_chunks_exact(block_bytes)
            .zip(answer.par_chunks_exact_mut(ANSWER_BYTES))
            .for_each(|(block, answer)| self.kernel.scan(block, &query, answer));
        Ok(answer)
    }
}
