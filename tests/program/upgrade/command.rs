//! `upgrade` on the command line: what it says, and when it refuses.

use std::fs;
use std::path::Path;

use cipherlens::durable::{IfLocked, Lock};
use cipherlens::error::Error;
use cipherlens::vault::{self, Abandoned};

use crate::support::old_vault::scene_of_version;
use crate::support::scene::{Scene, samples};
use crate::support::vault_fixture::files;

fn keys(value: &serde_json::Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_dry_run_says_what_is_needed_and_changes_nothing() {
    for version in [1, 2] {
        let scene = scene_of_version(version);
        let before = files(&scene.vault());
        let text = scene.run(["upgrade", "--dry-run"]).success().stdout();
        for words in [
            "photos of photos.vault to upgrade. It reads about ",
            " that are free, until it removes ",
            "Photos stay as they are.",
        ] {
            assert!(text.contains(words), "{text}");
        }
        let plan = scene.run(["upgrade", "--dry-run", "--json"]).success().json();
        assert_eq!(keys(&plan), ["free", "needed", "photos", "read", "removed", "written"]);
        assert_eq!(plan["photos"], if version == 1 { 3 } else { 2 });
        assert!(files(&scene.vault()) == before);

        let done = scene.run(["upgrade", "--json"]).success().json();
        assert_eq!(
            keys(&done),
            [
                "damages",
                "free",
                "generation",
                "needed",
                "photos",
                "read",
                "removed",
                "resumed",
                "without_vector",
                "written"
            ]
        );
        assert_eq!((&done["without_vector"], &done["damages"]), (&serde_json::json!(0), &serde_json::json!([])));
        let number = |key: &str| done[key].as_u64().unwrap();
        assert_eq!(number("generation"), if version == 1 { 3 } else { 5 });
        let after = files(&scene.vault());
        let new: usize = after.iter().filter(|(path, _)| !before.contains_key(*path)).map(|(_, file)| file.len()).sum();
        assert!(new as u64 <= number("written") && number("written") <= number("needed"), "{new} bytes: {done}");
    }
}

#[test]
fn the_outcome_is_said_and_a_second_upgrade_refused() {
    let scene = scene_of_version(2);
    let text = scene.run(["upgrade"]).success().stdout();
    assert_eq!(
        text,
        "Upgraded 2 photos: photos.vault is of the current format, at generation 5.\n\
         All new files were read again: no damage found.\n"
    );
    let after = files(&scene.vault());
    for arguments in [&["upgrade"][..], &["upgrade", "--dry-run"], &["upgrade", "--json"]] {
        scene.run(arguments).exits(1).says("the vault is of the current format already");
    }
    assert!(files(&scene.vault()) == after);
    Scene::with_vault().run(["upgrade"]).exits(1).says("the vault is of the current format already");
}

#[test]
fn an_old_vault_is_read_and_whatever_would_change_it_names_the_upgrade() {
    let scene = scene_of_version(2);
    let before = files(&scene.vault());
    scene.run(["list"]).success().says("this vault is of an older format").says("cipherlens upgrade");
    let id = scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    let photo = samples(1).remove(0);
    let photo = photo.to_str().unwrap();
    let new = scene.path("new");
    fs::write(&new, "another one altogether").unwrap();
    let commands: [&[&str]; 5] = [
        &["add", photo],
        &["search", photo],
        &["remove", "--yes", &id],
        &["check", "--repair"],
        &["passwd", "--new-passphrase-file", new.to_str().unwrap()],
    ];
    for command in commands {
        scene.run(command).exits(1).says("the vault is of an older format").says("cipherlens --vault VAULT upgrade");
    }
    assert!(files(&scene.vault()) == before);
    scene.run(["upgrade"]).success();
    scene.run(["check"]).success();
    for command in commands {
        scene.run(command).success();
    }
}

#[test]
fn a_wrong_passphrase_changes_nothing() {
    let scene = scene_of_version(2);
    let before = files(&scene.vault());
    let right = fs::read(scene.passphrase_file()).unwrap();
    fs::write(scene.passphrase_file(), "correct horse battery stable").unwrap();
    for arguments in [&["upgrade"][..], &["upgrade", "--dry-run"]] {
        scene.run(arguments).exits(2).says("the passphrase is wrong");
    }
    assert!(files(&scene.vault()) == before);
    fs::write(scene.passphrase_file(), right).unwrap();
    scene.run(["upgrade"]).success();
}

#[test]
fn too_little_room_is_said_with_both_numbers() {
    let plan = vault::UpgradePlan { photos: 1, read: 1, written: 2, needed: 3_456, removed: 1, free: Some(3_455) };
    let said = Error::from(plan.require_space().unwrap_err()).with_advice();
    assert!(said.contains("3456 bytes") && said.contains("3455") && said.contains("free some space"), "{said}");
    vault::UpgradePlan { free: Some(3_456), ..plan }.require_space().unwrap();
    vault::UpgradePlan { free: None, ..plan }.require_space().unwrap();
}

/// Waits until a process has opened the file that it is about to lock.
#[cfg(target_os = "linux")]
fn until_opened(child: &std::process::Child, file: &Path) {
    let descriptors = format!("/proc/{}/fd", child.id());
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(120);
    let is_open = || {
        let entries = fs::read_dir(&descriptors).into_iter().flatten().flatten();
        entries.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path == file)
    };
    while !is_open() {
        assert!(std::time::Instant::now() < patience, "it never came to the lock");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_upgrade_waits_for_writers_of_this_and_of_earlier_versions() {
    use std::process::Stdio;

    use crate::support::scene::Ran;

    for file in ["lock", "public_context"] {
        let scene = scene_of_version(2);
        let root = fs::canonicalize(scene.vault()).unwrap();
        let held = Lock::in_directory(&root, file, IfLocked::Refuse).unwrap().unwrap();
        let refused = vault::local(&root).writer(Abandoned::Remove).unwrap().lock(IfLocked::Refuse);
        assert!(matches!(refused, Err(vault::Error::Locked)), "{file}");
        let before = files(&root);
        let start = || {
            let child = scene.command(["upgrade"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            until_opened(&child, &root.join(file));
            child
        };
        let mut interrupted = start();
        let kill = format!("kill -s INT {}", interrupted.id());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert!(!interrupted.wait().unwrap().success());
        assert!(files(&root) == before, "{file}: interrupted while it waited");
        let waiting = start();
        drop(held);
        Ran(waiting.wait_with_output().unwrap()).success();
        scene.run(["check"]).success();
    }
}
