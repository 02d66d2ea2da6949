//! Verification of an answer, then its decryption into scores. Nothing is decrypted before all of the answer is
//! verified, and a query secret is used once.
//!
//! Verification is Freivalds' check, see `checks`. It is exact arithmetic on public values and secret scalars, and does
//! not depend on any score.
//!
//! Decryption: M\[l\] = fold(s_t R1\[l\] + s_b U\[l\]); the scores of lane l are the inverse NTT of (F0\[l\] - M\[l\])
//! / K, centred and divided by both scales.

use std::collections::HashSet;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::block::{NONCE_BYTES, SealedBlock};
use super::checks::{CheckScalars, CheckVectors, Covered};
use super::context::BlockSeeds;
use super::error::Error;
use super::kernel::{Masks, WIDTH};
use super::key_holder::KeyHolder;
use super::layout::{Place, residues_in_range};
use super::modulus::Modulus;
use super::parameters::{
    ANSWER_BYTES, BLOCK_IMAGES, CHECKS, FOLDS, HINT_BYTES, LANES, PIECE_BYTES, PRIMES, QUERY_SCALE, ROWS, STORED_SCALE,
};
use super::precision;
use super::query::QuerySecret;

/// Blocks whose seeds are derived by one thread at a time.
const DERIVED_TOGETHER: usize = 32;

/// What verification and decryption need to know about a scanned block. These values are trusted: authenticate them
/// where they are stored.
#[derive(Clone, Copy)]
pub struct ScannedBlock<'a> {
    /// The nonce it was sealed under.
    pub nonce: &'a [u8; NONCE_BYTES],
    /// Its hint.
    pub hint: &'a [u8],
    /// Images in the block. The scores of unused slots are dropped.
    pub images: usize,
}

impl<'a> From<&'a SealedBlock> for ScannedBlock<'a> {
    fn from(block: &'a SealedBlock) -> Self {
        Self { nonce: block.nonce(), hint: block.hint(), images: block.images() }
    }
}

/// Scanned blocks, each once, and the check vectors that cover exactly them.
#[derive(Clone, Copy)]
pub struct ScannedGroup<'a> {
    /// The check vectors.
    pub checks: &'a CheckVectors,
    /// The blocks, in the order of the answer.
    pub blocks: &'a [ScannedBlock<'a>],
}

/// An answer that is what an honest evaluator computes.
#[must_use]
pub struct VerifiedAnswer<'a> {
    holder: &'a KeyHolder,
    secret: QuerySecret,
    blocks: Vec<(ScannedBlock<'a>, BlockSeeds)>,
    answer: &'a [u8],
}

/// Sums over blocks of r F0, `[row][vector]`, before reduction. Equations in the scalars, so they are wiped.
type Sums = Zeroizing<Vec<[i64; CHECKS]>>;

/// Whether check vectors cover the blocks of a group and none is listed twice: the check sees only the sum of what two
/// equal nonces answer.
fn require_coverage(group: &ScannedGroup<'_>) -> Result<(), Error> {
    let nonces: HashSet<&[u8; NONCE_BYTES]> = group.blocks.iter().map(|block| block.nonce).collect();
    let covered = group.blocks.iter().fold(Covered::default(), |covered, block| covered.with(block.nonce));
    if nonces.len() == group.blocks.len() && covered == group.checks.covered() {
        Ok(())
    } else {
        Err(Error::NotCovered)
    }
}

