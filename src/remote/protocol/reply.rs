//! Replies, and the reasons for a refusal.
//!
//! Must never: contain a path of the host's file system, or anything else that is not in the vault.

use crate::vault::Error;

/// The kind of [`Reply::Bytes`], which a host sends without copying the bytes into one.
pub const BYTES: u8 = 64;

/// One message of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// The host is working. The meaning of the number depends on the request.
    Progress(u64),
    /// The answer is complete.
    Done,
    /// The file is the one that the client already has.
    Unchanged,
    /// The request cannot be fulfilled.
    Refused(Refusal),
}

/// Why a request cannot be fulfilled, as sent to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The category.
    pub reason: Reason,
    /// Which file, or a text for the user.
    pub detail: String,
}

impl Refusal {
    /// A refusal with a detail, which may be empty.
    pub fn new(reason: Reason, detail: impl ToString) -> Self {
        Self { reason, detail: detail.to_string() }
    }
}

/// The category of a refusal. The numbers are part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The file, or the blocks of the segment in `detail`, are missing.
    Missing = 1,
    /// They differ from what was expected.
    Damaged = 2,
    /// The file is larger than the limit.
    TooLarge = 3,
    /// There is no vault.
    NotAVault = 4,
    /// Something else is at the place of the new vault.
    Occupied = 5,
    /// Another process is writing.
    Locked = 6,
    /// The digest of the current mapping differs from the request's.
    Moved = 7,
    /// The request was cancelled.
    Cancelled = 8,
    /// Anything else; `detail` is for the user.
    Failed = 9,
    /// Another process committed while this writer held the lock.
    Overtaken = 10,
    /// Another process took this writer's files away.
    Dispossessed = 11,
}

impl Reason {
    const ALL: [Self; 11] = [
        Self::Missing,
        Self::Damaged,
        Self::TooLarge,
        Self::NotAVault,
        Self::Occupied,
        Self::Locked,
        Self::Moved,
        Self::Cancelled,
        Self::Failed,
        Self::Overtaken,
        Self::Dispossessed,
    ];
}

impl Reply {
    /// The kind and the payload.
    #[must_use]
    pub fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Bytes(bytes) => (BYTES, bytes.clone()),
            Self::Progress(number) => (65, number.to_le_bytes().to_vec()),
            Self::Done => (66, Vec::new()),
            Self::Unchanged => (67, Vec::new()),
            Self::Refused(Refusal { reason, detail }) => (68, [&[*reason as u8], detail.as_bytes()].concat()),
        }
    }

    /// Reads the output of [`Self::encode`]; `None` for anything else.
    #[must_use]
    pub fn decode(kind: u8, payload: Vec<u8>) -> Option<Self> {
        match (kind, payload.as_slice()) {
            (BYTES, _) => Some(Self::Bytes(payload)),
            (65, number) => Some(Self::Progress(u64::from_le_bytes(number.try_into().ok()?))),
            (66, []) => Some(Self::Done),
            (67, []) => Some(Self::Unchanged),
            (68, [reason, detail @ ..]) => {
                let reason = Reason::ALL.into_iter().find(|known| *known as u8 == *reason)?;
                Some(Self::Refused(Refusal { reason, detail: std::str::from_utf8(detail).ok()?.to_owned() }))
            }
            _ => None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing { object } => Self::new(Reason::Missing, object),
            Error::Damaged { object, .. } => Self::new(Reason::Damaged, object),
            Error::TooLarge { object, .. } => Self::new(Reason::TooLarge, object),
            Error::NotAVault { .. } => Self::new(Reason::NotAVault, ""),
            Error::Occupied { .. } => Self::new(Reason::Occupied, ""),
            Error::Locked => Self::new(Reason::Locked, ""),
            Error::Overtaken => Self::new(Reason::Overtaken, ""),
            Error::Dispossessed => Self::new(Reason::Dispossessed, ""),
            error => {
                let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
                let text = error.to_string();
                Self::new(Reason::Failed, if text.contains(&source) { text } else { text + &source })
            }
        }
    }
}
