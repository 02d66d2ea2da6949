//! Folders and photos of the file system: listing, sorting, and which photos the vault holds.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::SystemTime;

use super::cursor::Cursor;
use super::list::{Item, ListState};
use super::surveys::{SurveyRequest, Surveys};

/// The kind of an entry.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file that can be indexed.
    Photo,
}

/// A folder or photo of the file system.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Its name, which may contain control characters: make it inert before showing it.
    pub name: String,
    /// Folder or photo.
    pub kind: Kind,
    /// Bytes of a photo.
    pub bytes: u64,
    /// When it was last modified.
    pub modified: Option<SystemTime>,
}

impl Item for Entry {
    type Key = PathBuf;

    fn key(&self) -> &PathBuf {
        &self.path
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn is_photo(&self) -> bool {
        self.kind == Kind::Photo
    }
}

/// The order of a listing; folders always come first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sorting {
    /// By name, numbers by value.
    #[default]
    Name,
    /// Newest first.
    Newest,
    /// Largest first.
    Largest,
}

impl Sorting {
    /// The next order.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Name => Self::Newest,
            Self::Newest => Self::Largest,
            Self::Largest => Self::Name,
        }
    }

    /// Every order, in the order in which the key steps through them.
    pub const ALL: [Self; 3] = [Self::Name, Self::Newest, Self::Largest];

    /// The word that names it in a command.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Newest => "newest",
            Self::Largest => "largest",
        }
    }

    /// Its description.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "by name",
            Self::Newest => "newest first",
            Self::Largest => "largest first",
        }
    }
}

/// The browser's part of the state.
#[derive(Debug)]
pub struct Browser {
    /// The folder that is shown.
    pub folder: PathBuf,
    /// Whether its listing is pending.
    pub is_loading: bool,
    /// Why the folder cannot be listed.
    pub error: Option<String>,
    /// The entries of the folder; the selection spans folders.
    pub list: ListState<Entry>,
    /// The order.
    pub sorting: Sorting,
    /// The entry to put the cursor on, for each folder visited.
    remembered: HashMap<PathBuf, PathBuf>,
    /// Files in the folder that are not photos.
    pub other_files: usize,
    /// Which photos the vault holds, as far as known.
    recognised: Recognised,
    /// What is below folders.
    pub surveys: Surveys,
}

/// Which files the vault holds, compared by content. Only files as large as a stored photo need to be read.
#[derive(Debug, Default)]
struct Recognised {
    /// Sizes of the photos in the vault.
    sizes: HashSet<u64>,
    /// Results of comparisons.
    files: HashMap<PathBuf, Verdict>,
    /// Counts changes of the vault. An older verdict is shown until a new one arrives.
    version: u64,
}

#[derive(Debug)]
struct Verdict {
    bytes: u64,
    modified: Option<SystemTime>,
    is_stored: bool,
    version: u64,
}

