//! Repairing a damaged vault. That damage is found is tested in `tests/program/hardening`.

use std::fs;
use std::path::Path;

use cipherlens::durable::IfLocked;
use cipherlens::vault::check::Remedy;
use cipherlens::vault::{Leftovers, LostPhotoPolicy, PackPart, Part, Repaired, Segment, Vault, repair};

use crate::support::vault_fixture::*;

fn repaired(vault: &Vault, losses: LostPhotoPolicy) -> Repaired {
    repair(vault, &Again, losses, IfLocked::Refuse, &|_| {}).unwrap()
}

#[test]
fn blocks_hints_and_thumbnails_are_rebuilt_without_loss() {
    let fixture = Fixture::new();
    let ids = fill(&fixture.open(), 0..3);
    let vault = fixture.open();
    let snapshot = vault.snapshot().unwrap();
    let of_segment = [Part::Blocks, Part::Hints, Part::Checks].map(|part| segment_file(&snapshot, 0, part));
    for object in of_segment.into_iter().chain([pack_file(&snapshot, PackPart::Content)]) {
        damage(&object.path(&fixture.root()));
    }
    fs::write(fixture.root().join("mapping.json.new"), "remains").unwrap();
    let repaired = repaired(&vault, LostPhotoPolicy::Keep);
    // Of the pack, a thumbnail and the part that it is in.
    assert_eq!(repaired.before.damages.len(), 5);
    assert!(repaired.before.damages.iter().all(|damage| matches!(damage.remedy, Remedy::Rebuild | Remedy::Regenerate)));
    assert!(repaired.after.is_whole() && repaired.after.leftovers.is_empty() && repaired.dropped.is_empty());
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(readable(&snapshot, &ids), 3);
    assert!(snapshot.image(ids[2]).unwrap().name().unwrap() == name(2));
    assert_eq!(*snapshot.image(ids[2]).unwrap().thumbnail().unwrap(), b"thumbnail 2");
    assert!(search(&vault, &snapshot, &vector(2))[&ids[2]] > 0.997);
}

#[test]
fn vectors_lists_and_records_are_rebuilt_from_the_photos() {
    for part in [Part::Vectors, Part::List, Part::Records] {
        let fixture = Fixture::new();
        let vault = fixture.open();
        let ids = fill(&vault, 0..3);
        damage(&segment_file(&vault.snapshot().unwrap(), 0, part).path(&fixture.root()));
        let repaired = repaired(&vault, LostPhotoPolicy::Keep);
        assert!(repaired.after.is_whole(), "{part:?}: {:?}", repaired.after.damages);
        assert!(repaired.after.leftovers.is_empty(), "{part:?}");
        let snapshot = vault.snapshot().unwrap();
        assert_eq!(readable(&snapshot, &ids), 3, "{part:?}");
        let image = snapshot.image(ids[1]).unwrap();
        assert_eq!(image.vector().unwrap(), Some(stored_vector(1)), "{part:?}");
        assert_eq!(*image.thumbnail().unwrap(), b"thumbnail 1", "{part:?}");
        let expected = if part == Part::Records { format!("{}.jpg", ids[1]) } else { name(1) };
        assert_eq!(image.name().unwrap(), expected, "{part:?}");
        assert_eq!(vault.snapshot().unwrap().find_content(&vault.content_tag(&photo(1))).unwrap(), Some(ids[1]));
    }
}

#[test]
fn a_damaged_last_segment_does_not_prevent_repair_of_the_others() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..1026);
    let segments = vault.snapshot().unwrap().mapping().segments.clone();
    damage(&segment_file(&vault.snapshot().unwrap(), 0, Part::Blocks).path(&fixture.root()));
    assert!(repaired(&vault, LostPhotoPolicy::Keep).after.is_whole());
    let mended = vault.snapshot().unwrap().mapping().segments.clone();
    assert_eq!(mended[1], segments[1], "intact segments are left alone");

    let snapshot = vault.snapshot().unwrap();
    damage(&segment_file(&snapshot, 0, Part::Hints).path(&fixture.root()));
    damage(&segment_file(&snapshot, 1, Part::Vectors).path(&fixture.root()));
    fs::remove_file(fixture.root().join(format!("encrypted_images/{}.jpg.aes", ids[5]))).unwrap();
    let repaired = repaired(&vault, LostPhotoPolicy::Drop);
    assert_eq!((repaired.before.damages.len(), repaired.dropped.as_slice()), (3, &ids[5..6]));
    assert!(repaired.after.is_whole());
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.segments().unwrap().map(Segment::len).collect::<Vec<_>>(), [1024, 1]);
    assert_eq!(readable(&snapshot, &ids), 1025);
}

#[test]
fn lost_photos_are_kept_listed_until_they_are_dropped() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..3);
    let path = fixture.root().join(format!("encrypted_images/{}.jpg.aes", ids[1]));
    let content = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();

    let kept = repaired(&vault, LostPhotoPolicy::Keep);
    assert_eq!(kept.after.damages.len(), 1);
    assert_eq!((kept.after.damages[0].image, kept.after.damages[0].remedy), (Some(ids[1]), Remedy::Lost));
    fs::write(&path, &content).unwrap();
    assert!(vault.check(&|_| {}).unwrap().is_whole(), "the restored file is intact");

    fs::remove_file(&path).unwrap();
    let dropped = repaired(&vault, LostPhotoPolicy::Drop);
    assert_eq!(dropped.dropped, [ids[1]]);
    assert!(dropped.after.is_whole() && dropped.after.leftovers.is_empty());
    assert_eq!(readable(&vault.snapshot().unwrap(), &ids), 2);
}

#[test]
fn a_segment_that_lost_list_and_records_keeps_its_files() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..2);
    let snapshot = vault.snapshot().unwrap();
    for part in [Part::List, Part::Records] {
        damage(&segment_file(&snapshot, 0, part).path(&fixture.root()));
    }
    let repaired = repaired(&vault, LostPhotoPolicy::Keep);
    assert_eq!(repaired.after.damages.len(), 2);
    assert_eq!(fs::read_dir(fixture.root().join("encrypted_images")).unwrap().count(), 2);
}

/// Changes the last byte of a file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_repair_moves_strays_aside_and_removes_none() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let whole = files(&fixture.root());
    let stray = "encrypted_thumbnails/00112233445566778899aabbccddeeff.aes";
    for content in ["the first of its name", "the second"] {
        fs::write(fixture.root().join(stray), content).unwrap();
        fs::create_dir(fixture.root().join("encrypted_images/folder")).unwrap();
        fs::write(fixture.root().join("encrypted_images/folder/letter"), content).unwrap();
        let repaired = repaired(&vault, LostPhotoPolicy::Keep);
        assert_eq!(repaired.before.leftovers.strays, ["encrypted_images/folder", stray]);
        assert_eq!(repaired.after.leftovers, Leftovers::default());
    }
    let mut expected = whole;
    for (folder, number, content) in [("folder", "", "the first of its name"), ("folder.2", ".2", "the second")] {
        expected.insert(format!("set_aside/{stray}{number}").into(), content.into());
        expected.insert(format!("set_aside/encrypted_images/{folder}/letter").into(), content.into());
    }
    assert_eq!(files(&fixture.root()), expected);
}
