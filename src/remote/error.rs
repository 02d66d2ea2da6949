//! Why a vault on another machine could not be used.
//!
//! Must never: contain a file name, a query or a secret. Text from a host is shown without control characters (see
//! `peer_stderr`).

use std::io;

use super::peer_stderr::PeerStderr;
use super::protocol::{Reason, Refusal};
use crate::vault;
use crate::vault::Object;

/// Why a connection or a request over it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be used.
    #[error("{address:?} is not a valid vault address: {why}")]
    Address {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The connecting program could not be started.
    #[error("{program} could not be started")]
    Start {
        /// The program.
        program: String,
        /// What the system reported.
        source: io::Error,
    },
    /// The program is not installed on the host.
    #[error("cipherlens is not installed on {host}{said}")]
    NotInstalled {
        /// Which host.
        host: String,
        /// What it wrote to standard error.
        said: PeerStderr,
    },
    /// ssh could not connect.
    #[error("{host} could not be reached{said}")]
    Unreachable {
        /// Which host.
        host: String,
        /// What ssh wrote to standard error.
        said: PeerStderr,
    },
    /// The answer did not come from cipherlens.
    #[error("{host} answered, but not as cipherlens does{said}")]
    NotCipherlens {
        /// Which host.
        host: String,
        /// The beginning of what it wrote.
        said: PeerStderr,
    },
    /// The two programs speak different versions of the protocol.
    #[error(
        "cipherlens on {host} speaks version {theirs} of the protocol, this one version {ours}: the one {} is older",
        if theirs < ours { "there" } else { "here" }
    )]
    Version {
        /// Which host.
        host: String,
        /// Its version.
        theirs: u16,
        /// This program's.
        ours: u16,
    },
    /// Nothing arrived within the time limit.
    #[error("{host} has sent nothing for {seconds} seconds")]
    Silent {
        /// Which host.
        host: String,
        /// The time limit.
        seconds: u64,
    },
    /// The connection ended unexpectedly.
    #[error("the connection to {host} was lost{said}")]
    Lost {
        /// Which host.
        host: String,
        /// The end of standard error.
        said: PeerStderr,
    },
    /// The other side violated the protocol.
    #[error("{host} violated the protocol: {what}")]
    Garbled {
        /// Which host.
        host: String,
        /// What is wrong.
        what: &'static str,
    },
    /// An answer does not have the length that follows from the mapping.
    #[error("{host} sent {actual} bytes instead of {expected}")]
    Length {
        /// Which host.
        host: String,
        /// Bytes that were expected.
        expected: u64,
        /// Bytes that arrived.
        actual: u64,
    },
    /// The host refused a request.
    #[error("{host} refused{said}")]
    Refused {
        /// Which host.
        host: String,
        /// Its reason.
        said: PeerStderr,
    },
    /// The target is a replica of a different vault.
    #[error("{there} and {here} are different vaults")]
    OtherVault {
        /// The target of the transfer.
        there: String,
        /// The source of the transfer.
        here: String,
    },
    /// The target is newer than the source: nothing was copied.
    #[error("{there} is at generation {theirs}, newer than generation {ours} of {here}: nothing was copied")]
    Newer {
        /// The target of the transfer.
        there: String,
        /// Its generation.
        theirs: u64,
        /// The source of the transfer.
        here: String,
        /// Its generation.
        ours: u64,
    },
    /// Two copies were changed separately.
    #[error(
        "{there} (generation {theirs}) and {here} (generation {ours}) were changed separately: neither continues the \
         other, and copying would lose photos"
    )]
    Forked {
        /// The target of the transfer.
        there: String,
        /// Its generation.
        theirs: u64,
        /// The source of the transfer.
        here: String,
        /// Its generation.
        ours: u64,
    },
    /// No passphrase opens a copy, because its header is not the one of its generation.
    #[error(
        "the file `header` of {copy}, which holds the passphrases, does not belong to its generation {generation}: \
         nothing was copied"
    )]
    HeaderReplaced {
        /// The copy.
        copy: String,
        /// Its generation.
        generation: u64,
    },
    /// The source of a transfer has lost photos that the target has.
    #[error("{there} has {photos} of the photos that {here} has lost and that nobody removed: nothing was copied")]
    PhotosLost {
        /// The target of the transfer.
        there: String,
        /// The source of the transfer.
        here: String,
        /// How many.
        photos: usize,
    },
    /// It is unknown whether one copy continues the other.
    #[error(
        "the history of {here} (generation {ours}) and {there} (generation {theirs}) does not tell whether one \
         continues the other: nothing was copied"
    )]
    UnknownLineage {
        /// The target of the transfer.
        there: String,
        /// Its generation.
        theirs: u64,
        /// The source of the transfer.
        here: String,
        /// Its generation.
        ours: u64,
    },
}

