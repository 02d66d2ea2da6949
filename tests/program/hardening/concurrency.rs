//! Row "two processes": writers take turns through a lock of the kernel, readers need none, and a killed writer's lock
//! is released.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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
fn a_killed_writer_leaves_no_lock() {
    let photos = all_samples();
    let scene = Scene::with_photos(&photos[..1]);
    let id = scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    let mut holder = start(&scene, &photos[1..]);
    let patience = Instant::now() + PATIENCE;
    while sealed(&scene) < 3 {
        assert!(Instant::now() < patience, "no photo was sealed");
        thread::sleep(Duration::from_millis(5));
    }
    // Stopped, so that it cannot be done before the next command starts.
    kill(Pid::from_raw(holder.id().cast_signed()), Signal::SIGSTOP).unwrap();
    scene.run(["remove", "--yes", &id]).exits(1).says("another process is writing");
    // SIGKILL.
    holder.kill().unwrap();
    holder.wait().unwrap();
    scene.run(["remove", "--yes", &id]).success();
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 0);
    assert_eq!(sealed(&scene), 0, "the killed writer's files are removed");
    scene.run(["check"]).success();
}
