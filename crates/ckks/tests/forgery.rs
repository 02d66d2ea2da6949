//! Attacks on answers. An altered answer is refused whatever it decrypts to, and the refusal tells nothing.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

mod collection;

use std::sync::LazyLock;

use cipherlens_ckks::{ANSWER_BYTES, BLOCK_IMAGES, CheckVectors, Error, QuerySecret, ScannedBlock, ScannedGroup};
use collection::{Collection, unit_vector};
use proptest::prelude::*;

const DIMENSION: usize = 128;
const BLOCKS: usize = 3;
/// Largest centred residues.
const HALVES: [i16; 2] = [30_720, 20_480];
const ROW_BYTES: usize = 16;

/// Three full blocks, a query, its answer, and bytes from which its secret is read again for each try. A program that
/// keeps to the rules has no such second try.
struct Target {
    collection: Collection,
    secret: Vec<u8>,
    answer: Vec<u8>,
    /// The answer to another query.
    other: Vec<u8>,
}

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let collection = Collection::new(DIMENSION, BLOCKS * BLOCK_IMAGES);
    let (query, secret) = collection.encrypt(&unit_vector(DIMENSION, 1 << 40));
    let answer = collection.answer(&query);
    let (query, _) = collection.encrypt(&unit_vector(DIMENSION, 1 << 40));
    let other = collection.answer(&query);
    Target { secret: secret.into_bytes().to_vec(), answer, other, collection }
});

impl Target {
    fn secret(&self) -> QuerySecret {
        QuerySecret::from_bytes(self.collection.holder.parameters(), &self.secret).unwrap()
    }

    fn accepts(&self, answer: &[u8]) -> bool {
        self.collection.accepts(self.secret(), answer)
    }
}

/// The residue at a word of an answer, with the largest one of its prime.
fn word(answer: &[u8], at: usize) -> (i16, i16) {
    let residue = i16::from_le_bytes([answer[2 * at], answer[2 * at + 1]]);
    (residue, HALVES[at / 8 % 2])
}

fn set_word(answer: &mut [u8], at: usize, residue: i16) {
    answer[2 * at..2 * at + 2].copy_from_slice(&residue.to_le_bytes());
}

/// Adds to a residue modulo its prime.
fn shift(answer: &mut [u8], at: usize, by: i32) {
    let (residue, half) = word(answer, at);
    let prime = 2 * i32::from(half) + 1;
    let sum = (i32::from(residue) + by).rem_euclid(prime);
    set_word(answer, at, (if sum > i32::from(half) { sum - prime } else { sum }) as i16);
}

#[test]
fn the_true_answer_is_accepted() {
    assert!(TARGET.accepts(&TARGET.answer));
}

#[test]
fn every_single_changed_residue_is_refused() {
    // Each word of a block, by one and by a random amount. No scalar is zero, so none passes by chance.
    for at in 0..ANSWER_BYTES / 2 {
        for by in [1, 12_345] {
            let mut altered = TARGET.answer.clone();
            shift(&mut altered, at + ANSWER_BYTES / 2, by);
            assert!(!TARGET.accepts(&altered), "word {at} by {by}");
        }
    }
}

