//! Check vectors: with them the key holder verifies an answer without knowing or decrypting a score.
//!
//! Freivalds ("Probabilistic machines can use less running time", 1977) for the scan: for lane l of block b a secret
//! scalar r\[b\]\[l\], and W\[g\] = sum over b and l of r\[b\]\[l\] B\[b\]\[l\]\[g\]. Folding is linear, so the answer
//! F0 to a query Q satisfies
//!
//! fold(sum over g of W\[g\] Q\[g\]) = sum over b and l of r\[b\]\[l\] F0\[b\]\[l\]
//!
//! modulo each prime, in each of the S values. Two independent vectors are kept. No scalar is zero, so an answer with
//! one altered residue never passes; another wrong answer passes with probability 1 / (p - 1)^2 at most, p being the
//! smallest prime that it is wrong in: 2^-30.6. The scalars are fixed for a block, so tries add up: after a refused
//! answer, make the check vectors anew with the next epoch, which changes all scalars.

use zeroize::Zeroizing;

use super::block::{NONCE_BYTES, SealedBlock};
use super::context::BlockSeeds;
use super::error::Error;
use super::key_holder::KeyHolder;
use super::layout::residues_in_range;
use super::modulus::Modulus;
use super::parameters::{CHECK_HEADER_BYTES, CHECKS, LANES, PACKED, PIECE_BYTES, PRIMES, Parameters, ROWS};
use super::sampling::Randomness;

/// Blocks that a caller should cover with one set of check vectors: 65,536 vectors. A set has 512 D bytes, and
/// verifying it takes a quarter of the multiplications of scanning one block, so many small sets cost more than few
/// large ones.
pub const CHECKED_BLOCKS: usize = 128;

/// The scalars of a block: `[prime][vector][lane]`, residues that are not zero. Wiped on drop.
pub(super) struct CheckScalars(Zeroizing<[[[u16; LANES]; CHECKS]; 2]>);

impl CheckScalars {
    /// The scalars in the epoch whose number is the number of the random stream.
    pub(super) fn draw(seeds: &BlockSeeds, epoch: u64) -> Self {
        let mut randomness = Randomness::from_seed(seeds.checks(), epoch);
        let mut scalars = Zeroizing::new([[[0; LANES]; CHECKS]; 2]);
        for (scalars, prime) in scalars.iter_mut().zip(PRIMES) {
            let mut drawn = Zeroizing::new([0; CHECKS * LANES]);
            randomness.fill_nonzero(&mut drawn, prime);
            scalars.as_flattened_mut().copy_from_slice(&*drawn);
        }
        Self(scalars)
    }

    /// Of one prime: `[vector][lane]`.
    #[inline(always)]
    pub(super) fn of_prime(&self, prime: usize) -> &[[u16; LANES]; CHECKS] {
        &self.0[prime]
    }
}

/// Which blocks check vectors cover: enough to notice a caller who scans others. Nonces are authenticated and random,
/// so a plain sum of their first halves will do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Covered {
    blocks: u64,
    nonces: u128,
}

impl Covered {
    /// One more block.
    pub(super) fn with(self, nonce: &[u8; NONCE_BYTES]) -> Self {
        Self { blocks: self.blocks.wrapping_add(1), nonces: self.nonces.wrapping_add(half(nonce)) }
    }

    /// One block less.
    fn without(self, nonce: &[u8; NONCE_BYTES]) -> Self {
        Self { blocks: self.blocks.wrapping_sub(1), nonces: self.nonces.wrapping_sub(half(nonce)) }
    }

    /// The blocks of both.
    fn merged(self, other: Self) -> Self {
        Self { blocks: self.blocks.wrapping_add(other.blocks), nonces: self.nonces.wrapping_add(other.nonces) }
    }
}

fn half(nonce: &[u8; NONCE_BYTES]) -> u128 {
    let (halves, _) = nonce.as_chunks();
    u128::from_le_bytes(halves[0])
}

/// The check vectors of a group of blocks. Secret: whoever knows them and the blocks can forge answers. Store them
/// encrypted, with the list of the blocks that they cover. Wiped on drop; has no `Debug`, `Clone` or comparison.
///
/// To change the epoch, start with [`empty`](Self::empty) vectors of the next one and [add](Self::add) every block.
pub struct CheckVectors {
    epoch: u64,
    covered: Covered,
    /// In the layout of check vectors.
    bytes: Zeroizing<Vec<u8>>,
}

