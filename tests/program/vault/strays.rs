//! What does not belong to a vault: it is reported, moved aside if it is in the way or a repair is asked for, and never
//! removed.

use std::fs;
use std::os::unix::fs::symlink;

use cipherlens::durable::IfLocked;
use cipherlens::vault::{Leftovers, LostPhotoPolicy, repair};

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
