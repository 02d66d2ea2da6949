//! The directory of a new vault: removes what an interrupted creation left, then makes the directories and the public
//! context. The writer adds the header last; without a header there is no vault.
//!
//! Must never: replace a file that an interrupted creation cannot have left.

use super::directories::Directories;
use crate::durable;
use crate::durable::{Dir, EntryKind};
use crate::vault::error::Error;
use crate::vault::format::layout::{Directory, Object};
use crate::vault::format::parameters::CONTEXT_BYTES;

/// Refuses a place that holds anything but the remains of an interrupted creation. Makes the vault's own directory if
/// it is missing.
pub(super) fn require_free(directories: &Directories, public_context: &[u8]) -> Result<(), Error> {
    let io = |error| Error::io(directories.path().display())(error);
    durable::create_directory(directories.path()).map_err(io)?;
    let root = directories.root().map_err(io)?;
    remains_of_creation(directories, root, resumes(directories, public_context)).map(drop)
}

/// Whether files staged for a vault with this same context are there.
fn resumes(directories: &Directories, public_context: &[u8]) -> bool {
    let found = directories.read(&Object::PublicContext, CONTEXT_BYTES as u64);
    found.is_ok_and(|found| found == public_context)
}

/// Makes the directories and the public context of a new vault, under the writer's lock. Removes what an interrupted
/// creation left, but keeps files staged for a vault with this same context, so that an interrupted copy can resume.
pub(super) fn create_directories(directories: &Directories, public_context: &[u8]) -> Result<(), Error> {
    let io = |error| Error::io(directories.path().display())(error);
    let root = directories.root().map_err(io)?;
    let context = Object::PublicContext;
    let resumes = resumes(directories, public_context);
    let keeps = |remains: &Object| match remains {
        Object::Lock => true,
        Object::PublicContext | Object::Writing | Object::Journal(_) => resumes,
        _ => false,
    };
    for remains in remains_of_creation(directories, root, resumes)?.iter().filter(|remains| !keeps(remains)) {
        directories.dir_of(remains)?.remove(&remains.file_name()).map_err(Error::io(remains))?;
    }
    for directory in Directory::ALL.into_iter().chain([Directory::Journals]) {
        root.create_dir(directory.name()).map_err(Error::io(directory.name()))?;
    }
    if !resumes {
        root.replace(&context.file_name(), public_context).map_err(Error::io(context))?;
    }
    let parent = durable::parent(directories.path());
    durable::sync_directory(parent).map_err(Error::io(parent.display()))
}

/// The files that an interrupted creation left at `root`; an error when there is anything else. With `resumes`, staged
/// files are allowed too.
fn remains_of_creation(directories: &Directories, root: &Dir, resumes: bool) -> Result<Vec<Object>, Error> {
    let occupied = || Error::Occupied { path: directories.path().to_owned() };
    let left_by_creation = [
        Object::PublicContext,
        Object::UNFINISHED_PUBLIC_CONTEXT,
        Object::SecretContext,
        Object::Mapping,
        Object::UNFINISHED_MAPPING,
        Object::UNFINISHED_HEADER,
        Object::Writing,
        Object::Lock,
    ];
    let mut remains = Vec::new();
    for entry in root.entries().map_err(Error::io(directories.path().display()))? {
        let name = entry.name.into_string().map_err(|_| occupied())?;
        let mut known = Directory::ALL.into_iter().chain([Directory::Journals]);
        let directory = known.find(|directory| directory.name() == name);
        match (directory, entry.kind) {
            (Some(Directory::Journals), EntryKind::Directory) => {
                let io = Error::io(Directory::Journals.name());
                for journal in directories.dir(Directory::Journals)?.entries().map_err(io)? {
                    let journal = journal.name.to_str().and_then(|name| Directory::Journals.object(name));
                    remains.push(journal.ok_or_else(occupied)?);
                }
            }
            (Some(directory), EntryKind::Directory) => {
                let inside = directories.dir(directory)?.entries().map_err(Error::io(directory.name()))?;
                if !resumes && !inside.is_empty() {
                    return Err(occupied());
                }
            }
            (None, EntryKind::File) => {
                let left = left_by_creation.iter().find(|object| object.to_string() == name);
                remains.push(left.cloned().ok_or_else(occupied)?);
            }
            _ => return Err(occupied()),
        }
    }
    Ok(remains)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_replacement_has_the_name_that_the_layout_gives_it() {
        for (unfinished, object) in [
            (Object::UNFINISHED_HEADER, Object::Header),
            (Object::UNFINISHED_MAPPING, Object::Mapping),
            (Object::UNFINISHED_PUBLIC_CONTEXT, Object::PublicContext),
        ] {
            assert_eq!(unfinished.to_string(), format!("{object}{}", durable::UNFINISHED));
        }
    }
}
