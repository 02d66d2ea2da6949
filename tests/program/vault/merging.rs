//! Two copies of a vault that were changed separately become one again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cipherlens::cipher::Cost;
use cipherlens::durable::IfLocked;
use cipherlens::remote::{self, Disagreements, MergedCopies, OlderSource, Relation, Replica};
use cipherlens::vault::{self, CopyAge, Decision, Error, Extension, Freshness, Seen, Settle, Side, Transaction, Vault};

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

    /// What the machine has seen that merges the copies.
    fn merger(&self) -> Freshness {
        Freshness::in_directory(self.fixture.beside("machine that merges"))
    }

    fn try_merge(&self, settle: Option<Settle>) -> Result<Option<MergedCopies>, Error> {
        self.merge_deciding(OlderSource::Refuse, &|_| settle.map(of_ours))
    }

    fn merge_deciding(
        &self,
        older: OlderSource,
        decide: &dyn Fn(Disagreements<'_>) -> Option<Decision>,
    ) -> Result<Option<MergedCopies>, Error> {
        let (ours, theirs) = (replica(&self.ours), replica(&self.theirs));
        remote::merge(&ours, &theirs, &passphrase("correct"), &self.merger(), older, decide, &|_| {})
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

fn replica(root: &Path) -> Replica {
    Replica { backend: vault::local(root), name: root.display().to_string(), claimed: None }
}

/// A decision that keeps the passphrases of the first copy.
fn of_ours(photos: Settle) -> Decision {
    Decision { photos, passphrases: Side::Ours }
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
    assert!(merged.newest.generation > before && merged.removed == [0, 0] && merged.passphrases_of.is_none());
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
        let found: Vec<_> = merge.disagreements().iter().map(|one| (one.path.clone(), one.removed_in)).collect();
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
        let removed = [Settle::Theirs, Settle::Ours].map(|side| usize::from(settle == Some(side)));
        assert_eq!(merged.unwrap().removed, removed);
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
    assert_eq!((merged.removed, merged.photos), ([0, 0], 11));
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
        let decide = |_: Disagreements<'_>| {
            fill(&copies.open(if changes_ours { &copies.ours } else { &copies.theirs }), 30..31);
            Some(of_ours(Settle::Theirs))
        };
        let error = copies.merge_deciding(OlderSource::Refuse, &decide).err().unwrap();
        // The other copy may still have every file that is needed; then what it got meanwhile makes it newer.
        let is_said = error.to_string().contains("changed separately") && !changes_ours;
        assert!(is_said || matches!(error, Error::Superseded { .. }), "{error}");
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
    assert!(matches!(merge.run(of_ours(Settle::Ours), IfLocked::Refuse, &|_| {}), Err(Error::Locked)));
    let is_locked = std::cell::Cell::new(false);
    drop(adding);
    let theirs = vault.other_copy(vault::local(&copies.theirs)).unwrap();
    let taken = |_| {
        let mut adding = Transaction::begin(&other, IfLocked::Refuse).unwrap();
        append(&mut adding, 13);
        is_locked.set(matches!(adding.commit(), Err(Error::Locked)));
    };
    let merged =
        vault::Merge::of(&vault, theirs).unwrap().run(of_ours(Settle::Ours), IfLocked::Refuse, &taken).unwrap();
    assert_eq!((merged.newest.len(), is_locked.get()), (12, true));
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
    let vault = Vault::open(vault::local(&third), &passphrase("correct"), copies.merger()).unwrap().0;
    fill(&vault, 60..61);
    fill(&vault, 61..62);
    fill(&copies.open(&copies.ours), 10..11);
    fill(&copies.open(&copies.theirs), 20..21);
    let before = [files(&copies.ours), files(&copies.theirs)];
    assert!(matches!(copies.try_merge(None), Err(Error::Forked { .. })));
    assert!(before == [files(&copies.ours), files(&copies.theirs)]);
    // Its owner gives that line up.
    let merged = copies.merge_deciding(OlderSource::Accept, &|_| None).unwrap().expect("nothing to decide");
    assert_eq!(copies.photos(), (0..11).chain(20..21).collect());
    assert_eq!(copies.merger().seen(vault.id()).unwrap()[0], merged.newest);
    let given_up = Vault::open(vault::local(&third), &passphrase("correct"), copies.merger());
    assert!(matches!(given_up, Err(Error::Forked { .. })));
}

#[test]
fn a_merge_is_known_although_bringing_the_other_copy_up_to_date_failed() {
    let copies = Copies::new();
    remove_numbers(&copies.open(&copies.theirs), &[4]);
    fill(&copies.open(&copies.ours), 10..11);
    let _ = Vault::open(vault::local(&copies.ours), &passphrase("correct"), copies.merger()).unwrap();
    let before = files(&copies.ours);
    let decide = |_: Disagreements<'_>| {
        std::fs::remove_dir_all(copies.theirs.join("claims")).unwrap();
        std::fs::write(copies.theirs.join("claims"), "no folder").unwrap();
        Some(of_ours(Settle::KeepAll))
    };
    let failed = copies.merge_deciding(OlderSource::Refuse, &decide).unwrap_err();
    assert!(failed.to_string().contains("claims"), "{failed}");
    restore(&copies.ours, &before);
    let rolled_back = Vault::open(vault::local(&copies.ours), &passphrase("correct"), copies.merger());
    assert!(matches!(rolled_back, Err(Error::RolledBack { .. })));
}

