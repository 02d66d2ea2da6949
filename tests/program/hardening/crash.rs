//! Rows "kill -9 at any step", "power cut", "disk full, I/O error" and "passphrase change": whatever happens while
//! `init`, `add`, `remove`, `passwd` or `key` runs, the vault is in the old state or in the new one, never in a third,
//! and whatever the program reported as saved is saved.
//!
//! A killed process leaves its files as they were at that moment, so one traced run covers every crash: the files are
//! copied before each call that changes them, and each copy is opened. Some runs are really killed as well.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cipherlens::vault::{self, Digest, Vault};
use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::hardening::power::{Disk, Names};
use crate::hardening::states::{FIRST_PASSPHRASE, SECOND_PASSPHRASE, State, freshness, passphrase, state};
use crate::support::scene::{CHEAPEST, Ran, Scene, samples};
use crate::support::tracer;
use crate::support::tracer::{Call, End, Fate, Kind};
use crate::support::vault_fixture::group_all;

/// A command that changes a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Init,
    Add,
    Remove,
    /// Remove from a vault whose segments are in a group.
    RemoveFromGroup,
    Passwd,
    /// A second passphrase.
    KeyAdd,
    /// Without the second passphrase again.
    KeyRemove,
}

/// A change, the machine on which it is made, and the two states that the vault may be in.
struct Trial {
    change: Change,
    machine: Scene,
    before: State,
    after: State,
}

/// A copy of the machine, on which the change is about to be made.
struct Stage {
    scene: Scene,
    arguments: Vec<String>,
    /// Not traced.
    outputs: tempfile::TempDir,
}

impl Trial {
    fn of(change: Change) -> Self {
        let machine = if change == Change::Init { Scene::new() } else { Scene::with_photos(&samples(2)) };
        if change == Change::RemoveFromGroup {
            let backend = vault::local(machine.vault());
            let passphrase = passphrase(FIRST_PASSPHRASE);
            let (open, _) = Vault::open(backend, &passphrase, freshness(&machine.path("home"))).unwrap();
            group_all(&open, &passphrase);
            assert_eq!(open.snapshot().unwrap().mapping().groups.len(), 1);
        }
        if change == Change::KeyRemove {
            add_second(&machine).success();
        }
        let mut trial = Self { change, machine, before: State::NoVault, after: State::NoVault };
        let stage = trial.stage();
        trial.before = stage.state("before");
        stage.scene.run(&stage.arguments).success();
        trial.after = stage.state("after");
        match (change, &trial.before, &trial.after) {
            (Change::Init, State::NoVault, State::Vault(texts, photos)) => {
                assert!(photos.is_empty() && *texts == [FIRST_PASSPHRASE]);
            }
            (Change::Add, State::Vault(_, old), State::Vault(_, new)) => assert_eq!((old.len(), new.len()), (2, 5)),
            (Change::Remove | Change::RemoveFromGroup, State::Vault(_, old), State::Vault(_, new)) => {
                assert_eq!((old.len(), new.len()), (2, 1));
            }
            (Change::Passwd | Change::KeyAdd | Change::KeyRemove, State::Vault(from, old), State::Vault(to, new)) => {
                let (first, both) = (vec![FIRST_PASSPHRASE], vec![FIRST_PASSPHRASE, SECOND_PASSPHRASE]);
                let expected = match change {
                    Change::KeyAdd => (&first, &both),
                    Change::KeyRemove => (&both, &first),
                    _ => (&first, &vec![SECOND_PASSPHRASE]),
                };
                assert_eq!((from, to), expected);
                assert_eq!(old, new);
            }
            other => panic!("{other:?}"),
        }
        trial
    }

    fn stage(&self) -> Stage {
        let scene = Scene::new();
        copy(&self.machine.path(""), &scene.path(""));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut arguments: Vec<String> = match self.change {
            Change::Init => vec!["init".into(), text(&scene.vault())],
            Change::Add => ["add".into()].into_iter().chain(samples(5)[2..].iter().map(|photo| text(photo))).collect(),
            Change::Remove | Change::RemoveFromGroup => {
                // Ids are random, so pick the smallest: every stage removes the same photo.
                let images = fs::read_dir(self.machine.vault().join("encrypted_images")).unwrap();
                let first = images.map(|image| image.unwrap().file_name().into_string().unwrap()).min().unwrap();
                vec!["remove".into(), "--yes".into(), first[..32].to_owned()]
            }
            Change::Passwd => ["passwd".into()].into_iter().chain(second(&scene)).collect(),
            Change::KeyAdd => ["key".into(), "add".into()].into_iter().chain(second(&scene)).collect(),
            Change::KeyRemove => {
                let listed = self.machine.run(["key", "list", "--json"]).success().json();
                let added = listed["slots"][1]["id"].as_str().unwrap();
                vec!["key".into(), "remove".into(), "--yes".into(), added.to_owned()]
            }
        };
        if matches!(self.change, Change::Init | Change::Passwd) {
            arguments.extend(CHEAPEST.map(str::to_owned));
        }
        Stage { scene, arguments, outputs: tempfile::tempdir().unwrap() }
    }

