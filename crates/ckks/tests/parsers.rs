//! Bytes from outside: what a parser accepts is what would have been written, and nothing makes it panic.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

mod collection;

use std::sync::LazyLock;

use cipherlens_ckks::{
    CheckVectors, EncryptedQuery, Error, Evaluator, Parameters, PublicContext, QuerySecret, ScannedGroup, SecretContext,
};
use collection::{Collection, unit_vector};
use proptest::prelude::*;

static COLLECTION: LazyLock<Collection> = LazyLock::new(|| Collection::new(128, 3));

/// Changes of valid bytes: overwritten words, and a new length.
fn altered(valid: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let words = prop::collection::vec((any::<prop::sample::Index>(), any::<u16>()), 0..4);
    let length = prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    (words, length).prop_map(move |(words, length)| {
        let mut bytes = valid.clone();
        for (at, word) in words {
            let at = at.index(bytes.len() - 1);
            bytes[at..at + 2].copy_from_slice(&word.to_le_bytes());
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        bytes
    })
}

fn query() -> Vec<u8> {
    COLLECTION.encrypt(&unit_vector(128, 1)).0.as_bytes().to_vec()
}

proptest! {
    #[test]
    fn contexts(bytes in altered(COLLECTION.public.to_bytes()), secret in altered(COLLECTION.secret.clone())) {
        if let Ok(public) = PublicContext::from_bytes(&bytes) {
            prop_assert_eq!(public.to_bytes(), bytes);
        }
        if let Ok(read) = SecretContext::from_bytes(&secret) {
            prop_assert_eq!(read.to_bytes().to_vec(), secret);
        }
    }

    #[test]
    fn queries_and_blocks(bytes in altered(query()), blocks in altered(COLLECTION.ciphertexts.clone())) {
        let evaluator = Evaluator::new(&COLLECTION.public).unwrap();
        if let Ok(query) = EncryptedQuery::from_bytes(COLLECTION.holder.parameters(), &bytes) {
            prop_assert_eq!(query.as_bytes(), &bytes[..]);
            let scored = evaluator.score(&blocks, &query);
            prop_assert_eq!(scored.is_ok(), blocks.len() == COLLECTION.ciphertexts.len() || blocks.is_empty());
        }
    }

    #[test]
    fn check_vectors(bytes in altered(COLLECTION.checks.to_bytes().to_vec())) {
        if let Ok(read) = CheckVectors::from_bytes(COLLECTION.holder.parameters(), &bytes) {
            prop_assert_eq!(read.to_bytes().to_vec(), bytes);
        }
    }

    #[test]
    fn query_secrets(bytes in altered(COLLECTION.encrypt(&unit_vector(128, 1)).1.into_bytes().to_vec())) {
        let parameters: &Parameters = COLLECTION.holder.parameters();
        let Ok(secret) = QuerySecret::from_bytes(parameters, &bytes) else {
            prop_assert_ne!(bytes.len(), parameters.query_secret_bytes());
            return Ok(());
        };
        // Any bytes of that length are used without a panic, and refused or decrypted to something.
        let (query, _) = COLLECTION.encrypt(&unit_vector(128, 1));
        let answer = COLLECTION.answer(&query);
        let blocks = COLLECTION.scanned();
        let group = ScannedGroup { checks: &COLLECTION.checks, blocks: &blocks };
        let refused = secret.verify(&COLLECTION.holder, &[group], &answer).map(drop);
        prop_assert!(matches!(refused, Err(Error::AnswerRefused)));
    }
}
