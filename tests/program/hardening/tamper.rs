//! Rows "any byte changed", "truncated, extended", "two files swapped", "an old object put back", "whole vault rolled
//! back", "a file deleted" and "header downgraded": what an attacker who can write to a vault can do to it.
//!
//! Sweeps try hundreds of thousands of cases, so they call the library in this process; a few cases are repeated with
//! the real program.

use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use cipherlens::cipher::Cost;
use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, CopyAge, Error, Freshness, Hex, Id, Part, Seen, Snapshot, Transaction, Vault};
use rayon::prelude::*;

use crate::support::scene::{Scene, samples};
use crate::support::vault_fixture::{
    Fixture, files, fill, fill_grouped, passphrase, photo, readable, remove, restore, search, segment_file, try_search,
    vector,
};

const PHOTOS: u32 = 2;

/// The file that an error names.
fn named(error: Error) -> String {
    match error {
        // "Newer" for a slot of another kind.
        Error::WrongPassphrase | Error::NotAVault { .. } | Error::Newer { .. } | Error::Cipher(_) => {
            "header".to_owned()
        }
        Error::Damaged { object, .. } | Error::Missing { object } | Error::TooLarge { object, .. } => {
            object.to_string()
        }
        error => panic!("unexpected: {error}"),
    }
}

/// The files that reading the entire vault reports as damaged.
fn complaints(fixture: &Fixture) -> BTreeSet<String> {
    match fixture.try_open().and_then(|vault| vault.check(&|_| {})) {
        Ok(report) => report.damages.iter().map(|damage| damage.object.to_string()).collect(),
        Err(error) => [named(error)].into(),
    }
}

/// The one file of a vault that a sweep changes, and the shortest way through the library that reads it.
struct Target<'a> {
    fixture: &'a Fixture,
    vault: &'a Vault,
    path: PathBuf,
    content: Vec<u8>,
    ids: &'a [Id],
}

impl Target<'_> {
    /// Reads the file the way the program does, with nothing cached.
    fn read(&self) -> Result<(), Error> {
        let path = self.path.to_str().unwrap();
        if path == "header" {
            return self.fixture.try_open().map(drop);
        }
        let snapshot = self.vault.snapshot()?;
        let segment = snapshot.segments().unwrap().next().unwrap();
        match path.rsplit('.').next().unwrap() {
            // Nobody verifies the blocks themselves; check vectors verify what is computed from them.
            "ckks" | "checks" => try_search(self.vault, &snapshot, &vector(0)).map(drop),
            "json" => Ok(()),
            "list" => segment.images().map(drop),
            "records" => segment.records().map(drop),
            "copy" => self.read_verified(&snapshot, path),
            "hints" => segment.hints().map(drop),
            // The tags repeat what this list holds, so a reader that has the key works without the list.
            "group" => snapshot.files().map(drop),
            "tags" => {
                for (number, id) in (0..).zip(self.ids) {
                    let found = snapshot.find_content(&self.vault.content_tag(&photo(number)))?;
                    assert_eq!(found, Some(*id), "a photo is not recognised, without an error");
                }
                self.read_verified(&snapshot, path)
            }
            "vectors" => segment.vectors().map(drop),
            "aes" => {
                let own = self.ids.iter().find(|id| path.contains(&id.to_string())).unwrap();
                snapshot.image(*own)?.photo().map(drop)
            }
            "pack" => self.read_verified(&snapshot, path),
            // What a machine reads that has seen the first generation last.
            "table" => {
                let first = Seen { generation: 1, tag: Hex([0; 64]) };
                self.vault.descent(self.vault.backend(), snapshot.signed(), &first).map(drop)
            }
            "parts" => self.ids.iter().try_for_each(|id| snapshot.image(*id)?.thumbnail().map(drop)),
            _ => panic!("{path} is not a file of a vault"),
        }
    }

    fn read_verified(&self, snapshot: &Snapshot, path: &str) -> Result<(), Error> {
        let file = snapshot.files()?.into_iter().find(|file| file.object.to_string() == path).unwrap();
        self.vault.backend().read_verified(&file).map(drop)
    }

    #[track_caller]
    fn is_refused(&self, what: std::fmt::Arguments<'_>) {
        match self.read() {
            Ok(()) => panic!("{}: {what} is accepted", self.path.display()),
            Err(error) => assert_eq!(named(error), self.path.to_str().unwrap(), "{what}"),
        }
    }

    /// The distance between two bytes that are changed. Each read of the blocks is a search, so there only a sample is
    /// changed.
    fn stride(&self) -> usize {
        match self.content.len() {
            0..100_000 => 1,
            _ => 20_011,
        }
    }
}

