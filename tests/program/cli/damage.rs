//! `check`: damage is named, the rest stays usable, and `--repair` repairs what can be repaired.

use std::fs;
use std::path::PathBuf;

use crate::remote::host::serving;
use crate::support::scene::{Ran, Scene, copy_folder, samples};
use crate::support::vault_fixture::{files, flip};

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
    let mapping: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(scene.vault().join("mapping.json")).unwrap()).unwrap();
    let tables = mapping["tables"].as_array().unwrap();
    let page = tables.iter().find(|table| table["name"] == "sources").unwrap()["pages"][0].as_str().unwrap();
    let name = &format!("{}.table", &page[..32]);
    let table = scene.vault().join("encrypted_features").join(name);
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

/// The names in a list of a report.
fn names(json: &serde_json::Value) -> Vec<&str> {
    json.as_array().unwrap().iter().map(|one| one.as_str().or(one["object"].as_str()).unwrap()).collect()
}

#[test]
fn damaged_files_are_named_by_what_they_hold() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    let names: Vec<_> = photos.iter().map(|photo| photo.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for (ending, expected) in [
        (".aes", names.iter().map(|name| format!("the photo {name}")).collect::<Vec<_>>()),
        (".pack", names.iter().map(|name| format!("the thumbnail of {name}")).chain(["thumbnails".into()]).collect()),
        (".records", vec!["names and dates of photos".to_owned()]),
        (".ckks", vec!["what searches read, encrypted".to_owned()]),
        (".table", vec!["the history of the vault, by which an older copy is told".to_owned()]),
    ] {
        let whole = files(&scene.vault());
        let damaged = whole.keys().find(|path| path.to_str().unwrap().ends_with(ending)).unwrap();
        flip(&scene.vault().join(damaged));
        let ran = scene.run(["check", "--json"]).exits(3).json();
        let held: Vec<_> = ran["damages"].as_array().unwrap().iter().map(|damage| damage["holds"].clone()).collect();
        assert!(!held.is_empty() && held.iter().all(|held| expected.iter().any(|one| held == one)), "{held:?}");
        let said = scene.run(["check"]).exits(3).stdout();
        assert!(said.contains(&format!("\n    holds {}\n", held[0].as_str().unwrap())), "{said}");
        fs::write(scene.vault().join(damaged), &whole[damaged]).unwrap();
    }
    // A repair says what it has given up.
    let records = files(&scene.vault()).into_keys().find(|path| path.to_str().unwrap().ends_with(".records")).unwrap();
    flip(&scene.vault().join(records));
    fs::write(scene.vault().join("letter"), "not ours").unwrap();
    let said = scene.run(["check", "--repair"]).success().stdout();
    for words in ["Given up, because it was damaged:\n  names and dates of photos\n", "Moved into set_aside: 1 file."] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn damaged_files_are_taken_from_another_copy_and_the_rest_is_repaired() {
    let scene = Scene::with_photos(&samples(3));
    let (copy, whole) = (scene.path("copy.vault"), files(&scene.vault()));
    copy_folder(&scene.vault(), &copy);
    let listed = scene.run(["list", "--json"]).success().json();
    let ending = |path: &PathBuf, ending: &str| path.to_str().unwrap().ends_with(ending);
    let originals: Vec<_> = whole.keys().filter(|path| ending(path, ".aes")).collect();
    let [lost, lacking] = [originals[0], originals[1]];
    let records = whole.keys().find(|path| ending(path, ".records")).unwrap();
    let blocks = whole.keys().find(|path| ending(path, ".ckks")).unwrap();
    let via = |root: PathBuf| format!("via:{}", serving(&root));
    let (here, there) = (scene.vault().display().to_string(), copy.display().to_string());
    for (address, from) in [(&here, &there), (&here, &via(copy.clone())), (&via(scene.vault()), &via(copy.clone()))] {
        // A check of a photo that is lost says where to take it from.
        fs::remove_file(scene.vault().join(lost)).unwrap();
        let said = scene.run(["--vault", address, "check"]).exits(3).stdout();
        assert!(said.contains("the photo is lost here") && said.contains("--repair --from ADDRESS"), "{said}");
        for path in [lacking, records, blocks] {
            fs::write(scene.vault().join(path), "damaged").unwrap();
        }
        // The other copy lacks one of the photos, and its blocks are damaged too.
        fs::remove_file(copy.join(lacking)).unwrap();
        flip(&copy.join(blocks));
        let run = |arguments: &[&str]| {
            let common = ["--vault", address, "check", "--repair", "--from", from];
            Ran(scene.command([&common[..], arguments].concat()).output().unwrap())
        };
        let json = run(&["--json"]).exits(3).json();
        let mut restored = names(&json["restored"]);
        restored.sort_unstable();
        assert_eq!(restored, [records.to_str().unwrap(), lost.to_str().unwrap()]);
        let mut still_lacking = names(&json["lacking"]);
        still_lacking.sort_unstable();
        assert_eq!(still_lacking, [blocks.to_str().unwrap(), lacking.to_str().unwrap()]);
        // Blocks are rebuilt; the photo stays lost until a copy has it.
        assert_eq!(names(&json["damages"]), [lacking.to_str().unwrap()]);
        assert!(files(&scene.vault())[lost] == whole[lost]);
        fs::write(copy.join(lacking), &whole[lacking]).unwrap();
        let said = run(&[]).success().stdout();
        let expected = format!("Restored 1 file from the other copy:\n  {}\n", lacking.display());
        assert!(said.starts_with(&expected) && said.contains("no damage found"), "{said}");
        assert_eq!(scene.run(["list", "--json"]).success().json(), listed, "names and dates are there");
        // As it was, on a machine that forgets what it has seen.
        fs::remove_dir_all(scene.path("home")).unwrap();
        for root in [scene.vault(), copy.clone()] {
            crate::support::vault_fixture::restore(&root, &whole);
        }
    }
}

#[test]
fn nothing_is_taken_from_another_vault_or_from_nowhere() {
    let photos = samples(2);
    let (scene, other) = (Scene::with_photos(&photos), Scene::with_photos(&photos));
    flip(&file_in(&scene, "encrypted_images", ".aes"));
    let before = files(&scene.vault());
    let from = |place: &str| scene.run(["check", "--repair", "--from", place]);
    let elsewhere = other.vault().display().to_string();
    from(&elsewhere).exits(1).says("are different vaults");
    from(&format!("via:{}", serving(&other.vault()))).exits(1).says("are different vaults");
    from(scene.path("nowhere").to_str().unwrap()).exits(1).says("there is no vault at");
    scene.run(["check", "--from", &elsewhere]).exits(64);
    assert_eq!(files(&scene.vault()), before);
    // Its own damage is not to be had from itself.
    let said = from(scene.vault().to_str().unwrap()).exits(3).stdout();
    assert!(said.contains("not to be had from the other copy: 1 file."), "{said}");
}
