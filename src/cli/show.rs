//! `cipherlens show`: one photo of the vault, decrypted in memory, in the terminal.

use clap::Args;
use image::DynamicImage;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::pictures;
use super::session::Session;
use crate::error::Error;
use crate::features::photo::{Limits, Photo};
use crate::preview::{self, Choice, Panel};
use crate::services::name::inert;

/// Longer side of the decoded picture: more than any terminal shows.
const PICTURE_PIXELS: u32 = 1600;
/// Height of the picture in lines.
const ROWS: u16 = 30;

/// Arguments of `show`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens show 3f2a\n\nThe photo is decrypted in memory only. What the terminal does with the picture is the terminal's affair."
)]
pub(super) struct Arguments {
    /// The first digits of the photo's id
    id: String,
    #[arg(long, help = format!("How to show it: {}", Choice::values()), value_name = "HOW", hide_possible_values = true)]
    preview: Option<Choice>,
    /// Print one JSON object with what is known of the photo, and no picture
    #[arg(long)]
    json: bool,
}

/// Shows the photo.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let options = pictures::probe_options(session, arguments.preview)?;
    let vault = session.open_vault()?;
    let snapshot = vault.snapshot().map_err(Error::from)?;
    let image = snapshot.find(&arguments.id).map_err(Error::from)?;
    let details = image.details().map_err(Error::from)?;
    if arguments.json {
        let mut object = output::details(image.id(), details);
        object["older_copy"] = output::older_copy(&vault);
        output::json(&object)?;
        return Ok(Exit::Success);
    }
    let line = |label: &str, text: &str| format!("{label:<10}  {text}\n");
    let lines = [
        line("id", &image.id().to_string()),
        line("name", &inert(&details.name)),
        line("taken", &inert(details.captured.as_deref().unwrap_or("unknown"))),
        line("changed", &details.modified.map_or_else(|| "unknown".to_owned(), output::instant)),
        line("size", &format!("{} ({} bytes)", output::size(details.bytes), details.bytes)),
        line("pixels", &format!("{} x {}", details.width, details.height)),
    ];
    output::text(&lines.concat())?;
    if let Some(graphics) = preview::detect(&options).graphics {
        let bytes = image.photo().map_err(Error::from)?;
        let extension = std::ffi::OsStr::new(image.listed().extension.as_str());
        let photo = Photo::decode(&bytes, Some(extension), Limits::default()).map_err(Error::from)?;
        let picture = DynamicImage::ImageRgb8(photo.reduced(PICTURE_PIXELS).map_err(Error::from)?);
        preview::print(&graphics, vec![Panel { picture, caption: String::new() }], ROWS)?;
    }
    Ok(Exit::Success)
}
