//! Rows "header and mapping" and "downgrade": the mapping names the header, so neither can be put back without the
//! other, and a vault that was upgraded does not become an old one again.

use std::fs;
use std::path::Path;

use cipherlens::cipher::{Cost, Passphrase};
use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, Error, FeatureSpace, Freshness, Transaction, Upgrade, Vault};

use crate::support::vault_fixture::{DIMENSION, Fixture, files, fill, passphrase, restore};

/// Bytes of a header before the body of its only slot: 70, number of slots 2, kind 1, slot id 8, length 2.
const BEFORE_BODY: usize = 70 + 2 + 1 + 8 + 2;

fn open(root: &Path, text: &str, freshness: Freshness) -> Result<Vault, Error> {
    Ok(Vault::open(vault::local(root), &passphrase(text), freshness)?.0)
}

/// Why a vault does not open, on a machine that has seen nothing of it.
fn refused(fixture: &Fixture, text: &str) -> Error {
    match open(&fixture.root(), text, Freshness::unrecorded()) {
        Ok(_) => panic!("it opens with {text:?}"),
        Err(error) => error,
    }
}

#[test]
fn the_header_of_another_generation_or_another_vault_is_refused() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let [header, mapping, new] = ["header", "mapping.json", "header.new"].map(|name| fixture.root().join(name));
    let (old, old_mapping) = (fs::read(&header).unwrap(), fs::read(&mapping).unwrap());
    vault.change_passphrase(&passphrase("correct"), &passphrase("better"), Cost::FLOOR, IfLocked::Refuse).unwrap();
    let (current, current_mapping) = (fs::read(&header).unwrap(), fs::read(&mapping).unwrap());
    assert!(open(&fixture.root(), "better", Freshness::unrecorded()).is_ok());
    assert!(matches!(refused(&fixture, "correct"), Error::WrongPassphrase));

    // The old one opens the master key, and with it the mapping, which says that it is not the one.
    fs::write(&header, &old).unwrap();
    let replaced = refused(&fixture, "correct");
    assert!(matches!(replaced, Error::HeaderReplaced { generation: 3 }), "{replaced}");
    assert!(matches!(refused(&fixture, "better"), Error::WrongPassphrase));
    // Naming it in the mapping needs the key.
    let named = |mapping: &[u8], header: &[u8]| {
        let text = String::from_utf8(mapping.to_vec()).unwrap();
        let digest = |header: &[u8]| vault::Digest::of(&[header]).to_string();
        let changed = text.replace(&digest(&current), &digest(header));
        assert_ne!(changed, text);
        changed
    };
    fs::write(&mapping, named(&current_mapping, &old)).unwrap();
    let forged = refused(&fixture, "correct");
    assert!(forged.to_string().contains("mapping.json"), "{forged}");
    fs::write(&mapping, &current_mapping).unwrap();

    // An older header beside the current one is not tried: only the one that the mapping names.
    fs::write(&header, &current).unwrap();
    fs::write(&new, &old).unwrap();
    assert!(open(&fixture.root(), "better", Freshness::unrecorded()).is_ok());
    assert!(matches!(refused(&fixture, "correct"), Error::WrongPassphrase));
    fs::remove_file(&new).unwrap();
    // The old mapping with the current header.
    fs::write(&mapping, &old_mapping).unwrap();
    assert!(matches!(refused(&fixture, "better"), Error::HeaderReplaced { generation: 2 }));
    // Both together are an older copy of the whole vault: a machine that has seen the newer one notices.
    fs::write(&header, &old).unwrap();
    let seen = open(&fixture.root(), "correct", fixture.freshness()).err().unwrap();
    assert!(matches!(seen, Error::RolledBack { found: 2, seen: 3 }), "{seen}");
    assert!(open(&fixture.root(), "correct", Freshness::unrecorded()).is_ok(), "docs/threat-model.md, rollback");

    // Of another vault with the same passphrase: the whole header, and its slot in the header of this one.
    let other = Fixture::new();
    let foreign = fs::read(other.root().join("header")).unwrap();
    fs::write(&header, &foreign).unwrap();
    let not_ours = refused(&fixture, "correct");
    assert!(not_ours.to_string().contains("mapping.json"), "{not_ours}");
    for from in [0, 70, 73, BEFORE_BODY] {
        let slot = [&old[..from], &foreign[from..]].concat();
        fs::write(&header, slot).unwrap();
        assert!(matches!(refused(&fixture, "correct"), Error::WrongPassphrase | Error::Damaged { .. }), "from {from}");
    }
}

