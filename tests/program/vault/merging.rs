//! Two copies of a vault that were changed separately become one again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cipherlens::durable::IfLocked;
use cipherlens::remote::{self, MergedCopies, OlderSource, Relation, Replica};
use cipherlens::vault::{self, CopyAge, Error, Freshness, Settle, Side, Transaction, Vault};

use crate::support::scene::copy_folder;
use crate::support::vault_fixture::*;

/// Photos 0 to 9, copied to two places.
struct Copies {
    fixture: Fixture,
    ours: PathBuf,
    theirs: PathBuf,
}

impl Copies {
    fn new() -> Self {
        let fixture = Fixture::new();
        fill(&fixture.open(), 0..10);
        let (ours, theirs) = (fixture.beside("ours"), fixture.beside("theirs"));
        copy_folder(&fixture.root(), &ours);
        copy_folder(&fixture.root(), &theirs);
        Self { fixture, ours, theirs }
    }

    /// What a machine has seen that only ever used the copy at `root`.
    fn machine_of(&self, root: &Path) -> Freshness {
        Freshness::in_directory(root.with_extension("seen"))
    }

    fn open(&self, root: &Path) -> Vault {
        Vault::open(vault::local(root), &passphrase("correct"), self.machine_of(root)).unwrap().0
    }

    fn try_merge(&self, settle: Option<Settle>) -> Result<Option<MergedCopies>, Error> {
        let replica =
            |root: &Path| Replica { backend: vault::local(root), name: root.display().to_string(), claimed: None };
        let freshness = Freshness::in_directory(self.fixture.beside("machine that merges"));
        let (ours, theirs) = (replica(&self.ours), replica(&self.theirs));
        let decide = |_: &[vault::Disagreement]| settle;
        remote::merge(&ours, &theirs, &passphrase("correct"), &freshness, OlderSource::Refuse, &decide, &|_| {})
    }

    fn merge(&self, settle: Option<Settle>) -> MergedCopies {
        self.try_merge(settle).unwrap().expect("it was decided")
    }

    /// The numbers of the photos in both copies, which must be whole, the same and searchable.
    fn photos(&self) -> BTreeSet<u32> {
        let numbers = [&self.ours, &self.theirs].map(|root| {
            let vault = self.open(root);
            let report = vault.check(&|_| {}).unwrap();
            assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
            let snapshot = vault.snapshot().unwrap();
            let mut numbers = BTreeSet::new();
            for at in 0..snapshot.len() {
                let image = snapshot.image_at(at).unwrap();
                let bytes = image.photo().unwrap();
                let number = (0..100).find(|number| photo(*number) == *bytes).unwrap();
                assert_eq!(*image.thumbnail().unwrap(), format!("thumbnail {number}").as_bytes());
                assert_eq!(image.vector().unwrap().unwrap(), stored_vector(number));
                assert_eq!(image.name().unwrap(), name(number));
                assert!(search(&vault, &snapshot, &vector(number))[&image.id()] > 0.997);
                assert!(numbers.insert(number), "photo {number} is there twice");
            }
            numbers
        });
        let [one, other] = numbers;
        assert_eq!(one, other);
        one
    }
}

fn remove_numbers(vault: &Vault, numbers: &[u32]) {
    let mut transaction = Transaction::begin(vault, IfLocked::Refuse).unwrap();
    for number in numbers {
        let id = transaction.find_content(&vault.content_tag(&photo(*number))).unwrap().unwrap();
        transaction.remove(id).unwrap();
    }
    drop(transaction.commit().unwrap());
}

#[test]
fn the_union_is_one_generation_that_continues_both() {
    let copies = Copies::new();
    // Photo 30 was added to both, under two ids.
    fill(&copies.open(&copies.ours), 10..15);
    fill(&copies.open(&copies.ours), 30..31);
    fill(&copies.open(&copies.theirs), (20..22).chain(30..31));
    let before = copies.open(&copies.theirs).snapshot().unwrap().mapping().generation;
    let merged = copies.merge(None);
    assert_eq!((merged.relation, merged.before, merged.photos), (Relation::Separate, [16, 13], 18));
    assert!(merged.newest.generation > before && merged.removed == 0 && merged.passphrases_of.is_none());
    assert_eq!(copies.photos(), (0..15).chain(20..22).chain(30..31).collect());
    // Machines that used either copy go on, and so do those that saw only the common beginning.
    for root in [&copies.ours, &copies.theirs] {
        let vault = copies.open(root);
        assert_eq!(vault.copy_age(), CopyAge::Newest);
        assert_eq!(vault.snapshot().unwrap().mapping().parents.len(), 2);
    }
    fill(&copies.open(&copies.theirs), 40..41);
    let opened = Vault::open(vault::local(&copies.theirs), &passphrase("correct"), copies.fixture.freshness());
    assert!(opened.is_ok());
    // Now one continues the other, and then they are the same.
    assert_eq!(copies.merge(None).relation, Relation::TheirsIsNewer);
    fill(&copies.open(&copies.ours), 41..42);
    assert_eq!(copies.merge(None).relation, Relation::OursIsNewer);
    assert_eq!(copies.merge(None).relation, Relation::Same);
    assert_eq!(copies.photos(), (0..15).chain(20..22).chain(30..31).chain(40..42).collect());
}