impl Error {
    /// Whether retrying on a new connection may help.
    pub(super) fn is_loss(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Garbled { .. })
    }

    /// What the user can do now.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Address { .. } => "write it as ssh://[user@]host[:port]/path, or give a folder",
            Self::Start { .. } => "install it, or name another command with --via",
            Self::NotInstalled { .. } => {
                "copy this program there, into a folder of the PATH that non-interactive shells have, for instance: \
                 scp $(command -v cipherlens) HOST:/usr/local/bin/"
            }
            Self::Unreachable { .. } => "try: ssh HOST true",
            Self::NotCipherlens { .. } => {
                "a login script that prints something spoils the connection; try: ssh HOST true, which should print \
                 nothing"
            }
            Self::Version { theirs, ours, .. } if theirs < ours => "upgrade cipherlens on that machine",
            Self::Version { .. } => "upgrade cipherlens on this machine",
            Self::Silent { .. } | Self::Lost { .. } => "run the same command again: it continues where it stopped",
            Self::Newer { .. } => {
                "copy the other way: cipherlens pull brings the newer one here, push brings it there; to give up what \
                 only the newer one has: --accept-older (a copy on another machine must be deleted there first)"
            }
            Self::HeaderReplaced { .. } => {
                "put the file `header` back that belongs there: from another copy of that generation, or from a backup"
            }
            Self::PhotosLost { .. } => {
                "cipherlens merge brings them back: both have all photos of both afterwards; to give them up: \
                 --accept-older"
            }
            Self::Forked { .. } => "cipherlens merge puts them together: both have all photos of both afterwards",
            Self::UnknownLineage { .. } => {
                "cipherlens merge puts them together; if you can do without that copy, delete it there and copy the \
                 whole vault again"
            }
            _ => return None,
        })
    }
}

/// Wraps an error of the connection as a vault error.
pub(super) fn elsewhere(error: Error) -> vault::Error {
    vault::Error::Elsewhere(Box::new(error))
}

/// Maps a host's refusal to the error that a local vault would give. `object` is the requested file.
pub(super) fn refused(host: &str, refusal: Refusal, object: Option<Object>) -> vault::Error {
    let generic = |said| elsewhere(Error::Refused { host: host.to_owned(), said });
    let Refusal { reason, detail } = refusal;
    match (reason, object) {
        (Reason::Missing, Some(object)) => vault::Error::Missing { object },
        (Reason::Damaged, Some(object)) => {
            vault::Error::Damaged { object, what: "the host reports that it differs from the mapping" }
        }
        (Reason::TooLarge, Some(object)) => {
            vault::Error::Damaged { object, what: "the host reports that it is too large" }
        }
        (Reason::TooLarge, None) => generic(PeerStderr::of(format!("{detail} is too large").as_bytes())),
        (Reason::NotAVault, _) => vault::Error::NotAVault { path: host.into() },
        (Reason::Occupied, _) => vault::Error::Occupied { path: host.into() },
        (Reason::Locked, _) => vault::Error::Locked,
        (Reason::Overtaken, _) => vault::Error::Overtaken,
        (Reason::Dispossessed, _) => vault::Error::Dispossessed,
        (Reason::Moved, _) => generic(PeerStderr::of(b"its vault has changed to another generation; try again")),
        (Reason::Cancelled, _) => generic(PeerStderr::of(b"the request was cancelled")),
        _ => generic(PeerStderr::of(detail.as_bytes())),
    }
}