#[test]
fn a_header_from_before_a_passphrase_was_added_or_removed_is_refused() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let header = fixture.root().join("header");
    let [before, both, after] = {
        let before = fs::read(&header).unwrap();
        let id = vault.add_passphrase(&passphrase("lent"), IfLocked::Refuse).unwrap();
        let both = fs::read(&header).unwrap();
        vault.remove_slot(id, IfLocked::Refuse).unwrap();
        [before, both, fs::read(&header).unwrap()]
    };
    assert!(after == before, "one slot was added and removed again");
    assert!(matches!(refused(&fixture, "lent"), Error::WrongPassphrase));

    // The header with both slots, put back: each of its passphrases opens the master key, and the mapping says no.
    fs::write(&header, &both).unwrap();
    for text in ["lent", "correct"] {
        let replaced = refused(&fixture, text);
        assert!(matches!(replaced, Error::HeaderReplaced { generation: 4 }), "{text}: {replaced}");
    }
    // The removed slot alone in the current header.
    let slot = &both[after.len()..];
    for slots in [[&after[72..], slot].concat(), [slot, &after[72..]].concat()] {
        fs::write(&header, [&after[..70], &[2, 0], &slots].concat()).unwrap();
        assert!(matches!(refused(&fixture, "lent"), Error::HeaderReplaced { .. }));
    }
    // As an unfinished change it is not tried: the next writer removes it.
    fs::write(&header, &after).unwrap();
    fs::write(fixture.root().join("header.new"), &both).unwrap();
    assert!(matches!(refused(&fixture, "lent"), Error::WrongPassphrase));
    fill(&fixture.open(), 1..2);
    assert!(!fixture.root().join("header.new").exists());

    // While the vault is open, each change starts from the header that the mapping names, or not at all: otherwise the
    // next commit would name the removed slot again.
    let vault = fixture.open();
    let mapping = fs::read(fixture.root().join("mapping.json")).unwrap();
    fs::write(&header, &both).unwrap();
    let (correct, new) = (passphrase("correct"), passphrase("new"));
    let lent = vault::Hex(slot[1..9].try_into().unwrap());
    for outcome in [
        vault.add_passphrase(&new, IfLocked::Refuse).map(drop),
        vault.change_passphrase(&correct, &new, Cost::FLOOR, IfLocked::Refuse).map(drop),
        vault.remove_slot(lent, IfLocked::Refuse),
        vault.slots(&correct).map(drop),
    ] {
        assert!(matches!(outcome, Err(Error::HeaderReplaced { .. })), "{outcome:?}");
    }
    assert_eq!(fs::read(fixture.root().join("mapping.json")).unwrap(), mapping);
    fs::write(&header, &after).unwrap();
    vault.add_passphrase(&new, IfLocked::Refuse).unwrap();

    // The other way: from before a passphrase was added.
    let opens = |text: &str| open(&fixture.root(), text, Freshness::unrecorded()).is_ok();
    assert!(opens("new") && opens("correct"));
    fs::write(&header, &after).unwrap();
    assert!(matches!(refused(&fixture, "correct"), Error::HeaderReplaced { .. }));
    // The slot of another vault with the same passphrases.
    let other = Fixture::new();
    other.open().add_passphrase(&passphrase("lent"), IfLocked::Refuse).unwrap();
    let foreign = fs::read(other.root().join("header")).unwrap();
    let mixed = [&after[..70], &[2, 0], &after[72..], &foreign[after.len()..]].concat();
    fs::write(&header, mixed).unwrap();
    assert!(matches!(refused(&fixture, "lent"), Error::WrongPassphrase));
    assert!(matches!(refused(&fixture, "correct"), Error::HeaderReplaced { .. }));
}

/// A vault of format 1 in the repository.
fn version_1() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vault_version_1")
}

/// The first numbers of an old vector, made a unit vector again. The program projects, which needs its model.
fn shortened(vector: &[f32]) -> Option<Vec<f32>> {
    let norm = vector[..DIMENSION].iter().map(|x| x * x).sum::<f32>().sqrt();
    (norm > 0.0).then(|| vector[..DIMENSION].iter().map(|x| x / norm).collect())
}

#[test]
fn the_mapping_of_an_older_format_does_not_bring_the_old_vault_back() {
    const TEXT: &str = "correct horse battery staple";
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("vault");
    let old = files(&version_1());
    fs::create_dir(&root).unwrap();
    restore(&root, &old);
    let freshness = || Freshness::in_directory(folder.path().join("seen"));
    let vault = open(&root, TEXT, freshness()).unwrap();
    let FeatureSpace { weights, preprocessing, precision, .. } = vault.feature_space().clone();
    let features = FeatureSpace {
        network: "n".into(),
        basis: Some("the first numbers".into()),
        dimension: DIMENSION,
        threshold: 800,
        weights,
        preprocessing,
        precision,
    };
    let passphrase: Passphrase = passphrase(TEXT);
    let draft = folder.path().join("draft");
    let upgrade = Upgrade { passphrase: &passphrase, features, project: &shortened, draft: &draft };
    let upgraded = vault::upgrade(&vault, upgrade, IfLocked::Refuse, &|_| {}).unwrap();
    assert!(upgraded.report.is_whole() && upgraded.generation == 3);
    let new = files(&root);
    let is_whole = |freshness| open(&root, TEXT, freshness).unwrap().check(&|_| {}).unwrap().is_whole();
    assert!(is_whole(freshness()));

    // The old mapping, with the new header and with the old one: its tag is right, and its generation is older.
    for names in [&["mapping.json"][..], &["mapping.json", "header"]] {
        for name in names {
            fs::write(root.join(name), &old[Path::new(name)]).unwrap();
        }
        let refused = open(&root, TEXT, freshness()).err().unwrap();
        assert!(matches!(refused, Error::RolledBack { found: 2, seen: 3 }), "{refused}");
        // A machine that has seen nothing of the vault opens an old one whose files are missing, and changes nothing.
        let vault = open(&root, TEXT, Freshness::unrecorded()).unwrap();
        assert!(vault.is_old());
        assert!(!vault.check(&|_| {}).unwrap().is_whole());
        assert!(matches!(Transaction::begin(&vault, IfLocked::Refuse), Err(Error::Outdated)));
    }
    // The new mapping with the old header.
    restore(&root, &new);
    fs::write(root.join("header"), &old[Path::new("header")]).unwrap();
    let refused = open(&root, TEXT, Freshness::unrecorded()).err().unwrap();
    assert!(matches!(refused, Error::HeaderReplaced { generation: 3 }), "{refused}");
    // Everything that the old vault had: an older copy of the whole vault.
    restore(&root, &old);
    assert!(matches!(open(&root, TEXT, freshness()), Err(Error::RolledBack { found: 2, seen: 3 })));
    assert!(is_whole(Freshness::unrecorded()), "docs/threat-model.md, rollback");
    restore(&root, &new);
    assert!(is_whole(freshness()));
}
