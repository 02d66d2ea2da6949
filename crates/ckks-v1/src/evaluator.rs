//! Encrypted scores, computed without keys. Everything here is public and can run on an untrusted machine.
//!
//! F0\[b\]\[l\] = fold(sum over g of B\[b\]\[l\]\[g\] Q\[g\]): sums of K neighbouring slots, one reduction each. No
//! inverse NTT, no relinearisation, no rotation.

use rayon::prelude::*;

use super::context::PublicContext;
use super::encrypted_query::EncryptedQuery;
use super::error::Error;
use super::layout::write_coefficient;
use super::modulus::Modulus;
use super::parameters::{COEFFICIENT_BYTES, Parameters};
use super::scan::Kernel;

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

    /// The answer to `query` for the blocks concatenated in `blocks`, [`ANSWER_BYTES`](super::ANSWER_BYTES) for each.
    /// It does not depend on the kernel or the number of threads. Blocks may be memory-mapped, at any alignment.
    ///
    /// # Errors
    /// [`Error::NotWholeBlocks`].
    pub fn score(&self, blocks: &[u8], query: &EncryptedQuery) -> Result<Vec<u8>, Error> {
        let block_bytes = self.parameters.block_bytes();
        if !blocks.len().is_multiple_of(block_bytes) {
            return Err(Error::NotWholeBlocks { block_bytes, actual: blocks.len() });
        }
        let answer_bytes = self.parameters.answer_bytes();
        let mut answer = vec![0; blocks.len() / block_bytes * answer_bytes];
        blocks
            .par_chunks_exact(block_bytes)
            .zip(answer.par_chunks_exact_mut(answer_bytes))
            .for_each(|(block, answer)| self.score_block(block, query.as_bytes(), answer));
        Ok(answer)
    }

    fn score_block(&self, block: &[u8], query: &[u8], answer: &mut [u8]) {
        let folds = self.parameters.lane_images();
        let moduli = self.parameters.primes().map(Modulus::new);
        let (answer, _) = answer.as_chunks_mut::<COEFFICIENT_BYTES>();
        let spans = block.chunks_exact(block.len() / folds).zip(query.chunks_exact(query.len() / folds));
        for (fold, (block, query)) in spans.enumerate() {
            for (lane, sums) in self.kernel.span(block, query).iter().enumerate() {
                let residue = |prime: usize| moduli[prime].reduce_wide(sums[prime].iter().sum());
                write_coefficient(&mut answer[lane * folds + fold], [residue(0), residue(1)]);
            }
        }
    }
}
