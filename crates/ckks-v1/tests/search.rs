//! Encrypted search from outside the crate: what a key holder and an evaluator see.
#![allow(clippy::unwrap_used, reason = "the functions that tests share are test code too")]

use cipherlens_ckks_v1::{
    ANSWER_BYTES, BLOCK_BYTES, BLOCK_IMAGES, DIMENSION, EncryptedQuery, Error, Evaluator, HINT_BYTES, Kernel,
    KeyHolder, NONCE_BYTES, Parameters, PublicContext, QUERY_BYTES, ScannedBlock, SealedBlock, SecretContext,
    VectorFault, precision,
};
use proptest::prelude::*;

/// Largest error of a score: five standard deviations of the noise and half a rounding step.
const BOUND: f64 = 5.0 * 2.6e-5 + 0.5e-4;

/// A pseudo-random sequence with a fixed seed, so that only the noise is left to chance.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as f64 / f64::from(1u32 << 31)
    }

    /// Like pooled network features: non-negative, half zeros, a few large.
    fn feature(&mut self) -> Vec<f32> {
        unit((0..DIMENSION).map(|_| if self.next() < 0.5 { 0.0 } else { self.next() * self.next() }).collect())
    }

    fn signed(&mut self) -> Vec<f32> {
        unit((0..DIMENSION).map(|_| self.next() - 0.5).collect())
    }
}

fn unit(vector: Vec<f64>) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.into_iter().map(|x| (x / norm) as f32).collect()
}

fn one_hot(at: usize, sign: f64) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSION];
    vector[at] = sign as f32;
    vector
}

fn inner(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

fn key_pair() -> (PublicContext, KeyHolder) {
    let public = PublicContext::generate().unwrap();
    let holder = KeyHolder::new(&public, SecretContext::generate().unwrap()).unwrap();
    (public, holder)
}

fn scanned(block: &SealedBlock) -> ScannedBlock<'_> {
    ScannedBlock { nonce: block.nonce(), hint: block.hint(), images: block.images() }
}

fn search(public: &PublicContext, holder: &KeyHolder, blocks: &[SealedBlock], query: &[f32]) -> Vec<f32> {
    let (encrypted, secret) = holder.encrypt(holder.prepare().unwrap(), query).unwrap();
    let evaluator = Evaluator::new(public).unwrap();
    // Block by block, as in a vault of many files.
    let answer: Vec<u8> =
        blocks.iter().flat_map(|block| evaluator.score(block.ciphertext(), &encrypted).unwrap()).collect();
    secret.decrypt(holder, blocks.iter().map(scanned), &answer).unwrap()
}

#[test]
fn sizes_are_as_documented() {
    let (_, holder) = key_pair();
    let block = holder.seal(&[one_hot(0, 1.0)]).unwrap();
    assert_eq!(block.ciphertext().len(), BLOCK_BYTES);
    assert_eq!(block.hint().len(), HINT_BYTES);
    assert_eq!((BLOCK_BYTES + HINT_BYTES + NONCE_BYTES).div_ceil(BLOCK_IMAGES), 10_401);
    let (encrypted, _) = holder.encrypt(holder.prepare().unwrap(), &one_hot(0, 1.0)).unwrap();
    assert_eq!(encrypted.as_bytes().len(), QUERY_BYTES);
    assert_eq!(QUERY_BYTES, 655_360);
    assert_eq!(ANSWER_BYTES, 5 * BLOCK_IMAGES);
}

