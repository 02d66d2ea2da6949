//! `export` and `remove`: originals are exported byte for byte under safe names; removed photos are gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use unicode_width::UnicodeWidthStr;

use crate::support::scene::{Ran, Scene, samples};

#[test]
fn everything_comes_back_byte_for_byte_with_its_date() {
    let photos = samples(4);
    let scene = Scene::with_photos(&photos);
    let out = scene.path("out");
    scene.run_with(&["export", "--all"], [&out]).success();
    let seconds = |path: &Path| {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    };
    for photo in &photos {
        let file = out.join(photo.file_name().unwrap());
        assert!(fs::read(&file).unwrap() == fs::read(photo).unwrap(), "{file:?} differs");
        assert_eq!(seconds(&file), seconds(photo), "{file:?}");
    }
}

#[test]
fn nothing_is_overwritten_unless_requested() {
    let photos = samples(1);
    let scene = Scene::with_photos(&photos);
    let out = scene.path("out");
    fs::create_dir(&out).unwrap();
    let taken = out.join(photos[0].file_name().unwrap());
    fs::write(&taken, b"mine").unwrap();
    scene.run_with(&["export", "--all"], [&out]).success();
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2, "the photo is beside it under another name");
    scene.run_with(&["export", "--overwrite", "--all"], [&out]).success();
    assert!(fs::read(&taken).unwrap() == fs::read(&photos[0]).unwrap());
}

/// A vault with two photos of one name, and those photos.
fn with_namesakes() -> (Scene, Vec<PathBuf>) {
    let scene = Scene::with_vault();
    let photos: Vec<PathBuf> = (samples(2).iter().zip(["one", "two"]))
        .map(|(photo, folder)| {
            fs::create_dir(scene.path(folder)).unwrap();
            let copy = scene.path(folder).join("IMG_1.jpg");
            fs::copy(photo, &copy).unwrap();
            copy
        })
        .collect();
    scene.run_with(&["add"], &photos).success();
    (scene, photos)
}

fn contents(folder: &Path) -> BTreeSet<Vec<u8>> {
    fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn a_second_export_recognises_numbered_files_of_the_first() {
    let (scene, photos) = with_namesakes();
    let originals: BTreeSet<_> = photos.iter().map(|photo| fs::read(photo).unwrap()).collect();
    for arguments in [&["export", "--json", "--all"][..], &["export", "--json", "--overwrite", "--all"]] {
        let out = scene.path(&format!("out {}", arguments.len()));
        let first = scene.run_with(arguments, [&out]).success().json();
        assert_eq!(first["exported"].as_array().unwrap().len(), 2);
        for _ in 0..2 {
            let again = scene.run_with(arguments, [&out]).success().json();
            assert_eq!(again["exported"].as_array().unwrap().len(), 0, "{again}");
            let found = again["already_there"].as_array().unwrap();
            assert!(found.iter().all(|photo| Path::new(photo["path"].as_str().unwrap()).is_file()), "{again}");
            assert_eq!((found.len(), again["left"].as_u64()), (2, Some(0)));
        }
        let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["IMG_1 (2).jpg", "IMG_1.jpg"], "no photo of a run replaces another");
        assert_eq!(contents(&out), originals);
    }
    let matches = scene.path("matches");
    let search = ["search", "--json", "--threshold", "-1", "--export", matches.to_str().unwrap()];
    for (exported, already_there) in [(2, 0), (0, 2)] {
        let export = &scene.run_with(&search, [&photos[0]]).success().json()["export"];
        assert_eq!(export["exported"].as_array().unwrap().len(), exported, "{export}");
        assert_eq!(export["already_there"].as_array().unwrap().len(), already_there, "{export}");
    }
}

#[test]
fn damaged_and_missing_photos_are_named_and_the_others_are_exported() {
    let scene = Scene::with_photos(&samples(5));
    let mut objects: Vec<PathBuf> =
        fs::read_dir(scene.vault().join("encrypted_images")).unwrap().map(|entry| entry.unwrap().path()).collect();
    objects.sort();
    fs::write(&objects[0], "damaged").unwrap();
    fs::remove_file(&objects[3]).unwrap();
    let out = scene.path("out");
    let ran = scene.run_with(&["export", "--json", "--all"], [&out]).exits(3).json();
    assert_eq!(ran["exported"].as_array().unwrap().len(), 3, "{ran}");
    let mut failed: Vec<_> = ran["failed"].as_array().unwrap().iter().map(|failed| &failed["id"]).collect();
    failed.sort_by_key(ToString::to_string);
    let id = |object: &PathBuf| object.file_name().unwrap().to_str().unwrap()[..32].to_owned();
    assert_eq!(failed, [&id(&objects[0]), &id(&objects[3])], "{ran}");
    assert_eq!(ran["left"], 0);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);
}