/// Runs `sweep` on each file of a small vault, in parallel, each on its own copy of the vault. Returns the number of
/// cases.
fn for_each_file(sweep: impl Fn(&Target<'_>) -> usize + Sync) -> usize {
    let original = Fixture::new();
    let ids = fill_grouped(&original.open(), 0..PHOTOS);
    let whole = files(&original.root());
    assert_eq!(whole.len(), 2 + 5 + 4 + 2 + 1 + PHOTOS as usize);
    let cases = whole.par_iter().map(|(path, content)| {
        let fixture = Fixture::copy_of(&original);
        let vault = fixture.open();
        let target =
            Target { fixture: &fixture, vault: &vault, path: path.clone(), content: content.clone(), ids: &ids };
        target.read().unwrap();
        sweep(&target)
    });
    cases.sum()
}

#[test]
fn changing_any_byte_is_an_error_that_names_the_file() {
    let cases = for_each_file(|target| {
        let full = target.fixture.root().join(&target.path);
        let file = File::options().write(true).open(&full).unwrap();
        let mut cases = 0;
        for at in (0..target.content.len()).step_by(target.stride()) {
            let byte = target.content[at];
            let ways = [byte ^ 0x01, byte ^ 0x80, 0];
            // To save time, each byte of the 82 kB of hints is changed in only one of the three ways.
            let ways = if target.content.len() > 50_000 { &ways[at % 3..][..1] } else { &ways };
            for &changed in ways.iter().filter(|changed| **changed != byte) {
                file.write_all_at(&[changed], at as u64).unwrap();
                target.is_refused(format_args!("byte {at} as {changed:#04x}"));
                cases += 1;
            }
            file.write_all_at(&[byte], at as u64).unwrap();
        }
        target.read().unwrap();
        cases
    });
    println!("{cases} bytes changed");
    assert!(cases > 80_000, "{cases}");
}

#[test]
fn truncated_and_extended_files_are_errors_that_name_them() {
    let cases = for_each_file(|target| {
        let full = target.fixture.root().join(&target.path);
        let mut cases = 0;
        let file = File::options().write(true).open(&full).unwrap();
        for length in (0..target.content.len()).step_by(target.stride()).rev() {
            file.set_len(length as u64).unwrap();
            target.is_refused(format_args!("{length} of {} bytes", target.content.len()));
            cases += 1;
        }
        for more in [1, 16, 4096, target.content.len()] {
            let padding: Vec<u8> = target.content.iter().copied().cycle().take(more).collect();
            for tail in [vec![0; more], padding] {
                fs::write(&full, [&target.content[..], &tail].concat()).unwrap();
                target.is_refused(format_args!("{more} bytes more"));
                cases += 1;
            }
        }
        fs::write(&full, &target.content).unwrap();
        target.read().unwrap();
        cases
    });
    println!("{cases} lengths");
    assert!(cases > 70_000, "{cases}");
}

#[test]
fn check_names_each_damaged_or_missing_file_and_the_rest_opens() {
    let fixture = Fixture::new();
    let ids = fill_grouped(&fixture.open(), 0..3);
    let whole = files(&fixture.root());
    for (path, content) in &whole {
        let full = fixture.root().join(path);
        let expected: BTreeSet<String> = [path.to_str().unwrap().to_owned()].into();
        let mut versions: Vec<Option<Vec<u8>>> = vec![None, Some(Vec::new()), Some([&content[..], b"\n"].concat())];
        versions.push(Some(content[..content.len() - 1].to_vec()));
        for at in [0, content.len() / 3, content.len() / 2, content.len() - 1] {
            let mut changed = content.clone();
            changed[at] ^= 1;
            versions.push(Some(changed));
        }
        for version in versions {
            match &version {
                None => fs::remove_file(&full).unwrap(),
                Some(bytes) => fs::write(&full, bytes).unwrap(),
            }
            assert_eq!(complaints(&fixture), expected, "{path:?} as {:?} bytes", version.map(|bytes| bytes.len()));
            let opened = fixture.try_open();
            // The vault does not open without the files at its root; any other file may be damaged.
            assert_eq!(opened.is_ok(), path.components().count() > 1, "{path:?}");
            if let Ok(vault) = opened {
                let lost = usize::from(path.starts_with("encrypted_images"));
                let unlisted = path.extension().is_some_and(|extension| extension == "list");
                assert!(unlisted || readable(&vault.snapshot().unwrap(), &ids) == ids.len() - lost, "{path:?}");
            }
            fs::write(&full, content).unwrap();
        }
    }
    assert!(complaints(&fixture).is_empty());
}

#[test]
fn of_two_swapped_files_at_least_one_is_named() {
    let fixture = Fixture::new();
    fill_grouped(&fixture.open(), 0..PHOTOS);
    let whole = files(&fixture.root());
    let paths: Vec<&PathBuf> = whole.keys().collect();
    let mut pairs = 0;
    for (at, one) in paths.iter().enumerate() {
        for another in &paths[at + 1..] {
            fs::write(fixture.root().join(one), &whole[*another]).unwrap();
            fs::write(fixture.root().join(another), &whole[*one]).unwrap();
            let named = complaints(&fixture);
            assert!(
                [one, another].iter().any(|path| named.contains(path.to_str().unwrap())),
                "{one:?} <-> {another:?}"
            );
            fs::write(fixture.root().join(one), &whole[*one]).unwrap();
            fs::write(fixture.root().join(another), &whole[*another]).unwrap();
            pairs += 1;
        }
    }
    println!("{pairs} pairs");
}

#[test]
fn a_file_from_another_vault_with_the_same_passphrase_is_named() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    fill_grouped(&fixture.open(), 0..PHOTOS);
    fill_grouped(&other.open(), 0..PHOTOS);
    let (whole, foreign) = (files(&fixture.root()), files(&other.root()));
    let mut pairs = 0;
    for (path, content) in &whole {
        for (foreign_path, foreign_content) in &foreign {
            fs::write(fixture.root().join(path), foreign_content).unwrap();
            let named = complaints(&fixture);
            // Another vault's header opens with the same passphrase, but then no other file authenticates.
            let expected = if path == Path::new("header") && foreign_path == path {
                "mapping.json"
            } else {
                path.to_str().unwrap()
            };
            assert!(named.contains(expected), "{path:?} from {foreign_path:?} of another vault: {named:?}");
            pairs += 1;
        }
        fs::write(fixture.root().join(path), content).unwrap();
    }
    println!("{pairs} pairs");
}

