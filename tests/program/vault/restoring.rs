//! Restoring damaged files from another copy of a vault: every kind of file, from copies of any age, here and on hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cipherlens::durable::IfLocked;
use cipherlens::remote::{self, Address, Options, Prompts};
use cipherlens::vault::{self, Backend, Digest, Error, Extension, Found, Hex, NewImage, Restored, Transaction, Vault};

use crate::remote::host::serving;
use crate::support::vault_fixture::{Fixture, append, files, fill, fill_grouped, flip, passphrase, photo, readable};

/// Bytes of an original that is sealed in chunks.
const LARGE_BYTES: usize = (16 << 20) + 1;

/// A vault with every kind of file: a group, segments, packs, a table, small originals and a large one.
fn full() -> Fixture {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill_grouped(&vault, 0..3);
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    transaction.source_of(Path::new("/home/ann/holiday"), "holiday").unwrap();
    append(&mut transaction, 3);
    let large: Vec<u8> = (0..LARGE_BYTES).map(|at| (at / 4096) as u8 ^ (at % 251) as u8).collect();
    let extension = Extension::of(Path::new("x.mov"));
    let photo = transaction.store_stream(&mut &*large, LARGE_BYTES as u64, &extension).unwrap();
    let record = photo.record(Found { source: Hex([0; 16]), path: b"x.mov".to_vec(), modified: None });
    let _ = transaction.append(NewImage { photo, record, vector: None }).unwrap();
    drop(transaction.commit().unwrap());
    let kinds: BTreeSet<_> = contents(&fixture).keys().map(|path| extension_of(path)).collect();
    let every = [
        "aes", "checks", "ckks", "copy", "group", "hints", "list", "pack", "parts", "records", "table", "tags",
        "vectors",
    ];
    assert!(kinds.iter().map(String::as_str).eq(every), "{kinds:?}");
    fixture
}

fn extension_of(path: &Path) -> String {
    path.extension().unwrap().to_str().unwrap().to_owned()
}

/// The files of a vault without the header, the mapping and the history, which each commit changes.
fn contents(fixture: &Fixture) -> BTreeMap<PathBuf, Vec<u8>> {
    let vault = fixture.open();
    let snapshot = vault.snapshot().unwrap();
    let path = |page: &Digest| PathBuf::from(format!("encrypted_features/{}.table", page.name()));
    let history: Vec<_> = snapshot.mapping().pages("history").iter().map(path).collect();
    let is_content = |path: &PathBuf| path.components().count() > 1 && !history.contains(path);
    files(&fixture.root()).into_iter().filter(|(path, _)| is_content(path)).collect()
}

fn restore_from(vault: &Vault, other: &dyn Backend) -> Restored {
    vault::restore(vault, other, IfLocked::Refuse, &|_| {}).unwrap()
}

fn names(restored: &Restored) -> Vec<PathBuf> {
    restored.restored.iter().map(|object| object.to_string().into()).collect()
}

/// Damages some files in one way or another.
fn damage_all<'a>(root: &Path, paths: impl Iterator<Item = &'a PathBuf>) {
    for (number, path) in paths.enumerate() {
        let path = root.join(path);
        match number % 3 {
            0 => flip(&path),
            1 => fs::remove_file(path).unwrap(),
            _ => fs::write(path, "short").unwrap(),
        }
    }
}

#[test]
fn every_kind_of_file_is_restored_byte_for_byte() {
    let fixture = full();
    let copy = Fixture::copy_of(&fixture);
    let (whole, other) = (contents(&fixture), vault::local(copy.root()));
    let vault = fixture.open();
    assert!(names(&restore_from(&vault, &*other)).is_empty(), "nothing is damaged");
    assert_eq!(files(&fixture.root()), files(&copy.root()), "and nothing is committed");
    for path in whole.keys() {
        for is_missing in [false, true] {
            let damaged = fixture.root().join(path);
            if is_missing {
                fs::remove_file(&damaged).unwrap();
            } else {
                flip(&damaged);
            }
            let restored = restore_from(&vault, &*other);
            assert_eq!(names(&restored), std::slice::from_ref(path));
            assert!(restored.lacking.is_empty());
            assert!(contents(&fixture) == whole, "{}", path.display());
        }
    }
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty());
    assert!(files(&fixture.root()) == files(&copy.root()), "the vault is what it was, at the same generation");
}

