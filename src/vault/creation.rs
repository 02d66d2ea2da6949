//! Making an empty vault: everything else first, the header last, because without a header there is no vault.
//!
//! Must never: replace a file that an interrupted creation cannot have left.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::freshness::Freshness;
use super::header;
use super::hex::{Digest, Id};
use super::layout::{Directory, Object};
use super::mapping::{FeatureSpace, Mapping};
use super::objects;
use super::objects::Sealed;
use super::signed;
use crate::cipher::{Cost, KeyTree, MasterKey, Passphrase};
use crate::ckks::{PublicContext, SecretContext};
use crate::durable;
use crate::durable::Unsynced;

/// Makes the files of an empty vault, durably.
pub(super) fn create(
    root: &Path,
    passphrase: &Passphrase,
    cost: Cost,
    space: FeatureSpace,
    freshness: &Freshness,
) -> Result<(), Error> {
    let io = |error| Error::io(root.display())(error);
    space.check_lengths()?;
    durable::create_directory(root).map_err(io)?;
    for remains in remains_of_creation(root)? {
        fs::remove_file(&remains).map_err(io)?;
    }
    let (vault, master) = (Id::random()?, MasterKey::generate()?);
    let header = header::seal(vault, &master, passphrase, cost)?;
    let tree = KeyTree::new(master, vault.0);

    let unsynced = Unsynced::default();
    let write = |object: Object, parts: &[&[u8]]| {
        unsynced.write(&object.path(root), parts).map_err(Error::io(&object))?;
        Ok::<_, Error>(Digest::of(parts))
    };
    for directory in Directory::ALL {
        durable::create_directory(&root.join(directory.name())).map_err(Error::io(directory.name()))?;
    }
    let public = write(Object::PublicContext, &[&PublicContext::generate()?.to_bytes()])?;
    let secret = objects::seal(&tree, vault, &Sealed::SecretContext, &SecretContext::generate()?.to_bytes())?;
    let secret = write(Object::SecretContext, &secret.parts())?;
    let mapping = signed(&tree, Mapping::first(vault, space, public, secret));
    write(Object::Mapping, &[mapping.text().as_bytes()])?;
    unsynced.sync().map_err(io)?;
    durable::sync_directory(root).map_err(io)?;
    durable::replace(&Object::Header.path(root), &header).map_err(Error::io(Object::Header))?;
    let parent = root.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    durable::sync_directory(parent).map_err(Error::io(parent.display()))?;
    freshness.remember(&mapping)
}

/// The files that an interrupted creation left at `root`; an error when there is anything else.
fn remains_of_creation(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let occupied = || Error::Occupied { path: root.to_owned() };
    let io = |error| Error::io(root.display())(error);
    let left_by_creation = [Object::PublicContext, Object::SecretContext, Object::Mapping, Object::UNFINISHED_HEADER]
        .map(|object| object.to_string());
    let mut remains = Vec::new();
    for entry in fs::read_dir(root).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().into_string().map_err(|_| occupied())?;
        let is_directory = entry.file_type().map_err(io)?.is_dir();
        if is_directory && Directory::ALL.iter().any(|directory| directory.name() == name) {
            if fs::read_dir(entry.path()).map_err(io)?.next().is_some() {
                return Err(occupied());
            }
        } else if !is_directory && left_by_creation.contains(&name) {
            remains.push(entry.path());
        } else {
            return Err(occupied());
        }
    }
    Ok(remains)
}
