//! Row "check vectors": an evaluator that answers anything but the true scores of exactly the current blocks is
//! refused, and so are check vectors that are not those of the current generation.

use std::fs;
use std::path::PathBuf;

use cipherlens::ckks::{ANSWER_BYTES, EncryptedQuery, QuerySecret};
use cipherlens::vault::{Error, Snapshot, Vault};
use rayon::prelude::*;

use crate::support::vault_fixture::{
    Fixture, cosine, files, fill, fill_grouped, remove, stored_vector, try_search, vector,
};

/// A vault with a group of two photos, and a third in a segment of its own: two blocks, two sets of check vectors.
fn grouped() -> (Fixture, Vault) {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill_grouped(&vault, 0..2);
    fill(&vault, 2..3);
    (fixture, vault)
}

/// A query, with a secret that can be used again: here the attacker tries more often than a user would.
fn query(vault: &Vault) -> (EncryptedQuery, Vec<u8>) {
    let holder = vault.key_holder().unwrap();
    let (encrypted, secret) = holder.encrypt(holder.prepare().unwrap(), &vector(0)).unwrap();
    (encrypted, secret.into_bytes().to_vec())
}

fn decrypt(vault: &Vault, snapshot: &Snapshot, secret: &[u8], answer: &[u8]) -> Result<Vec<f32>, Error> {
    let parameters = vault.key_holder().unwrap().parameters();
    snapshot.decrypt(QuerySecret::from_bytes(parameters, secret).unwrap(), answer)
}

#[test]
fn an_answer_with_any_one_number_altered_is_refused() {
    let (_fixture, vault) = grouped();
    let snapshot = vault.snapshot().unwrap();
    let (encrypted, secret) = query(&vault);
    let answer = snapshot.score(&encrypted).unwrap();
    assert_eq!(answer.len(), 2 * ANSWER_BYTES);
    let scores = decrypt(&vault, &snapshot, &secret, &answer).unwrap();
    for (number, score) in (0..).zip(&scores) {
        assert!((score - cosine(&stored_vector(0), &stored_vector(number))).abs() < 0.005, "the control");
    }
    (0..answer.len()).into_par_iter().step_by(2).for_each(|at| {
        let number = i16::from_le_bytes([answer[at], answer[at + 1]]);
        // One more, or one less: both are residues, unless the number is the largest or the smallest.
        let by = if at % 4 == 0 { 1 } else { -1 };
        let mut altered = answer.clone();
        altered[at..at + 2].copy_from_slice(&number.wrapping_add(by).to_le_bytes());
        let refused = decrypt(&vault, &snapshot, &secret, &altered);
        assert!(matches!(refused, Err(Error::FalseAnswer)), "number {}", at / 2);
    });
}

#[test]
fn answers_for_other_blocks_or_other_queries_are_refused() {
    let (_fixture, vault) = grouped();
    let snapshot = vault.snapshot().unwrap();
    let (encrypted, secret) = query(&vault);
    let answer = snapshot.score(&encrypted).unwrap();
    let (first, second) = answer.split_at(ANSWER_BYTES);
    let (again, _) = query(&vault);
    let replayed = snapshot.score(&again).unwrap();
    let zeros = vec![0; ANSWER_BYTES];
    let wrong: [(&str, Vec<u8>); 9] = [
        ("nothing", Vec::new()),
        ("a segment left out", first.to_vec()),
        ("the group left out", second.to_vec()),
        ("zeros for the segment", [first, &zeros].concat()),
        ("zeros for the group", [&zeros, second].concat()),
        ("the same block twice", [first, first].concat()),
        ("another order", [second, first].concat()),
        ("one block more", [first, second, second].concat()),
        ("the answer to another encryption of the same photo", replayed.clone()),
    ];
    for (what, wrong) in wrong {
        assert!(matches!(decrypt(&vault, &snapshot, &secret, &wrong), Err(Error::FalseAnswer)), "{what}");
    }
    let mixed = [first, &replayed[ANSWER_BYTES..]].concat();
    assert!(matches!(decrypt(&vault, &snapshot, &secret, &mixed), Err(Error::FalseAnswer)), "half replayed");

    // The blocks of before: the third photo is replaced by a fourth, so the number of blocks is the same.
    let third = snapshot.image_at(2).unwrap().id();
    remove(&vault, &[third]);
    fill(&vault, 3..4);
    let next = vault.snapshot().unwrap();
    assert!(matches!(decrypt(&vault, &next, &secret, &answer), Err(Error::FalseAnswer)), "of an older generation");
    let answer = next.score(&encrypted).unwrap();
    assert!(decrypt(&vault, &next, &secret, &answer).is_ok(), "the control");
}

/// The files of check vectors: that of the group, then that of the segment.
fn checks(fixture: &Fixture, vault: &Vault) -> [PathBuf; 2] {
    let snapshot = vault.snapshot().unwrap();
    let mapping = snapshot.mapping();
    let of_group = mapping.groups[0].checks[0].unwrap();
    let of_segment = mapping.segments[0].features[0].as_ref().unwrap().checks.unwrap();
    [of_group, of_segment].map(|digest| fixture.root().join(format!("encrypted_features/{}.checks", digest.name())))
}

#[test]
fn check_vectors_that_are_not_the_current_ones_are_refused() {
    let (fixture, vault) = grouped();
    let (other, foreign) = grouped();
    let old = files(&fixture.root());
    // The segment is written anew, the group stays.
    fill(&vault, 3..5);
    let current = checks(&fixture, &vault);
    let whole = current.each_ref().map(|path| fs::read(path).unwrap());
    let foreign = checks(&other, &foreign).map(|path| fs::read(path).unwrap());
    let of_before = old.iter().filter(|(path, _)| path.extension().is_some_and(|ending| ending == "checks"));
    let of_before: Vec<&Vec<u8>> = of_before.map(|(_, content)| content).collect();
    assert_eq!(of_before.len(), 2);
    let mut cases = 0;
    for (at, path) in current.iter().enumerate() {
        let mut versions: Vec<Vec<u8>> = vec![whole[1 - at].clone(), Vec::new(), whole[at][1..].to_vec()];
        versions.extend(foreign.iter().cloned());
        versions.extend(of_before.iter().map(|old| (*old).clone()).filter(|old| *old != whole[at]));
        versions.extend((0..whole[at].len()).step_by(4_001).map(|byte| {
            let mut changed = whole[at].clone();
            changed[byte] ^= 1 << (byte % 8);
            changed
        }));
        let name = format!("encrypted_features/{}", path.file_name().unwrap().to_str().unwrap());
        for (number, version) in versions.into_iter().enumerate() {
            fs::write(path, version).unwrap();
            let refused = try_search(&vault, &vault.snapshot().unwrap(), &vector(0)).unwrap_err();
            let is_named = matches!(&refused, Error::Damaged { object, .. } if object.to_string() == name);
            assert!(is_named, "version {number}: {refused}");
            cases += 1;
        }
        fs::remove_file(path).unwrap();
        let missing = try_search(&vault, &vault.snapshot().unwrap(), &vector(0)).unwrap_err();
        assert!(matches!(&missing, Error::Missing { object } if object.to_string() == name), "{missing}");
        fs::write(path, &whole[at]).unwrap();
    }
    println!("{cases} cases");
    assert!(try_search(&vault, &vault.snapshot().unwrap(), &vector(0)).is_ok());
}