#[test]
fn scores_are_inner_products() {
    let (public, holder) = key_pair();
    let mut sequence = Sequence(1);
    let mut vectors: Vec<Vec<f32>> = (0..BLOCK_IMAGES - 4).map(|_| sequence.feature()).collect();
    vectors.push(unit(vec![1.0; DIMENSION]));
    vectors.push(unit(vec![-1.0; DIMENSION]));
    vectors.push(one_hot(0, 1.0));
    vectors.push(one_hot(DIMENSION - 1, -1.0));
    let second: Vec<Vec<f32>> = (0..70).map(|_| sequence.signed()).collect();
    let blocks = [holder.seal(&vectors).unwrap(), holder.seal(&second).unwrap()];
    vectors.extend(second);
    let queries = [sequence.feature(), sequence.signed(), one_hot(0, -1.0), unit(vec![1.0; DIMENSION])];
    for query in &queries {
        let scores = search(&public, &holder, &blocks, query);
        assert_eq!(scores.len(), vectors.len());
        for (score, vector) in scores.iter().zip(&vectors) {
            let exact = inner(vector, query);
            assert!((f64::from(*score) - exact).abs() <= BOUND, "{score} {exact}");
            assert!((-1.0..=1.0).contains(score));
            assert_eq!(f64::from(*score), f64::from((f64::from(*score) * 1e4).round() as f32 / 1e4f32), "{score}");
        }
    }
    // The extremes are reached exactly, and not exceeded.
    let scores = search(&public, &holder, &blocks, &unit(vec![1.0; DIMENSION]));
    assert!(scores[BLOCK_IMAGES - 4] >= 0.9998 && scores[BLOCK_IMAGES - 3] <= -0.9998);
}

#[test]
fn the_ranking_is_the_plain_one() {
    let (public, holder) = key_pair();
    let mut sequence = Sequence(2);
    let mut vectors: Vec<Vec<f32>> = (0..10_000).map(|_| sequence.feature()).collect();
    let query = sequence.feature();
    // A hundred neighbours at growing distance, as real photos have; the rest are unrelated.
    for (near, vector) in vectors.iter_mut().step_by(97).enumerate() {
        let weight = near as f64 / 100.0;
        *vector = unit(query.iter().zip(&*vector).map(|(&q, &v)| f64::from(q) + weight * f64::from(v)).collect());
    }
    let blocks: Vec<SealedBlock> = vectors.chunks(BLOCK_IMAGES).map(|chunk| holder.seal(chunk).unwrap()).collect();
    let scores = search(&public, &holder, &blocks, &query);
    let exact: Vec<f64> = vectors.iter().map(|vector| inner(vector, &query)).collect();
    let ranked = |score: &dyn Fn(usize) -> f64| {
        let mut order: Vec<usize> = (0..vectors.len()).collect();
        order.sort_by(|&x, &y| score(y).total_cmp(&score(x)));
        order.truncate(100);
        order
    };
    let (found, expected) = (ranked(&|at| f64::from(scores[at])), ranked(&|at| exact[at]));
    for (place, (&found, &expected)) in found.iter().zip(&expected).enumerate() {
        let gap = exact[expected] - exact[found];
        assert!(found == expected || gap.abs() <= 2.0 * BOUND, "place {place}: {gap}");
    }
}

#[test]
fn every_kernel_gives_the_same_answer() {
    let (public, holder) = key_pair();
    let mut sequence = Sequence(3);
    let vectors: Vec<Vec<f32>> = (0..BLOCK_IMAGES).map(|_| sequence.feature()).collect();
    let block = holder.seal(&vectors).unwrap();
    let (encrypted, _) = holder.encrypt(holder.prepare().unwrap(), &sequence.feature()).unwrap();
    let two = [block.ciphertext(), block.ciphertext()].concat();
    let expected = Evaluator::with_kernel(&public, Kernel::PORTABLE).score(&two, &encrypted).unwrap();
    assert_eq!(expected[..ANSWER_BYTES], expected[ANSWER_BYTES..]);
    for kernel in Kernel::supported() {
        let evaluator = Evaluator::with_kernel(&public, kernel);
        assert_eq!(evaluator.kernel(), kernel);
        assert_eq!(evaluator.score(&two, &encrypted).unwrap(), expected, "{}", kernel.name());
        // The number of threads does not matter.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        assert_eq!(pool.install(|| evaluator.score(&two, &encrypted).unwrap()), expected);
    }
}

#[test]
fn a_block_opens_to_its_vectors() {
    let (_, holder) = key_pair();
    let mut sequence = Sequence(4);
    let vectors: Vec<Vec<f32>> = (0..130).map(|_| sequence.feature()).collect();
    let block = holder.seal(&vectors).unwrap();
    let opened = holder.open(block.ciphertext(), block.nonce(), block.images()).unwrap();
    assert_eq!(opened.len(), 130);
    for (opened, vector) in opened.iter().zip(&vectors) {
        assert!(opened.iter().zip(vector).all(|(x, y)| (x - y).abs() < 22.0 / 185_363.0));
    }
}

