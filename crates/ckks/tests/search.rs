//! Encrypted search through its public API, at every pinned dimension: scores, errors, refusals.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

mod collection;

use cipherlens_ckks::precision::{Measured, predicted_score_std};
use cipherlens_ckks::{
    ANSWER_BYTES, BLOCK_IMAGES, CheckVectors, EncryptedQuery, Error, Evaluator, Kernel, KeyHolder, Parameters,
    PublicContext, QuerySecret, ScannedBlock, ScannedGroup, SecretContext, VectorFault,
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
    assert!(matches!(secret.verify(&collection.holder, &exchanged, &answer), Err(Error::NotCovered)));

    // A block listed twice, and covered twice: the check would see only the sum of both answers.
    let mut twice = CheckVectors::empty(collection.holder.parameters(), 3);
    (0..2).for_each(|_| twice.add_sealed(&collection.holder, &collection.blocks[0]).unwrap());
    let group = ScannedGroup { checks: &twice, blocks: &[blocks[0], blocks[0]] };
    let (_, secret) = collection.encrypt(&query);
    let answer = &answer[..2 * ANSWER_BYTES];
    assert!(matches!(secret.verify(&collection.holder, &[group], answer), Err(Error::NotCovered)));
}

#[test]
fn sealing_twice_gives_different_bytes_and_the_same_scores() {
    let mut collection = Collection::new(128, 5);
    let query = unit_vector(128, 8);
    let scores = collection.search(&query).unwrap();
    let resealed = collection.holder.seal(&collection.vectors).unwrap();
    assert_ne!(resealed.nonce(), collection.blocks[0].nonce());
    assert_ne!(resealed.ciphertext(), collection.blocks[0].ciphertext());
    assert_ne!(resealed.hint(), collection.blocks[0].hint());
    collection.replace(0, resealed);
    let again = collection.search(&query).unwrap();
    assert!(scores.iter().zip(&again).all(|(x, y)| (x - y).abs() < 5e-3));
}

#[test]
fn what_was_stored_is_searched_by_another_key_holder_with_the_same_contexts() {
    let collection = Collection::new(256, 700);
    let parameters = *collection.holder.parameters();
    // As files would hold them.
    let public = PublicContext::from_bytes(&collection.public.to_bytes()).unwrap();
    let secret = SecretContext::from_bytes(&collection.secret).unwrap();
    let checks = CheckVectors::from_bytes(&parameters, &collection.checks.to_bytes()).unwrap();
    let hints: Vec<Vec<u8>> = collection.blocks.iter().map(|block| block.hint().to_vec()).collect();

    let holder = KeyHolder::new(&public, secret).unwrap();
    let query = unit_vector(256, 77_777);
    let (encrypted, secret) = holder.encrypt(holder.prepare().unwrap(), &query).unwrap();
    let secret = QuerySecret::from_bytes(&parameters, &secret.into_bytes()).unwrap();
    let encrypted = EncryptedQuery::from_bytes(&parameters, encrypted.as_bytes()).unwrap();
    let answer = Evaluator::new(&public).unwrap().score(&collection.ciphertexts, &encrypted).unwrap();
    let blocks: Vec<ScannedBlock<'_>> = collection
        .blocks
        .iter()
        .zip(&hints)
        .map(|(block, hint)| ScannedBlock { nonce: block.nonce(), hint, images: block.images() })
        .collect();
    let group = ScannedGroup { checks: &checks, blocks: &blocks };
    let scores = secret.verify(&holder, &[group], &answer).unwrap().decrypt().unwrap();
    for (score, vector) in scores.iter().zip(&collection.vectors) {
        assert!((f64::from(*score) - cosine(vector, &query)).abs() < 2.5e-3);
    }
}

