//! Row "restoring": a copy that lies about its files restores nothing and destroys nothing, and a restoration that is
//! killed at any step, or whose disk fails at any, leaves the vault no worse than it was.
//!
//! The tracer follows this test binary itself, which is started again with one test and restores there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use cipherlens::durable::IfLocked;
use cipherlens::vault::{
    self, Abandoned, Backend, Digest, Directory, Error, Freshness, Id, Leftovers, Listed, Object, Restored,
    SignedMapping, Vault, Writer,
};
use nix::errno::Errno;

use crate::support::scene::copy_folder;
use crate::support::tracer;
use crate::support::tracer::{End, Fate, Kind};
use crate::support::vault_fixture::{Fixture, clean_up, files, fill, flip, passphrase};

/// How a copy lies.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// About the content, after the right digest.
    Content,
    /// The content ends before its length.
    End,
    /// A length that no file of this name has.
    Length,
}

/// A copy that knows the right digests and sends something else.
struct Liar(Arc<dyn Backend>, Lie);

impl Backend for Liar {
    fn require_vault(&self) -> Result<(), Error> {
        self.0.require_vault()
    }

    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error> {
        self.0.read(object, limit)
    }

    fn read_at(&self, object: &Object, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        let mut read = self.0.read_at(object, offset, bytes)?;
        match self.1 {
            Lie::Content => read[0] ^= 1,
            Lie::End if offset > 0 => read.clear(),
            Lie::End => read.truncate(10),
            Lie::Length => {}
        }
        Ok(read)
    }

    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error> {
        let mut listed = self.0.list(directory)?;
        if matches!(self.1, Lie::Length) {
            listed.iter_mut().for_each(|one| one.bytes = 1 << 50);
        }
        Ok(listed)
    }

    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, Error> {
        self.0.leftovers(newest)
    }

    fn writer(&self, _: Abandoned) -> Result<Box<dyn Writer>, Error> {
        panic!("the other copy is not changed")
    }

    fn create(&self, _: Id, _: Abandoned) -> Result<Box<dyn Writer>, Error> {
        panic!("the other copy is not changed")
    }

    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, Error> {
        self.0.digests(objects)
    }
}

fn restore(vault: &Vault, other: &dyn Backend) -> Result<Restored, Error> {
    vault::restore(vault, other, IfLocked::Refuse, &|_| {})
}

#[test]
fn a_file_that_is_too_large_is_not_even_begun() {
    let (source, target) = (Fixture::new(), Fixture::new());
    fill(&source.open(), 0..1);
    let from = Liar(vault::local(source.root()), Lie::Length);
    let mut files = vault::named_files(&from, &from.mapping().unwrap().mapping).unwrap();
    files.retain(|file| matches!(file.object, Object::Photo(..)));
    let files = vault::with_sizes(&from, files).unwrap();
    let writer = vault::local(target.root()).writer(Abandoned::Keep).unwrap();
    let before = crate::support::vault_fixture::files(&target.root());
    let refused = vault::copy_files(&from, &*writer, &files, &|_, _| {});
    assert!(matches!(refused, Err(Error::TooLarge { actual, .. }) if actual == 1 << 50), "{refused:?}");
    assert_eq!(crate::support::vault_fixture::files(&target.root()), before, "not even a journal");
}

/// All files but the header and the mapping.
fn with_history(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(root).into_iter().filter(|(path, _)| path.components().count() > 1).collect()
}

/// The same without the history, to which every commit adds.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_history = |path: &Path| path.extension().is_some_and(|extension| extension == "table");
    with_history(root).into_iter().filter(|(path, _)| !is_history(path)).collect()
}

#[test]
fn a_copy_that_lies_restores_nothing_and_destroys_nothing() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..2);
    let (copy, altered) = (Fixture::copy_of(&fixture), Fixture::copy_of(&fixture));
    let whole = with_history(&copy.root());
    for path in whole.keys() {
        flip(&fixture.root().join(path));
        fs::write(altered.root().join(path), "something else").unwrap();
    }
    let before = files(&fixture.root());
    let right = vault::local(copy.root());
    let liars: [Box<dyn Backend>; 3] =
        [Lie::Content, Lie::End, Lie::Length].map(|lie| Box::new(Liar(Arc::clone(&right), lie)) as Box<dyn Backend>);
    let wrong = vault::local(altered.root());
    // Behind the damaged list of images are two more files, which are not known.
    let known = whole.len() - 2;
    for (case, other) in liars.iter().map(|liar| &**liar).chain([&*wrong]).enumerate() {
        let outcome = restore(&vault, other).unwrap();
        assert!(outcome.restored.is_empty(), "case {case}: {:?}", outcome.restored);
        assert_eq!(outcome.lacking.len(), known, "case {case}");
        let is_named = |cause: &Error| matches!(cause, Error::Damaged { .. } | Error::TooLarge { .. });
        assert!(outcome.lacking.iter().all(|one| is_named(&one.cause)), "case {case}: {:?}", outcome.lacking);
        assert_eq!(files(&fixture.root()), before, "case {case}");
    }
    // The same copy, if it does not lie.
    assert_eq!(restore(&vault, &*right).unwrap().restored.len(), whole.len());
    assert!(contents(&fixture.root()) == contents(&copy.root()));
}

