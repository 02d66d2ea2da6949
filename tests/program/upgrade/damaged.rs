//! A damaged vault of an older format: this version does not repair it, and says what can be done instead.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::old_vault::{SMALLEST_GROUPS, make, scene_of_version};
use crate::support::scene::Scene;
use crate::support::vault_fixture::{files, flip};

fn file_in(root: &Path, folder: &str, ending: &str) -> PathBuf {
    let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_str().unwrap().ends_with(ending)).min().unwrap()
}

/// A made-up vault with groups, in which the first file with this ending is damaged; its name, and the remedy that a
/// check reports for it.
fn damaged(folder: &str, ending: &str) -> (Scene, String, String) {
    let scene = Scene::new();
    make(&scene.vault(), SMALLEST_GROUPS, 3);
    let file = file_in(&scene.vault(), folder, ending);
    flip(&file);
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let report = scene.run(["check", "--json"]).exits(3).json();
    let damages = report["damages"].as_array().unwrap();
    let this = damages.iter().find(|damage| damage["object"].as_str().unwrap().ends_with(&name));
    let remedy = this.unwrap_or_else(|| panic!("{report}"))["remedy"].as_str().unwrap().to_owned();
    let text = scene.run(["check"]).exits(3).stdout();
    assert!(!text.contains("--repair") || remedy == "lost", "{text}");
    scene.run(["check", "--repair"]).exits(1).says("older format");
    (scene, name, remedy)
}

#[test]
fn what_an_upgrade_makes_anew_may_be_damaged() {
    for ending in [".ckks", ".hints", ".group", ".tags"] {
        let (scene, name, remedy) = damaged("encrypted_features", ending);
        assert_eq!(remedy, "upgrade", "{name}");
        assert!(scene.run(["check"]).exits(3).stdout().contains("cipherlens upgrade makes it anew"));
        let list = scene.run(["list", "--json"]).success().json();
        scene.run(["upgrade"]).success();
        assert_eq!(scene.run(["list", "--json"]).success().json(), list);
        scene.run(["check"]).success();
    }
}

#[test]
fn an_upgrade_refuses_a_damaged_file_that_it_needs_and_changes_nothing() {
    for (folder, ending) in [
        ("encrypted_features", ".vectors"),
        ("encrypted_features", ".catalogue"),
        ("encrypted_features", ".json"),
        ("encrypted_thumbnails", ".aes"),
    ] {
        let (scene, name, remedy) = damaged(folder, ending);
        assert_eq!(remedy, "restore", "{name}");
        let text = scene.run(["check"]).exits(3).stdout();
        assert!(text.contains("put the file back from a backup") && text.contains("cipherlens export"), "{text}");
        let before = files(&scene.vault());
        scene.run(["upgrade"]).exits(3).says(&name).says("cipherlens check lists all damage");
        assert!(files(&scene.vault()) == before, "{name}");
    }
}

#[test]
fn a_lost_photo_does_not_stop_an_upgrade_and_is_dropped_afterwards() {
    let scene = scene_of_version(2);
    let victim = file_in(&scene.vault(), "encrypted_images", ".aes");
    flip(&victim);
    let text = scene.run(["check"]).exits(3).stdout();
    assert!(text.contains("the photo is lost"), "{text}");
    scene.run(["check", "--repair", "--drop-lost"]).exits(1).says("cipherlens --vault VAULT upgrade");
    scene.run(["upgrade"]).success();
    scene.run(["check"]).exits(3);
    scene.run(["check", "--repair", "--drop-lost"]).success();
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 1);
}
