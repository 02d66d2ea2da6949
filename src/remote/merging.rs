//! Merging two copies of a vault, wherever they are. If one continues the other, the older one is brought up to date.
//! If both were changed, the first one becomes the union of both, and then the second one is brought up to date.
//!
//! Must never: change a copy before the owner has decided what the two disagree about.

use std::sync::Arc;

use super::error::{Error, elsewhere};
use super::replica;
use super::replica::{OlderSource, Replica, Source};
use crate::cipher::Passphrase;
use crate::durable::IfLocked;
use crate::vault;
use crate::vault::{
    Decision, Descent, Disagreement, Freshness, Merge, Merged, Seen, Settle, Side, Snapshot, Vault, lost_since,
};

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

/// What two copies that were changed separately disagree about.
#[derive(Clone, Copy)]
pub struct Disagreements<'a> {
    /// Photos that one has removed and the other one still has.
    pub photos: &'a [Disagreement],
    /// Whether different passphrases open them.
    pub passphrases: bool,
}

impl Disagreements<'_> {
    /// Whether there is nothing to decide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.photos.is_empty() && !self.passphrases
    }
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
    /// Photos that the first copy has lost because the second one had removed them, and the other way round.
    pub removed: [usize; 2],
    /// Photos that the newer copy had lost, and has again from the older one.
    pub lost: usize,
    /// Whose passphrases open both now, if those of the two were different.
    pub passphrases_of: Option<Side>,
}

/// Makes two copies of a vault the same. `passphrase` opens the first one. `decide` is asked about what the two
/// disagree about; with `None` nothing is changed and there is no result.
///
/// # Errors
/// [`Error::OtherVault`]; [`Error::HeaderReplaced`]; [`vault::Error::RolledBack`] and the like when neither copy
/// continues what this machine has seen, unless `older` accepts that; what is missing or damaged in a copy, or cannot
/// be written. What was committed before an error stays, and merging again goes on.
pub fn merge(
    ours: &Replica,
    theirs: &Replica,
    passphrase: &Passphrase,
    freshness: &Freshness,
    older: OlderSource,
    decide: &dyn Fn(Disagreements<'_>) -> Option<Decision>,
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
    let (mut removed, mut passphrases_of) = ([0, 0], None);
    if first.mapping().header != second.mapping().header {
        passphrases_of = if relation == Relation::TheirsIsNewer { Some(Side::Theirs) } else { Some(Side::Ours) };
    }
    let lost = match relation {
        Relation::OursIsNewer => lost_since(&second, &first)?,
        Relation::TheirsIsNewer => lost_since(&first, &second)?,
        Relation::Same | Relation::Separate => 0,
    };
    let (newest, from, to) = if relation == Relation::Separate || lost > 0 {
        replica::header_of(theirs, second.signed())?;
        let merge = Merge::of(&vault, second)?;
        let Some(decision) = decision(&merge, relation, passphrase, decide, &mut passphrases_of) else {
            return Ok(None);
        };
        let total = merge.only_theirs();
        let taken = |done| progress(MergeProgress::Taken(done, total.max(done)));
        let merged: Merged = merge.run(decision, IfLocked::Wait, &taken)?;
        removed = merged.removed;
        (merged.newest, ours, theirs)
    } else if relation == Relation::TheirsIsNewer {
        (Arc::new(second), theirs, ours)
    } else {
        (Arc::new(first), ours, theirs)
    };
    // Before the other copy is brought up to date: what was committed here is known even if that fails.
    let descent = |older: &Seen| vault.descent(&*from.backend, newest.signed(), older);
    match older {
        OlderSource::Refuse => freshness.remember(&seen, newest.signed(), &descent)?,
        OlderSource::Accept => freshness.accept(newest.signed())?,
    }
    let source = Source { replica: from, vault: &vault, snapshot: &newest, seen: &[] };
    let copied = |done, total| progress(MergeProgress::Copied(done, total));
    let _ = replica::bring_up_to_date(&source, to, &Freshness::unrecorded(), OlderSource::Refuse, &copied)?;
    let (photos, newest) = (newest.len(), Seen::of(newest.signed()));
    Ok(Some(MergedCopies { relation, newest, photos, before, removed, lost, passphrases_of }))
}

/// What becomes of what the copies disagree about. If one continues the other, it knows better.
fn decision(
    merge: &Merge<'_>,
    relation: Relation,
    passphrase: &Passphrase,
    decide: &dyn Fn(Disagreements<'_>) -> Option<Decision>,
    passphrases_of: &mut Option<Side>,
) -> Option<Decision> {
    match relation {
        Relation::Same | Relation::OursIsNewer => {
            return Some(Decision { photos: Settle::Ours, passphrases: Side::Ours });
        }
        Relation::TheirsIsNewer => return Some(Decision { photos: Settle::Theirs, passphrases: Side::Theirs }),
        Relation::Separate => {}
    }
    let passphrases = merge.has_other_passphrases(passphrase);
    let disagreements = Disagreements { photos: merge.disagreements(), passphrases };
    let nothing_to_decide = Decision { photos: Settle::KeepAll, passphrases: Side::Ours };
    let decision = if disagreements.is_empty() { nothing_to_decide } else { decide(disagreements)? };
    *passphrases_of = passphrases.then_some(decision.passphrases);
    Some(decision)
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
