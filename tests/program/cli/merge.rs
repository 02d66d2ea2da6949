//! `merge`: what it asks, says and prints, and that it can be interrupted anywhere. What becomes of the photos is in
//! `vault/merging.rs`, copies on other machines in `remote/forks.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::scene::{Ran, Scene, copy_folder, samples};

/// Two copies of a vault, each with photos of its own.
struct Copies {
    scene: Scene,
    other: PathBuf,
}

impl Copies {
    /// `common` photos, then as many more in each copy.
    fn new(common: usize, own: usize) -> Self {
        let photos = samples(common + 2 * own);
        let scene = Scene::with_photos(&photos[..common]);
        let other = scene.path("other.vault");
        copy_folder(&scene.vault(), &other);
        let (ours, theirs) = photos[common..].split_at(own);
        scene.run_with(&["add"], ours).success();
        scene.run_with(&["--vault", text(&other), "--accept-older", "add"], theirs).success();
        Self { scene, other }
    }

    fn merge(&self, options: &[&str]) -> Ran {
        let vault = self.scene.vault();
        self.scene.run(["merge", text(&vault), text(&self.other)].iter().chain(options))
    }

    /// The ids of the photos in both copies, which must be whole.
    fn ids(&self) -> BTreeSet<String> {
        let [one, other] = [&self.scene.vault(), &self.other].map(|copy| {
            self.scene.run(["--vault", text(copy), "check"]).success();
            let listed = self.scene.run(["--vault", text(copy), "list", "--json"]).success();
            assert!(!listed.stderr().contains("this copy"), "{}", listed.stderr());
            let rows = listed.json().as_array().unwrap().clone();
            let ids: BTreeSet<_> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(ids.len(), rows.len());
            ids
        });
        assert_eq!(one, other);
        one
    }

