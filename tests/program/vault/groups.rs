//! Groups of segments: a writer reads few files of a large vault, and readers see no difference.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cipherlens::durable::IfLocked;
use cipherlens::services::open_vault::OpenVault;
use cipherlens::services::synthetic;
use cipherlens::vault::check::Remedy;
use cipherlens::vault::{
    Appended, Error, GroupPart, Id, LostPhotoPolicy, Object, Part, Segment, Snapshot, Transaction, Vault, repair,
};

use crate::support::vault_fixture::*;

/// A group with photos 0 to 2, and photo 3 in an ungrouped segment.
fn grouped() -> (Fixture, Vec<Id>) {
    let fixture = Fixture::new();
    let mut ids = fill_grouped(&fixture.open(), 0..3);
    ids.extend(fill(&fixture.open(), 3..4));
    (fixture, ids)
}

fn group_files(fixture: &Fixture, snapshot: &Snapshot) -> [PathBuf; 3] {
    GroupPart::ALL.map(|part| group_file(snapshot, part).path(&fixture.root()))
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn is_recognised(vault: &Vault, snapshot: &Snapshot, ids: &[Id]) {
    for (number, id) in (0..).zip(ids) {
        assert_eq!(snapshot.find_content(&vault.content_tag(&photo(number))).unwrap(), Some(*id));
        assert_eq!(*snapshot.image(*id).unwrap().photo().unwrap(), photo(number));
    }
}

#[test]
fn photos_of_groups_are_listed_searched_recognised_and_removed() {
    let (fixture, ids) = grouped();
    let vault = fixture.open();
    let snapshot = vault.snapshot().unwrap();
    assert_eq!((snapshot.len(), snapshot.mapping().groups.len(), snapshot.mapping().segments.len()), (4, 1, 1));
    is_recognised(&vault, &snapshot, &ids);
    assert_eq!(snapshot.find_content(&vault.content_tag(&photo(4))).unwrap(), None);
    for (number, id) in (0..).zip(&ids) {
        assert!(search(&vault, &snapshot, &vector(number))[id] > 0.997);
    }
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    assert_eq!(append(&mut transaction, 1), Appended::AlreadyPresent(ids[1]));
    transaction.remove(ids[1]).unwrap();
    assert!(matches!(append(&mut transaction, 1), Appended::New(_)), "a photo that is being removed can come back");
    drop(transaction);

    remove(&vault, &ids[1..2]);
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.find_content(&vault.content_tag(&photo(1))).unwrap(), None);
    assert!(matches!(snapshot.image(ids[1]), Err(Error::UnknownImage { .. })));
    assert_eq!(snapshot.len(), 3);
    assert!(search(&vault, &snapshot, &vector(2))[&ids[2]] > 0.997);
    assert!(vault.check(&|_| {}).unwrap().leftovers.is_empty(), "the files of the group were removed");
    remove(&vault, &[ids[0], ids[2], ids[3]]);
    assert_eq!(only_tables(&fixture.root()), 2, "the history and the tombstones");
}

#[test]
fn adding_reads_no_segments_in_groups() {
    let (fixture, ids) = grouped();
    let vault = fixture.open();
    let snapshot = vault.snapshot().unwrap();
    let [list, _, _] = group_files(&fixture, &snapshot);
    let in_segment = [Part::List, Part::Records, Part::Blocks, Part::Hints, Part::Vectors];
    let in_segment = in_segment.map(|part| segment_file(&snapshot, 0, part).path(&fixture.root()));
    let taken: Vec<PathBuf> = [list].into_iter().chain(in_segment).collect();
    let kept: Vec<_> = taken.iter().map(|path| (path, fs::read(path).unwrap())).collect();
    for path in &taken {
        fs::remove_file(path).unwrap();
    }
    let vault = fixture.open();
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    assert_eq!(transaction.find_content(&vault.content_tag(&photo(0))).unwrap(), Some(ids[0]));
    assert!(matches!(append(&mut transaction, 4), Appended::New(_)));
    drop(transaction.commit().unwrap());
    for (path, content) in kept {
        fs::write(path, content).unwrap();
    }
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
    assert_eq!(report.images, 5);
}

