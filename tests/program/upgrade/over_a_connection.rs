//! `upgrade` of a vault on another machine: by the client, over `serve --stdio`, with no key on the host.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cipherlens::durable::IfLocked;
use cipherlens::vault::Abandoned;

use crate::remote::host::serving;
use crate::remote::relay::{counted, go_on, is_held, relayed};
use crate::support::old_vault::{FORMAT_2, SMALL_GROUPS, contents, inodes, make, old_files, open, scene_of_version};
use crate::support::scene::{Ran, Scene, copy_folder};
use crate::support::vault_fixture::files;

fn remote(scene: &Scene, via: &str, arguments: &[&str]) -> Command {
    let mut command = scene.command(["--via", via]);
    command.env_remove("CIPHERLENS_VAULT").env("PATH", std::env::var_os("PATH").unwrap()).args(arguments);
    command
}

fn run(scene: &Scene, arguments: &[&str]) -> Ran {
    Ran(remote(scene, &serving(&scene.vault()), arguments).output().unwrap())
}

/// Upgrades over a connection, and compares what both ends see with what was there.
fn upgraded(scene: &Scene) {
    let root = scene.vault();
    let (photos, originals) = {
        let vault = open(&root, &scene.path("seen"));
        (contents(&vault.snapshot().unwrap()), inodes(&root.join("encrypted_images")))
    };
    let list = run(scene, &["list", "--json"]).success().says("older format").json();
    let plan = run(scene, &["upgrade", "--dry-run"]).success().stdout();
    assert!(plan.contains("It receives about ") && plan.contains(" and sends at most "), "{plan}");
    assert_eq!(run(scene, &["upgrade", "--json"]).success().json()["photos"], photos.len());
    run(scene, &["upgrade"]).exits(1).says("the vault is of the current format already");
    assert_eq!(run(scene, &["list", "--json"]).success().json(), list);
    run(scene, &["check"]).success();
    // On the host.
    assert_eq!(scene.run(["list", "--json"]).success().json(), list);
    let vault = open(&root, &scene.path("seen"));
    assert!(!vault.is_old() && contents(&vault.snapshot().unwrap()) == photos);
    assert!(inodes(&root.join("encrypted_images")) == originals);
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole() && report.leftovers.abandoned.is_empty() && report.leftovers.strays.is_empty());
    assert_eq!(old_files(&root), [] as [&Path; 0]);
}

#[test]
fn vaults_of_earlier_versions_are_upgraded_by_the_client() {
    for version in [1, 2] {
        upgraded(&scene_of_version(version));
    }
}

#[test]
fn six_hundred_photos_are_upgraded_by_the_client() {
    let scene = Scene::new();
    make(&scene.vault(), SMALL_GROUPS, 600);
    upgraded(&scene);
}