    /// The calls of an undisturbed run, each path relative to the machine.
    fn calls(&self) -> Vec<Call> {
        let stage = self.stage();
        let mut calls = Vec::new();
        let end = stage.trace(|call| {
            calls.push(call.clone());
            Fate::Happens
        });
        assert_eq!(end, End::Exit(0), "{}", stage.stderr());
        for call in &mut calls {
            call.path = call.path.strip_prefix(stage.folder()).unwrap().to_owned();
        }
        calls
    }
}

/// The flag that names a file with the second passphrase, which is written now.
fn second(scene: &Scene) -> [String; 2] {
    let new = scene.path("new passphrase");
    fs::write(&new, SECOND_PASSPHRASE).unwrap();
    ["--new-passphrase-file".to_owned(), new.to_str().unwrap().to_owned()]
}

fn add_second(scene: &Scene) -> Ran {
    scene.run(["key", "add"].map(str::to_owned).into_iter().chain(second(scene)))
}

impl Stage {
    /// The folder of the scene: vault, home, passphrase.
    fn folder(&self) -> PathBuf {
        self.scene.path("")
    }

    /// Makes the change under the tracer.
    fn trace(&self, decide: impl FnMut(&Call) -> Fate) -> End {
        let mut command = self.scene.command(&self.arguments);
        let output = |name: &str| Stdio::from(fs::File::create(self.outputs.path().join(name)).unwrap());
        command.stdout(output("stdout")).stderr(output("stderr"));
        tracer::run(command, self.folder().as_path(), decide)
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.outputs.path().join("stderr")).unwrap()
    }

    fn state(&self, when: &str) -> State {
        state(&self.folder(), when)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A digest of every file that determines the state of the vault.
fn contents(folder: &Path) -> Digest {
    let mut parts = Vec::new();
    for place in ["photos.vault", "home/.local/state/cipherlens/freshness"] {
        let files = walkdir::WalkDir::new(folder.join(place)).sort_by_file_name().into_iter().filter_map(Result::ok);
        for file in files.filter(|file| file.file_type().is_file()) {
            let path = file.path().strip_prefix(folder).unwrap().to_str().unwrap().as_bytes().to_vec();
            parts.extend([path, Digest::of(&[&fs::read(file.path()).unwrap()]).0.to_vec()]);
        }
    }
    Digest::of(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// One traced run. Before each call the files are copied three times: as a kill leaves them, and as a power cut does
/// with each kind of [`Names`].
fn every_crash_of(change: Change) {
    let trial = Trial::of(change);
    let Trial { ref before, ref after, .. } = trial;
    let stage = trial.stage();
    let mut disk = Disk::new(&stage.folder());
    let mut previous: Option<Call> = None;
    let (mut calls, mut old, mut new) = (0, 0, 0);
    let mut looked = HashMap::new();
    let mut look = |disk: &Disk, when: &str| {
        let copies = tempfile::tempdir().unwrap();
        let [killed, synced, named] = ["killed", "synced", "named"].map(|name| copies.path().join(name));
        copy(&stage.folder(), &killed);
        disk.after_power_cut(Names::Synced, &synced);
        disk.after_power_cut(Names::All, &named);
        let found = [killed, synced, named].map(|folder| {
            // Files that have been checked before need no new check.
            let known =
                looked.entry(contents(&folder)).or_insert_with(|| state(&folder, &format!("{change:?} {when}")));
            known.clone()
        });
        for found in &found {
            if found == before {
                old += 1;
            } else {
                assert_eq!(found, after, "{change:?} {when}: a third state");
                new += 1;
            }
        }
        found
    };
    let end = stage.trace(|call| {
        if let Some(previous) = previous.replace(call.clone()) {
            disk.apply(&previous);
        }
        calls += 1;
        look(&disk, &format!("before call {calls}, {call:?}"));
        Fate::Happens
    });
    assert_eq!(end, End::Exit(0), "{}", stage.stderr());
    disk.apply(&previous.unwrap());
    // The program reported success, so no power cut may undo the change.
    let saved = look(&disk, "after the last call");
    assert!(saved.iter().all(|found| found == after), "reported as saved but lost: {saved:?}");
    println!("{change:?}: {calls} calls, {old} old and {new} new states, {} of them different files", looked.len());
    assert!(calls > 8 && old > 8 && new > 3, "{change:?}: {calls} calls, {old} old, {new} new");
}

#[test]
fn a_crash_of_init_leaves_no_vault_or_a_complete_one() {
    every_crash_of(Change::Init);
}

#[test]
fn a_crash_of_add_leaves_the_old_or_the_new_vault() {
    every_crash_of(Change::Add);
}

#[test]
fn a_crash_of_remove_leaves_the_old_or_the_new_vault() {
    every_crash_of(Change::Remove);
}

#[test]
fn a_crash_of_remove_from_a_group_leaves_the_old_or_the_new_vault() {
    every_crash_of(Change::RemoveFromGroup);
}

#[test]
fn a_crash_of_passwd_leaves_the_old_or_the_new_passphrase() {
    every_crash_of(Change::Passwd);
}

#[test]
fn a_crash_of_key_add_or_remove_leaves_the_old_or_the_new_passphrases() {
    every_crash_of(Change::KeyAdd);
    every_crash_of(Change::KeyRemove);
}

/// Kills the process before its `at`-th call; the same command must then complete the change.
fn killed_at(trial: &Trial, at: usize) {
    let Trial { change, before, after, .. } = trial;
    let stage = trial.stage();
    let mut seen = 0;
    let end = stage.trace(|_| {
        seen += 1;
        if seen == at { Fate::Kills } else { Fate::Happens }
    });
    assert_eq!(end, End::Signal(Signal::SIGKILL));
    let found = stage.state("killed");
    assert!(found == *before || found == *after, "{change:?}, killed before call {at}: {found:?}");
    if found == *before {
        stage.scene.run(&stage.arguments).success();
    }
    assert_eq!(stage.state("finished"), *after, "{change:?}, killed before call {at}");
}

#[test]
fn a_killed_command_can_be_repeated() {
    // The tests above simulate every crash; these are real kills, spread over the run.
    let kills = [
        (Change::Init, 8),
        (Change::Remove, 8),
        (Change::Passwd, 8),
        (Change::KeyAdd, 5),
        (Change::KeyRemove, 5),
        (Change::Add, 5),
    ];
    for (change, kills) in kills {
        let trial = Trial::of(change);
        let calls = trial.calls().len();
        for at in (1..=calls).step_by(calls.div_ceil(kills)) {
            killed_at(&trial, at);
        }
    }
}

/// The kind and path of a call, cut before the first random name. Calls of one class take the same path through the
/// program.
fn class(call: &Call) -> (Kind, String) {
    const ID_DIGITS: usize = 32;
    let parts = call.path.to_str().unwrap().split_inclusive(['/', '.']);
    (call.kind, parts.take_while(|part| part.len() <= ID_DIGITS).collect())
}

/// Makes the `at`-th call fail with `error`: the program must either fail with a message or complete the change.
/// Returns the state that it left.
fn fails_at(trial: &Trial, at: usize, error: Errno) -> (Stage, State) {
    let Trial { change, before, after, .. } = trial;
    let stage = trial.stage();
    let mut seen = 0;
    let mut failed = None;
    let end = stage.trace(|call| {
        seen += 1;
        if seen == at {
            failed = Some(call.clone());
            Fate::Fails(error)
        } else {
            Fate::Happens
        }
    });
    let failed = failed.unwrap();
    let when = format!("{change:?}, {error} at {failed:?}");
    let found = stage.state(&when);
    match end {
        End::Exit(0) => assert_eq!(found, *after, "{when}: reported as done"),
        End::Exit(1) => {
            assert!(found == *before || found == *after, "{when}: {found:?}");
            assert!(!stage.stderr().trim().is_empty(), "{when}: no error message");
        }
        end => panic!("{when}: {end:?}\n{}", stage.stderr()),
    }
    assert!(!stage.stderr().contains("panicked"), "{when}: {}", stage.stderr());
    (stage, found)
}

/// Makes every call fail. At the first call of each class, every error that the system can return is tried, and the
/// repeated command must succeed.
fn every_error_of(change: Change) {
    let trial = Trial::of(change);
    let mut classes = HashSet::new();
    let mut cases = 0;
    let calls = trial.calls();
    for (at, call) in calls.iter().enumerate() {
        let errors: &[Errno] = match call.kind {
            Kind::Create | Kind::Write | Kind::MakeDirectory => &[Errno::ENOSPC, Errno::EIO],
            Kind::Rename => &[Errno::ENOSPC],
            Kind::Open | Kind::Sync | Kind::Remove => &[Errno::EIO],
        };
        let is_first = classes.insert(class(call));
        let errors = match change {
            Change::Add if !call.path.starts_with("photos.vault") => &[],
            // `add` is slow, so each of its calls fails with one error, alternating. Calls on files outside the vault
            // are the same for every command and are tested with the others.
            Change::Add => &errors[cases % errors.len()..][..1],
            _ if is_first => errors,
            _ => &errors[cases % errors.len()..][..1],
        };
        for error in errors {
            let (stage, found) = fails_at(&trial, at + 1, *error);
            if is_first {
                if found == trial.before {
                    stage.scene.run(&stage.arguments).success();
                }
                assert_eq!(stage.state("again"), trial.after, "{error} at {call:?}: the repeated command failed");
            }
            cases += 1;
        }
    }
    println!("{change:?}: {cases} errors at {} calls of {} classes", calls.len(), classes.len());
    assert!(cases >= calls.len() || change == Change::Add, "{cases} errors at {} calls", calls.len());
    assert!(cases > 10);
}

#[test]
fn a_full_disk_and_io_errors_leave_the_old_state_or_the_new_one() {
    every_error_of(Change::Init);
    every_error_of(Change::Remove);
    every_error_of(Change::Passwd);
    every_error_of(Change::KeyAdd);
}

#[test]
fn a_full_disk_and_io_errors_during_an_add_leave_the_old_state_or_the_new_one() {
    every_error_of(Change::Add);
}

#[test]
fn objects_and_segments_are_synced_before_the_mapping_names_them() {
    let calls: Vec<Call> = Trial::of(Change::Add).calls();
    let calls: Vec<&Call> = calls.iter().filter(|call| call.path.starts_with("photos.vault")).collect();
    let is = |call: &Call, kind, name: &str| call.kind == kind && call.path == Path::new("photos.vault").join(name);
    let commit = calls.iter().position(|call| is(call, Kind::Rename, "mapping.json")).unwrap();
    let synced: HashSet<&Path> =
        calls[..commit].iter().filter(|call| call.kind == Kind::Sync).map(|call| call.path.as_path()).collect();
    let created: Vec<_> = calls[..commit].iter().filter(|call| call.kind == Kind::Create).collect();
    // Three photos, two files of a pack, six of a segment, the history and the mapping; before all of them the journal,
    // an empty file whose name is made durable before any other file is created; and the claim, another empty file,
    // which needs to be on the disk for as long as others are at work only.
    assert_eq!(created.len(), 15, "{created:?}");
    let is_claim = |call: &&&Call| {
        let name = call.path.file_name().and_then(|name| name.to_str()).unwrap();
        call.path.parent().unwrap().ends_with("claims") && name.bytes().all(|digit| digit.is_ascii_digit())
    };
    assert_eq!(created.iter().filter(|call| is_claim(call)).count(), 1);
    let journal = created[0].path.strip_prefix("photos.vault").unwrap().to_str().unwrap();
    assert!(journal.starts_with("journals/"), "{:?}", created[0]);
    let [marked, second] =
        [created[0], created[1]].map(|call| calls.iter().position(|other| std::ptr::eq(other, call)).unwrap());
    assert!(calls[marked..second].iter().any(|call| is(call, Kind::Sync, "journals")), "{:?}", &calls[marked..second]);
    for call in created[1..].iter().filter(|call| !is_claim(call)) {
        assert!(synced.contains(call.path.as_path()), "{} is not synced before the commit", call.path.display());
        let folder = call.path.parent().unwrap();
        // The mapping leaves that folder by the rename that commits it.
        assert!(
            folder.ends_with("claims") || folder == Path::new("photos.vault") || synced.contains(folder),
            "{} is not synced",
            folder.display()
        );
    }
    assert!(
        is(calls[commit + 1], Kind::Sync, ""),
        "the commit is made durable before anything else: {:?}",
        calls[commit + 1]
    );
    let unmarked = calls.iter().position(|call| is(call, Kind::Remove, journal)).unwrap();
    let removal = |call: &Call| call.kind == Kind::Remove && call.path.starts_with("photos.vault/encrypted_features");
    let last = calls.iter().rposition(|call| removal(call)).unwrap();
    let synced_between = calls[last..unmarked].iter().any(|call| is(call, Kind::Sync, "encrypted_features"));
    assert!(commit < last && last < unmarked && synced_between, "the journal is removed last");
    for removal in calls[..commit].iter().filter(|call| call.kind == Kind::Remove) {
        assert!(is(removal, Kind::Remove, "mapping.json.new"), "{removal:?} before the commit");
    }
}
