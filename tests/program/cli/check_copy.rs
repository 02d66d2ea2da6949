//! `check ADDRESS`: a copy checked without its passphrase.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use cipherlens::remote::{self, Address, Options, Prompts};
use cipherlens::vault;
use cipherlens::vault::Digest;

use crate::remote::host::serving;
use crate::support::scene::{Ran, Scene, samples};
use crate::support::vault_fixture::{Fixture, files, fill_grouped, flip};

/// Runs `check` on a copy, on a machine without a passphrase.
fn check<A: AsRef<OsStr>>(scene: &Scene, arguments: &[A]) -> Ran {
    let nowhere = scene.path("there is no passphrase");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cipherlens"));
    command.env_clear().env("HOME", scene.path("home")).env("PATH", std::env::var_os("PATH").unwrap());
    command.arg("--passphrase-file").arg(nowhere).arg("check").args(arguments).stdin(std::process::Stdio::null());
    Ran(command.output().unwrap())
}

/// How a copy is addressed here, and on a host.
fn addresses(root: &Path) -> [String; 2] {
    [root.display().to_string(), format!("via:{}", serving(root))]
}

#[test]
fn each_damaged_or_missing_file_is_named_without_a_passphrase() {
    let scene = Scene::with_photos(&samples(2));
    let whole = files(&scene.vault());
    for (address, hashed_by) in addresses(&scene.vault()).iter().zip(["this machine", "host"]) {
        let json = check(&scene, &["--json", address]).success().json();
        // All but the mapping, from which the digests are.
        assert_eq!(json["files"], whole.len() - 1);
        assert_eq!((&json["photos"], &json["generation"], &json["unlisted"]), (&2.into(), &2.into(), &0.into()));
        assert_eq!(json["damages"].as_array().unwrap().len(), 0);
        assert_eq!(json["needs_key"].as_array().unwrap().len(), 3);
        assert_eq!(json["hashed_by"], hashed_by);
        for path in whole.keys().filter(|path| path.to_str().unwrap() != "mapping.json") {
            let name = path.to_str().unwrap();
            for is_missing in [false, true] {
                let damaged = scene.vault().join(path);
                if !is_missing {
                    flip(&damaged);
                } else if name == "header" {
                    continue;
                } else {
                    fs::remove_file(&damaged).unwrap();
                }
                let json = check(&scene, &["--json", address]).exits(3).json();
                let damages = json["damages"].as_array().unwrap();
                assert_eq!(damages.len(), 1, "{damages:?}");
                assert_eq!(damages[0]["object"], name);
                let reason = damages[0]["reason"].as_str().unwrap();
                assert!(reason.contains(name) && reason.contains("is missing") == is_missing, "{reason}");
                // Behind the list of images are two originals.
                assert_eq!(json["unlisted"], if name.ends_with(".list") { 2 } else { 0 });
                fs::write(&damaged, &whole[path]).unwrap();
            }
        }
    }
    assert_eq!(files(&scene.vault()), whole, "nothing was changed");
}

#[test]
fn photos_that_no_list_names_are_no_success() {
    let scene = Scene::with_photos(&samples(2));
    // Whoever can write to the copy replaces its list, and gives the mapping the new digest.
    let list = files(&scene.vault()).into_keys().find(|path| path.extension() == Some("list".as_ref())).unwrap();
    let old = Digest::of(&[&fs::read(scene.vault().join(list)).unwrap()]);
    let new = Digest::of(&[b"no list"]);
    fs::write(scene.vault().join(format!("encrypted_features/{}.list", new.name())), "no list").unwrap();
    let mapping = fs::read_to_string(scene.vault().join("mapping.json")).unwrap();
    fs::write(scene.vault().join("mapping.json"), mapping.replace(&old.to_string(), &new.to_string())).unwrap();
    for address in addresses(&scene.vault()) {
        let json = check(&scene, &["--json", &address]).exits(3).json();
        assert_eq!((&json["unlisted"], json["damages"].as_array().unwrap().len()), (&2.into(), 0));
        let said = check(&scene, &[&address]).exits(3).stdout();
        assert!(said.contains("Not checked: 2 photos") && !said.contains("No damage found"), "{said}");
    }
    assert!(scene.run(["copies"]).success().stdout().contains("1 file damaged (files only, "));
}

