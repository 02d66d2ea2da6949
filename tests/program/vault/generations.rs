//! Reading and writing generations of a vault: stored photos are read back, one writer at a time, consistent readers.

use std::fs;
use std::path::Path;

use cipherlens::cipher::Cost;
use cipherlens::ckks::Evaluator;
use cipherlens::durable::IfLocked;
use cipherlens::vault::format::shape::Shape;
use cipherlens::vault::{self, Appended, Error, Extension, FeatureSpace, Part, Segment, Transaction, Vault};

use crate::support::vault_fixture::*;

#[test]
fn photos_are_stored_searched_and_removed() {
    let fixture = Fixture::new();
    let ids = fill(&fixture.open(), 0..5);

    let vault = fixture.open();
    let snapshot = vault.snapshot().unwrap();
    assert_eq!((snapshot.len(), snapshot.mapping().generation), (5, 2));
    assert_eq!(snapshot.mapping().feature_space().unwrap(), space());
    for (number, id) in (0u32..).zip(&ids) {
        let image = snapshot.image(*id).unwrap();
        assert_eq!(*image.photo().unwrap(), photo(number));
        assert_eq!(*image.thumbnail().unwrap(), format!("thumbnail {number}").as_bytes());
        assert_eq!(image.vector().unwrap(), Some(stored_vector(number)));
        let record = image.record().unwrap();
        assert_eq!((&*record.name(), record.bytes), (&*name(number), photo(number).len() as u64));
        assert_eq!(image.listed().extension.as_str(), "jpg");
    }
    let scores = search(&vault, &snapshot, &vector(3));
    for (number, id) in (0..).zip(&ids) {
        assert!((scores[id] - cosine(&vector(3), &vector(number))).abs() < 2.5e-3, "photo {number}: {}", scores[id]);
    }

    remove(&vault, &ids[1..3]);
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.len(), 3);
    assert!(matches!(snapshot.image(ids[1]), Err(Error::UnknownImage { .. })));
    assert_eq!(*snapshot.image(ids[4]).unwrap().photo().unwrap(), photo(4));
    assert!(search(&vault, &snapshot, &vector(4))[&ids[4]] > 0.997);
    assert_eq!(fs::read_dir(fixture.root().join("encrypted_images")).unwrap().count(), 3);
    assert_eq!(fs::read_dir(fixture.root().join("encrypted_thumbnails")).unwrap().count(), 2, "a pack and its list");

    remove(&vault, &[ids[0], ids[3], ids[4]]);
    assert!(vault.snapshot().unwrap().is_empty());
    assert_eq!(only_tables(&fixture.root()), 2, "the history and the tombstones");
}

#[test]
fn segments_stay_full_across_their_borders() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let sizes = || -> Vec<usize> { vault.snapshot().unwrap().segments().unwrap().map(Segment::len).collect() };
    let mut ids = fill(&vault, 0..511);
    assert_eq!(sizes(), [511]);
    ids.extend(fill(&vault, 511..513));
    assert_eq!(sizes(), [513]);
    ids.extend(fill(&vault, 513..1024));
    assert_eq!(sizes(), [1024]);
    let full = vault.snapshot().unwrap().mapping().segments[0].clone();
    ids.extend(fill(&vault, 1024..1026));
    assert_eq!(sizes(), [1024, 2]);
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.mapping().segments[0], full, "a full segment is not touched");
    for number in [0, 510, 511, 512, 1023, 1024, 1025] {
        let scores = search(&vault, &snapshot, &vector(number));
        let best = scores.iter().max_by(|one, other| one.1.total_cmp(other.1)).unwrap();
        assert_eq!(*best.0, ids[number as usize], "photo {number}");
    }

    remove(&vault, &ids[7..8]);
    assert_eq!(sizes(), [1024, 1], "the last segment fills the gap");
    remove(&vault, &ids[8..9]);
    assert_eq!(sizes(), [1024], "an emptied segment disappears");
    let snapshot = vault.snapshot().unwrap();
    for number in [0, 6, 9, 1023, 1025] {
        let id = ids[number as usize];
        assert_eq!(*snapshot.image(id).unwrap().photo().unwrap(), photo(number));
        assert!(search(&vault, &snapshot, &vector(number))[&id] > 0.997);
    }
    let tables = 2;
    assert_eq!(files(&fixture.root().join("encrypted_features")).len(), Part::ALL.len() + tables);
}

