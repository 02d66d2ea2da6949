//! What is to be added to the vault: the plan that is shown before a run, and the runs that wait for the one under way.

use std::path::PathBuf;

use super::surveys::SurveyRequest;
use crate::services::survey::{NewPhotos, Survey};

/// The plan of a run, which fills while the files are looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// What to add, and the survey of it that the plan shows.
    pub request: SurveyRequest,
    /// What was found so far.
    pub survey: Survey,
}

impl Plan {
    /// A plan of which nothing is known yet.
    #[must_use]
    pub fn new(request: SurveyRequest) -> Self {
        Self { request, survey: Survey::default() }
    }
}

/// A run that waits for the one under way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueuedRun {
    /// What it adds.
    pub paths: Vec<PathBuf>,
    /// How many new photos that is, as far as it was known when the run was planned.
    pub new_photos: Option<NewPhotos>,
}
