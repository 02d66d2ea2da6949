//! Files that the program writes are readable by their owner alone, whatever the umask and earlier permissions.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::scene::{CHEAPEST, Ran, Scene, samples};

/// The user's folders that contain a folder of the program.
const HOMES: [(&str, &str); 4] =
    [("XDG_CONFIG_HOME", "etc"), ("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "data")];

/// Runs the program under a umask.
fn run<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(scene: &Scene, umask: &str, arguments: I) -> Ran {
    let plain = scene.command(arguments);
    let mut command = Command::new("sh");
    command.args(["-c", "umask \"$0\" && exec \"$@\"", umask]).arg(plain.get_program()).args(plain.get_args());
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(std::process::Stdio::null());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.envs(HOMES.map(|(variable, name)| (variable, scene.path(name))));
    command.current_dir(scene.path("."));
    Ran(command.output().unwrap())
}

/// A session that writes every file of the program: in its own folders, a vault and an export.
fn session(scene: &Scene, umask: &str) {
    let photos = samples(2);
    let photo = photos[0].to_str().unwrap();
    let init: Vec<&str> = ["init", "photos.vault"].into_iter().chain(CHEAPEST).collect();
    run(scene, umask, init).success();
    run(scene, umask, ["config", "init"]).success();
    run(scene, umask, ["add", photo]).success();
    run(scene, umask, ["export", "--all", "out"]).success();
    let serving = format!("'{}' serve --stdio '{}'", env!("CARGO_BIN_EXE_cipherlens"), scene.vault().display());
    run(scene, umask, ["--via", &serving, "search", photo]).success();
}

fn everything_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        found.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            found.extend(everything_below(&entry.path()));
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Every path below the user's folders, the vault and the export; fails if others can access any of them.
#[track_caller]
fn everything_is_private(scene: &Scene) -> Vec<PathBuf> {
    let homes = HOMES.iter().map(|(_, name)| *name);
    let all: Vec<PathBuf> = homes.flat_map(|name| everything_below(&scene.path(name))).collect();
    let given = ["photos.vault", "out"].map(|name| scene.path(name));
    for path in all.iter().chain(&given).chain(&everything_below(&given[0])).chain(&everything_below(&given[1])) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), expected, "{} has {:o}", path.display(), mode(path));
    }
    all
}

#[test]
fn files_and_folders_are_private_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let scene = Scene::new();
        session(&scene, umask);
        let all = everything_is_private(&scene);
        let names: Vec<&str> = all.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        for name in ["config.toml", "keymap.toml", "theme.toml", "last_vault", "lock", "log", "freshness", "fetched"] {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        assert!(names.iter().any(|name| name.ends_with(".seen")) && names.iter().any(|name| name.ends_with(".log")));
    }
}

#[test]
fn permissions_of_the_programs_files_are_tightened_and_other_files_are_left() {
    let scene = Scene::new();
    for (_, name) in HOMES {
        fs::create_dir(scene.path(name)).unwrap();
        set_mode(&scene.path(name), 0o755);
    }
    session(&scene, "022");
    let own: Vec<PathBuf> = HOMES[..2].iter().flat_map(|(_, name)| everything_below(&scene.path(name))).collect();
    let fetched = scene.path("cache/cipherlens/fetched");
    let caches = [scene.path("cache/cipherlens"), fetched.clone()]
        .into_iter()
        .chain(fs::read_dir(&fetched).unwrap().map(|entry| entry.unwrap().path()));
    for path in own.iter().cloned().chain(caches) {
        set_mode(&path, if path.is_dir() { 0o777 } else { 0o666 });
    }
    let linked = scene.path("dotfiles.toml");
    fs::write(&linked, "").unwrap();
    set_mode(&linked, 0o644);
    fs::remove_file(scene.path("etc/cipherlens/theme.toml")).unwrap();
    std::os::unix::fs::symlink(&linked, scene.path("etc/cipherlens/theme.toml")).unwrap();
    let mine = scene.path("etc/cipherlens/notes");
    fs::write(&mine, "").unwrap();
    set_mode(&mine, 0o644);
    run(&scene, "022", ["list"]).success();
    fs::remove_file(scene.path("etc/cipherlens/theme.toml")).unwrap();
    assert_eq!((mode(&mine), mode(&linked)), (0o644, 0o644), "files that are not the program's");
    fs::remove_file(&mine).unwrap();
    everything_is_private(&scene);
    for (_, name) in HOMES {
        assert_eq!(mode(&scene.path(name)), 0o755, "a folder shared by all programs");
    }
}

#[test]
fn manual_pages_follow_the_umask_of_the_session() {
    let scene = Scene::new();
    run(&scene, "022", ["man", "--out", "man"]).success();
    assert_eq!(mode(&scene.path("man")), 0o755);
    assert_eq!(mode(&scene.path("man/cipherlens.1")), 0o644);
}
