//! `add`: which files are added, skipped, refused and named.

use std::fs;
use std::process::Stdio;

use crate::support::scene::{Ran, Scene, sample, samples};

#[test]
fn a_second_run_skips_what_is_there_and_copies_are_one_photo() {
    let scene = Scene::with_vault();
    let photos = samples(3);
    let copy = scene.path("copy of the first.jpg");
    fs::copy(&photos[0], &copy).unwrap();
    let first = scene.run_with(&["add", "--json"], [&photos[0], &photos[1], &copy]).success().json();
    assert_eq!((&first["added"], &first["already_present"]), (&2.into(), &1.into()));
    let second = scene.run_with(&["add", "--json"], &photos).success().json();
    assert_eq!((&second["added"], &second["already_present"]), (&1.into(), &2.into()));
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 3);
}

#[test]
fn folders_are_walked_and_a_dry_run_changes_nothing() {
    let scene = Scene::with_vault();
    let folder = scene.path("pictures/deep");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(&samples(1)[0], folder.join("one.jpg")).unwrap();
    fs::write(folder.join("notes.txt"), "no photo").unwrap();
    let plan = scene.run_with(&["add", "--dry-run", "--json"], [scene.path("pictures")]).success().json();
    assert_eq!(plan["photos"].as_array().unwrap().len(), 1);
    assert_eq!(plan["other_files"], 1);
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 0);
    scene.run_with(&["add"], [scene.path("pictures")]).success();
    assert_eq!(scene.run(["list", "--json"]).success().json()[0]["name"], "one.jpg");
}

#[test]
fn unusable_files_are_listed_at_the_end_and_do_not_stop_the_run() {
    let scene = Scene::with_vault();
    let folder = scene.path("junk");
    fs::create_dir_all(folder.join("directory.png")).unwrap();
    fs::write(folder.join("empty.jpg"), b"").unwrap();
    fs::write(folder.join("text.jpg"), b"this is not a photo, whatever its name says\n").unwrap();
    let whole = fs::read(&samples(1)[0]).unwrap();
    fs::write(folder.join("truncated.jpg"), &whole[..whole.len() / 10]).unwrap();
    // A GIF with a screen of 0 by 0 and no frame.
    fs::write(folder.join("zero.gif"), b"GIF89a\0\0\0\0\0\0\0;").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&folder, folder.join("loop")).unwrap();
    // Neither may be opened: a pipe blocks until somebody writes, and `/dev/zero` never ends.
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/zero", folder.join("endless.jpg")).unwrap();
    #[cfg(unix)]
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe.jpg")).status().unwrap().success());
    fs::File::create(folder.join("huge.jpg")).unwrap().set_len(1 << 34).unwrap();
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        fs::copy(&samples(1)[0], folder.join(std::ffi::OsStr::from_bytes(b"not\xffutf8.jpg"))).unwrap();
    }
    let ran = scene.run_with(&["add", "--json"], [&folder]).exits(1);
    let outcome = ran.json();
    assert_eq!(outcome["added"], 1, "the photo with the strange name: {outcome}");
    let failed: Vec<_> =
        outcome["failed"].as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect();
    for name in ["empty.jpg", "text.jpg", "truncated.jpg", "zero.gif", "huge.jpg", "loop", "endless.jpg", "pipe.jpg"] {
        assert!(failed.iter().any(|path| path.ends_with(name)), "{name} is not in {failed:?}");
    }
    assert_eq!(failed.len(), 8, "{failed:?}");
    scene.run_with(&["add"], [&folder]).exits(1).says("empty.jpg: the file is empty");
}

#[test]
fn two_concurrent_adds_both_succeed() {
    let scene = Scene::with_vault();
    let photos = samples(6);
    let (left, right) = photos.split_at(3);
    let start = |half: &[std::path::PathBuf]| {
        scene.command_with(&["add", "--json"], half).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (one, other) = (start(left), start(right));
    Ran(one.wait_with_output().unwrap()).success();
    Ran(other.wait_with_output().unwrap()).success();
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 6);
    scene.run(["check"]).success();
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let scene = Scene::with_vault();
    scene.run_with(&["add"], [scene.path("nowhere.jpg")]).exits(1).says("nowhere.jpg");
    scene.run_with(&["search"], [scene.path("nowhere.jpg")]).exits(1).says("nowhere.jpg");
    assert!(sample("README.md").exists());
}