impl CheckVectors {
    /// Check vectors that cover no block yet, with the scalars of `epoch`.
    #[must_use]
    pub fn empty(parameters: &Parameters, epoch: u64) -> Self {
        let bytes = Zeroizing::new(vec![0; CHECKS * parameters.query_bytes()]);
        Self { epoch, covered: Covered::default(), bytes }
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

    /// Adds a stored block. Authenticate its bytes before calling this: what is added is what answers are held against.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Residue`].
    pub fn add(&mut self, holder: &KeyHolder, nonce: &[u8; NONCE_BYTES], ciphertext: &[u8]) -> Result<(), Error> {
        self.combine(holder, nonce, ciphertext, Modulus::add)?;
        self.covered = self.covered.with(nonce);
        Ok(())
    }

    /// Subtracts a block that was added, because it is replaced or removed. Authenticate its bytes before calling this.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Residue`].
    pub fn subtract(&mut self, holder: &KeyHolder, nonce: &[u8; NONCE_BYTES], ciphertext: &[u8]) -> Result<(), Error> {
        self.combine(holder, nonce, ciphertext, Modulus::subtract)?;
        self.covered = self.covered.without(nonce);
        Ok(())
    }

    /// Adds all blocks of `other`, for instance those of a part of the collection that becomes one with this one. Sums
    /// of residues need no key, but both must be of one collection: nothing else tells them apart.
    ///
    /// # Errors
    /// [`Error::EpochsDiffer`], and [`Error::Length`] for another dimension. Nothing was added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.epoch != other.epoch {
            return Err(Error::EpochsDiffer { expected: self.epoch, actual: other.epoch });
        }
        let (expected, actual) = (self.bytes.len(), other.bytes.len());
        if actual != expected {
            return Err(Error::Length { what: "check vectors", expected, actual });
        }
        let row_bytes = expected / ROWS;
        let rows = self.bytes.chunks_exact_mut(row_bytes).zip(other.bytes.chunks_exact(row_bytes));
        for (row, (sums, others)) in rows.enumerate() {
            let modulus = Modulus::new(PRIMES[row % PRIMES.len()]);
            for (sum, other) in sums.as_chunks_mut().0.iter_mut().zip(others.as_chunks().0) {
                let [x, y] = [*sum, *other].map(|word| modulus.lift(i16::from_le_bytes(word)));
                *sum = modulus.centre(modulus.add(x, y)).to_le_bytes();
            }
        }
        self.covered = self.covered.merged(other.covered);
        Ok(())
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
            let scalars = scalars.of_prime(row % PRIMES.len());
            let scalars = Zeroizing::new(scalars.map(|lanes| lanes.map(|r| modulus.to_montgomery(r))));
            let groups = block.as_chunks::<PIECE_BYTES>().0.as_chunks::<LANES>().0;
            let checks = checks.as_chunks_mut::<PIECE_BYTES>().0.as_chunks_mut::<CHECKS>().0;
            for (lanes, checks) in groups.iter().zip(checks) {
                let lanes = lanes.map(|lane| lifted(modulus, &lane));
                for (check, scalars) in checks.iter_mut().zip(&*scalars) {
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

    /// Which blocks they cover.
    pub(super) fn covered(&self) -> Covered {
        self.covered
    }

    /// The epoch, the number of blocks (8 bytes each) and the sum of their nonces (16 bytes), little-endian, then the
    /// vectors. Secret.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let Covered { blocks, nonces } = self.covered;
        let header = [&self.epoch.to_le_bytes()[..], &blocks.to_le_bytes(), &nonces.to_le_bytes()].concat();
        Zeroizing::new([&header[..], &self.bytes].concat())
    }

    /// Reads the output of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Residue`].
    pub fn from_bytes(parameters: &Parameters, bytes: &[u8]) -> Result<Self, Error> {
        let what = "check vectors";
        let (expected, actual) = (parameters.check_vectors_bytes(), bytes.len());
        let length = Error::Length { what, expected, actual };
        let (header, values) =
            bytes.split_first_chunk::<CHECK_HEADER_BYTES>().filter(|_| actual == expected).ok_or(length)?;
        if !residues_in_range(values) {
            return Err(Error::Residue { what });
        }
        let (words, _) = header.as_chunks();
        let (halves, _) = header.as_chunks();
        let (epoch, blocks) = (u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]));
        let covered = Covered { blocks, nonces: u128::from_le_bytes(halves[1]) };
        Ok(Self { epoch, covered, bytes: Zeroizing::new(values.to_vec()) })
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
