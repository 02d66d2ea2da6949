//! Sealed vectors as the evaluator and the key holder have them: contiguous ciphertexts, with nonces and hints beside
//! them, and check vectors for every [`CHECKED_BLOCKS`] blocks.

use super::aligned::Aligned;
use super::plain::PlainVectors;
use crate::ckks::{
    BLOCK_IMAGES, CHECKED_BLOCKS, CheckVectors, Error, HINT_BYTES, KeyHolder, NONCE_BYTES, ScannedBlock, ScannedGroup,
};
use crate::services::timing::{median, seconds};

/// The epoch changes after refused answers; here none is refused.
const FIRST_EPOCH: u64 = 0;

pub(super) struct SealedVectors {
    ciphertexts: Aligned<u8>,
    nonces: Vec<[u8; NONCE_BYTES]>,
    hints: Vec<u8>,
    checks: Vec<CheckVectors>,
    images: usize,
}

impl SealedVectors {
    /// Seals all vectors on this thread; also returns the median seconds per image, check vectors included.
    pub(super) fn seal(holder: &KeyHolder, vectors: &PlainVectors) -> Result<(Self, f64), Error> {
        let rows: Vec<&[f32]> = vectors.rows().collect();
        let block_bytes = holder.parameters().block_bytes();
        let blocks = rows.len().div_ceil(BLOCK_IMAGES);
        let mut sealed = Self {
            ciphertexts: Aligned::zeroed(blocks * block_bytes),
            nonces: Vec::with_capacity(blocks),
            hints: Vec::with_capacity(blocks * HINT_BYTES),
            checks: Vec::new(),
            images: rows.len(),
        };
        let mut per_image = Vec::with_capacity(blocks);
        let groups = rows.chunks(CHECKED_BLOCKS * BLOCK_IMAGES);
        for (images, ciphertexts) in groups.zip(sealed.ciphertexts.chunks_mut(CHECKED_BLOCKS * block_bytes)) {
            let mut checks = CheckVectors::empty(holder.parameters(), FIRST_EPOCH);
            for (images, ciphertext) in images.chunks(BLOCK_IMAGES).zip(ciphertexts.chunks_exact_mut(block_bytes)) {
                let (block, seconds) = seconds(|| {
                    let block = holder.seal(images)?;
                    checks.add_sealed(holder, &block)?;
                    Ok::<_, Error>(block)
                });
                let block = block?;
                per_image.push(seconds / images.len() as f64);
                ciphertext.copy_from_slice(block.ciphertext());
                sealed.nonces.push(*block.nonce());
                sealed.hints.extend_from_slice(block.hint());
            }
            sealed.checks.push(checks);
        }
        Ok((sealed, median(per_image)))
    }

    /// All blocks, one after the other.
    pub(super) fn ciphertexts(&self) -> &[u8] {
        &self.ciphertexts
    }

    /// What verification and decryption need of each block.
    pub(super) fn blocks(&self) -> Vec<ScannedBlock<'_>> {
        let hints = self.hints.chunks_exact(HINT_BYTES);
        let images = (0..self.images).step_by(BLOCK_IMAGES).map(|first| (self.images - first).min(BLOCK_IMAGES));
        let blocks = self.nonces.iter().zip(hints).zip(images);
        blocks.map(|((nonce, hint), images)| ScannedBlock { nonce, hint, images }).collect()
    }

    /// All of `blocks` with the check vectors that cover them.
    pub(super) fn groups<'a>(&'a self, blocks: &'a [ScannedBlock<'a>]) -> Vec<ScannedGroup<'a>> {
        let groups = self.checks.iter().zip(blocks.chunks(CHECKED_BLOCKS));
        groups.map(|(checks, blocks)| ScannedGroup { checks, blocks }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ckks::{Evaluator, Parameters, PublicContext, SecretContext};
    use crate::services::synthetic::{Components, SyntheticFeatures};

    #[test]
    fn every_group_of_blocks_has_its_own_check_vectors() {
        const DIMENSION: usize = 128;
        let images = CHECKED_BLOCKS * BLOCK_IMAGES + BLOCK_IMAGES + 1;
        let parameters = Parameters::for_dimension(DIMENSION).unwrap();
        let public = PublicContext::generate(parameters).unwrap();
        let holder = KeyHolder::new(&public, SecretContext::generate(parameters).unwrap()).unwrap();
        let mut features = SyntheticFeatures::new(5, Components::Signed);
        let vectors = PlainVectors::draw(&mut features, images, DIMENSION);
        let (sealed, seconds) = SealedVectors::seal(&holder, &vectors).unwrap();
        assert!(seconds > 0.0);
        let blocks = sealed.blocks();
        let groups = sealed.groups(&blocks);
        assert_eq!(groups.iter().map(|group| group.blocks.len()).collect::<Vec<_>>(), [CHECKED_BLOCKS, 2]);
        assert_eq!(blocks.iter().map(|block| block.images).sum::<usize>(), images);
        let last = vectors.rows().last().unwrap();
        let (encrypted, secret) = holder.encrypt(holder.prepare().unwrap(), last).unwrap();
        let answer = Evaluator::new(&public).unwrap().score(sealed.ciphertexts(), &encrypted).unwrap();
        let scores = secret.verify(&holder, &groups, &answer).unwrap().decrypt().unwrap();
        assert_eq!(scores.len(), images);
        assert!((scores.last().unwrap() - 1.0).abs() < 0.01);
    }
}
