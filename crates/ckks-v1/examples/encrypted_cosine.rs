//! Searches encrypted vectors: `cargo run --release -p cipherlens-ckks --example encrypted_cosine`.
//!
//! The server side of this example holds no key: it sees the public context, the blocks and the encrypted query.
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use cipherlens_ckks_v1::{DIMENSION, Error, Evaluator, KeyHolder, PublicContext, ScannedBlock, SecretContext};

/// A unit vector of pseudo-random components.
fn unit_vector(seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut vector: Vec<f32> = (0..DIMENSION)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        })
        .collect();
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    vector
}

fn cosine(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn main() -> Result<(), Error> {
    // The key holder generates both contexts and encrypts three vectors in one block.
    let public = PublicContext::generate()?;
    let holder = KeyHolder::new(&public, SecretContext::generate()?)?;
    let vectors = [unit_vector(1), unit_vector(2), unit_vector(3)];
    let block = holder.seal(&vectors)?;

    // The query is the second vector. Its secret stays with the key holder and decrypts one answer.
    let (encrypted_query, secret) = holder.encrypt(holder.prepare()?, &vectors[1])?;

    // The server computes the encrypted scores.
    let server = Evaluator::new(&public)?;
    let answer = server.score(block.ciphertext(), &encrypted_query)?;
    println!(
        "{} bytes scanned with {}, answer of {} bytes",
        block.ciphertext().len(),
        server.kernel().name(),
        answer.len()
    );

    // The key holder decrypts them.
    let scanned = ScannedBlock { nonce: block.nonce(), hint: block.hint(), images: block.images() };
    let scores = secret.decrypt(&holder, [scanned], &answer)?;
    for (number, (score, vector)) in scores.iter().zip(&vectors).enumerate() {
        println!("vector {number}: decrypted {score:+.4}, plain cosine {:+.4}", cosine(vector, &vectors[1]));
    }
    Ok(())
}
