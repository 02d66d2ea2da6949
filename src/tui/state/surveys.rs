//! What is below the folders that the cursor has rested on, as far as it is known.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::services::newest_paths::NewestPaths;
use crate::services::survey::{Survey, Thoroughness};

/// Folders whose surveys are kept, at most.
const MOST_FOLDERS: usize = 1000;
/// The shortest time between surveys of a folder while an indexing run changes the vault every few seconds.
const RESURVEY_EVERY: Duration = Duration::from_secs(30);

/// A survey to make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SurveyRequest {
    /// What to look at.
    pub paths: Vec<PathBuf>,
    /// How far.
    pub thoroughness: Thoroughness,
    /// The version of [`Surveys`] that asked: of the same paths, a later one has to be made anew.
    pub version: u64,
}

/// Surveys of folders.
#[derive(Debug)]
pub struct Surveys {
    folders: NewestPaths<Known>,
    /// Counts changes of the vault. An older survey is shown until a new one has ended.
    version: u64,
    /// Answers to requests before this version are out of date.
    valid_from: u64,
    /// Whether the vault has changed since they were outdated.
    is_vault_changed: bool,
    /// How long ago that was.
    age: Duration,
}

impl Default for Surveys {
    fn default() -> Self {
        let folders = NewestPaths::new(MOST_FOLDERS);
        Self { folders, version: 0, valid_from: 0, is_vault_changed: false, age: RESURVEY_EVERY }
    }
}

#[derive(Debug)]
struct Known {
    survey: Survey,
    version: u64,
}

impl Surveys {
    /// What is below `folder`, as far as known.
    #[must_use]
    pub fn of(&self, folder: &Path) -> Option<&Survey> {
        self.folders.get(folder).map(|known| &known.survey)
    }

    /// The survey of `folder` that must be made; `None` if there is one that is up to date.
    #[must_use]
    pub fn missing(&self, folder: &Path) -> Option<SurveyRequest> {
        let is_known = |known: &Known| known.survey.is_over && known.version == self.version;
        let request = || self.request(vec![folder.to_owned()], Thoroughness::Glance);
        (!self.folders.get(folder).is_some_and(is_known)).then(request)
    }

    /// A request for a survey as of now.
    #[must_use]
    pub fn request(&self, paths: Vec<PathBuf>, thoroughness: Thoroughness) -> SurveyRequest {
        SurveyRequest { paths, thoroughness, version: self.version }
    }

    /// Takes a survey, or the counts of one under way. Those replace nothing that is complete.
    pub fn receive(&mut self, request: &SurveyRequest, survey: &Survey) {
        let [folder] = &request.paths[..] else { return };
        let is_complete = |known: &Known| known.survey.is_over;
        if request.version < self.valid_from {
            return;
        }
        if survey.is_over || !self.folders.get(folder).is_some_and(is_complete) {
            let known = Known { survey: survey.clone(), version: request.version };
            self.folders.set(folder.clone(), known);
        }
    }

    /// The vault has changed. A run changes it every few seconds, and a folder takes long to walk: while one is under
    /// way, surveys are outdated every half minute.
    pub fn vault_changed(&mut self) {
        self.is_vault_changed = true;
        self.outdate_if_due();
    }

    /// Time passes in a run.
    pub fn advance(&mut self, by: Duration) {
        self.age = self.age.saturating_add(by);
        self.outdate_if_due();
    }

    /// No run is under way, or one has ended: the next change of the vault may be the last for long.
    pub fn follow_at_once(&mut self) {
        self.age = RESURVEY_EVERY;
    }

    fn outdate_if_due(&mut self) {
        if self.is_vault_changed && self.age >= RESURVEY_EVERY {
            self.outdate();
        }
    }

    /// The vault has changed, or files may have.
    pub fn outdate(&mut self) {
        self.version += 1;
        (self.is_vault_changed, self.age) = (false, Duration::ZERO);
    }

    /// Forgets all of them; later answers to earlier requests are out of date.
    pub fn forget(&mut self) {
        self.folders.clear();
        self.outdate();
        self.age = RESURVEY_EVERY;
        self.valid_from = self.version;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survey_is_shown_until_a_newer_one_has_ended() {
        let (mut surveys, folder) = (Surveys::default(), PathBuf::from("/photos"));
        let first = surveys.missing(&folder).unwrap();
        let counts = |photos, is_over| Survey { photos, is_over, ..Survey::default() };
        surveys.receive(&first, &counts(3, false));
        assert!(surveys.of(&folder).unwrap().photos == 3 && surveys.missing(&folder).is_some());
        surveys.receive(&first, &counts(9, true));
        assert_eq!(surveys.missing(&folder), None);
        surveys.outdate();
        let second = surveys.missing(&folder).unwrap();
        assert_ne!(first, second);
        surveys.receive(&second, &counts(1, false));
        assert_eq!(surveys.of(&folder).unwrap().photos, 9);
        surveys.receive(&second, &counts(10, true));
        assert_eq!((surveys.of(&folder).unwrap().photos, surveys.missing(&folder)), (10, None));
        surveys.forget();
        assert!(surveys.of(&folder).is_none() && surveys.missing(&folder).is_some());
        surveys.receive(&second, &counts(10, true));
        assert!(surveys.of(&folder).is_none(), "an answer from before");
    }

    #[test]
    fn surveys_of_many_folders_are_not_all_kept() {
        let mut surveys = Surveys::default();
        let of = |number: usize| PathBuf::from(format!("/photos/{number}"));
        for number in 0..3 * MOST_FOLDERS {
            let request = surveys.missing(&of(number)).unwrap();
            surveys.receive(&request, &Survey { is_over: true, ..Survey::default() });
            assert_eq!(surveys.missing(&of(number)), None);
        }
        let kept = (0..3 * MOST_FOLDERS).filter(|number| surveys.of(&of(*number)).is_some()).count();
        assert!((MOST_FOLDERS / 2..=MOST_FOLDERS).contains(&kept), "{kept}");
    }

    #[test]
    fn while_a_run_changes_the_vault_a_folder_is_surveyed_every_half_minute() {
        let (mut surveys, folder) = (Surveys::default(), PathBuf::from("/photos"));
        let mut surveyed = 0;
        for _ in 0..100 {
            if let Some(request) = surveys.missing(&folder) {
                surveyed += 1;
                surveys.receive(&request, &Survey { is_over: true, ..Survey::default() });
            }
            surveys.vault_changed();
            surveys.advance(Duration::from_secs(1));
        }
        assert_eq!(surveyed, 5, "at first, at the first change, and after 30, 60 and 90 s");
        surveys.follow_at_once();
        surveys.vault_changed();
        assert!(surveys.missing(&folder).is_some());
    }
}
