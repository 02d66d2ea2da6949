//! Another vault in the place of the user's, which opens with the same passphrase: it is not opened unnoticed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::remote::host::serving;
use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::scene::{CHEAPEST, Ran, Scene, copy_folder, samples};

const REFUSAL: &str = "than before";
const FLAG: &str = "--trust-new-vault";

/// The list of known vaults on a scene's machine.
fn list_of(scene: &Scene) -> PathBuf {
    scene.path("home/.local/state/cipherlens/known_vaults.json")
}

/// Puts a vault of another machine, with the same passphrase, in the place of the folder `vault`.
fn replace_by_another(vault: &Path) {
    let elsewhere = Scene::with_vault();
    fs::remove_dir_all(vault).unwrap();
    copy_folder(&elsewhere.vault(), vault);
}

/// A machine that knows a vault, and finds another one in its place. The known one is kept aside.
fn replaced() -> (Scene, PathBuf) {
    let scene = Scene::with_vault();
    let aside = scene.path("aside.vault");
    copy_folder(&scene.vault(), &aside);
    replace_by_another(&scene.vault());
    (scene, aside)
}

fn put_back(scene: &Scene, aside: &Path) {
    fs::remove_dir_all(scene.vault()).unwrap();
    copy_folder(aside, &scene.vault());
}

/// Everything below a folder.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(content(&entry));
        } else {
            found.insert(entry.clone(), fs::read(&entry).unwrap());
        }
    }
    found
}

#[test]
fn a_name_with_line_breaks_makes_up_no_message() {
    let scene = Scene::with_vault();
    let vault = scene.path("n\ncipherlens: all is well\nn");
    copy_folder(&scene.vault(), &vault);
    scene.run(["--vault", vault.to_str().unwrap(), "list"]).success();
    replace_by_another(&vault);
    let refused = scene.run(["--vault", vault.to_str().unwrap(), "list"]).exits(3).says(REFUSAL);
    assert!(!refused.stderr().contains("\ncipherlens: all"), "{}", refused.stderr());
}

#[test]
fn no_command_uses_another_vault_in_the_place_of_the_known_one() {
    let (scene, aside) = replaced();
    let photo = samples(1).remove(0).display().to_string();
    let (out, known) = (scene.path("out").display().to_string(), fs::read(list_of(&scene)).unwrap());
    let before = content(&scene.vault());
    for arguments in [
        &["list"][..],
        &["add", &photo],
        &["search", &photo],
        &["export", "--all", &out],
        &["remove", "--yes", "00"],
        &["check", "--repair"],
        &["stats", "--json"],
        &["passwd", "--new-passphrase-file", &scene.passphrase_file().display().to_string()],
        &["upgrade"],
        &["copies"],
    ] {
        let ran = scene.run(arguments).exits(3).says(REFUSAL).says(FLAG);
        assert_eq!(ran.stdout(), "", "{arguments:?}");
    }
    assert_eq!(content(&scene.vault()), before, "nothing was added");
    assert_eq!(fs::read(list_of(&scene)).unwrap(), known, "the known vault stays the known one");
    put_back(&scene, &aside);
    scene.run(["list"]).success();
}

#[test]
fn another_vault_is_noticed_before_the_passphrase_is_read() {
    let (scene, _) = replaced();
    fs::remove_file(scene.passphrase_file()).unwrap();
    scene.run(["list"]).exits(3).says(REFUSAL);
    let copy = scene.path("copy");
    scene.run([Path::new("push"), &scene.vault(), &copy]).exits(3).says(REFUSAL);
    assert!(!copy.exists());
}

#[test]
fn a_trusted_vault_is_the_known_one_from_then_on() {
    let (scene, aside) = replaced();
    let said = scene.run([FLAG, "list"]).success().stderr();
    assert!(said.contains("another vault is known at") && said.contains("photos.vault"), "{said}");
    assert_eq!(scene.run(["list"]).success().stderr(), "0 photos\n");
    put_back(&scene, &aside);
    scene.run(["list"]).exits(3).says(REFUSAL);
}

