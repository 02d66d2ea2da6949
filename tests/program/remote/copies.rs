//! Push and pull: replicas follow each other, a newer or forked one is never lost, and an interrupted transfer resumes.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::remote::host::serving;
use crate::remote::relay::{counted, relayed, worth_losing};
use crate::support::scene::{Ran, Scene, samples};
use crate::support::vault_fixture::{files, restore};

fn via(command: &str) -> String {
    format!("via:{command}")
}

fn run(scene: &Scene, arguments: &[&str]) -> Ran {
    Ran(scene.command(arguments).env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap())
}

fn push(scene: &Scene, to: &Path) -> Ran {
    run(scene, &["push", "--json", scene.vault().to_str().unwrap(), &via(&serving(to))])
}

fn pull(scene: &Scene, from: &Path) -> Ran {
    run(scene, &["pull", "--json", &via(&serving(from)), scene.vault().to_str().unwrap()])
}

fn count(scene: &Scene, vault: &Path) -> usize {
    run(scene, &["--vault", vault.to_str().unwrap(), "list", "--json"]).success().json().as_array().unwrap().len()
}

fn files_copied(ran: Ran) -> u64 {
    let value: Value = ran.success().json();
    value["files"].as_u64().unwrap()
}

#[test]
fn a_newer_copy_that_has_lost_its_header_is_not_replaced() {
    let photos = samples(3);
    let scene = Scene::with_photos(&photos[..1]);
    let there = scene.path("copy.vault");
    files_copied(push(&scene, &there));
    // Another machine adds to the copy, and its header gets lost.
    let mut adding = scene.command_with(&["--vault", there.to_str().unwrap(), "add"], &photos[1..]);
    Ran(adding.env("HOME", scene.path("home of another machine")).output().unwrap()).success();
    let header = fs::read(there.join("header")).unwrap();
    fs::remove_file(there.join("header")).unwrap();
    let left = files(&there);
    for to in [there.display().to_string(), via(&serving(&there))] {
        let refused = run(&scene, &["push", "--trust-new-vault", scene.vault().to_str().unwrap(), &to]).exits(1);
        assert!(refused.stderr().contains("newer"), "{}", refused.stderr());
        assert_eq!(files(&there), left);
    }
    // A copy of the same generation gets its header back.
    fs::write(there.join("header"), &header).unwrap();
    files_copied(pull(&scene, &there));
    fs::remove_file(there.join("header")).unwrap();
    run(&scene, &["push", "--trust-new-vault", scene.vault().to_str().unwrap(), there.to_str().unwrap()]).success();
    assert_eq!(fs::read(there.join("header")).unwrap(), header);
    assert_eq!(count(&scene, &there), 3);
}

#[test]
fn copies_follow_each_other_both_ways() {
    let photos = samples(5);
    let scene = Scene::with_photos(&photos[..3]);
    let there = scene.path("copy.vault");
    // Six files of one segment, two of a pack, the history, and the photos.
    assert_eq!(files_copied(push(&scene, &there)), 6 + 2 + 1 + 3);
    assert_eq!(files(&there), files(&scene.vault()));
    assert_eq!(files_copied(push(&scene, &there)), 0, "the second time nothing is missing");
    // Add a photo on the host: only the new files are pulled.
    let add = ["--via", &serving(&there), "add", photos[3].to_str().unwrap()].map(String::from);
    run(&scene, &add.each_ref().map(String::as_str)).success();
    push(&scene, &there).exits(1).says("newer than generation");
    assert_eq!(files_copied(pull(&scene, &there)), 6 + 2 + 1 + 1);
    assert_eq!(files(&there), files(&scene.vault()));
    // One push of several commits, including a removal, all seen by this machine.
    let list = run(&scene, &["list", "--json"]).success().json();
    run(&scene, &["remove", "--yes", list[0]["id"].as_str().unwrap()]).success();
    run(&scene, &["add", photos[4].to_str().unwrap()]).success();
    files_copied(push(&scene, &there));
    assert_eq!(files(&there), files(&scene.vault()), "removed files are removed there too");
    assert_eq!(count(&scene, &there), 4);
    scene.run(["check"]).success();
}