#[test]
fn merges_of_merges_keep_every_line() {
    let copies = Copies::new();
    for round in 0..3 {
        fill(&copies.open(&copies.ours), 10 + 10 * round..12 + 10 * round);
        fill(&copies.open(&copies.theirs), 15 + 10 * round..17 + 10 * round);
        assert_eq!(copies.merge(None).relation, Relation::Separate);
    }
    assert_eq!(copies.photos().len(), 22);
    let opened = Vault::open(vault::local(&copies.ours), &passphrase("correct"), copies.fixture.freshness());
    assert!(opened.is_ok(), "a machine that saw only the common beginning follows");
}

#[test]
fn photos_that_one_copy_removed_are_decided() {
    for (settle, stays) in [
        (Some(Settle::Ours), vec![2]),
        (Some(Settle::Theirs), vec![1]),
        (Some(Settle::KeepAll), vec![1, 2]),
        (None, vec![]),
    ] {
        let copies = Copies::new();
        remove_numbers(&copies.open(&copies.ours), &[1, 3]);
        remove_numbers(&copies.open(&copies.theirs), &[2, 3]);
        let files_before = [files(&copies.ours), files(&copies.theirs)];
        let vault = copies.open(&copies.ours);
        let theirs = vault.other_copy(vault::local(&copies.theirs)).unwrap();
        let merge = vault::Merge::of(&vault, theirs).unwrap();
        let found: Vec<_> = merge.disagreements().iter().map(|one| (one.name.clone(), one.removed_in)).collect();
        let expected = [(name(1), Side::Ours), (name(2), Side::Theirs)].map(|(name, side)| (name.into_bytes(), side));
        assert_eq!(found, expected);
        let merged = copies.try_merge(settle).unwrap();
        if settle.is_none() {
            assert!(merged.is_none());
            assert!(files_before == [files(&copies.ours), files(&copies.theirs)], "nothing was changed");
            continue;
        }
        let expected: BTreeSet<u32> = [0].into_iter().chain(stays).chain(4..10).collect();
        assert_eq!(copies.photos(), expected, "{settle:?}");
        assert_eq!(merged.unwrap().removed, usize::from(settle == Some(Settle::Theirs)));
        // It was decided once and for all.
        fill(&copies.open(&copies.ours), 50..51);
        fill(&copies.open(&copies.theirs), 51..52);
        let later = copies.try_merge(None).unwrap().expect("nothing to decide");
        assert_eq!(later.relation, Relation::Separate);
        assert_eq!(copies.photos(), expected.into_iter().chain(50..52).collect());
    }
}

#[test]
fn a_photo_that_was_added_again_stays() {
    let copies = Copies::new();
    let ours = copies.open(&copies.ours);
    remove_numbers(&ours, &[4]);
    fill(&ours, 4..5);
    fill(&copies.open(&copies.theirs), 20..21);
    let merged = copies.merge(None);
    assert_eq!((merged.removed, merged.photos), (0, 11));
    assert!(copies.photos().contains(&4));
}

#[test]
fn a_photo_that_is_removed_once_more_is_asked_about_once_more() {
    for removed_in in [Side::Ours, Side::Theirs] {
        let copies = Copies::new();
        remove_numbers(&copies.open(&copies.ours), &[4]);
        fill(&copies.open(&copies.theirs), 40..41);
        assert_eq!(copies.merge(Some(Settle::KeepAll)).photos, 11);
        let [remover, other] = match removed_in {
            Side::Ours => [&copies.ours, &copies.theirs],
            Side::Theirs => [&copies.theirs, &copies.ours],
        };
        // Two removals within one second would be one.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        remove_numbers(&copies.open(remover), &[4]);
        fill(&copies.open(other), 20..21);
        assert!(copies.try_merge(None).unwrap().is_none(), "{removed_in:?}: it is asked");
        let settle = if removed_in == Side::Ours { Settle::Ours } else { Settle::Theirs };
        assert_eq!(copies.merge(Some(settle)).photos, 11, "{removed_in:?}");
        assert!(!copies.photos().contains(&4));
    }
}