#[test]
fn changed_blocks_lanes_and_orders_are_refused() {
    let answer = &TARGET.answer;
    let block = |at: usize| &answer[at * ANSWER_BYTES..(at + 1) * ANSWER_BYTES];
    let mut altered: Vec<(&str, Vec<u8>)> = vec![
        ("blocks exchanged", [block(1), block(0), block(2)].concat()),
        ("a block twice", [block(0), block(0), block(2)].concat()),
        ("a block zeroed", [block(0), &[0; ANSWER_BYTES], block(2)].concat()),
        ("all zero", vec![0; answer.len()]),
        ("another query's answer", TARGET.other.clone()),
        ("a block of another query's answer", [&TARGET.other[..ANSWER_BYTES], block(1), block(2)].concat()),
        ("a block dropped", answer[ANSWER_BYTES..].to_vec()),
        ("a block added", [answer, block(2)].concat()),
        ("a byte dropped", answer[..answer.len() - 1].to_vec()),
        ("a byte added", [&answer[..], &[0]].concat()),
        ("nothing", Vec::new()),
    ];
    // Two lanes of a block, and two folds, exchanged throughout.
    let mut lanes = answer.clone();
    lanes[..ANSWER_BYTES].as_chunks_mut::<2>().0.as_chunks_mut::<8>().0.iter_mut().for_each(|row| row.swap(2, 6));
    altered.push(("lanes exchanged", lanes));
    let mut folds = answer.clone();
    let (rows, _) = folds[..ANSWER_BYTES].as_chunks_mut::<{ 2 * ROW_BYTES }>();
    rows.swap(3, 40);
    altered.push(("folds exchanged", folds));
    // The negative answer belongs to the negative query.
    let mut negative = answer.clone();
    (0..answer.len() / 2).for_each(|at| set_word(&mut negative, at, -word(answer, at).0));
    altered.push(("negated", negative));
    for (what, altered) in altered {
        assert!(!TARGET.accepts(&altered), "{what}");
    }
}

