//! Row "known answers": a vault of this format version in the repository, made by the program, that every later version
//! must open and search. (Wycheproof's vectors for the AEAD, HMAC and HKDF and those of RFC 9106 and RFC 7518 are
//! beside the code in `src/cipher`, the pinned number theoretic transforms, reference polynomials and blocks in
//! `crates/ckks`, the digest of the weights in `crates/features`.)

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::scene::{Scene, samples};
use crate::support::vault_fixture::files;

/// The vault in the repository.
fn version_1() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vault_version_1")
}

/// A scene with a copy of it.
fn scene_with_version_1() -> Scene {
    let scene = Scene::new();
    for (path, content) in files(&version_1()) {
        let target = scene.vault().join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, content).unwrap();
    }
    scene
}

#[test]
fn a_vault_of_version_1_is_opened_exported_upgraded_and_searched() {
    let scene = scene_with_version_1();
    scene.run(["check"]).success();
    let photos = samples(3);
    let list = scene.run(["list", "--json"]).success().json();
    let mut names: Vec<&str> = list.as_array().unwrap().iter().map(|photo| photo["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut expected: Vec<&str> = photos.iter().map(|photo| photo.file_name().unwrap().to_str().unwrap()).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let out = scene.path("out");
    scene.run_with(&["export", "--all"], [&out]).success();
    scene.run(["upgrade"]).success();
    assert_eq!(scene.run(["list", "--json"]).success().json(), list);
    for photo in &photos {
        let [exported, original] =
            [out.join(photo.file_name().unwrap()), photo.clone()].map(|path| fs::read(path).unwrap());
        assert!(exported == original, "{} comes back byte for byte", photo.display());
        // Each photo finds itself, by its pixels and by its vector, and its score is its cosine with itself.
        let found = scene.run_with(&["search", "--json", "--threshold", "-1"], [photo]).success().json();
        assert_eq!(found["matches"].as_array().unwrap().len(), 3);
        assert_eq!(found["matches"][0]["name"], photo.file_name().unwrap().to_str().unwrap());
        assert!(found["matches"][0]["score"].as_f64().unwrap() > 0.997);
    }
    let id = list[0]["id"].as_str().unwrap();
    let found = scene.run(["search", "--json", "--threshold", "-1", "--id", id]).success().json();
    assert_eq!(found["matches"][0]["id"], id);
}

#[test]
fn a_vault_of_version_1_is_written_to_after_an_upgrade() {
    let scene = scene_with_version_1();
    scene.run(["upgrade"]).success();
    scene.run_with(&["add"], [&samples(4)[3]]).success();
    let id = scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    scene.run(["remove", "--yes", &id]).success();
    scene.run(["check"]).success();
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 3);
}