#[test]
fn a_rewritten_block_has_a_new_nonce() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let nonce = || {
        *vault.snapshot().unwrap().segments().unwrap().next().unwrap().hints().unwrap().blocks().next().unwrap().nonce
    };
    fill(&vault, 0..1);
    let first = nonce();
    fill(&vault, 1..2);
    assert_ne!(first, nonce());
}

#[test]
fn duplicate_content_is_recognised() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..2);
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    assert_eq!(transaction.find_content(&vault.content_tag(&photo(1))).unwrap(), Some(ids[1]));
    assert_eq!(transaction.find_content(&vault.content_tag(&photo(2))).unwrap(), None);
    assert_eq!(append(&mut transaction, 1), Appended::AlreadyPresent(ids[1]));
    let Appended::New(new) = append(&mut transaction, 2) else { panic!("photo 2 is new") };
    assert_eq!(append(&mut transaction, 2), Appended::AlreadyPresent(new));
    transaction.remove(ids[0]).unwrap();
    assert!(matches!(append(&mut transaction, 0), Appended::New(_)), "a photo that is being removed can come back");
    let transaction = transaction.commit().unwrap().next;
    assert_eq!(transaction.base().len(), 3);
    assert_eq!(fs::read_dir(fixture.root().join("encrypted_images")).unwrap().count(), 3);
}

#[test]
fn several_commits_of_one_transaction_are_several_generations() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    for number in 0..3 {
        append(&mut transaction, number);
        transaction = transaction.commit().unwrap().next;
        assert_eq!(transaction.base().mapping().generation, u64::from(number) + 2);
        assert_eq!(vault.snapshot().unwrap().len(), number as usize + 1);
    }
    let unchanged = transaction.commit().unwrap().next;
    assert_eq!(unchanged.base().mapping().generation, 4, "nothing to commit is no generation");
}

#[test]
fn an_abandoned_transaction_leaves_nothing() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let before = files(&fixture.root());
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    append(&mut transaction, 1);
    transaction.store_photo(&photo(2), &Extension::of(Path::new("2.png"))).unwrap();
    // Two photos and the journal; thumbnails wait in memory for the commit.
    assert_eq!(files(&fixture.root()).len(), before.len() + 3);
    drop(transaction);
    assert_eq!(files(&fixture.root()), before);
}

#[test]
fn a_commit_that_fails_leaves_the_old_generation() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let before = files(&fixture.root());
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    let stored = transaction.store_photo(&photo(1), &Extension::of(Path::new("1.jpg"))).unwrap();
    let not_a_unit_vector = vec![0.0; vector(1).len()];
    let zeros = vault::NewImage { vector: Some(not_a_unit_vector), ..image(stored, 1) };
    assert!(matches!(transaction.append(zeros), Err(Error::Ckks(_))));
    let stored = transaction.store_photo(&photo(2), &Extension::of(Path::new("2.jpg"))).unwrap();
    let too_long = vector(2).iter().map(|component| 2.0 * component).collect();
    transaction.append(vault::NewImage { vector: Some(too_long), ..image(stored, 2) }).unwrap();
    assert!(matches!(transaction.commit(), Err(Error::Ckks(_))));
    assert_eq!(files(&fixture.root()), before);
}