#[test]
fn a_copy_whose_header_is_not_its_own_is_not_merged() {
    for changes_ours in [false, true] {
        for makes_separate in [false, true] {
            let copies = Copies::new();
            let [changed, other] =
                if changes_ours { [&copies.ours, &copies.theirs] } else { [&copies.theirs, &copies.ours] };
            let old = std::fs::read(changed.join("header")).unwrap();
            copies.open(changed).add_passphrase(&passphrase("another"), IfLocked::Refuse).unwrap();
            if makes_separate {
                fill(&copies.open(other), 20..21);
            }
            for header in [&old[..], &old[..100]] {
                std::fs::write(changed.join("header"), header).unwrap();
                let before = [files(&copies.ours), files(&copies.theirs)];
                assert!(copies.try_merge(Some(Settle::KeepAll)).is_err());
                assert!(before == [files(&copies.ours), files(&copies.theirs)], "{changes_ours} {makes_separate}");
            }
        }
    }
}

#[test]
fn whose_passphrases_stay_is_decided() {
    for side in [Side::Ours, Side::Theirs] {
        let copies = Copies::new();
        fill(&copies.open(&copies.ours), 10..11);
        copies.open(&copies.theirs).add_passphrase(&passphrase("another"), IfLocked::Refuse).unwrap();
        let before = [files(&copies.ours), files(&copies.theirs)];
        assert!(copies.try_merge(None).unwrap().is_none());
        assert!(before == [files(&copies.ours), files(&copies.theirs)], "nothing was changed");
        let decide = |about: Disagreements<'_>| {
            assert!(about.passphrases && about.photos.is_empty());
            Some(Decision { photos: Settle::KeepAll, passphrases: side })
        };
        let merged = copies.merge_deciding(OlderSource::Refuse, &decide).unwrap().unwrap();
        assert_eq!(merged.passphrases_of, Some(side));
        assert_eq!(copies.photos(), (0..11).collect());
        for root in [&copies.ours, &copies.theirs] {
            let opened = Vault::open(vault::local(root), &passphrase("another"), Freshness::unrecorded());
            assert_eq!(opened.is_ok(), side == Side::Theirs);
        }
    }
}

#[test]
fn the_same_passphrase_in_two_headers_is_no_disagreement() {
    let copies = Copies::new();
    fill(&copies.open(&copies.ours), 10..11);
    let vault = copies.open(&copies.theirs);
    let (correct, another) = (passphrase("correct"), passphrase("another"));
    vault.change_passphrase(&correct, &another, Cost::FLOOR, IfLocked::Refuse).unwrap();
    vault.change_passphrase(&another, &correct, Cost::FLOOR, IfLocked::Refuse).unwrap();
    assert_eq!(copies.merge(None).passphrases_of, None);
    assert_eq!(copies.photos(), (0..11).collect());
}

#[test]
fn a_photo_that_is_damaged_in_one_copy_is_taken_from_the_other() {
    let copies = Copies::new();
    // Photo 30 was added to both, under two ids, and ours is damaged.
    let ids = fill(&copies.open(&copies.ours), 30..31);
    fill(&copies.open(&copies.theirs), 30..31);
    flip(&copies.ours.join(format!("encrypted_images/{}.jpg.aes", ids[0])));
    assert_eq!(copies.merge(None).photos, 11);
    assert_eq!(copies.photos(), (0..10).chain(30..31).collect());
    assert!(copies.open(&copies.ours).snapshot().unwrap().tombstones().unwrap().is_empty(), "nobody removed it");
}

/// Between two commits of a merge a damaged photo of ours must be neither gone nor count as removed.
#[test]
fn an_interrupted_merge_removes_no_damaged_photo() {
    let copies = Copies::new();
    let ids = fill(&copies.open(&copies.ours), 30..31);
    // More than two segments, and photo 30 in the last of them.
    let theirs = fill(&copies.open(&copies.theirs), 100..2150);
    fill(&copies.open(&copies.theirs), 30..31);
    flip(&copies.ours.join(format!("encrypted_images/{}.jpg.aes", ids[0])));
    let last = copies.theirs.join(format!("encrypted_images/{}.jpg.aes", theirs.last().unwrap()));
    let away = copies.theirs.join("away");
    std::fs::rename(&last, &away).unwrap();
    assert!(matches!(copies.try_merge(None), Err(Error::Missing { .. })));
    let vault = copies.open(&copies.ours);
    let snapshot = vault.snapshot().unwrap();
    assert!(snapshot.len() > 1000, "a part was committed");
    assert!(snapshot.tombstones().unwrap().is_empty(), "nobody removed it");
    assert_eq!(snapshot.find_content(&vault.content_tag(&photo(30))).unwrap(), Some(ids[0]));
    std::fs::rename(&away, &last).unwrap();
    let merged = copies.merge(None);
    assert_eq!((merged.photos, merged.removed), (2061, [0, 0]));
    assert!(copies.open(&copies.ours).snapshot().unwrap().tombstones().unwrap().is_empty());
}

