//! What is below some paths before it is indexed: photos and their bytes, how many of them a vault holds already, and
//! what would be passed over.
//!
//! First all files are found, then those are compared whose size some stored photo has: only they are read. Must never:
//! change anything, or go on after it was stopped.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::services::find::{self, FoundFile, Judging};
use crate::services::progress::Control;
use crate::services::recognise::{self, Lockable};
use crate::services::skipped::SkippedCounts;
use crate::vault::LARGEST_PHOTO_BYTES;

/// Photos that a survey names, for thumbnails.
pub const FIRST_PHOTOS: usize = 24;

/// Files of a glance.
const GLANCE_FILES: usize = 2000;
/// Time of a glance.
const GLANCE_TIME: Duration = Duration::from_secs(2);
/// The shortest time between reports.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// How far a survey goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Thoroughness {
    /// A few thousand files or some seconds, for a survey that nobody asked for. Only files with a photo's extension
    /// count as photos.
    Glance,
    /// To the end.
    Whole,
}

/// Whether all was looked at.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Extent {
    /// There may be more.
    #[default]
    Partial,
    /// All of it.
    Whole,
}

/// How much of what was found a vault holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Coverage {
    /// All photos.
    All,
    /// Some of them.
    Some,
    /// None of them.
    None,
}

/// How many photos the vault lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NewPhotos {
    /// So many.
    Exactly(usize),
    /// So many or fewer: some may be equal, or were not compared with the vault.
    AtMost(usize),
}

impl fmt::Display for NewPhotos {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(photos) => write!(formatter, "{photos} new"),
            Self::AtMost(photos) => write!(formatter, "up to {photos} new"),
        }
    }
}

/// What is below some paths, as far as it was looked at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Survey {
    /// Photos that a run would index.
    pub photos: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Folders below the paths.
    pub folders: usize,
    /// Photos whose content the vault holds.
    pub stored: usize,
    /// Their bytes.
    pub stored_bytes: u64,
    /// Photos that the vault lacks and that are as large as another one of them. They may be equal.
    pub possibly_equal: usize,
    /// Paths that cannot be read, and files that are too large for a photo.
    pub unreadable: usize,
    /// Files that a run would pass over.
    pub skipped: SkippedCounts,
    /// The first photos, [`FIRST_PHOTOS`] at most.
    pub first: Vec<PathBuf>,
    /// Whether all files were found.
    pub found: Extent,
    /// Whether all photos were compared with those of an open vault.
    pub compared: Extent,
    /// Whether it has ended, at the end or at the limit of a glance.
    pub is_over: bool,
}

impl Survey {
    /// How much of it the vault holds; `None` while that is not known.
    #[must_use]
    pub fn coverage(&self) -> Option<Coverage> {
        let is_whole = self.found == Extent::Whole && self.compared == Extent::Whole;
        match self.stored {
            0 if is_whole => Some(Coverage::None),
            0 => None,
            stored if is_whole && stored == self.photos => Some(Coverage::All),
            _ if is_whole || self.is_over => Some(Coverage::Some),
            _ => None,
        }
    }

    /// Whether a run would certainly add nothing.
    #[must_use]
    pub fn has_nothing_new(&self) -> bool {
        let is_compared = self.compared == Extent::Whole || self.photos == 0;
        self.found == Extent::Whole && is_compared && self.stored == self.photos
    }

    /// How many of the photos the vault lacks.
    #[must_use]
    pub fn new_photos(&self) -> NewPhotos {
        let photos = self.photos.saturating_sub(self.stored);
        match self.compared {
            Extent::Whole if self.possibly_equal == 0 => NewPhotos::Exactly(photos),
            _ => NewPhotos::AtMost(photos),
        }
    }
}

/// A survey under way.
struct Surveyor<'a> {
    survey: Survey,
    unsupported: BTreeMap<&'static str, usize>,
    /// The sizes of the vault's photos, if they are known.
    sizes: Option<Arc<HashSet<u64>>>,
    /// Photos to compare, with their bytes.
    candidates: Vec<(PathBuf, u64)>,
    /// The sizes of photos that the vault lacks.
    new_sizes: HashSet<u64>,
    files: usize,
    thoroughness: Thoroughness,
    started: Instant,
    reported: Option<Instant>,
    report: &'a mut dyn FnMut(&Survey),
    control: &'a Control,
}

