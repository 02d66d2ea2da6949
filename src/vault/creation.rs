//! Making an empty vault: everything else first, the header last, because without a header there is no vault.
//!
//! Must never: replace a file that an interrupted creation cannot have left.

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
use crate::ckks::{CONTEXT_BYTES, PublicContext, SecretContext};
use crate::durable;
use crate::durable::{Dir, EntryKind, IfLocked};

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
    let io = |error| Error::io(store.root().display())(error);
    durable::create_directory(store.root()).map_err(io)?;
    let root = store.root_dir().map_err(io)?;
    let context = Object::PublicContext;
    let resumes = store.read(&context, CONTEXT_BYTES as u64).is_ok_and(|found| found == public_context);
    let stays = [&context, &Object::Writing].map(Object::file_name);
    for remains in remains_of_creation(store, root, resumes)? {
        if !(resumes && stays.contains(&remains)) {
            root.remove(&remains).map_err(io)?;
        }
    }
    for directory in Directory::ALL {
        root.create_dir(directory.name()).map_err(Error::io(directory.name()))?;
    }
    if !resumes {
        root.replace(&context.file_name(), public_context).map_err(Error::io(context))?;
    }
    let parent = durable::parent(store.root());
    durable::sync_directory(parent).map_err(Error::io(parent.display()))?;
    DirectoryWriter::begin(store, IfLocked::Refuse, abandoned)
}

/// The files that an interrupted creation left at `root`; an error when there is anything else. `resumes` says that
/// staged files may be there too.
fn remains_of_creation(store: &Store, root: &Dir, resumes: bool) -> Result<Vec<String>, Error> {
    let occupied = || Error::Occupied { path: store.root().to_owned() };
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
    for entry in root.entries().map_err(Error::io(store.root().display()))? {
        let name = entry.name.into_string().map_err(|_| occupied())?;
        let directory = Directory::ALL.into_iter().find(|directory| directory.name() == name);
        match (directory, entry.kind) {
            (Some(directory), EntryKind::Directory) => {
                let inside = store.dir(directory)?.entries().map_err(Error::io(directory.name()))?;
                if !resumes && !inside.is_empty() {
                    return Err(occupied());
                }
            }
            (None, EntryKind::File) if left_by_creation.contains(&name) => remains.push(name),
            _ => return Err(occupied()),
        }
    }
    Ok(remains)
}