#[test]
fn a_check_without_the_passphrase_says_that_another_vault_is_there() {
    let (scene, aside) = replaced();
    let vault = scene.vault().display().to_string();
    let known = fs::read(list_of(&scene)).unwrap();
    let said = scene.run(["check", &vault]).exits(3).stdout();
    assert!(said.starts_with("ANOTHER VAULT IS HERE") && said.contains("No damage found"), "{said}");
    let json = scene.run(["check", "--json", &vault]).exits(3).json();
    assert_eq!((&json["other_vault"], json["damages"].as_array().unwrap().len()), (&true.into(), 0));
    let expected = scene.run([FLAG, "check", "--json", &vault]).success().json();
    assert_eq!(expected["other_vault"], true);
    assert_eq!(fs::read(list_of(&scene)).unwrap(), known, "a check without the passphrase trusts nothing");
    // Where none is known, none is another one; and the known one is not.
    let copy = aside.display().to_string();
    assert_eq!(scene.run(["check", "--json", &copy]).success().json()["other_vault"], false);
    put_back(&scene, &aside);
    assert_eq!(scene.run(["check", "--json", &vault]).success().json()["other_vault"], false);
}

#[test]
fn trust_needs_the_passphrase_of_the_vault() {
    let (scene, aside) = replaced();
    fs::write(scene.passphrase_file(), "not this one\n").unwrap();
    scene.run([FLAG, "list"]).exits(2);
    fs::write(scene.passphrase_file(), "correct horse battery staple\n").unwrap();
    scene.run(["list"]).exits(3).says(REFUSAL);
    put_back(&scene, &aside);
    scene.run(["list"]).success();
}

#[test]
fn the_first_vault_at_an_address_is_known_once_a_passphrase_has_opened_it() {
    let (scene, elsewhere) = (Scene::new(), Scene::with_vault());
    copy_folder(&elsewhere.vault(), &scene.vault());
    fs::write(scene.passphrase_file(), "not this one\n").unwrap();
    scene.run(["list"]).exits(2);
    assert!(!list_of(&scene).exists());
    fs::write(scene.passphrase_file(), "correct horse battery staple\n").unwrap();
    assert_eq!(scene.run(["list"]).success().stderr(), "0 photos\n");
    replace_by_another(&scene.vault());
    scene.run(["list"]).exits(3).says(REFUSAL);
}

#[test]
fn a_vault_that_is_made_anew_is_the_known_one() {
    let scene = Scene::with_vault();
    fs::remove_dir_all(scene.vault()).unwrap();
    scene.run(["list"]).exits(1).says("there is no vault at");
    let vault = scene.vault().display().to_string();
    scene.run([&["init"], &CHEAPEST[..], &[&vault]].concat()).success();
    scene.run(["list"]).success();
    replace_by_another(&scene.vault());
    scene.run(["list"]).exits(3).says(REFUSAL);
}

#[test]
fn a_vault_that_comes_back_is_still_known() {
    let scene = Scene::with_vault();
    let aside = scene.path("aside.vault");
    fs::rename(scene.vault(), &aside).unwrap();
    scene.run(["list"]).exits(1);
    let elsewhere = Scene::with_vault();
    copy_folder(&elsewhere.vault(), &scene.vault());
    scene.run(["list"]).exits(3).says(REFUSAL);
    put_back(&scene, &aside);
    scene.run(["list"]).success();
}