/// Surveys what is below `paths`, and compares it with `vault` if one is open. `report` gets the counts as they grow;
/// the last ones are returned. `None` if `control` stopped it. A vault that cannot be read is not compared with: an
/// attempt to use it will report the problem. Neither is one that is locked meanwhile, and its keys are not kept.
pub fn survey<V: Lockable>(
    paths: &[PathBuf],
    thoroughness: Thoroughness,
    vault: Option<&V>,
    report: &mut dyn FnMut(&Survey),
    control: &Control,
) -> Option<Survey> {
    let sizes = vault.and_then(|vault| vault.with(|vault, recogniser| recogniser.stored_sizes(vault).ok())?);
    let mut surveyor = Surveyor {
        survey: Survey::default(),
        unsupported: BTreeMap::new(),
        sizes,
        candidates: Vec::new(),
        new_sizes: HashSet::new(),
        files: 0,
        thoroughness,
        started: Instant::now(),
        reported: None,
        report,
        control,
    };
    let judging = match thoroughness {
        Thoroughness::Glance => Judging::ByExtension,
        Thoroughness::Whole => Judging::ByContent,
    };
    let walked = find::each_below(paths, judging, &mut |file| surveyor.found(file));
    if walked.is_continue() {
        surveyor.survey.found = Extent::Whole;
    }
    surveyor.tell();
    if let Some(vault) = vault {
        surveyor.compare(vault);
    }
    surveyor.survey.is_over = true;
    (!control.is_stopped()).then_some(surveyor.survey)
}

