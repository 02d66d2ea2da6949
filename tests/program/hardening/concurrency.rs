//! Row "two processes": commits take turns through a lock of the kernel, readers need none, and what a killed writer
//! left is removed.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, Abandoned, LOCK_PATIENCE};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::scene::{Ran, Scene, all_samples, samples};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn start(scene: &Scene, photos: &[PathBuf]) -> Child {
    let mut command = scene.command_with(&["add", "--json"], photos);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn sealed(scene: &Scene) -> usize {
    fs::read_dir(scene.vault().join("encrypted_images")).unwrap().count()
}

#[test]
fn eight_concurrent_adds_all_succeed_and_a_reader_is_never_disturbed() {
    let photos = samples(9);
    let scene = Scene::with_photos(&photos[..1]);
    let adders: Vec<Child> = photos[1..].iter().map(|photo| start(&scene, std::slice::from_ref(photo))).collect();
    let finished = AtomicBool::new(false);
    let reads = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut reads, mut most) = (0, 1);
            while !finished.load(Ordering::Relaxed) {
                let found = scene.run(["list", "--json"]).success().json();
                let id = found[0]["id"].as_str().unwrap().to_owned();
                let photos = found.as_array().unwrap().len();
                assert!(photos >= most, "a reader never sees an older generation than before");
                most = photos;
                let matches = scene.run(["search", "--json", "--threshold", "-1", "--id", &id]).success().json();
                assert!(matches["matches"].as_array().unwrap().len() >= photos);
                reads += 1;
            }
            reads
        });
        for adder in adders {
            assert_eq!(Ran(adder.wait_with_output().unwrap()).success().json()["added"], 1);
        }
        finished.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    println!("{reads} reads while eight processes wrote");
    assert!(reads > 0);
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 9);
    scene.run(["check"]).success();
    assert_eq!(sealed(&scene), 9, "no leftovers");
}

#[test]
fn of_a_photo_added_by_several_processes_at_once_one_copy_stays() {
    let photos = samples(6);
    let scene = Scene::with_photos(&photos[..1]);
    let (shared, own) = (&photos[1..4], &photos[4..]);
    let of = |adder: usize| [shared, &own[adder % 2..][..1]].concat();
    let adders: Vec<Child> = (0..4).map(|adder| start(&scene, &of(adder))).collect();
    let said: Vec<_> =
        adders.into_iter().map(|adder| Ran(adder.wait_with_output().unwrap()).success().json()).collect();
    let sum = |key: &str| said.iter().map(|said| said[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("added"), sum("already_present")), (5, 4 * 4 - 5));
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 6);
    let report = scene.run(["check", "--json"]).success().json();
    assert!(report["leftovers"].as_array().unwrap().is_empty(), "{report}");
    assert_eq!(sealed(&scene), 6, "no second copy");
}

#[test]
fn the_files_of_a_killed_writer_are_removed_by_the_next_commit_and_those_of_a_live_one_are_not() {
    let photos = all_samples();
    let scene = Scene::with_photos(&photos[..2]);
    let listed = scene.run(["list", "--json"]).success().json();
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let mut adder = start(&scene, &photos[2..]);
    let patience = Instant::now() + PATIENCE;
    while sealed(&scene) < 4 {
        assert!(Instant::now() < patience, "no photo was sealed");
        thread::sleep(Duration::from_millis(5));
    }
    // Stopped, so that it cannot be done before the next command starts.
    kill(Pid::from_raw(adder.id().cast_signed()), Signal::SIGSTOP).unwrap();
    let before = sealed(&scene);
    scene.run(["remove", "--yes", &ids[0]]).success();
    assert_eq!(sealed(&scene), before - 1, "it is still there");
    let report = scene.run(["check", "--json"]).success().json();
    let is_empty = |key: &str| report[key].as_array().unwrap().is_empty();
    assert!(is_empty("leftovers") && is_empty("strays"), "{report}");
    // SIGKILL.
    adder.kill().unwrap();
    adder.wait().unwrap();
    scene.run(["remove", "--yes", &ids[1]]).success();
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 0);
    assert_eq!(sealed(&scene), 0, "the killed writer's files are removed");
    scene.run(["check"]).success();
}

#[test]
fn a_command_that_does_not_get_the_lock_says_so() {
    let scene = Scene::with_photos(&samples(1));
    let id = scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    let holder = vault::local(scene.vault()).writer(Abandoned::Remove).unwrap();
    holder.lock(IfLocked::Refuse).unwrap();
    let start = Instant::now();
    scene.run(["remove", "--yes", &id]).exits(1).says("another process is writing");
    assert!(start.elapsed() >= LOCK_PATIENCE, "it waits");
    drop(holder);
    scene.run(["remove", "--yes", &id]).success();
}
