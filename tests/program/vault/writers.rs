//! Several writers at once: they stage files without a lock, and take turns for their commits.

use std::fs;
use std::time::{Duration, Instant};

use cipherlens::durable::IfLocked;
use cipherlens::vault::{Appended, Committed, Error, Id, Leftovers, Transaction, Vault};

use crate::remote::host::Host;
use crate::support::vault_fixture::*;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn begin(vault: &Vault) -> Transaction {
    Transaction::begin(vault, IfLocked::Wait).unwrap()
}

fn appended(transaction: &mut Transaction, number: u32) -> Id {
    match append(transaction, number) {
        Appended::New(id) => id,
        Appended::AlreadyPresent(id) => panic!("photo {number} is already there as {id}"),
    }
}

/// Photos and journals.
fn counts(fixture: &Fixture) -> [usize; 2] {
    ["encrypted_images", "journals"].map(|directory| fs::read_dir(fixture.root().join(directory)).unwrap().count())
}

#[test]
fn what_a_commit_that_claims_nothing_leaves_is_removed_by_the_next_one() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let claims = fixture.root().join("claims");
    fs::rename(&claims, fixture.beside("claims")).unwrap();
    fs::write(&claims, "no folder").unwrap();
    let mut transaction = begin(&vault);
    appended(&mut transaction, 1);
    let refused = transaction.commit().map(drop);
    assert!(matches!(refused, Err(Error::ForeignDirectory { .. })), "{refused:?}");
    assert_eq!(counts(&fixture), [2, 1], "the photo and the journal that names it are left");
    fs::remove_file(&claims).unwrap();
    fs::rename(fixture.beside("claims"), &claims).unwrap();
    fill(&vault, 2..3);
    assert_eq!(counts(&fixture), [2, 0]);
    assert_eq!(vault.check(&|_| {}).unwrap().leftovers, Leftovers::default());
}

#[test]
fn eight_adders_at_once_lose_and_double_no_photo() {
    let fixture = Fixture::new();
    let vaults: Vec<Vault> = (0..8).map(|_| fixture.open()).collect();
    // Each adds two of its own and one that all have, in two commits.
    let (kept, present) = std::thread::scope(|scope| {
        let adders = (0..).zip(&vaults).map(|(adder, vault)| {
            scope.spawn(move || {
                let mut transaction = begin(vault);
                let (mut kept, mut present) = (0, 0);
                for numbers in [&[10 + 2 * adder][..], &[11 + 2 * adder, 0]] {
                    for number in numbers {
                        match append(&mut transaction, *number) {
                            Appended::New(_) => kept += 1,
                            Appended::AlreadyPresent(_) => present += 1,
                        }
                    }
                    let Committed { next, already_present } = transaction.commit().unwrap();
                    transaction = next;
                    kept -= already_present.len();
                    present += already_present.len();
                }
                (kept, present)
            })
        });
        let adders: Vec<_> = adders.collect();
        adders.into_iter().map(|adder| adder.join().unwrap()).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    });
    assert_eq!((kept, present), (17, 7));
    let vault = fixture.open();
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.len(), 17);
    for number in (10..26).chain([0]) {
        assert!(snapshot.find_content(&vault.content_tag(&photo(number))).unwrap().is_some(), "photo {number} is lost");
    }
    assert_eq!(counts(&fixture), [17, 0]);
}