impl Surveyor<'_> {
    fn found(&mut self, file: FoundFile) -> ControlFlow<()> {
        match file {
            FoundFile::Folder => self.survey.folders += 1,
            FoundFile::Photo(path) => match fs::metadata(&path).map(|metadata| metadata.len()) {
                Ok(bytes) if bytes <= LARGEST_PHOTO_BYTES as u64 => self.photo(path, bytes),
                _ => self.survey.unreadable += 1,
            },
            FoundFile::Unreadable(..) => self.survey.unreadable += 1,
            FoundFile::Unsupported(format, _) => *self.unsupported.entry(format).or_default() += 1,
            FoundFile::Other(_) => self.survey.skipped.other += 1,
            FoundFile::Hidden(_) => self.survey.skipped.hidden += 1,
        }
        self.files += 1;
        self.report_if_due();
        let is_enough = self.thoroughness == Thoroughness::Glance && self.files >= GLANCE_FILES;
        if is_enough || self.must_end() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn photo(&mut self, path: PathBuf, bytes: u64) {
        self.survey.photos += 1;
        self.survey.bytes += bytes;
        if self.survey.first.len() < FIRST_PHOTOS {
            self.survey.first.push(path.clone());
        }
        if self.sizes.as_ref().is_some_and(|sizes| sizes.contains(&bytes)) {
            self.candidates.push((path, bytes));
        } else {
            self.is_new(bytes);
        }
    }

    /// The vault lacks a photo of so many bytes.
    fn is_new(&mut self, bytes: u64) {
        if !self.new_sizes.insert(bytes) {
            self.survey.possibly_equal += 1;
        }
    }

    fn compare(&mut self, vault: &impl Lockable) {
        let mut compared = if self.sizes.is_some() { Extent::Whole } else { Extent::Partial };
        for (path, bytes) in std::mem::take(&mut self.candidates) {
            if self.must_end() || vault.with(|_, _| ()).is_none() {
                return;
            }
            match recognise::is_stored(vault, &path) {
                Some(true) => {
                    self.survey.stored += 1;
                    self.survey.stored_bytes += bytes;
                }
                Some(false) => self.is_new(bytes),
                None => compared = Extent::Partial,
            }
            self.report_if_due();
        }
        self.survey.compared = compared;
    }

    fn must_end(&self) -> bool {
        let is_late = self.thoroughness == Thoroughness::Glance && self.started.elapsed() > GLANCE_TIME;
        is_late || self.control.is_stopped()
    }

    fn report_if_due(&mut self) {
        if self.reported.is_none_or(|reported| reported.elapsed() >= REPORT_EVERY)
            && self.started.elapsed() >= REPORT_EVERY
        {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let mut unsupported: Vec<_> = self.unsupported.iter().map(|(format, files)| (*format, *files)).collect();
        unsupported.sort_by_key(|(_, files)| std::cmp::Reverse(*files));
        self.survey.skipped.unsupported = unsupported;
        self.reported = Some(Instant::now());
        (self.report)(&self.survey);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use super::*;
    use crate::durable::IfLocked;
    use crate::services::open_vault::OpenVault;
    use crate::services::open_vault::tests::vault;
    use crate::services::recognise::Recogniser;
    use crate::vault::{Extension, Found, Hex, NewImage, Transaction};

    /// A vault that holds photos of these contents.
    fn vault_of(root: &Path, contents: &[&str]) -> OpenVault {
        let vault = vault(root);
        let mut transaction = Transaction::begin(vault.vault(), IfLocked::Wait).unwrap();
        for content in contents {
            let photo = transaction.store_photo(content.as_bytes(), &Extension::of("a.jpg".as_ref())).unwrap();
            let record = photo.record(Found { source: Hex([0; 16]), path: b"a.jpg".into(), modified: None });
            let _ = transaction.append(NewImage { photo, record, vector: None }).unwrap();
        }
        drop(transaction.commit().unwrap());
        vault.mark_changed();
        vault
    }

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    /// A vault that is locked after it was used so many times.
    struct Uses<'a> {
        vault: &'a OpenVault,
        recogniser: Recogniser,
        left: Cell<usize>,
    }

    impl<'a> Uses<'a> {
        fn of(vault: &'a OpenVault, left: usize) -> Self {
            Self { vault, recogniser: Recogniser::default(), left: Cell::new(left) }
        }
    }

    impl Lockable for Uses<'_> {
        fn with<T>(&self, read: impl FnOnce(&OpenVault, &Recogniser) -> T) -> Option<T> {
            self.left.set(self.left.get().checked_sub(1)?);
            Some(read(self.vault, &self.recogniser))
        }
    }

    fn survey_with(root: &Path, thoroughness: Thoroughness, vault: Option<&Uses<'_>>) -> Survey {
        survey(&[root.to_owned()], thoroughness, vault, &mut |_| {}, &Control::default()).unwrap()
    }

    fn survey_of(root: &Path, thoroughness: Thoroughness, vault: &OpenVault) -> Survey {
        survey_with(root, thoroughness, Some(&Uses::of(vault, usize::MAX)))
    }

    #[test]
    fn photos_are_counted_and_those_that_the_vault_holds_are_known_by_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("photos");
        let heic = "\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        write(&root, &[("1.jpg", "one"), ("sub/renamed.jpg", "two"), ("3.jpg", "ONE"), ("4.jpg", "other"), ("b", "x")]);
        write(&root, &[("5.HEIC", heic), (".hidden/6.jpg", "one")]);
        let vault = vault_of(&folder.path().join("vault"), &["one", "two"]);
        let found = survey_of(&root, Thoroughness::Whole, &vault);
        assert_eq!((found.photos, found.bytes, found.folders), (4, 14, 1));
        assert_eq!((found.stored, found.stored_bytes, found.unreadable), (2, 6, 0));
        let skipped = SkippedCounts { unsupported: vec![("HEIC", 1)], other: 1, hidden: 1 };
        assert_eq!(found.skipped, skipped);
        assert_eq!(found.first.len(), 4);
        assert_eq!((found.coverage(), found.has_nothing_new()), (Some(Coverage::Some), false));
        let all = survey_of(&root.join("sub"), Thoroughness::Whole, &vault);
        assert_eq!((all.coverage(), all.has_nothing_new(), all.folders), (Some(Coverage::All), true, 0));
        let none = survey_of(&root.join("4.jpg"), Thoroughness::Whole, &vault);
        assert_eq!((none.coverage(), none.photos), (Some(Coverage::None), 1));
    }

    #[test]
    fn a_glance_ends_at_its_limit_and_opens_only_files_named_like_photos() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("photos");
        write(&root, &[("0.jpg", "one"), ("photo", "\u{ff}\u{d8}")]);
        for number in 0..GLANCE_FILES {
            fs::write(root.join(format!("1_{number}.jpg")), "").unwrap();
        }
        let vault = vault_of(&folder.path().join("vault"), &["one"]);
        let found = survey_of(&root, Thoroughness::Glance, &vault);
        assert_eq!((found.photos, found.found, found.is_over), (GLANCE_FILES, Extent::Partial, true));
        assert_eq!((found.stored, found.coverage(), found.first.len()), (1, Some(Coverage::Some), FIRST_PHOTOS));
        let whole = survey_of(&root, Thoroughness::Whole, &vault);
        assert_eq!((whole.photos, whole.found), (GLANCE_FILES + 1, Extent::Whole));
    }

    #[test]
    fn a_vault_that_cannot_be_read_or_is_locked_meanwhile_is_not_compared_with() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("photos");
        write(&root, &[("1.jpg", "one"), ("2.jpg", "two"), ("3.jpg", "other")]);
        let at = folder.path().join("vault");
        let vault = vault_of(&at, &["one", "two"]);
        // The sizes, and three uses for each of two candidates.
        for uses in 0..7 {
            let found = survey_with(&root, Thoroughness::Whole, Some(&Uses::of(&vault, uses)));
            assert_eq!((found.photos, found.compared, found.is_over), (3, Extent::Partial, true), "{uses}");
            assert!(!matches!(found.coverage(), Some(Coverage::None | Coverage::All)) && !found.has_nothing_new());
            assert_eq!(found.new_photos(), NewPhotos::AtMost(3 - found.stored));
        }
        let known = Uses::of(&vault, usize::MAX);
        assert_eq!(survey_with(&root, Thoroughness::Whole, Some(&known)).new_photos(), NewPhotos::Exactly(1));
        // Neither its list nor its generation can be read any more.
        fs::remove_dir_all(&at).unwrap();
        vault.mark_changed();
        for vault in [&known, &Uses::of(&vault, usize::MAX)] {
            let found = survey_with(&root, Thoroughness::Whole, Some(vault));
            assert_eq!((found.compared, found.coverage()), (Extent::Partial, None));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_photo_that_cannot_be_read_is_not_taken_for_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("photos");
        write(&root, &[("1.jpg", "one")]);
        // A socket has no bytes, and not even root can open it as a file.
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        let vault = vault_of(&folder.path().join("vault"), &["one", ""]);
        let paths = [root.join("1.jpg"), root.join("socket")];
        let uses = Uses::of(&vault, usize::MAX);
        let found = survey(&paths, Thoroughness::Whole, Some(&uses), &mut |_| {}, &Control::default()).unwrap();
        assert_eq!((found.photos, found.stored, found.compared), (2, 1, Extent::Partial));
    }

    #[test]
    fn photos_that_may_be_equal_or_are_too_large_are_not_promised() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("photos");
        write(&root, &[("1.jpg", "new"), ("2.jpg", "one"), ("3.jpg", "longer")]);
        let vault = vault_of(&folder.path().join("vault"), &["one"]);
        let found = survey_of(&root, Thoroughness::Whole, &vault);
        assert_eq!((found.stored, found.new_photos()), (1, NewPhotos::Exactly(2)));
        write(&root, &[("again/1.jpg", "new"), ("again/3.jpg", "longer")]);
        // Without content: the file takes no room on the disk.
        fs::File::create(root.join("huge.jpg")).unwrap().set_len(LARGEST_PHOTO_BYTES as u64 + 1).unwrap();
        let found = survey_of(&root, Thoroughness::Whole, &vault);
        assert_eq!((found.photos, found.stored, found.unreadable, found.possibly_equal), (5, 1, 1, 2));
        assert_eq!((found.compared, found.new_photos().to_string()), (Extent::Whole, "up to 4 new".to_owned()));
    }

    #[test]
    fn a_stopped_survey_says_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("1.jpg", "one"), ("2.jpg", "two")]);
        let control = Control::default();
        control.stop();
        let paths = [folder.path().to_owned()];
        assert_eq!(survey(&paths, Thoroughness::Whole, None::<&Uses<'_>>, &mut |_| {}, &control), None);
    }

    #[test]
    fn without_a_vault_photos_are_counted_and_what_is_not_there_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("1.jpg", "one")]);
        let paths = [folder.path().to_owned(), folder.path().join("missing")];
        let mut reports = 0;
        let found =
            survey(&paths, Thoroughness::Whole, None::<&Uses<'_>>, &mut |_| reports += 1, &Control::default()).unwrap();
        assert_eq!((found.photos, found.unreadable, found.stored), (1, 1, 0));
        assert_eq!((found.found, found.compared, reports), (Extent::Whole, Extent::Partial, 1));
    }
}
