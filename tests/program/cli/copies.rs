//! `cipherlens copies`: what is known of the copies of a vault.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::remote::host::serving;
use crate::support::scene::{Ran, Scene, samples};

/// The known copies, by the last component of their addresses.
fn copies(scene: &Scene) -> Vec<(String, u64, u64)> {
    let listed = scene.run(["copies", "--json"]).success().json();
    let copy = |copy: &Value| {
        let name = Path::new(copy["address"].as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned();
        (name, copy["generation"].as_u64().unwrap(), copy["generations_behind"].as_u64().unwrap())
    };
    listed.as_array().unwrap().iter().map(copy).collect()
}

#[test]
fn each_copy_is_listed_with_its_age() {
    let photos = samples(3);
    let scene = Scene::with_vault();
    assert_eq!(copies(&scene), [("photos.vault".to_owned(), 1, 0)]);
    let (vault, usb) = (scene.vault().display().to_string(), scene.path("usb.vault").display().to_string());
    scene.run(["push", &vault, &usb]).success();
    scene.run_with(&["add"], &photos[..1]).success();
    scene.run_with(&["add"], &photos[1..]).success();
    assert_eq!(copies(&scene), [("photos.vault".to_owned(), 3, 0), ("usb.vault".to_owned(), 1, 2)]);
    let said = scene.run(["copies"]).success().stdout();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains("generation 3  current ") && lines[0].ends_with("never checked"), "{said}");
    assert!(lines[1].contains("generation 1  2 generations older than the newest one seen"), "{said}");
    // The command that it advises works as it is.
    let command = format!("cipherlens push {vault} {usb}");
    assert!(said.contains(&format!("To bring {usb} up to date with {vault}:\n  {command}\n")), "{said}");
    let listed = scene.run(["copies", "--json"]).success().json();
    assert_eq!((&listed[0]["command"], &listed[1]["command"]), (&Value::Null, &command.into()));
    // No passphrase is needed, and the copies are not opened.
    fs::remove_file(scene.passphrase_file()).unwrap();
    fs::remove_dir_all(&usb).unwrap();
    assert_eq!(copies(&scene).len(), 2);
}

#[test]
fn a_copy_is_not_current_because_the_newer_one_is_not_known() {
    let scene = Scene::with_vault();
    let (vault, usb) = (scene.vault().display().to_string(), scene.path("usb.vault").display().to_string());
    scene.run(["push", &vault, &usb]).success();
    scene.run_with(&["add"], samples(1)).success();
    scene.run(["copies", "--forget", &vault]).success();
    fs::remove_dir_all(scene.vault()).unwrap();
    let listed = scene.run(["--vault", &usb, "copies", "--json"]).success().json();
    assert_eq!(listed[0]["generations_behind"], 1, "{listed}");
    assert_eq!(listed[0]["command"], Value::Null);
    let said = scene.run(["--vault", &usb, "copies"]).success().stdout();
    assert!(said.contains("The newest generation that this machine has seen, 2, is at none of these."), "{said}");
}

#[test]
fn a_copy_that_was_changed_separately_is_not_an_older_one() {
    let photos = samples(4);
    let scene = Scene::with_vault();
    let (vault, usb) = (scene.vault().display().to_string(), scene.path("usb.vault").display().to_string());
    scene.run(["push", &vault, &usb]).success();
    scene.run_with(&["add"], &photos[..1]).success();
    let behind = || -> Vec<Option<u64>> {
        let listed = scene.run(["copies", "--json"]).success().json();
        listed.as_array().unwrap().iter().map(|copy| copy["generations_behind"].as_u64()).collect()
    };
    // Another machine changes the other copy: to as many generations, and then to more.
    for photo in &photos[1..3] {
        let mut elsewhere = scene.command_with(&["--vault", &usb, "add"], [photo]);
        Ran(elsewhere.env("HOME", scene.path("elsewhere")).output().unwrap()).success();
        scene.run(["--vault", &usb, "list"]).success();
        assert_eq!(behind(), [Some(0), None]);
    }
    let said = scene.run(["copies"]).success().stdout();
    assert!(said.lines().nth(1).unwrap().contains("generation 3  newer, or changed separately  seen"), "{said}");
    assert!(said.contains(&format!("\n  cipherlens merge {vault} {usb}\n")), "{said}");
    let usb_read = scene.run(["--vault", &usb, "list"]).success();
    usb_read.says("the other copy is at").says(&format!("cipherlens merge {vault} {usb}"));
    // It is accepted as the one to use, and then the two are put together.
    scene.run(["--vault", &usb, "add", "--accept-older", photos[3].to_str().unwrap()]).success();
    scene.run(["merge", "--accept-older", &vault, &usb]).success();
    assert_eq!(behind(), [Some(0), Some(0)]);
}

