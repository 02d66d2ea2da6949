//! Changes of the passphrases that overlap where locks do nothing, with each other and with adding photos, suspended
//! and killed at every step: the vault opens with every passphrase whose change was reported, whatever happens.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use crate::support::broken_locks::without_locks;
use crate::support::scene::{Ran, Scene, copy_folder, samples};
use crate::support::tracer::{self, Call, End, Fate, Kind};

/// A machine with a vault and the files of two further passphrases.
fn machine() -> Scene {
    let scene = Scene::with_photos(&samples(1));
    for name in ["one", "other"] {
        fs::write(scene.path(name), format!("the passphrase called {name}\n")).unwrap();
    }
    scene
}

fn copy_of(machine: &Scene) -> Scene {
    let scene = Scene::new();
    copy_folder(&machine.vault(), &scene.vault());
    for name in ["one", "other"] {
        fs::copy(machine.path(name), scene.path(name)).unwrap();
    }
    scene
}

/// `key add`, by a client of its own.
fn key_add(scene: &Scene, name: &str) -> Command {
    let mut command = scene.command(["key", "add", "--new-passphrase-file", scene.path(name).to_str().unwrap()]);
    command.env("HOME", scene.path(&format!("home of {name}"))).stdout(Stdio::null()).stderr(Stdio::null());
    without_locks(&mut command);
    command
}

fn add(scene: &Scene) -> Command {
    let mut command = scene.command_with(&["add"], &samples(2)[1..]);
    command.env("HOME", scene.path("home of the adder")).stdout(Stdio::null()).stderr(Stdio::null());
    without_locks(&mut command);
    command
}

/// Whether the vault opens with the passphrase in this file.
fn opens_with(scene: &Scene, passphrase: &Path) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
    command.arg("--passphrase-file").arg(passphrase).arg("--vault").arg(scene.vault()).args(["list", "--json"]);
    let ran = Ran(command.env_clear().env("HOME", scene.path("another home")).stdin(Stdio::null()).output().unwrap());
    ran.0.status.success()
}

/// The calls of a `key add` from its first one among the claims until it is done.
fn calls(machine: &Scene) -> Vec<Call> {
    let scene = copy_of(machine);
    let mut calls = Vec::new();
    let end = tracer::run(key_add(&scene, "one"), &scene.vault(), |call| {
        let path = call.path.strip_prefix(scene.vault()).unwrap();
        if !calls.is_empty() || path.starts_with("claims") {
            calls.push(Call { kind: call.kind, path: path.to_owned() });
        }
        Fate::Happens
    });
    assert_eq!(end, End::Exit(0));
    calls
}

/// Runs `key add` of one passphrase, and what `other` makes before its call `at`, counted as in [`calls`]. Then the
/// first one goes on, or is killed.
fn overlap(machine: &Scene, at: usize, other: impl Fn(&Scene) -> Command, fate: Fate) -> (Scene, End, bool) {
    let scene = copy_of(machine);
    let (mut seen, mut is_done) = (0, false);
    let end = tracer::run(key_add(&scene, "one"), &scene.vault(), |call| {
        if seen == 0 && !call.path.starts_with(scene.vault().join("claims")) {
            return Fate::Happens;
        }
        seen += 1;
        if seen != at + 1 {
            return Fate::Happens;
        }
        is_done = other(&scene).status().unwrap().success();
        fate
    });
    assert!(seen > at, "there were only {seen} calls");
    (scene, end, is_done)
}

/// The places of the calls at which what others see changes: new claims, and files that get their names.
fn visible(calls: &[Call]) -> impl Iterator<Item = usize> {
    let is_visible = |call: &Call| match call.kind {
        Kind::Rename => true,
        Kind::Create => call.path.starts_with("claims"),
        _ => false,
    };
    calls.iter().enumerate().filter(move |(_, call)| is_visible(call)).map(|(at, _)| at)
}

/// Returns whether the other change succeeded.
fn overlap_with_another_change(machine: &Scene, calls: &[Call], at: usize) -> bool {
    let (scene, end, is_done) = overlap(machine, at, |scene| key_add(scene, "other"), Fate::Happens);
    assert!(opens_with(&scene, &scene.passphrase_file()), "before {:?}: {end:?} {is_done}", calls[at]);
    assert_eq!(opens_with(&scene, &scene.path("one")), end == End::Exit(0), "before {:?}", calls[at]);
    assert_eq!(opens_with(&scene, &scene.path("other")), is_done, "before {:?}", calls[at]);
    is_done
}

