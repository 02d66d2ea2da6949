//! Why a use case failed, and what the user can do about it.
//!
//! Each module below has its own error with the facts; [`Error`] joins them for the command line and the application,
//! which show both the message (what happened) and [`Error::advice`] (what to do next). Must never: carry a secret, or
//! a file name from a vault.

use std::io;
use std::path::PathBuf;

use crate::ckks;
use crate::features;
use crate::remote;
use crate::vault;
use crate::vault::Object;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Encrypted search failed.
    #[error(transparent)]
    Ckks(#[from] ckks::Error),
    /// A photo or the network's weights could not be used.
    #[error(transparent)]
    Features(#[from] features::Error),
    /// The vault could not be read or changed.
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
        /// The system's error.
        source: io::Error,
    },
    /// A file outside the vault could not be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The folder to export to lies in a vault.
    #[error(
        "cannot export to {}: it is in the vault {}, and exported photos are not encrypted",
        .folder.display(),
        .vault.display()
    )]
    InsideVault {
        /// The folder to export to.
        folder: PathBuf,
        /// The vault.
        vault: PathBuf,
    },
    /// Another vault is at an address than the one that is known there.
    #[error("another vault is at {address} than before")]
    OtherVault {
        /// The address.
        address: String,
        /// What the vault there claims to be.
        found: vault::Id,
    },
    /// A copy is to be put where this machine has seen one, and there is none any more.
    #[error("there is no vault any more at {address}, where this machine has seen one")]
    VaultGone {
        /// The address.
        address: String,
        /// The vault that was to be copied there.
        copied: vault::Id,
    },
    /// The list of known vaults cannot be used.
    #[error(
        "{}, which says which vault belongs to which address, cannot be used: {what}. Repair it or restore it from a \
         backup. Without it another vault in the place of yours is not noticed: remove it only if you are sure that \
         each of your vaults is in its place",
        .file.display()
    )]
    KnownVaults {
        /// The list.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The passphrase is wrong, and the copy says that it is older than what this machine has seen.
    #[error(
        "the passphrase is wrong. This copy of the vault is older, at generation {found}, and this machine has seen \
         generation {seen}: if passphrases were changed since, the old ones open it"
    )]
    WrongPassphraseOfOlder {
        /// The generation of the copy.
        found: u64,
        /// The newest generation that this machine has seen.
        seen: u64,
    },
    /// No vault is known at an address.
    #[error("no vault is known at {address}")]
    UnknownAddress {
        /// The address.
        address: String,
    },
}

/// What to do about another vault at an address.
const OTHER_VAULT: &str = "your vault may have been moved, or made anew here; or somebody put another one in its \
                           place, to see what you add to it. Nothing was opened. If you expect another vault here: \
                           --trust-new-vault";

/// What to do where a copy is gone.
const VAULT_GONE: &str = "its disk may not be mounted, or somebody has deleted it; or the host hides it, to be given \
                          another copy. Nothing was copied. If you expect no vault there: --trust-new-vault";

