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
use super::storage::{Abandoned, Storage};
use super::store::Store;
use super::writer::DirectoryWriter;
use crate::cipher::{Cost, KeyTree, MasterKey, Passphrase};
use crate::ckks::{PublicContext, SecretContext};
use crate::durable;
use crate::durable::IfLocked;

/// Makes the files of an empty vault, durably, at a place that has none.
pub(super) fn create(
    place: &dyn Storage,
    passphrase: &Passphrase,
    cost: Cost,
    space: FeatureSpace,
    freshness: &Freshness,
) -> Result<(), Error> {
    space.check_lengths()?;
    let public = PublicContext::generate()?.to_bytes();
    let (vault, master) = (Id::random()?, MasterKey::generate()?);
    let header = header::seal(vault, &master, passphrase, cost)?;
    let tree = KeyTree::new(master, vault.0);
    let secret = objects::seal(&tree, vault, &Sealed::SecretContext, &SecretContext::generate()?.to_bytes())?;
    let digests = (Digest::of(&[&public]), Digest::of(&secret.parts()));
    let mapping = signed(&tree, Mapping::first(vault, space, digests.0, digests.1));
    let writer = place.found(&public, Abandoned::Remove)?;
    writer.stage(&Object::SecretContext, &secret.parts())?;
    writer.commit(&mapping)?;
    writer.replace_header(&header)?;
    writer.discard(&[Object::Writing]);
    freshness.remember(&mapping)
}

/// Makes the directories and the public context of a vault at `store`, where there is none, and becomes its writer. What
/// an interrupted creation left is removed; files that were staged for a vault with this very context stay, so that a
/// copy that was interrupted goes on.
pub(super) fn found(store: &Store, public_context: &[u8], abandoned: Abandoned) -> Result<DirectoryWriter, Error> {
    let root = store.root();
    let io = |error| Error::io(root.display())(error);
    durable::create_directory(root).map_err(io)?;
    let context = Object::PublicContext.path(root);
    let resumes = fs::read(&context).is_ok_and(|found| found == public_context);
    for remains in remains_of_creation(root, resumes)? {
        if !(resumes && remains == context) {
            fs::remove_file(&remains).map_err(io)?;
        }
    }
    for directory in Directory::ALL {
        durable::create_directory(&root.join(directory.name())).map_err(Error::io(directory.name()))?;
    }
    if !resumes {
        durable::replace(&context, public_context).map_err(Error::io(Object::PublicContext))?;
    }
    let parent = root.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    durable::sync_directory(parent).map_err(Error::io(parent.display()))?;
    DirectoryWriter::begin(store, IfLocked::Refuse, abandoned)
}

/// The files that an interrupted creation left at `root`; an error when there is anything else. `resumes` says that
/// staged files may be there too.
fn remains_of_creation(root: &Path, resumes: bool) -> Result<Vec<PathBuf>, Error> {
    let occupied = || Error::Occupied { path: root.to_owned() };
    let io = |error| Error::io(root.display())(error);
    let left_by_creation = [
        Object::PublicContext.to_string(),
        format!("{}{}", Object::PublicContext, durable::UNFINISHED),
        Object::SecretContext.to_string(),
        Object::Mapping.to_string(),
        Object::UNFINISHED_MAPPING.to_string(),
        Object::UNFINISHED_HEADER.to_string(),
        Object::Writing.to_string(),
    ];
    let mut remains = Vec::new();
    for entry in fs::read_dir(root).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().into_string().map_err(|_| occupied())?;
        let is_directory = entry.file_type().map_err(io)?.is_dir();
        if is_directory && Directory::ALL.iter().any(|directory| directory.name() == name) {
            if !resumes && fs::read_dir(entry.path()).map_err(io)?.next().is_some() {
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
