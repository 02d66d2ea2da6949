//! The copies of a vault as they are listed: how each compares with the one in use, and when it was last checked.
//!
//! Must never: look at a copy. What is listed is what was seen last.

use super::file::{Check, CheckKind, Entry};
use crate::services::format::{count, utc_minute};
use crate::vault::{CopyAge, Seen};

/// What is known of a copy of a vault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownCopy {
    /// Where it is: a folder or an address. May hold anything.
    pub address: String,
    /// The generation that was last seen there.
    pub generation: u64,
    /// How it compares with the copy in use: the newest one of the vault that this machine has seen and accepted.
    pub age: CopyAge,
    /// When it was last seen, in seconds since 1970.
    pub seen: u64,
    /// Its last check.
    pub last_check: Option<Check>,
}

impl KnownCopy {
    /// When it was last checked and what was found, in words.
    #[must_use]
    pub fn health(&self) -> String {
        match self.last_check {
            None => "never checked".to_owned(),
            Some(Check { at, damages, kind }) => {
                let outcome = match damages {
                    0 => "no damage".to_owned(),
                    damages => format!("{} damaged", count(damages, "file")),
                };
                let kind = match kind {
                    CheckKind::Full => "full check",
                    CheckKind::Files => "files only",
                };
                format!("{outcome} ({kind}, {})", utc_minute(at))
            }
        }
    }

    /// How many generations it lacks; `None` when it was changed separately, or nobody can tell.
    #[must_use]
    pub fn behind(&self) -> Option<u64> {
        match self.age {
            CopyAge::Newest => Some(0),
            CopyAge::Older { found, seen } => Some(seen.saturating_sub(found)),
            CopyAge::Forked { .. } | CopyAge::Unproven { .. } => None,
        }
    }

    /// How it compares with the copy in use, in words.
    #[must_use]
    pub fn age_in_words(&self) -> String {
        match self.behind().map(usize::try_from) {
            Some(Ok(0)) => "current".to_owned(),
            Some(Ok(behind)) => format!("{} older", count(behind, "generation")),
            Some(Err(_)) => "much older".to_owned(),
            None if matches!(self.age, CopyAge::Unproven { .. }) => "newer, or changed separately".to_owned(),
            None => "changed separately".to_owned(),
        }
    }
}

/// The copies in `entries`, compared with the generations that this machine has `seen` in the copy in use.
pub(super) fn listed(entries: Vec<Entry>, seen: &[Seen]) -> Vec<KnownCopy> {
    let copy = |entry: Entry| KnownCopy {
        age: CopyAge::of_known(seen, entry.newest()),
        address: entry.address.to_string(),
        generation: entry.generation,
        seen: entry.seen,
        last_check: entry.last_check,
    };
    entries.into_iter().map(copy).collect()
}
