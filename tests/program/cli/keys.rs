//! `key`: several passphrases of one vault.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::scene::{CHEAPEST, Ran, Scene, samples};
use crate::support::vault_fixture::files;

/// A file beside the vault with this passphrase.
fn passphrase_file(scene: &Scene, text: &str) -> PathBuf {
    let file = scene.path(text);
    fs::write(&file, format!("{text}\n")).unwrap();
    file
}

/// Runs a command that opens the vault with another passphrase.
fn with(scene: &Scene, passphrase: &str, arguments: &[&str]) -> Ran {
    let own = fs::read(scene.passphrase_file()).unwrap();
    fs::write(scene.passphrase_file(), passphrase).unwrap();
    let ran = scene.run(arguments);
    fs::write(scene.passphrase_file(), own).unwrap();
    ran
}

fn add(scene: &Scene, text: &str) -> Ran {
    scene.run_with(&["key", "add", "--json", "--new-passphrase-file"], [passphrase_file(scene, text)])
}

fn slots(ran: Ran) -> Vec<Value> {
    ran.success().json()["slots"].as_array().unwrap().clone()
}

#[test]
fn each_passphrase_opens_the_vault_until_its_slot_is_removed() {
    let scene = Scene::with_photos(&samples(1));
    let before = files(&scene.vault());
    let ran = add(&scene, "for the other machine").success();
    let added = ran.json()["added"].as_str().unwrap().to_owned();
    let after = files(&scene.vault());
    let is_other = |(name, bytes): &(&PathBuf, &Vec<u8>)| before.get(*name).is_some_and(|old| old != *bytes);
    let changed: Vec<_> = after.iter().filter(is_other).map(|(name, _)| name).collect();
    assert_eq!(changed.len(), 2, "header and mapping: {changed:?}");

    let opened = |slots: &[Value]| slots.iter().map(|slot| slot["opened"].as_bool().unwrap()).collect::<Vec<_>>();
    let listed = slots(scene.run(["key", "list", "--json"]));
    assert_eq!(opened(&listed), [true, false]);
    assert!(listed[1]["id"] == *added && listed.iter().all(|slot| slot["kind"] == "passphrase"));
    let listed = slots(with(&scene, "for the other machine", &["key", "list", "--json"]));
    assert_eq!(opened(&listed), [false, true]);
    let text = scene.run(["key", "list"]).success().stdout();
    let first = listed[0]["id"].as_str().unwrap();
    assert_eq!(text, format!("{}  passphrase  the one given now\n{}  passphrase\n", &first[..8], &added[..8]));
    with(&scene, "for the other machine", &["list"]).success();

    // The first digits are enough: with a random id, eight of them name one slot.
    let said = scene.run(["key", "remove", "--yes", &added[..8]]).success().stdout();
    for part in ["does not revoke", "an old copy of the file `header`", "may have kept the key of the vault"] {
        assert!(said.contains(part), "{said}");
    }
    with(&scene, "for the other machine", &["list"]).exits(2);
    scene.run(["list"]).success();
    scene.run(["key", "remove", "--yes", &added]).exits(1).says("no slot of the vault has the id").says("key list");
}

#[test]
fn a_passphrase_that_opens_already_and_the_last_one_are_refused() {
    let scene = Scene::with_vault();
    let own = fs::read_to_string(scene.passphrase_file()).unwrap();
    let before = files(&scene.vault());
    add(&scene, own.trim()).exits(1).says("opens with this passphrase already");
    let only = slots(scene.run(["key", "list", "--json"]))[0]["id"].as_str().unwrap().to_owned();
    scene.run(["key", "remove", "--yes", &only]).exits(1).says("the only passphrase of the vault").says("key add");
    scene.run(["key", "remove", &only]).exits(1).says("the only passphrase of the vault");
    assert_eq!(files(&scene.vault()), before);

    let second = add(&scene, "weak").success().says("This passphrase is weak").json();
    let second = second["added"].as_str().unwrap();
    // Without a terminal nobody can be asked.
    scene.run(["key", "remove", second]).exits(64).says("give --yes");
    scene.run(["key", "remove", ""]).exits(1).says("2 slots of the vault have ids that begin with");
    // The one in use may go, because another one stays.
    let removed = scene.run(["key", "remove", "--yes", "--json", &only]).success().json();
    assert_eq!(removed["removed"], *only);
    scene.run(["list"]).exits(2);
    with(&scene, "weak", &["list"]).success();
    with(&scene, "weak", &["key", "remove", "--yes", second]).exits(1).says("the only passphrase of the vault");
}

#[test]
fn a_new_passphrase_replaces_only_the_one_that_was_given() {
    let scene = Scene::with_vault();
    add(&scene, "for the other machine").success();
    let new = passphrase_file(&scene, "a quite different one");
    let passwd = [&["passwd"], &CHEAPEST[..], &["--new-passphrase-file"]].concat();
    let said = scene.run_with(&passwd, [&new]).success().stdout();
    assert!(said.contains("Only the old passphrase was replaced; 1 other slot stayed"), "{said}");
    scene.run(["list"]).exits(2);
    with(&scene, "for the other machine", &["list"]).success();
    with(&scene, "a quite different one", &["list"]).success();
    // Not one that another slot has: removing that slot would not keep it out.
    fs::copy(&new, scene.passphrase_file()).unwrap();
    let other = passphrase_file(&scene, "for the other machine");
    scene.run_with(&passwd, [other]).exits(1).says("opens with this passphrase already");
}
