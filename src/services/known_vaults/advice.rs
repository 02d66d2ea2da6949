//! What to do about a copy that is not the newest: which known copy has what it lacks, and the command that brings the
//! two together.

use std::cmp::Reverse;
use std::path::Path;

use super::listing::KnownCopy;
use crate::remote::Address;
use crate::services::format::utc_minute;
use crate::services::name::shell_word;
use crate::vault::CopyAge;

/// What to do about a copy that is not the newest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Advice {
    /// What the command does.
    pub action: AdvisedAction,
    /// The copy that has what this one lacks.
    pub other: KnownCopy,
    /// The command, as a user gives it to a shell.
    pub command: String,
}

/// What brings two copies together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AdvisedAction {
    /// The older one gets what the newer one has.
    Update,
    /// Both get what only the other one has.
    Merge,
}

impl Advice {
    /// What to do about the copy at `address`, which compares with the one in use as `age` says. `None` if it is the
    /// newest, if nobody can tell how it compares, and if no copy among `copies` has what it lacks.
    pub(in crate::services) fn of(address: &str, age: CopyAge, copies: &[KnownCopy]) -> Option<Self> {
        let lacks_less = |lacking: u64| match age {
            CopyAge::Older { found, seen } => lacking < seen.saturating_sub(found),
            // Of two copies that are put together, one must be the newest. If it turns out that one continues the
            // other, merging brings the older one up to date.
            CopyAge::Forked { .. } => lacking == 0,
            CopyAge::Unproven { found, seen } => found > seen && lacking == 0,
            CopyAge::Newest => false,
        };
        let (_, other) = copies
            .iter()
            .filter_map(|other| Some((other.behind()?, other)))
            .filter(|(lacking, other)| other.address != address && lacks_less(*lacking))
            .min_by_key(|(lacking, other)| (*lacking, is_remote(&other.address), Reverse(other.seen)))?;
        let action = match age {
            CopyAge::Forked { .. } | CopyAge::Unproven { .. } => AdvisedAction::Merge,
            _ => AdvisedAction::Update,
        };
        let verb = match action {
            AdvisedAction::Merge => "merge",
            AdvisedAction::Update if is_remote(&other.address) => "pull",
            AdvisedAction::Update => "push",
        };
        let (from, to) = (shell_word(&other.address)?, shell_word(address)?);
        Some(Self { action, other: other.clone(), command: format!("cipherlens {verb} {from} {to}") })
    }

    /// Which copy has what this one lacks, and what is known of it. The address may hold anything.
    #[must_use]
    pub fn other_in_words(&self) -> String {
        let KnownCopy { address, generation, seen, .. } = &self.other;
        let what = match self.action {
            AdvisedAction::Update => "a newer copy is",
            AdvisedAction::Merge => "the other copy is",
        };
        format!("{what} at {address} (generation {generation}, seen {})", utc_minute(*seen))
    }

    /// What the command is for.
    #[must_use]
    pub fn purpose(&self) -> &'static str {
        match self.action {
            AdvisedAction::Update => "to bring this one up to date",
            AdvisedAction::Merge => "to give both what only the other one has",
        }
    }
}

fn is_remote(address: &str) -> bool {
    Address::is_remote(Path::new(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(address: &str, generation: u64, age: CopyAge) -> KnownCopy {
        KnownCopy { address: address.to_owned(), generation, age, seen: generation, last_check: None }
    }

    fn older(found: u64) -> CopyAge {
        CopyAge::Older { found, seen: 7 }
    }

    fn command(address: &str, age: CopyAge, copies: &[KnownCopy]) -> Option<String> {
        Advice::of(address, age, copies).map(|advice| advice.command)
    }

    #[test]
    fn an_older_copy_is_brought_up_to_date_with_the_newest_known_one() {
        let copies = [
            copy("/old", 4, older(4)),
            copy("/a b", 7, CopyAge::Newest),
            copy("ssh://nas/v", 7, CopyAge::Newest),
            copy("/fork", 7, CopyAge::Forked { found: 7, seen: 7 }),
        ];
        let expected = "cipherlens push '/a b' /old";
        assert_eq!(command("/old", older(4), &copies).as_deref(), Some(expected), "a folder here comes first");
        let remote_only = [copies[0].clone(), copies[2].clone()];
        assert_eq!(command("/old", older(4), &remote_only).as_deref(), Some("cipherlens pull ssh://nas/v /old"));
        assert_eq!(command("/a b", CopyAge::Newest, &copies), None);
    }

    #[test]
    fn the_newest_may_be_at_no_known_address() {
        let copies = [copy("/older", 4, older(4)), copy("/oldest", 2, older(2))];
        assert_eq!(command("/oldest", older(2), &copies).as_deref(), Some("cipherlens push /older /oldest"));
        assert_eq!(command("/older", older(4), &copies), None, "no copy has more");
        let fork = CopyAge::Forked { found: 9, seen: 7 };
        assert_eq!(command("/fork", fork, &copies), None, "neither would be the newest");
    }

    #[test]
    fn a_copy_that_was_changed_separately_is_merged() {
        let copies = [copy("ssh://nas/v", 7, CopyAge::Newest), copy("/older", 4, older(4))];
        let fork = CopyAge::Forked { found: 9, seen: 7 };
        assert_eq!(command("/fork", fork, &copies).as_deref(), Some("cipherlens merge ssh://nas/v /fork"));
        let merge = Some("cipherlens merge ssh://nas/v /later");
        assert_eq!(command("/later", CopyAge::Unproven { found: 9, seen: 7 }, &copies).as_deref(), merge);
        assert_eq!(command("/before", CopyAge::Unproven { found: 5, seen: 7 }, &copies), None);
    }
}
