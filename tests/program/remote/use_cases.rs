//! Every command works on a remote vault as on a local one.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use cipherlens::remote::VERSION;

use crate::remote::host::serving;
use crate::remote::relay::{counted, relayed};
use crate::support::scene::{CHEAPEST, Ran, Scene, samples};

fn remote(scene: &Scene, arguments: &[&str]) -> Ran {
    remote_with(scene, arguments, &[] as &[&str])
}

fn remote_with<P: AsRef<std::path::Path>>(scene: &Scene, arguments: &[&str], files: &[P]) -> Ran {
    let via = serving(&scene.vault());
    let mut command = scene.command(["--via", &via]);
    command.env_remove("CIPHERLENS_VAULT").args(arguments).args(files.iter().map(AsRef::as_ref));
    Ran(command.output().unwrap())
}

#[test]
fn every_command_works_on_a_remote_vault() {
    let photos = samples(6);
    let scene = Scene::new();
    remote(&scene, &[&["init"], &CHEAPEST[..]].concat()).success();
    assert_eq!(remote_with(&scene, &["add", "--json"], &photos).success().json()["added"], 6);
    assert_eq!(remote_with(&scene, &["add", "--json"], &photos).success().json()["already_present"], 6);
    let listed = remote(&scene, &["list", "--json"]).success().json();
    assert_eq!(listed.as_array().unwrap().len(), 6);

    let search = ["search", "--json", "--threshold", "-1"];
    let found = remote_with(&scene, &search, &photos[..1]).success().json();
    assert_eq!(found["matches"].as_array().unwrap().len(), 6);
    assert!(found["matches"][0]["score"].as_f64().unwrap() > 0.997);
    // Hints and lists are cached by now: only the query is sent, and five bytes per image of a full block are received.
    let bytes = &remote_with(&scene, &search, &photos[..1]).success().json()["bytes"];
    let (sent, received) = (bytes["sent"].as_u64().unwrap(), bytes["received"].as_u64().unwrap());
    assert!(sent < 660_000, "{sent} bytes of query");
    assert!(received < 512 * 5 + 500, "{received} bytes of answer");
    let said = remote_with(&scene, &["search", "--verbose"], &photos[..1]).success().stdout();
    assert!(said.contains(&format!("{sent} bytes sent")), "{said}");

    let out = scene.path("out");
    remote_with(&scene, &["export", "--all"], &[&out]).success();
    for photo in &photos {
        assert_eq!(fs::read(out.join(photo.file_name().unwrap())).unwrap(), fs::read(photo).unwrap());
    }
    // Matches exported with decoys: only the matches are written, but more is fetched.
    let traffic = |decoys: &str| {
        let folder = scene.path(&format!("with {decoys} decoys"));
        let export = ["search", "--verbose", "--top", "1", "--threshold", "-1", "--decoys", decoys, "--export"];
        let arguments = [&export[..], &[folder.to_str().unwrap()]].concat();
        let count = scene.path(&format!("{decoys} decoys counted"));
        let via = relayed(&serving(&scene.vault()), "pass", &count);
        let mut command = scene.command(["--via", &via]);
        command.env("PATH", std::env::var_os("PATH").unwrap()).args(arguments).arg(&photos[0]);
        Ran(command.output().unwrap()).success();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        counted(&count)
    };
    let (without, with) = (traffic("0"), traffic("4"));
    // A request and at least two answer frames for each.
    assert!(with >= without + 4 * 3, "{with} frames with four decoys, {without} with none");
    let id = listed[0]["id"].as_str().unwrap();
    remote(&scene, &["remove", "--yes", id]).success();
    assert_eq!(remote(&scene, &["check", "--json"]).success().json()["photos"], 5);
    assert_eq!(remote(&scene, &["stats", "--json"]).success().json()["photos"], 5);
    // On the host, with the passphrase, it is the same vault.
    assert_eq!(scene.run(["list", "--json"]).success().json().as_array().unwrap().len(), 5);
    scene.run(["check"]).success();
}

#[test]
fn damage_on_the_host_is_reported_and_repaired_by_the_client() {
    let photos = samples(3);
    let scene = Scene::with_photos(&photos);
    let features = scene.vault().join("encrypted_features");
    for entry in fs::read_dir(&features).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "hints" || extension == "ckks") {
            fs::write(&path, "damaged").unwrap();
        }
    }
    remote_with(&scene, &["search"], &photos[..1]).exits(3);
    assert_eq!(remote(&scene, &["check", "--json"]).exits(3).json()["damages"].as_array().unwrap().len(), 2);
    remote(&scene, &["check", "--repair"]).success();
    remote_with(&scene, &["search"], &photos[..1]).success();
}

