//! An error ends a run early: it reports what was committed, and repeating the command continues the run.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};

use crate::support::full_disk::{SMALL_FILES, photos};
use crate::support::scene::{Ran, Scene};

/// More photos than one commit holds. How many are committed before the error depends on the machine's speed, because
/// a commit also falls due after some seconds: nothing below relies on the number.
const SMALL_PHOTOS: usize = 263;

/// Runs a command under a limit on file size.
fn run_limited(scene: &Scene, arguments: &[&str], files: &[PathBuf]) -> Ran {
    let command = scene.command_with(arguments, files);
    let mut limited = Command::new("/bin/sh");
    limited.args(SMALL_FILES).arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ran(limited.output().unwrap())
}

/// A file of a legacy folder: `photo` encrypted under a key of zeros.
fn older(photo: &[u8]) -> Vec<u8> {
    let encryptor = cbc::Encryptor::<Aes128>::new_from_slices(&[0; 16], &[7; 16]).unwrap();
    [&[7; 16][..], &encryptor.encrypt_padded_vec::<Pkcs7>(photo)].concat()
}

/// The names of the photos in the vault.
fn names(scene: &Scene) -> Vec<String> {
    let list = scene.run(["list", "--json"]).success().json();
    list.as_array().unwrap().iter().map(|photo| photo["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_run_ended_by_an_error_reports_what_was_committed_and_can_be_continued() {
    let scene = Scene::with_vault();
    let folder = scene.path("many");
    photos(&folder, SMALL_PHOTOS);

    let ran = run_limited(&scene, &["add", "--json"], std::slice::from_ref(&folder)).exits(1).says("File too large");
    let outcome = ran.json();
    let committed = outcome["added"].as_u64().unwrap() as usize;
    assert!(committed > 0 && committed <= SMALL_PHOTOS, "{outcome}");
    assert_eq!(outcome["left"], SMALL_PHOTOS + 1 - committed);
    assert!(outcome["error"].as_str().unwrap().contains("File too large"), "{outcome}");
    assert_eq!(names(&scene).len(), committed);

    let ran = run_limited(&scene, &["add"], std::slice::from_ref(&folder)).exits(1).says("File too large");
    let text = ran.stdout();
    // The error may come before all of them were counted.
    assert!(text.contains(" were in the vault already."), "{text}");
    assert!(text.contains("left. Run the same command again to continue."), "{text}");
    let present = names(&scene);
    assert!((committed..=SMALL_PHOTOS).contains(&present.len()), "{present:?}");

    // `import-legacy` does the same.
    let old = scene.path("old");
    fs::create_dir_all(old.join("encrypted_images")).unwrap();
    for name in [present[0].as_str(), "large.bmp"] {
        fs::write(old.join("encrypted_images").join(name), older(&fs::read(folder.join(name)).unwrap())).unwrap();
    }
    fs::write(old.join("mapping.json"), "{}").unwrap();
    let key = scene.path("key");
    fs::write(&key, [0; 16]).unwrap();
    let import = ["import-legacy", "--json", "--key-file", key.to_str().unwrap()];
    let outcome = run_limited(&scene, &import, std::slice::from_ref(&old)).exits(1).json();
    assert_eq!((&outcome["already_present"], &outcome["left"]), (&1.into(), &1.into()), "{outcome}");
    assert!(outcome["error"].as_str().unwrap().contains("File too large"), "{outcome}");

    let resumed = scene.run_with(&["add", "--json"], [&folder]).success().json();
    assert_eq!((&resumed["left"], &resumed["error"]), (&0.into(), &serde_json::Value::Null));
    assert_eq!(resumed["already_present"], present.len());
    assert_eq!(names(&scene).len(), SMALL_PHOTOS + 1);
    scene.run(["check"]).success();
}
