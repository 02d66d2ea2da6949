//! `init`, `passwd`, `stats` and access control.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::scene::{CHEAPEST, Ran, Scene, not_tested, samples};
use crate::support::vault_fixture::files;

#[test]
fn a_new_vault_is_described_and_never_replaces_anything() {
    let scene = Scene::new();
    let vault = scene.vault();
    let mut arguments = vec!["init"];
    arguments.extend(CHEAPEST);
    let ran = scene.run_with(&arguments, [&vault]).success();
    assert!(ran.stdout().contains("back up"), "{}", ran.stdout());
    for name in ["header", "lock", "mapping.json"] {
        assert!(vault.join(name).is_file(), "{name} is missing");
    }
    scene.run_with(&arguments, [&vault]).exits(1).says("already holds something");
}

#[test]
fn a_wrong_passphrase_is_exit_code_2_and_says_nothing_else() {
    let scene = Scene::with_vault();
    fs::write(scene.passphrase_file(), "correct horse battery stapler\n").unwrap();
    let ran = scene.run(["list"]).exits(2);
    assert!(
        ran.stderr().contains("the passphrase is wrong, or the file `header`, which it opens, was changed"),
        "{}",
        ran.stderr()
    );
    assert_eq!(ran.stdout(), "");
}

#[test]
fn an_altered_header_looks_like_a_wrong_passphrase() {
    let scene = Scene::with_vault();
    let header = scene.vault().join("header");
    let mut bytes = fs::read(&header).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&header, bytes).unwrap();
    scene.run(["list"]).exits(2).says("the passphrase is wrong, or the file `header`, which it opens, was changed");
}

#[test]
fn a_new_passphrase_opens_and_the_old_one_does_not() {
    let photos = samples(1);
    let scene = Scene::with_photos(&photos);
    let new = scene.path("new passphrase");
    fs::write(&new, "a quite different one\n").unwrap();
    let before = files(&scene.vault());
    let mut arguments = vec!["passwd"];
    arguments.extend(CHEAPEST);
    arguments.push("--new-passphrase-file");
    scene.run_with(&arguments, [&new]).success();
    let after = files(&scene.vault());
    let changed = after.iter().filter(|(name, bytes)| before.get(*name).is_some_and(|old| old != *bytes));
    let changed: Vec<_> = changed.map(|(name, _)| name).collect();
    assert_eq!(changed, [Path::new("header"), Path::new("mapping.json")]);
    let more: Vec<_> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    let is_bookkeeping = |name: &Path| name.starts_with("claims") || name.extension().is_some_and(|one| one == "table");
    assert!(more.iter().all(|name| is_bookkeeping(name)), "the history and a claim: {more:?}");
    scene.run(["list"]).exits(2);
    fs::copy(&new, scene.passphrase_file()).unwrap();
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 1);
}

#[test]
fn a_missing_vault_is_named_with_the_next_step() {
    let scene = Scene::new();
    let ran = scene.run(["list"]).exits(1).says("is its disk mounted?");
    assert!(ran.stderr().contains("cipherlens init"), "{}", ran.stderr());
}

#[test]
fn every_command_reports_a_missing_vault_and_creates_none() {
    let scene = Scene::with_vault();
    let vault = scene.vault();
    fs::rename(&vault, scene.path("on the disk")).unwrap();
    let photo = &samples(1)[0].display().to_string();
    let path = vault.display().to_string();
    let commands: [&[&str]; 14] = [
        &["add", photo],
        &["search", photo],
        &["list"],
        &["show", "00"],
        &["export", "--all", "out"],
        &["remove", "00"],
        &["check"],
        &["check", "--repair"],
        &["stats"],
        &["passwd"],
        &["key", "list"],
        &["key", "add"],
        &["key", "remove", "00"],
        &["push", &path, "copy"],
    ];
    for is_mount_point in [false, true] {
        if is_mount_point {
            fs::create_dir(&vault).unwrap();
        }
        for arguments in commands {
            // Named, and remembered as the one used last.
            for is_named in [true, false] {
                let mut command = scene.command(arguments);
                if !is_named {
                    command.env_remove("CIPHERLENS_VAULT");
                }
                let ran = Ran(command.current_dir(scene.path(".")).output().unwrap()).exits(1);
                let (said, advice) = (ran.stderr(), "mount its disk");
                let message = format!("there is no vault at {path}: it has no file `header` (is its disk mounted?)");
                assert!(said.contains(&message) && said.contains(advice), "{arguments:?}: {said}");
                assert!(said.find(advice) < said.find("cipherlens init"), "{said}");
            }
        }
        assert_eq!(fs::read_dir(&vault).map_or(0, Iterator::count), 0);
        assert_eq!(vault.exists(), is_mount_point);
    }
}

#[test]
fn without_a_terminal_the_passphrase_must_come_from_a_file() {
    let scene = Scene::with_vault();
    let mut command = Command::new("setsid");
    command.arg(env!("CARGO_BIN_EXE_cipherlens")).arg("list").arg("--vault").arg(scene.vault());
    command.env_clear().env("HOME", scene.path("home")).env("PATH", "/usr/bin:/bin").stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--passphrase-file"));
}