impl QuerySecret {
    /// Verifies the answers of the evaluator for all blocks of all groups, in order: [`ANSWER_BYTES`] for each block.
    ///
    /// # Errors
    /// [`Error::Length`] for a hint, or for check vectors or a query secret of another dimension;
    /// [`Error::ImagesInBlock`]; [`Error::NotCovered`]; [`Error::AnswerRefused`] for the whole answer when its
    /// length is wrong, a residue is out of range or the check of a group fails. The error does not depend on scores.
    pub fn verify<'a>(
        self,
        holder: &'a KeyHolder,
        groups: &[ScannedGroup<'a>],
        answer: &'a [u8],
    ) -> Result<VerifiedAnswer<'a>, Error> {
        self.require_dimension_of(holder)?;
        let count: usize = groups.iter().map(|group| group.blocks.len()).sum();
        for group in groups {
            group.checks.require_dimension_of(holder)?;
            require_coverage(group)?;
            for block in group.blocks {
                let (expected, actual) = (HINT_BYTES, block.hint.len());
                if actual != expected {
                    return Err(Error::Length { what: "hint", expected, actual });
                }
                if block.images == 0 || block.images > BLOCK_IMAGES {
                    return Err(Error::ImagesInBlock { most: BLOCK_IMAGES, actual: block.images });
                }
            }
        }
        if answer.len() != count * ANSWER_BYTES {
            return Err(Error::AnswerRefused);
        }
        let mut blocks = Vec::with_capacity(count);
        let mut accepted = true;
        let mut rest = answer;
        for group in groups {
            let (answers, following) = rest.split_at(group.blocks.len() * ANSWER_BYTES);
            rest = following;
            let mut seeds: Vec<BlockSeeds> = group.blocks.iter().map(|_| BlockSeeds::unset()).collect();
            group.blocks.par_chunks(DERIVED_TOGETHER).zip(seeds.par_chunks_mut(DERIVED_TOGETHER)).for_each(
                |(blocks, seeds)| {
                    let nonces = blocks.iter().map(|block| block.nonce);
                    holder.secret.derive_block_seeds(nonces.zip(seeds));
                },
            );
            accepted &= self.check_holds(holder, group.checks, &seeds, answers);
            blocks.extend(group.blocks.iter().copied().zip(seeds));
        }
        if !accepted {
            return Err(Error::AnswerRefused);
        }
        Ok(VerifiedAnswer { holder, secret: self, blocks, answer })
    }

    fn check_holds(&self, holder: &KeyHolder, checks: &CheckVectors, seeds: &[BlockSeeds], answers: &[u8]) -> bool {
        let kernel = holder.ring.kernel();
        let identity = || (true, Zeroizing::new(vec![[0; CHECKS]; ROWS]));
        let (in_range, sums): (bool, Sums) = answers
            .par_chunks_exact(ANSWER_BYTES)
            .zip(seeds)
            .fold(identity, |(in_range, mut sums), (answer, seeds)| {
                let scalars = CheckScalars::draw(seeds, checks.epoch());
                let in_range = in_range
                    & kernel.vectorised(
                        #[inline(always)]
                        || {
                            add_weighted(holder.ring.moduli(), &scalars, answer, &mut sums);
                            residues_in_range(answer)
                        },
                    );
                (in_range, sums)
            })
            .reduce(identity, |(left, mut sums), (right, others)| {
                for (sums, others) in sums.as_flattened_mut().iter_mut().zip(others.as_flattened()) {
                    *sums += others;
                }
                (left & right, sums)
            });
        let expected: Sums = Zeroizing::new(kernel.expected_sums(checks.as_bytes(), &self.query));
        let moduli = holder.ring.moduli();
        let differs = |row: usize| {
            let modulus = moduli[row % PRIMES.len()];
            let of_check = |check: usize| modulus.reduce(sums[row][check]) != modulus.reduce(expected[row][check]);
            // Not `any`: whether one of the vectors passed must not show in the time.
            (0..CHECKS).fold(false, |wrong, check| wrong | of_check(check))
        };
        in_range & !(0..ROWS).fold(false, |wrong, row| wrong | differs(row))
    }
}

/// Adds r F0 of one block. |r F0| < 2^30, so 2^33 lanes fit into 63 bits.
#[inline(always)]
fn add_weighted(moduli: [Modulus; 2], scalars: &CheckScalars, answer: &[u8], sums: &mut Sums) {
    let centred = |prime: usize| scalars.of_prime(prime).map(|lanes| lanes.map(|r| moduli[prime].centre(r)));
    let scalars: Zeroizing<[_; 2]> = Zeroizing::new(std::array::from_fn(centred));
    let rows = answer.as_chunks::<{ ANSWER_BYTES / ROWS }>().0;
    for (row, (answer, sums)) in rows.iter().zip(sums.iter_mut()).enumerate() {
        for (sum, scalars) in sums.iter_mut().zip(&scalars[row % PRIMES.len()]) {
            for (word, &scalar) in answer.as_chunks().0.iter().zip(scalars) {
                *sum += i64::from(i32::from(i16::from_le_bytes(*word)) * i32::from(scalar));
            }
        }
    }
}

