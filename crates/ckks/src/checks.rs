//! Check vectors: with them the key holder verifies an answer without knowing or decrypting a score.
//!
//! Freivalds ("Probabilistic machines can use less running time", 1977) for the scan: for lane l of block b a secret
//! scalar r\[b\]\[l\], and W\[g\] = sum over b and l of r\[b\]\[l\] B\[b\]\[l\]\[g\]. Folding is linear, so the answer
//! F0 to a query Q satisfies
//!
//! fold(sum over g of W\[g\] Q\[g\]) = sum over b and l of r\[b\]\[l\] F0\[b\]\[l\]
//!
//! modulo each prime, in each of the S values. Two independent vectors are kept. No scalar is zero, so an answer with
//! one altered residue never passes; another wrong answer passes with probability 1 / (p - 1)^2 for each prime that it
//! is wrong in and each fold: 2^-30.6 at most. The scalars are fixed for a block, so tries add up: raise the epoch, and
//! with it change all scalars, when an answer was refused.

use zeroize::Zeroizing;

use super::block::{NONCE_BYTES, SealedBlock};
use super::context::BlockSeeds;
use super::error::Error;
use super::key_holder::KeyHolder;
use super::layout::{PIECE_BYTES, residues_in_range};
use super::modulus::Modulus;
use super::parameters::{CHECKS, LANES, PACKED, PRIMES, Parameters, ROWS};
use super::sampling::Randomness;

/// Blocks that one set of check vectors should cover at most: 65,536 images.
pub const CHECKED_BLOCKS: usize = 128;

const EPOCH_BYTES: usize = size_of::<u64>();

/// The scalars of a block: `[prime][vector][lane]`, residues that are not zero. Wiped on drop.
pub(super) struct CheckScalars(Zeroizing<[[[u16; LANES]; CHECKS]; 2]>);

impl CheckScalars {
    /// The scalars in the epoch whose number is the number of the random stream.
    pub(super) fn draw(seeds: &BlockSeeds, epoch: u64) -> Self {
        let mut randomness = Randomness::from_seed(seeds.checks(), epoch);
        let mut scalars = Zeroizing::new([[[0; LANES]; CHECKS]; 2]);
        for (scalars, prime) in scalars.iter_mut().zip(PRIMES) {
            for scalars in scalars.iter_mut() {
                randomness.fill_nonzero(scalars, prime);
            }
        }
        Self(scalars)
    }

    /// Of one prime: `[vector][lane]`.
    #[inline(always)]
    pub(super) fn of_prime(&self, prime: usize) -> &[[u16; LANES]; CHECKS] {
        &self.0[prime]
    }
}

/// The check vectors of a group of blocks. Secret: whoever knows them and the blocks can forge answers. Store them
/// encrypted, with the list of the blocks that they cover. Wiped on drop; has no `Debug`, `Clone` or comparison.
pub struct CheckVectors {
    epoch: u64,
    /// In the layout of check vectors.
    bytes: Zeroizing<Vec<u8>>,
}

impl CheckVectors {
    /// Of no block, with scalars of this epoch.
    #[must_use]
    pub fn empty(parameters: &Parameters, epoch: u64) -> Self {
        Self { epoch, bytes: Zeroizing::new(vec![0; CHECKS * parameters.query_bytes()]) }
    }

    /// The epoch of the scalars.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Adds a block that was just sealed.
    ///
    /// # Errors
    /// [`Error::Length`] when the key holder has another dimension.
    pub fn add_sealed(&mut self, holder: &KeyHolder, block: &SealedBlock) -> Result<(), Error> {
        self.add(holder, block.nonce(), block.ciphertext())
    }

    /// Adds a stored block. Authenticate its bytes before: what is added is what answers are held against.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Residue`].
    pub fn add(&mut self, holder: &KeyHolder, nonce: &[u8; NONCE_BYTES], ciphertext: &[u8]) -> Result<(), Error> {
        self.combine(holder, nonce, ciphertext, Modulus::add)
    }