#[test]
fn the_vault_used_last_is_the_default() {
    let photos = samples(1);
    let scene = Scene::with_photos(&photos);
    let mut command = scene.command(["list", "--json"]);
    command.env_remove("CIPHERLENS_VAULT");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains(photos[0].file_name().unwrap().to_str().unwrap()));
}

#[cfg(unix)]
#[test]
fn a_vault_that_cannot_be_written_can_still_be_searched() {
    use std::os::unix::fs::PermissionsExt;
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    let set = |mode: u32| {
        for entry in [scene.vault(), scene.vault().join("encrypted_images"), scene.vault().join("encrypted_features")] {
            fs::set_permissions(entry, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    set(0o500);
    let found = scene.run_with(&["search", "--json"], [&photos[0]]).success().json();
    assert_eq!(found["query_in_vault"]["score"].as_f64().unwrap().round(), 1.0);
    let mut add = scene.command_with(&["add"], [&samples(3)[2]]);
    if fs::write(scene.vault().join("probe"), b"").is_ok() {
        // Root may write anywhere unless it drops that capability.
        let mut without = Command::new("/usr/bin/setpriv");
        without.arg("--bounding-set=-dac_override,-dac_read_search").arg(add.get_program()).args(add.get_args());
        add = without;
        add.env_clear().env("HOME", scene.path("home")).env("CIPHERLENS_VAULT", scene.vault());
    }
    match add.output() {
        Ok(output) => drop(Ran(output).exits(1).says("Permission denied").says("changing it needs write access")),
        Err(_) => not_tested("there is no setpriv here, so root was not refused to write into a vault"),
    }
    set(0o700);
}

#[test]
fn statistics_say_what_an_observer_learns() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    let stats = scene.run(["stats", "--json"]).success().json();
    assert_eq!(stats["photos"], 2);
    let text = scene.run(["stats"]).success().stdout();
    assert!(text.contains("observer"), "{text}");
    let name = photos[0].file_name().unwrap().to_str().unwrap();
    for entry in walk(&scene.vault()) {
        let bytes = fs::read(&entry).unwrap();
        assert!(!bytes.windows(name.len()).any(|window| window == name.as_bytes()), "{} holds a name", entry.display());
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_query_is_described_in_the_precision_of_the_vault() {
    let scene = Scene::new();
    let vault = scene.vault();
    let init = ["init", "--precision", "bf16"].iter().chain(&CHEAPEST).map(OsStr::new).chain([vault.as_os_str()]);
    scene.run(init).success();
    let mapping: serde_json::Value =
        serde_json::from_slice(&fs::read(scene.vault().join("mapping.json")).unwrap()).unwrap();
    assert_eq!(mapping["spaces"][0]["precision"], "bf16");
    let photos = samples(2);
    scene.run_with(&["add"], &photos).success();
    let found = scene.run_with(&["search", "--json", "--top", "1"], &photos[..1]).success().json();
    // A vector in another precision would score lower with its own photo.
    assert!(found["query_in_vault"]["score"].as_f64().unwrap() >= 0.997, "{found}");
}

#[test]
fn a_weak_passphrase_is_reported_when_it_is_chosen() {
    let scene = Scene::new();
    let warning = "This passphrase is weak";
    let init = |name: &str| {
        let place = scene.path(name).display().to_string();
        scene.run(["init"].into_iter().chain(CHEAPEST).chain([place.as_str()])).success()
    };
    let ran = init("strong");
    assert!(!ran.stderr().contains(warning), "{}", ran.stderr());
    fs::write(scene.passphrase_file(), "password1\n").unwrap();
    let ran = init("weak").says(warning);
    assert!(!ran.stderr().contains("password1"), "{}", ran.stderr());
    let list = scene.command(["list"]).env("CIPHERLENS_VAULT", scene.path("weak")).output().unwrap();
    let said = Ran(list).success().stderr();
    assert!(!said.contains(warning), "it is chosen already: {said}");
}

#[test]
fn an_address_in_the_form_of_scp_is_a_folder_only_if_that_is_explicit() {
    let scene = Scene::new();
    let run = |arguments: &[&str]| {
        let mut command = scene.command(arguments);
        command.env_remove("CIPHERLENS_VAULT").current_dir(scene.path("."));
        Ran(command.output().unwrap())
    };
    let mut init = vec!["init"];
    init.extend(CHEAPEST);
    let photo = samples(1).remove(0).display().to_string();
    for arguments in [
        &[&init[..], &["nas:photos"]].concat()[..],
        &["--vault", "nas:photos", "list"],
        &["--vault", "nas:photos", "add", &photo],
        &["push", "nas:photos", "copy"],
        &["pull", "nas:photos", "copy"],
        &["--vault", "nas:photos"],
    ] {
        run(arguments).exits(64).says("ssh://nas/~/photos").says("ssh://nas/photos").says("./nas:photos");
        assert!(!scene.path("nas:photos").exists(), "{arguments:?}");
    }
    // After an explicit answer it is a local folder, and once it exists nothing is asked again.
    run(&[&init[..], &["./nas:photos"]].concat()).success();
    run(&["--vault", "nas:photos", "list"]).success();
}
