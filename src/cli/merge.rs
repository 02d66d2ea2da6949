//! `cipherlens merge`: makes two copies of a vault that went separate ways the same.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::meter::Meter;
use super::output;
use super::passphrase::Purpose;
use super::session::{Session, meant};
use crate::services::merge::{Copies, Disagreement, MergeProgress, MergedCopies, Relation, Settle, Side};
use crate::services::name::inert;

/// Arguments of `merge`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens merge ~/photos.vault ssh://nas/photos.vault\n\nBoth copies have all photos of \
        both afterwards, each content once, and machines that used either of them go on. If one copy continues the \
        other, only the older one is changed. A photo that one copy has removed and the other one still has is listed: \
        --ours takes the first copy's word, --theirs the second one's, --keep-all keeps the photo. If it is \
        interrupted, the same command goes on."
)]
pub(super) struct Arguments {
    /// The first copy: a folder, or ssh://[user@]host[:port]/path
    #[arg(value_name = "OURS")]
    ours: PathBuf,
    /// The second copy
    #[arg(value_name = "THEIRS")]
    theirs: PathBuf,
    /// Where they disagree, do as the first copy did
    #[arg(long = "ours", conflicts_with_all = ["as_theirs", "keep_all"])]
    as_ours: bool,
    /// Where they disagree, do as the second copy did
    #[arg(long = "theirs", conflicts_with = "keep_all")]
    as_theirs: bool,
    /// Where they disagree, keep the photo
    #[arg(long)]
    keep_all: bool,
    /// Print one JSON object: merged, relation, generation, photos, before [ours, theirs], removed,
    /// passphrases_of, disagreements [name, removed, removed_in]
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn settle(&self) -> Option<Settle> {
        match (self.as_ours, self.as_theirs, self.keep_all) {
            (true, _, _) => Some(Settle::Ours),
            (_, true, _) => Some(Settle::Theirs),
            (_, _, true) => Some(Settle::KeepAll),
            _ => None,
        }
    }
}

/// Merges the two copies.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let (ours, theirs) = (meant(&arguments.ours)?, meant(&arguments.theirs)?);
    let dirs = session.dirs()?;
    let copies = session.find_trusted(|trust| Copies::at(&ours, &theirs, dirs, trust))?;
    let ([first, second], trust_notes) = (copies.names(), copies.trust_notes());
    let passphrase = session.passphrase(&format!("Passphrase for {first}"), Purpose::Open)?;
    let meter = Meter::new(0, "photos or files");
    let progress = |progress: MergeProgress| match progress {
        MergeProgress::Taken(done, total) | MergeProgress::Copied(done, total) => meter.set(total, done),
    };
    let (found, asked) = (RefCell::new(Vec::new()), RefCell::new(Ok(())));
    let decide = |disagreements: &[Disagreement]| {
        found.replace(disagreements.to_vec());
        if let Some(settle) = arguments.settle() {
            return Some(settle);
        }
        meter.suspend(|| list(disagreements));
        if arguments.json || !io::stdin().is_terminal() {
            return None;
        }
        ask().unwrap_or_else(|error| {
            *asked.borrow_mut() = Err(error);
            None
        })
    };
    let merged = copies.merge(&passphrase, dirs, session.older_source(), &decide, &progress);
    meter.finish();
    let merged = merged?;
    asked.into_inner()?;
    for note in trust_notes {
        output::say(&format!("cipherlens: {}.", inert(&note)));
    }
    if arguments.json {
        output::json(&as_json(merged.as_ref(), &found.into_inner()))?;
    } else if let Some(merged) = &merged {
        output::text(&in_words(merged, &first, &second))?;
    }
    if merged.is_none() {
        output::say("Nothing was changed. Decide with --ours, --theirs or --keep-all.");
        return Ok(Exit::Failure);
    }
    Ok(Exit::Success)
}

/// Lists what has to be decided.
fn list(disagreements: &[Disagreement]) {
    let photos = output::count(disagreements.len(), "photo");
    output::say(&format!("One copy has removed {photos} that the other one still has:"));
    for Disagreement { name, removed, removed_in } in disagreements {
        let (gone, there) = match removed_in {
            Side::Ours => ("the first", "the second"),
            Side::Theirs => ("the second", "the first"),
        };
        let when = output::instant(*removed);
        output::say(&format!("  {}: removed from {gone} copy on {when}, still in {there}", inert(name)));
    }
}

fn ask() -> io::Result<Option<Settle>> {
    let answer = output::ask("Do as the [f]irst copy, as the [s]econd, or [k]eep all of them? [f/s/k, else stop]")?;
    Ok(match answer.as_str() {
        "f" | "F" => Some(Settle::Ours),
        "s" | "S" => Some(Settle::Theirs),
        "k" | "K" => Some(Settle::KeepAll),
        _ => None,
    })
}

fn in_words(merged: &MergedCopies, first: &str, second: &str) -> String {
    let MergedCopies { relation, newest, photos, before: [ours, theirs], removed, passphrases_of } = merged;
    let (photos, generation) = (output::count(*photos, "photo"), newest.generation);
    let mut text = match relation {
        Relation::Same => format!("{first} and {second} are the same: {photos}, generation {generation}.\n"),
        Relation::OursIsNewer => {
            format!("{second} was older. Both have {photos} now, generation {generation}.\n")
        }
        Relation::TheirsIsNewer => {
            format!("{first} was older. Both have {photos} now, generation {generation}.\n")
        }
        Relation::Separate => format!(
            "Merged: {first} had {ours} and {second} {theirs}. Both have {photos} now, generation \
             {generation}.\n"
        ),
    };
    if *removed > 0 {
        text += &format!("{} removed, as in the second copy.\n", output::count(*removed, "photo"));
    }
    if let Some(side) = passphrases_of {
        let whose = match side {
            Side::Ours => first,
            Side::Theirs => second,
        };
        text += &format!("Their passphrases were different. Those of {whose} open both from now on.\n");
    }
    text
}

fn as_json(merged: Option<&MergedCopies>, disagreements: &[Disagreement]) -> serde_json::Value {
    let side = |side| match side {
        Side::Ours => "ours",
        Side::Theirs => "theirs",
    };
    let row = |found: &Disagreement| {
        json!({
            "name": found.name, "removed": output::instant(found.removed), "removed_in": side(found.removed_in),
        })
    };
    let disagreements: Vec<_> = disagreements.iter().map(row).collect();
    let mut value = json!({ "merged": merged.is_some(), "disagreements": disagreements });
    if let Some(MergedCopies { relation, newest, photos, before: [ours, theirs], removed, passphrases_of }) = merged {
        let relation = match relation {
            Relation::Same => "same",
            Relation::OursIsNewer => "ours is newer",
            Relation::TheirsIsNewer => "theirs is newer",
            Relation::Separate => "separate",
        };
        value["relation"] = json!(relation);
        value["generation"] = json!(newest.generation);
        value["photos"] = json!(photos);
        value["before"] = json!({ "ours": ours, "theirs": theirs });
        value["removed"] = json!(removed);
        value["passphrases_of"] = json!(passphrases_of.map(side));
    }
    value
}