#[test]
fn an_old_object_put_back_is_refused() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill_grouped(&vault, 0..PHOTOS);
    let old = files(&fixture.root());
    // The same photos, added again: new ids, new keys, new files.
    remove(&vault, &ids);
    let again = fill_grouped(&vault, 0..PHOTOS);
    let new = files(&fixture.root());
    let folder_and_ending = |path: &Path| (path.parent().unwrap().to_owned(), path.extension().map(ToOwned::to_owned));
    let mut cases = 0;
    for (path, content) in &new {
        for (_, kept) in
            old.iter().filter(|(was, kept)| folder_and_ending(was) == folder_and_ending(path) && *kept != content)
        {
            fs::write(fixture.root().join(path), kept).unwrap();
            match path.to_str().unwrap() {
                "mapping.json" => assert!(matches!(fixture.try_open(), Err(Error::RolledBack { .. }))),
                name => assert!(complaints(&fixture).contains(name), "{name}"),
            }
            cases += 1;
        }
        fs::write(fixture.root().join(path), content).unwrap();
    }
    assert!(cases > 10, "{cases}");
    // Files of the old generation, under their own names: nothing reads them.
    for (path, content) in old.iter().filter(|(path, _)| !new.contains_key(*path)) {
        fs::write(fixture.root().join(path), content).unwrap();
    }
    let snapshot = fixture.open().snapshot().unwrap();
    assert_eq!(readable(&snapshot, &again), again.len());
    assert!(ids.iter().all(|id| snapshot.image(*id).is_err()), "removed photos stay removed");
}

#[test]
fn a_vault_rolled_back_is_refused_on_a_machine_that_saw_a_newer_one() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    let old = files(&fixture.root());
    fill(&vault, 1..2);
    let new = files(&fixture.root());
    restore(&fixture.root(), &old);
    let refused = fixture.try_open().err().unwrap();
    assert!(matches!(refused, Error::RolledBack { found: 2, seen: 3 }), "{refused}");
    assert!(refused.to_string().contains("--accept-older"));
    let elsewhere = Freshness::in_directory(fixture.beside("another machine"));
    // A machine that has seen nothing newer cannot know (docs/threat-model.md, rollback).
    assert!(Vault::open(vault::local(fixture.root()), &passphrase("correct"), elsewhere).is_ok());

    // It can be read, but stays an older copy until its owner accepts it.
    let read = || {
        let backend = vault::local(fixture.root());
        Vault::open(backend, &passphrase("correct"), fixture.freshness().reading()).unwrap().0
    };
    for vault in [read(), read()] {
        assert_eq!(vault.copy_age(), CopyAge::Older { found: 2, seen: 3 });
        assert_eq!(vault.snapshot().unwrap().len(), 1);
        assert!(matches!(Transaction::begin(&vault, IfLocked::Refuse), Err(Error::RolledBack { found: 2, seen: 3 })));
        let changed =
            vault.change_passphrase(&passphrase("correct"), &passphrase("new"), Cost::FLOOR, IfLocked::Refuse);
        assert!(matches!(changed, Err(Error::RolledBack { .. })));
    }
    let vault = read();
    vault.accept_older_copy().unwrap();
    assert_eq!(vault.copy_age(), CopyAge::Newest);
    fill(&vault, 5..6);
    restore(&fixture.root(), &new);
    assert!(matches!(fixture.try_open(), Err(Error::Forked { found: 3, seen: 3, .. })));
}

