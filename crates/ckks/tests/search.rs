//! Encrypted search through its public API, at every pinned dimension: scores, errors, refusals.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

mod collection;

use cipherlens_ckks::precision::{Measured, predicted_score_std};
use cipherlens_ckks::{
    ANSWER_BYTES, BLOCK_IMAGES, CheckVectors, EncryptedQuery, Error, Evaluator, Kernel, KeyHolder, Parameters,
    PublicContext, ScannedGroup, SecretContext, VectorFault,
};
use collection::{Collection, cosine, unit_vector};

#[test]
fn scores_are_cosines_at_every_pinned_dimension_and_with_every_kernel() {
    for dimension in [128, 256, 512, 2048] {
        let collection = Collection::new(dimension, 2 * BLOCK_IMAGES);
        let mut measured = Measured::default();
        for query in 0..8 {
            // Negative components included.
            let query = unit_vector(dimension, 10_000 + query);
            let scores = collection.search(&query).unwrap();
            assert_eq!(scores.len(), 2 * BLOCK_IMAGES);
            for (score, vector) in scores.iter().zip(&collection.vectors) {
                measured.add(f64::from(*score), cosine(vector, &query));
            }
        }
        // 8,192 errors: their standard deviation is known to 1 %.
        let ratio = measured.std() / predicted_score_std();
        assert!((0.95..1.05).contains(&ratio) && measured.max() < 2.5e-3, "{dimension}: {measured:?}");

        let (query, _) = collection.encrypt(&unit_vector(dimension, 7));
        let answers = Kernel::supported().into_iter().map(|kernel| {
            let evaluator = Evaluator::with_kernel(&collection.public, kernel);
            evaluator.score(&collection.ciphertexts, &query).unwrap()
        });
        let answers: Vec<_> = answers.collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}

#[test]
fn a_stored_vector_scores_one_and_its_opposite_minus_one() {
    let collection = Collection::new(512, 30);
    let query = collection.vectors[17].clone();
    assert!((collection.search(&query).unwrap()[17] - 1.0).abs() < 2.5e-3);
    let opposite: Vec<f32> = query.iter().map(|x| -x).collect();
    assert!((collection.search(&opposite).unwrap()[17] + 1.0).abs() < 2.5e-3);
}

#[test]
fn linear_combinations_score_as_combinations_of_scores() {
    let collection = Collection::new(512, 100);
    let (x, y) = (unit_vector(512, 1), unit_vector(512, 2));
    let difference: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x - 0.5 * y).collect();
    let norm = difference.iter().map(|x| x * x).sum::<f32>().sqrt();
    let query: Vec<f32> = difference.iter().map(|x| x / norm).collect();
    for (score, vector) in collection.search(&query).unwrap().iter().zip(&collection.vectors) {
        let expected = (cosine(vector, &x) - 0.5 * cosine(vector, &y)) / f64::from(norm);
        assert!((f64::from(*score) - expected).abs() < 2.5e-3);
    }
}

#[test]
fn the_largest_dimension_works() {
    let collection = Collection::new(16_384, 9);
    let query = unit_vector(16_384, 5_000);
    for (score, vector) in collection.search(&query).unwrap().iter().zip(&collection.vectors) {
        assert!((f64::from(*score) - cosine(vector, &query)).abs() < 2.5e-3);
    }
    assert!((collection.search(&collection.vectors[8]).unwrap()[8] - 1.0).abs() < 2.5e-3);
}

#[test]
fn several_groups_are_verified_with_their_own_check_vectors() {
    let collection = Collection::new(128, 3 * BLOCK_IMAGES);
    let query = unit_vector(128, 99);
    let (encrypted, secret) = collection.encrypt(&query);
    let answer = collection.answer(&encrypted);
    let blocks = collection.scanned();
    let [first, second] = [&collection.blocks[..1], &collection.blocks[1..]].map(|blocks| {
        let mut checks = CheckVectors::empty(collection.holder.parameters(), 3);
        blocks.iter().for_each(|block| checks.add_sealed(&collection.holder, block).unwrap());
        checks
    });
    let groups =
        [ScannedGroup { checks: &first, blocks: &blocks[..1] }, ScannedGroup { checks: &second, blocks: &blocks[1..] }];
    let scores = secret.verify(&collection.holder, &groups, &answer).unwrap().decrypt().unwrap();
    assert_eq!(scores.len(), 3 * BLOCK_IMAGES);
    assert!((f64::from(scores[700]) - cosine(&collection.vectors[700], &query)).abs() < 2.5e-3);

    let (_, secret) = collection.encrypt(&query);
    let exchanged =
        [ScannedGroup { checks: &second, blocks: &blocks[..1] }, ScannedGroup { checks: &first, blocks: &blocks[1..] }];
    assert!(matches!(secret.verify(&collection.holder, &exchanged, &answer), Err(Error::AnswerRefused)));
}