/// What a connection that is lost at frame `at`, or an interrupt while frame `at` is held, leaves.
fn lost(plan: &str, at: usize) {
    let scene = scene_of_version(2);
    let before = files(&scene.vault());
    let list = run(&scene, &["list", "--json"]).success().json();
    let count = scene.path("count");
    let via = relayed(&serving(&scene.vault()), &format!("{plan} {at}"), &count);
    let mut command = remote(&scene, &via, &["upgrade"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if plan == "hold" {
        let patience = Instant::now() + Duration::from_secs(120);
        while !is_held(&count) {
            assert!(Instant::now() < patience, "frame {at} never came");
            std::thread::sleep(Duration::from_millis(5));
        }
        let kill = format!("kill -s INT {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let ended = child.wait().unwrap();
        assert!(!ended.success(), "{ended}");
        go_on(&count);
    } else {
        let ran = Ran(child.wait_with_output().unwrap());
        // What is only read is asked for again over a new connection.
        let is_old = open(&scene.vault(), &scene.path("seen")).is_old();
        let says_why = !ran.stderr().trim().is_empty() || plan == "kill-client";
        assert!(if ran.0.status.success() { !is_old } else { says_why }, "{plan} {at}");
    }
    assert_eq!(run(&scene, &["list", "--json"]).success().json(), list, "{plan} {at}");
    // Whatever arrived, the next attempt finishes, if the host has not.
    let is_old = open(&scene.vault(), &scene.path("seen")).is_old();
    let again = run(&scene, &["upgrade"]);
    if is_old {
        again.success()
    } else {
        // The next writer removes what is left of the old files.
        let vault = open(&scene.vault(), &scene.path("seen"));
        let writer = vault.backend().writer(Abandoned::Remove).unwrap();
        writer.lock(IfLocked::Wait).unwrap();
        writer.remove_abandoned().unwrap();
        again.exits(1).says("of the current format already")
    };
    scene.run(["check"]).success();
    assert_eq!(old_files(&scene.vault()), [] as [&Path; 0], "{plan} {at}");
    let originals = |path: &&std::path::PathBuf| path.starts_with("encrypted_images");
    let after = files(&scene.vault());
    assert!(before.keys().filter(originals).all(|path| after.get(path) == before.get(path)));
    assert_eq!(run(&scene, &["list", "--json"]).success().json(), list, "{plan} {at}");
}

/// The number of frames of a whole upgrade.
fn frames() -> usize {
    let scene = scene_of_version(2);
    run(&scene, &["list"]).success();
    let count = scene.path("count");
    let via = relayed(&serving(&scene.vault()), "pass", &count);
    Ran(remote(&scene, &via, &["upgrade"]).output().unwrap()).success();
    counted(&count)
}

#[test]
fn a_lost_connection_or_an_interrupt_leaves_a_vault_that_the_next_upgrade_finishes() {
    let frames = frames();
    println!("{frames} frames");
    lost("hold", frames / 2);
    for at in [frames / 4, frames - frames / 8] {
        lost("cut", at);
    }
}

#[test]
#[ignore = "takes long: .ci/long/upgrade runs it"]
fn a_connection_lost_at_any_frame_leaves_a_vault_that_the_next_upgrade_finishes() {
    for at in 1..=frames() {
        for plan in ["cut", "kill-host", "kill-client"] {
            lost(plan, at);
        }
    }
}

#[test]
fn after_a_lost_connection_the_next_upgrade_goes_on_with_what_the_host_has() {
    let made = tempfile::tempdir().unwrap();
    make(&made.path().join("vault"), FORMAT_2, 1100);
    let scene_of_it = || {
        let scene = Scene::new();
        copy_folder(&made.path().join("vault"), &scene.vault());
        run(&scene, &["list"]).success();
        scene
    };
    let through_relay = |scene: &Scene, plan: &str| {
        let count = scene.path("count");
        let via = relayed(&serving(&scene.vault()), plan, &count);
        drop(remote(scene, &via, &["upgrade"]).output().unwrap());
        counted(&count)
    };
    let frames = through_relay(&scene_of_it(), "pass");
    // The last frames are those of the commit and of the check after it.
    let interrupted = (1..16).rev().find_map(|part| {
        let scene = scene_of_it();
        through_relay(&scene, &format!("cut {}", frames * part / 16));
        let is_old = open(&scene.vault(), &scene.path("seen")).is_old();
        is_old.then_some(scene)
    });
    let scene = interrupted.unwrap();
    let list = run(&scene, &["list", "--json"]).success().json();
    let upgraded = run(&scene, &["upgrade", "--json"]).success().json();
    assert_eq!((&upgraded["photos"], &upgraded["resumed"]), (&1100.into(), &1024.into()), "{upgraded}");
    assert_eq!(run(&scene, &["list", "--json"]).success().json(), list);
    run(&scene, &["check"]).success();
    let report = open(&scene.vault(), &scene.path("seen")).check(&|_| {}).unwrap();
    assert!(report.leftovers.abandoned.is_empty() && report.leftovers.strays.is_empty(), "{:?}", report.leftovers);
}