/// An error with its causes on one line; a cause that the message already contains is not repeated.
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
    /// The message with its causes and the advice, on one line.
    #[must_use]
    pub fn with_advice(&self) -> String {
        let message = with_causes(self);
        match self.advice() {
            Some(advice) => format!("{message}; {advice}"),
            None => message,
        }
    }

    /// What the user can do now, if the message does not make it obvious.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let error = match self {
            Self::Vault(vault::Error::Elsewhere(error)) => {
                return error.downcast_ref().and_then(remote::Error::advice);
            }
            Self::Remote(error) => return error.advice(),
            Self::Vault(error) => error,
            Self::InsideVault { .. } => return Some("export to a folder outside of every vault"),
            Self::OtherVault { .. } => return Some(OTHER_VAULT),
            Self::VaultGone { .. } => return Some(VAULT_GONE),
            Self::UnknownAddress { .. } => return Some("cipherlens copies lists the addresses of a vault"),
            Self::WrongPassphraseOfOlder { .. } => {
                return Some(
                    "try the passphrase that the vault had then, or bring this copy up to date first: cipherlens \
                     copies says how",
                );
            }
            _ => return None,
        };
        match error {
            vault::Error::NotAVault { .. } => Some(
                "mount its disk and try again, or name another vault with --vault; to create a new one: cipherlens \
                 init VAULT",
            ),
            vault::Error::WrongPassphrase => {
                Some("try again; if you are sure of the passphrase, put `header` back from another copy or a backup")
            }
            vault::Error::Damaged { object: Object::Header | Object::Mapping, .. }
            | vault::Error::Missing { object: Object::Header | Object::Mapping, .. } => Some(
                "no command repairs this file: use another copy of the vault (cipherlens copies lists the known ones), \
                 or put `header` and `mapping.json`, both of one generation, back from a backup",
            ),
            vault::Error::Damaged { .. } | vault::Error::Missing { .. } | vault::Error::TooLarge { .. } => {
                Some("cipherlens check lists all damage, and says what can be done about it")
            }
            vault::Error::Outdated => {
                Some("upgrade it: cipherlens --vault VAULT upgrade (--dry-run says what it needs)")
            }
            vault::Error::NoSpace { .. } => {
                Some("free some space there: the old files are removed only once the new ones are in place")
            }
            vault::Error::HeaderReplaced { .. } => Some(
                "copy the file `header` from another copy of the vault, or from a backup as new as its mapping.json; \
                 if nobody restored a backup, somebody may have put the old one back",
            ),
            vault::Error::RolledBack { .. } => Some(
                "if you did not restore a backup, somebody may have put an old copy back: look for the newest copy \
                 first",
            ),
            vault::Error::Forked { .. } => Some(
                "look for the other copy first: what only that one has is not here. cipherlens merge puts both \
                 together, and machines that used either of them go on",
            ),
            vault::Error::Unproven { .. } => Some(
                "if you upgraded or repaired the vault on another machine, that is why; otherwise somebody may have \
                 put another copy here: look for the newest copy first",
            ),
            vault::Error::Exchanged => Some(
                "look for who or what replaces your vault before you use it again: what is added to another vault may \
                 be read by its owner",
            ),
            vault::Error::Overtaken | vault::Error::Dispossessed => Some(
                "run the same command again; keep the vault on a disk with locks, or write to it from one machine at a \
                 time",
            ),
            vault::Error::ForeignDirectory { .. } => {
                Some("put the folder itself back; to keep a vault on another disk, move the entire vault there")
            }
            vault::Error::FeatureSpace { .. } => {
                Some("use the weights the vault was made with (--weights FILE), or add the photos to a new vault")
            }
            vault::Error::Io { source, .. }
                if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
            {
                Some("using a vault needs read access to its folder, and changing it needs write access")
            }
            vault::Error::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
                ) =>
            {
                Some("free some space on the vault's disk, or raise the limit")
            }
            vault::Error::PassphraseInUse { .. } => Some("choose another one; cipherlens key list shows the slots"),
            vault::Error::SlotsFull { .. } => Some("remove one that is not needed any more: cipherlens key remove ID"),
            vault::Error::LastPassphrase => {
                Some("add another one first (cipherlens key add), or change this one (cipherlens passwd)")
            }
            vault::Error::UnknownSlot { .. } => {
                Some("cipherlens key list shows the ids; their first digits are enough")
            }
            vault::Error::UnknownImage { .. } => Some("cipherlens list shows the ids; their first digits are enough"),
            _ => None,
        }
    }

    /// Whether the passphrase is wrong; an altered header looks the same.
    #[must_use]
    pub fn is_wrong_passphrase(&self) -> bool {
        matches!(self, Self::Vault(vault::Error::WrongPassphrase) | Self::WrongPassphraseOfOlder { .. })
    }

    /// Whether the vault differs from what was written: damaged, rolled back, forked, gone, or another one.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::OtherVault { .. }
                | Self::VaultGone { .. }
                | Self::Vault(
                    vault::Error::Damaged { .. }
                        | vault::Error::Missing { .. }
                        | vault::Error::TooLarge { .. }
                        | vault::Error::ForeignDirectory { .. }
                        | vault::Error::RolledBack { .. }
                        | vault::Error::Forked { .. }
                        | vault::Error::Unproven { .. }
                        | vault::Error::HeaderReplaced { .. }
                        | vault::Error::Exchanged
                        | vault::Error::FalseAnswer
                )
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_joined_once_and_followed_by_advice() {
        let source = io::Error::other("the disk is gone");
        let error = Error::Write { path: "/out/a.jpg".into(), source };
        assert_eq!(error.with_advice(), "cannot write /out/a.jpg: the disk is gone");
        let error = Error::InsideVault { folder: "/v/out".into(), vault: "/v".into() };
        assert!(
            error.with_advice().ends_with("; export to a folder outside of every vault"),
            "{}",
            error.with_advice()
        );
    }
}
