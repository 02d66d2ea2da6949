//! The journal of a local vault's writer: keeps `writing` on the disk (see `format::journal`).
//!
//! A name is durable here before its file is created, and before the commit that makes its file obsolete. The next
//! writer may remove files that are listed here and not referenced by the current mapping. No other file is removed
//! just because it is unknown. The journal is not authenticated: adding names to it can only get unreferenced files
//! removed.
//!
//! Must never: be replaced while it lists anything.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};

use crate::durable::Dir;
use crate::vault::format::journal;
use crate::vault::format::journal::LARGEST_BYTES;
use crate::vault::format::layout::Object;

/// The journal of the one writer.
pub(super) struct Journal {
    file: File,
    listed: HashSet<Object>,
}

impl Journal {
    /// Opens the journal in the vault's directory, or creates one. Also returns whether it was created.
    pub(super) fn open(root: &Dir) -> io::Result<(Self, bool)> {
        if let Some(listed) = read(root)? {
            if let Some(file) = root.open_file_to_change(&name())? {
                return Ok((Self { file, listed }, false));
            }
            // A link or anything else here is not the vault's file. Removing a link leaves its target alone.
            root.remove(&name())?;
        }
        let file = root.create_file(&name())?;
        root.sync()?;
        Ok((Self { file, listed: HashSet::new() }, true))
    }

    /// Whether `object` is listed.
    pub(super) fn lists(&self, object: &Object) -> bool {
        self.listed.contains(object)
    }

    /// Lists `objects`, durably. Files outside the three directories are never left over, and are not listed.
    pub(super) fn list(&mut self, objects: &[Object]) -> io::Result<()> {
        let is_new = |object: &&Object| object.directory().is_some() && !self.listed.contains(*object);
        let new: Vec<&Object> = objects.iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.file.write_all(journal::encode(new.iter().copied()).as_bytes())?;
        self.file.sync_data()?;
        self.listed.extend(new.into_iter().cloned());
        Ok(())
    }
}

/// What the journal in the vault's directory lists; `None` when there is none. Ignores lines that are not the name of a
/// file in the three directories.
pub(super) fn read(root: &Dir) -> io::Result<Option<HashSet<Object>>> {
    let file = match root.open_file(&name()) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(Some(HashSet::new())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() > LARGEST_BYTES {
        log::warn!("the list of unfinished files is too large; it is ignored");
        return Ok(Some(HashSet::new()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(journal::decode(&bytes)))
}

fn name() -> String {
    Object::Writing.file_name()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::vault::format::hex::Id;

    fn thumbnail() -> Object {
        Object::Thumbnail(Id::random().unwrap())
    }

    #[test]
    fn listed_names_and_no_others_are_read_back() {
        let place = tempfile::tempdir().unwrap();
        let root = Dir::open(place.path()).unwrap();
        assert_eq!(read(&root).unwrap(), None);
        let (mut journal, is_new) = Journal::open(&root).unwrap();
        assert!(is_new);
        let (one, another) = (thumbnail(), thumbnail());
        journal.list(&[one.clone(), Object::Header, Object::PublicContext]).unwrap();
        journal.list(std::slice::from_ref(&one)).unwrap();
        assert!(journal.lists(&one) && !journal.lists(&another) && !journal.lists(&Object::Header));
        assert_eq!(fs::read(place.path().join("writing")).unwrap(), format!("\n{one}\n").into_bytes());

        let (mut journal, is_new) = Journal::open(&root).unwrap();
        assert!(!is_new && journal.lists(&one));
        journal.list(std::slice::from_ref(&another)).unwrap();
        assert_eq!(read(&root).unwrap(), Some(HashSet::from([one, another])));
    }

    #[test]
    fn a_line_truncated_by_a_crash_is_ignored_and_later_lines_are_read() {
        let place = tempfile::tempdir().unwrap();
        let root = Dir::open(place.path()).unwrap();
        let (one, another) = (thumbnail(), thumbnail());
        for cut in ["", "\n", &one.to_string()[..30], &one.to_string()] {
            fs::write(place.path().join("writing"), cut).unwrap();
            assert_eq!(read(&root).unwrap(), Some(HashSet::new()), "{cut:?}");
            let (mut journal, _) = Journal::open(&root).unwrap();
            journal.list(std::slice::from_ref(&another)).unwrap();
            assert!(read(&root).unwrap().unwrap().contains(&another), "{cut:?}");
        }
        fs::write(place.path().join("writing"), b"\xFF\n../header\nheader\nmapping.json\nencrypted_images/x\n")
            .unwrap();
        assert_eq!(read(&root).unwrap(), Some(HashSet::new()));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_the_journal_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("target");
        fs::write(&target, format!("{}\n", thumbnail())).unwrap();
        let before = fs::read(&target).unwrap();
        std::os::unix::fs::symlink(&target, place.path().join("writing")).unwrap();
        let root = Dir::open(place.path()).unwrap();
        assert_eq!(read(&root).unwrap(), Some(HashSet::new()));
        let (mut journal, is_new) = Journal::open(&root).unwrap();
        journal.list(&[thumbnail()]).unwrap();
        assert!(is_new);
        assert_eq!(fs::read(&target).unwrap(), before);
    }
}