#[test]
fn a_copy_that_changes_while_its_owner_decides_is_compared_again() {
    for changes_ours in [true, false] {
        let copies = Copies::new();
        remove_numbers(&copies.open(&copies.ours), &[4]);
        fill(&copies.open(&copies.theirs), 20..25);
        let replica =
            |root: &Path| Replica { backend: vault::local(root), name: root.display().to_string(), claimed: None };
        let freshness = Freshness::in_directory(copies.fixture.beside("machine that merges"));
        let decide = |_: &[vault::Disagreement]| {
            fill(&copies.open(if changes_ours { &copies.ours } else { &copies.theirs }), 30..31);
            Some(Settle::Theirs)
        };
        let (ours, theirs) = (replica(&copies.ours), replica(&copies.theirs));
        let passphrase = passphrase("correct");
        let merged = remote::merge(&ours, &theirs, &passphrase, &freshness, OlderSource::Refuse, &decide, &|_| {});
        // The other copy may still have every file that is needed; then what it got meanwhile makes it newer.
        let error = merged.err().unwrap();
        let is_said = matches!(error, Error::Superseded { .. }) || error.to_string().contains("changed separately");
        assert!(is_said, "{error}");
        let _ = copies.merge(Some(Settle::Theirs));
        assert_eq!(copies.photos(), (0..10).chain(20..25).chain(30..31).collect());
    }
}

#[test]
fn a_merge_waits_for_other_writers_and_they_for_it() {
    let copies = Copies::new();
    fill(&copies.open(&copies.theirs), 20..21);
    fill(&copies.open(&copies.ours), 10..11);
    let vault = copies.open(&copies.ours);
    let theirs = vault.other_copy(vault::local(&copies.theirs)).unwrap();
    let merge = vault::Merge::of(&vault, theirs).unwrap();
    let other = copies.open(&copies.ours);
    let mut adding = Transaction::begin(&other, IfLocked::Refuse).unwrap();
    append(&mut adding, 12);
    adding.lock(IfLocked::Refuse).unwrap();
    assert!(matches!(merge.run(Settle::Ours, IfLocked::Refuse, &|_| {}), Err(Error::Locked)));
    let is_locked = std::cell::Cell::new(false);
    drop(adding);
    let theirs = vault.other_copy(vault::local(&copies.theirs)).unwrap();
    let taken = |_| {
        let mut adding = Transaction::begin(&other, IfLocked::Refuse).unwrap();
        append(&mut adding, 13);
        is_locked.set(matches!(adding.commit(), Err(Error::Locked)));
    };
    let merged = vault::Merge::of(&vault, theirs).unwrap().run(Settle::Ours, IfLocked::Refuse, &taken).unwrap();
    assert_eq!((merged.taken, is_locked.get()), (1, true));
}

#[test]
fn other_vaults_and_copies_behind_a_third_one_are_refused() {
    let copies = Copies::new();
    let other = Fixture::new();
    fill(&other.open(), 0..1);
    let foreign = Copies { fixture: Fixture::new(), ours: copies.ours.clone(), theirs: other.root() };
    let refused = foreign.try_merge(None).err().unwrap();
    assert!(refused.to_string().contains("different vaults"), "{refused}");

    // This machine has seen a line that is in neither copy.
    let third = copies.fixture.beside("third");
    copy_folder(&copies.ours, &third);
    let freshness = Freshness::in_directory(copies.fixture.beside("machine that merges"));
    let vault = Vault::open(vault::local(&third), &passphrase("correct"), freshness).unwrap().0;
    fill(&vault, 60..61);
    fill(&vault, 61..62);
    fill(&copies.open(&copies.ours), 10..11);
    fill(&copies.open(&copies.theirs), 20..21);
    let before = [files(&copies.ours), files(&copies.theirs)];
    assert!(matches!(copies.try_merge(None), Err(Error::Forked { .. })));
    assert!(before == [files(&copies.ours), files(&copies.theirs)]);
}

#[test]
fn a_damaged_original_ends_the_merge_and_it_goes_on_after_a_repair() {
    let copies = Copies::new();
    fill(&copies.open(&copies.ours), 10..12);
    let ids = fill(&copies.open(&copies.theirs), 20..30);
    let original = copies.theirs.join(format!("encrypted_images/{}.jpg.aes", ids[7]));
    let whole = std::fs::read(&original).unwrap();
    flip(&original);
    let refused = copies.try_merge(None).err().unwrap();
    assert!(refused.to_string().contains(&ids[7].to_string()), "{refused}");
    assert!(copies.open(&copies.ours).check(&|_| {}).unwrap().is_whole());
    std::fs::write(&original, whole).unwrap();
    assert_eq!(copies.merge(None).photos, 22);
    assert_eq!(copies.photos(), (0..12).chain(20..30).collect());
}
