//! A commit of a mapping together with a header, killed at every step: the header is the old one or the new one, and
//! the new one never without its mapping.
//!
//! The tracer follows this test binary itself, which is started again with one test and makes the commit there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cipherlens::cipher::{Cost, MasterKey};
use cipherlens::durable::IfLocked;
use cipherlens::vault::format::header;
use cipherlens::vault::format::sealed::VaultKeys;
use cipherlens::vault::{self, Abandoned, Digest, Error, Freshness, Id, Object, SignedMapping, Vault};

use crate::support::scene::copy_folder;
use crate::support::tracer;
use crate::support::tracer::{Call, End, Fate, Kind};
use crate::support::vault_fixture::{Fixture, fill, passphrase};

const PLACE: &str = "VAULT_OF_A_HEADER_COMMIT";
const NAME: &str = "hardening::header_commit::a_header_is_replaced_after_the_mapping_and_with_it";

fn keys(root: &Path, text: &str) -> (Id, MasterKey) {
    let header = vault::local(root).read(&Object::Header, 1 << 16).unwrap();
    header::open(&header, &passphrase(text)).unwrap()
}

/// Commits the next generation with a header for another passphrase.
fn commit(root: &Path) {
    let backend = vault::local(root);
    let (id, master) = keys(root, "correct");
    let new = header::seal(id, &master, &passphrase("another"), Cost::FLOOR).unwrap();
    let keys = VaultKeys::new(id, master);
    let writer = backend.writer(Abandoned::Remove).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    let current = backend.mapping().unwrap();
    let mapping = current.mapping.with_header(current.tag, Digest::of(&[&new]), Vec::new());
    writer.commit(&SignedMapping::sign(mapping, &keys), Some(&new)).unwrap();
    writer.unlock();
}

/// Generation and passphrase of the vault at `root`, which must be whole.
fn state(root: &Path) -> (u64, &'static str) {
    let open = |text| Vault::open(vault::local(root), &passphrase(text), Freshness::unrecorded());
    let (text, opened) = match open("correct") {
        Err(Error::WrongPassphrase) => ("another", open("another")),
        opened => ("correct", opened),
    };
    let (vault, snapshot) = opened.unwrap();
    assert!(vault.check(&|_| {}).unwrap().is_whole());
    (snapshot.mapping().generation, text)
}

#[test]
fn a_header_is_replaced_after_the_mapping_and_with_it() {
    if let Some(place) = std::env::var_os(PLACE) {
        return commit(Path::new(&place));
    }
    let fixture = Fixture::new();
    fill(&fixture.open(), 0..1);
    let traced = |decide: &mut dyn FnMut(&Path, &Call) -> Fate| {
        let machine = tempfile::tempdir().unwrap();
        let root = machine.path().join("vault");
        copy_folder(&fixture.root(), &root);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", NAME]).env(PLACE, &root).stdout(Stdio::null());
        let end = tracer::run(command, &root.clone(), |call| decide(&root, call));
        (machine, root, end)
    };
    let (mut calls, mut states) = (Vec::new(), Vec::new());
    let (_machine, root, end) = traced(&mut |root, call| {
        calls.push((call.kind, call.path.strip_prefix(root).unwrap().to_owned()));
        states.push((state(root), fs::read(root.join("header.new")).ok()));
        Fate::Happens
    });
    assert_eq!(end, End::Exit(0));
    assert_eq!(state(&root), (3, "another"));
    assert!(!root.join("header.new").exists());
    let place = |kind, name: &str| calls.iter().position(|call| *call == (kind, PathBuf::from(name))).unwrap();
    let (prepared, mapping) = (place(Kind::Rename, "header.new"), place(Kind::Rename, "mapping.json"));
    let header = place(Kind::Rename, "header");
    assert!(prepared < mapping && mapping < header, "{calls:?}");
    let synced = |from: usize, until: usize, name: &str| calls[from..until].contains(&(Kind::Sync, name.into()));
    let is_header = |path: &Path| path.starts_with("claims") && path.extension().is_some_and(|end| end == "header");
    assert!(calls[..prepared].iter().any(|(kind, path)| *kind == Kind::Sync && is_header(path)), "{calls:?}");
    assert!(synced(prepared, mapping, ""), "{calls:?}");
    assert!(synced(mapping, header, "") && synced(header, calls.len(), ""), "{calls:?}");
    // The mapping says which header counts: while the old one has still its name, the new one is found under the other.
    assert!(states.iter().all(|(state, _)| [(2, "correct"), (3, "another")].contains(state)));
    assert!((mapping + 1..=header).all(|at| states[at].0 == (3, "another") && states[at].1.is_some()), "{states:?}");

    for at in 0..calls.len() {
        let mut seen = 0;
        let (_machine, root, end) = traced(&mut |_, _| {
            seen += 1;
            if seen == at + 1 { Fate::Kills } else { Fate::Happens }
        });
        assert!(matches!(end, End::Signal(_)), "{end:?}");
        assert_eq!(state(&root), states[at].0, "killed before {:?}", calls[at]);
    }
}
