//! A vault whose locks do not work, as on some network mounts: nothing that was reported as added is lost. Writers that
//! meet go on from each other's generations; one whose files were taken away reports that.
//!
//! Locks that do nothing at all: see `support::broken_locks`. Locks that exclude some writers and not others, as those
//! of two machines: a lock is on the inode of a file. Replacing that file by a copy gives the next writer another inode
//! to lock, so that two writers hold "the lock" at once, as if `flock` did nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, Abandoned, Error, Freshness, SignedMapping, Transaction, Vault};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::broken_locks::{break_locks, without_locks};
use crate::support::scene::{Ran, Scene, all_samples};
use crate::support::vault_fixture::{Fixture, append, clean_up, fill, keys, passphrase, photo};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Frees the lock on a file, although its holder is still there.
fn break_the_lock(file: &Path) {
    let copy = file.with_file_name("copy");
    fs::copy(file, &copy).unwrap();
    fs::rename(copy, file).unwrap();
}

fn break_the_journals(vault: &Path) {
    for journal in fs::read_dir(vault.join("journals")).unwrap() {
        break_the_lock(&journal.unwrap().path());
    }
}

#[test]
fn a_writer_whose_base_was_replaced_goes_on_from_the_new_one() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.open(), fixture.open());
    fill(&first, 0..1);
    let mut overtaken = Transaction::begin(&first, IfLocked::Refuse).unwrap();
    append(&mut overtaken, 1);
    overtaken.lock(IfLocked::Refuse).unwrap();
    let refused = Transaction::begin(&second, IfLocked::Refuse).unwrap().lock(IfLocked::Refuse);
    assert!(matches!(refused, Err(Error::Locked)));
    break_the_lock(&fixture.root().join("lock"));
    fill(&second, 2..3);
    assert!(overtaken.commit().unwrap().already_present.is_empty());
    let snapshot = fixture.open().snapshot().unwrap();
    assert_eq!((snapshot.len(), snapshot.mapping().generation), (3, 4), "the other writer's commit stays");
    let report = fixture.open().check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn a_writer_whose_staged_files_were_removed_is_refused() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.open(), fixture.open());
    fill(&first, 0..1);
    let mut overtaken = Transaction::begin(&first, IfLocked::Refuse).unwrap();
    append(&mut overtaken, 1);
    break_the_journals(&fixture.root());
    // It mistakes the first writer's files for the remains of a crash, and removes them.
    clean_up(&second);
    assert!(matches!(overtaken.commit(), Err(Error::Dispossessed)));
    assert_eq!(fixture.open().snapshot().unwrap().len(), 1);
    let report = fixture.open().check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn a_writer_whose_journal_was_taken_is_refused_although_its_files_are_there() {
    let fixture = Fixture::new();
    let first = fixture.open();
    fill(&first, 0..1);
    let mut overtaken = Transaction::begin(&first, IfLocked::Refuse).unwrap();
    append(&mut overtaken, 1);
    // Another writer has just claimed the journal, and will remove the files next.
    for journal in fs::read_dir(fixture.root().join("journals")).unwrap() {
        fs::rename(journal.unwrap().path(), fixture.root().join("journals").join("0f".repeat(16))).unwrap();
    }
    assert!(matches!(overtaken.commit(), Err(Error::Dispossessed)));
    assert_eq!(fixture.open().snapshot().unwrap().len(), 1);
    clean_up(&first);
    let report = fixture.open().check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn an_add_whose_files_were_taken_exits_1_and_does_not_say_added() {
    let photos = all_samples();
    for json in [false, true] {
        let scene = Scene::with_photos(&photos[..1]);
        let options: &[&str] = if json { &["add", "--json"] } else { &["add"] };
        let mut command = scene.command_with(options, &photos[2..40]);
        let add = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let process = Pid::from_raw(add.id().cast_signed());
        let patience = Instant::now() + PATIENCE;
        while fs::read_dir(scene.vault().join("encrypted_images")).unwrap().count() < 3 {
            assert!(Instant::now() < patience, "no photo was sealed");
            thread::sleep(Duration::from_millis(2));
        }
        kill(process, Signal::SIGSTOP).unwrap();
        break_the_journals(&scene.vault());
        scene.run_with(&["add"], &photos[1..2]).success();
        kill(process, Signal::SIGCONT).unwrap();
        let ran =
            Ran(add.wait_with_output().unwrap()).exits(1).says("another process removed what this one had written");
        if json {
            assert!(ran.0.stdout.is_empty() || ran.json()["added"] == 0, "{}", ran.stdout());
        } else {
            assert!(!ran.stdout().contains("Added 3"), "{}", ran.stdout());
        }
        assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 2);
        scene.run(["check"]).success();
    }
}