#[test]
fn forked_copies_are_both_left_unchanged() {
    let photos = samples(5);
    let scene = Scene::with_photos(&photos[..1]);
    let there = scene.path("copy.vault");
    push(&scene, &there).success();
    run(&scene, &["add", photos[1].to_str().unwrap()]).success();
    // Another machine commits to the replica several times, so this machine has not seen the generations in between.
    let other_home = |photo: &Path| {
        let mut command = scene.command(["--vault", there.to_str().unwrap(), "add", photo.to_str().unwrap()]);
        Ran(command.env("HOME", scene.path("other home")).output().unwrap()).success();
    };
    for photo in &photos[2..] {
        other_home(photo);
        let before = (files(&scene.vault()), files(&there));
        push(&scene, &there).exits(1);
        pull(&scene, &there).exits(1);
        assert_eq!((files(&scene.vault()), files(&there)), before);
    }
    push(&scene, &there).says("were changed separately").says("cipherlens merge");
    pull(&scene, &there).says("were changed separately").says("cipherlens merge");
}

#[test]
fn a_copy_that_was_rolled_back_is_not_pulled() {
    let photos = samples(3);
    let scene = Scene::with_photos(&photos[..1]);
    let there = scene.path("copy.vault");
    push(&scene, &there).success();
    let old = files(&there);
    run(&scene, &["add", photos[1].to_str().unwrap()]).success();
    push(&scene, &there).success();
    // The local disk is lost, and the host restores an old copy.
    let newest = files(&scene.vault());
    fs::remove_dir_all(scene.vault()).unwrap();
    restore(&there, &old);
    pull(&scene, &there).exits(3).says("rolled back");
    assert!(!scene.vault().exists(), "nothing was copied");
    // The same with an even older local copy, which the host's continues.
    fs::create_dir(scene.vault()).unwrap();
    restore(&scene.vault(), &old);
    restore(&there, &newest);
    run(&scene, &["--vault", there.to_str().unwrap(), "add", photos[2].to_str().unwrap()]).success();
    restore(&there, &newest);
    pull(&scene, &there).exits(3).says("rolled back");
    assert_eq!(files(&scene.vault()), old);
}

#[test]
fn a_newer_copy_is_replaced_by_an_older_one_only_on_request() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos[..1]);
    let (backup, here) = (scene.path("backup.vault"), scene.vault().display().to_string());
    let from = backup.display().to_string();
    run(&scene, &["push", &here, &from]).success();
    let old = files(&backup);
    run(&scene, &["add", photos[1].to_str().unwrap()]).success();
    let new = files(&scene.vault());
    for (direction, source, target) in [("push", &from, &here), ("pull", &from, &here)] {
        run(&scene, &[direction, source, target]).exits(1).says("newer than generation").says("--accept-older");
        assert_eq!(files(&scene.vault()), new);
    }
    // A host never accepts an older generation, so nothing is sent.
    run(&scene, &["push", "--accept-older", &from, &via(&serving(&scene.vault()))])
        .exits(1)
        .says("newer than generation");
    assert_eq!(files(&scene.vault()), new);
    run(&scene, &["pull", "--accept-older", &from, &here]).success();
    assert_eq!(files(&scene.vault()), old);
    let listed = run(&scene, &["list", "--json"]).success();
    assert!(!listed.stderr().contains("older"), "{}", listed.stderr());
    run(&scene, &["add", photos[1].to_str().unwrap()]).success();
    // The two have forked: neither replaces the other, with or without --accept-older.
    fs::remove_dir_all(&backup).unwrap();
    fs::create_dir(&backup).unwrap();
    restore(&backup, &new);
    let now = files(&scene.vault());
    for direction in ["push", "pull"] {
        run(&scene, &[direction, "--accept-older", &from, &here]).exits(1).says("changed separately");
        run(&scene, &[direction, "--accept-older", &here, &from]).exits(1).says("changed separately");
    }
    assert_eq!((files(&scene.vault()), files(&backup)), (now, new));
}

