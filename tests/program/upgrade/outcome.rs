//! What an upgrade leaves: every photo as it was, and nothing of the old format.

use std::fs;
use std::path::{Path, PathBuf};

use cipherlens::durable::IfLocked;
use cipherlens::vault::{
    self, Error, Extension, FeatureSpace, Id, Snapshot, Upgrade, UpgradeProgress, Upgraded, Vault,
};
use parking_lot::Mutex;

use crate::support::old_vault::{
    FORMAT_1, FORMAT_2, Layout, PASSPHRASE, SMALL_GROUPS, SMALLEST_GROUPS, WITHOUT_DIRECTION, contents, inodes, make,
    name, of_version, old_files, open, photo, scene_of_version, thumbnail,
};
use crate::support::scene::copy_folder;
use crate::support::vault_fixture::{Nothing, cosine, image, passphrase, search, space};

/// The projection of these tests: the first numbers.
fn project(vector: &[f32]) -> Option<Vec<f32>> {
    let FeatureSpace { dimension, .. } = space();
    let first = &vector[..dimension];
    let norm = cosine(first, first).sqrt();
    (norm > 0.0).then(|| first.iter().map(|number| number / norm).collect())
}

pub(super) fn upgrade(
    vault: &Vault,
    draft: &Path,
    progress: &(dyn Fn(UpgradeProgress) + Sync),
) -> Result<Upgraded, Error> {
    let passphrase = passphrase(PASSPHRASE);
    let upgrade = Upgrade { passphrase: &passphrase, features: space(), project: &project, draft };
    vault::upgrade(vault, upgrade, IfLocked::Refuse, progress)
}

/// Where the draft of an upgrade is, beside the records of generations seen.
pub(super) fn draft(seen: &Path) -> PathBuf {
    seen.with_extension("draft")
}

/// Upgrades the vault at `root`, and compares it with what it was.
pub(super) fn upgraded_whole(root: &Path, seen: &Path) -> Vault {
    let old = open(root, seen);
    let before = old.snapshot().unwrap();
    assert!(old.is_old());
    let (photos, was) = (contents(&before), inodes(&root.join("encrypted_images")));
    let plan = vault::plan_upgrade(&old, space().dimension).unwrap();
    let is_resumed = draft(seen).exists();
    let counted = Mutex::new((0, 0));
    let outcome = upgrade(&old, &draft(seen), &|progress| match progress {
        UpgradeProgress::Written(photos) => counted.lock().0 += photos,
        UpgradeProgress::Checked(photos) => counted.lock().1 += photos,
    });
    let outcome = outcome.unwrap();
    assert!(outcome.report.is_whole(), "{:?}", outcome.report.damages);
    assert_eq!(*counted.lock(), (before.len(), before.len()), "progress");
    assert_eq!(outcome.generation, before.mapping().generation + 1);
    assert!(!draft(seen).exists());
    assert!(matches!(old.snapshot(), Err(Error::Upgraded)), "the old handle says so");
    assert!(matches!(upgrade(&old, &draft(seen), &|_| {}), Err(Error::Upgraded)));

    let new = open(root, seen);
    assert!(!new.is_old());
    let after = new.snapshot().unwrap();
    assert_eq!(contents(&after), photos);
    assert!(inodes(&root.join("encrypted_images")) == was, "originals are not touched");
    assert_eq!(old_files(root), [] as [&Path; 0]);
    let report = new.check(&|_| {}).unwrap();
    assert!(report.is_whole(), "{:?}", report.damages);
    assert!(report.leftovers.abandoned.is_empty(), "{:?}", report.leftovers);
    let new_bytes: u64 = ["encrypted_features", "encrypted_thumbnails"]
        .iter()
        .flat_map(|folder| inodes(&root.join(folder)).into_values())
        .map(|(_, bytes, ..)| bytes)
        .sum();
    assert!(new_bytes <= plan.written, "{new_bytes} bytes are written: {plan:?}");
    assert!(is_resumed || plan.written <= plan.needed, "{plan:?}");
    assert!(matches!(upgrade(&new, &draft(seen), &|_| {}), Err(Error::NotOutdated)));
    assert!(matches!(vault::plan_upgrade(&new, space().dimension), Err(Error::NotOutdated)));
    new
}