#[test]
fn a_damaged_list_does_not_prevent_the_export_of_other_photos() {
    let scene = Scene::with_vault();
    // Two lists are needed, and one holds up to 1,024 photos.
    scene.run(["synthesize", "1030"]).success();
    let features = fs::read_dir(scene.vault().join("encrypted_features")).unwrap().map(|entry| entry.unwrap().path());
    let lists: Vec<_> = features.filter(|path| path.extension().is_some_and(|extension| extension == "list")).collect();
    assert_eq!(lists.len(), 2);
    let shortest = lists.iter().min_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    fs::write(shortest, "damaged").unwrap();
    let ran = scene.run_with(&["export", "--json", "--all"], [scene.path("out")]).exits(3).json();
    assert_eq!(ran["exported"].as_array().unwrap().len(), 1024);
    assert_eq!(ran["failed"].as_array().unwrap().len(), 1, "{}", ran["failed"]);
    assert!(ran["failed"][0]["id"].is_null(), "{}", ran["failed"]);
}

#[test]
fn a_run_ended_by_an_error_reports_what_was_done_and_can_be_continued() {
    let photos = samples(6);
    let scene = Scene::with_photos(&photos);
    let sizes: Vec<u64> = photos.iter().map(|photo| fs::metadata(photo).unwrap().len()).collect();
    let out = scene.path("out");
    // The limit, in units of 512 bytes, admits all but the largest photo.
    let largest = *sizes.iter().max().unwrap();
    let limited = |arguments: &[&str]| {
        let command = scene.command_with(arguments, [&out]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", (largest - 1) / 512), "sh"]);
        shell.arg(command.get_program()).args(command.get_args()).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ran(shell.output().unwrap())
    };
    let report = limited(&["export", "--json", "--all"]).exits(1).says("File too large").json();
    let exported = report["exported"].as_array().unwrap().len();
    assert_eq!(exported as u64 + report["left"].as_u64().unwrap(), 6, "{report}");
    assert!(report["error"].as_str().unwrap().contains("File too large"), "{report}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), exported, "no partly written file stays");
    let text = limited(&["export", "--all"]).exits(1).stdout();
    assert!(text.contains("left. Run the same command again to continue."), "{text}");
    let rest = scene.run_with(&["export", "--json", "--all"], [&out]).success().json();
    assert_eq!(rest["already_there"].as_array().unwrap().len(), exported, "{rest}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 6);
}

#[test]
fn a_removed_photo_is_gone_and_the_rest_is_undamaged() {
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

/// Every file and folder below a folder.
fn everything_below(folder: &Path) -> BTreeSet<PathBuf> {
    walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path()).collect()
}

#[test]
fn an_export_without_a_folder_goes_to_the_current_one_and_ids_may_be_shortened() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    let list = scene.run(["list", "--json"]).success().json();
    let (id, name) = (list[0]["id"].as_str().unwrap(), list[0]["name"].as_str().unwrap());
    let vault = everything_below(&scene.vault());
    let here = scene.path("here");
    fs::create_dir(&here).unwrap();
    Ran(scene.command(["export", &id[..8]]).current_dir(&here).output().unwrap()).success();
    assert_eq!(everything_below(&here), BTreeSet::from([here.clone(), here.join(name)]));
    assert_eq!(everything_below(&scene.vault()), vault);
    scene.run(["export", "ffffffffffffffff"]).exits(1).says("no image has the id");
}

#[test]
fn a_vault_that_an_earlier_version_exported_into_counts_as_undamaged() {
    let scene = Scene::with_photos(&samples(1));
    fs::create_dir(scene.vault().join("decrypted_images")).unwrap();
    fs::write(scene.vault().join("decrypted_images/photo.jpg"), "pixels").unwrap();
    scene.run(["check"]).success();
}

#[cfg(unix)]
#[test]
fn no_export_goes_into_any_vault_whatever_path_leads_there() {
    use std::os::unix::fs::symlink;
    let photos = samples(1);
    let scene = Scene::with_photos(&photos);
    let other = Scene::with_vault();
    symlink(scene.vault(), scene.path("link")).unwrap();
    symlink(scene.vault().join("encrypted_images"), scene.path("link inside")).unwrap();
    let vaults = || [everything_below(&scene.vault()), everything_below(&other.vault())];
    let before = vaults();
    let below = |path: &str| scene.path(path);
    let targets = [
        scene.vault(),
        scene.vault().join("decrypted_images"),
        scene.vault().join("encrypted_images"),
        scene.vault().join("new/and/deep"),
        below("link"),
        below("link/new"),
        below("link inside"),
        below("link inside/.."),
        below("new/../photos.vault/x"),
        below("../").join(scene.path("").file_name().unwrap()).join("photos.vault"),
        other.vault().join("x"),
    ];
    for target in &targets {
        let target = target.to_str().unwrap();
        let id = &scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
        for arguments in [vec!["export", "--all", target], vec!["export", id, "--to", target, "--overwrite"]] {
            scene.run(arguments).exits(1).says("outside of every vault");
        }
        let search = ["search", "--threshold", "-1", "--export", target];
        scene.run_with(&search, [&photos[0]]).exits(1).says("outside of every vault");
    }
    let list = scene.run(["list", "--json"]).success().json();
    for folder in ["photos.vault", "photos.vault/encrypted_features"] {
        let command = &mut scene.command(["export", list[0]["id"].as_str().unwrap()]);
        Ran(command.current_dir(scene.path(folder)).output().unwrap()).exits(1).says("outside of every vault");
    }
    assert!(vaults() == before, "nothing was written");
    assert!(!scene.path("new").exists());
    // A vault without its mapping still holds sealed photos; a folder with a file called `header` is not a vault.
    fs::remove_file(other.vault().join("mapping.json")).unwrap();
    scene.run_with(&["export", "--all"], [other.vault().join("x")]).exits(1).says("outside of every vault");
    fs::create_dir(scene.path("website")).unwrap();
    fs::write(scene.path("website/header"), "<header>").unwrap();
    scene.run_with(&["export", "--all"], [scene.path("website/photos")]).success();
}

#[cfg(unix)]
#[test]
fn exported_files_and_new_folders_are_private_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let photos = samples(1);
    let scene = Scene::with_photos(&photos);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for umask in ["000", "077", "277"] {
        let folder = scene.path(umask);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let command = scene.command_with(&["export", "--all"], [folder.join("new/deep")]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(command.get_program());
        shell.args(command.get_args()).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ran(shell.output().unwrap()).success();
        assert_eq!(mode(&folder), 0o755, "a folder that was there keeps its mode");
        assert_eq!((mode(&folder.join("new")), mode(&folder.join("new/deep"))), (0o700, 0o700), "umask {umask}");
        assert_eq!(mode(&folder.join("new/deep").join(photos[0].file_name().unwrap())), 0o600, "umask {umask}");
    }
}

#[cfg(unix)]
#[test]
fn overwriting_follows_no_link_and_removes_no_folder() {
    let photos = samples(3);
    let scene = Scene::with_photos(&photos);
    let (out, mine) = (scene.path("out"), scene.path("mine.jpg"));
    fs::create_dir(&out).unwrap();
    fs::write(&mine, "mine").unwrap();
    let [linked, folder, free] = [0, 1, 2].map(|at: usize| out.join(photos[at].file_name().unwrap()));
    std::os::unix::fs::symlink(&mine, &linked).unwrap();
    fs::create_dir(&folder).unwrap();
    let report = scene.run_with(&["export", "--json", "--overwrite", "--all"], [&out]).exits(1).json();
    assert_eq!(fs::read(&mine).unwrap(), b"mine");
    assert!(fs::symlink_metadata(&linked).unwrap().is_file(), "the link itself was replaced");
    assert!(folder.is_dir() && free.is_file());
    assert_eq!(report["exported"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(report["failed"].as_array().unwrap().len(), 1, "{report}");
    assert!(report["failed"][0]["reason"].as_str().unwrap().contains("directory"), "{report}");
}

#[test]
fn a_photo_that_is_named_twice_is_removed_once() {
    let scene = Scene::with_photos(&samples(2));
    let id = scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    let ran = scene.run(["remove", "--yes", &id, &id[..12], &id]).success();
    assert_eq!(ran.stdout(), "Removed 1 photo from photos.vault.\n");
    assert_eq!(ran.stderr().matches(&id[..8]).count(), 1, "{}", ran.stderr());
    let left = scene.run(["list", "--json"]).success().json();
    assert_eq!(left.as_array().unwrap().len(), 1);
    let id = left[0]["id"].as_str().unwrap();
    let removed = scene.run(["remove", "--yes", "--json", id, id]).success().json();
    assert_eq!(removed["removed"], serde_json::json!([id]));
}

#[test]
fn columns_of_a_list_stay_aligned_whatever_the_names() {
    let scene = Scene::with_vault();
    let folder = scene.path("named");
    fs::create_dir(&folder).unwrap();
    // 249 bytes, about the limit of most file systems.
    let names = [format!("{}.jpg", "x".repeat(245)), "猫の写真.jpg".to_owned(), "🌻.jpg".to_owned()];
    for (photo, name) in samples(3).iter().zip(&names) {
        fs::copy(photo, folder.join(name)).unwrap();
    }
    scene.run_with(&["add"], [&folder]).success();
    let list = scene.run(["list"]).success().stdout();
    let starts: BTreeSet<_> =
        names.iter().map(|name| list.lines().find_map(|line| line.find(name.as_str())).unwrap()).collect();
    assert_eq!(starts.len(), 1, "{list}");
    let text = scene.run_with(&["search"], samples(1)).success().stdout();
    let places: BTreeSet<_> = text.lines().filter(|line| line.ends_with("B")).map(UnicodeWidthStr::width).collect();
    assert_eq!(places.len(), 1, "{text}");
}
