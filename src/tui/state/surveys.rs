//! What is below the folders that the cursor has rested on, as far as it is known.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::services::survey::{Survey, Thoroughness};

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
#[derive(Debug, Default)]
pub struct Surveys {
    folders: HashMap<PathBuf, Known>,
    /// Counts changes of the vault. An older survey is shown until a new one has ended.
    version: u64,
    /// Answers to requests before this version are out of date.
    valid_from: u64,
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
            self.folders.insert(folder.clone(), known);
        }
    }

    /// The vault has changed, or files may have.
    pub fn outdate(&mut self) {
        self.version += 1;
    }

    /// Forgets all of them; later answers to earlier requests are out of date.
    pub fn forget(&mut self) {
        self.folders.clear();
        self.version += 1;
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
}
