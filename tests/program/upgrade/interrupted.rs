//! Whatever interrupts an upgrade, the vault is the old one or the new one, never a third, and an upgrade that is
//! repeated completes.
//!
//! As in `hardening::crash`, one traced run covers every kill and every power cut: the files are copied before each
//! call that changes them. Some runs are really killed as well.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cipherlens::durable::IfLocked;
use cipherlens::vault::{Abandoned, Digest, Error, Id};
use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::hardening::power::{Disk, Names};
use crate::support::old_vault::{contents, old_files, open, scene_of_version};
use crate::support::scene::{Scene, copy_folder};
use crate::support::tracer;
use crate::support::tracer::{Call, End, Fate, Kind};
use crate::support::vault_fixture::files;
use crate::upgrade::outcome::upgrade;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Old,
    New,
}

/// The vault before the upgrade.
struct Was {
    files: BTreeMap<PathBuf, Vec<u8>>,
    photos: BTreeMap<Id, String>,
}

impl Was {
    fn of(scene: &Scene) -> Self {
        let photos = contents(&open(&scene.vault(), &seen(&scene.path(""))).snapshot().unwrap());
        Self { files: files(&scene.vault()), photos }
    }

    /// The state of the vault in `folder`, the home of which is there too, after the next writer has cleaned up. Fails
    /// the test if it is neither the old one, byte for byte, nor the new one.
    fn state(&self, folder: &Path, when: &str) -> State {
        let root = folder.join("photos.vault");
        // Shown if the test fails.
        println!("{when}: {}", folder.display());
        let vault = open(&root, &seen(folder));
        assert!(contents(&vault.snapshot().unwrap()) == self.photos, "{when}");
        let writer = vault.backend().writer(Abandoned::Remove).unwrap();
        let cleaned = writer.lock(IfLocked::Refuse).and_then(|()| writer.remove_abandoned());
        cleaned.unwrap_or_else(|error| panic!("{when}: {error}"));
        drop(writer);
        let report = vault.check(&|_| {}).unwrap();
        assert!(report.leftovers.abandoned.is_empty() && report.leftovers.strays.is_empty(), "{when}: {report:?}");
        assert!(contents(&vault.snapshot().unwrap()) == self.photos, "{when}");
        let now = files(&root);
        if vault.is_old() {
            assert_eq!(now.keys().collect::<Vec<_>>(), self.files.keys().collect::<Vec<_>>(), "{when}");
            assert!(now == self.files, "{when}: a file has changed");
            State::Old
        } else {
            assert!(report.is_whole(), "{when}: {report:?}");
            assert_eq!(old_files(&root), [] as [&Path; 0], "{when}");
            let is_original = |path: &&PathBuf| path.starts_with("encrypted_images");
            assert!(self.files.keys().filter(is_original).all(|path| now.get(path) == self.files.get(path)), "{when}");
            State::New
        }
    }

    /// The same, and upgrades an old vault.
    fn completed(&self, folder: &Path, when: &str) -> State {
        let found = self.state(folder, when);
        let vault = open(&folder.join("photos.vault"), &seen(folder));
        match (found, upgrade(&vault, &folder.join("draft"), &|_| {})) {
            (State::Old, Ok(upgraded)) => assert!(upgraded.report.is_whole(), "{when}: {:?}", upgraded.report),
            (State::New, Err(Error::NotOutdated)) => {}
            (_, outcome) => panic!("{when}, {found:?}: {:?}", outcome.err()),
        }
        assert_eq!(self.state(folder, when), State::New, "{when}: repeated");
        found
    }
}

/// Where the program records which generations it has seen.
fn seen(folder: &Path) -> PathBuf {
    folder.join("home/.local/state/cipherlens/freshness")
}

/// The upgrade under the tracer, and what it says.
fn trace(scene: &Scene, decide: impl FnMut(&Call) -> Fate) -> (End, String) {
    let outputs = tempfile::tempdir().unwrap();
    let mut command = scene.command(["upgrade"]);
    let output = |name: &str| Stdio::from(fs::File::create(outputs.path().join(name)).unwrap());
    command.stdout(output("stdout")).stderr(output("stderr"));
    let end = tracer::run(command, &scene.path(""), decide);
    (end, fs::read_to_string(outputs.path().join("stderr")).unwrap())
}

/// A digest of the files that determine the state.
fn fingerprint(folder: &Path) -> Digest {
    let of = |place: &str| match fs::metadata(folder.join(place)) {
        Ok(_) => files(&folder.join(place)),
        Err(_) => BTreeMap::new(),
    };
    let all = ["photos.vault", "home"].map(of);
    let parts: Vec<&[u8]> = all
        .iter()
        .flatten()
        .filter(|(path, _)| !path.components().any(|part| part.as_os_str() == "log"))
        .flat_map(|(path, bytes)| [path.to_str().unwrap().as_bytes(), b"\0", bytes, b"\0"])
        .collect();
    Digest::of(&parts)
}

