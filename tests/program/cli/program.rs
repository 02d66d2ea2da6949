//! The program itself: help, usage errors, completions, manual, settings, `features`, `demo`.

use std::fs;

use crate::support::scene::{Ran, Scene, samples};

const COMMANDS: [&str; 22] = [
    "init",
    "add",
    "search",
    "list",
    "show",
    "export",
    "remove",
    "check",
    "stats",
    "passwd",
    "key",
    "push",
    "pull",
    "serve",
    "import-legacy",
    "demo",
    "bench",
    "features",
    "doctor",
    "config",
    "completions",
    "man",
];

#[test]
fn every_command_explains_itself_with_an_example() {
    let scene = Scene::new();
    for command in COMMANDS {
        let help = scene.run([command, "--help"]).success().stdout();
        assert!(help.contains("Example"), "{command} --help shows no example: {help}");
    }
    scene.run(["frobnicate"]).exits(64);
    scene.run(["--help"]).success();
}

#[test]
fn completions_and_manual_pages_are_written() {
    let scene = Scene::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(scene.run(["completions", shell]).success().stdout().contains("cipherlens"));
    }
    assert!(scene.run(["man"]).success().stdout().contains(".TH cipherlens"));
    let folder = scene.path("man");
    scene.run(["man", "--out", folder.to_str().unwrap()]).success();
    assert!(folder.join("cipherlens-search.1").exists());
}

#[test]
fn settings_are_documented_applied_and_validated() {
    let scene = Scene::new();
    let path = scene.run(["config", "path"]).success().stdout().trim().to_owned();
    scene.run(["config", "init"]).success();
    assert!(fs::read_to_string(&path).unwrap().contains("# threshold"));
    scene.run(["config", "init"]).exits(1).says("exists already");
    fs::write(&path, "treshold = 0.5\n").unwrap();
    let output = scene.command(["list"]).env_remove("CIPHERLENS_VAULT").output().unwrap();
    Ran(output).exits(1).says("line 1");
}

#[test]
fn the_log_names_no_photo() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    scene.run_with(&["search"], [&photos[0]]).success();
    let logs = scene.path("home").join(".local/state/cipherlens/log");
    let log: String =
        fs::read_dir(logs).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert!(log.contains("added 2 photos"), "{log}");
    // Each line begins with its time: 2026-11-28T...
    assert!(log.lines().all(|line| line.get(4..5) == Some("-") && line.get(10..11) == Some("T")), "{log}");
    let name = photos[0].file_stem().unwrap().to_str().unwrap();
    assert!(!log.contains(name) && !log.contains("correct horse"), "{log}");
}

#[test]
fn the_demo_runs_without_a_question_and_leaves_nothing() {
    let scene = Scene::new();
    let text = scene.run(["demo"]).success().stdout();
    assert!(text.matches("score").count() >= 3, "three searches: {text}");
    let left: Vec<_> = fs::read_dir(scene.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "passphrase" || name == "home"), "{left:?}");
    let kept = scene.path("kept");
    scene.run(["demo", "--keep", kept.to_str().unwrap()]).success();
    assert!(kept.join("mapping.json").exists());
}