#[test]
fn a_damaged_list_or_damaged_tags_are_rebuilt() {
    for part in 0..2 {
        let (fixture, ids) = grouped();
        let vault = fixture.open();
        let files = group_files(&fixture, &vault.snapshot().unwrap());
        match part {
            0 => fs::remove_file(&files[0]).unwrap(),
            _ => damage(&files[1]),
        }
        let found = vault.check(&|_| {}).unwrap();
        assert_eq!(found.damages.len(), 1);
        assert_eq!((found.damages[0].remedy, found.images), (Remedy::Rebuild, 4));
        let repaired = repair(&vault, &Nothing, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
        assert!(repaired.after.is_whole() && repaired.after.leftovers.is_empty(), "{:?}", repaired.after);
        is_recognised(&vault, &vault.snapshot().unwrap(), &ids);
    }
}

#[test]
fn photos_that_could_be_in_damaged_tags_are_not_added() {
    let (fixture, ids) = grouped();
    let vault = fixture.open();
    let [_, _, tags] = group_files(&fixture, &vault.snapshot().unwrap());
    let mut bytes = fs::read(&tags).unwrap();
    bytes[100] ^= 1;
    fs::write(&tags, bytes).unwrap();
    let transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    let named = |error: Error| matches!(error, Error::Damaged { object: Object::Group(_, GroupPart::Tags), .. });
    assert!(named(transaction.find_content(&vault.content_tag(&photo(0))).unwrap_err()));
    assert!(named(transaction.find_content(&vault.content_tag(&photo(9))).unwrap_err()));
    assert_eq!(*transaction.base().image(ids[0]).unwrap().photo().unwrap(), photo(0), "the rest opens");
}

#[test]
fn a_group_that_lost_list_and_tags_keeps_its_files_and_the_rest_opens() {
    let (fixture, ids) = grouped();
    let vault = fixture.open();
    let files = group_files(&fixture, &vault.snapshot().unwrap());
    let kept = files.each_ref().map(|path| fs::read(path).unwrap());
    files.iter().for_each(|path| fs::remove_file(path).unwrap());
    let repaired = repair(&vault, &Nothing, LostPhotoPolicy::Drop, IfLocked::Refuse, &|_| {}).unwrap();
    assert_eq!(repaired.after.damages.len(), 3);
    assert!(repaired.after.damages.iter().all(|damage| damage.remedy == Remedy::Lost));
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(*snapshot.image(ids[3]).unwrap().photo().unwrap(), photo(3));
    assert!(matches!(snapshot.image(ids[0]), Err(Error::Missing { object: Object::Group(_, GroupPart::List) })));
    for (path, content) in files.iter().zip(kept) {
        fs::write(path, content).unwrap();
    }
    assert!(vault.check(&|_| {}).unwrap().is_whole(), "nothing of it was removed");
    is_recognised(&vault, &vault.snapshot().unwrap(), &ids);
}

#[test]
fn a_reader_of_a_removed_group_is_told_to_retry() {
    let (fixture, ids) = grouped();
    let vault = fixture.open();
    let (lazy, read) = (vault.snapshot().unwrap(), vault.snapshot().unwrap());
    read.segments().unwrap().for_each(drop);
    remove(&vault, &ids[..1]);
    assert!(matches!(lazy.segments().err(), Some(Error::Superseded { generation: 4 })));
    assert_eq!(read.segments().unwrap().len(), 2);
    assert_eq!(vault.snapshot_after(&read).unwrap().segments().unwrap().len(), 1);
}

#[test]
fn thousands_of_photos_form_a_group_by_themselves() {
    let fixture = Fixture::new();
    let vault = Arc::new(fixture.open());
    let opened = OpenVault::new(Arc::clone(&vault), vault.snapshot().unwrap());
    let sizes = |snapshot: &Snapshot| -> (Vec<usize>, Vec<usize>) {
        let groups = snapshot.mapping().groups.iter().map(|group| group.segments).collect();
        (groups, snapshot.segments().unwrap().map(Segment::len).collect())
    };
    synthetic::fill(&opened, 8 * 1024 - 1, &|_| {}).unwrap();
    assert!(vault.snapshot().unwrap().mapping().groups.is_empty());
    synthetic::fill(&opened, 3, &|_| {}).unwrap();
    let snapshot = vault.snapshot().unwrap();
    let full = [1024; 8];
    assert_eq!(sizes(&snapshot), (vec![8], [&full[..], &[2]].concat()));
    assert!(snapshot.signed().text().len() < 3000);
    let ids: Vec<Id> =
        snapshot.segments().unwrap().flat_map(|segment| segment.images().unwrap()).map(|image| image.id).collect();
    assert_eq!(ids.len(), 8194);
    let content = |number: usize| vault.content_tag(&snapshot.image(ids[number]).unwrap().photo().unwrap());
    for number in [0, 5000, 8191, 8192] {
        assert_eq!(snapshot.find_content(&content(number)).unwrap(), Some(ids[number]));
        let image = snapshot.image(ids[number]).unwrap();
        let best = search(&vault, &snapshot, &image.vector().unwrap().unwrap())[&ids[number]];
        assert!(best > 0.997, "{best}");
    }

    let before = snapshot.mapping().groups[0].clone();
    synthetic::fill(&opened, 1, &|_| {}).unwrap();
    assert_eq!(vault.snapshot().unwrap().mapping().groups, std::slice::from_ref(&before), "a group is not touched");
    let removed = content(5000);
    remove(&vault, &ids[5000..5001]);
    let after = vault.snapshot().unwrap();
    assert_eq!(sizes(&after), (vec![8], [&full[..], &[2]].concat()), "the gap is filled");
    assert_ne!(after.mapping().groups[0], before);
    assert_eq!(after.find_content(&removed).unwrap(), None);
    for number in [0, 4999, 5001, 8191, 8193] {
        assert_eq!(after.find_content(&content(number)).unwrap(), Some(ids[number]));
    }
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
}