/// One traced run, with the files as a kill and two kinds of power cut leave them before each call. The upgrade is
/// repeated on every `repeated`-th of the different outcomes.
fn every_crash(repeated: usize) {
    let scene = scene_of_version(2);
    let was = Was::of(&scene);
    let mut disk = Disk::new(&scene.path(""));
    let (mut previous, mut calls, mut looked) = (None::<Call>, 0, HashSet::new());
    let mut counts = [0; 2];
    let mut look = |disk: &Disk, when: &str| {
        let copies = tempfile::tempdir().unwrap();
        let [killed, synced, named] = ["killed", "synced", "named"].map(|name| copies.path().join(name));
        copy_folder(&scene.path(""), &killed);
        disk.after_power_cut(Names::Synced, &synced);
        disk.after_power_cut(Names::All, &named);
        for folder in [killed, synced, named] {
            if looked.insert(fingerprint(&folder)) {
                let found =
                    if looked.len() % repeated == 0 { was.completed(&folder, when) } else { was.state(&folder, when) };
                counts[usize::from(found == State::New)] += 1;
            }
        }
    };
    let (end, said) = trace(&scene, |call| {
        if let Some(previous) = previous.replace(call.clone()) {
            disk.apply(&previous);
        }
        calls += 1;
        look(&disk, &format!("before call {calls}, {call:?}"));
        Fate::Happens
    });
    assert_eq!(end, End::Exit(0), "{said}");
    disk.apply(&previous.unwrap());
    let [old, new] = counts;
    println!("upgrade: {calls} calls, {old} different old and {new} different new vaults");
    assert!(calls > 30 && old > 20 && new > 5, "{calls} calls, {old} old, {new} new");
    // The program reported success, so no power cut may undo it.
    for names in [Names::Synced, Names::All] {
        let folder = tempfile::tempdir().unwrap();
        disk.after_power_cut(names, &folder.path().join("cut"));
        assert_eq!(was.state(&folder.path().join("cut"), "at the end"), State::New);
    }
}

#[test]
fn a_crash_leaves_the_old_vault_or_the_new_one() {
    every_crash(8);
}

#[test]
#[ignore = "takes long: .ci/long/upgrade runs it"]
fn after_every_crash_the_upgrade_can_be_repeated() {
    every_crash(1);
}

/// The calls of an undisturbed run.
fn calls() -> Vec<Call> {
    let scene = scene_of_version(2);
    let mut calls = Vec::new();
    let (end, said) = trace(&scene, |call| {
        let path = call.path.strip_prefix(scene.path("")).unwrap().to_owned();
        calls.push(Call { path, ..call.clone() });
        Fate::Happens
    });
    assert_eq!(end, End::Exit(0), "{said}");
    calls
}

/// Kills the program before every `step`-th call, and runs it again.
fn kills(step: usize) {
    for at in (1..=calls().len()).step_by(step) {
        let scene = scene_of_version(2);
        let was = Was::of(&scene);
        let mut seen_calls = 0;
        let (end, _) = trace(&scene, |_| {
            seen_calls += 1;
            if seen_calls == at { Fate::Kills } else { Fate::Happens }
        });
        // A run may have a few calls less than another.
        assert!(end == End::Signal(Signal::SIGKILL) || seen_calls < at && end == End::Exit(0), "{end:?}");
        // Not cleaned up yet: the program does that itself.
        match open(&scene.vault(), &seen(&scene.path(""))).is_old() {
            true => scene.run(["upgrade"]).success(),
            false => scene.run(["upgrade"]).exits(1).says("of the current format already"),
        };
        assert_eq!(was.state(&scene.path(""), &format!("killed before call {at}")), State::New);
    }
}

#[test]
fn a_killed_upgrade_can_be_repeated() {
    kills(25);
}

#[test]
#[ignore = "takes long: .ci/long/upgrade runs it"]
fn an_upgrade_killed_at_any_call_can_be_repeated() {
    kills(1);
}

/// Makes every `step`-th call fail that a full disk or a broken one can make fail: the program says so and leaves the
/// old vault, or completes the upgrade.
fn failures(step: usize) {
    let fails = |(at, call): (usize, &Call)| {
        let errors: &[Errno] = match call.kind {
            Kind::Create | Kind::Write | Kind::MakeDirectory => &[Errno::ENOSPC, Errno::EIO],
            Kind::Rename => &[Errno::ENOSPC],
            Kind::Open | Kind::Sync | Kind::Remove => &[Errno::EIO],
        };
        errors.iter().map(|error| (at, *error)).collect::<Vec<_>>()
    };
    let calls = calls();
    let cases: Vec<_> = calls.iter().enumerate().flat_map(fails).step_by(step).collect();
    let mut counts = [0; 2];
    for (at, error) in cases.iter().copied() {
        let when = format!("{error} at {:?}", calls[at]);
        let scene = scene_of_version(2);
        let was = Was::of(&scene);
        let mut seen = 0;
        let (end, said) = trace(&scene, |_| {
            seen += 1;
            if seen == at + 1 { Fate::Fails(error) } else { Fate::Happens }
        });
        assert!(!said.contains("panicked"), "{when}: {said}");
        let found = was.state(&scene.path(""), &when);
        match end {
            End::Exit(0) => assert_eq!(found, State::New, "{when}: reported as done"),
            End::Exit(1) => assert!(said.starts_with("cipherlens: "), "{when}: no message: {said}"),
            end => panic!("{when}: {end:?}\n{said}"),
        }
        let in_vault = calls[at].path.starts_with("photos.vault");
        if found == State::Old {
            if in_vault && error == Errno::ENOSPC {
                assert!(said.contains("No space left") && said.contains("free some space"), "{when}: {said}");
            }
            // After making room.
            scene.run(["upgrade"]).success();
            assert_eq!(was.state(&scene.path(""), &when), State::New, "{when}: repeated");
        }
        counts[usize::from(found == State::New)] += 1;
    }
    println!("upgrade: {} failures, {} left the old vault, {} the new one", cases.len(), counts[0], counts[1]);
}

#[test]
fn a_full_or_broken_disk_leaves_the_old_vault_or_the_new_one() {
    failures(13);
}

#[test]
#[ignore = "takes long: .ci/long/upgrade runs it"]
fn a_disk_that_fails_at_any_call_leaves_the_old_vault_or_the_new_one() {
    failures(1);
}