#[test]
fn photos_that_the_newer_copy_has_lost_come_back_from_the_older_one() {
    for ours_is_newer in [true, false] {
        let copies = Copies::new();
        // Photo 4 was removed once, and kept when the copies were put together: that removal counts no more.
        remove_numbers(&copies.open(&copies.ours), &[4]);
        fill(&copies.open(&copies.theirs), 20..21);
        assert_eq!(copies.merge(Some(Settle::KeepAll)).photos, 11);
        let [newer, older] =
            if ours_is_newer { [&copies.ours, &copies.theirs] } else { [&copies.theirs, &copies.ours] };
        let vault = copies.open(newer);
        remove_numbers(&vault, &[5]);
        let id = vault.snapshot().unwrap().find_content(&vault.content_tag(&photo(4))).unwrap().unwrap();
        std::fs::remove_file(newer.join(format!("encrypted_images/{id}.jpg.aes"))).unwrap();
        let drop_it = vault::LostPhotoPolicy::Drop;
        let repaired = vault::repair(&vault, &Nothing, drop_it, IfLocked::Refuse, &|_| {}).unwrap();
        assert!(repaired.after.is_whole());
        // Copying would take it away from the older copy too.
        let (from, to) = (replica(newer), replica(older));
        let before = files(older);
        let push = |older| remote::transfer(&from, &to, &passphrase("correct"), &copies.merger(), older, &|_, _| {});
        let refused = push(OlderSource::Refuse).unwrap_err();
        assert!(refused.to_string().contains("has 1 of the photos that"), "{refused}");
        assert!(before == files(older));
        let merged = copies.merge(None);
        assert_eq!((merged.lost, merged.photos), (1, 10), "and what was removed stays removed");
        assert_eq!(copies.photos(), (0..5).chain(6..10).chain(20..21).collect());
        let _ = push(OlderSource::Refuse).unwrap();
    }
}

#[test]
fn a_folder_that_was_added_to_both_copies_is_one_source() {
    let copies = Copies::new();
    for (root, numbers) in [(&copies.ours, 20..23), (&copies.theirs, 22..25)] {
        let vault = copies.open(root);
        let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
        let source = transaction.source_of(Path::new("/home/ann/holiday"), "holiday").unwrap();
        for number in numbers {
            let mut stored = transaction.store_photo(&photo(number), &Extension::of(Path::new("x.JPG"))).unwrap();
            transaction.store_thumbnail(&mut stored, format!("thumbnail {number}").as_bytes()).unwrap();
            let mut image = image(stored, number);
            image.record.found_mut()[0].source = source;
            let _ = transaction.append(image).unwrap();
        }
        drop(transaction.commit().unwrap());
    }
    assert_eq!(copies.merge(None).photos, 15);
    assert_eq!(copies.photos(), (0..10).chain(20..25).collect());
    let snapshot = copies.open(&copies.theirs).snapshot().unwrap();
    let sources = snapshot.sources().unwrap();
    assert_eq!(sources.len(), 1);
    for at in 10..15 {
        let image = snapshot.image_at(at).unwrap();
        let places: Vec<_> = image.record().unwrap().found().iter().map(|found| found.source).collect();
        assert_eq!(places, [sources[0].id]);
    }
}

#[test]
fn a_merge_of_long_histories_keeps_full_pages_and_every_generation() {
    let copies = Copies::new();
    let newest = copies.open(&copies.ours).snapshot().unwrap().mapping().generation;
    age(&copies.ours, 2100);
    restore(&copies.theirs, &files(&copies.ours));
    let open =
        |root: &Path| Vault::open(vault::local(root), &passphrase("correct"), Freshness::unrecorded()).unwrap().0;
    let pages = |root: &Path| open(root).snapshot().unwrap().mapping().pages("history").to_vec();
    let before = pages(&copies.ours);
    fill(&open(&copies.ours), 10..12);
    fill(&open(&copies.theirs), 20..21);
    let lines = [&copies.ours, &copies.theirs].map(|root| Seen::of(open(root).snapshot().unwrap().signed()));
    assert_eq!(copies.merge(None).photos, 13);
    assert_eq!(pages(&copies.theirs)[..2], before[..2], "full pages are those of before");
    let of_pages = [newest + 1, 1023, 1024, 1025, 2047, 2048, 2049, newest + 2100].map(made_up);
    for seen in of_pages.into_iter().chain(lines) {
        let vault = open(&copies.theirs);
        let merged = vault.snapshot().unwrap();
        let descent = vault.descent(vault.backend(), merged.signed(), &seen).unwrap();
        assert_eq!(descent, vault::Descent::Continues, "{seen:?}");
    }
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