impl Browser {
    /// A browser that waits for the listing of `folder`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            is_loading: true,
            error: None,
            list: ListState::default(),
            sorting: Sorting::default(),
            remembered: HashMap::new(),
            other_files: 0,
            recognised: Recognised::default(),
            surveys: Surveys::default(),
        }
    }

    /// The survey that the folder under the cursor lacks.
    #[must_use]
    pub fn to_survey(&self) -> Option<SurveyRequest> {
        let folder = self.list.current().filter(|entry| entry.kind == Kind::Folder)?;
        self.surveys.missing(&folder.path)
    }

    /// Whether the vault holds this photo, as far as known.
    #[must_use]
    pub fn is_stored(&self, entry: &Entry) -> bool {
        let verdict = self.recognised.files.get(&entry.path).filter(|verdict| verdict.is_about(entry));
        entry.kind == Kind::Photo && verdict.is_some_and(|verdict| verdict.is_stored)
    }

    /// The photos among `places` that must be read to know whether the vault holds them.
    #[must_use]
    pub fn to_recognise(&self, places: std::ops::Range<usize>) -> Vec<PathBuf> {
        let recognised = &self.recognised;
        let is_known = |entry: &Entry| {
            let verdict = recognised.files.get(&entry.path);
            verdict.is_some_and(|verdict| verdict.is_about(entry) && verdict.version == recognised.version)
        };
        places
            .filter_map(|place| self.list.at(place))
            .filter(|entry| entry.kind == Kind::Photo && recognised.sizes.contains(&entry.bytes) && !is_known(entry))
            .map(|entry| entry.path.clone())
            .collect()
    }

    /// Handles a change of the vault, which now holds photos of these sizes.
    pub fn vault_changed(&mut self, sizes: impl Iterator<Item = u64>) {
        self.recognised.sizes = sizes.collect();
        self.recognised.version += 1;
        // A photo whose size no stored photo has is not in the vault and needs no comparison.
        let sizes = &self.recognised.sizes;
        self.recognised.files.retain(|_, verdict| sizes.contains(&verdict.bytes));
        self.surveys.vault_changed();
    }

    /// Records whether the vault holds a listed photo.
    pub fn recognise(&mut self, path: PathBuf, is_stored: bool) {
        if let Some(entry) = self.list.items().iter().find(|entry| entry.path == path) {
            let (bytes, modified, version) = (entry.bytes, entry.modified, self.recognised.version);
            self.recognised.files.insert(path, Verdict { bytes, modified, is_stored, version });
        }
    }

    /// Forgets which photos the vault holds.
    pub fn forget_vault(&mut self) {
        self.recognised = Recognised::default();
        self.surveys.forget();
    }

    /// Shows another folder, whose listing is pending.
    pub fn enter(&mut self, folder: PathBuf) {
        if let Some(current) = self.list.current() {
            self.remembered.insert(self.folder.clone(), current.path.clone());
        }
        // When going up, put the cursor on the folder left.
        if self.folder.starts_with(&folder) && self.folder != folder {
            let child = self.folder.ancestors().find(|path| path.parent() == Some(&folder));
            if let Some(child) = child {
                self.remembered.insert(folder.clone(), child.to_owned());
            }
        }
        self.folder = folder;
        self.is_loading = true;
        self.error = None;
        self.other_files = 0;
        self.list.clear();
    }

    /// Sets the listing of the folder.
    pub fn listed(&mut self, entries: Vec<Entry>, other_files: usize) {
        if let Some(current) = self.list.current() {
            self.remembered.insert(self.folder.clone(), current.path.clone());
        }
        self.is_loading = false;
        self.error = None;
        self.list.set_items(entries);
        self.other_files = other_files;
        self.arrange();
    }

    /// Sets why the folder cannot be listed.
    pub fn failed(&mut self, reason: String) {
        self.is_loading = false;
        self.other_files = 0;
        self.list.set_items(Vec::new());
        self.error = Some(reason);
        self.arrange();
    }

    /// Sorts by the next order.
    pub fn sort_next(&mut self) {
        self.sort_by(self.sorting.next());
    }

    /// Sorts in another order. The cursor stays on its entry.
    pub fn sort_by(&mut self, sorting: Sorting) {
        self.sorting = sorting;
        if let Some(current) = self.list.current() {
            self.remembered.insert(self.folder.clone(), current.path.clone());
        }
        self.arrange();
    }

    /// Applies order and filter. The cursor stays on its entry if it is still shown.
    pub fn arrange(&mut self) {
        let sorting = self.sorting;
        self.list.sort_items(|entries| match sorting {
            Sorting::Name => entries.sort_by_cached_key(|entry| (entry.kind, natural_key(&entry.name))),
            Sorting::Newest => entries.sort_by_key(|entry| (entry.kind, std::cmp::Reverse(entry.modified))),
            Sorting::Largest => entries.sort_by_key(|entry| (entry.kind, std::cmp::Reverse(entry.bytes))),
        });
        self.list.show(self.list.filtered());
        if !self.list.filter.field.text().is_empty() {
            // The best match.
            self.list.cursor = Cursor::default();
        } else if let Some(path) = self.remembered.get(&self.folder) {
            let at = self.list.visible().position(|entry| &entry.path == path);
            self.list.cursor.at = at.unwrap_or(self.list.cursor.at);
        }
    }

    /// Remembers the entry under the cursor before a filter moves the cursor.
    pub fn remember_place(&mut self) {
        if let Some(current) = self.list.current() {
            self.remembered.insert(self.folder.clone(), current.path.clone());
        }
    }
}

impl Verdict {
    /// Whether the file has not changed since.
    fn is_about(&self, entry: &Entry) -> bool {
        (self.bytes, self.modified) == (entry.bytes, entry.modified)
    }
}

