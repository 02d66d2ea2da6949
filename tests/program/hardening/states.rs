//! The state of a vault on disk as its owner sees it: which passphrases open it, and which photos it returns. Two
//! vaults with the same answers are in the same state.

use std::collections::BTreeSet;
use std::path::Path;

use cipherlens::cipher::Passphrase;
use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, Abandoned, Error, Freshness, Vault};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub(crate) const FIRST_PASSPHRASE: &str = "correct horse battery staple";
pub(crate) const SECOND_PASSPHRASE: &str = "a quite different one";

/// A vault as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// There is no header.
    NoVault,
    /// The passphrases that open it, and the photos: name and SHA-256 of each.
    Vault(Vec<&'static str>, BTreeSet<(String, Vec<u8>)>),
}

/// The program's record of the generations that it has seen, below a user's home.
pub(crate) fn freshness(home: &Path) -> Freshness {
    Freshness::in_directory(home.join(".local/state/cipherlens/freshness"))
}

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(&Zeroizing::new(text.as_bytes().to_vec())).unwrap()
}

/// The state of the vault `photos.vault` in `folder`, which also holds `home`. Fails the test if the vault is damaged,
/// or if the next writer cannot clean up and write to it.
pub(crate) fn state(folder: &Path, when: &str) -> State {
    let root = folder.join("photos.vault");
    let open = |text| Vault::open(vault::local(&root), &passphrase(text), freshness(&folder.join("home")));
    let (mut texts, mut vault) = (Vec::new(), None);
    for text in [FIRST_PASSPHRASE, SECOND_PASSPHRASE] {
        match open(text) {
            Ok((opened, _)) => {
                texts.push(text);
                vault = Some(opened);
            }
            Err(Error::WrongPassphrase) => {}
            Err(Error::NotAVault { .. }) => return State::NoVault,
            Err(error) => panic!("{when}: {error}"),
        }
    }
    let vault = vault.unwrap_or_else(|| panic!("{when}: no passphrase opens it"));
    let report = vault.check(&|_| {}).unwrap();
    assert!(report.is_whole(), "{when}: {:?}", report.damages);
    let writer = vault.backend().writer(Abandoned::Remove).unwrap();
    let cleaned = writer.lock(IfLocked::Refuse).and_then(|_| writer.remove_abandoned());
    cleaned.unwrap_or_else(|error| panic!("{when}: {error}"));
    drop(writer);
    let tidied = vault.check(&|_| {}).unwrap();
    assert!(tidied.is_whole() && tidied.leftovers.is_empty(), "{when}: {:?}", tidied.leftovers);
    let snapshot = vault.snapshot().unwrap();
    let photos = (0..snapshot.len()).map(|at| {
        let image = snapshot.image_at(at).unwrap();
        (image.name().unwrap().into_owned(), Sha256::digest(&*image.photo().unwrap()).to_vec())
    });
    State::Vault(texts, photos.collect())
}