    /// Subtracts a block that was added, because it is replaced or removed. Authenticate its bytes before.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Residue`].
    pub fn subtract(&mut self, holder: &KeyHolder, nonce: &[u8; NONCE_BYTES], ciphertext: &[u8]) -> Result<(), Error> {
        self.combine(holder, nonce, ciphertext, Modulus::subtract)
    }

    /// W\[g\] plus or minus the sum over l of r\[l\] B\[l\]\[g\].
    fn combine(
        &mut self,
        holder: &KeyHolder,
        nonce: &[u8; NONCE_BYTES],
        ciphertext: &[u8],
        operation: impl Fn(Modulus, u16, u16) -> u16,
    ) -> Result<(), Error> {
        self.require_dimension_of(holder)?;
        let (expected, actual) = (holder.parameters().block_bytes(), ciphertext.len());
        if actual != expected {
            return Err(Error::Length { what: "block", expected, actual });
        }
        if !residues_in_range(ciphertext) {
            return Err(Error::Residue { what: "block" });
        }
        let scalars = CheckScalars::draw(&holder.secret.block_seeds(nonce), self.epoch);
        let (kernel, moduli) = (holder.ring.kernel(), holder.ring.moduli());
        let row_bytes = self.bytes.len() / ROWS;
        let rows = ciphertext.chunks_exact(expected / ROWS).zip(self.bytes.chunks_exact_mut(row_bytes));
        for (row, (block, checks)) in rows.enumerate() {
            let modulus = moduli[row % PRIMES.len()];
            let scalars = scalars.of_prime(row % PRIMES.len()).map(|lanes| lanes.map(|r| modulus.to_montgomery(r)));
            let groups = block.as_chunks::<PIECE_BYTES>().0.as_chunks::<LANES>().0;
            let checks = checks.as_chunks_mut::<PIECE_BYTES>().0.as_chunks_mut::<CHECKS>().0;
            for (lanes, checks) in groups.iter().zip(checks) {
                let lanes = lanes.map(|lane| lifted(modulus, &lane));
                for (check, scalars) in checks.iter_mut().zip(&scalars) {
                    let sums = kernel.weighted_sum(modulus, &lanes, scalars);
                    let old = lifted(modulus, check);
                    for (word, (old, sum)) in check.as_chunks_mut().0.iter_mut().zip(old.into_iter().zip(sums)) {
                        *word = modulus.centre(operation(modulus, old, sum)).to_le_bytes();
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn require_dimension_of(&self, holder: &KeyHolder) -> Result<(), Error> {
        let (expected, actual) = (CHECKS * holder.parameters().query_bytes(), self.bytes.len());
        if actual == expected { Ok(()) } else { Err(Error::Length { what: "check vectors", expected, actual }) }
    }

    /// The vectors in their layout.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The epoch, 8 bytes little-endian, and the vectors. Secret.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&self.epoch.to_le_bytes()[..], &self.bytes].concat())
    }

    /// Reads the output of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Residue`].
    pub fn from_bytes(parameters: &Parameters, bytes: &[u8]) -> Result<Self, Error> {
        let what = "check vectors";
        let length =
            Error::Length { what, expected: EPOCH_BYTES + CHECKS * parameters.query_bytes(), actual: bytes.len() };
        let Some((epoch, values)) = bytes.split_first_chunk() else { return Err(length) };
        if values.len() != CHECKS * parameters.query_bytes() {
            return Err(length);
        }
        if !residues_in_range(values) {
            return Err(Error::Residue { what });
        }
        Ok(Self { epoch: u64::from_le_bytes(*epoch), bytes: Zeroizing::new(values.to_vec()) })
    }
}

/// The residues of a piece.
#[inline(always)]
fn lifted(modulus: Modulus, piece: &[u8; PIECE_BYTES]) -> [u16; PACKED] {
    let mut residues = [0; PACKED];
    for (residue, word) in residues.iter_mut().zip(piece.as_chunks().0) {
        *residue = modulus.lift(i16::from_le_bytes(*word));
    }
    residues
}
