//! How a command fails: the message, the advice, and the exit code.

use std::io;

use super::Exit;
use super::output;
use super::passphrase::PassphraseError;
use crate::error::{Error, with_causes};
use crate::services::legacy::LegacyError;
use crate::services::name::inert;
use crate::services::settings::SettingsError;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Work(#[from] Error),
    /// A copy that is not the newest was to be changed. The advice names the newest one.
    #[error("{error}")]
    NotNewest { error: Error, advice: String },
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Legacy(#[from] LegacyError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Usage(String),
    #[error("no home directory is known, so there is no place for settings and state; set HOME")]
    NoHome,
    #[error("no vault is named, and none was used before")]
    NoVault,
}

/// The outcome of a command after its `work` is done and its report has been `written`, or not. A closed pipe is not a
/// failure; any other write error is, unless something worse happened before.
pub(super) fn reported(work: Exit, written: io::Result<()>) -> Result<Exit, Failure> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(work),
        Err(error) if work == Exit::Success => Err(error.into()),
        Err(error) => {
            Failure::from(error).report();
            Ok(work)
        }
        Ok(()) => Ok(work),
    }
}

impl Failure {
    /// What the user can do next.
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Work(error) => error.advice(),
            Self::NoVault => Some("name one with --vault or CIPHERLENS_VAULT, or create one: cipherlens init VAULT"),
            _ => None,
        }
    }

    /// Prints the failure with its causes and advice, and returns the exit code.
    pub(super) fn report(&self) -> Exit {
        // A reader that closes the pipe (`| head`) has seen enough.
        if matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            return Exit::Success;
        }
        let message = with_causes(self);
        // Messages about the settings have several lines. Elsewhere only a name can have a line break, and it must not
        // make up a message of its own.
        let shown = match self {
            Self::Settings(_) => message.lines().map(inert).collect::<Vec<_>>().join("\n"),
            _ => inert(&message).into_owned(),
        };
        output::say(&format!("cipherlens: {shown}"));
        if let Some(advice) = self.advice() {
            output::say(&format!("  {advice}"));
        }
        if let Self::NotNewest { advice, .. } = self {
            output::say(&format!("  {advice}"));
        }
        match self {
            Self::Work(error) if error.is_wrong_passphrase() => Exit::WrongPassphrase,
            Self::Work(error) | Self::NotNewest { error, .. } if error.is_damage() => Exit::Damage,
            Self::Usage(_) => Exit::Usage,
            _ => Exit::Failure,
        }
    }
}
