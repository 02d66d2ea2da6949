//! `cipherlens copies`: the known copies of the vault.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::failure::Failure;
use super::output;
use super::session::{Session, meant};
use super::table::{Align, Column, columns_of_output, table};
use crate::error::with_causes;
use crate::services::copies::{self, Advice, AdvisedAction, CheckKind, Copies, KnownCopy};
use crate::services::format::utc_minute;
use crate::services::name::inert;
use crate::services::open_vault::CopyAge;
use crate::services::session::Prompts;

/// Arguments of `copies`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cipherlens copies\n  cipherlens copies --forget /media/usb/photos.vault\n\nA copy is \
        known once it was opened, pushed to or pulled from on this machine. The list tells what was seen then; no copy \
        is opened for it, and no passphrase is needed. After --forget the next vault at that address is accepted, \
        whichever it is. For copies that \
        are not the newest it says which command brings them up to date."
)]
pub(super) struct Arguments {
    /// Forget the copy at ADDRESS
    #[arg(long, value_name = "ADDRESS")]
    forget: Option<PathBuf>,
    /// Print one JSON array of objects: address, generation, generations_behind, seen, checked, damages, check, command
    #[arg(long, conflicts_with = "forget")]
    json: bool,
}

/// Lists the copies, or forgets one.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    if let Some(address) = &arguments.forget {
        let address = meant(address)?;
        copies::forget(&address, session.dirs()?)?;
        output::line(&format!("Forgot the copy at {}.", inert(&address.to_string_lossy())))?;
        return Ok(Exit::Success);
    }
    let path = session.vault_path()?;
    let found = copies::of_vault_at(&path, session.dirs()?, Prompts::Allowed, session.trust())?;
    if let Some(error) = &found.not_found {
        output::say(&format!("cipherlens: {}; this is what is known of it.", inert(&with_causes(error))));
    }
    if arguments.json {
        let mut listed = as_json(&found.copies);
        for (object, copy) in listed.as_array_mut().into_iter().flatten().zip(&found.copies) {
            object["command"] = json!(found.advice(copy).map(|advice| advice.command));
        }
        output::json(&listed)?;
    } else if found.copies.is_empty() {
        output::line("No copy of this vault is known: none was opened on this machine.")?;
    } else {
        output::text(&(in_words(&found.copies) + &advice_in_words(&found)))?;
    }
    Ok(Exit::Success)
}

/// A line for each copy.
pub(super) fn in_words(copies: &[KnownCopy]) -> String {
    let cells = |copy: &KnownCopy| {
        [
            inert(&copy.address).into_owned(),
            format!("generation {}", copy.generation),
            match copy.age {
                CopyAge::Older { .. } => format!("{} than the newest one seen", copy.age_in_words()),
                _ => copy.age_in_words(),
            },
            format!("seen {}", utc_minute(copy.seen)),
            copy.health(),
        ]
    };
    let rows: Vec<_> = copies.iter().map(cells).collect();
    let columns = [(); 5].map(|()| Column::new(Align::Left));
    table(&columns, &rows, columns_of_output())
}

/// What to do about the copies that are not the newest.
fn advice_in_words(found: &Copies) -> String {
    let mut text = String::new();
    if let Some(generation) = found.newest_elsewhere() {
        text += &format!("\nThe newest generation that this machine has seen, {generation}, is at none of these.\n");
    }
    for copy in &found.copies {
        let Some(Advice { action, other, command }) = found.advice(copy) else { continue };
        let (copy, other) = (inert(&copy.address), inert(&other.address));
        text += &match action {
            AdvisedAction::Update => format!("\nTo bring {copy} up to date with {other}:\n  {command}\n"),
            AdvisedAction::Merge => {
                format!("\nTo give {other} and {copy} what only one of them has:\n  {command}\n")
            }
        };
    }
    text
}

/// The same for scripts.
pub(super) fn as_json(copies: &[KnownCopy]) -> Value {
    let instant = |seconds: u64| output::instant(i64::try_from(seconds).unwrap_or(i64::MAX));
    let object = |copy: &KnownCopy| {
        json!({
            "address": copy.address,
            "generation": copy.generation,
            "generations_behind": copy.behind(),
            "seen": instant(copy.seen),
            "checked": copy.last_check.map(|check| instant(check.at)),
            "damages": copy.last_check.map(|check| check.damages),
            "check": copy.last_check.map(|check| match check.kind {
                CheckKind::Files => "files",
                CheckKind::Full => "full",
            }),
        })
    };
    copies.iter().map(object).collect()
}
