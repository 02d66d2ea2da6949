//! What stands before the vault: the first run, and unlocking.

mod not_there;

use std::path::PathBuf;

use super::line::{Line, Passphrase};
use crate::services::session::FirstQuestion;

pub use not_there::{Choice, NotThere};

/// A screen that is passed before the vault is open. It may be skipped: files can be looked at without a vault.
pub enum Gate {
    /// No vault is known: one is created or named.
    FirstRun(FirstRun),
    /// A vault is known and closed.
    Unlock(Unlock),
    /// A vault is known, and not at its path.
    NotThere(NotThere),
}

impl Gate {
    /// The gate that asks `question`.
    #[must_use]
    pub fn for_question(question: FirstQuestion) -> Self {
        match question {
            FirstQuestion::Passphrase { vault } => Self::Unlock(Unlock::new(vault)),
            FirstQuestion::NewVault { suggested } => Self::FirstRun(FirstRun::new(suggested)),
        }
    }
}

/// The steps of the first run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Where the vault is, or is to be.
    Folder,
    /// Its passphrase.
    Passphrase,
    /// The same again.
    Again,
}

/// The first run.
pub struct FirstRun {
    /// The step whose field takes the keys.
    pub step: Step,
    /// Where the vault is to be.
    pub folder: Line,
    /// The passphrase.
    pub passphrase: Passphrase,
    /// The passphrase, typed again.
    pub again: Passphrase,
    /// What is wrong with what was typed.
    pub error: Option<String>,
    /// The vault is being created.
    pub is_working: bool,
}

impl FirstRun {
    /// Proposes `folder` for the vault.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            step: Step::Folder,
            folder: Line::with(folder.display().to_string()),
            passphrase: Passphrase::default(),
            again: Passphrase::default(),
            error: None,
            is_working: false,
        }
    }
}

/// Unlocking a vault.
pub struct Unlock {
    /// The vault.
    pub vault: PathBuf,
    /// The passphrase typed so far.
    pub passphrase: Passphrase,
    /// Why it did not open.
    pub error: Option<String>,
    /// The key is being derived.
    pub is_working: bool,
}

impl Unlock {
    /// Asks for the passphrase of `vault`.
    #[must_use]
    pub fn new(vault: PathBuf) -> Self {
        Self { vault, passphrase: Passphrase::default(), error: None, is_working: false }
    }
}
