//! Encrypts 10,000 random vectors, searches them on a server without keys, and verifies the answer.

#![allow(clippy::print_stdout, reason = "an example shows its results")]

use std::time::Instant;

use cipherlens_ckks::{
    BLOCK_IMAGES, CheckVectors, Error, Evaluator, KeyHolder, Parameters, PublicContext, ScannedBlock, ScannedGroup,
    SealedBlock, SecretContext,
};

const DIMENSION: usize = 512;
const VECTORS: u64 = 10_000;

/// A unit vector from a simple generator.
fn unit_vector(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut vector: Vec<f32> = (0..DIMENSION).map(|_| next()).collect();
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    vector
}

fn cosine(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn main() -> Result<(), Error> {
    let parameters = Parameters::for_dimension(DIMENSION)?;
    let public = PublicContext::generate(parameters)?;
    let holder = KeyHolder::new(&public, SecretContext::generate(parameters)?)?;
    let vectors: Vec<Vec<f32>> = (0..VECTORS).map(unit_vector).collect();

    // The key holder seals blocks of 512 and adds each to its check vectors.
    let start = Instant::now();
    let mut checks = CheckVectors::empty(&parameters, 0);
    let mut blocks: Vec<SealedBlock> = Vec::new();
    for vectors in vectors.chunks(BLOCK_IMAGES) {
        let block = holder.seal(vectors)?;
        checks.add_sealed(&holder, &block)?;
        blocks.push(block);
    }
    println!("sealed {VECTORS} vectors in {:.1?}", start.elapsed());

    // The server has the ciphertexts and the public context.
    let ciphertexts: Vec<u8> = blocks.iter().flat_map(SealedBlock::ciphertext).copied().collect();
    let server = Evaluator::new(&public)?;

    // The query is near vector 1,234.
    let mut query = vectors[1_234].clone();
    query.iter_mut().zip(&vectors[77]).for_each(|(x, y)| *x += 0.5 * y);
    let norm = query.iter().map(|x| x * x).sum::<f32>().sqrt();
    query.iter_mut().for_each(|x| *x /= norm);

    let start = Instant::now();
    let (encrypted, secret) = holder.encrypt(holder.prepare()?, &query)?;
    let answer = server.score(&ciphertexts, &encrypted)?;
    let scanned: Vec<ScannedBlock<'_>> = blocks.iter().map(ScannedBlock::from).collect();
    let group = ScannedGroup { checks: &checks, blocks: &scanned };
    let scores = secret.verify(&holder, &[group], &answer)?.decrypt()?;
    println!("searched them in {:.2?} with {}", start.elapsed(), server.kernel().name());
    for image in [1_234, 77, 4_321] {
        println!("vector {image}: score {:+.4}, cosine {:+.4}", scores[image], cosine(&vectors[image], &query));
    }

    // A server that alters one score is found out, whatever the score becomes.
    let (encrypted, secret) = holder.encrypt(holder.prepare()?, &query)?;
    let mut answer = server.score(&ciphertexts, &encrypted)?;
    answer[0] ^= 1;
    match secret.verify(&holder, &[group], &answer) {
        Ok(_) => println!("an altered answer was accepted"),
        Err(error) => println!("altered: {error}"),
    }
    Ok(())
}
