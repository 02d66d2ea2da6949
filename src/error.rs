//! What a use case can fail with, and the line that says what to do about it.
//!
//! Each room below has an error of its own with the facts; this one joins them for whoever talks to the user. A message
//! says what happened, [`Error::advice`] what to do next. Must never: carry a secret, or an original name from a vault.

use std::io;
use std::path::PathBuf;

use crate::ckks;
use crate::features;
use crate::remote;
use crate::vault;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Encrypted search refused.
    #[error(transparent)]
    Ckks(#[from] ckks::Error),
    /// A photo or the network's weights could not be used.
    #[error(transparent)]
    Features(#[from] features::Error),
    /// The vault refused.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// A vault on another machine could not be reached or used.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// A file outside the vault could not be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file outside the vault could not be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Photos were to be exported into a vault.
    #[error("cannot export to {}: it is in the vault {}, and exported photos are not encrypted", .folder.display(), .vault.display())]
    InsideVault {
        /// Where they were to go.
        folder: PathBuf,
        /// The vault.
        vault: PathBuf,
    },
}

/// An error with its causes in one line, each said once.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

impl Error {
    /// What the user can do now, where that is not plain from the message.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let error = match self {
            Self::Vault(vault::Error::Elsewhere(error)) => {
                return error.downcast_ref().and_then(remote::Error::advice);
            }
            Self::Remote(error) => return error.advice(),
            Self::Vault(error) => error,
            Self::InsideVault { .. } => return Some("export to a folder outside of every vault"),
            _ => return None,
        };
        match error {
            vault::Error::NotAVault { .. } => Some(
                "mount its disk and try again, or name another vault with --vault; to create a new one: cipherlens init VAULT",
            ),
            vault::Error::WrongPassphrase => {
                Some("try again; if the passphrase is surely right, restore `header` from a backup")
            }
            vault::Error::Damaged { .. } | vault::Error::Missing { .. } | vault::Error::TooLarge { .. } => {
                Some("cipherlens check lists all damage; cipherlens check --repair mends what can be mended")
            }
            vault::Error::RolledBack { .. } => Some(
                "if you did not restore a backup, somebody may have put an old copy back: look for the newest copy first",
            ),
            vault::Error::Forked { .. } => Some(
                "export what only this copy has (cipherlens export), go on with the other copy, and add the photos to it; \
                 if that one is lost, add them to a new vault",
            ),
            vault::Error::Overtaken => Some(
                "run the same command again; keep the vault on a disk with locks, or write to it from one machine at a time",
            ),
            vault::Error::ForeignDirectory { .. } => {
                Some("put the folder itself back; to keep a vault on another disk, move the whole vault there")
            }
            vault::Error::FeatureSpace { .. } => {
                Some("use the weights the vault was made with (--weights FILE), or add the photos to a new vault")
            }
            vault::Error::Io { source, .. }
                if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
            {
                Some(
                    "whoever uses a vault must be able to read its folder, and to write there for everything that changes it",
                )
            }
            vault::Error::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
                ) =>
            {
                Some("make room where the vault is, or raise the limit")
            }
            vault::Error::UnknownImage { .. } => Some("cipherlens list shows the ids; their first digits are enough"),
            _ => None,
        }
    }

    /// Whether the passphrase did not open the vault; an altered header cannot be told apart from that.
    #[must_use]
    pub fn is_wrong_passphrase(&self) -> bool {
        matches!(self, Self::Vault(vault::Error::WrongPassphrase))
    }

    /// Whether the vault is not what was written.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Vault(
                vault::Error::Damaged { .. }
                    | vault::Error::Missing { .. }
                    | vault::Error::TooLarge { .. }
                    | vault::Error::ForeignDirectory { .. }
                    | vault::Error::RolledBack { .. }
                    | vault::Error::Forked { .. }
            ) | Self::Ckks(ckks::Error::AnswerRefused)
        )
    }
}
