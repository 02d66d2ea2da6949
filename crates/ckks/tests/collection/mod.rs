//! A sealed collection of random vectors, for the tests.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

use cipherlens_ckks::{
    BLOCK_IMAGES, CheckVectors, EncryptedQuery, Error, Evaluator, KeyHolder, Parameters, PublicContext, QuerySecret,
    ScannedBlock, ScannedGroup, SealedBlock, SecretContext,
};

/// A random unit vector with components of both signs.
pub fn unit_vector(dimension: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut vector: Vec<f32> = (0..dimension)
        .map(|_| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        })
        .collect();
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    vector
}

pub fn cosine(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// Vectors, the blocks they are sealed in, and the check vectors of all blocks.
pub struct Collection {
    pub public: PublicContext,
    /// The bytes of the secret context.
    pub secret: Vec<u8>,
    pub holder: KeyHolder,
    pub vectors: Vec<Vec<f32>>,
    pub blocks: Vec<SealedBlock>,
    pub ciphertexts: Vec<u8>,
    pub checks: CheckVectors,
}

impl Collection {
    pub fn new(dimension: usize, images: usize) -> Self {
        let parameters = Parameters::for_dimension(dimension).unwrap();
        let public = PublicContext::generate(parameters).unwrap();
        let secret = SecretContext::generate(parameters).unwrap();
        let bytes = secret.to_bytes().to_vec();
        let holder = KeyHolder::new(&public, secret).unwrap();
        let vectors: Vec<_> = (0..images as u64).map(|seed| unit_vector(dimension, seed)).collect();
        let blocks: Vec<_> = vectors.chunks(BLOCK_IMAGES).map(|vectors| holder.seal(vectors).unwrap()).collect();
        let mut checks = CheckVectors::empty(&parameters, 0);
        blocks.iter().for_each(|block| checks.add_sealed(&holder, block).unwrap());
        let ciphertexts = blocks.iter().flat_map(SealedBlock::ciphertext).copied().collect();
        Self { public, secret: bytes, holder, vectors, blocks, ciphertexts, checks }
    }

    /// Puts a block in the place of another, as after a change.
    pub fn replace(&mut self, at: usize, block: SealedBlock) {
        let old = std::mem::replace(&mut self.blocks[at], block);
        self.checks.subtract(&self.holder, old.nonce(), old.ciphertext()).unwrap();
        let block = &self.blocks[at];
        self.checks.add_sealed(&self.holder, block).unwrap();
        let bytes = block.ciphertext().len();
        self.ciphertexts[at * bytes..(at + 1) * bytes].copy_from_slice(block.ciphertext());
    }

    pub fn scanned(&self) -> Vec<ScannedBlock<'_>> {
        self.blocks.iter().map(ScannedBlock::from).collect()
    }

    pub fn encrypt(&self, query: &[f32]) -> (EncryptedQuery, QuerySecret) {
        self.holder.encrypt(self.holder.prepare().unwrap(), query).unwrap()
    }

    pub fn answer(&self, query: &EncryptedQuery) -> Vec<u8> {
        Evaluator::new(&self.public).unwrap().score(&self.ciphertexts, query).unwrap()
    }

    /// Whether an answer passes verification.
    pub fn accepts(&self, secret: QuerySecret, answer: &[u8]) -> bool {
        let blocks = self.scanned();
        match secret.verify(&self.holder, &[ScannedGroup { checks: &self.checks, blocks: &blocks }], answer) {
            Ok(_) => true,
            Err(Error::AnswerRefused) => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub fn search(&self, query: &[f32]) -> Result<Vec<f32>, Error> {
        let (encrypted, secret) = self.encrypt(query);
        let answer = self.answer(&encrypted);
        let blocks = self.scanned();
        let group = ScannedGroup { checks: &self.checks, blocks: &blocks };
        secret.verify(&self.holder, &[group], &answer)?.decrypt()
    }
}
