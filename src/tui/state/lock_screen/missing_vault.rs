//! A known vault that is not at its path: its disk is not mounted, or its folder was moved.

use std::path::PathBuf;

use super::super::text_field::TextField;
use crate::services::session::Presence;

/// What to do about a missing vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Choice {
    /// Look again.
    TryAgain,
    /// Open a vault at another path.
    OpenAnother,
    /// Create an empty vault at this path. Never the default: the missing vault should be mounted, not replaced.
    CreateHere,
}

impl Choice {
    /// All choices, the harmless one first.
    pub const ALL: [Self; 3] = [Self::TryAgain, Self::OpenAnother, Self::CreateHere];

    /// Its label on the screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::TryAgain => "try again",
            Self::OpenAnother => "open another vault",
            Self::CreateHere => "create a new, empty vault at this path",
        }
    }
}

/// A vault that is not at its path.
pub struct MissingVault {
    /// The path.
    pub vault: PathBuf,
    /// What is there instead of a vault.
    pub found: Presence,
    /// The choice under the cursor.
    pub choice: Choice,
    /// The path of another vault, while it is being typed.
    pub other: Option<TextField>,
    /// Whether a worker is looking for it again.
    pub is_looking: bool,
    /// How many times the user has tried again.
    pub tries: usize,
    /// What is wrong with the input, or the result of the last try.
    pub error: Option<String>,
}

impl MissingVault {
    /// The screen as it is first shown.
    #[must_use]
    pub fn new(vault: PathBuf, found: Presence) -> Self {
        Self { vault, found, choice: Choice::TryAgain, other: None, is_looking: false, tries: 0, error: None }
    }

    /// Moves to the choice below (1) or above (-1), wrapping around.
    pub fn step(&mut self, by: isize) {
        let at = Choice::ALL.iter().position(|choice| *choice == self.choice).unwrap_or(0);
        self.choice = Choice::ALL[at.wrapping_add_signed(by).wrapping_add(Choice::ALL.len()) % Choice::ALL.len()];
    }
}
