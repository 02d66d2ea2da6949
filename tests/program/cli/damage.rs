//! `check`: damage is named, the rest stays usable, and `--repair` repairs what can be repaired.

use std::fs;
use std::path::PathBuf;

use crate::support::scene::{Scene, samples};
use crate::support::vault_fixture::flip;

fn file_in(scene: &Scene, folder: &str, ending: &str) -> PathBuf {
    let entries = fs::read_dir(scene.vault().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_str().unwrap().ends_with(ending)).min().unwrap()
}

#[test]
fn a_damaged_photo_is_named_and_the_rest_stays_usable() {
    let photos = samples(3);
    let scene = Scene::with_photos(&photos);
    let victim = file_in(&scene, "encrypted_images", ".aes");
    flip(&victim);
    let name = victim.file_name().unwrap().to_str().unwrap();
    let ran = scene.run(["check"]).exits(3);
    assert!(ran.stdout().contains(name), "{name} is not in {}", ran.stdout());
    let out = scene.path("out");
    scene.run_with(&["export", "--all"], [&out]).exits(3).says(name);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2, "the two undamaged photos are exported");
    let found = scene.path("found");
    let search = ["search", "--threshold", "-1", "--export", found.to_str().unwrap()];
    scene.run_with(&search, [&photos[0]]).exits(3).says(name);
    assert_eq!(fs::read_dir(&found).unwrap().count(), 2, "a search exports them too");
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 3);
}

#[test]
fn damaged_blocks_are_sealed_again_from_the_exact_vectors() {
    let photos = samples(3);
    let scene = Scene::with_photos(&photos);
    flip(&file_in(&scene, "encrypted_features", ".ckks"));
    scene.run(["check"]).exits(3);
    scene.run_with(&["search"], [&photos[0]]).exits(3).says(".ckks");
    scene.run(["check", "--repair"]).success();
    scene.run(["check"]).success();
    let found = scene.run_with(&["search", "--json"], [&photos[0]]).success().json();
    assert!(found["query_in_vault"]["score"].as_f64().unwrap() > 0.997, "{found}");
}

#[test]
fn without_the_table_of_folders_everything_but_their_names_is_there() {
    let scene = Scene::with_vault();
    let folder = scene.path("holiday");
    fs::create_dir(&folder).unwrap();
    for photo in samples(2) {
        fs::copy(&photo, folder.join(photo.file_name().unwrap())).unwrap();
    }
    scene.run_with(&["add"], [&folder]).success();
    let sources = || {
        let listed = scene.run(["list", "--json"]).success().json();
        let photos = listed.as_array().unwrap().clone();
        assert_eq!(photos.len(), 2);
        photos.iter().map(|photo| photo["places"][0]["source"].clone()).collect::<Vec<_>>()
    };
    let root = folder.canonicalize().unwrap();
    assert_eq!(sources(), [root.to_str().unwrap(), root.to_str().unwrap()]);
    let table = file_in(&scene, "encrypted_features", ".table");
    let name = table.file_name().unwrap().to_str().unwrap();
    fs::remove_file(&table).unwrap();
    assert!(sources().iter().all(serde_json::Value::is_null));
    scene.run_with(&["search"], [&samples(1)[0]]).success();
    scene.run_with(&["export", "--all"], [scene.path("out")]).success();
    let ran = scene.run(["check"]).exits(3);
    assert!(ran.stdout().contains(name) && ran.stdout().contains("the names of folders are lost"), "{}", ran.stdout());
    scene.run(["check", "--repair"]).success();
    scene.run(["check"]).success();
    assert!(sources().iter().all(serde_json::Value::is_null));
    // The same folder again: its photos are known, and their place gets its name back.
    scene.run_with(&["add"], [&folder]).success();
    scene.run(["check"]).success();
}
