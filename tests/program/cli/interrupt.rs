//! An `add` interrupted by a signal or a kill keeps what was committed, and repeating the command continues it.
#![cfg(unix)]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, Abandoned};

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::scene::{Ran, Scene, all_samples};

fn start(scene: &Scene, photos: &[PathBuf]) -> Child {
    let mut command = scene.command_with(&["add", "--json"], photos);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the run has sealed some photos, so that it is interrupted in the middle.
fn wait_for_objects(scene: &Scene, objects: usize) {
    let folder = scene.vault().join("encrypted_images");
    let patience = Instant::now() + Duration::from_secs(120);
    while fs::read_dir(&folder).map_or(0, Iterator::count) < objects {
        assert!(Instant::now() < patience, "no photo was sealed");
        sleep(Duration::from_millis(5));
    }
}

/// Uses the shell's built-in `kill`, because the program may be missing.
fn signal(child: &Child, name: &str) {
    let command = format!("kill -s {name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
}

/// Waits until a process has written `words` to standard error; returns all of it so far.
fn until_said(child: &mut Child, words: &str) -> String {
    let mut stderr = child.stderr.take().unwrap();
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&said).contains(words) {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it ended: {}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }
    child.stderr = Some(stderr);
    String::from_utf8(said).unwrap()
}

#[test]
fn waiting_for_another_writer_ends_at_the_first_interrupt() {
    let scene = Scene::with_vault();
    let all = all_samples();
    let serving = format!("{} serve --stdio {}", env!("CARGO_BIN_EXE_cipherlens"), scene.vault().display());
    for (where_it_is, photos) in [(&[][..], &all[..2]), (&["--via", &serving], &all[2..4])] {
        let backend = vault::local(scene.vault());
        let writer = backend.writer(Abandoned::Remove).unwrap();
        writer.lock(IfLocked::Refuse).unwrap();
        let start = || {
            let mut command = scene.command_with(&[where_it_is, &["add"]].concat(), photos);
            command.env("PATH", std::env::var_os("PATH").unwrap());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut child = start();
        let said = until_said(&mut child, "waiting for it");
        assert!(said.contains("Another process is writing to this vault"), "{said}");
        signal(&child, "INT");
        let text = Ran(child.wait_with_output().unwrap()).exits(130).stdout();
        assert!(text.contains("Interrupted with 2 photos left."), "{text}");
        assert!(!text.contains("a second"), "it added nothing, so there is no rate: {text}");
        assert_eq!(count(&scene), 0);

        // A waiting run continues when the other one has finished.
        let mut child = start();
        until_said(&mut child, "waiting for it");
        drop(writer);
        Ran(child.wait_with_output().unwrap()).success();
        assert_eq!(count(&scene), 2);
        let ids = scene.run(["list", "--json"]).success().json();
        let ids: Vec<_> = ids.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        scene.run(["remove", "--yes"].into_iter().map(str::to_owned).chain(ids)).success();
    }
}

fn count(scene: &Scene) -> usize {
    scene.run(["list", "--json"]).success().json().as_array().unwrap().len()
}

#[test]
fn an_interrupted_add_keeps_what_is_done_and_resumes() {
    let scene = Scene::with_vault();
    let photos = all_samples();
    let child = start(&scene, &photos);
    wait_for_objects(&scene, 3);
    signal(&child, "INT");
    let ran = Ran(child.wait_with_output().unwrap()).exits(130);
    let outcome = ran.json();
    let added = outcome["added"].as_u64().unwrap() as usize;
    assert!(added >= 3 && added < photos.len(), "{outcome}");
    assert_eq!(count(&scene), added);
    let resumed = scene.run_with(&["add", "--json"], &photos).success().json();
    assert_eq!(resumed["already_present"], added);
    assert_eq!(count(&scene), photos.len());
    scene.run(["check"]).success();
}

#[test]
fn after_a_killed_add_the_next_one_leaves_an_undamaged_vault_without_leftovers() {
    let scene = Scene::with_vault();
    let photos = all_samples();
    let mut child = start(&scene, &photos);
    wait_for_objects(&scene, 5);
    signal(&child, "KILL");
    child.wait().unwrap();
    scene.run(["check"]).success();
    let before = count(&scene);
    let resumed = scene.run_with(&["add", "--json"], &photos[..10]).success().json();
    assert_eq!(resumed["added"].as_u64().unwrap() as usize + before, 10.max(before));
    let objects = fs::read_dir(scene.vault().join("encrypted_images")).unwrap().count();
    assert_eq!(objects, count(&scene), "objects that no photo owns were removed");
    scene.run(["check"]).success();
}

#[test]
fn an_add_whose_terminal_closes_exits_130_and_keeps_what_is_sealed() {
    let scene = Scene::with_vault();
    let (vault, passphrase) = (scene.vault().display().to_string(), scene.passphrase_file().display().to_string());
    let photos: Vec<String> = all_samples().iter().map(|photo| photo.display().to_string()).collect();
    let mut arguments = vec!["--vault", &vault, "--passphrase-file", &passphrase, "add"];
    arguments.extend(photos.iter().map(String::as_str));
    let start = Start { kind: Kind::Silent, columns: 100, rows: 30, arguments: &arguments, environment: &[] };
    let mut terminal = PseudoTerminal::start(&start);
    wait_for_objects(&scene, 3);
    let status = terminal.hang_up();
    assert!(status.signal().is_none(), "{status:?}");
    assert_eq!(status.exit_code(), 130);
    let added = count(&scene);
    assert!((3..photos.len()).contains(&added), "{added}");
    scene.run(["check"]).success();
}

#[test]
fn two_hangup_signals_do_not_end_the_run_at_once() {
    let scene = Scene::with_vault();
    let photos = all_samples();
    let child = start(&scene, &photos);
    wait_for_objects(&scene, 3);
    for _ in 0..3 {
        signal(&child, "HUP");
        sleep(Duration::from_millis(20));
    }
    let added = Ran(child.wait_with_output().unwrap()).exits(130).json()["added"].as_u64().unwrap() as usize;
    assert!(added >= 3);
    assert_eq!(count(&scene), added);
}
