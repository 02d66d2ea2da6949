//! `cipherlens list`: what is in the vault.

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::session::Session;
use super::table::{Align, Column, columns_of_output, table};
use crate::services::name::inert;
use crate::services::session::read_from;

/// Arguments of `list`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens list\n\nThe first digits of an id are enough wherever an id is asked for."
)]
pub(super) struct Arguments {
    /// Print one JSON array of objects: id, name, width, height, bytes, modified, captured
    #[arg(long)]
    json: bool,
}

/// Lists the photos.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let (vault, mut snapshot) = session.open_vault()?;
    let rows = read_from(&vault, &mut snapshot, |snapshot| {
        snapshot.prefetch_listing();
        let mut rows = Vec::with_capacity(snapshot.len());
        for segment in snapshot.segments()? {
            rows.extend(segment.catalogue()?.iter().map(|row| (row.id, row.details.clone())));
        }
        Ok(rows)
    })?;
    if arguments.json {
        let rows: Vec<_> = rows.iter().map(|(id, details)| output::details(*id, details)).collect();
        output::json(&rows)?;
        return Ok(Exit::Success);
    }
    let cells: Vec<_> = rows
        .iter()
        .map(|(id, details)| {
            [
                id.to_string()[..8].to_owned(),
                output::date(details),
                output::size(details.bytes),
                format!("{} x {}", details.width, details.height),
                inert(&details.name).into_owned(),
            ]
        })
        .collect();
    let columns = [
        Column::new(Align::Left),
        Column::at_most(Align::Left, "2000-01-01 00:00".len()),
        Column::new(Align::Right),
        Column::new(Align::Right),
        Column::new(Align::Left),
    ];
    output::text(&table(&columns, &cells, columns_of_output()))?;
    output::say(&output::count(rows.len(), "photo"));
    Ok(Exit::Success)
}