/// The photos of a made-up vault are what they were made from.
fn are_as_made(snapshot: &Snapshot, photos: usize) {
    assert_eq!(snapshot.len(), photos);
    for number in 0..photos {
        let stored = snapshot.image_at(number).unwrap();
        assert_eq!(stored.name().unwrap(), name(number));
        assert_eq!(stored.record().unwrap().bytes, photo(number).len() as u64);
        assert!(*stored.photo().unwrap() == photo(number), "{number}");
        assert_eq!(stored.thumbnail().ok().map(|thumbnail| thumbnail.to_vec()), thumbnail(number), "{number}");
        assert_eq!(stored.vector().unwrap().is_none(), number == WITHOUT_DIRECTION, "{number}");
    }
}

/// Makes up a vault, upgrades it, and uses it.
fn made_up(layout: Layout, photos: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (root, seen) = (folder.path().join("vault"), folder.path().join("seen"));
    make(&root, layout, photos);
    let report = open(&root, &seen).check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.strays.is_empty(), "before: {:?}", report.damages);
    let vault = upgraded_whole(&root, &seen);
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.leftovers.strays.is_empty(), "{:?}", report.leftovers.strays);
    let snapshot = vault.snapshot().unwrap();
    are_as_made(&snapshot, photos);
    // It is searched and written to.
    if photos > 0 {
        let query = snapshot.image_at(0).unwrap().vector().unwrap().unwrap();
        let found = search(&vault, &snapshot, &query);
        let best = found.iter().max_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap();
        assert_eq!(*best.0, snapshot.image_at(0).unwrap().id());
        assert!((best.1 - 1.0).abs() < 1e-3, "{best:?}");
    }
    let mut transaction = vault::Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    let stored = transaction.store_photo(b"another one", &Extension::of(Path::new("x.jpg"))).unwrap();
    assert!(matches!(transaction.append(image(stored, 1)).unwrap(), vault::Appended::New(_)));
    drop(transaction.commit().unwrap());
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.len(), photos + 1);
    assert!(vault.check(&|_| {}).unwrap().is_whole());
    // What is there already is recognised by the keyed hash that the old format recorded.
    if photos > 0 {
        let mut transaction = vault::Transaction::begin(&vault, IfLocked::Refuse).unwrap();
        let stored = transaction.store_photo(&photo(photos - 1), &Extension::of(Path::new("x.jpg"))).unwrap();
        let appended = transaction.append(image(stored, 1)).unwrap();
        assert!(matches!(appended, vault::Appended::AlreadyPresent(id)
            if id == snapshot.image_at(photos - 1).unwrap().id()));
    }
}

#[test]
fn small_vaults_are_upgraded() {
    for (layout, photos) in [(FORMAT_1, 0), (FORMAT_2, 0), (FORMAT_1, 1), (SMALLEST_GROUPS, 1), (SMALLEST_GROUPS, 9)] {
        made_up(layout, photos);
    }
}

#[test]
fn six_hundred_photos_of_format_1_are_upgraded() {
    made_up(FORMAT_1, 600);
}

#[test]
fn six_hundred_photos_in_a_group_are_upgraded() {
    made_up(SMALL_GROUPS, 600);
}

#[test]
#[ignore = "takes long: .ci/long/upgrade runs it"]
fn ten_thousand_photos_in_a_group_are_upgraded() {
    made_up(FORMAT_2, 10_000);
}

#[test]
fn what_earlier_versions_of_the_program_wrote_is_upgraded() {
    for version in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let (root, seen) = (folder.path().join("vault"), folder.path().join("seen"));
        copy_folder(&of_version(version), &root);
        let vault = upgraded_whole(&root, &seen);
        let strays = vault.check(&|_| {}).unwrap().leftovers.strays;
        assert!(strays.is_empty(), "{strays:?}");
    }
}

