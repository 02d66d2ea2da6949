//! Whole searches, step by step: query, scan, verification, decryption.

use std::hint::black_box;

use super::sealed::SealedVectors;
use crate::ckks::{Error, Evaluator, KeyHolder};
use crate::services::timing::seconds;

/// Searches that are timed; each figure is their median.
const SEARCHES: usize = 25;

/// Seconds of the steps of several searches.
#[derive(Default)]
pub(super) struct Searches {
    pub(super) query: Vec<f64>,
    pub(super) query_prepared: Vec<f64>,
    pub(super) verify: Vec<f64>,
    pub(super) decrypt: Vec<f64>,
    pub(super) whole: Vec<f64>,
    pub(super) whole_prepared: Vec<f64>,
}

impl Searches {
    pub(super) fn measure(
        holder: &KeyHolder,
        evaluator: &Evaluator,
        sealed: &SealedVectors,
        query: &[f32],
    ) -> Result<Self, Error> {
        let blocks = sealed.blocks();
        let groups = sealed.groups(&blocks);
        let mut searches = Self::default();
        for _ in 0..SEARCHES {
            let (mask, prepare) = seconds(|| holder.prepare());
            let mask = mask?;
            let (pair, encrypt) = seconds(|| holder.encrypt(mask, query));
            let (encrypted, secret) = pair?;
            let (answer, scan) = seconds(|| evaluator.score(sealed.ciphertexts(), &encrypted));
            let answer = answer?;
            let (verified, verify) = seconds(|| secret.verify(holder, &groups, &answer));
            let verified = verified?;
            let (scores, decrypt) = seconds(|| verified.decrypt());
            black_box(scores?);
            let prepared = encrypt + scan + verify + decrypt;
            searches.query.push(prepare + encrypt);
            searches.query_prepared.push(encrypt);
            searches.verify.push(verify);
            searches.decrypt.push(decrypt);
            searches.whole.push(prepare + prepared);
            searches.whole_prepared.push(prepared);
        }
        Ok(searches)
    }
}
