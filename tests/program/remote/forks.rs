//! A host that shows its clients different histories of one vault, or an old one, and copies on hosts that are merged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::scene::{Ran, Scene, copy_folder, samples};

/// A host with two versions of a vault, and clients with homes of their own.
struct Host {
    scene: Scene,
}

impl Host {
    fn new() -> Self {
        let scene = Scene::with_photos(&samples(1));
        Self { scene }
    }

    /// Runs a command of a client against what the host shows as the vault.
    fn run(&self, client: &str, arguments: &[&str]) -> Ran {
        self.at(client, &self.scene.vault(), arguments)
    }

    fn at(&self, client: &str, vault: &Path, arguments: &[&str]) -> Ran {
        let home = self.scene.path(client);
        fs::create_dir_all(&home).unwrap();
        let serve = serve(vault);
        let mut command: Command =
            self.scene.command(["--via", &serve].iter().copied().chain(arguments.iter().copied()));
        command.env_remove("CIPHERLENS_VAULT").env("HOME", &home);
        Ran(command.output().unwrap())
    }

    fn listed(&self, client: &str) -> usize {
        self.run(client, &["list", "--json"]).success().json().as_array().unwrap().len()
    }

    /// Shows another version from now on, and returns where the one is that was shown before.
    fn show(&self, version: &Path, name: &str) -> PathBuf {
        let before = self.scene.path(name);
        fs::rename(self.scene.vault(), &before).unwrap();
        fs::rename(version, self.scene.vault()).unwrap();
        before
    }
}

fn serve(vault: &Path) -> String {
    format!("'{}' serve --stdio '{}'", env!("CARGO_BIN_EXE_cipherlens"), vault.display())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn clients_that_a_host_has_forked_notice_it_as_soon_as_they_see_the_other_line() {
    let host = Host::new();
    let photos = samples(8);
    assert_eq!((host.listed("ann"), host.listed("bob")), (1, 1));
    let for_bob = host.scene.path("for bob");
    copy_folder(&host.scene.vault(), &for_bob);
    host.run("ann", &["add", text(&photos[1])]).success();
    let for_ann = host.show(&for_bob, "for ann");
    // Several generations on, so that no parent tells.
    for photo in &photos[2..5] {
        host.run("bob", &["add", text(photo)]).success();
    }
    assert_eq!(host.listed("bob"), 4);

    // Ann is shown Bob's version: it is read with a note, and not changed.
    let noted = host.run("ann", &["list", "--json"]).success();
    assert!(noted.stderr().contains("this copy of the vault was changed separately"), "{}", noted.stderr());
    host.run("ann", &["add", text(&photos[5])]).exits(3).says("two copies of the vault were changed separately");
    host.run("ann", &["remove", "--yes", "0"]).exits(3);
    // And so is Bob, shown hers.
    let for_bob = host.show(&for_ann, "for bob");
    let noted = host.run("bob", &["list", "--json"]).success();
    assert!(noted.stderr().contains("this copy of the vault was changed separately"), "{}", noted.stderr());
    host.run("bob", &["add", text(&photos[5])]).exits(3);
    assert_eq!(host.listed("ann"), 2);

    // Whoever has both versions puts them together; then both go on.
    let merged = host.scene.run(["merge", text(&host.scene.vault()), text(&for_bob)]).success();
    assert!(merged.stdout().contains("Both have 5 photos now"), "{}", merged.stdout());
    for client in ["ann", "bob"] {
        let ran = host.run(client, &["list", "--json"]).success();
        assert!(!ran.stderr().contains("this copy"), "{}", ran.stderr());
        assert_eq!(ran.json().as_array().unwrap().len(), 5);
    }
    host.run("bob", &["add", text(&photos[6])]).success();
    host.run("ann", &["add", text(&photos[7])]).success();
    host.run("ann", &["check"]).success();
}

#[test]
fn a_host_that_goes_back_is_noticed_and_its_owner_may_go_on_with_what_is_left() {
    let host = Host::new();
    let photos = samples(4);
    let backup = host.scene.path("backup");
    copy_folder(&host.scene.vault(), &backup);
    host.run("ann", &["add", text(&photos[1])]).success();
    host.run("ann", &["add", text(&photos[2])]).success();
    host.show(&backup, "lost");
    let noted = host.run("ann", &["list", "--json"]).success();
    assert!(noted.stderr().contains("this copy of the vault is older"), "{}", noted.stderr());
    host.run("ann", &["add", text(&photos[3])]).exits(3).says("--accept-older");
    // Another client has not seen the lost generations, and goes on from the backup.
    host.run("bob", &["add", text(&photos[3])]).success();
    host.run("bob", &["add", text(&photos[2])]).success();
    host.run("bob", &["add", text(&photos[1])]).success();
    host.run("ann", &["add", text(&photos[1])]).exits(3).says("two copies of the vault were changed separately");
    host.run("ann", &["list", "--json", "--accept-older"]).success().says("is used from now on");
    host.run("ann", &["check"]).success();
}

#[test]
fn copies_are_merged_in_both_directions_and_on_two_hosts() {
    let photos = samples(6);
    for (ours_is_remote, theirs_is_remote) in [(false, true), (true, false), (true, true)] {
        let scene = Scene::with_photos(&photos[..2]);
        let other = scene.path("other.vault");
        copy_folder(&scene.vault(), &other);
        scene.run(["add", text(&photos[2])]).success();
        scene.run(["--vault", text(&other), "add", "--accept-older", text(&photos[3]), text(&photos[4])]).success();
        let address = |path: &Path, is_remote: bool| {
            if is_remote { format!("via:{}", serve(path)) } else { text(path).to_owned() }
        };
        let (ours, theirs) = (address(&scene.vault(), ours_is_remote), address(&other, theirs_is_remote));
        let merged = scene.run(["merge", "--json", &ours, &theirs]).success().json();
        assert_eq!((&merged["merged"], &merged["relation"]), (&true.into(), &"separate".into()));
        assert_eq!((&merged["photos"], &merged["before"]["theirs"]), (&5.into(), &4.into()));
        for copy in [scene.vault(), other] {
            let listed = scene.run(["--vault", text(&copy), "list", "--json"]).success();
            assert!(!listed.stderr().contains("this copy"), "{}", listed.stderr());
            assert_eq!(listed.json().as_array().unwrap().len(), 5);
            scene.run(["--vault", text(&copy), "check"]).success();
        }
    }
}
