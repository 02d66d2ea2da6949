//! What is below some paths before it is indexed: photos and their bytes, how many of them a vault holds already, and
//! what would be passed over.
//!
//! First all files are found, then those are compared whose size some stored photo has: only they are read. Must never:
//! change anything, or go on after it was stopped.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::services::find::{self, FoundFile, Judging};
use crate::services::open_vault::OpenVault;
use crate::services::progress::Control;
use crate::services::recognise::Recogniser;
use crate::services::skipped::SkippedCounts;

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
pub enum Holding {
    /// All photos.
    All,
    /// Some of them.
    Some,
    /// None of them.
    None,
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
    /// Paths that cannot be read.
    pub unreadable: usize,
    /// Files that a run would pass over.
    pub skipped: SkippedCounts,
    /// The first photos, [`FIRST_PHOTOS`] at most.
    pub first: Vec<PathBuf>,
    /// Whether all files were found.
    pub found: Extent,
    /// Whether all photos were compared with the vault's; of a vault that is not open, none need to be.
    pub compared: Extent,
    /// Whether it has ended, at the end or at the limit of a glance.
    pub is_over: bool,
}

impl Survey {
    /// How much of it the vault holds; `None` while that is not known.
    #[must_use]
    pub fn holding(&self) -> Option<Holding> {
        let is_whole = self.found == Extent::Whole && self.compared == Extent::Whole;
        match self.stored {
            0 if is_whole => Some(Holding::None),
            0 => None,
            stored if is_whole && stored == self.photos => Some(Holding::All),
            _ if is_whole || self.is_over => Some(Holding::Some),
            _ => None,
        }
    }

    /// Whether a run would certainly add nothing.
    #[must_use]
    pub fn has_nothing_new(&self) -> bool {
        let is_whole = self.found == Extent::Whole && self.compared == Extent::Whole;
        is_whole && self.stored == self.photos
    }
}

/// A survey under way.
struct Surveyor<'a> {
    survey: Survey,
    unsupported: BTreeMap<&'static str, usize>,
    /// Photos to compare, with their bytes.
    candidates: Vec<(PathBuf, u64)>,
    files: usize,
    thoroughness: Thoroughness,
    started: Instant,
    reported: Option<Instant>,
    report: &'a mut dyn FnMut(&Survey),
    control: &'a Control,
}

/// Surveys what is below `paths`, and compares it with `vault` if one is open. `report` gets the counts as they grow;
/// the last ones are returned. `None` if `control` stopped it. A vault that cannot be read holds nothing as far as a
/// survey knows: an attempt to use it will report the problem.
pub fn survey(
    paths: &[PathBuf],
    thoroughness: Thoroughness,
    vault: Option<(&OpenVault, &Recogniser)>,
    report: &mut dyn FnMut(&Survey),
    control: &Control,
) -> Option<Survey> {
    let sizes = vault.and_then(|(vault, recogniser)| recogniser.stored_sizes(vault).ok()).unwrap_or_default();
    let mut surveyor = Surveyor {
        survey: Survey::default(),
        unsupported: BTreeMap::new(),
        candidates: Vec::new(),
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
    let walked = find::each_below(paths, judging, &mut |file| surveyor.found(file, &sizes));
    if walked.is_continue() {
        surveyor.survey.found = Extent::Whole;
    }
    surveyor.tell();
    if let Some((vault, recogniser)) = vault {
        surveyor.compare(vault, recogniser);
    } else {
        surveyor.survey.compared = Extent::Whole;
    }
    surveyor.survey.is_over = true;
    (!control.is_stopped()).then_some(surveyor.survey)
}

impl Surveyor<'_> {
    fn found(&mut self, file: FoundFile, sizes: &HashSet<u64>) -> ControlFlow<()> {
        match file {
            FoundFile::Folder => self.survey.folders += 1,
            FoundFile::Photo(path) => {
                self.survey.photos += 1;
                let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
                self.survey.bytes += bytes;
                if self.survey.first.len() < FIRST_PHOTOS {
                    self.survey.first.push(path.clone());
                }
                if sizes.contains(&bytes) {
                    self.candidates.push((path, bytes));
                }
            }
            FoundFile::Unreadable(..) => self.survey.unreadable += 1,
            FoundFile::Unsupported(format, _) => *self.unsupported.entry(format).or_default() += 1,
            FoundFile::Other(_) => self.survey.skipped.other += 1,
            FoundFile::Hidden(_) => self.survey.skipped.hidden += 1,
        }
        self.files += 1;
        self.tell_now_and_then();
        let is_enough = self.thoroughness == Thoroughness::Glance && self.files >= GLANCE_FILES;
        if is_enough || self.must_end() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn compare(&mut self, vault: &OpenVault, recogniser: &Recogniser) {
        for (path, bytes) in std::mem::take(&mut self.candidates) {
            if self.must_end() {
                return;
            }
            if recogniser.is_stored(vault, &path) == Some(true) {
                self.survey.stored += 1;
                self.survey.stored_bytes += bytes;
            }
            self.tell_now_and_then();
        }
        self.survey.compared = Extent::Whole;
    }

    fn must_end(&self) -> bool {
        let is_late = self.thoroughness == Thoroughness::Glance && self.started.elapsed() > GLANCE_TIME;
        is_late || self.control.is_stopped()
    }

    fn tell_now_and_then(&mut self) {
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
    use std::path::Path;

    use super::*;
    use crate::durable::IfLocked;
    use crate::services::open_vault::tests::vault;
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

    fn survey_of(root: &Path, thoroughness: Thoroughness, vault: &OpenVault) -> Survey {
        let vault = Some((vault, &Recogniser::default()));
        survey(&[root.to_owned()], thoroughness, vault, &mut |_| {}, &Control::default()).unwrap()
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
        assert_eq!((found.holding(), found.has_nothing_new()), (Some(Holding::Some), false));
        let all = survey_of(&root.join("sub"), Thoroughness::Whole, &vault);
        assert_eq!((all.holding(), all.has_nothing_new(), all.folders), (Some(Holding::All), true, 0));
        let none = survey_of(&root.join("4.jpg"), Thoroughness::Whole, &vault);
        assert_eq!((none.holding(), none.photos), (Some(Holding::None), 1));
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
        assert_eq!((found.stored, found.holding(), found.first.len()), (1, Some(Holding::Some), FIRST_PHOTOS));
        let whole = survey_of(&root, Thoroughness::Whole, &vault);
        assert_eq!((whole.photos, whole.found), (GLANCE_FILES + 1, Extent::Whole));
    }

    #[test]
    fn a_stopped_survey_says_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("1.jpg", "one"), ("2.jpg", "two")]);
        let control = Control::default();
        control.stop();
        let paths = [folder.path().to_owned()];
        assert_eq!(survey(&paths, Thoroughness::Whole, None, &mut |_| {}, &control), None);
    }

    #[test]
    fn without_a_vault_photos_are_counted_and_what_is_not_there_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("1.jpg", "one")]);
        let paths = [folder.path().to_owned(), folder.path().join("missing")];
        let mut reports = 0;
        let found = survey(&paths, Thoroughness::Whole, None, &mut |_| reports += 1, &Control::default()).unwrap();
        assert_eq!((found.photos, found.unreadable, found.stored), (1, 1, 0));
        assert_eq!((found.found, found.compared, reports), (Extent::Whole, Extent::Whole, 1));
    }
}