#[test]
fn a_new_passphrase_is_set_by_the_client() {
    let scene = Scene::with_vault();
    let new = scene.path("new passphrase");
    fs::write(&new, "another one altogether\n").unwrap();
    let change = [&["passwd"], &CHEAPEST[..], &["--new-passphrase-file"]].concat();
    remote_with(&scene, &change, &[&new]).success();
    remote(&scene, &["list"]).exits(2);
    fs::copy(&new, scene.passphrase_file()).unwrap();
    scene.run(["list"]).success();
}

#[test]
fn passphrases_are_added_and_removed_by_the_client_and_copied() {
    let scene = Scene::with_vault();
    let own = fs::read(scene.passphrase_file()).unwrap();
    let copy = scene.path("copy.vault");
    let (here, there) = (scene.vault().display().to_string(), format!("via:{}", serving(&copy)));
    scene.run(["push", &here, &there]).success();
    let new = scene.path("second passphrase");
    fs::write(&new, "another one altogether\n").unwrap();
    let opens = |place: &str| {
        fs::copy(&new, scene.passphrase_file()).unwrap();
        let opened = scene.run(["--vault", place, "list"]).0.status.code();
        fs::write(scene.passphrase_file(), &own).unwrap();
        opened == Some(0)
    };
    let added = remote_with(&scene, &["key", "add", "--json", "--new-passphrase-file"], &[&new]).success().json();
    let added = added["added"].as_str().unwrap();
    let listed = remote(&scene, &["key", "list", "--json"]).success().json();
    assert_eq!(listed["slots"][1]["id"], added);
    assert!(opens(&here) && !opens(&there));
    scene.run(["push", &here, &there]).success();
    assert!(opens(&there));
    // On the copy it is removed, and the vault here learns of it.
    scene.run(["--vault", &there, "key", "remove", "--yes", added]).success();
    assert!(opens(&here) && !opens(&there));
    scene.run(["pull", &there, &here]).success();
    assert!(!opens(&here));
    scene.run(["check"]).success();
}

#[test]
fn a_host_tells_a_client_of_another_version_which_one_to_upgrade() {
    let scene = Scene::with_vault();
    for (theirs, side) in [(3u16, "on the machine that connects"), (511, "on this host")] {
        let mut command = scene.command(["serve", "--stdio", scene.vault().to_str().unwrap()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut host = command.spawn().unwrap();
        let greeting = [b"CLENSRPC".as_slice(), &theirs.to_le_bytes()].concat();
        host.stdin.take().unwrap().write_all(&greeting).unwrap();
        let ran = Ran(host.wait_with_output().unwrap());
        // Its own version, which the client reports, comes first.
        assert_eq!(ran.0.stdout, [b"CLENSRPC".as_slice(), &VERSION.to_le_bytes()].concat());
        ran.exits(1).says(&format!("speaks version {theirs}")).says(&format!("upgrade cipherlens {side}"));
    }
}

#[test]
fn each_way_of_not_reaching_a_vault_has_its_own_message() {
    let scene = Scene::with_vault();
    let via = |command: &str| Ran(scene.command(["--via", command, "list"]).output().unwrap());
    via("no-such-program-at-all")
        .exits(1)
        .says("cipherlens is not installed on the other end")
        .says("copy this program there");
    via("echo Welcome to this machine, have a nice day").exits(1).says("not as cipherlens does").says("Welcome");
    via("echo Connection refused >&2; exit 255").exits(1).says("could not be reached").says("Connection refused");
    via("true").exits(1).says("was lost");
    via(r"printf 'CLENSRPC\377\001'; sleep 1").exits(1).says("speaks version 511").says("upgrade cipherlens on this");
    via(r"printf 'CLENSRPC\003\000'; sleep 1").exits(1).says("speaks version 3").says("upgrade cipherlens on that");
    via(&serving(&scene.path("nowhere"))).exits(1).says("there is no vault at");
    let address = |text: &str| Ran(scene.command(["--vault", text, "list"]).output().unwrap());
    address("ssh://-oProxyCommand=id/v").exits(1).says("is not a valid vault address");
    let mut without_ssh = scene.command(["--vault", "ssh://nas.invalid/v", "list"]);
    let ran = Ran(without_ssh.env("PATH", scene.path("empty")).output().unwrap());
    ran.exits(1).says("ssh could not be started");
}