#[test]
fn the_vault_of_version_2_has_what_was_put_into_it() {
    let scene = scene_of_version(2);
    let expected = |name: &str, id: &str, bytes, captured: Option<&str>, modified: &str, [width, height]: [u32; 2]| {
        serde_json::json!({
            "name": name, "id": id, "bytes": bytes, "captured": captured, "modified": modified, "width": width,
            "height": height, "media_type": null, "orientation": null, "camera": null, "lens": null, "exposure": null,
            "places": [{
                "path": name, "path_bytes": null, "source": null, "source_bytes": null, "modified": modified,
                "modified_nanoseconds": 0,
            }],
        })
    };
    let taken = "2019-07-04T18:05:09";
    let photos = serde_json::json!([
        expected(
            "Flamingo am Teich \u{fc}.JPG",
            "73162bbefb35afd1629022001ca968e3",
            3539,
            Some(taken),
            &format!("{taken}Z"),
            [277, 300]
        ),
        expected("helicopter.jpg", "b202af6069eb5f021fde8d1dbe5fc3f4", 3489, None, "2021-02-03T04:05:06Z", [300, 193]),
    ]);
    assert_eq!(scene.run(["list", "--json"]).success().json(), photos);
    scene.run(["upgrade"]).success();
    assert_eq!(scene.run(["list", "--json"]).success().json(), photos);
    let out = scene.path("out");
    scene.run_with(&["export", "--all"], [&out]).success();
    let copy = crate::support::scene::sample("altered/helicopter_image_0001_recompressed.jpg");
    assert!(fs::read(out.join("helicopter.jpg")).unwrap() == fs::read(&copy).unwrap());
    // The projected vector is the one that the program makes of the photo now.
    let found = scene.run_with(&["search", "--json", "--threshold", "-1"], [&copy]).success().json();
    assert_eq!(found["matches"][0]["name"], "helicopter.jpg");
    assert!(found["matches"][0]["score"].as_f64().unwrap() > 0.997, "{found}");
    assert_eq!(scene.run_with(&["add", "--json"], [&copy]).success().json()["already_present"], 1);
}

#[test]
fn leftovers_of_earlier_versions_are_removed_and_strays_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (root, seen) = (folder.path().join("vault"), folder.path().join("seen"));
    copy_folder(&of_version(2), &root);
    let random = || Id::random().unwrap();
    let [left, lost, kept] = [random(), random(), random()].map(|id| format!("encrypted_images/{id}.jpg.aes"));
    let segment = format!("encrypted_features/{}.json", random());
    let still_used = fs::read_dir(root.join("encrypted_images")).unwrap().next().unwrap().unwrap().path();
    let still_used = still_used.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    for file in [&left, &segment, &kept] {
        fs::write(root.join(file), "left").unwrap();
    }
    fs::write(root.join("writing"), format!("\n{left}\n\n{segment}\n\n{lost}\n\n{still_used}\n")).unwrap();
    fs::write(root.join("mapping.json.new"), "cut").unwrap();
    // Empty, as a crash leaves it: not the header that the mapping names.
    fs::write(root.join("header.new"), "").unwrap();
    fs::create_dir(root.join("set_aside")).unwrap();
    fs::write(root.join("set_aside/found"), "put there by a repair").unwrap();
    let photos = contents(&open(&root, &seen).snapshot().unwrap());
    let vault = {
        let old = open(&root, &seen);
        assert!(upgrade(&old, &draft(&seen), &|_| {}).unwrap().report.is_whole());
        open(&root, &seen)
    };
    assert_eq!(contents(&vault.snapshot().unwrap()), photos);
    for gone in [&left, &segment, "writing", "mapping.json.new", "header.new"] {
        assert!(!root.join(gone).exists(), "{gone}");
    }
    assert_eq!(old_files(&root), [] as [&Path; 0]);
    assert_eq!(vault.check(&|_| {}).unwrap().leftovers.strays, [kept.as_str()], "nobody said that it may go");
    assert!(root.join("set_aside/found").exists());
}

#[test]
fn a_photo_whose_vector_has_no_direction_is_kept_and_like_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (root, seen) = (folder.path().join("vault"), folder.path().join("seen"));
    make(&root, FORMAT_1, WITHOUT_DIRECTION + 5);
    let old = open(&root, &seen);
    let Upgraded { without_vector, .. } = upgrade(&old, &draft(&seen), &|_| {}).unwrap();
    assert_eq!(without_vector, 1);
    let vault = open(&root, &seen);
    let snapshot = vault.snapshot().unwrap();
    let query = snapshot.image_at(0).unwrap().vector().unwrap().unwrap();
    let scores = search(&vault, &snapshot, &query);
    let score = scores[&snapshot.image_at(WITHOUT_DIRECTION).unwrap().id()];
    assert!(score.abs() < 1e-2, "it is like no photo: {score}");
    let repaired = vault::repair(&vault, &Nothing, vault::LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
    assert!(repaired.before.is_whole() && repaired.after.is_whole());
    assert_eq!(vault.snapshot().unwrap().len(), snapshot.len());
}