const PLACE: &str = "FOLDER_OF_A_RESTORATION";
const NAME: &str = "hardening::restoring::a_restoration_that_is_killed_or_fails_leaves_the_vault_no_worse";

fn open(root: &Path) -> Vault {
    Vault::open(vault::local(root), &passphrase("correct"), Freshness::unrecorded()).unwrap().0
}

/// Which of the files that were `damaged` are whole now. All others must be what they were.
fn restored_so_far(root: &Path, whole: &BTreeMap<PathBuf, Vec<u8>>, damaged: &[PathBuf]) -> Vec<PathBuf> {
    let now = files(root);
    for (path, content) in whole.iter().filter(|(path, _)| !damaged.contains(path)) {
        assert!(now.get(path) == Some(content), "{} was whole", path.display());
    }
    damaged.iter().filter(|path| now.get(*path) == whole.get(*path)).cloned().collect()
}

#[test]
fn a_restoration_that_is_killed_or_fails_leaves_the_vault_no_worse() {
    if let Some(place) = std::env::var_os(PLACE) {
        let folder = Path::new(&place);
        // Errors are part of the test.
        let _ = restore(&open(&folder.join("vault")), &*vault::local(folder.join("copy")));
        return;
    }
    let fixture = Fixture::new();
    fill(&fixture.open(), 0..2);
    let whole = contents(&fixture.root());
    let with_ending =
        |ending: &str| whole.keys().find(|path| path.to_str().unwrap().ends_with(ending)).unwrap().clone();
    // A list, which hides the original, a pack, and blocks.
    let damaged = [".jpg.aes", ".list", ".pack", ".ckks"].map(with_ending);
    let machine = || {
        let machine = tempfile::tempdir().unwrap();
        copy_folder(&fixture.root(), &machine.path().join("copy"));
        copy_folder(&fixture.root(), &machine.path().join("vault"));
        for path in &damaged[..3] {
            flip(&machine.path().join("vault").join(path));
        }
        fs::remove_file(machine.path().join("vault").join(&damaged[3])).unwrap();
        machine
    };
    let traced = |decide: &mut dyn FnMut(Kind) -> Fate| {
        let machine = machine();
        let root = machine.path().join("vault");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", NAME]).env(PLACE, machine.path()).stdout(Stdio::null());
        let end = tracer::run(command, &root, |call| decide(call.kind));
        (machine, root, end)
    };
    let mut calls = Vec::new();
    let (_machine, root, end) = traced(&mut |kind| {
        calls.push(kind);
        Fate::Happens
    });
    assert_eq!(end, End::Exit(0));
    assert!(contents(&root) == whole, "the control");
    assert!(calls.len() > 20, "{calls:?}");
    let mut counts = std::collections::BTreeSet::new();
    for (at, kind) in calls.iter().enumerate() {
        // One or the other at each call, and both at calls of each kind: they repeat with every file.
        let is_killed = (at + at / 8) % 2 == 0;
        let mut seen = 0;
        let fails = match kind {
            Kind::Create | Kind::Write | Kind::Rename | Kind::MakeDirectory => Errno::ENOSPC,
            Kind::Open | Kind::Sync | Kind::Remove => Errno::EIO,
        };
        let fate = if is_killed { Fate::Kills } else { Fate::Fails(fails) };
        let (machine, root, end) = traced(&mut |_| {
            seen += 1;
            if seen == at + 1 { fate } else { Fate::Happens }
        });
        assert_eq!(matches!(end, End::Signal(_)), is_killed, "{end:?}");
        let so_far = restored_so_far(&root, &whole, &damaged);
        counts.insert(so_far.len());
        // The next writer removes what was left half done, and nothing of what was restored.
        let vault = open(&root);
        clean_up(&vault);
        assert_eq!(restored_so_far(&root, &whole, &damaged), so_far, "call {at}, {kind:?}");
        drop(restore(&vault, &*vault::local(machine.path().join("copy"))).unwrap());
        assert!(contents(&root) == whole, "repeated after call {at}, {kind:?}: {:?}", files(&root).keys());
        let report = vault.check(&|_| {}).unwrap();
        assert!(report.is_whole() && report.leftovers.is_empty());
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4], "each file by itself");
}
