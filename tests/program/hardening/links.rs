//! Row "links": an attacker who can write to a vault replaces a directory or file in it by a link. The owner's next
//! command must not read, replace or remove a file elsewhere because of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::scene::{CHEAPEST, Ran, Scene, samples};
use crate::support::vault_fixture::files;

const DIRECTORIES: [&str; 3] = ["encrypted_features", "encrypted_images", "encrypted_thumbnails"];
const JOURNALS: &str = "journals";
const TOP_FILES: [&str; 7] =
    ["header", "public_context", "secret_context", "mapping.json", "mapping.json.new", "header.new", "lock"];

/// A machine with the vault of `Scene::vault` and another one with the same passphrase beside it, each with two photos.
struct Machine {
    scene: Scene,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Machine {
    fn new() -> Self {
        let scene = Scene::with_photos(&samples(2));
        let mut init = scene.command(["init"]);
        init.args(CHEAPEST).arg(scene.path("other.vault"));
        Ran(init.output().unwrap()).success();
        let mut add = scene.command(["--vault"]);
        add.arg(scene.path("other.vault")).arg("add").args(&samples(4)[2..]);
        Ran(add.output().unwrap()).success();
        let before = files(&scene.path("other.vault"));
        assert_eq!(before.keys().filter(|path| path.starts_with("encrypted_images")).count(), 2);
        Self { scene, before }
    }

    fn vault(&self, name: &str) -> PathBuf {
        self.scene.vault().join(name)
    }

    fn other(&self, name: &str) -> PathBuf {
        self.scene.path("other.vault").join(name)
    }

    /// The journal that lists every file of the other vault.
    fn list_the_other(&self) {
        let listed = self.before.keys().map(|path| format!("{}\n", path.display()));
        fs::write(self.vault("writing"), listed.collect::<String>()).unwrap();
    }

    /// Runs every command that reads or changes the vault, some also through a host; each may succeed or fail.
    fn run_all(&self) -> Vec<Ran> {
        let id = self.before.keys().find_map(|path| path.strip_prefix("encrypted_images").ok()).unwrap();
        let id = &id.to_str().unwrap()[..32];
        let new_passphrase = self.scene.passphrase_file();
        let new_passphrase = new_passphrase.to_str().unwrap();
        let photo = samples(5).pop().unwrap();
        let photo = photo.to_str().unwrap();
        let (copy, out) = (self.scene.path("copy.vault"), self.scene.path("out"));
        let (copy, out) = (copy.to_str().unwrap(), out.to_str().unwrap());
        let vault = self.scene.vault();
        let vault = vault.to_str().unwrap();
        let host = format!("{} serve --stdio {vault}", env!("CARGO_BIN_EXE_cipherlens"));
        let commands: [&[&str]; 12] = [
            &["add", photo],
            &["check"],
            &["check", "--repair", "--drop-lost"],
            &["remove", "--yes", id],
            &["search", photo],
            &["check", "--repair"],
            &["list"],
            &["stats"],
            &["export", "--all", out],
            &["passwd", "--new-passphrase-file", new_passphrase, CHEAPEST[0], CHEAPEST[1], CHEAPEST[2], CHEAPEST[3]],
            &["push", vault, copy],
            &["pull", copy, vault],
        ];
        let here = commands.iter().map(|command| self.scene.run(*command));
        let there = commands[..5].iter().map(|command| self.scene.run([&["--via", &host][..], command].concat()));
        here.chain(there).collect()
    }

    #[track_caller]
    fn is_untouched(&self, when: &str) {
        let after = files(&self.scene.path("other.vault"));
        let differs = |path: &&PathBuf| after.get(*path) != self.before.get(*path);
        let changed: Vec<_> = self.before.keys().chain(after.keys()).filter(differs).collect();
        assert!(changed.is_empty(), "{when}: {changed:?} of the other vault changed");
    }
}

#[test]
fn a_link_in_place_of_a_folder_harms_no_other_vault() {
    for directory in DIRECTORIES.into_iter().chain([JOURNALS]) {
        for lists in ["nothing", "everything"] {
            let machine = Machine::new();
            fs::rename(machine.vault(directory), machine.scene.path("moved")).unwrap();
            symlink(machine.other(directory), machine.vault(directory)).unwrap();
            match lists {
                "nothing" => fs::write(machine.vault("writing"), "").unwrap(),
                _ => machine.list_the_other(),
            }
            let when = format!("{directory} is a link, the journal lists {lists}");
            let ran = machine.run_all();
            machine.is_untouched(&when);
            assert!(fs::symlink_metadata(machine.vault(directory)).unwrap().is_symlink(), "{when}: it stays");
            ran[0].exits_not_zero(&when);
            let check = &ran[1];
            check.exits_not_zero(&when);
            assert!(check.stderr().contains(directory), "{when}: {}", check.stderr());

            // After the folder is restored, nothing is lost.
            fs::remove_file(machine.vault(directory)).unwrap();
            fs::rename(machine.scene.path("moved"), machine.vault(directory)).unwrap();
            machine.scene.run(["check"]).success();
        }
    }
}

#[test]
fn a_link_in_place_of_a_file_is_neither_followed_nor_written_through() {
    for name in TOP_FILES.into_iter().chain(["writing"]) {
        let machine = Machine::new();
        let target = if machine.other(name).exists() { machine.other(name) } else { machine.other("header") };
        let _ = fs::remove_file(machine.vault(name));
        symlink(target, machine.vault(name)).unwrap();
        machine.run_all();
        machine.is_untouched(name);
    }
    // Files in the three directories: photos, and whatever a commit makes obsolete.
    let machine = Machine::new();
    for directory in DIRECTORIES {
        for entry in fs::read_dir(machine.vault(directory)).unwrap().map(Result::unwrap) {
            let target = fs::read_dir(machine.other(directory)).unwrap().next().unwrap().unwrap().path();
            fs::remove_file(entry.path()).unwrap();
            symlink(target, entry.path()).unwrap();
        }
    }
    machine.list_the_other();
    machine.run_all();
    machine.is_untouched("every file is a link");
}

#[test]
fn a_folder_that_is_repeatedly_swapped_for_a_link_harms_no_other_vault() {
    for directory in DIRECTORIES.into_iter().chain([JOURNALS]) {
        let machine = Machine::new();
        machine.list_the_other();
        let is_over = AtomicBool::new(false);
        let swaps = thread::scope(|scope| {
            let swapper = scope.spawn(|| {
                let (folder, aside) = (machine.vault(directory), machine.scene.path("aside"));
                let mut swaps = 0;
                while !is_over.load(Ordering::Relaxed) {
                    fs::rename(&folder, &aside).unwrap();
                    symlink(machine.other(directory), &folder).unwrap();
                    thread::yield_now();
                    fs::remove_file(&folder).unwrap();
                    fs::rename(&aside, &folder).unwrap();
                    thread::yield_now();
                    swaps += 1;
                }
                swaps
            });
            for round in 0..3 {
                for command in [&["add", samples(6)[round].to_str().unwrap()][..], &["check", "--repair"]] {
                    machine.scene.run(command);
                    if !machine.vault("writing").exists() {
                        machine.list_the_other();
                    }
                }
            }
            is_over.store(true, Ordering::Relaxed);
            swapper.join().unwrap()
        });
        assert!(swaps > 0, "{directory} was never a link");
        machine.is_untouched(&format!("{directory} is swapped"));
    }
}

#[test]
fn a_link_in_place_of_the_claims_is_not_followed() {
    let machine = Machine::new();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(machine.other("claims")).unwrap().map(|claim| claim.unwrap().path()).collect();
        names.sort();
        names
    };
    // A claim of the other vault that a commit of this one would remove.
    fs::write(machine.other("claims/1.0"), "").unwrap();
    let (before, claims) = (names(), machine.vault("claims"));
    fs::rename(&claims, machine.scene.path("moved")).unwrap();
    symlink(machine.other("claims"), &claims).unwrap();
    let photo = samples(5).pop().unwrap();
    for command in [&["add", path(&photo)][..], &["check", "--repair"], &["passwd", "--new-passphrase-file", "x"]] {
        machine.scene.run(command);
    }
    machine.scene.run(["add", path(&photo)]).exits(3).says("claims is a link or a file");
    assert_eq!(names(), before);
    machine.is_untouched("the claims are a link");
    fs::remove_file(&claims).unwrap();
    fs::rename(machine.scene.path("moved"), &claims).unwrap();
    machine.scene.run(["add", path(&photo)]).success();
}

#[test]
fn a_vault_may_itself_be_reached_through_a_link() {
    let machine = Machine::new();
    let link = machine.scene.path("link to the vault");
    symlink(machine.scene.vault(), &link).unwrap();
    for command in [&["check"][..], &["add", samples(3)[2].to_str().unwrap()], &["check", "--repair"]] {
        let run = [&["--vault", path(&link)], command].concat();
        machine.scene.run(run).success();
    }
    assert_eq!(machine.scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 3);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Ran {
    #[track_caller]
    fn exits_not_zero(&self, when: &str) {
        assert_ne!(self.0.status.code(), Some(0), "{when}: {}{}", self.stdout(), self.stderr());
    }
}
