//! Skipped files in folders: each is counted by its content, not by its name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::scene::{Scene, samples};

/// An `ftyp` box (ISO/IEC 14496-12) with this major brand, and the start of the next box.
fn iso_media(brand: &str) -> Vec<u8> {
    [&[0, 0, 0, 20][..], b"ftyp", brand.as_bytes(), &[0; 4], brand.as_bytes(), &[0, 0, 0, 8], b"free"].concat()
}

/// A TIFF file whose only directory has one tag, DNGVersion 1.4.0.0.
fn dng() -> Vec<u8> {
    [&b"II*\0\x08\0\0\0\x01\0\x12\xc6\x01\0\x04\0\0\0\x01\x04\0\0"[..], &[0; 4]].concat()
}

/// A folder as copied from a phone, with one photo that can be read.
fn phone_folder(scene: &Scene) -> PathBuf {
    let folder = scene.path("phone");
    fs::create_dir(&folder).unwrap();
    fs::copy(&samples(1)[0], folder.join("IMG_1.JPG")).unwrap();
    for name in ["IMG_2.HEIC", "IMG_3.HEIC", "IMG_4"] {
        fs::write(folder.join(name), iso_media("heic")).unwrap();
    }
    fs::write(folder.join("IMG_5.DNG"), dng()).unwrap();
    fs::write(folder.join("IMG_6.MOV"), iso_media("qt  ")).unwrap();
    folder
}

fn count(scene: &Scene) -> usize {
    scene.run(["list", "--json"]).success().json().as_array().unwrap().len()
}

fn names<'a>(paths: &'a serde_json::Value) -> Vec<&'a str> {
    let name = |path: &'a serde_json::Value| Path::new(path.as_str().unwrap()).file_name().unwrap().to_str().unwrap();
    paths.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn unsupported_photos_and_videos_are_counted_by_kind_and_make_the_run_fail() {
    let scene = Scene::with_vault();
    let folder = phone_folder(&scene);
    let words = "Passed over 5 files: 3 HEIC, 1 DNG, 1 MOV (formats that are not read yet)";
    for dry_run in [true, false] {
        let arguments = if dry_run { &["add", "--json", "--dry-run"][..] } else { &["add", "--json"] };
        let outcome = scene.run_with(arguments, [&folder]).exits(1).json();
        let rows = outcome["passed_over"].as_array().unwrap();
        let kinds: Vec<_> = rows.iter().map(|row| (row["kind"].as_str().unwrap(), row["files"].clone())).collect();
        assert_eq!(kinds, [("HEIC", 3.into()), ("DNG", 1.into()), ("MOV", 1.into())]);
        assert!(rows.iter().all(|row| row["photo_or_video"] == true), "{outcome}");
        assert_eq!(names(&rows[0]["paths"]), ["IMG_2.HEIC", "IMG_3.HEIC", "IMG_4"]);
        assert_eq!(outcome["failed"], serde_json::json!([]));
    }
    scene.run_with(&["add", "--dry-run"], [&folder]).exits(1).says(words);
    let ran = scene.run_with(&["add"], [&folder]).exits(1).says(words).says("not in the vault");
    assert!(ran.stdout().contains("1 were in the vault already"), "{}", ran.stdout());
    assert_eq!(count(&scene), 1);
}

#[test]
fn other_files_are_counted_and_are_not_a_failure() {
    let scene = Scene::with_vault();
    let folder = scene.path("papers");
    fs::create_dir_all(folder.join(".cache")).unwrap();
    for (name, content) in
        [("a.txt", &b"text"[..]), ("b.json", b"{}"), ("c.zip", b"PK\x03\x04"), ("d", b""), ("e.mov", b"no film")]
    {
        fs::write(folder.join(name), content).unwrap();
    }
    fs::write(folder.join(".cache/hidden.heic"), iso_media("heic")).unwrap();
    let outcome = scene.run_with(&["add", "--json"], [&folder]).success().json();
    let rows = outcome["passed_over"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{outcome}");
    assert_eq!((&rows[0]["kind"], &rows[0]["files"]), (&"other".into(), &5.into()));
    assert_eq!(rows[0]["photo_or_video"], false);
    assert_eq!(names(&outcome["hidden"]), [".cache"]);
    assert_eq!((&outcome["added"], &outcome["error"]), (&0.into(), &serde_json::Value::Null));
    let words = "Passed over 5 other files and 1 hidden file or folder.";
    scene.run_with(&["add"], [&folder]).success().says(words);
    let plan = scene.run_with(&["add", "--json", "--dry-run"], [&folder]).success().json();
    assert_eq!(plan["other_files"], 5);
}

#[test]
fn a_photo_with_a_wrong_extension_is_added_and_exported_unchanged() {
    let scene = Scene::with_vault();
    let folder = scene.path("misnamed");
    fs::create_dir(&folder).unwrap();
    let photos = samples(2);
    fs::copy(&photos[0], folder.join("IMG_1.HEIC")).unwrap();
    fs::copy(&photos[1], folder.join("IMG_2")).unwrap();
    let outcome = scene.run_with(&["add", "--json"], [&folder]).success().json();
    assert_eq!((&outcome["added"], &outcome["passed_over"]), (&2.into(), &serde_json::json!([])));
    let out = scene.path("out");
    scene.run_with(&["export", "--all"], [&out]).success();
    for (name, photo) in ["IMG_1.HEIC", "IMG_2"].iter().zip(&photos) {
        assert!(fs::read(out.join(name)).unwrap() == fs::read(photo).unwrap(), "{name}");
    }
}

#[test]
fn an_unsupported_file_given_by_path_or_with_a_photo_extension_fails_with_its_format() {
    let scene = Scene::with_vault();
    let folder = phone_folder(&scene);
    fs::write(folder.join("IMG_7.JPG"), iso_media("avif")).unwrap();
    let ran = scene.run_with(&["add", "--json"], [folder.join("IMG_2.HEIC"), folder.join("IMG_7.JPG")]).exits(1);
    let outcome = ran.json();
    let reasons: Vec<_> = outcome["failed"].as_array().unwrap().iter().map(|row| row["reason"].to_string()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("HEIC files are not read yet")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("AVIF files are not read yet")), "{reasons:?}");
    scene.run_with(&["search"], [folder.join("IMG_6.MOV")]).exits(1).says("MOV files are not read yet");
}
