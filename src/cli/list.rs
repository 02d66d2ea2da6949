//! `cipherlens list`: the photos of the vault.

use std::io;

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::output::Objects;
use super::photo_object::DescribedPhotoObject;
use super::session::Session;
use super::table::{Align, Column, columns_of_output, table};
use crate::services::camera_data::CameraData;
use crate::services::library::{self, StoredPhoto};
use crate::services::name::inert;

/// Arguments of `list`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens list\n\nThe first digits of an id are enough wherever an id is asked for."
)]
pub(super) struct Arguments {
    /// Print one JSON array of objects: id, name, width, height, bytes, modified, captured, media_type, places,
    /// orientation, camera, lens, exposure
    #[arg(long)]
    json: bool,
    /// Print the same objects one a line, as they are read
    #[arg(long, conflicts_with = "json")]
    jsonl: bool,
}

/// Lists the photos.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let vault = session.open_vault()?;
    if arguments.json || arguments.jsonl {
        let mut objects = if arguments.json { Objects::array() } else { Objects::lines() };
        let encode = |photo: &StoredPhoto, camera_data: Option<&CameraData>| {
            serde_json::to_string(&DescribedPhotoObject::new(photo, camera_data)).map_err(io::Error::from)
        };
        library::for_each(&vault, encode, |object| Ok::<_, Failure>(objects.write(&object?)?))?;
        objects.finish()?;
        return Ok(Exit::Success);
    }
    let photos = library::list(&vault)?;
    let cells: Vec<_> = photos
        .iter()
        .map(|photo| {
            [
                photo.id.to_string()[..8].to_owned(),
                output::date(photo),
                output::size(photo.bytes),
                format!("{} x {}", photo.width, photo.height),
                inert(&photo.name).into_owned(),
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
    output::say(&output::count(photos.len(), "photo"));
    Ok(Exit::Success)
}
