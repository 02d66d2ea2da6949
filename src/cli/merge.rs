//! `cipherlens merge`: makes two copies of a vault that went separate ways the same.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::meter::Meter;
use super::output;
use super::passphrase::Purpose;
use super::session::{Session, meant};
use crate::services::format::utc_minute;
use crate::services::merge::{
    Copies, Decision, Disagreement, Disagreements, MergeProgress, MergedCopies, Relation, Settle, Side,
};
use crate::services::name::inert;

/// Arguments of `merge`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens merge ~/photos.vault ssh://nas/photos.vault\n\nBoth copies have all photos of \
        both afterwards, each content once, and machines that used either of them go on. If one copy continues the \
        other, only the older one is changed. A photo that one copy has removed and the other one still has is listed: \
        --ours does as the first copy did, --theirs as the second, --keep-all keeps the photo, --remove-all removes \
        it. If their passphrases differ, those of one copy open both afterwards: the one that --ours or --theirs \
        names, or --passphrases. If it is interrupted, the same command goes on."
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
    /// Where they disagree, remove the photo
    #[arg(long, conflicts_with_all = ["as_ours", "as_theirs", "keep_all"])]
    remove_all: bool,
    /// Whose passphrases open both copies afterwards, if they differ
    #[arg(long, value_enum, value_name = "COPY")]
    passphrases: Option<WhichCopy>,
    /// Print one JSON object: merged, relation, generation, photos, before [ours, theirs], removed [ours, theirs],
    /// lost, passphrases_of, disagreements [id, path, removed, removed_in], passphrases_differ
    #[arg(long)]
    json: bool,
}

/// One of the two copies.
#[derive(Clone, Copy, ValueEnum)]
enum WhichCopy {
    /// The first one
    Ours,
    /// The second one
    Theirs,
}

impl Arguments {
    fn settle(&self) -> Option<Settle> {
        match (self.as_ours, self.as_theirs, self.keep_all, self.remove_all) {
            (true, ..) => Some(Settle::Ours),
            (_, true, ..) => Some(Settle::Theirs),
            (_, _, true, _) => Some(Settle::KeepAll),
            (.., true) => Some(Settle::RemoveAll),
            _ => None,
        }
    }

    fn passphrases(&self) -> Option<Side> {
        match (self.passphrases, self.as_ours, self.as_theirs) {
            (Some(WhichCopy::Ours), _, _) | (None, true, _) => Some(Side::Ours),
            (Some(WhichCopy::Theirs), _, _) | (None, _, true) => Some(Side::Theirs),
            (None, false, false) => None,
        }
    }

    /// What the options decide about; `None` when they leave something open.
    fn decision(&self, about: &Disagreements) -> Option<Decision> {
        let photos = if about.photos.is_empty() { Some(Settle::KeepAll) } else { self.settle() };
        let passphrases = if about.passphrases { self.passphrases() } else { Some(Side::Ours) };
        Some(Decision { photos: photos?, passphrases: passphrases? })
    }
}

/// Merges the two copies.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let (ours, theirs) = (meant(&arguments.ours)?, meant(&arguments.theirs)?);
    let dirs = session.dirs()?;
    let copies = session.find_trusted(|trust| Copies::at(&ours, &theirs, dirs, trust))?;
    let [first, second] = copies.names();
    let passphrase = session.passphrase(&format!("Passphrase for {}", copies.first_and_address()), Purpose::Open)?;
    // Made when something is counted, so that none is drawn while the user is asked.
    let meter: RefCell<Option<(&'static str, Meter)>> = RefCell::new(None);
    let count = |what: &'static str, done, total| {
        let mut meter = meter.borrow_mut();
        if let Some((before, finished)) = &*meter
            && *before != what
        {
            finished.finish();
            *meter = None;
        }
        meter.get_or_insert_with(|| (what, Meter::new(total, what))).1.set(total, done);
    };
    let progress = |progress: MergeProgress| match progress {
        MergeProgress::Taken(done, total) => count("photos", done, total),
        MergeProgress::Copied(done, total) => count("files", done, total),
    };
    let (found, asked) = (RefCell::new(Disagreements::default()), RefCell::new(Ok(())));
    let decide = |about: Disagreements| {
        let decision = arguments.decision(&about).or_else(|| {
            list(&about, &first, &second);
            if arguments.json || !io::stdin().is_terminal() {
                return None;
            }
            ask(arguments, &about, &first, &second).unwrap_or_else(|error| {
                *asked.borrow_mut() = Err(error);
                None
            })
        });
        found.replace(about);
        decision
    };
    let merged = copies.merge(&passphrase, dirs, session.older_source(), &decide, &progress);
    if let Some((_, meter)) = &*meter.borrow() {
        meter.finish();
    }
    let (merged, notes) = merged?;
    asked.into_inner()?;
    notes.iter().for_each(|note| output::note(note));
    if arguments.json {
        output::json(&as_json(merged.as_ref(), &found.borrow()))?;
    } else if let Some(merged) = &merged {
        output::text(&in_words(merged, &first, &second))?;
    }
    if merged.is_none() {
        output::say(&format!("Nothing was changed. Decide with {}.", open_options(&found.borrow())));
        return Ok(Exit::Failure);
    }
    Ok(Exit::Success)
}

