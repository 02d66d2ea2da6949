//! Row "unknown fields": what a newer version of the program has written is kept by everything that writes, or the
//! vault is refused in words. Nothing is rewritten without it.

use std::fs;

use cipherlens::cipher::Cost;
use cipherlens::durable::IfLocked;
use cipherlens::vault::format::entries::{Needs, TableEntry};
use cipherlens::vault::format::fields::{self, Field, FieldRef, Rows};
use cipherlens::vault::format::mapping::Contents;
use cipherlens::vault::format::sealed::SealedObject;
use cipherlens::vault::format::table;
use cipherlens::vault::{
    Abandoned, Digest, Error, Found, Hex, Id, LostPhotoPolicy, Mapping, Object, Part, Record, SEGMENT_IMAGES,
    SignedMapping, Snapshot, Transaction, Vault, repair,
};

use crate::support::vault_fixture::{
    Fixture, Nothing, files, fill, group_all, keys, passphrase, photo, readable, remove, restore,
};

const LATER: u16 = 4_000;
const CRITICAL: u16 = 40_000;

/// Commits the next generation as another program would: these files, and what they make of the mapping.
fn commit(
    fixture: &Fixture,
    vault: &Vault,
    new: &[(Object, Vec<u8>)],
    header: Option<&[u8]>,
    change: impl FnOnce(&mut Mapping),
) {
    let writer = vault.backend().writer(Abandoned::Remove).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    let current = vault.backend().mapping().unwrap();
    for (object, bytes) in new {
        writer.stage(object, &[bytes]).unwrap();
    }
    let mut changed = current.mapping.clone();
    change(&mut changed);
    let next = match header {
        Some(header) => changed.with_header(current.tag, Digest::of(&[header]), changed.tables.clone()),
        None => {
            let Mapping { groups, segments, packs, tables, .. } = changed;
            current.mapping.next(current.tag, Contents { groups, segments, packs, tables })
        }
    };
    writer.commit(&SignedMapping::sign(next, &keys(&fixture.root())), header).unwrap();
    writer.unlock();
}

/// Adds a field to the record of the first photo of the last segment, which is in no group.
fn add_field(fixture: &Fixture, vault: &Vault, tag: u16) {
    let keys = keys(&fixture.root());
    let segment = vault.snapshot().unwrap().mapping().segments.last().unwrap().clone();
    let sealed = SealedObject::Records(segment.id);
    let file = Object::Segment(segment.records.name(), Part::Records).path(&fixture.root());
    let rows = Rows::decode(&keys.open(&sealed, &fs::read(file).unwrap()).unwrap(), SEGMENT_IMAGES).unwrap();
    let mut rows: Vec<Vec<Field>> = rows.iter().map(|row| row.map(FieldRef::to_field).collect()).collect();
    rows[0].push(Field { tag, value: b"written later".to_vec() });
    let bytes = keys.seal(&sealed, &fields::encode_rows(&rows).unwrap()).unwrap().parts().concat();
    let records = Digest::of(&[&bytes]);
    let object = Object::Segment(records.name(), Part::Records);
    commit(fixture, vault, &[(object, bytes)], None, |mapping| mapping.segments.last_mut().unwrap().records = records);
}

/// The photos whose record has the field, by their id.
fn with_field(fixture: &Fixture, vault: &Vault) -> Vec<Id> {
    let keys = keys(&fixture.root());
    let snapshot = vault.snapshot().unwrap();
    let mut found = Vec::new();
    for segment in snapshot.segments().unwrap() {
        let entry = segment.entry();
        let file = Object::Segment(entry.records.name(), Part::Records).path(&fixture.root());
        let plaintext = keys.open(&SealedObject::Records(entry.id), &fs::read(file).unwrap()).unwrap();
        let rows = Rows::decode(&plaintext, SEGMENT_IMAGES).unwrap();
        let has = |mut row: fields::Fields<'_>| row.any(|field| field.tag == LATER && field.value == b"written later");
        let records: &[Record] = segment.records().unwrap();
        found.extend(rows.iter().zip(records).filter(|(row, _)| has(row.clone())).map(|(_, record)| record.id));
    }
    found
}

