//! `export` and `remove`: originals come back byte for byte, safely named; what is removed is gone.

use std::fs;

use crate::scene::{Scene, samples};

#[test]
fn everything_comes_back_byte_for_byte() {
    let photos = samples(4);
    let scene = Scene::with_photos(&photos);
    let out = scene.path("out");
    scene.run_with(&["export", "--all"], [&out]).success();
    for photo in &photos {
        let name = photo.file_name().unwrap();
        assert!(fs::read(out.join(name)).unwrap() == fs::read(photo).unwrap(), "{name:?} differs");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(out.join(photos[0].file_name().unwrap())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn nothing_is_overwritten_unless_told() {
    let photos = samples(1);
    let scene = Scene::with_photos(&photos);
    let out = scene.path("out");
    fs::create_dir(&out).unwrap();
    let taken = out.join(photos[0].file_name().unwrap());
    fs::write(&taken, b"mine").unwrap();
    scene.run_with(&["export", "--all"], [&out]).success();
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2, "the photo stands beside it under another name");
    scene.run_with(&["export", "--overwrite", "--all"], [&out]).success();
    assert!(fs::read(&taken).unwrap() == fs::read(&photos[0]).unwrap());
}

#[test]
fn a_removed_photo_is_gone_and_the_rest_is_whole() {
    let photos = samples(5);
    let scene = Scene::with_photos(&photos);
    let list = scene.run(["list", "--json"]).success().json();
    let id = list[2]["id"].as_str().unwrap().to_owned();
    let files = || fs::read_dir(scene.vault().join("encrypted_images")).unwrap().count();
    assert_eq!(files(), 5);
    let removed = scene.run(["remove", "--yes", "--json", &id]).success().json();
    assert_eq!(removed["removed"][0], id.as_str());
    assert_eq!(files(), 4);
    let left = scene.run(["list", "--json"]).success().json();
    assert!(left.as_array().unwrap().iter().all(|photo| photo["id"] != id.as_str()));
    scene.run(["check"]).success();
    scene.run(["show", &id]).exits(1).says("no image has the id");
    let matches = scene.run_with(&["search", "--json", "--threshold", "-1"], [&photos[0]]).success().json();
    assert_eq!(matches["matches"].as_array().unwrap().len(), 4);
}

#[test]
fn an_export_without_a_folder_goes_into_the_vault_and_ids_may_be_shortened() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    let list = scene.run(["list", "--json"]).success().json();
    let (id, name) = (list[0]["id"].as_str().unwrap(), list[0]["name"].as_str().unwrap());
    scene.run(["export", &id[..8]]).success();
    assert!(scene.vault().join("decrypted_images").join(name).exists());
    scene.run(["export", "ffffffffffffffff"]).exits(1).says("no image has the id");
}