/// The options that decide.
fn open_options(about: &Disagreements) -> &'static str {
    match (about.photos.is_empty(), about.passphrases) {
        (true, _) => "--passphrases ours or --passphrases theirs",
        (false, false) => "--ours, --theirs, --keep-all or --remove-all",
        (false, true) => "--ours or --theirs, or with --passphrases and --keep-all or --remove-all",
    }
}

/// Lists what has to be decided.
fn list(about: &Disagreements, first: &str, second: &str) {
    if !about.photos.is_empty() {
        let photos = output::count(about.photos.len(), "photo");
        output::say(&format!("{photos} removed from one copy, and still in the other:"));
    }
    for Disagreement { id, path, removed, removed_in } in &about.photos {
        let (gone, there) = match removed_in {
            Side::Ours => (first, second),
            Side::Theirs => (second, first),
        };
        let (path, id, when) = (inert(path), id.to_string(), utc_minute(*removed));
        output::say(&format!("  {path} ({}): removed from {gone} on {when}, still in {there}", &id[..8]));
    }
    if about.passphrases {
        output::say("The passphrases of the two copies differ. Those of one of them will open both.");
    }
}

fn ask(arguments: &Arguments, about: &Disagreements, first: &str, second: &str) -> io::Result<Option<Decision>> {
    let mut photos = arguments.settle().or(about.photos.is_empty().then_some(Settle::KeepAll));
    if photos.is_none() {
        let question = format!(
            "Do as {first} did [f], as {second} did [s], keep all of them [k], or remove all of them [r]? Else stop: \
             [f/s/k/r]"
        );
        photos = match output::ask(&question)?.as_str() {
            "f" | "F" => Some(Settle::Ours),
            "s" | "S" => Some(Settle::Theirs),
            "k" | "K" => Some(Settle::KeepAll),
            "r" | "R" => Some(Settle::RemoveAll),
            _ => return Ok(None),
        };
    }
    let mut passphrases = if about.passphrases { arguments.passphrases() } else { Some(Side::Ours) };
    if passphrases.is_none() {
        let question = format!("Keep the passphrases of {first} [f], or of {second} [s]? Else stop: [f/s]");
        passphrases = match output::ask(&question)?.as_str() {
            "f" | "F" => Some(Side::Ours),
            "s" | "S" => Some(Side::Theirs),
            _ => return Ok(None),
        };
    }
    Ok(photos.zip(passphrases).map(|(photos, passphrases)| Decision { photos, passphrases }))
}

fn in_words(merged: &MergedCopies, first: &str, second: &str) -> String {
    let MergedCopies { relation, newest, photos, before: [ours, theirs], removed, lost, passphrases_of } = merged;
    let (photos, generation) = (output::count(*photos, "photo"), newest.generation);
    let mut text = match relation {
        Relation::Same => format!(
            "{first} and {second} are the same: {photos}, generation {generation}. Their files were not compared; \
             cipherlens check does that.\n"
        ),
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
    for (removed, from, by) in [(removed[0], first, second), (removed[1], second, first)] {
        if removed > 0 {
            text += &format!("{} removed from {from}, as in {by}.\n", output::count(removed, "photo"));
        }
    }
    if *lost > 0 {
        text +=
            &format!("{} that the newer copy had lost came back from the older one.\n", output::count(*lost, "photo"));
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

fn as_json(merged: Option<&MergedCopies>, about: &Disagreements) -> serde_json::Value {
    let side = |side| match side {
        Side::Ours => "ours",
        Side::Theirs => "theirs",
    };
    let row = |found: &Disagreement| {
        json!({
            "id": found.id.to_string(), "path": found.path, "removed": output::instant(found.removed),
            "removed_in": side(found.removed_in),
        })
    };
    let disagreements: Vec<_> = about.photos.iter().map(row).collect();
    let mut value = json!({
        "merged": merged.is_some(), "disagreements": disagreements, "passphrases_differ": about.passphrases,
    });
    if let Some(merged) = merged {
        let MergedCopies { relation, newest, photos, before: [ours, theirs], removed, lost, passphrases_of } = merged;
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
        value["removed"] = json!({ "ours": removed[0], "theirs": removed[1] });
        value["lost"] = json!(lost);
        value["passphrases_of"] = json!(passphrases_of.map(side));
    }
    value
}