#[test]
fn a_field_of_a_record_that_is_not_known_is_kept_by_everything_that_writes() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let mut ids = fill(&vault, 0..3);
    add_field(&fixture, &vault, LATER);
    let is_kept = |what: &str, ids: &[Id]| {
        assert_eq!(with_field(&fixture, &vault), ids[..1], "{what}");
        assert!(vault.check(&|_| {}).unwrap().is_whole(), "{what}");
    };
    is_kept("as it was written", &ids);
    ids.extend(fill(&vault, 3..4));
    is_kept("the segment fills up", &ids);
    remove(&vault, &ids[1..2]);
    is_kept("another photo of the segment is removed", &ids);
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    transaction.add_place(ids[0], Found { source: Hex([9; 16]), path: b"copy.jpg".to_vec(), modified: None }).unwrap();
    drop(transaction.commit().unwrap());
    is_kept("another place of the photo", &ids);
    vault.change_passphrase(&passphrase("correct"), &passphrase("correct"), Cost::FLOOR, IfLocked::Refuse).unwrap();
    is_kept("a new passphrase", &ids);
    group_all(&vault, &passphrase("correct"));
    is_kept("in a group", &ids);
    remove(&vault, &ids[2..3]);
    is_kept("out of the group", &ids);
    // The blocks are damaged, so the segment is written anew from its vectors.
    let blocks = vault.snapshot().unwrap().mapping().segments[0].features[0].as_ref().unwrap().ckks;
    fs::write(Object::Segment(blocks.name(), Part::Blocks).path(&fixture.root()), b"damaged").unwrap();
    let repaired = repair(&vault, &Nothing, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
    assert!(repaired.after.is_whole());
    is_kept("after a repair", &ids);
}

#[test]
fn a_critical_field_that_is_not_known_is_refused_and_nothing_is_rewritten() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..3);
    add_field(&fixture, &vault, CRITICAL);
    let before = files(&fixture.root());
    let vault = fixture.open();
    let text = "the vault was written by a newer version of this program: it has records with a field";
    let is_newer = |outcome: Result<(), Error>, what: &str| {
        let error = outcome.err().unwrap_or_else(|| panic!("{what} is possible"));
        assert!(matches!(error, Error::Newer { .. }) && error.to_string().starts_with(text), "{what}: {error}");
    };
    let snapshot = vault.snapshot().unwrap();
    let image = snapshot.image(ids[1]).unwrap();
    is_newer(image.record().map(|_| ()), "reading a record");
    assert_eq!(*image.photo().unwrap(), photo(1), "the photo itself is there");
    is_newer(snapshot.find_content(&vault.content_tag(&photo(9))).map(|_| ()), "looking for a copy");
    let remove = || -> Result<(), Error> {
        let mut transaction = Transaction::begin(&vault, IfLocked::Refuse)?;
        transaction.remove(ids[0])?;
        transaction.commit().map(|_| ())
    };
    is_newer(remove(), "removing a photo of the segment");
    // A repair would make records without names from what it understands.
    let repaired = repair(&vault, &Nothing, LostPhotoPolicy::Drop, IfLocked::Refuse, &|_| {});
    is_newer(repaired.map(|_| ()), "a repair");
    drop(vault);
    assert_eq!(files(&fixture.root()), before);
}

/// The next generation with a table of one page that this version does not know.
fn add_table(fixture: &Fixture, vault: &Vault, needs: Needs) -> Object {
    let rows = [vec![Field { tag: 1, value: b"a dream".to_vec() }]];
    let sealed = SealedObject::Table(table::object_id("dreams"), 0);
    let page = fields::encode_rows(&rows).unwrap();
    let bytes = keys(&fixture.root()).seal(&sealed, &page).unwrap().parts().concat();
    let digest = Digest::of(&[&bytes]);
    let object = Object::Table(digest.name());
    let entry = TableEntry { name: "dreams".into(), needs, pages: vec![digest] };
    if needs == Needs::Read {
        // This version does not commit what it refuses to read.
        let SignedMapping { mut mapping, tag, .. } = vault.backend().mapping().unwrap();
        mapping.tables.push(entry);
        let Mapping { groups, segments, packs, tables, .. } = mapping.clone();
        let next = mapping.next(tag, Contents { groups, segments, packs, tables });
        fs::write(object.path(&fixture.root()), bytes).unwrap();
        fs::write(fixture.root().join("mapping.json"), SignedMapping::sign(next, &keys(&fixture.root())).text())
            .unwrap();
        return object;
    }
    commit(fixture, vault, &[(object.clone(), bytes)], None, |mapping| mapping.tables.push(entry));
    object
}

