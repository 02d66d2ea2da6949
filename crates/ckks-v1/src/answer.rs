//! Decryption of an answer into scores. Must not reveal which score made it refuse an answer, or use a query secret
//! twice.
//!
//! M\[l\] = fold(s_t R1\[l\] + s_b U\[l\]); the scores of lane l are the inverse NTT of (F0\[l\] - M\[l\]) / K, centred
//! and divided by both scales.

use rayon::prelude::*;

use super::block::NONCE_BYTES;
use super::error::Error;
use super::key_holder::KeyHolder;
use super::layout::{ROW_BYTES, TILE, read_coefficient, unpack_row};
use super::modulus::Modulus;
use super::parameters::{COEFFICIENT_BYTES, LANES};
use super::precision;
use super::query::QuerySecret;
use super::ring::{Evaluation, Polynomial};
use super::rlwe::RlweSecret;

/// What decryption needs to know about a scanned block. These values are trusted: authenticate them where they are
/// stored.
#[derive(Clone, Copy)]
pub struct ScannedBlock<'a> {
    /// The nonce it was sealed under.
    pub nonce: &'a [u8; NONCE_BYTES],
    /// Its hint.
    pub hint: &'a [u8],
    /// Images in the block. The scores of unused slots are dropped.
    pub images: usize,
}

impl QuerySecret {
    /// The cosines of all images of `blocks` in order, in \[-1, 1\], rounded to 4 decimals.
    ///
    /// `answer` holds the answers of the evaluator for the same blocks in the same order:
    /// [`ANSWER_BYTES`](super::ANSWER_BYTES) for each block.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::ImagesInBlock`]; [`Error::AnswerRefused`] for the whole answer when a residue is not
    /// reduced or a score is outside +-1.001.
    pub fn decrypt<'a>(
        self,
        holder: &KeyHolder,
        blocks: impl IntoIterator<Item = ScannedBlock<'a>>,
        answer: &[u8],
    ) -> Result<Vec<f32>, Error> {
        let exact = self.decrypt_exact(holder, blocks, answer)?;
        Ok(exact.into_iter().map(precision::rounded).collect())
    }

    /// The scores before rounding.
    pub(super) fn decrypt_exact<'a>(
        self,
        holder: &KeyHolder,
        blocks: impl IntoIterator<Item = ScannedBlock<'a>>,
        answer: &[u8],
    ) -> Result<Vec<f64>, Error> {
        let parameters = holder.parameters();
        let blocks: Vec<_> = blocks.into_iter().collect();
        let length = |what, expected, actual: usize| {
            if actual == expected { Ok(()) } else { Err(Error::Length { what, expected, actual }) }
        };
        length("answer", blocks.len() * parameters.answer_bytes(), answer.len())?;
        let most = parameters.block_images();
        for block in &blocks {
            length("hint", parameters.hint_bytes(), block.hint.len())?;
            if block.images == 0 || block.images > most {
                return Err(Error::ImagesInBlock { most, actual: block.images });
            }
        }
        let scores: Vec<Option<Vec<f64>>> = blocks
            .par_iter()
            .zip(answer.par_chunks_exact(parameters.answer_bytes()))
            .map(|(block, answer)| self.decrypt_block(holder, block, answer))
            .collect();
        let scores: Option<Vec<Vec<f64>>> = scores.into_iter().collect();
        Ok(scores.ok_or(Error::AnswerRefused)?.concat())
    }

    /// The scores of one block, or `None` to refuse the answer.
    fn decrypt_block(&self, holder: &KeyHolder, block: &ScannedBlock<'_>, answer: &[u8]) -> Option<Vec<f64>> {
        let ring = &holder.ring;
        let parameters = ring.parameters();
        let secret = holder.secret.block_secret(ring, block.nonce);
        let mut scores = vec![0.0; parameters.block_images()];
        let in_range = ring.kernel().vectorised(
            #[inline(always)]
            || {
                let (mut folded, in_range) = self.unmask(holder, &secret, block.hint, answer);
                for (values, transform) in folded.iter_mut().zip(ring.subring_ntts()) {
                    transform.inverse_lanes(values);
                }
                write_scores(holder, &folded, &mut scores);
                in_range
            },
        );
        scores.truncate(block.images);
        let possible = scores.iter().fold(true, |possible, &score| possible & precision::is_possible(score));
        (in_range & possible).then_some(scores)
    }

    /// F0 - M for each prime, `[fold][lane]`, below 2p, and whether all of F0 was reduced.
    #[inline(always)]
    fn unmask(
        &self,
        holder: &KeyHolder,
        block: &RlweSecret,
        hint: &[u8],
        answer: &[u8],
    ) -> ([Vec<[u32; LANES]>; 2], bool) {
        let ring = &holder.ring;
        let parameters = ring.parameters();
        let (degree, folds, packed) = (parameters.degree(), parameters.lane_images(), parameters.packed());
        let mut unmasked = [vec![[0; LANES]; folds], vec![[0; LANES]; folds]];
        let mut in_range = true;
        let mut blinded = Polynomial::<Evaluation>::zero(parameters);
        let answers = answer.as_chunks::<COEFFICIENT_BYTES>().0.chunks_exact(folds);
        let hints = hint.chunks_exact(degree * COEFFICIENT_BYTES);
        for (lane, (answer, hint)) in answers.zip(hints).enumerate() {
            let [first, second] = blinded.residues_mut();
            let rows = first.as_chunks_mut::<TILE>().0.iter_mut().zip(second.as_chunks_mut::<TILE>().0);
            for ((first, second), row) in rows.zip(hint.as_chunks::<ROW_BYTES>().0) {
                [*first, *second] = unpack_row(row);
            }
            for (prime, unmasked) in unmasked.iter_mut().enumerate() {
                let modulus = ring.moduli()[prime];
                let hint = blinded.residues()[prime].chunks_exact(packed);
                let query = self.secret.values()[prime].chunks_exact(packed);
                let block = block.values()[prime].chunks_exact(packed);
                let offset = self.offsets[lane].residues()[prime].chunks_exact(packed);
                for (fold, (((hint, query), block), offset)) in hint.zip(query).zip(block).zip(offset).enumerate() {
                    let mask = modulus.reduce_wide(dot(hint, query) + dot(block, offset));
                    let value = read_coefficient(&answer[fold])[prime];
                    in_range &= value < modulus.prime();
                    unmasked[fold][lane] = modulus.reduce(value) + modulus.prime() - mask;
                }
            }
        }
        (unmasked, in_range)
    }
}

