//! A vault whose lock does not work, as on some network mounts: a writer whose generation was replaced must report
//! that, and must not report its photos as added.
//!
//! The lock is on the inode of `public_context`. Replacing that file by a copy gives the next writer another inode to
//! lock, so that two writers hold "the lock" at once, as if `flock` did nothing.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use cipherlens::durable::IfLocked;
use cipherlens::vault::{Error, Transaction};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::scene::{Ran, Scene, all_samples};
use crate::support::vault_fixture::{Fixture, append, fill};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn break_the_lock(vault: &std::path::Path) {
    let copy = vault.join("copy");
    fs::copy(vault.join("public_context"), &copy).unwrap();
    fs::rename(copy, vault.join("public_context")).unwrap();
}

#[test]
fn a_writer_whose_base_was_replaced_is_refused() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.open(), fixture.open());
    fill(&first, 0..1);
    let mut overtaken = Transaction::begin(&first, IfLocked::Refuse).unwrap();
    append(&mut overtaken, 1);
    assert!(matches!(Transaction::begin(&second, IfLocked::Refuse), Err(Error::Locked)));
    break_the_lock(&fixture.root());
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
    break_the_lock(&fixture.root());
    // It mistakes the first writer's files for the remains of a crash, removes them, and commits nothing.
    drop(Transaction::begin(&second, IfLocked::Refuse).unwrap());
    assert!(matches!(overtaken.commit(), Err(Error::Overtaken)));
    assert_eq!(fixture.open().snapshot().unwrap().len(), 1);
    assert!(fixture.open().check(&|_| {}).unwrap().is_whole());
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
        while !scene.vault().join("writing").exists() {
            assert!(Instant::now() < patience, "no photo was sealed");
            thread::sleep(Duration::from_millis(2));
        }
        kill(process, Signal::SIGSTOP).unwrap();
        break_the_lock(&scene.vault());
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