#[test]
fn what_changes_a_vault_is_a_generation_of_its_copy() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    let generation = |scene: &Scene| copies(scene)[0].1;
    assert_eq!(generation(&scene), 2);
    let id = scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    scene.run(["remove", "--yes", &id]).success();
    assert_eq!(generation(&scene), 3);
    let passphrase = scene.passphrase_file().display().to_string();
    scene.run(["passwd", "--argon2-memory-mib", "19", "--new-passphrase-file", &passphrase]).success();
    assert_eq!(generation(&scene), 4);
}

#[test]
fn a_check_is_remembered_with_what_it_found() {
    let scene = Scene::with_photos(&samples(1));
    let of = |scene: &Scene| scene.run(["copies", "--json"]).success().json()[0].clone();
    assert_eq!((&of(&scene)["checked"], &of(&scene)["damages"]), (&Value::Null, &Value::Null));
    assert_eq!(of(&scene)["check"], Value::Null);
    scene.run(["check"]).success();
    assert!(of(&scene)["checked"].as_str().unwrap().ends_with('Z'));
    assert_eq!(of(&scene)["damages"], 0);
    assert!(scene.run(["copies"]).success().stdout().contains("no damage (full check, "));
    let image = fs::read_dir(scene.vault().join("encrypted_images")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(image).unwrap();
    scene.run(["check"]).exits(3);
    assert_eq!(of(&scene)["damages"], 1);
    assert!(scene.run(["copies"]).success().stdout().contains("1 file damaged (full check, "));
    assert_eq!(of(&scene)["check"], "full");
    // Whoever checks without the passphrase does not learn what the full check did.
    let vault = scene.vault().display().to_string();
    scene.run(["check", &vault]).exits(3);
    assert_eq!((&of(&scene)["damages"], &of(&scene)["check"]), (&1.into(), &"files".into()));
    assert!(scene.run(["copies"]).success().stdout().contains("1 file damaged (files only, "));
}

#[test]
fn times_that_a_wrong_clock_left_are_shown_and_replaced() {
    let scene = Scene::with_photos(&samples(1));
    scene.run(["check"]).success();
    let list = scene.path("home/.local/state/cipherlens/known_vaults.json");
    for (seconds, shown) in
        [(0, "1970-01-01 00:00"), (8_000_000_000_000, "8000000000000"), (u64::MAX, "18446744073709551615")]
    {
        let mut known: Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
        (known["copies"][0]["seen"], known["copies"][0]["last_check"]["at"]) = (seconds.into(), seconds.into());
        fs::write(&list, known.to_string()).unwrap();
        let said = scene.run(["copies"]).success().stdout();
        assert!(said.contains(&format!("seen {shown}")) && said.contains(&format!("full check, {shown}")), "{said}");
        scene.run(["copies", "--json"]).success();
        scene.run(["list"]).success();
        let said = scene.run(["copies"]).success().stdout();
        assert!(!said.contains(&format!("seen {shown}")), "{said}");
    }
}

#[test]
fn copies_behind_a_command_are_listed_and_stats_lists_the_same() {
    let scene = Scene::with_vault();
    let host = scene.path("host.vault");
    let (vault, via) = (scene.vault().display().to_string(), serving(&host));
    scene.run(["push", &vault, &format!("via:{via}")]).success();
    let listed = scene.run(["copies", "--json"]).success().json();
    assert_eq!(listed[1]["address"], format!("via:{via}"), "{listed}");
    assert_eq!(listed, scene.run(["--via", &via, "copies", "--json"]).success().json());
    let stats = scene.run(["stats", "--json"]).success().json();
    assert_eq!(stats["copies"].as_array().unwrap().len(), 2);
    assert!(scene.run(["stats"]).success().stdout().contains("Known copies:\n"));
    // The vault itself is away: what is known of the others is needed now.
    fs::rename(scene.vault(), scene.path("gone")).unwrap();
    let listed = scene.run(["copies", "--json"]).success().says("this is what is known of it").json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[test]
fn a_forgotten_copy_is_not_listed_and_not_known() {
    let (scene, elsewhere) = (Scene::with_vault(), Scene::with_vault());
    let (vault, usb) = (scene.vault().display().to_string(), scene.path("usb.vault").display().to_string());
    scene.run(["push", &vault, &usb]).success();
    scene.run(["copies", "--forget", &usb]).success();
    assert_eq!(copies(&scene).len(), 1);
    scene.run(["copies", "--forget", &usb]).exits(1).says("no vault is known at");
    fs::remove_dir_all(&usb).unwrap();
    crate::support::scene::copy_folder(&elsewhere.vault(), Path::new(&usb));
    scene.run(["--vault", &usb, "list"]).success();
    let nowhere = scene.path("nowhere").display().to_string();
    scene.run(["--vault", &nowhere, "copies"]).exits(1).says("there is no vault at");
}