#[test]
fn writers_without_locks_lose_nothing_that_they_committed() {
    const WRITERS: u32 = 8;
    const COMMITS: u32 = 6;
    let fixture = Fixture::new();
    fill(&fixture.open(), 0..1);
    let committed = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let fixture = &fixture;
                scope.spawn(move || {
                    break_locks().unwrap();
                    let freshness = Freshness::in_directory(fixture.beside(&format!("machine {writer}")));
                    let opened = Vault::open(vault::local(fixture.root()), &passphrase("correct"), freshness);
                    let vault = opened.unwrap().0;
                    let mut committed = Vec::new();
                    let mut transaction = Transaction::begin(&vault, IfLocked::Wait).unwrap();
                    for number in (0..COMMITS).map(|commit| 1000 * (writer + 1) + commit) {
                        append(&mut transaction, number);
                        match transaction.commit() {
                            Ok(done) => {
                                committed.push(number);
                                transaction = done.next;
                            }
                            // Always overtaken. What it wanted to add is not there, or not all of it.
                            Err(error) => {
                                assert!(matches!(error, Error::Overtaken), "{error}");
                                transaction = Transaction::begin(&vault, IfLocked::Wait).unwrap();
                            }
                        }
                    }
                    committed
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<u32>>()
    });
    assert!(!committed.is_empty());
    let vault = fixture.open();
    let snapshot = vault.snapshot().unwrap();
    for number in &committed {
        let found = snapshot.find_content(&vault.content_tag(&photo(*number))).unwrap();
        assert!(found.is_some(), "photo {number} was reported as committed");
    }
    assert_eq!(snapshot.len(), committed.len() + 1);
    assert!(vault.check(&|_| {}).unwrap().is_whole());
    assert_eq!(claims(&fixture.root()).len(), 1, "one claim, and no mapping");
}

/// The names of all claims.
fn claims(vault: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(vault.join("claims"))
        .unwrap()
        .map(|claim| claim.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Eight programs add two photos each to the vault, which `whereabouts` names, at the same time.
fn eight_adders(scene: &Scene, whereabouts: &[&str], photos: &[PathBuf]) {
    let before = scene.run(["list", "--json"]).success().json().as_array().unwrap().len();
    let adders: Vec<_> = photos
        .chunks(2)
        .enumerate()
        .map(|(adder, photos)| {
            let home = scene.path(&format!("home of {adder}"));
            fs::create_dir_all(&home).unwrap();
            let mut command = scene.command_with(&[whereabouts, &["add", "--json"]].concat(), photos);
            command.env("HOME", &home).stdout(Stdio::piped()).stderr(Stdio::piped());
            without_locks(&mut command).spawn().unwrap()
        })
        .collect();
    assert_eq!(adders.len(), 8);
    let mut added = 0;
    for adder in adders {
        let ran = Ran(adder.wait_with_output().unwrap());
        if ran.0.status.success() {
            assert_eq!(ran.json()["added"], 2, "{}", ran.stdout());
            added += 2;
        } else {
            // Others were faster again and again.
            let ran = ran.exits(1);
            assert!(ran.0.stdout.is_empty() || ran.json()["added"] == 0, "{}", ran.stdout());
        }
    }
    assert!(added > 0);
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), before + added);
    scene.run(["check"]).success();
}

