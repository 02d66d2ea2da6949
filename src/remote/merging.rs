//! Merging two copies of a vault, wherever they are. If one continues the other, the older one is brought up to date.
//! If both were changed, the first one becomes the union of both, and then the second one is brought up to date.
//!
//! Must never: change a copy before the owner has decided what the two disagree about.

use std::sync::Arc;

use super::error::{Error, elsewhere};
use super::replica;
use super::replica::{OlderSource, Replica, Source, Transferred};
use crate::cipher::Passphrase;
use crate::durable::IfLocked;
use crate::vault;
use crate::vault::{Descent, Disagreement, Freshness, Merge, Merged, Seen, Settle, Side, Snapshot, Vault};

/// How two copies of a vault relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They are the same generation.
    Same,
    /// The first one continues the second one.
    OursIsNewer,
    /// The second one continues the first one.
    TheirsIsNewer,
    /// Both were changed.
    Separate,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeProgress {
    /// Photos that the first copy has taken over, and how many there are.
    Taken(usize, usize),
    /// Files that were copied to bring a copy up to date, and how many there are.
    Copied(usize, usize),
}

/// Two copies that are the same now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct MergedCopies {
    /// How they related before.
    pub relation: Relation,
    /// The generation of both.
    pub newest: Seen,
    /// Photos in both.
    pub photos: usize,
    /// Photos that the first copy had before, and the second one.
    pub before: [usize; 2],
    /// Photos that were removed from the first copy because the second one had removed them.
    pub removed: usize,
    /// Whose passphrases open both now, if those of the two were different.
    pub passphrases_of: Option<Side>,
}

/// Makes two copies of a vault the same. `passphrase` opens the first one. `decide` is asked about what the two
/// disagree about; with `None` nothing is changed and there is no result.
///
/// # Errors
/// [`Error::OtherVault`]; [`vault::Error::RolledBack`] and the like when neither copy continues what this machine has
/// seen, unless `older` accepts that; what is missing or damaged in a copy, or cannot be written. What was committed
/// before an error stays, and merging again goes on.
pub fn merge(
    ours: &Replica,
    theirs: &Replica,
    passphrase: &Passphrase,
    freshness: &Freshness,
    older: OlderSource,
    decide: &dyn Fn(&[Disagreement]) -> Option<Settle>,
    progress: &dyn Fn(MergeProgress),
) -> Result<Option<MergedCopies>, vault::Error> {
    let vault = ours.open(passphrase)?;
    // Before the mappings are read: see `freshness`.
    let seen = freshness.seen(vault.id())?;
    let (first, second) = (vault.snapshot()?, second_copy(&vault, ours, theirs)?);
    let relation = relation(&vault, &first, &second, ours, theirs)?;
    if older == OlderSource::Refuse {
        require_known_line(&vault, freshness, &seen, [(ours, &first), (theirs, &second)])?;
    }
    let before = [first.len(), second.len()];
    let other_header = first.mapping().header != second.mapping().header;
    let transfer = |source: &Replica, snapshot: &Snapshot, target: &Replica| {
        let source = Source { replica: source, vault: &vault, snapshot, seen: &[] };
        let copied = |done, total| progress(MergeProgress::Copied(done, total));
        replica::bring_up_to_date(&source, target, freshness, OlderSource::Refuse, &copied)
    };
    let (mut removed, mut photos) = (0, first.len());
    let Transferred { newest, .. } = match relation {
        Relation::Same | Relation::OursIsNewer => transfer(ours, &first, theirs)?,
        Relation::TheirsIsNewer => {
            photos = second.len();
            transfer(theirs, &second, ours)?
        }
        Relation::Separate => {
            let merge = Merge::of(&vault, second)?;
            let settle = match merge.disagreements() {
                [] => Settle::KeepAll,
                disagreements => match decide(disagreements) {
                    Some(settle) => settle,
                    None => return Ok(None),
                },
            };
            let total = merge.only_theirs();
            let taken = |done| progress(MergeProgress::Taken(done, total.max(done)));
            let merged: Merged = merge.run(settle, IfLocked::Wait, &taken)?;
            removed = merged.removed;
            let both = vault.snapshot()?;
            photos = both.len();
            transfer(ours, &both, theirs)?
        }
    };
    if older == OlderSource::Accept {
        freshness.accept(vault.snapshot()?.signed())?;
    }
    let side = if relation == Relation::TheirsIsNewer { Side::Theirs } else { Side::Ours };
    let passphrases_of = other_header.then_some(side);
    Ok(Some(MergedCopies { relation, newest, photos, before, removed, passphrases_of }))
}

/// The newest generation of the second copy.
fn second_copy(vault: &Vault, ours: &Replica, theirs: &Replica) -> Result<Snapshot, vault::Error> {
    let found = theirs.backend.mapping().map_err(|error| match error {
        vault::Error::Missing { .. } => vault::Error::NotAVault { path: (&theirs.name).into() },
        error => error,
    })?;
    if found.mapping.vault != vault.id() {
        return Err(elsewhere(Error::OtherVault { there: theirs.name.clone(), here: ours.name.clone() }));
    }
    vault.other_copy(Arc::clone(&theirs.backend))
}

fn relation(
    vault: &Vault,
    first: &Snapshot,
    second: &Snapshot,
    ours: &Replica,
    theirs: &Replica,
) -> Result<Relation, vault::Error> {
    let (one, other) = (first.signed(), second.signed());
    if one.tag == other.tag {
        return Ok(Relation::Same);
    }
    let (newer, descent) = if one.mapping.generation > other.mapping.generation {
        (Relation::OursIsNewer, vault.descent(&*ours.backend, one, &Seen::of(other))?)
    } else {
        (Relation::TheirsIsNewer, vault.descent(&*theirs.backend, other, &Seen::of(one))?)
    };
    Ok(if descent == Descent::Continues { newer } else { Relation::Separate })
}

/// Refuses two copies neither of which continues what this machine has seen: a third one has photos that would be
/// missing.
fn require_known_line(
    vault: &Vault,
    freshness: &Freshness,
    seen: &[Seen],
    copies: [(&Replica, &Snapshot); 2],
) -> Result<(), vault::Error> {
    let check = |(replica, snapshot): (&Replica, &Snapshot)| {
        let descent = |older: &Seen| vault.descent(&*replica.backend, snapshot.signed(), older);
        freshness.check(seen, snapshot.signed(), &descent)
    };
    let [first, second] = copies.map(check);
    if second.is_ok() { Ok(()) } else { first }
}