#[test]
fn sealing_twice_gives_different_bytes_and_the_same_scores() {
    let (first, second) = (Collection::new(128, 5), Collection::new(128, 5));
    let sealed = || first.holder.seal(&first.vectors).unwrap();
    let (one, other) = (sealed(), sealed());
    assert_ne!(one.nonce(), other.nonce());
    assert_ne!(one.ciphertext(), other.ciphertext());
    assert_ne!(first.public, second.public);
    let query = unit_vector(128, 8);
    let scores = first.search(&query).unwrap().into_iter().zip(second.search(&query).unwrap());
    assert!(scores.into_iter().all(|(x, y)| (x - y).abs() < 5e-3));
}

#[test]
fn invalid_vectors_are_refused() {
    let collection = Collection::new(128, 3);
    let holder = &collection.holder;
    let short = vec![1.0; 127];
    assert!(matches!(
        holder.seal(&[&collection.vectors[0], &short]),
        Err(Error::Vector { position: 1, fault: VectorFault::Length { expected: 128, actual: 127 } })
    ));
    let none: [&[f32]; 0] = [];
    assert!(matches!(holder.seal(&none), Err(Error::ImagesInBlock { most: 512, actual: 0 })));
    let many = vec![&collection.vectors[0]; BLOCK_IMAGES + 1];
    assert!(matches!(holder.seal(&many), Err(Error::ImagesInBlock { most: 512, actual: 513 })));
    let mask = holder.prepare().unwrap();
    assert!(matches!(holder.encrypt(mask, &[0.0; 128]), Err(Error::Query { fault: VectorFault::Norm { .. } })));
}

#[test]
fn bytes_of_other_lengths_or_dimensions_are_refused() {
    let collection = Collection::new(128, 3);
    let set = collection.holder.parameters();
    let (query, _) = collection.encrypt(&unit_vector(128, 1));
    let evaluator = Evaluator::new(&collection.public).unwrap();
    let cut = &collection.ciphertexts[1..];
    assert!(matches!(
        evaluator.score(cut, &query),
        Err(Error::NotWholeBlocks { block_bytes: 262_144, actual: 262_143 })
    ));
    assert_eq!(evaluator.score(&[], &query).unwrap(), []);
    let read = EncryptedQuery::from_bytes(set, query.as_bytes()).unwrap();
    assert_eq!(read.as_bytes(), query.as_bytes());
    assert!(matches!(EncryptedQuery::from_bytes(set, &query.as_bytes()[1..]), Err(Error::Length { .. })));
    let mut altered = query.as_bytes().to_vec();
    altered[..2].copy_from_slice(&30_721i16.to_le_bytes());
    assert!(matches!(EncryptedQuery::from_bytes(set, &altered), Err(Error::Residue { .. })));

    let wide = Parameters::for_dimension(256).unwrap();
    let other = Evaluator::new(&PublicContext::generate(wide).unwrap()).unwrap();
    assert!(matches!(other.score(&[], &query), Err(Error::Length { .. })));
    let refused = KeyHolder::new(&collection.public, SecretContext::generate(wide).unwrap());
    assert!(matches!(refused, Err(Error::ContextsDiffer { public: 128, secret: 256 })));
    assert!(matches!(EncryptedQuery::from_bytes(&wide, query.as_bytes()), Err(Error::Length { .. })));
}

#[test]
fn a_wrong_nonce_or_hint_is_an_error_of_the_program_and_not_of_the_evaluator() {
    let collection = Collection::new(128, 512);
    let query = unit_vector(128, 5);
    let refused = |altered: &dyn Fn(&mut Vec<u8>)| {
        let (encrypted, secret) = collection.encrypt(&query);
        let answer = collection.answer(&encrypted);
        let mut hint = collection.blocks[0].hint().to_vec();
        altered(&mut hint);
        let blocks = [cipherlens_ckks::ScannedBlock { hint: &hint, ..collection.scanned()[0] }];
        let group = ScannedGroup { checks: &collection.checks, blocks: &blocks };
        secret.verify(&collection.holder, &[group], &answer).unwrap().decrypt()
    };
    assert!(refused(&|_| ()).is_ok());
    assert!(matches!(refused(&|hint| hint.fill(1)), Err(Error::ImpossibleScore)));
}

#[test]
fn answers_have_four_bytes_an_image() {
    let collection = Collection::new(128, 513);
    let (query, _) = collection.encrypt(&unit_vector(128, 1));
    assert_eq!(collection.answer(&query).len(), 2 * ANSWER_BYTES);
    assert_eq!(ANSWER_BYTES, 4 * BLOCK_IMAGES);
}