#[test]
fn a_table_that_is_not_known_is_kept_or_refused_as_it_needs() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..2);
    let whole = files(&fixture.root());

    let page = add_table(&fixture, &vault, Needs::Nothing);
    let table = |snapshot: &Snapshot| {
        let tables = &snapshot.mapping().tables;
        tables.iter().find(|table| page.file_name().starts_with(&table.pages[0].name().to_string())).cloned()
    };
    let added = table(&vault.snapshot().unwrap());
    assert!(added.is_some());
    remove(&vault, &ids[1..]);
    fill(&vault, 2..3);
    group_all(&vault, &passphrase("correct"));
    vault.change_passphrase(&passphrase("correct"), &passphrase("correct"), Cost::FLOOR, IfLocked::Refuse).unwrap();
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    transaction.source_of("/home/ann/photos".as_ref(), "photos").unwrap();
    transaction.remove(ids[0]).unwrap();
    drop(transaction.commit().unwrap());
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(table(&snapshot), added);
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "its page is a file of the vault");
    let path = page.path(&fixture.root());
    let content = fs::read(&path).unwrap();
    fs::write(&path, &content[1..]).unwrap();
    let damages = vault.check(&|_| {}).unwrap().damages;
    assert!(damages.len() == 1 && damages[0].object == page);

    // The others begin again from the vault without a table, on a machine that has seen nothing.
    let begin = |needs| {
        let fixture = Fixture::copy_of(&fixture);
        restore(&fixture.root(), &whole);
        fs::remove_dir_all(fixture.beside("seen")).unwrap();
        add_table(&fixture, &fixture.open(), needs);
        fixture
    };
    let is_newer = |error: Option<Error>| {
        let error = error.expect("it is refused");
        assert!(error.to_string().contains("a table that this version does not know"), "{error}");
    };
    let fixture = begin(Needs::Write);
    let before = files(&fixture.root());
    let vault = fixture.open();
    let (one, other) = (passphrase("correct"), passphrase("another"));
    is_newer(Transaction::begin(&vault, IfLocked::Refuse).err());
    is_newer(vault.change_passphrase(&one, &other, Cost::FLOOR, IfLocked::Refuse).err());
    is_newer(repair(&vault, &Nothing, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).err());
    assert_eq!(readable(&vault.snapshot().unwrap(), &ids), 2, "it can be read");
    assert!(vault.check(&|_| {}).unwrap().is_whole());
    assert_eq!(files(&fixture.root()), before);
    let fixture = begin(Needs::Read);
    is_newer(fixture.try_open().err());
}

#[test]
fn slots_of_kinds_that_are_not_known_are_kept_and_open_nothing() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    // Behind 70 bytes: number of slots 2, then for each: kind 1, slot id 8, length 2, body.
    let header = fs::read(fixture.root().join("header")).unwrap();
    let slot = [&[9][..], b"slot nr.", &[5, 0], b"later"].concat();
    let with_slot = [&header[..70], &[2, 0], &slot, &header[72..]].concat();
    commit(&fixture, &vault, &[], Some(&with_slot), |_| {});
    let open =
        |text: &str| Vault::open(cipherlens::vault::local(fixture.root()), &passphrase(text), fixture.freshness());
    assert!(open("correct").is_ok());
    assert!(matches!(open("later"), Err(Error::WrongPassphrase)));
    let (old, new) = (passphrase("correct"), passphrase("better"));
    fixture.open().change_passphrase(&old, &new, Cost::FLOOR, IfLocked::Refuse).unwrap();
    let changed = fs::read(fixture.root().join("header")).unwrap();
    assert!(changed != with_slot && changed[70..72] == [2, 0] && changed[72..].starts_with(&slot));
    assert!(matches!(open("correct"), Err(Error::WrongPassphrase)));
    let (vault, _) = open("better").unwrap();
    assert!(vault.check(&|_| {}).unwrap().is_whole());
    // A header with nothing else is refused in words.
    let only = [&header[..70], &[1, 0], &slot].concat();
    fs::write(fixture.root().join("header"), only).unwrap();
    let refused = open("better").err().unwrap();
    assert!(matches!(refused, Error::Newer { .. }) && refused.to_string().contains("newer version"), "{refused}");
}