#[test]
fn only_the_next_commit_removes_what_a_crash_left() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..1);
    let whole = files(&fixture.root());
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    append(&mut transaction, 1);
    let crashed = files(&fixture.root());
    drop(transaction);
    restore(&fixture.root(), &crashed);
    fs::write(fixture.root().join("mapping.json.new"), "half a map").unwrap();
    let id = "00112233445566778899aabbccddeeff";
    fs::write(fixture.root().join(format!("encrypted_features/{id}.vectors")), "half a segment").unwrap();
    fs::write(fixture.root().join("encrypted_images/notes.txt"), "the owner's own").unwrap();
    let littered = files(&fixture.root());
    assert_eq!(littered.len(), whole.len() + 5);

    let snapshot = fixture.open().snapshot().unwrap();
    assert_eq!(*snapshot.image(ids[0]).unwrap().photo().unwrap(), photo(0));
    assert_eq!(files(&fixture.root()), littered, "a reader removes nothing");
    drop(Transaction::begin(&vault, IfLocked::Refuse).unwrap());
    assert_eq!(files(&fixture.root()), littered, "nor does a writer without the lock");
    clean_up(&vault);
    let mut expected = whole;
    expected.insert("encrypted_images/notes.txt".into(), b"the owner's own".to_vec());
    expected.insert(format!("encrypted_features/{id}.vectors").into(), b"half a segment".to_vec());
    assert_eq!(files(&fixture.root()), expected, "files that no writer listed stay");
    let leftovers = vault.check(&|_| {}).unwrap().leftovers;
    assert_eq!(leftovers.abandoned, []);
    assert_eq!(leftovers.strays, [format!("encrypted_features/{id}.vectors"), "encrypted_images/notes.txt".into()]);
}

#[test]
fn only_what_the_journal_lists_is_removed() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let stray = fixture.root().join("encrypted_thumbnails/00112233445566778899aabbccddeeff.aes");
    fs::write(&stray, "from nowhere").unwrap();
    fill(&vault, 1..2);
    assert!(stray.exists(), "no journal lists it");
    assert_eq!(vault.check(&|_| {}).unwrap().leftovers.strays.len(), 1);
    let named = vault.snapshot().unwrap().files().unwrap();
    let named: String = named.iter().map(|file| format!("{}\n", file.object)).collect();
    let path = "encrypted_thumbnails/00112233445566778899aabbccddeeff.aes";
    let list = |text: &str| fs::write(fixture.root().join("writing"), text).unwrap();
    for (journal, is_removed) in [
        (String::new(), false),
        ("no name of a file\n".to_owned(), false),
        (format!("../vault/{path}\nmapping.json\nheader\n{path}"), false),
        (format!("{named}\n{path}\n"), true),
    ] {
        fs::write(&stray, "from nowhere").unwrap();
        list(&journal);
        clean_up(&vault);
        assert_eq!(stray.exists(), !is_removed, "{journal}");
        assert!(!fixture.root().join("writing").exists() && journals(&fixture).is_empty());
        assert!(vault.check(&|_| {}).unwrap().is_whole(), "files in the mapping stay, whatever is listed");
    }
}

#[test]
fn files_that_could_not_be_removed_are_tried_again() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..2);
    let photo = fixture.root().join(format!("encrypted_images/{}.jpg.aes", ids[0]));
    fs::remove_file(&photo).unwrap();
    // A directory in its place cannot be removed, nor set aside.
    fs::create_dir(&photo).unwrap();
    fs::write(fixture.root().join("set_aside"), "no folder").unwrap();
    remove(&vault, &ids[..1]);
    assert!(photo.exists() && journals(&fixture).len() == 1);
    fs::remove_file(fixture.root().join("set_aside")).unwrap();
    fs::remove_dir(&photo).unwrap();
    fs::write(&photo, "now it can be removed").unwrap();
    clean_up(&vault);
    assert!(!photo.exists() && journals(&fixture).is_empty());
}

fn journals(fixture: &Fixture) -> Vec<fs::DirEntry> {
    fs::read_dir(fixture.root().join("journals")).unwrap().map(Result::unwrap).collect()
}