#[test]
fn it_says_what_takes_the_passphrase() {
    let scene = Scene::with_photos(&samples(1));
    let [here, there] = addresses(&scene.vault());
    let said = check(&scene, &[&here]).success().stdout();
    assert!(said.contains("No damage found") && said.contains("because it takes the passphrase"), "{said}");
    assert!(!said.contains("other machine"), "{said}");
    let said = check(&scene, &[&there]).success().stdout();
    assert!(said.contains("if it lies about them, this check does not notice"), "{said}");
    // A mapping that somebody else made is one of those things.
    let mapping = scene.vault().join("mapping.json");
    let text = fs::read_to_string(&mapping).unwrap();
    let forged = text.replace("\"generation\": 2", "\"generation\": 7");
    assert_ne!(forged, text);
    fs::write(&mapping, forged).unwrap();
    check(&scene, &[&here]).success();
    scene.run(["check"]).exits(3).says("mapping.json");
    fs::write(&mapping, "{}").unwrap();
    check(&scene, &[&here]).exits(3).says("mapping.json is damaged");
    check(&scene, &[scene.path("nowhere")]).exits(1).says("there is no vault at");
    check(&scene, &[OsStr::new("--repair"), here.as_ref()]).exits(64);
    check(&scene, &[OsStr::new("--from"), here.as_ref()]).exits(64);
}

#[test]
fn a_file_that_two_tables_have_is_counted_once_and_named_by_what_it_holds() {
    let scene = Scene::with_photos(&samples(1));
    let address = scene.vault().display().to_string();
    let before = check(&scene, &["--json", &address]).success().json()["files"].clone();
    // No key is needed for the check, so that a mapping with a tag that does not fit does.
    let mapping = scene.vault().join("mapping.json");
    let text = fs::read_to_string(&mapping).unwrap();
    let history = text.find("{\n      \"name\": \"history\"").expect("the vault has a history");
    let end = history + text[history..].find('}').unwrap() + 1;
    let table = text[history..end].to_owned();
    let other = table.replace("\"history\"", "\"later\"").replace("\"write\"", "\"nothing\"");
    fs::write(&mapping, format!("{}{table},\n    {other}{}", &text[..history], &text[end..])).unwrap();
    assert_eq!(check(&scene, &["--json", &address]).success().json()["files"], before);
    let page = table.split('"').find(|word| word.len() == 64).unwrap();
    flip(&scene.vault().join(format!("encrypted_features/{}.table", &page[..32])));
    let ran = check(&scene, &["--json", &address]).exits(3);
    let damages = ran.json()["damages"].as_array().unwrap().clone();
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert!(damages[0]["holds"].as_str().unwrap().starts_with("the history of the vault"), "{damages:?}");
    let said = check(&scene, &[&address]).exits(3).stdout();
    assert!(said.contains("\n    holds the history of the vault, by which an older copy is told\n"), "{said}");
}

#[test]
fn a_copy_of_an_older_format_is_checked_too() {
    let scene = Scene::new();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vault_version_1");
    let copy = scene.path("old.vault");
    crate::support::scene::copy_folder(&old, &copy);
    // Of these the mapping does not name the header.
    let names = files(&copy);
    let json = check(&scene, &[OsStr::new("--json"), copy.as_os_str()]).success().json();
    assert_eq!(json["files"], names.len() - 2);
    let photo = names.keys().find(|path| path.starts_with("encrypted_images")).unwrap();
    flip(&copy.join(photo));
    let json = check(&scene, &[OsStr::new("--json"), copy.as_os_str()]).exits(3).json();
    assert_eq!(json["damages"][0]["object"], photo.to_str().unwrap());
}

#[test]
fn originals_do_not_travel_and_groups_are_followed() {
    let fixture = Fixture::new();
    fill_grouped(&fixture.open(), 0..3);
    // As large as an original may be before it is sealed in chunks: far more than all lists.
    let originals = fs::read_dir(fixture.root().join("encrypted_images")).unwrap();
    for original in originals {
        fs::write(original.unwrap().path(), vec![7; 16 << 20]).unwrap();
    }
    let options = Options { prompts: Prompts::Refused, cache: None, timeout: Duration::from_secs(120) };
    let backend = remote::open(Address::Command(serving(&fixture.root())), options).unwrap();
    let progress = std::cell::Cell::new((0, 0));
    let compared = |compared: vault::Compared| progress.set((compared.files, compared.of));
    let report = vault::keyless_check(&*backend, &compared).unwrap();
    assert_eq!(report.differences.len(), 3, "{:?}", report.differences);
    assert_eq!(progress.get(), (report.files - 1, report.files - 1), "the header is not counted");
    let received = backend.traffic().unwrap().received;
    assert!(received < 100_000, "{received} bytes");
    // Without the list of the group nothing below it is known.
    let group = files(&fixture.root()).into_keys().find(|path| path.extension() == Some("group".as_ref())).unwrap();
    flip(&fixture.root().join(group));
    let report = vault::keyless_check(&*backend, &|_| {}).unwrap();
    assert_eq!((report.unlisted_images, report.differences.len()), (3, 1));
}