/// A sort key that ignores case and compares runs of digits by value.
pub(super) fn natural_key(name: &str) -> Vec<(u64, String)> {
    let lower = name.to_lowercase();
    let mut key = Vec::new();
    let mut rest = lower.as_str();
    while !rest.is_empty() {
        let words = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(words);
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (number, tail) = tail.split_at(digits);
        // Words and numbers alternate, so words are compared first.
        key.push((0, word.to_owned()));
        // A name that ends here comes before one that goes on with a number.
        let number = if number.is_empty() { 0 } else { number.parse().unwrap_or(u64::MAX - 1) + 1 };
        key.push((number, String::new()));
        rest = tail;
    }
    key
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::list::{Filter, List};
    use super::super::text_field::TextField;
    use super::*;

    fn entry(name: &str, kind: Kind, bytes: u64) -> Entry {
        Entry { path: Path::new("/p").join(name), name: name.to_owned(), kind, bytes, modified: None }
    }

    fn browser() -> Browser {
        let mut browser = Browser::new(PathBuf::from("/p"));
        let photos = [("img10.jpg", 5), ("IMG9.jpg", 7), ("cat.png", 6)];
        let mut entries: Vec<Entry> = photos.iter().map(|(name, bytes)| entry(name, Kind::Photo, *bytes)).collect();
        entries.push(entry("z", Kind::Folder, 0));
        browser.listed(entries, 1);
        browser
    }

    fn names(browser: &Browser) -> Vec<&str> {
        browser.list.visible().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn folders_come_first_and_numbers_sort_by_value() {
        let mut browser = browser();
        assert_eq!(names(&browser), ["z", "cat.png", "IMG9.jpg", "img10.jpg"]);
        browser.sorting = Sorting::Newest;
        browser.sort_next();
        assert_eq!(names(&browser), ["z", "IMG9.jpg", "cat.png", "img10.jpg"]);
    }

    #[test]
    fn clearing_a_filter_returns_to_the_remembered_entry() {
        let mut browser = browser();
        browser.list.cursor.at = 2;
        browser.remember_place();
        browser.list.filter.field = TextField::with("cat");
        browser.arrange();
        assert_eq!(names(&browser), ["cat.png"]);
        browser.list.filter = Filter::default();
        browser.arrange();
        assert_eq!(browser.list.current().unwrap().name, "IMG9.jpg");
    }

    #[test]
    fn selecting_all_photos_skips_folders() {
        let mut browser = browser();
        browser.list.toggle_all();
        assert_eq!(browser.list.selected().len(), 3);
        assert!(!browser.list.selected().contains(Path::new("/p/z")));
    }

    #[test]
    fn going_up_puts_the_cursor_on_the_folder_left() {
        let mut browser = browser();
        browser.enter(PathBuf::from("/p/z/deep"));
        browser.enter(PathBuf::from("/p"));
        browser.listed(vec![entry("a", Kind::Folder, 0), entry("z", Kind::Folder, 0)], 0);
        assert_eq!(browser.list.current().unwrap().name, "z");
    }

    #[test]
    fn photos_are_marked_by_content_and_only_those_of_a_stored_size_are_read() {
        let mut browser = browser();
        let stored = |browser: &Browser| -> Vec<String> {
            browser.list.visible().filter(|entry| browser.is_stored(entry)).map(|entry| entry.name.clone()).collect()
        };
        assert!(browser.to_recognise(0..9).is_empty(), "without a vault no file is read");
        browser.vault_changed([6, 7, 0].into_iter());
        let (cat, image) = (PathBuf::from("/p/cat.png"), PathBuf::from("/p/IMG9.jpg"));
        assert_eq!(browser.to_recognise(0..9), [cat.clone(), image.clone()]);
        assert_eq!(browser.to_recognise(2..3), std::slice::from_ref(&image), "only what is on the screen");
        browser.recognise(cat.clone(), true);
        browser.recognise(image.clone(), false);
        browser.recognise(PathBuf::from("/elsewhere.png"), true);
        assert_eq!(stored(&browser), ["cat.png"]);
        assert!(browser.to_recognise(0..9).is_empty());

        browser.vault_changed([6].into_iter());
        assert_eq!(stored(&browser), ["cat.png"], "a mark stays until a new verdict arrives");
        assert_eq!(browser.to_recognise(0..9), [cat]);
        let mut entries: Vec<Entry> = browser.list.visible().cloned().collect();
        entries[1].modified = Some(SystemTime::UNIX_EPOCH);
        browser.listed(entries, 0);
        assert!(stored(&browser).is_empty(), "the file was changed since");
    }
}