#[test]
fn a_copy_of_another_vault_is_refused() {
    let (scene, other) = (Scene::with_vault(), Scene::with_vault());
    push(&scene, &other.vault()).exits(1).says("are different vaults");
    let occupied = scene.path("occupied");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("letter"), "mine").unwrap();
    push(&scene, &occupied).exits(1).says("already holds something");
    pull(&scene, &scene.path("nowhere")).exits(1).says("there is no vault at");
}

#[test]
fn a_damaged_source_does_not_replace_an_intact_copy() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos[..1]);
    let there = scene.path("copy.vault");
    push(&scene, &there).success();
    let before = files(&there);
    run(&scene, &["add", photos[1].to_str().unwrap()]).success();
    for path in files(&scene.vault()).keys().filter(|path| path.to_str().unwrap().ends_with(".vectors")) {
        fs::write(scene.vault().join(path), "damaged").unwrap();
    }
    push(&scene, &there).exits(3).says(".vectors is damaged");
    assert_eq!(fs::read(there.join("mapping.json")).unwrap(), before[Path::new("mapping.json")]);
    // This machine has seen the newer generation and reports a rollback; for another machine the copy is intact.
    let mut elsewhere = scene.command(["--vault", there.to_str().unwrap(), "check"]);
    Ran(elsewhere.env("HOME", scene.path("other home")).output().unwrap()).success();
}

#[test]
fn an_interrupted_copy_leaves_both_intact_and_resumes() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos[..1]);
    let older = files(&scene.vault());
    run(&scene, &["add", photos[1].to_str().unwrap()]).success();
    let newest = files(&scene.vault());
    let counter = scene.path("count");
    for (direction, begun) in [("push", None), ("push", Some(&older)), ("pull", None), ("pull", Some(&older))] {
        let copy = |plan: &str, place: &Path| {
            let _ = fs::remove_file(&counter);
            // Push to the target, or pull from the vault into the target.
            let (from, to) = match direction {
                "push" => (scene.vault().display().to_string(), via(&relayed(&serving(place), plan, &counter))),
                _ => (via(&relayed(&serving(&scene.vault()), plan, &counter)), place.display().to_string()),
            };
            run(&scene, &[direction, "--json", &from, &to])
        };
        // An empty target, or one with an older replica.
        let place = |name: &str| {
            let place = scene.path(&format!("{direction} {name} {}", begun.is_some()));
            if let Some(older) = begun {
                fs::create_dir(&place).unwrap();
                restore(&place, older);
            }
            place
        };
        let whole = place("whole");
        copy("pass", &whole).success();
        assert!(files(&whole) == newest);
        // Every second frame of a first transfer, and the other half for a later one.
        for at in worth_losing(counted(&counter)).skip(usize::from(begun.is_some())).step_by(2) {
            let plan = ["cut", "kill-host", "kill-client"][at % 3];
            let place = place(&at.to_string());
            copy(&format!("{plan} {at}"), &place);
            assert!(files(&scene.vault()) == newest, "the source was changed by {direction} {plan} {at}");
            if begun.is_some() {
                until_whole(&scene, &place);
            }
            let mut second = copy("pass", &place);
            while second.stderr().contains("another process is writing") {
                // The host of a killed client takes a moment to notice.
                std::thread::sleep(std::time::Duration::from_millis(20));
                second = copy("pass", &place);
            }
            second.success();
            let (there, due) = (files(&place), newest.keys());
            assert!(there == newest, "{direction} {plan} {at}: {:?} are not {due:?}", there.keys());
            fs::remove_dir_all(&place).unwrap();
        }
    }
}

/// Checks a copy from a machine that has seen no generation of it. A host whose client was killed may still have to
/// remove obsolete files, so retry.
fn until_whole(scene: &Scene, place: &Path) {
    let checked = || {
        let elsewhere = tempfile::tempdir().unwrap();
        let mut command = scene.command(["--vault", place.to_str().unwrap(), "check"]);
        Ran(command.env("HOME", elsewhere.path()).output().unwrap())
    };
    for _ in 0..100 {
        if checked().0.status.success() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    checked().success();
}