#[test]
fn a_photo_that_another_writer_has_committed_meanwhile_is_dropped_and_named() {
    let fixture = Fixture::new();
    let (vault, other) = (fixture.open(), fixture.open());
    fill(&vault, 0..1);
    let mut transaction = begin(&vault);
    let [ours, kept] = [1, 2].map(|number| appended(&mut transaction, number));
    let theirs = fill(&other, [1, 3])[0];
    let Committed { mut next, already_present } = transaction.commit().unwrap();
    assert_eq!(already_present, [(ours, theirs)]);
    assert_eq!(next.base().len(), 4);
    assert!(next.base().image(kept).is_ok() && next.base().image(theirs).is_ok());
    assert!(matches!(next.base().image(ours), Err(Error::UnknownImage { .. })));
    assert_eq!(counts(&fixture), [4, 0]);
    // The same when nothing else is left to commit.
    let ours = appended(&mut next, 4);
    let theirs = fill(&other, [4])[0];
    let committed = next.commit().unwrap();
    assert_eq!(committed.already_present, [(ours, theirs)]);
    assert_eq!(committed.next.base().mapping().generation, other.snapshot().unwrap().mapping().generation);
    drop(committed);
    assert_eq!(counts(&fixture), [5, 0]);
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn a_photo_that_another_writer_has_removed_meanwhile_need_not_be_removed_again() {
    let fixture = Fixture::new();
    let (vault, other) = (fixture.open(), fixture.open());
    let ids = fill(&vault, 0..3);
    let mut transaction = begin(&vault);
    transaction.remove(ids[0]).unwrap();
    transaction.remove(ids[1]).unwrap();
    remove(&other, &ids[..1]);
    let next = transaction.commit().unwrap().next;
    assert_eq!(next.base().len(), 1);
    // With nothing left to do there is no new generation.
    let generation = next.base().mapping().generation;
    let mut late = begin(&vault);
    late.remove(ids[2]).unwrap();
    remove(&other, &ids[2..]);
    assert_eq!(late.commit().unwrap().next.base().mapping().generation, generation + 1);
    assert!(vault.check(&|_| {}).unwrap().is_whole());
}

#[test]
fn a_photo_can_be_appended_after_another_writer_has_replaced_the_segments() {
    let fixture = Fixture::new();
    let (vault, other) = (fixture.open(), fixture.open());
    let ids = fill(&vault, 0..2);
    // Nothing of the base has been read yet, and then its files are gone.
    let mut transaction = begin(&vault);
    remove(&other, &ids[..1]);
    appended(&mut transaction, 0);
    assert_eq!(append(&mut transaction, 1), Appended::AlreadyPresent(ids[1]));
    let mut second = begin(&vault);
    fill(&other, 2..3);
    second.remove(ids[1]).unwrap();
    drop(transaction.commit().unwrap());
    drop(second.commit().unwrap());
    assert_eq!(vault.snapshot().unwrap().len(), 2);
    assert!(vault.check(&|_| {}).unwrap().is_whole());
}

#[test]
fn a_check_and_a_repair_leave_the_files_of_live_writers_alone() {
    use cipherlens::vault::{LostPhotoPolicy, Regenerate, repair};
    struct Nothing;
    impl Regenerate for Nothing {
        fn vector(&self, _photo: &[u8]) -> Option<Vec<f32>> {
            None
        }
        fn thumbnail(&self, _photo: &[u8]) -> Option<Vec<u8>> {
            None
        }
    }
    let host = Host::with_vault();
    for vault in [host.open(), host.open_there()] {
        let mut transaction = begin(&host.open());
        let id = vault.snapshot().unwrap().len() as u32;
        appended(&mut transaction, id);
        let report = vault.check(&|_| {}).unwrap();
        assert!(report.leftovers.is_empty(), "{:?}", report.leftovers);
        let repaired = repair(&vault, &Nothing, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
        assert!(repaired.before.leftovers.is_empty() && repaired.after.leftovers.is_empty());
        drop(transaction.commit().unwrap());
        assert_eq!(vault.snapshot().unwrap().len(), id as usize + 1);
        assert!(vault.check(&|_| {}).unwrap().is_whole());
        // A host removes its writer's journal when it notices that the client has gone.
        let deadline = Instant::now() + PATIENCE;
        while fs::read_dir(host.root().join("journals")).unwrap().count() > 0 {
            assert!(Instant::now() < deadline, "the host keeps a journal");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_vault_without_a_lock_file_and_journals_works() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fs::remove_file(fixture.root().join("lock")).unwrap();
    fs::remove_dir(fixture.root().join("journals")).unwrap();
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty());
    let vault = fixture.open();
    assert!(vault.backend().list(cipherlens::vault::Directory::Journals).unwrap().is_empty());
    fill(&vault, 0..2);
    assert!(fixture.root().join("lock").exists());
    assert_eq!(counts(&fixture), [2, 0]);
}
