//! A vault whose locks do not work, as on some network mounts: a writer whose generation was replaced, or whose files
//! were taken away, must report that, and must not report its photos as added.
//!
//! A lock is on the inode of a file. Replacing that file by a copy gives the next writer another inode to lock, so that
//! two writers hold "the lock" at once, as if `flock` did nothing.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use cipherlens::durable::IfLocked;
use cipherlens::vault::{Error, Transaction};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::scene::{Ran, Scene, all_samples};
use crate::support::vault_fixture::{Fixture, append, clean_up, fill};

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
fn a_writer_whose_base_was_replaced_is_refused() {
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
    let refused = overtaken.commit();
    assert!(matches!(refused, Err(Error::Overtaken)), "{:?}", refused.err());
    let snapshot = fixture.open().snapshot().unwrap();
    assert_eq!((snapshot.len(), snapshot.mapping().generation), (2, 3), "the other writer's commit stays");
    assert!(fixture.open().check(&|_| {}).unwrap().is_whole());
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
    assert!(matches!(overtaken.commit(), Err(Error::Overtaken)));
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
    assert!(matches!(overtaken.commit(), Err(Error::Overtaken)));
    assert_eq!(fixture.open().snapshot().unwrap().len(), 1);
    clean_up(&first);
    let report = fixture.open().check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn an_add_that_was_overtaken_exits_1_and_does_not_say_added() {
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
        let ran = Ran(add.wait_with_output().unwrap()).exits(1).says("another process committed to this vault");
        if json {
            assert!(ran.0.stdout.is_empty() || ran.json()["added"] == 0, "{}", ran.stdout());
        } else {
            assert!(!ran.stdout().contains("Added 3"), "{}", ran.stdout());
        }
        assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 2);
        scene.run(["check"]).success();
    }
}
