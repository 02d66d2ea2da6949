//! `cipherlens key`: the passphrases of the vault.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::passphrase::{PassphraseSource, Purpose};
use super::remove::confirmed;
use super::session::{self, Session};
use crate::services::keys::{self, ListedSlot, SlotKind};

/// Arguments of `key`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cipherlens key list\n  cipherlens key add\n  cipherlens key remove 3f2a\n\nA vault may \
        have up to 64 passphrases, each in a slot of the file `header`; any of them opens everything. They have no \
        names: note which id belongs to whom, or see with `key list` which one a passphrase opens.\n\nRemoving \
        one does not revoke it: whoever has an old copy of `header` and knows the removed passphrase can still \
        open that, and whoever opened the vault may have kept its key, which stays the same. `push` and `pull` \
        bring the other copies of the vault up to date."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the slots: id, kind, and which one the passphrase that you give opens
    List(ListArguments),
    /// Add a passphrase that opens the vault too
    Add(AddArguments),
    /// Remove a passphrase, or another way to open the vault
    Remove(RemoveArguments),
}

#[derive(Args)]
struct ListArguments {
    /// Print one JSON object: slots [id, kind, number, opened], older_copy
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct AddArguments {
    /// Read the new passphrase from the first line of FILE instead of asking
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Print one JSON object: added
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct RemoveArguments {
    /// The first digits of the slot's id
    #[arg(value_name = "ID")]
    id: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print one JSON object: removed
    #[arg(long)]
    json: bool,
}

/// Lists the slots, or changes them.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    match &arguments.action {
        Action::List(arguments) => list(arguments, session),
        Action::Add(arguments) => add(arguments, session),
        Action::Remove(arguments) => remove(arguments, session),
    }
}

fn list(arguments: &ListArguments, session: &Session) -> Result<Exit, Failure> {
    let (vault, passphrase) = session.open_to_read()?;
    let slots = keys::list(&vault, &passphrase)?;
    if arguments.json {
        let slots: Vec<_> = slots.iter().map(as_json).collect();
        output::json(&json!({ "slots": slots, "older_copy": output::older_copy(&vault) }))?;
    } else {
        output::text(&slots.iter().map(in_words).collect::<String>())?;
    }
    Ok(Exit::Success)
}

fn as_json(slot: &ListedSlot) -> serde_json::Value {
    let (kind, number) = match slot.kind {
        SlotKind::Passphrase => ("passphrase", None),
        SlotKind::Unknown(number) => ("unknown", Some(number)),
    };
    json!({ "id": slot.id.to_string(), "kind": kind, "number": number, "opened": slot.is_opened })
}

fn in_words(slot: &ListedSlot) -> String {
    let kind = match slot.kind {
        SlotKind::Passphrase => "passphrase".to_owned(),
        SlotKind::Unknown(number) => format!("unknown (kind {number})"),
    };
    let opened = if slot.is_opened { "  the one given now" } else { "" };
    format!("{}  {kind}{opened}\n", short(slot))
}

/// The first digits of the id, which tell a slot from all others as those of a photo do.
fn short(slot: &ListedSlot) -> String {
    slot.id.to_string()[..8].to_owned()
}

fn add(arguments: &AddArguments, session: &Session) -> Result<Exit, Failure> {
    let (vault, _) = session.open_with_passphrase()?;
    let source = PassphraseSource::from_file(arguments.new_passphrase_file.clone());
    let new = session::read_passphrase(&source, "Further passphrase", Purpose::Choose)?;
    let added = keys::add(&vault, &new)?;
    if arguments.json {
        output::json(&json!({ "added": added.to_string() }))?;
    } else {
        output::line(&format!(
            "The vault opens with this passphrase too from now on (slot {}).",
            &added.to_string()[..8]
        ))?;
    }
    Ok(Exit::Success)
}

fn remove(arguments: &RemoveArguments, session: &Session) -> Result<Exit, Failure> {
    let (vault, passphrase) = session.open_with_passphrase()?;
    let slot = keys::find_to_remove(&keys::list(&vault, &passphrase)?, &arguments.id)?;
    let question = if slot.is_opened {
        format!(
            "Remove slot {}, of the passphrase that you just gave? Only the others open the vault then.",
            short(&slot)
        )
    } else {
        format!("Remove slot {}? Its passphrase does not open the vault any more then.", short(&slot))
    };
    if !arguments.yes && !confirmed(&question)? {
        output::say("Nothing was removed.");
        return Ok(Exit::Failure);
    }
    keys::remove(&vault, slot.id)?;
    if arguments.json {
        output::json(&json!({ "removed": slot.id.to_string() }))?;
    } else {
        output::text(&format!(
            "Slot {} was removed: its passphrase does not open the vault any more.\n\
             This does not revoke what it gave access to. Whoever has an old copy of the file `header` (every backup \
             and copy has one) and knows the passphrase can still open that one, and whoever opened the vault with it \
             may have kept the key of the vault, which stays the same. Bring the other copies up to date (cipherlens \
             copies lists them) and delete old ones; to keep somebody out for good, add the photos to a new vault.\n",
            short(&slot)
        ))?;
    }
    Ok(Exit::Success)
}
