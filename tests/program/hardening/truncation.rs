//! Block files that are truncated while they are mapped must give an error that names the file, in the library and in
//! the terminal application. Reading beyond the new end would otherwise kill the process by SIGBUS and leave the
//! terminal in raw mode.

use std::fs;
use std::path::PathBuf;

use cipherlens::vault::{Error, GroupPart, Part, Snapshot, Vault};

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::scene::{Scene, samples};
use crate::support::vault_fixture::{Fixture, fill, fill_grouped, group_file, segment_file, vector};

fn score(vault: &Vault, snapshot: &Snapshot) -> Result<Vec<u8>, Error> {
    let holder = vault.key_holder().unwrap();
    let (query, _) = holder.encrypt(holder.prepare()?, &vector(1))?;
    snapshot.score(&query)
}

fn cut(path: &PathBuf, bytes: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

#[test]
fn truncated_blocks_are_named_and_mapped_again_once_restored() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..2);
    let mut snapshot = vault.snapshot().unwrap();
    let object = segment_file(&snapshot, 0, Part::Blocks);
    let path = object.path(&fixture.root());
    let content = fs::read(&path).unwrap();
    // The first search reads the blocks, every later one maps them.
    score(&vault, &snapshot).unwrap();
    let before = score(&vault, &snapshot).unwrap().len();
    for bytes in [0, 4096, content.len() as u64 - 4096] {
        cut(&path, bytes);
        let refused = score(&vault, &snapshot);
        assert!(matches!(&refused, Err(Error::Damaged { object: named, .. }) if *named == object), "{bytes}");
        fs::write(&path, &content).unwrap();
        snapshot = vault.snapshot_after(&snapshot).unwrap();
        assert_eq!(score(&vault, &snapshot).unwrap().len(), before, "{bytes}");
    }
}

#[test]
fn truncated_tags_are_an_error_that_names_them() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    // Three pages, of which the first search opens one or two; these stay in memory.
    fill_grouped(&vault, 0..150);
    let snapshot = vault.snapshot().unwrap();
    let find = |number: u32| snapshot.find_content(&vault.content_tag(&number.to_le_bytes()));
    let absent = 1000..1100;
    assert_eq!(find(absent.start).unwrap(), None);
    let tags = group_file(&snapshot, GroupPart::Tags);
    cut(&tags.path(&fixture.root()), 0);
    let found: Vec<_> = absent.map(find).collect();
    assert!(found.iter().any(Result::is_err));
    for outcome in found {
        assert!(match outcome {
            Ok(found) => found.is_none(),
            Err(Error::Damaged { object, .. }) => object == tags,
            Err(_) => false,
        });
    }
}

#[test]
fn the_application_reports_truncated_blocks_and_keeps_running() {
    let photos = samples(3);
    let scene = Scene::with_photos(&photos);
    let blocks = fs::read_dir(scene.vault().join("encrypted_features")).unwrap().map(|file| file.unwrap().path());
    let blocks = blocks.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "ckks")).unwrap();
    let content = fs::read(&blocks).unwrap();
    let (vault, passphrase) = (scene.vault().display().to_string(), scene.passphrase_file().display().to_string());
    let arguments = &["--vault", &vault, "--passphrase-file", &passphrase][..];
    let start = Start { kind: Kind::Sixel, columns: 120, rows: 36, arguments, environment: &[] };
    let mut terminal = PseudoTerminal::start(&start);
    terminal.until_answered();
    terminal.until_screen("3 photos");
    let names: Vec<&str> = photos.iter().map(|photo| photo.file_name().unwrap().to_str().unwrap()).collect();
    let search = |terminal: &mut PseudoTerminal, result: &str| {
        terminal.keys("3");
        terminal.until("the vault's photos", |terminal| {
            let screen = terminal.screen();
            names.iter().any(|name| screen.contains(name)) && !screen.contains(" like ")
        });
        terminal.keys("s");
        terminal.until_screen(result);
    };
    // The first search reads the blocks, the second one maps them.
    search(&mut terminal, "among 3 photos");
    search(&mut terminal, "among 3 photos");
    cut(&blocks, 0);
    search(&mut terminal, "was truncated");
    fs::write(&blocks, &content).unwrap();
    search(&mut terminal, "among 3 photos");
    terminal.keys("q");
    assert!(terminal.wait().success());
}
