//! What does not belong to a vault: it is reported, moved aside if it is in the way or a repair is asked for, and never
//! removed.

use std::fs;
use std::os::unix::fs::symlink;

use cipherlens::durable::IfLocked;
use cipherlens::vault;
use cipherlens::vault::{Leftovers, LostPhotoPolicy, Transaction, repair};

use crate::support::scene::copy_folder;
use crate::support::vault_fixture::{Again, Fixture, fill, readable};

/// The files at the top that a writer makes anew or removes, of the current format and of earlier ones.
const WRITTEN: [&str; 5] = ["header.new", "mapping.json.new", "lock", "public_context", "secret_context"];

#[test]
fn what_stands_in_the_place_of_a_writers_file_is_named_and_makes_way() {
    for name in WRITTEN {
        for is_link in [false, true] {
            let fixture = Fixture::new();
            let vault = fixture.open();
            let first = fill(&vault, 0..1);
            let (obstacle, aside) = (fixture.root().join(name), fixture.root().join("set_aside").join(name));
            let _ = fs::remove_file(&obstacle);
            let outside = fixture.beside("outside");
            fs::create_dir(&outside).unwrap();
            fs::write(outside.join("letter"), "not ours").unwrap();
            if is_link {
                symlink(&outside, &obstacle).unwrap();
            } else {
                fs::rename(&outside, &obstacle).unwrap();
            }
            assert_eq!(vault.check(&|_| {}).unwrap().leftovers.strays, [name]);
            let second = fill(&vault, 1..2);
            assert_eq!(readable(&vault.snapshot().unwrap(), &[first, second].concat()), 2);
            assert_eq!(fs::read_to_string(aside.join("letter")).unwrap(), "not ours", "{name}");
            assert_eq!(fs::symlink_metadata(&aside).unwrap().is_symlink(), is_link, "{name}");
            assert_eq!(vault.check(&|_| {}).unwrap().leftovers, Leftovers::default());
        }
    }
}

#[test]
fn a_folder_in_the_place_of_a_photo_makes_way() {
    for is_restored in [true, false] {
        let fixture = Fixture::new();
        let vault = fixture.open();
        let ids = fill(&vault, 0..3);
        let other = fixture.beside("other");
        copy_folder(&fixture.root(), &other);
        let name = format!("encrypted_images/{}.jpg.aes", ids[0]);
        let file = fixture.root().join(&name);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        fs::write(file.join("letter"), "not ours").unwrap();
        if is_restored {
            let _ = vault::restore(&vault, &*vault::local(&other), IfLocked::Refuse, &|_| {}).unwrap();
        } else {
            let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
            transaction.remove(ids[0]).unwrap();
            drop(transaction.commit().unwrap());
        }
        let repaired = repair(&vault, &Again, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
        assert!(repaired.after.is_whole());
        assert_eq!(repaired.after.leftovers, Leftovers::default());
        assert_eq!(vault.snapshot().unwrap().len(), if is_restored { 3 } else { 2 });
        let aside = fixture.root().join("set_aside").join(&name).join("letter");
        assert_eq!(fs::read_to_string(aside).unwrap(), "not ours");
    }
}

#[test]
fn foreign_files_at_the_top_and_among_the_claims_are_strays() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    // Left by writers, or kept for later versions: no strays.
    let claim = format!("claims/7-{}", "1".repeat(32));
    for name in ["claims/9", &claim, &format!("{claim}.header")] {
        fs::write(fixture.root().join(name), "").unwrap();
    }
    for folder in ["drops", "kept", "set_aside"] {
        fs::create_dir(fixture.root().join(folder)).unwrap();
    }
    assert_eq!(vault.check(&|_| {}).unwrap().leftovers, Leftovers::default());
    fs::create_dir(fixture.root().join("claims/8")).unwrap();
    let strays = ["claims/8", "claims/letter", "header.txt", "letter"];
    for name in &strays[1..] {
        fs::write(fixture.root().join(name), *name).unwrap();
    }
    let sorted = |mut strays: Vec<String>| {
        strays.sort();
        strays
    };
    assert_eq!(sorted(vault.check(&|_| {}).unwrap().leftovers.strays), strays);
    fill(&vault, 1..2);
    assert_eq!(sorted(vault.check(&|_| {}).unwrap().leftovers.strays), strays, "a commit leaves them alone");
    let repaired = repair(&vault, &Again, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
    assert_eq!(repaired.after.leftovers, Leftovers::default());
    for name in &strays[1..] {
        assert_eq!(fs::read_to_string(fixture.root().join("set_aside").join(name)).unwrap(), *name);
    }
    assert!(fixture.root().join("set_aside/claims/8").is_dir());
}