#[cfg(unix)]
#[test]
fn a_link_to_another_vault_is_another_vault() {
    let scene = Scene::with_vault();
    let (elsewhere, other) = (Scene::with_vault(), scene.path("new.vault"));
    copy_folder(&elsewhere.vault(), &other);
    fs::rename(scene.vault(), scene.path("aside.vault")).unwrap();
    // The folder behind the link was never opened, so its own address is a new one.
    std::os::unix::fs::symlink(&other, scene.vault()).unwrap();
    scene.run(["list"]).exits(3).says(REFUSAL);
    // A link that led to one vault and leads to another one.
    let link = scene.path("current");
    std::os::unix::fs::symlink(scene.path("aside.vault"), &link).unwrap();
    let by_link = |scene: &Scene| scene.run([Path::new("--vault"), &link, Path::new("list")]);
    by_link(&scene).success();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&other, &link).unwrap();
    by_link(&scene).exits(3).says(REFUSAL);
}

#[cfg(unix)]
#[test]
fn spellings_of_one_folder_are_one_address() {
    let scene = Scene::with_vault();
    let link = scene.path("link");
    std::os::unix::fs::symlink(scene.vault(), &link).unwrap();
    let name = scene.vault().file_name().unwrap().to_owned();
    let mut relative = scene.command(["list"]);
    relative.env("CIPHERLENS_VAULT", &name).current_dir(scene.path(""));
    Ran(relative.output().unwrap()).success();
    scene.run([Path::new("--vault"), &link, Path::new("list")]).success();
    assert_eq!(scene.run(["copies", "--json"]).success().json().as_array().unwrap().len(), 1);
}

#[test]
fn another_vault_behind_a_command_is_not_used() {
    let scene = Scene::new();
    let (root, photo) = (scene.path("host.vault"), samples(1).remove(0).display().to_string());
    let via = serving(&root);
    scene.run([&["--via", &via, "init"], &CHEAPEST[..]].concat()).success();
    scene.run(["--via", &via, "list"]).success();
    replace_by_another(&root);
    let before = content(&root);
    for arguments in [&["list"][..], &["add", &photo], &["check"]] {
        scene.run([&["--via", &via], arguments].concat()).exits(3).says(REFUSAL).says(FLAG);
    }
    assert_eq!(content(&root), before);
    scene.run(["--via", &via, FLAG, "list"]).success().says("another vault is known at");
    scene.run(["--via", &via, "list"]).success();
}

#[test]
fn push_and_pull_judge_both_addresses() {
    let scene = Scene::with_photos(&samples(1));
    let copy = scene.path("copy.vault");
    let (vault, copy_text) = (scene.vault().display().to_string(), copy.display().to_string());
    let said = scene.run(["push", &vault, &copy_text]).success().stdout();
    assert!(said.contains("from photos.vault to copy.vault"), "{said}");
    replace_by_another(&copy);
    let before = content(&copy);
    scene.run(["push", &vault, &copy_text]).exits(3).says(REFUSAL).says("copy.vault");
    scene.run(["pull", &copy_text, &vault]).exits(3).says(REFUSAL).says("copy.vault");
    // Even if it is trusted, a copy of another vault is not replaced.
    scene.run([FLAG, "push", &vault, &copy_text]).exits(1).says("are different vaults");
    assert_eq!(content(&copy), before);
    // To an empty place the other vault is copied only if it is trusted.
    let third = scene.path("third.vault").display().to_string();
    scene.run(["push", &copy_text, &third]).exits(3);
    assert!(!Path::new(&third).exists());
    scene.run([FLAG, "push", &copy_text, &third]).success().says("another vault is known at");
    scene.run(["--vault", &copy_text, "list"]).success();
    scene.run(["--vault", &third, "list"]).success();
}