#[test]
fn a_block_opens_only_with_its_own_key_nonce_and_bytes() {
    let (public, holder) = key_pair();
    let block = holder.seal(&[one_hot(5, 1.0)]).unwrap();
    let stranger = KeyHolder::new(&public, SecretContext::generate().unwrap()).unwrap();
    assert!(matches!(stranger.open(block.ciphertext(), block.nonce(), 1), Err(Error::NotOpened)));
    let mut nonce = *block.nonce();
    nonce[31] ^= 1;
    assert!(matches!(holder.open(block.ciphertext(), &nonce, 1), Err(Error::NotOpened)));
    let mut bytes = block.ciphertext().to_vec();
    bytes[0] ^= 1;
    assert!(matches!(holder.open(&bytes, block.nonce(), 1), Err(Error::NotOpened)));
    bytes[..5].fill(0xff);
    assert!(matches!(holder.open(&bytes, block.nonce(), 1), Err(Error::Residue { .. })));
    assert!(matches!(holder.open(&bytes[1..], block.nonce(), 1), Err(Error::Length { .. })));
    for images in [0, 513] {
        let refused = holder.open(block.ciphertext(), block.nonce(), images);
        assert!(matches!(refused, Err(Error::ImagesInBlock { actual, .. }) if actual == images));
    }
}

#[test]
fn vectors_that_are_not_unit_vectors_are_refused() {
    let (_, holder) = key_pair();
    let mut not_a_number = one_hot(3, 1.0);
    not_a_number[100] = f32::NAN;
    let mut infinite = one_hot(3, 1.0);
    infinite[100] = f32::INFINITY;
    let bad = [vec![], vec![0.5; 2047], not_a_number, infinite, vec![0.0; DIMENSION], one_hot(1, 1.01)];
    let expected = |fault: &VectorFault, at: usize| match at {
        0 => matches!(fault, VectorFault::Length { actual: 0, expected: 2048 }),
        1 => matches!(fault, VectorFault::Length { actual: 2047, .. }),
        2 | 3 => matches!(fault, VectorFault::NotFinite { component: 100 }),
        _ => matches!(fault, VectorFault::Norm { .. }),
    };
    for (at, vector) in bad.into_iter().enumerate() {
        let refused = holder.encrypt(holder.prepare().unwrap(), &vector).err().unwrap();
        assert!(matches!(refused, Error::Query { fault } if expected(&fault, at)), "query {at}");
        let refused = holder.seal(&[one_hot(0, 1.0), vector]).err().unwrap();
        assert!(matches!(refused, Error::Vector { position: 1, fault } if expected(&fault, at)), "vector {at}");
    }
    assert!(matches!(holder.seal::<Vec<f32>>(&[]), Err(Error::ImagesInBlock { actual: 0, .. })));
    let many = vec![one_hot(0, 1.0); 513];
    assert!(matches!(holder.seal(&many), Err(Error::ImagesInBlock { actual: 513, most: 512 })));
}

#[test]
fn nothing_repeats_between_sealings_or_queries() {
    let (_, holder) = key_pair();
    let vectors = [one_hot(1, 1.0), one_hot(2, 1.0)];
    let (first, second) = (holder.seal(&vectors).unwrap(), holder.seal(&vectors).unwrap());
    assert_ne!(first.nonce(), second.nonce());
    let query = one_hot(1, 1.0);
    let encrypt = || holder.encrypt(holder.prepare().unwrap(), &query).unwrap().0;
    let (one, other) = (encrypt(), encrypt());
    // Rows of 8 coefficients: two equal ones by chance have probability 2^-319 each.
    let share_a_row = |x: &[u8], y: &[u8]| x.chunks(40).zip(y.chunks(40)).any(|(x, y)| x == y);
    assert!(!share_a_row(first.ciphertext(), second.ciphertext()));
    assert!(!share_a_row(first.hint(), second.hint()));
    assert!(!share_a_row(one.as_bytes(), other.as_bytes()));
}