#[test]
fn photos_are_not_mistaken_for_leftovers_while_a_list_is_damaged() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..2);
    let list = segment_file(&vault.snapshot().unwrap(), 0, Part::List);
    fs::remove_file(list.path(&fixture.root())).unwrap();
    let photos = fs::read_dir(fixture.root().join("encrypted_images")).unwrap();
    let listed = photos.map(|photo| format!("encrypted_images/{}\n", photo.unwrap().file_name().to_str().unwrap()));
    fs::write(fixture.root().join("writing"), listed.collect::<String>()).unwrap();
    clean_up(&vault);
    assert_eq!(fs::read_dir(fixture.root().join("encrypted_images")).unwrap().count(), 2);
    assert_eq!(journals(&fixture).len(), 1, "leftovers are looked for again once the list is restored");
}

#[test]
fn one_commit_at_a_time() {
    let fixture = Fixture::new();
    let (vault, other) = (fixture.open(), fixture.open());
    let mut first = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    first.lock(IfLocked::Refuse).unwrap();
    let mut refused = Transaction::begin(&other, IfLocked::Refuse).unwrap();
    append(&mut refused, 1);
    assert!(matches!(refused.commit(), Err(Error::Locked)));
    assert!(matches!(
        other.change_passphrase(&passphrase("correct"), &passphrase("new"), Cost::FLOOR, IfLocked::Refuse),
        Err(Error::Locked)
    ));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut second = Transaction::begin(&other, IfLocked::Wait).unwrap();
            append(&mut second, 2);
            drop(second.commit().unwrap());
        });
        append(&mut first, 1);
        drop(first.commit().unwrap());
        waiter.join().unwrap();
    });
    assert_eq!(vault.snapshot().unwrap().len(), 2, "the second writer started from the first one's generation");
}

#[test]
fn a_reader_stays_consistent_or_is_told_to_retry() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..2);
    let (prepared, lazy) = (vault.snapshot().unwrap(), vault.snapshot().unwrap());
    prepared.prepare_search().unwrap();
    prepared.image(ids[0]).unwrap().record().unwrap();
    remove(&vault, &ids[1..]);
    assert_eq!(search(&vault, &prepared, &vector(0)).len(), 2, "mapped files outlive their names");
    assert!(matches!(prepared.image(ids[1]).unwrap().photo(), Err(Error::Superseded { generation: 2 })));
    assert!(matches!(lazy.prepare_search(), Err(Error::Superseded { generation: 2 })));
    let newer = vault.snapshot_after(&prepared).unwrap();
    assert_eq!(*newer.image(ids[0]).unwrap().photo().unwrap(), photo(0));
}

#[test]
fn images_are_found_by_id_prefix() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..40);
    let snapshot = vault.snapshot().unwrap();
    for id in &ids {
        let text = id.to_string();
        assert_eq!(snapshot.find(&text).unwrap().id(), *id);
        let begins = |digits: usize| ids.iter().filter(|other| other.to_string()[..digits] == text[..digits]).count();
        match snapshot.find(&text[..1]) {
            Ok(image) => assert_eq!((image.id(), begins(1)), (*id, 1)),
            Err(Error::AmbiguousId { images, .. }) => assert_eq!(images, begins(1)),
            Err(error) => panic!("{error}"),
        }
    }
    for unknown in ["", "xyz", "0x", &"0".repeat(33), "\u{e9}"] {
        assert!(matches!(snapshot.find(unknown), Err(Error::UnknownImage { .. })), "{unknown:?}");
    }
}