#[test]
fn a_copy_that_is_gone_is_pushed_anew_only_on_request() {
    let scene = Scene::with_photos(&samples(1));
    let (folder, vault) = (scene.path("copy.vault"), scene.vault().display().to_string());
    let copies = [folder.display().to_string(), format!("via:{}", serving(&folder))];
    let gone = "there is no vault any more at";
    for copy in &copies {
        scene.run([FLAG, "push", &vault, copy]).success();
        let known = fs::read(list_of(&scene)).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        scene.run(["push", &vault, copy]).exits(3).says(gone).says(FLAG);
        // To bring both to the same state is no question of a vault that is not there.
        scene.run(["merge", &vault, copy]).exits(1).says("there is no vault at");
        for (answer, code) in [("n\r", 3), ("y\r", 0)] {
            assert!(!folder.exists() && fs::read(list_of(&scene)).unwrap() == known, "nothing was copied");
            let mut terminal = at_a_terminal(&scene, &["push", &vault, copy]);
            terminal.until_screen("Copy the whole vault there anew? [y/N]");
            terminal.keys(answer);
            assert_eq!(terminal.wait().exit_code(), code, "{}", terminal.screen());
        }
        fs::remove_dir_all(&folder).unwrap();
        scene.run([FLAG, "push", &vault, copy]).success().says("was gone and is there anew");
        scene.run(["push", &vault, copy]).success();
        fs::remove_dir_all(&folder).unwrap();
    }
    // A vault that is lost here is pulled without a question.
    scene.run([FLAG, "push", &vault, &copies[0]]).success();
    fs::remove_dir_all(scene.vault()).unwrap();
    scene.run(["pull", &copies[0], &vault]).success();
}

#[test]
fn a_damaged_list_is_an_error_that_names_it() {
    let scene = Scene::with_vault();
    let (path, whole) = (list_of(&scene), fs::read_to_string(list_of(&scene)).unwrap());
    let twice = whole.replace(
        "\"copies\": [",
        "\"copies\": [{\"address\": \"/a\", \"vault\": \
                              \"00000000000000000000000000000000\", \"generation\": 1, \"seen\": 1, \
                              \"last_check\": null}, {\"address\": \"/a\", \"vault\": \
                              \"00000000000000000000000000000000\", \"generation\": 1, \"seen\": 1, \
                              \"last_check\": null},",
    );
    for damaged in ["", "{}", "nonsense", &whole.replace("vaults 1", "vaults 9"), &whole[..whole.len() / 2], &twice] {
        fs::write(&path, damaged).unwrap();
        for arguments in [&["list"][..], &["copies"], &["copies", "--forget", "/a"], &[FLAG, "list"]] {
            scene.run(arguments).exits(1).says("known_vaults.json").says("Repair it or restore it");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged, "it is left as it is");
    }
    fs::write(&path, whole).unwrap();
    scene.run(["list"]).success();
}

#[test]
fn a_list_that_cannot_be_written_is_told_and_the_command_does_its_work() {
    let scene = Scene::with_photos(&samples(1));
    let copy = scene.path("copy.vault");
    copy_folder(&scene.vault(), &copy);
    let before = fs::read(list_of(&scene)).unwrap();
    // The list is replaced by way of a file of this name.
    fs::create_dir(list_of(&scene).with_extension("json.new")).unwrap();
    let (copy, target) = (copy.display().to_string(), scene.path("third.vault").display().to_string());
    let listed = scene.run(["--vault", &copy, "list", "--json"]).success();
    assert_eq!(listed.stderr().matches("known_vaults.json cannot be written").count(), 1, "{}", listed.stderr());
    assert_eq!(listed.json().as_array().unwrap().len(), 1);
    let pushed = scene.run(["push", &copy, &target]).success();
    assert_eq!(pushed.stderr().matches("known_vaults.json cannot be written").count(), 1, "{}", pushed.stderr());
    assert!(Path::new(&target).exists() && fs::read(list_of(&scene)).unwrap() == before);
    // What is known there is still known.
    replace_by_another(&scene.vault());
    scene.run(["list"]).exits(3).says(REFUSAL);
}