    fn remove_one(&self, copy: &Path) -> String {
        let listed = self.scene.run(["--vault", text(copy), "list", "--json"]).success().json();
        let oldest = listed.as_array().unwrap().iter().min_by_key(|row| row["name"].to_string()).unwrap().clone();
        let id = oldest["id"].as_str().unwrap();
        self.scene.run(["--vault", text(copy), "--accept-older", "remove", "--yes", id]).success();
        oldest["name"].as_str().unwrap().to_owned()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_was_removed_in_one_copy_is_listed_and_decided_by_an_option() {
    let copies = Copies::new(3, 1);
    let name = copies.remove_one(&copies.other);
    let undecided = copies.merge(&[]).exits(1).says("1 photo removed from one copy, and still in the other");
    assert!(undecided.stderr().contains(&name) && undecided.stderr().contains("--keep-all"), "{}", undecided.stderr());
    let undecided = copies.merge(&["--json"]).exits(1).json();
    assert_eq!((&undecided["merged"], &undecided["disagreements"][0]["path"]), (&false.into(), &name.clone().into()));
    assert_eq!(undecided["disagreements"][0]["removed_in"], "theirs");
    copies.merge(&["--ours", "--theirs"]).exits(64);
    let merged = copies.merge(&["--theirs", "--json"]).success().json();
    assert_eq!((&merged["removed"]["ours"], &merged["removed"]["theirs"]), (&1.into(), &0.into()));
    assert_eq!(merged["photos"], 4);
    assert_eq!(copies.ids().len(), 4);
    let same = copies.merge(&[]).success();
    assert!(same.stdout().contains("photos.vault and other.vault are the same: 4 photos"), "{}", same.stdout());
}

#[test]
fn both_removals_can_be_carried_out() {
    let copies = Copies::new(3, 1);
    copies.remove_one(&copies.other);
    let vault = copies.scene.vault();
    let listed = copies.scene.run(["--vault", text(&vault), "list", "--json"]).success().json();
    let newest = listed.as_array().unwrap().iter().max_by_key(|row| row["name"].to_string()).unwrap()["id"].clone();
    // One that both have: the last one in order is only in the first copy.
    let common = listed.as_array().unwrap().iter().find(|row| {
        let other = copies.scene.run(["--vault", text(&copies.other), "list", "--json"]).success().json();
        row["id"] != newest && other.as_array().unwrap().iter().any(|there| there["id"] == row["id"])
    });
    let id = common.unwrap()["id"].as_str().unwrap();
    copies.scene.run(["--accept-older", "remove", "--yes", id]).success();
    let merged = copies.merge(&["--remove-all", "--json"]).success().json();
    assert_eq!((&merged["removed"]["ours"], &merged["removed"]["theirs"]), (&1.into(), &1.into()));
    assert_eq!(copies.ids().len(), 3);
}

#[test]
fn a_removed_photo_is_named_and_left_out_until_it_is_added_again() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    let id = scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    scene.run(["remove", "--yes", &id]).success();
    let left_out = scene.run_with(&["add"], &photos).success().says("Left out 1 photo removed from the vault before");
    assert!(left_out.stderr().contains("--again"), "{}", left_out.stderr());
    let left_out = scene.run_with(&["add", "--json"], &photos).success().json();
    assert_eq!((&left_out["added"], &left_out["already_present"]), (&0.into(), &1.into()));
    assert_eq!(left_out["removed_before"].as_array().unwrap().len(), 1);
    let added = scene.run_with(&["add", "--json", "--again"], &photos).success().json();
    assert_eq!((&added["added"], &added["already_present"]), (&1.into(), &1.into()));
    // It is there, so it is no longer left out, and a second removal counts again.
    let known = scene.run_with(&["add", "--json"], &photos).success().json();
    assert_eq!((&known["already_present"], &known["removed_before"]), (&2.into(), &serde_json::json!([])));
    scene.run(["check"]).success();
}

#[test]
fn copies_of_different_vaults_are_not_merged() {
    let copies = Copies::new(1, 1);
    let foreign = Scene::with_photos(&samples(1));
    let vault = copies.scene.vault();
    copies.scene.run(["merge", text(&vault), text(&foreign.vault())]).exits(1).says("are different vaults");
    let nothing = copies.scene.path("nothing");
    copies.scene.run(["merge", text(&vault), text(&nothing)]).exits(1).says("there is no vault at");
    fs::create_dir(&nothing).unwrap();
    copies.scene.run(["merge", text(&nothing), text(&vault)]).exits(1).says("there is no vault at");
}

#[test]
fn passphrases_that_were_changed_separately_are_those_that_the_owner_chose() {
    let copies = Copies::new(1, 1);
    let new = copies.scene.path("new passphrase");
    fs::write(&new, "another one\n").unwrap();
    let cost = crate::support::scene::CHEAPEST;
    let change = ["--vault", text(&copies.other), "--accept-older", "passwd", "--new-passphrase-file", text(&new)];
    copies.scene.run(change.iter().chain(&cost)).success();
    copies.merge(&[]).exits(1).says("The passphrases of the two copies differ").says("with --passphrases ours or");
    let undecided = copies.merge(&["--keep-all", "--json"]).exits(1).json();
    assert_eq!((&undecided["merged"], &undecided["passphrases_differ"]), (&false.into(), &true.into()));
    let merged = copies.merge(&["--passphrases", "ours"]).success();
    assert!(merged.stdout().contains("Those of photos.vault open both"), "{}", merged.stdout());
    assert_eq!(copies.ids().len(), 3);
}

#[test]
fn in_a_terminal_the_owner_is_asked() {
    let copies = Copies::new(2, 1);
    copies.remove_one(&copies.scene.vault());
    let (vault, passphrase) = (copies.scene.vault(), copies.scene.passphrase_file());
    let home = copies.scene.path("home");
    let arguments = ["--passphrase-file", text(&passphrase), "merge", text(&vault), text(&copies.other)];
    let environment = [("HOME", text(&home))];
    let start = || {
        PseudoTerminal::start(&Start {
            kind: Kind::Silent,
            columns: 100,
            rows: 30,
            arguments: &arguments,
            environment: &environment,
        })
    };
    let mut terminal = start();
    terminal.until_screen("keep all of them [k]");
    terminal.keys("\r");
    assert_eq!(terminal.wait().exit_code(), 1);
    assert!(terminal.screen().contains("Nothing was changed"), "{}", terminal.screen());
    let mut terminal = start();
    terminal.until_screen("keep all of them [k]");
    terminal.keys("k\r");
    assert!(terminal.wait().success(), "{}", terminal.screen());
    assert_eq!(copies.ids().len(), 4);
}

/// A merge of two copies with three photos of their own each, killed before every `step`th call that changes a file,
/// and then repeated.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn killed_merges(step: usize) {
    use crate::support::tracer::{self, End, Fate};

