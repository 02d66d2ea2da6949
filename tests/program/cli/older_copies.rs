//! Copies of a vault that are not the newest: read with a note, changed only after their owner has accepted them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::scene::{CHEAPEST, Ran, Scene, copy_folder, samples};

/// Replaces the vault by the copy at `copy`.
fn put_back(scene: &Scene, copy: &Path) {
    fs::remove_dir_all(scene.vault()).unwrap();
    copy_folder(copy, &scene.vault());
}

/// A machine that has seen a vault with two photos. A backup with one photo is now in its place; the newest copy is
/// kept aside.
fn restored() -> (Scene, PathBuf) {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos[..1]);
    let (backup, newest) = (scene.path("backup"), scene.path("newest"));
    copy_folder(&scene.vault(), &backup);
    scene.run_with(&["add"], [&photos[1]]).success();
    copy_folder(&scene.vault(), &newest);
    put_back(&scene, &backup);
    (scene, newest)
}

/// Everything below a folder.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(content(&entry));
        } else {
            found.insert(entry.clone(), fs::read(&entry).unwrap());
        }
    }
    found
}

fn records(scene: &Scene) -> BTreeMap<PathBuf, Vec<u8>> {
    content(&scene.path("home/.local/state/cipherlens/freshness"))
}

const NOTE: &str = "this copy of the vault is older: it is at generation 2, and this machine has seen generation 3";

#[test]
fn a_wrong_passphrase_of_an_older_copy_may_be_a_newer_one() {
    let scene = Scene::with_photos(&samples(1));
    let backup = scene.path("backup");
    copy_folder(&scene.vault(), &backup);
    let new = scene.path("new passphrase");
    fs::write(&new, "another one\n").unwrap();
    let change = ["passwd", "--new-passphrase-file", new.to_str().unwrap()];
    scene.run(change.iter().chain(&CHEAPEST)).success();
    let list = |vault: &Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        command.arg("--passphrase-file").arg(&new).arg("--vault").arg(vault).arg("list").env_clear();
        Ran(command.env("HOME", scene.path("home")).output().unwrap())
    };
    list(&scene.vault()).success();
    list(&backup).exits(2).says("older, at generation 2").says("the passphrase that the vault had then");
}

#[test]
fn a_restored_backup_is_read_with_a_note_and_stays_the_older_one() {
    let (scene, newest) = restored();
    let photo = samples(1).remove(0).display().to_string();
    let out = scene.path("out").display().to_string();
    let id = scene.run(["list", "--json"]).success().says(NOTE).json()[0]["id"].as_str().unwrap().to_owned();
    let before = records(&scene);
    for arguments in [
        &["list"][..],
        &["search", &photo],
        &["search", "--json", "--id", &id],
        &["show", &id],
        &["stats"],
        &["check"],
        &["export", "--all", &out],
    ] {
        let ran = scene.run(arguments).success().says(NOTE).says("--accept-older");
        assert!(!ran.stdout().contains(NOTE), "the note is not on standard output");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    for arguments in
        [&["stats", "--json"][..], &["check", "--json"], &["show", "--json", &id], &["search", "--json", "--id", &id]]
    {
        let older = &scene.run(arguments).success().json()["older_copy"];
        assert_eq!((&older["generation"], &older["seen"], &older["forked"]), (&2.into(), &3.into(), &false.into()));
    }
    assert_eq!(records(&scene), before, "reading changes no record");
    put_back(&scene, &newest);
    let current = scene.run(["stats", "--json"]).success();
    assert!(!current.stderr().contains("older"), "{}", current.stderr());
    assert_eq!(current.json()["older_copy"], serde_json::Value::Null);
}

#[test]
fn an_older_copy_can_be_changed_only_after_it_was_accepted() {
    let (scene, newest) = restored();
    let photo = samples(3).remove(2).display().to_string();
    let id = scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    let passphrase = scene.passphrase_file().display().to_string();
    let before = (content(&scene.vault()), records(&scene));
    for arguments in [
        &["add", &photo][..],
        &["remove", "--yes", &id],
        &["check", "--repair"],
        &["passwd", "--new-passphrase-file", &passphrase],
        &["key", "add", "--new-passphrase-file", &passphrase],
        &["key", "remove", "--yes", "00"],
        &["synthesize", "1"],
    ] {
        let ran = scene.run(arguments).exits(3).says("this machine has seen generation 3").says("--accept-older");
        assert!(!ran.stderr().contains(".seen"), "no file is to be deleted: {}", ran.stderr());
    }
    assert_eq!((content(&scene.vault()), records(&scene)), before);
    scene.run(["add", "--accept-older", &photo]).success().says("generation 2 is used from now on");
    let listed = scene.run(["list", "--json"]).success();
    assert!(!listed.stderr().contains("older"), "{}", listed.stderr());
    assert_eq!(listed.json().as_array().unwrap().len(), 2);
    // Only this copy was accepted: one that is older than what was seen since is refused again.
    put_back(&scene, &scene.path("backup"));
    scene.run(["add", &photo]).exits(3).says("this machine has seen generation 3");
    // The copy that was given up now counts as changed separately.
    put_back(&scene, &newest);
    scene.run(["list"]).success().says("this copy of the vault was changed separately").says("--accept-older");
    let forked = scene.run(["stats", "--json"]).success().json()["older_copy"].clone();
    assert_eq!((&forked["generation"], &forked["seen"], &forked["forked"]), (&3.into(), &3.into(), &true.into()));
    let refused = scene.run(["add", &photo]).exits(3).says("two copies of the vault were changed separately");
    assert!(refused.stderr().contains("look for the other copy"), "it says what to do: {}", refused.stderr());
    // The other one may be lost for good.
    scene.run(["add", &photo, "--accept-older"]).success().says("generation 3 is used from now on");
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 3);
}

#[test]
fn where_a_newer_copy_is_known_the_command_that_takes_it_is_said() {
    let (scene, newest) = restored();
    let photo = samples(1).remove(0).display().to_string();
    let vault = scene.vault().canonicalize().unwrap().display().to_string();
    let unknown = scene.run(["list"]).success().stderr();
    assert!(!unknown.contains("a newer copy is at"), "none is known yet: {unknown}");
    let newest = newest.canonicalize().unwrap().display().to_string();
    scene.run(["--vault", &newest, "list"]).success();
    let command = format!("to bring this one up to date: cipherlens push {newest} {vault}");
    scene.run(["list"]).success().says(&format!("a newer copy is at {newest} (generation 3, seen ")).says(&command);
    scene.run(["add", &photo]).exits(3).says("this copy is older").says(&command);
    scene.run(["push", &newest, &vault]).success();
    let current = scene.run(["list"]).success().stderr();
    assert!(!current.contains("older") && !current.contains("newer"), "{current}");
}

#[test]
fn the_application_is_not_started_with_the_flag() {
    let scene = Scene::with_vault();
    Ran(scene.command(["--accept-older"]).output().unwrap()).exits(64).says("--accept-older needs a command");
}