/// Returns whether the photo was added.
fn kill_while_photos_are_added(machine: &Scene, calls: &[Call], at: usize) -> bool {
    let (scene, end, is_done) = overlap(machine, at, add, Fate::Kills);
    assert!(matches!(end, End::Signal(_)));
    assert!(opens_with(&scene, &scene.passphrase_file()), "before {:?}", calls[at]);
    let photos = scene.run(["list", "--json"]).success().json().as_array().unwrap().len();
    assert_eq!(photos, if is_done { 2 } else { 1 }, "before {:?}", calls[at]);
    is_done
}

#[test]
fn a_passphrase_whose_change_was_reported_opens_the_vault() {
    let machine = machine();
    let calls = calls(&machine);
    assert!(calls.iter().any(|call| call.kind == Kind::Rename && call.path == Path::new("header")), "{calls:?}");
    let done = visible(&calls).filter(|at| overlap_with_another_change(&machine, &calls, *at)).count();
    assert!(done > 1, "{done} of the others succeeded");
}

#[test]
fn a_change_that_is_killed_while_photos_are_added_leaves_a_vault_that_opens() {
    let machine = machine();
    let calls = calls(&machine);
    let done = visible(&calls).filter(|at| kill_while_photos_are_added(&machine, &calls, *at)).count();
    assert!(done > 1, "{done} of the others succeeded");
}

#[test]
#[ignore = "takes a minute: .ci/long/overlaps"]
fn the_same_before_every_call() {
    let machine = machine();
    let calls = calls(&machine);
    for at in 0..calls.len() {
        overlap_with_another_change(&machine, &calls, at);
        kill_while_photos_are_added(&machine, &calls, at);
    }
    println!("overlapped before each of {} calls", calls.len());
}

/// Runs `first` until it is about to give a file the name `paused_at`, and then `second` until it is about to give one
/// the name `until`. There the first one goes on; `ended` is told how it ended. Then the second one goes on to its end.
fn suspended(scene: &Scene, first: (Command, &str), second: (Command, &str), ended: impl FnOnce(End)) -> End {
    let is = |call: &Call, name: &str| call.kind == Kind::Rename && call.path == scene.vault().join(name);
    let ((first, paused_at), (second, until)) = (first, second);
    let ((stopped, has_stopped), (go_on, may_go_on)) = (channel(), channel());
    thread::scope(|scope| {
        // Dropped if a check fails, so that the first one does not wait for ever.
        let go_on = go_on;
        let first = scope.spawn(move || {
            let mut is_first = true;
            tracer::run(first, &scene.vault(), |call| {
                if is(call, paused_at) && std::mem::take(&mut is_first) {
                    stopped.send(()).unwrap();
                    may_go_on.recv().unwrap();
                }
                Fate::Happens
            })
        });
        has_stopped.recv().unwrap();
        let mut waiting = Some((first, ended));
        let end = tracer::run(second, &scene.vault(), |call| {
            if is(call, until)
                && let Some((first, ended)) = waiting.take()
            {
                go_on.send(()).unwrap();
                ended(first.join().unwrap());
            }
            Fate::Happens
        });
        assert!(waiting.is_none(), "the first one went on in the middle of the second");
        end
    })
}

/// A change of the header was killed before the last rename. One writer is about to finish it and is suspended; another
/// one finishes it, and prepares the next header; then the first one goes on, and moves that.
#[test]
fn a_header_that_is_finished_late_leaves_the_one_that_the_mapping_names() {
    let scene = machine();
    let end = tracer::run(key_add(&scene, "one"), &scene.vault(), |call| {
        let is_last = call.kind == Kind::Rename && call.path == scene.vault().join("header");
        if is_last { Fate::Kills } else { Fate::Happens }
    });
    assert!(matches!(end, End::Signal(_)));
    let end = suspended(&scene, (add(&scene), "header"), (key_add(&scene, "other"), "mapping.json"), |late| {
        assert_eq!(late, End::Exit(0));
    });
    assert_eq!(opens_with(&scene, &scene.path("other")), end == End::Exit(0));
    assert!(opens_with(&scene, &scene.passphrase_file()));
    assert!(opens_with(&scene, &scene.path("one")));
}

/// The first one is suspended before it prepares its header, the second one between its look at the prepared header and
/// giving it its name.
#[test]
fn a_writer_that_was_overtaken_does_not_replace_the_header_of_the_one_that_overtook_it() {
    let scene = machine();
    let (one, other) = (key_add(&scene, "one"), key_add(&scene, "other"));
    let end = suspended(&scene, (one, "header.new"), (other, "header"), |overtaken| {
        assert_eq!(opens_with(&scene, &scene.path("one")), overtaken == End::Exit(0));
    });
    assert_eq!(end, End::Exit(0));
    assert!(opens_with(&scene, &scene.passphrase_file()));
    assert!(opens_with(&scene, &scene.path("other")));
}
