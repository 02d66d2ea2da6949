//! The screens that ask for a vault and its passphrase.

mod missing_vault;

use std::path::PathBuf;

use super::text_field::{PassphraseField, TextField};
use crate::services::session::{FirstQuestion, Passphrase, VaultId};

pub use missing_vault::{Choice, MissingVault};

/// A screen shown before a vault is open. It can be skipped: files can be browsed without a vault.
pub enum LockScreen {
    /// No vault is known: the user creates or names one.
    FirstRun(FirstRun),
    /// A vault is known and needs its passphrase.
    Unlock(Unlock),
    /// A vault is known, but not at its path.
    MissingVault(MissingVault),
}

impl LockScreen {
    /// Shows why the vault was not opened.
    pub fn set_error(&mut self, reason: String) {
        match self {
            Self::FirstRun(first) => first.error = Some(reason),
            Self::Unlock(unlock) => unlock.error = Some(reason),
            Self::MissingVault(missing) => missing.error = Some(reason),
        }
    }

    /// The screen that asks `question`.
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
    /// The folder of the vault.
    Folder,
    /// Its passphrase.
    Passphrase,
    /// The passphrase again.
    Again,
}

/// The first run.
pub struct FirstRun {
    /// The step whose field has the focus.
    pub step: Step,
    /// The folder of the vault.
    pub folder: TextField,
    /// The passphrase.
    pub passphrase: PassphraseField,
    /// The passphrase, typed again.
    pub again: PassphraseField,
    /// What is wrong with the input.
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
            folder: TextField::with(folder.display().to_string()),
            passphrase: PassphraseField::default(),
            again: PassphraseField::default(),
            error: None,
            is_working: false,
        }
    }
}

/// A vault that was not opened, because another one was at its address before: the user is asked whether to trust it.
pub struct Untrusted {
    /// The vault.
    pub vault: PathBuf,
    /// What it claims to be.
    pub found: VaultId,
    /// The passphrase that was given for it before it was found.
    pub passphrase: Option<Passphrase>,
}

/// Whether it is known what is at the address of a vault. Another vault than before must be noticed, and the user asked
/// about it, before a passphrase is typed for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Look {
    /// Not since the screen was shown: the first key asks for it.
    Due,
    /// A worker was asked.
    Asked,
    /// That failed. It is tried again when the passphrase is entered, and not for each key: a host may lock out whoever
    /// connects too often.
    Failed,
    /// The vault is there, and is the known one or one that the user trusts.
    Done,
}

/// Unlocking a vault.
pub struct Unlock {
    /// The vault.
    pub vault: PathBuf,
    /// Whether it is known which vault is there.
    pub look: Look,
    /// Another vault than before, which the user trusts.
    pub trusted: Option<VaultId>,
    /// The passphrase typed so far.
    pub passphrase: PassphraseField,
    /// Why it did not open.
    pub error: Option<String>,
    /// The passphrase was entered, and the vault is being opened as soon as it is known which one it is.
    pub is_working: bool,
}

impl Unlock {
    /// Asks for the passphrase of `vault`.
    #[must_use]
    pub fn new(vault: PathBuf) -> Self {
        Self {
            vault,
            look: Look::Due,
            trusted: None,
            passphrase: PassphraseField::default(),
            error: None,
            is_working: false,
        }
    }

    /// The same, after the vault was found there.
    #[must_use]
    pub fn found(vault: PathBuf) -> Self {
        Self { look: Look::Done, ..Self::new(vault) }
    }
}
