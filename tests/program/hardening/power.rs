//! Simulates a power cut: a model of a disk that keeps what was synced and loses everything else.
//!
//! A file keeps its content as of its last fsync, and a directory its names as of its own (POSIX.1-2024 `fsync`). A
//! journal may keep more, so there is a second outcome, in which every name is kept but unsynced content is not.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::support::tracer::{Call, Kind};

/// A file's synced content, shared by all names that it has or had.
type Content = Rc<RefCell<Vec<u8>>>;

#[derive(Clone)]
enum Entry {
    File(Content),
    Directory,
}

/// Which names a power cut keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    /// Those that existed when their directory was last synced.
    Synced,
    /// All of them: the journal was ahead of the data.
    All,
}

/// The disk under one directory.
pub(crate) struct Disk {
    root: PathBuf,
    /// Files by inode, as long as they have a name.
    files: HashMap<u64, Content>,
    /// Names of each directory at its last sync.
    synced: HashMap<PathBuf, BTreeMap<PathBuf, Entry>>,
}

impl Disk {
    /// A disk on which everything below `root` is synced.
    pub(crate) fn new(root: &Path) -> Self {
        let mut disk = Self { root: root.to_owned(), files: HashMap::new(), synced: HashMap::new() };
        let entries: Vec<_> = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap).collect();
        for file in entries.iter().filter(|entry| entry.file_type().is_file()) {
            let content = Rc::new(RefCell::new(fs::read(file.path()).unwrap()));
            disk.files.insert(file.metadata().unwrap().ino(), content);
        }
        for directory in entries.iter().filter(|entry| entry.file_type().is_dir()) {
            disk.sync_names(directory.path());
        }
        disk
    }

    /// Records a call that has been made.
    pub(crate) fn apply(&mut self, call: &Call) {
        match call.kind {
            Kind::Create => {
                // Inode numbers are reused: forget the content of an earlier file. An empty file has none to lose.
                if let Ok(created) = fs::metadata(&call.path)
                    && created.len() == 0
                {
                    self.files.insert(created.ino(), Content::default());
                }
            }
            Kind::Sync if call.path.is_dir() => self.sync_names(&call.path),
            Kind::Sync => {
                let content = fs::read(&call.path).unwrap();
                *self.file(&call.path).borrow_mut() = content;
            }
            Kind::MakeDirectory => {
                self.synced.entry(call.path.clone()).or_default();
            }
            Kind::Open | Kind::Write | Kind::Rename | Kind::Remove => {}
        }
    }

    /// Writes what a power cut at this moment leaves into `target`.
    pub(crate) fn after_power_cut(&self, names: Names, target: &Path) {
        self.put(&self.root, names, target);
    }

    fn put(&self, directory: &Path, names: Names, target: &Path) {
        fs::create_dir_all(target).unwrap();
        let entries = match names {
            Names::Synced => self.synced[directory].clone(),
            Names::All => self.names(directory),
        };
        for (name, entry) in entries {
            match entry {
                Entry::File(content) => fs::write(target.join(name), &*content.borrow()).unwrap(),
                Entry::Directory => self.put(&directory.join(&name), names, &target.join(name)),
            }
        }
    }

    fn sync_names(&mut self, directory: &Path) {
        let names = self.names(directory);
        self.synced.insert(directory.to_owned(), names);
    }

    /// The names that a directory has now.
    fn names(&self, directory: &Path) -> BTreeMap<PathBuf, Entry> {
        let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
        let entry = |entry: fs::DirEntry| {
            let kind = if entry.file_type().unwrap().is_dir() {
                Entry::Directory
            } else {
                Entry::File(self.file(&entry.path()))
            };
            (PathBuf::from(entry.file_name()), kind)
        };
        entries.map(entry).collect()
    }

    fn file(&self, path: &Path) -> Content {
        let inode = fs::metadata(path).unwrap().ino();
        self.files.get(&inode).cloned().unwrap_or_default()
    }
}