/// Sum of products of K = 32 pairs of residues: below 2^45.
#[inline(always)]
fn dot(left: &[u32], right: &[u32]) -> u64 {
    const WIDTH: usize = 8;
    let mut sums = [0; WIDTH];
    for (left, right) in left.as_chunks::<WIDTH>().0.iter().zip(right.as_chunks::<WIDTH>().0) {
        for at in 0..WIDTH {
            sums[at] += u64::from(left[at]) * u64::from(right[at]);
        }
    }
    sums.iter().sum()
}

/// Divides by n = K S, the factor left by the trace and the inverse NTT, joins the residues, centres and scales.
#[inline(always)]
fn write_scores(holder: &KeyHolder, folded: &[Vec<[u32; LANES]>; 2], scores: &mut [f64]) {
    let ring = &holder.ring;
    let parameters = ring.parameters();
    let [first, second] = ring.moduli();
    let factor = |modulus: Modulus, value| (value, modulus.companion(value));
    let (first_scale, first_scale_companion) = factor(first, first.inverse(parameters.degree() as u32));
    let (second_scale, second_scale_companion) = factor(second, second.inverse(parameters.degree() as u32));
    let (join, join_companion) = factor(second, second.inverse(second.reduce(first.prime())));
    let modulus = i64::from(first.prime()) * i64::from(second.prime());
    let scale = 1.0 / (parameters.stored_scale() * parameters.query_scale());
    let folds = parameters.lane_images();
    for (fold, (x, y)) in folded[0].iter().zip(&folded[1]).enumerate() {
        for lane in 0..LANES {
            let x = first.reduce(first.multiply_lazy(x[lane], first_scale, first_scale_companion));
            let y = second.reduce(second.multiply_lazy(y[lane], second_scale, second_scale_companion));
            // x + p1 ((y - x) / p1 mod p2)
            let difference = second.multiply_lazy(y + 2 * second.prime() - x, join, join_companion);
            let joined = i64::from(x) + i64::from(first.prime()) * i64::from(second.reduce(difference));
            let centred = joined - if joined > modulus / 2 { modulus } else { 0 };
            scores[lane * folds + fold] = centred as f64 * scale;
        }
    }
}