#[test]
fn residues_that_are_not_canonical_are_refused() {
    // The same residue class, a prime further: the sums of the check are equal.
    let mut tried = 0;
    for at in 0..ANSWER_BYTES / 2 {
        let (residue, half) = word(&TARGET.answer, at);
        let prime = 2 * i32::from(half) + 1;
        for other in [i32::from(residue) + prime, i32::from(residue) - prime] {
            let Ok(other) = i16::try_from(other) else { continue };
            let mut altered = TARGET.answer.clone();
            set_word(&mut altered, at, other);
            assert!(!TARGET.accepts(&altered), "word {at}");
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn a_block_from_before_it_was_sealed_again_is_refused() {
    let mut collection = Collection::new(DIMENSION, 2 * BLOCK_IMAGES);
    let resealed = collection.holder.seal(&collection.vectors[..BLOCK_IMAGES]).unwrap();
    let old = collection.ciphertexts.clone();
    collection.replace(0, resealed);
    // An evaluator that still has the old bytes.
    let (query, secret) = collection.encrypt(&unit_vector(DIMENSION, 9));
    let fresh = std::mem::replace(&mut collection.ciphertexts, old);
    assert!(!collection.accepts(secret, &collection.answer(&query)));
    collection.ciphertexts = fresh;
    let (query, secret) = collection.encrypt(&unit_vector(DIMENSION, 9));
    assert!(collection.accepts(secret, &collection.answer(&query)));
}

#[test]
fn check_vectors_of_another_epoch_refuse() {
    // The vectors were made with the scalars of epoch 0.
    let bytes = TARGET.collection.checks.to_bytes();
    let mut moved = bytes.to_vec();
    moved[0] = 1;
    let moved = CheckVectors::from_bytes(TARGET.collection.holder.parameters(), &moved).unwrap();
    let blocks: Vec<ScannedBlock<'_>> = TARGET.collection.scanned();
    let group = ScannedGroup { checks: &moved, blocks: &blocks };
    let refused = TARGET.secret().verify(&TARGET.collection.holder, &[group], &TARGET.answer);
    assert!(matches!(refused, Err(Error::AnswerRefused)));
}

#[test]
fn shifts_of_a_score_are_refused_whatever_the_score_becomes() {
    // The attack on the first engine: shift one score by many amounts and watch which answers are refused as
    // impossible. A constant added to all folds of one lane, modulo both primes, adds it to the score of image 0 of the
    // lane (times n), and the score stays possible for most amounts.
    let mut refused = Vec::new();
    for step in 0..1000 {
        let mut altered = TARGET.answer.clone();
        let amount = (step + 1) * 1_073_741;
        for row in 0..ANSWER_BYTES / ROW_BYTES {
            let prime = 2 * i64::from(HALVES[row % 2]) + 1;
            shift(&mut altered, row * 8 + 3, (i64::from(amount) * 2048 % prime) as i32);
        }
        let collection = &TARGET.collection;
        let blocks = collection.scanned();
        let group = ScannedGroup { checks: &collection.checks, blocks: &blocks };
        let error = TARGET.secret().verify(&collection.holder, &[group], &altered).map(drop).unwrap_err();
        refused.push(error.to_string());
    }
    refused.dedup();
    assert_eq!(refused, ["the answer was refused: it is not the result for this query and these blocks"]);
}

/// Alterations of an answer by somebody who knows everything but the keys.
#[derive(Clone, Debug)]
enum Alteration {
    Residue(usize, i32),
    Two([(usize, i32); 2]),
    Row(usize, i32),
    Lane(usize, i32),
    Constant(usize, i32),
    Opposite(usize, usize, i32),
    Exchanged(usize, usize),
    Copied(usize, usize),
    Other(usize),
    Bit(usize, u8),
}

impl Alteration {
    fn apply(&self, answer: &mut [u8], other: &[u8]) {
        let words = answer.len() / 2;
        match *self {
            Self::Residue(at, by) => shift(answer, at % words, by),
            Self::Two(both) => both.iter().for_each(|&(at, by)| shift(answer, at % words, by)),
            Self::Row(at, by) => (0..8).for_each(|lane| shift(answer, at % words / 8 * 8 + lane, by)),
            Self::Lane(at, by) => {
                let first = at % words / (ANSWER_BYTES / 2) * (ANSWER_BYTES / 2) + at % 8;
                (0..ANSWER_BYTES / ROW_BYTES).for_each(|row| shift(answer, first + row * 8, by));
            }
            Self::Constant(block, by) => {
                let first = block % BLOCKS * (ANSWER_BYTES / 2);
                (first..first + ANSWER_BYTES / 2).for_each(|at| shift(answer, at, by));
            }
            Self::Opposite(x, y, by) => {
                // Cancels where both scalars are equal.
                let (x, y) = (x % words, y % words);
                shift(answer, x, by);
                shift(answer, y, -by);
            }
            Self::Exchanged(x, y) => {
                let ((left, _), (right, _)) = (word(answer, x % words), word(answer, y % words));
                set_word(answer, x % words, right);
                set_word(answer, y % words, left);
            }
            Self::Copied(from, to) => set_word(answer, to % words, word(answer, from % words).0),
            Self::Other(at) => set_word(answer, at % words, word(other, at % words).0),
            Self::Bit(at, bit) => answer[at % (2 * words)] ^= 1 << (bit % 8),
        }
    }
}

fn alteration() -> impl Strategy<Value = Alteration> {
    let (at, by) = (0..1usize << 20, -40_000..40_000i32);
    prop_oneof![
        (at.clone(), by.clone()).prop_map(|(at, by)| Alteration::Residue(at, by)),
        [(at.clone(), by.clone()), (at.clone(), by.clone())].prop_map(Alteration::Two),
        (at.clone(), by.clone()).prop_map(|(at, by)| Alteration::Row(at, by)),
        (at.clone(), by.clone()).prop_map(|(at, by)| Alteration::Lane(at, by)),
        (at.clone(), by.clone()).prop_map(|(at, by)| Alteration::Constant(at, by)),
        (at.clone(), at.clone(), by.clone()).prop_map(|(x, y, by)| Alteration::Opposite(x, y, by)),
        (at.clone(), at.clone()).prop_map(|(x, y)| Alteration::Exchanged(x, y)),
        (at.clone(), at.clone()).prop_map(|(from, to)| Alteration::Copied(from, to)),
        at.clone().prop_map(Alteration::Other),
        (at, any::<u8>()).prop_map(|(at, bit)| Alteration::Bit(at, bit)),
    ]
}

proptest! {
    // CIPHERLENS_FORGERIES sets another number; .ci/long/forgery runs a million.
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("CIPHERLENS_FORGERIES").ok().and_then(|number| number.parse().ok()).unwrap_or(4_000)
    ))]
    #[test]
    fn no_altered_answer_is_accepted(alterations in prop::collection::vec(alteration(), 1..4)) {
        let mut altered = TARGET.answer.clone();
        alterations.iter().for_each(|alteration| alteration.apply(&mut altered, &TARGET.other));
        // An alteration may restore what another one changed.
        prop_assert_eq!(TARGET.accepts(&altered), altered == TARGET.answer);
    }
}