impl VerifiedAnswer<'_> {
    /// The cosines of all images in order, with an error of standard deviation 4e-4 (see
    /// [`precision`](super::precision)), so that equal vectors may score 1.001. Rank them as they are; round them to 3
    /// decimals where they are shown. Only the key holder may see them.
    ///
    /// # Errors
    /// [`Error::ImpossibleScore`] when a score is outside +-1.1, which no evaluator can cause.
    pub fn decrypt(self) -> Result<Vec<f32>, Error> {
        let images = self.blocks.iter().map(|(block, _)| block.images).sum();
        let scores: Vec<Option<[f32; BLOCK_IMAGES]>> = self
            .blocks
            .par_iter()
            .zip(self.answer.par_chunks_exact(ANSWER_BYTES))
            .map(|((block, seeds), answer)| self.decrypt_block(seeds, block.hint, answer))
            .collect();
        let mut all = Vec::with_capacity(images);
        for (at, (scores, (block, _))) in scores.iter().zip(&self.blocks).enumerate() {
            all.extend(&scores.as_ref().ok_or(Error::ImpossibleScore { block: at })?[..block.images]);
        }
        Ok(all)
    }

    /// The scores of one block, or `None` when one is impossible.
    fn decrypt_block(&self, seeds: &BlockSeeds, hint: &[u8], answer: &[u8]) -> Option<[f32; BLOCK_IMAGES]> {
        let ring = &self.holder.ring;
        let secret = self.holder.block_secret(seeds);
        let mut scores = [0.0; BLOCK_IMAGES];
        let mut secret_rows = Zeroizing::new([0; ROWS * PIECE_BYTES]);
        ring.write(&mut *secret_rows, Place { groups: 1, group: 0, lanes: 1, lane: 0 }, &secret);
        let mut folded = Zeroizing::new([[0; WIDTH]; FOLDS]);
        let QuerySecret { secret: query_secret, offsets, .. } = &self.secret;
        let masks = Masks { query_secret, offsets, block_secret: &*secret_rows, hint };
        ring.kernel().unmask(answer, &masks, &mut folded);
        ring.inverse_folded(&mut folded);
        let possible = ring.kernel().vectorised(
            #[inline(always)]
            || write_scores(ring.moduli(), &folded, &mut scores),
        );
        possible.then_some(scores)
    }
}

/// 1 / p2 modulo p1, in Montgomery form.
const INVERSE: u16 = {
    let first = Modulus::new(PRIMES[0]);
    first.to_montgomery(first.invert(PRIMES[1]))
};

/// Joins the residues, centres and scales. Returns whether all scores are possible.
#[inline(always)]
fn write_scores(moduli: [Modulus; 2], folded: &[[u16; WIDTH]; FOLDS], scores: &mut [f32; BLOCK_IMAGES]) -> bool {
    let [first, second] = moduli;
    let modulus = u32::from(first.prime()) * u32::from(second.prime());
    let unit = (1.0 / (STORED_SCALE * QUERY_SCALE)) as f32;
    let mut possible = true;
    for (scores, residues) in scores.as_chunks_mut::<LANES>().0.iter_mut().zip(folded) {
        let (of_first, of_second) = residues.split_at(LANES);
        for ((score, &x), &y) in scores.iter_mut().zip(of_first).zip(of_second) {
            // y + p2 ((x - y) / p2 mod p1); y < p2 < p1.
            let digit = first.multiply(first.subtract(x, y), INVERSE);
            let value = u32::from(y) + u32::from(second.prime()) * u32::from(digit);
            let centred = value.wrapping_sub(if value > modulus / 2 { modulus } else { 0 }).cast_signed();
            *score = centred as f32 * unit;
            possible &= precision::is_possible(*score);
        }
    }
    possible
}
