//! The directory of a new vault: removes what an interrupted creation left, then makes the directories. The file `lock`
//! has the vault's id, so that an interrupted copy of the same vault can resume. The writer adds the header last;
//! without a header there is no vault.
//!
//! Must never: replace a file that an interrupted creation cannot have left.

use std::io::Write;

use super::claims;
use super::directories::Directories;
use crate::durable;
use crate::durable::{Dir, EntryKind};
use crate::vault::error::Error;
use crate::vault::format::hex::Id;
use crate::vault::format::layout::{CLAIMS, Directory, Object};
use crate::vault::format::limits::largest_bytes;

/// Refuses a place that holds anything but the remains of an interrupted creation. Makes the vault's own directory if
/// it is missing.
pub(super) fn require_free(directories: &Directories, vault: Id) -> Result<(), Error> {
    let io = |error| Error::io(directories.path().display())(error);
    durable::create_directory(directories.path()).map_err(io)?;
    let root = directories.root().map_err(io)?;
    remains_of_creation(directories, root, resumes(directories, vault)).map(drop)
}

/// Whether files staged for this same vault are there.
fn resumes(directories: &Directories, vault: Id) -> bool {
    let found = directories.read(&Object::Lock, largest_bytes(&Object::Lock));
    found.is_ok_and(|found| found == vault.to_string().as_bytes())
}

/// Makes the directories of a new vault, under the writer's lock. Removes what an interrupted creation left, but keeps
/// files staged for this same vault, so that an interrupted copy can resume.
pub(super) fn create_directories(directories: &Directories, vault: Id) -> Result<(), Error> {
    let io = |error| Error::io(directories.path().display())(error);
    let root = directories.root().map_err(io)?;
    let resumes = resumes(directories, vault);
    let keeps = |remains: &Object| match remains {
        Object::Lock => true,
        Object::Journal(_) => resumes,
        _ => false,
    };
    for remains in remains_of_creation(directories, root, resumes)?.iter().filter(|remains| !keeps(remains)) {
        directories.dir_of(remains)?.remove(&remains.file_name()).map_err(Error::io(remains))?;
    }
    for directory in Directory::ALL.into_iter().chain([Directory::Journals]) {
        root.create_dir(directory.name()).map_err(Error::io(directory.name()))?;
    }
    if !resumes {
        let lock = Object::Lock;
        let file = root.open_file_to_change(&lock.file_name()).map_err(Error::io(&lock))?;
        let mut file = file.ok_or(Error::Damaged { object: lock.clone(), what: "it is not a regular file" })?;
        let written = file.set_len(0).and_then(|()| file.write_all(vault.to_string().as_bytes()));
        written.and_then(|()| file.sync_data()).map_err(Error::io(&lock))?;
    }
    let parent = durable::parent(directories.path());
    durable::sync_directory(parent).map_err(Error::io(parent.display()))
}

/// The files that an interrupted creation left at `root`; an error when there is anything else. With `resumes`, staged
/// files are allowed too.
fn remains_of_creation(directories: &Directories, root: &Dir, resumes: bool) -> Result<Vec<Object>, Error> {
    let occupied = || Error::Occupied { path: directories.path().to_owned() };
    let left_by_creation = [Object::Mapping, Object::UNFINISHED_MAPPING, Object::UNFINISHED_HEADER, Object::Lock];
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
            (None, EntryKind::Directory) if name == CLAIMS => {
                let inside = root.open_dir(CLAIMS).and_then(|claims| claims.entries()).map_err(Error::io(CLAIMS))?;
                // They stay: the first commit takes over what an interrupted one has claimed.
                if !inside.iter().all(|claim| claims::is_name(&claim.name)) {
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
        for (unfinished, object) in
            [(Object::UNFINISHED_HEADER, Object::Header), (Object::UNFINISHED_MAPPING, Object::Mapping)]
        {
            assert_eq!(unfinished.to_string(), format!("{object}{}", durable::UNFINISHED));
        }
    }
}
