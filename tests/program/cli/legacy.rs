//! `import-legacy`: a folder of AES-128-CBC images in the layout of the legacy program.

use std::fs;

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};

use crate::support::scene::{Scene, samples};

pub(crate) const KEY: [u8; 16] = *b"sixteen byte key";

pub(crate) fn encrypted(photo: &[u8], iv: [u8; 16]) -> Vec<u8> {
    let encryptor = cbc::Encryptor::<Aes128>::new_from_slices(&KEY, &iv).unwrap();
    [&iv[..], &encryptor.encrypt_padded_vec::<Pkcs7>(photo)].concat()
}

#[test]
fn a_legacy_folder_is_imported_and_each_failure_is_named() {
    let scene = Scene::with_vault();
    let old = scene.path("old");
    fs::create_dir_all(old.join("encrypted_images")).unwrap();
    let photos = samples(2);
    let originals: Vec<_> = photos.iter().map(|photo| fs::read(photo).unwrap()).collect();
    fs::write(old.join("encrypted_images/0001.jpg.enc"), encrypted(&originals[0], [1; 16])).unwrap();
    fs::write(old.join("encrypted_images/0002.jpg.enc"), encrypted(&originals[1], [2; 16])).unwrap();
    fs::write(old.join("encrypted_images/0003.jpg.enc"), [3; 47]).unwrap();
    let mapping = r#"{"0001.bin": "0001.jpg.enc", "0002.bin": "0002.jpg.enc", "0004.bin": "0004.jpg.enc"}"#;
    fs::write(old.join("mapping.json"), mapping).unwrap();
    let key = scene.path("key");
    fs::write(&key, KEY).unwrap();
    let arguments = ["import-legacy", "--json", "--key-file", key.to_str().unwrap()];
    let outcome = scene.run_with(&arguments, [&old]).exits(1).json();
    assert_eq!(outcome["added"], 2, "{outcome}");
    let failed = outcome["failed"].to_string();
    assert!(failed.contains("0003.jpg.enc") && failed.contains("0004.jpg.enc"), "{failed}");
    let files = outcome["files"].as_array().unwrap();
    let reported: Vec<_> = files.iter().map(|row| (row["path"].as_str().unwrap(), row["outcome"].clone())).collect();
    assert!(reported[0].0.ends_with("0001.jpg.enc") && reported[1].0.ends_with("0002.jpg.enc"), "{reported:?}");
    assert!(reported.len() == 2 && reported.iter().all(|(_, outcome)| outcome == "added"), "{reported:?}");
    let again = ["import-legacy", "--key-file", key.to_str().unwrap()];
    let text = scene.run_with(&again, [&old]).exits(1).says("0003.jpg.enc").stdout();
    assert!(text.contains("already present: ") && text.contains("0002.jpg.enc\n"), "{text}");
    let out = scene.path("out");
    scene.run_with(&["export", "--all"], [&out]).success();
    assert!(fs::read(out.join("0001.jpg")).unwrap() == originals[0]);
    assert!(fs::read(out.join("0002.jpg")).unwrap() == originals[1]);
}

#[test]
fn a_wrong_key_adds_nothing() {
    let scene = Scene::with_vault();
    let old = scene.path("old");
    fs::create_dir_all(old.join("encrypted_images")).unwrap();
    fs::write(old.join("encrypted_images/a.jpg.aes"), encrypted(&fs::read(&samples(1)[0]).unwrap(), [1; 16])).unwrap();
    fs::write(old.join("mapping.json"), "{}").unwrap();
    let key = scene.path("key");
    fs::write(&key, [9; 16]).unwrap();
    let arguments = ["import-legacy", "--json", "--key-file", key.to_str().unwrap()];
    assert_eq!(scene.run_with(&arguments, [&old]).exits(1).json()["added"], 0);
    fs::write(&key, "short").unwrap();
    scene.run_with(&arguments, [&old]).exits(1).says("16 bytes");
}