#[test]
fn only_the_passphrase_opens_a_vault_and_it_can_be_changed() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..1);
    let open = |text| Vault::open(vault::local(fixture.root()), &passphrase(text), fixture.freshness());
    assert!(matches!(open("Correct"), Err(Error::WrongPassphrase)));
    let before = files(&fixture.root());
    vault.change_passphrase(&passphrase("correct"), &passphrase("another"), Cost::FLOOR, IfLocked::Refuse).unwrap();
    assert!(matches!(open("correct"), Err(Error::WrongPassphrase)));
    let (_, reopened) = open("another").unwrap();
    assert_eq!(*reopened.image(ids[0]).unwrap().photo().unwrap(), photo(0));
    let after = files(&fixture.root());
    let changed: Vec<_> =
        after.iter().filter(|(path, content)| before.get(*path).is_some_and(|old| old != *content)).collect();
    let changed: Vec<_> = changed.into_iter().map(|(path, _)| path).collect();
    assert_eq!(changed, [Path::new("header"), Path::new("mapping.json")], "only the header changes, in a commit");
}

#[test]
fn reading_writes_nothing_into_the_vault() {
    let fixture = Fixture::new();
    fill(&fixture.open(), 0..2);
    let (before, modified) = (files(&fixture.root()), modification_times(&fixture.root()));
    let vault = fixture.open();
    search(&vault, &vault.snapshot().unwrap(), &vector(0));
    assert!(vault.check(&|_| {}).unwrap().is_whole());
    assert_eq!(files(&fixture.root()), before);
    assert_eq!(modification_times(&fixture.root()), modified);
}

fn modification_times(root: &Path) -> Vec<std::time::SystemTime> {
    let times = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    times.map(|entry| entry.unwrap().metadata().unwrap().modified().unwrap()).collect()
}

#[test]
fn scoring_needs_no_key() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..3);
    let holder = vault.key_holder().unwrap();
    let (query, secret) = holder.encrypt(holder.prepare().unwrap(), &vector(1)).unwrap();

    let backend = vault::local(fixture.root());
    let mapping = backend.mapping().unwrap().mapping;
    let evaluator = Evaluator::new(&mapping.space().unwrap().public_context().unwrap()).unwrap();
    let blocks = Shape::of(&mapping).unwrap().segment(&mapping.segments[0], Part::Blocks).unwrap();
    let answer = evaluator.score(&backend.blocks(&blocks).unwrap(), &query).unwrap();

    let snapshot = vault.snapshot().unwrap();
    let scores = snapshot.decrypt(secret, &answer).unwrap();
    assert!(scores[1] > 0.997 && snapshot.image_at(1).unwrap().id() == ids[1]);
}

#[test]
fn a_vault_is_created_only_in_a_new_or_empty_directory() {
    let fixture = Fixture::new();
    let create = |root: &Path| {
        Vault::create(vault::local(root), &passphrase("p"), Cost::FLOOR, space(), fixture.freshness()).map(drop)
    };
    assert!(matches!(create(&fixture.root()), Err(Error::Occupied { .. })));
    let occupied = fixture.beside("occupied");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("thesis.txt"), "years of work").unwrap();
    assert!(matches!(create(&occupied), Err(Error::Occupied { .. })));
    assert_eq!(fs::read(occupied.join("thesis.txt")).unwrap(), b"years of work");

    let interrupted = fixture.beside("interrupted");
    create(&interrupted).unwrap();
    fs::rename(interrupted.join("header"), interrupted.join("header.new")).unwrap();
    assert!(matches!(vault::local(&interrupted).require_vault(), Err(Error::NotAVault { .. })));
    create(&interrupted).unwrap();
    assert!(Vault::open(vault::local(&interrupted), &passphrase("p"), fixture.freshness()).is_ok());
    assert!(matches!(vault::local(fixture.beside("nowhere")).require_vault(), Err(Error::NotAVault { .. })));
    let endless = FeatureSpace { weights: "w".repeat(300), ..space() };
    let nowhere = vault::local(fixture.beside("n"));
    let refused = Vault::create(nowhere, &passphrase("p"), Cost::FLOOR, endless, fixture.freshness());
    assert!(matches!(refused, Err(Error::TooLong { actual: 300, limit: 256, .. })));
}