#[test]
fn a_removed_block_is_no_longer_needed_and_no_longer_accepted() {
    let mut collection = Collection::new(128, 2 * BLOCK_IMAGES);
    let removed = collection.blocks.pop().unwrap();
    collection.checks.subtract(&collection.holder, removed.nonce(), removed.ciphertext()).unwrap();
    collection.ciphertexts.truncate(removed.ciphertext().len());
    assert_eq!(collection.search(&unit_vector(128, 3)).unwrap().len(), BLOCK_IMAGES);
    collection.blocks.push(removed);
    collection.ciphertexts = collection.blocks.iter().flat_map(|block| block.ciphertext().to_vec()).collect();
    assert!(matches!(collection.search(&unit_vector(128, 3)), Err(Error::NotCovered)));
}

#[test]
fn check_vectors_of_the_next_epoch_accept_what_they_cover() {
    let mut collection = Collection::new(128, 600);
    let mut next = CheckVectors::empty(collection.holder.parameters(), 1);
    collection.blocks.iter().for_each(|block| next.add_sealed(&collection.holder, block).unwrap());
    collection.checks = next;
    assert_eq!((collection.checks.epoch(), collection.search(&unit_vector(128, 3)).unwrap().len()), (1, 600));
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
    // A mask or a secret of another dimension.
    let large = Collection::new(256, 3);
    let mask = collection.holder.prepare().unwrap();
    let refused = large.holder.encrypt(mask, &unit_vector(256, 1)).map(drop);
    assert!(matches!(refused, Err(Error::Length { what: "one-time mask", .. })));
    let (_, secret) = collection.encrypt(&unit_vector(128, 1));
    assert!(matches!(secret.verify(&large.holder, &[], &[]), Err(Error::Length { what: "query secret", .. })));
    let (_, secret) = collection.encrypt(&unit_vector(128, 1));
    let bytes = secret.into_bytes();
    assert_eq!(bytes.len(), set.query_secret_bytes());
    for length in [0, bytes.len() - 1] {
        assert!(matches!(QuerySecret::from_bytes(set, &bytes[..length]), Err(Error::Length { .. })));
    }
    assert!(matches!(QuerySecret::from_bytes(&wide, &bytes), Err(Error::Length { .. })));
    let refused = KeyHolder::new(&collection.public, SecretContext::generate(wide).unwrap());
    assert!(matches!(refused, Err(Error::ContextsDiffer { public: 128, secret: 256 })));
    assert!(matches!(EncryptedQuery::from_bytes(&wide, query.as_bytes()), Err(Error::Length { .. })));
}

#[test]
fn a_wrong_nonce_or_hint_is_not_blamed_on_the_evaluator() {
    let collection = Collection::new(128, 512);
    let query = unit_vector(128, 5);
    let search = |block: ScannedBlock<'_>| {
        let (encrypted, secret) = collection.encrypt(&query);
        let answer = collection.answer(&encrypted);
        let group = ScannedGroup { checks: &collection.checks, blocks: &[block] };
        secret.verify(&collection.holder, &[group], &answer)?.decrypt()
    };
    let block = collection.scanned()[0];
    search(block).unwrap();
    assert!(matches!(search(ScannedBlock { nonce: &[1; 32], ..block }), Err(Error::NotCovered)));
    let ones = vec![1; block.hint.len()];
    assert!(matches!(search(ScannedBlock { hint: &ones, ..block }), Err(Error::ImpossibleScore { block: 0 })));
    assert!(matches!(search(ScannedBlock { hint: &ones[1..], ..block }), Err(Error::Length { what: "hint", .. })));
    for images in [0, 513] {
        assert!(matches!(search(ScannedBlock { images, ..block }), Err(Error::ImagesInBlock { .. })));
    }
}

#[test]
fn answers_have_four_bytes_an_image() {
    let collection = Collection::new(128, 513);
    let (query, _) = collection.encrypt(&unit_vector(128, 1));
    assert_eq!(collection.answer(&query).len(), 2 * ANSWER_BYTES);
    assert_eq!(ANSWER_BYTES, 4 * BLOCK_IMAGES);
}