    let photos = samples(7);
    let machine = Scene::with_photos(&photos[..1]);
    let other = machine.path("other.vault");
    copy_folder(&machine.vault(), &other);
    machine.run_with(&["add"], &photos[1..4]).success();
    machine.run_with(&["--vault", text(&other), "--accept-older", "add"], &photos[4..7]).success();
    let stage = || {
        let scene = Scene::new();
        for name in ["home", "photos.vault", "other.vault"] {
            let _ = fs::remove_dir_all(scene.path(name));
            copy_folder(&machine.path(name), &scene.path(name));
        }
        let other = scene.path("other.vault");
        Copies { scene, other }
    };
    let trace = |copies: &Copies, decide: &mut dyn FnMut() -> Fate| {
        let vault = copies.scene.vault();
        let mut command = copies.scene.command(["merge", text(&vault), text(&copies.other)]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        tracer::run(command, &copies.scene.path(""), |_| decide())
    };
    let (whole, mut calls) = (stage(), 0);
    let end = trace(&whole, &mut || {
        calls += 1;
        Fate::Happens
    });
    assert_eq!((end, whole.ids().len()), (End::Exit(0), 7));
    let mut killed = 0;
    for at in (0..calls).step_by(step) {
        let (copies, mut seen) = (stage(), 0);
        let end = trace(&copies, &mut || {
            seen += 1;
            if seen == at + 1 { Fate::Kills } else { Fate::Happens }
        });
        killed += usize::from(matches!(end, End::Signal(_)));
        // Either copy opens and is whole at every moment, and nothing that it had is gone.
        for copy in [copies.scene.vault(), copies.other.clone()] {
            let photos = copies.scene.run(["--vault", text(&copy), "list", "--json"]).success().json();
            assert!(photos.as_array().unwrap().len() >= 4, "killed before call {at}");
            copies.scene.run(["--vault", text(&copy), "check"]).success();
        }
        copies.merge(&[]).success();
        assert_eq!(copies.ids().len(), 7, "killed before call {at}");
    }
    assert!(killed > 5, "{killed} of {calls} calls");
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_merge_that_was_killed_goes_on() {
    killed_merges(15);
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
#[ignore = "takes minutes: .ci/long/merge"]
fn a_merge_that_was_killed_before_any_call_goes_on() {
    killed_merges(1);
}

#[test]
#[ignore = "takes minutes: .ci/long/merge"]
fn ten_thousand_photos_of_which_nine_are_shared() {
    let scene = Scene::with_vault();
    let other = scene.path("other.vault");
    scene.run(["synthesize", "9000"]).success();
    copy_folder(&scene.vault(), &other);
    scene.run(["synthesize", "1000"]).success();
    scene.run(["--vault", text(&other), "--accept-older", "synthesize", "1000"]).success();
    let copies = Copies { scene, other };
    let started = std::time::Instant::now();
    let merged = copies.merge(&["--json"]).success().json();
    println!("{} photos merged in {:?}", merged["photos"], started.elapsed());
    assert_eq!(copies.ids().len(), 11_000);
}
