//! A host that alters, swaps, loses or rolls back files, or sends wrong answers: each is a specific error.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use cipherlens::remote;
use cipherlens::vault::{Error, Hex, Seen, Snapshot, Vault};

use crate::remote::host::{Host, cause};
use crate::remote::relay::relayed;
use crate::support::vault_fixture::{files, fill, restore, vector};

/// Reads everything that a search and showing each photo need.
fn use_all(vault: &Vault) -> Result<usize, Error> {
    let snapshot = vault.snapshot()?;
    score(vault, &snapshot)?;
    for position in 0..snapshot.len() {
        let image = snapshot.image_at(position)?;
        image.record()?;
        image.thumbnail()?;
        image.photo()?;
        image.vector()?;
    }
    // What a machine reads that has seen the first generation last.
    let first = Seen { generation: 1, tag: Hex([0; 64]) };
    vault.descent(vault.backend(), snapshot.signed(), &first)?;
    Ok(snapshot.len())
}

pub(crate) fn score(vault: &Vault, snapshot: &Snapshot) -> Result<Vec<f32>, Error> {
    let holder = vault.key_holder().unwrap();
    let (query, secret) = holder.encrypt(holder.prepare()?, &vector(1))?;
    let answer = snapshot.score(&query)?;
    snapshot.decrypt(secret, &answer)
}

fn filled() -> (Host, BTreeMap<PathBuf, Vec<u8>>) {
    let host = Host::with_vault();
    fill(&host.open(), 0..2);
    let whole = files(&host.root());
    assert_eq!(host.open().snapshot().unwrap().len(), 2);
    (host, whole)
}

#[test]
fn altering_truncating_or_removing_any_file_is_noticed() {
    let (host, whole) = filled();
    for path in whole.keys() {
        let full = host.root().join(path);
        let name = path.to_str().unwrap();
        for damage in ["altered", "cut", "missing"] {
            let mut bytes = whole[path].clone();
            match damage {
                "altered" => *bytes.last_mut().unwrap() ^= 1,
                "cut" => bytes.truncate(bytes.len() / 2),
                _ => {}
            }
            fs::write(&full, bytes).unwrap();
            if damage == "missing" {
                fs::remove_file(&full).unwrap();
            }
            host.clear_cache();
            match host.try_open(&host.command()).and_then(|vault| use_all(&vault)) {
                Ok(_) => panic!("{name} {damage} was not noticed"),
                Err(Error::Damaged { object, .. } | Error::Missing { object }) => {
                    assert_eq!(object.to_string(), name, "{damage}");
                }
                Err(Error::WrongPassphrase | Error::NotAVault { .. }) => assert_eq!(name, "header"),
                Err(error) => panic!("{name} {damage}: {error}"),
            }
            fs::write(&full, &whole[path]).unwrap();
        }
    }
    assert_eq!(use_all(&host.open()).unwrap(), 2);
}

#[test]
fn swapped_files_are_noticed() {
    let (host, whole) = filled();
    let pairs = |ending: &str| {
        let paths: Vec<_> = whole.keys().filter(|path| path.to_str().unwrap().contains(ending)).collect();
        (paths[0].clone(), paths[1].clone())
    };
    for ending in [".jpg.aes", "encrypted_thumbnails"] {
        let (one, other) = pairs(ending);
        fs::write(host.root().join(&one), &whole[&other]).unwrap();
        fs::write(host.root().join(&other), &whole[&one]).unwrap();
        host.clear_cache();
        assert!(matches!(use_all(&host.open()), Err(Error::Damaged { .. })), "{ending}");
        restore(&host.root(), &whole);
    }
}

#[test]
fn an_old_vault_is_noticed_once_a_newer_one_was_seen() {
    let (host, old) = filled();
    fill(&host.open(), 2..3);
    restore(&host.root(), &old);
    assert!(matches!(host.try_open(&host.command()), Err(Error::RolledBack { found: 2, seen: 3, .. })));
    // The old mapping with the new files is noticed too.
    host.clear_cache();
    assert!(matches!(host.try_open(&host.command()), Err(Error::RolledBack { .. })));
}

#[test]
fn answers_of_wrong_length_or_impossible_content_are_refused() {
    let (host, _) = filled();
    let count = host.path("count");
    // Cached files are not fetched again: the first bytes are the header's, then comes the answer to the search.
    let search = |plan: &str| {
        let vault = host.try_open(&relayed(&host.command(), plan, &count))?;
        score(&vault, &vault.snapshot()?)
    };
    host.clear_cache();
    assert!(search("pass").unwrap()[1] > 0.997);
    for (plan, due) in [("grow 2", 2053), ("shrink 2", 2043)] {
        let error = search(plan).unwrap_err();
        let cause = cause(&error);
        assert!(
            matches!(cause, remote::Error::Length { expected: 2048, actual, .. } if *actual == due),
            "{plan}: {cause}"
        );
    }
    assert!(matches!(cause(&search("repeat 2").unwrap_err()), remote::Error::Length { .. }));
    assert!(matches!(cause(&search("swallow 2").unwrap_err()), remote::Error::Length { actual: 0, .. }));
    // A header that does not open is read again, in case another process has just replaced it.
    assert!(search("flip 1").unwrap()[1] > 0.997);
    // A wrong answer of the right length, which the check vectors refuse.
    let refused = search("overflow 2").unwrap_err();
    assert!(matches!(refused, Error::FalseAnswer), "{refused}");
}

#[test]
fn hints_lists_and_pictures_altered_in_transit_are_refused() {
    let (host, _) = filled();
    let count = host.path("count");
    let mut refused = 0;
    for at in 1..=12 {
        host.clear_cache();
        for plan in ["flip", "grow", "swallow"] {
            let used = host.try_open(&relayed(&host.command(), &format!("{plan} {at}"), &count));
            match used.and_then(|vault| use_all(&vault)) {
                // A plan for a frame that did not arrive.
                Ok(images) => assert_eq!(images, 2),
                Err(Error::Damaged { .. } | Error::WrongPassphrase | Error::FalseAnswer) => refused += 1,
                Err(error) => {
                    assert!(matches!(cause(&error), remote::Error::Length { .. }), "{plan} {at}: {error}");
                    refused += 1;
                }
            }
        }
    }
    // The number of frames, and so of plans carried out, depends on how many requests run at once.
    assert!(refused >= 12, "{refused}");
}

#[test]
fn a_silent_host_times_out() {
    let host = Host::new();
    let silent = host.connect_within("exec sleep 60", Duration::from_millis(300));
    assert!(matches!(silent.err().unwrap(), remote::Error::Silent { .. }));
    // A host that greets and then sends nothing.
    let greets = format!(r"printf 'CLENSRPC\00{}\000'; exec sleep 60", remote::VERSION);
    // Time enough for a busy machine to start a shell.
    let client = host.connect_within(&greets, Duration::from_secs(5)).unwrap();
    let error = client.require_vault().unwrap_err();
    assert!(matches!(cause(&error), remote::Error::Silent { .. }), "{error}");
}