#[test]
fn a_header_with_any_field_changed_is_refused() {
    let fixture = Fixture::new();
    let path = fixture.root().join("header");
    let header = fs::read(&path).unwrap();
    let cases = AtomicUsize::new(0);
    let tried = |at: usize, value: &[u8]| {
        if header[at..at + value.len()] != *value {
            let mut changed = header.clone();
            changed[at..at + value.len()].copy_from_slice(value);
            fs::write(&path, changed).unwrap();
            assert_eq!(named(fixture.try_open().err().unwrap()), "header", "{value:?} at {at}");
            cases.fetch_add(1, Ordering::Relaxed);
        }
    };
    // Magic 8, version 1, kind 1, vault id 16, then the three costs, 4 bytes each.
    for kind in 0..=255 {
        tried(9, &[kind]);
        tried(8, &[kind]);
    }
    for memory_kib in [0, 8, 19 * 1024 - 1, 19 * 1024 + 1, 64 * 1024, 256 * 1024, 2 << 20, (2 << 20) + 1, u32::MAX] {
        // The largest legal value is skipped: deriving a key with it takes seconds and 2 GiB.
        if memory_kib != 2 << 20 {
            tried(26, &memory_kib.to_le_bytes());
        }
    }
    for number in (0..=17).chain([u32::MAX]) {
        tried(30, &number.to_le_bytes());
        tried(34, &number.to_le_bytes());
    }
    println!("{} headers", cases.load(Ordering::Relaxed));
    fs::write(&path, &header).unwrap();
    fixture.open();
}

#[test]
fn the_program_reports_what_the_library_finds() {
    let photos = samples(2);
    let scene = Scene::with_photos(&photos);
    let out = scene.path("out");
    for (path, content) in files(&scene.vault()) {
        let full = scene.vault().join(&path);
        let name = path.to_str().unwrap().to_owned();
        let mut changed = content.clone();
        changed[content.len() / 2] ^= 0x80;
        for version in [Some(changed), None] {
            match &version {
                Some(bytes) => fs::write(&full, bytes).unwrap(),
                None => fs::remove_file(&full).unwrap(),
            }
            let ran = scene.run(["check"]);
            let code = ran.0.status.code().unwrap();
            let said = ran.stdout() + &ran.stderr();
            let expected = match (name.as_str(), &version) {
                ("header", Some(_)) => 2,
                ("header", None) => 1,
                _ => 3,
            };
            assert_eq!(code, expected, "{name}: {said}");
            assert!(said.contains(&name) || code == 2, "{name} is not named: {said}");
            assert!(!said.contains("panicked"), "{said}");
            if name.starts_with("encrypted_images") {
                scene.run_with(&["export", "--all"], [&out]).exits(3).says(&name);
                assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "only the undamaged photo is exported");
                fs::remove_dir_all(&out).unwrap();
            }
            fs::write(&full, &content).unwrap();
        }
    }
    scene.run(["check"]).success();
}

#[test]
fn a_link_or_a_directory_in_place_of_a_file_is_damage() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..1);
    let path = fixture.root().join(format!("encrypted_images/{}.jpg.aes", ids[0]));
    let moved = fixture.beside("moved");
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    let photo = || vault.snapshot().unwrap().image(ids[0]).unwrap().photo();
    assert!(matches!(photo(), Err(Error::Damaged { .. })));
    fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink(&moved, &path).unwrap();
    assert!(matches!(photo(), Err(Error::Damaged { .. })));
}

#[test]
fn a_changed_block_gives_no_score() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..PHOTOS);
    let snapshot = vault.snapshot().unwrap();
    search(&vault, &snapshot, &vector(0));
    let blocks = segment_file(&snapshot, 0, Part::Blocks);
    let path = blocks.path(&fixture.root());
    let mut bytes = fs::read(&path).unwrap();
    bytes[1_000_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let refused = try_search(&vault, &vault.snapshot().unwrap(), &vector(0)).unwrap_err();
    assert!(matches!(&refused, Error::Damaged { object, .. } if *object == blocks), "{refused}");
}