#[test]
fn a_wrong_key_or_an_altered_answer_is_refused_whole() {
    let (public, holder) = key_pair();
    let mut sequence = Sequence(5);
    let vectors: Vec<Vec<f32>> = (0..BLOCK_IMAGES).map(|_| sequence.feature()).collect();
    let block = holder.seal(&vectors).unwrap();
    let evaluator = Evaluator::new(&public).unwrap();
    let query = sequence.feature();
    let ask = || {
        let (encrypted, secret) = holder.encrypt(holder.prepare().unwrap(), &query).unwrap();
        (evaluator.score(block.ciphertext(), &encrypted).unwrap(), secret)
    };

    let stranger = KeyHolder::new(&public, SecretContext::generate().unwrap()).unwrap();
    let (answer, secret) = ask();
    assert!(matches!(secret.decrypt(&stranger, [scanned(&block)], &answer), Err(Error::AnswerRefused)));

    let (mut answer, secret) = ask();
    answer[..5].fill(0xff);
    assert!(matches!(secret.decrypt(&holder, [scanned(&block)], &answer), Err(Error::AnswerRefused)));

    // The answer to another query, and the answer for another block.
    let ((answer, _), (_, secret)) = (ask(), ask());
    assert!(matches!(secret.decrypt(&holder, [scanned(&block)], &answer), Err(Error::AnswerRefused)));
    let other = holder.seal(&vectors).unwrap();
    let (answer, secret) = ask();
    assert!(matches!(secret.decrypt(&holder, [scanned(&other)], &answer), Err(Error::AnswerRefused)));

    let (answer, secret) = ask();
    let short = secret.decrypt(&holder, [scanned(&block)], &answer[5..]);
    assert!(matches!(short, Err(Error::Length { what: "answer", .. })));
    let (answer, secret) = ask();
    let hint = ScannedBlock { hint: &block.hint()[1..], ..scanned(&block) };
    assert!(matches!(secret.decrypt(&holder, [hint], &answer), Err(Error::Length { what: "hint", .. })));
    let (answer, secret) = ask();
    let count = ScannedBlock { images: 513, ..scanned(&block) };
    assert!(matches!(secret.decrypt(&holder, [count], &answer), Err(Error::ImagesInBlock { actual: 513, .. })));
}

/// An attack that needs only public knowledge: adds `shift` to the score of the first image of the first lane. Adding a
/// constant to all values of a lane's fold adds it to the first coefficient, K times over.
fn shift_first_score(answer: &mut [u8], shift: f64) {
    const PRIMES: [i64; 2] = [1_032_193, 995_329];
    let added = 32 * (shift * 2f64.powi(38)).round() as i64;
    for bytes in answer[..64 * 5].as_chunks_mut::<5>().0 {
        let [b0, b1, b2, b3, b4] = *bytes;
        let word = u64::from_le_bytes([b0, b1, b2, b3, b4, 0, 0, 0]) as i64;
        let [first, second] = [word & 0xf_ffff, word >> 20];
        let (first, second) = ((first + added).rem_euclid(PRIMES[0]), (second + added).rem_euclid(PRIMES[1]));
        bytes.copy_from_slice(&(first | second << 20).to_le_bytes()[..5]);
    }
}

#[test]
fn a_shifted_score_is_noticed_only_beyond_what_a_cosine_can_be() {
    let (public, holder) = key_pair();
    let block = holder.seal(&[one_hot(1, 1.0), one_hot(2, 1.0)]).unwrap();
    let evaluator = Evaluator::new(&public).unwrap();
    let shifted = |shift: f64| {
        let (encrypted, secret) = holder.encrypt(holder.prepare().unwrap(), &one_hot(1, 1.0)).unwrap();
        let mut answer = evaluator.score(block.ciphertext(), &encrypted).unwrap();
        shift_first_score(&mut answer, shift);
        secret.decrypt(&holder, [scanned(&block)], &answer)
    };
    // A limit that docs/threat-model.md states: a score that is shifted and stays possible is accepted.
    for (shift, expected) in [(0.0, 1.0), (-0.25, 0.75), (-1.5, -0.5)] {
        let scores = shifted(shift).unwrap();
        assert!((f64::from(scores[0]) - expected).abs() < 1e-3 && scores[1].abs() < 1e-3, "{shift}: {scores:?}");
    }
    // The whole answer is refused as soon as one score is impossible, which lets a host learn a score bit by bit.
    for shift in [0.01, -2.01] {
        assert!(matches!(shifted(shift), Err(Error::AnswerRefused)), "{shift}");
    }
}