#[cfg(unix)]
#[test]
fn the_list_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::with_vault();
    for file in [list_of(&scene), list_of(&scene).with_extension("lock")] {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        scene.run(["list"]).success();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn processes_at_once_lose_no_entry() {
    let scene = Scene::new();
    let vaults: Vec<PathBuf> = (0..6).map(|number| scene.path(&format!("{number}.vault"))).collect();
    let elsewhere = Scene::with_vault();
    for vault in &vaults {
        copy_folder(&elsewhere.vault(), vault);
    }
    let started: Vec<_> = vaults
        .iter()
        .map(|vault| {
            let mut list = scene.command([Path::new("--vault"), vault, Path::new("list")]);
            list.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut process in started {
        assert!(process.wait().unwrap().success());
    }
    let copies = scene.run([Path::new("--vault"), &vaults[0], Path::new("copies"), Path::new("--json")]);
    assert_eq!(copies.success().json().as_array().unwrap().len(), vaults.len());
}

/// A command of the scene's machine at a terminal.
fn at_a_terminal(scene: &Scene, arguments: &[&str]) -> PseudoTerminal {
    let (passphrase, home) = (scene.passphrase_file().display().to_string(), scene.path("home").display().to_string());
    let vault = scene.vault().display().to_string();
    let arguments = [&["--passphrase-file", &passphrase, "--vault", &vault], arguments].concat();
    let environment = [("HOME", home.as_str())];
    PseudoTerminal::start(&Start {
        kind: Kind::Silent,
        columns: 100,
        rows: 30,
        arguments: &arguments,
        environment: &environment,
    })
}

#[test]
fn at_a_terminal_the_user_is_asked_whether_to_trust_it() {
    let (scene, _) = replaced();
    for answer in ["n\r", "\r"] {
        let mut terminal = at_a_terminal(&scene, &["stats"]);
        terminal.until_screen("Trust this vault from now on? [y/N]");
        terminal.keys(answer);
        assert_eq!(terminal.wait().exit_code(), 3, "{}", terminal.screen());
        scene.run(["list"]).exits(3).says(REFUSAL);
    }
    let mut terminal = at_a_terminal(&scene, &["stats"]);
    terminal.until_screen("Trust this vault from now on? [y/N]");
    terminal.keys("y\r");
    assert_eq!(terminal.wait().exit_code(), 0, "{}", terminal.screen());
    assert!(terminal.screen().contains("another vault is known at"), "{}", terminal.screen());
    scene.run(["list"]).success();
}

#[test]
fn the_passphrase_is_asked_for_by_the_name_and_address_of_the_vault() {
    let scene = Scene::with_vault();
    let (vault, copy) = (scene.vault().display().to_string(), scene.path("copy").display().to_string());
    let via = serving(&scene.vault());
    let prompt = format!("Passphrase for photos.vault ({vault}):");
    for (arguments, prompt) in [
        (&["--vault", &vault, "list"][..], prompt.as_str()),
        (&["--vault", &vault, "passwd"], &prompt),
        (&["--vault", &vault, "upgrade"], &prompt),
        (&["push", &vault, &copy], &prompt),
        (&["pull", &vault, &copy], &prompt),
        (&["--via", &via, "list"], "Passphrase for the vault at the other end (via:"),
    ] {
        let start = Start { kind: Kind::Silent, columns: 200, rows: 30, arguments, environment: &[] };
        PseudoTerminal::start(&start).until_screen(prompt);
    }
}

#[cfg(unix)]
#[test]
fn over_ssh_the_name_says_which_machine() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::with_vault();
    // Plays ssh: runs the last argument, which is the remote command, here.
    let ssh = scene.path("ssh");
    let path = format!("{}:/usr/bin:/bin", scene.path("").display());
    let program = Path::new(env!("CARGO_BIN_EXE_cipherlens"));
    fs::write(&ssh, "#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n").unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let linked = Command::new("ln").arg("-s").arg(program).arg(scene.path("cipherlens")).status().unwrap();
    assert!(linked.success());
    let address = format!("ssh://ann@nas{}", scene.vault().display());
    let start = Start {
        kind: Kind::Silent,
        columns: 200,
        rows: 30,
        arguments: &["--vault", &address, "list"],
        environment: &[("PATH", &path)],
    };
    PseudoTerminal::start(&start).until_screen(&format!("Passphrase for photos.vault ({address}):"));
}