#[test]
fn eight_adders_without_locks_lose_no_photo_that_they_reported_as_added() {
    let photos = all_samples();
    let scene = Scene::with_photos(&photos[..1]);
    eight_adders(&scene, &[], &photos[1..17]);
    let serving = format!("'{}' serve --stdio '{}'", env!("CARGO_BIN_EXE_cipherlens"), scene.vault().display());
    eight_adders(&scene, &["--via", &serving], &photos[17..33]);
}

#[test]
fn what_a_killed_writer_claimed_is_taken_over() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let folder = fixture.root().join("claims");
    assert_eq!(claims(&fixture.root()), ["2"]);
    // Killed before its rename, twice; and names that the program does not make.
    let id = "0a".repeat(16);
    for name in [&format!("3-{id}"), "3", &format!("3.{id}"), "notes.txt", "3.x", "99999999999999999999"] {
        fs::write(folder.join(name), "").unwrap();
    }
    fs::create_dir(folder.join(format!("3-{}", "0b".repeat(16)))).unwrap();
    fill(&vault, 1..2);
    assert_eq!(vault.snapshot().unwrap().mapping().generation, 3);
    let left = claims(&fixture.root());
    assert!(!left.contains(&format!("3-{id}")), "it can commit no more: {left:?}");
    assert_eq!(left.iter().filter(|name| name.starts_with("3.") && name.len() > 30).count(), 2, "{left:?}");
    fill(&vault, 2..3);
    let foreign = [&format!("3-{}", "0b".repeat(16)), "3.x", "4", "99999999999999999999", "notes.txt"];
    assert_eq!(claims(&fixture.root()), foreign);
    assert!(vault.check(&|_| {}).unwrap().is_whole());
}

#[test]
fn a_commit_that_skips_numbers_excludes_others_too() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.open(), fixture.open());
    fill(&first, 0..1);
    let keys = keys(&fixture.root());
    // A copy of this vault that is seven generations ahead, about to be pushed here.
    let writer = first.backend().writer(Abandoned::Remove).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    let current = first.backend().mapping().unwrap();
    let (header, tables) = (current.mapping.header, current.mapping.tables.clone());
    let mut ahead = current.mapping.with_header(current.tag, header, tables);
    ahead.generation += 6;
    break_the_lock(&fixture.root().join("lock"));
    // As if it had been suspended after its claim.
    fs::write(fixture.root().join("claims/3"), "").unwrap();
    fs::write(fixture.root().join(format!("claims/3-{}", "0a".repeat(16))), "").unwrap();
    fill(&second, 2..3);
    assert_eq!(
        claims(&fixture.root()).iter().filter(|name| name.contains('-')).count(),
        0,
        "it cannot commit any more"
    );
    let refused = writer.commit(&SignedMapping::sign(ahead, &keys), None);
    assert!(matches!(refused, Err(Error::Overtaken)), "{refused:?}");
    assert_eq!(fixture.open().snapshot().unwrap().len(), 2);
}

#[test]
fn a_writer_whose_claim_was_taken_over_does_not_commit_later() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.open(), fixture.open());
    fill(&first, 0..1);
    let mut overtaken = Transaction::begin(&first, IfLocked::Refuse).unwrap();
    append(&mut overtaken, 1);
    overtaken.lock(IfLocked::Refuse).unwrap();
    break_the_lock(&fixture.root().join("lock"));
    // As if it had been suspended between its claim and its rename, and another writer took the generation over.
    fs::write(fixture.root().join("claims/3"), "").unwrap();
    fill(&second, 2..3);
    assert_eq!(second.snapshot().unwrap().mapping().generation, 3);
    let committed = overtaken.commit().unwrap().next;
    assert_eq!(committed.base().mapping().generation, 4, "it goes on from the other one");
    assert_eq!(committed.base().len(), 3);
}