#[test]
fn damaged_ciphertext_never_panics() {
    let (public, holder) = key_pair();
    // A full block: 512 scores are never all possible by accident.
    let block = holder.seal(&vec![one_hot(1, 1.0); BLOCK_IMAGES]).unwrap();
    let evaluator = Evaluator::new(&public).unwrap();
    let mut hint = block.hint().to_vec();
    hint.fill(0xff);
    for damaged in [vec![0xff; BLOCK_BYTES], vec![0; BLOCK_BYTES]] {
        let (encrypted, secret) = holder.encrypt(holder.prepare().unwrap(), &one_hot(1, 1.0)).unwrap();
        let answer = evaluator.score(&damaged, &encrypted).unwrap();
        let noise = secret.decrypt(&holder, [scanned(&block)], &answer);
        assert!(matches!(noise, Err(Error::AnswerRefused)));
        let (_, secret) = holder.encrypt(holder.prepare().unwrap(), &one_hot(1, 1.0)).unwrap();
        let wrong = ScannedBlock { hint: &hint, images: 512, ..scanned(&block) };
        assert!(matches!(secret.decrypt(&holder, [wrong], &answer), Err(Error::AnswerRefused)));
    }
    let (encrypted, _) = holder.encrypt(holder.prepare().unwrap(), &one_hot(1, 1.0)).unwrap();
    let refused = evaluator.score(&block.ciphertext()[1..], &encrypted);
    assert!(matches!(refused, Err(Error::NotWholeBlocks { .. })));
    assert!(evaluator.score(&[], &encrypted).unwrap().is_empty());
}

#[test]
fn foreign_queries_are_checked() {
    let (_, holder) = key_pair();
    let (encrypted, _) = holder.encrypt(holder.prepare().unwrap(), &one_hot(1, 1.0)).unwrap();
    let set = Parameters::V1;
    let read = EncryptedQuery::from_bytes(&set, encrypted.as_bytes()).unwrap();
    assert_eq!(read.as_bytes(), encrypted.as_bytes());
    let mut bytes = encrypted.as_bytes().to_vec();
    bytes[QUERY_BYTES - 5..].fill(0xff);
    assert!(matches!(EncryptedQuery::from_bytes(&set, &bytes), Err(Error::Residue { .. })));
    bytes.pop();
    let error = EncryptedQuery::from_bytes(&set, &bytes).err();
    assert!(matches!(error, Some(Error::Length { actual, .. }) if actual == QUERY_BYTES - 1));
}

#[test]
fn errors_are_as_predicted_over_a_hundred_thousand_scores() {
    let (public, holder) = key_pair();
    let mut sequence = Sequence(6);
    let images = 25 * BLOCK_IMAGES;
    let vectors: Vec<Vec<f32>> = (0..images).map(|_| sequence.feature()).collect();
    let blocks: Vec<SealedBlock> = vectors.chunks(BLOCK_IMAGES).map(|chunk| holder.seal(chunk).unwrap()).collect();
    let mut measured = precision::Measured::default();
    for _ in 0..8 {
        let query = sequence.feature();
        for (score, vector) in search(&public, &holder, &blocks, &query).into_iter().zip(&vectors) {
            measured.add(f64::from(score), inner(vector, &query));
        }
    }
    let predicted = precision::predicted_score_std(&Parameters::V1);
    assert!((measured.std() / predicted - 1.0).abs() < 0.1, "{} {predicted}", measured.std());
    assert!(measured.max() <= 2e-4, "{}", measured.max());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn any_unit_vectors_score_their_inner_products(seed: u64, images in 1usize..200, zeros in 0usize..DIMENSION) {
        let (public, holder) = key_pair();
        let mut sequence = Sequence(seed);
        let mut draw = || {
            let mut vector: Vec<f64> = (0..DIMENSION).map(|_| sequence.next() - 0.5).collect();
            vector[..zeros].fill(0.0);
            unit(vector)
        };
        let vectors: Vec<Vec<f32>> = (0..images).map(|_| draw()).collect();
        let query = draw();
        let blocks = [holder.seal(&vectors).unwrap()];
        for (score, vector) in search(&public, &holder, &blocks, &query).into_iter().zip(&vectors) {
            prop_assert!((f64::from(score) - inner(vector, &query)).abs() <= BOUND);
        }
    }
}