#[test]
fn damage_behind_damaged_lists_is_restored_here_and_on_hosts() {
    let fixture = full();
    let whole = contents(&fixture);
    let at = |root: &Path, is_remote: bool| -> Arc<dyn Backend> {
        if !is_remote {
            return vault::local(root);
        }
        let options = Options { prompts: Prompts::Refused, cache: None, timeout: Duration::from_secs(120) };
        remote::open(Address::Command(serving(root)), options).unwrap()
    };
    for (is_remote, is_other_remote) in [(false, false), (false, true), (true, false), (true, true)] {
        let (damaged, copy) = (Fixture::copy_of(&fixture), Fixture::copy_of(&fixture));
        damage_all(&damaged.root(), whole.keys());
        let backend = at(&damaged.root(), is_remote);
        let (vault, _) = Vault::open(backend, &passphrase("correct"), damaged.freshness()).unwrap();
        let restored = restore_from(&vault, &*at(&copy.root(), is_other_remote));
        assert_eq!(names(&restored).into_iter().collect::<BTreeSet<_>>(), whole.keys().cloned().collect());
        assert!(restored.lacking.is_empty());
        drop(vault);
        assert!(contents(&damaged) == whole, "{is_remote} {is_other_remote}");
        let report = damaged.open().check(&|_| {}).unwrap();
        assert!(report.is_whole() && report.leftovers.is_empty(), "{:?}", report.leftovers);
    }
}

#[test]
fn an_older_a_newer_and_a_forged_copy_have_what_they_have() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let mut ids = fill(&vault, 0..3);
    let older = Fixture::copy_of(&fixture);
    ids.extend(fill(&vault, 3..5));
    let newer = Fixture::copy_of(&fixture);
    fill(&newer.open(), 5..6);
    // Without the key nobody can make its mapping authentic again; its files are what they are.
    let mapping = newer.root().join("mapping.json");
    let text = fs::read_to_string(&mapping).unwrap();
    fs::write(&mapping, text.replace("\"generation\": 4", "\"generation\": 9")).unwrap();
    assert!(newer.try_open().is_err());

    let originals: Vec<_> = ids.iter().map(|id| PathBuf::from(format!("encrypted_images/{id}.jpg.aes"))).collect();
    damage_all(&fixture.root(), originals.iter());
    let restored = restore_from(&vault, &*vault::local(older.root()));
    assert_eq!(names(&restored).into_iter().collect::<BTreeSet<_>>(), originals[..3].iter().cloned().collect());
    let lacking: BTreeSet<_> = restored.lacking.iter().map(|one| one.file.object.to_string().into()).collect();
    assert_eq!(lacking, originals[3..].iter().cloned().collect());
    assert!(restored.lacking.iter().all(|one| matches!(one.cause, Error::Missing { .. })));
    assert_eq!(readable(&vault.snapshot().unwrap(), &ids), 3);

    let restored = restore_from(&vault, &*vault::local(newer.root()));
    assert_eq!(restored.restored.len(), 2);
    assert_eq!(readable(&vault.snapshot().unwrap(), &ids), 5);
    assert_eq!(vault.snapshot().unwrap().image(ids[4]).unwrap().photo().unwrap().as_slice(), photo(4));
    assert!(vault.check(&|_| {}).unwrap().is_whole());
}

#[test]
fn a_vault_that_may_not_be_changed_is_not_restored() {
    let fixture = Fixture::new();
    fill(&fixture.open(), 0..1);
    let copy = Fixture::copy_of(&fixture);
    fill(&fixture.open(), 1..2);
    // Rolled back on this machine: it can be read only.
    crate::support::vault_fixture::restore(&fixture.root(), &files(&copy.root()));
    let freshness = fixture.freshness().reading();
    let (vault, _) = Vault::open(vault::local(fixture.root()), &passphrase("correct"), freshness).unwrap();
    let refused = vault::restore(&vault, &*vault::local(copy.root()), IfLocked::Refuse, &|_| {});
    assert!(matches!(refused, Err(Error::RolledBack { .. })));
    // Another writer has the lock.
    let vault = copy.open();
    let writer = vault.backend().writer(vault::Abandoned::Remove).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    let refused = vault::restore(&vault, &*vault::local(fixture.root()), IfLocked::Refuse, &|_| {});
    assert!(matches!(refused, Err(Error::Locked)));
}
