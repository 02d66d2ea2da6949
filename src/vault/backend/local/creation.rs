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

/// Makes the directories and the public context of a new vault. Removes what an interrupted creation left, but keeps
/// files staged for a vault with this same context, so that an interrupted copy can resume.
pub(super) fn create_directories(directories: &Directories, public_context: &[u8]) -> Result<(), Error> {
    let io = |error| Error::io(directories.path().display())(error);
    durable::create_directory(directories.path()).map_err(io)?;
    let root = directories.root().map_err(io)?;
    let context = Object::PublicContext;
    let resumes = directories.read(&context, CONTEXT_BYTES as u64).is_ok_and(|found| found == public_context);
    let stays = [&context, &Object::Writing].map(Object::file_name);
    for remains in remains_of_creation(directories, root, resumes)? {
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
    let parent = durable::parent(directories.path());
    durable::sync_directory(parent).map_err(Error::io(parent.display()))
}

/// The files that an interrupted creation left at `root`; an error when there is anything else. With `resumes`, staged
/// files are allowed too.
fn remains_of_creation(directories: &Directories, root: &Dir, resumes: bool) -> Result<Vec<String>, Error> {
    let occupied = || Error::Occupied { path: directories.path().to_owned() };
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
    for entry in root.entries().map_err(Error::io(directories.path().display()))? {
        let name = entry.name.into_string().map_err(|_| occupied())?;
        let directory = Directory::ALL.into_iter().find(|directory| directory.name() == name);
        match (directory, entry.kind) {
            (Some(directory), EntryKind::Directory) => {
                let inside = directories.dir(directory)?.entries().map_err(Error::io(directory.name()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_replacement_has_the_name_that_the_layout_gives_it() {
        for (unfinished, object) in
            [(Object::UNFINISHED_HEADER, Object::Header), (Object::UNFINISHED_MAPPING, Object::Mapping)]
        {
            assert_eq!(unfinished.to_string(), format!("{object}{}", durable::UNFINISHED));
        }
    }
}
