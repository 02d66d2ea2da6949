//! `cipherlens show`: shows a photo of the vault in the terminal, decrypted in memory.

use clap::Args;
use image::DynamicImage;
use serde_json::json;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::photo_object::{DescribedPhotoObject, PositionObject};
use super::pictures;
use super::session::Session;
use crate::error::Error;
use crate::preview::{self, Choice, Panel};
use crate::services::camera_data::CameraData;
use crate::services::name::inert;
use crate::services::{exif, photo};

/// Longer side of the decoded picture, larger than terminals show.
const PICTURE_PIXELS: u32 = 1600;
/// Height of the picture in lines.
const ROWS: u16 = 30;

/// Arguments of `show`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens show 3f2a\n\nThe photo is decrypted in memory only. The terminal may keep the \
        picture in its scrollback."
)]
pub(super) struct Arguments {
    /// The first digits of the photo's id
    id: String,
    #[arg(
        long,
        help = format!("How to show it: {}", Choice::values()),
        value_name = "HOW",
        hide_possible_values = true,
    )]
    preview: Option<Choice>,
    /// Print the photo's details as one JSON object, with the position where it was taken, and no picture
    #[arg(long)]
    json: bool,
}

/// Shows the photo.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let options = pictures::probe_options(session, arguments.preview)?;
    let vault = session.open_vault()?;
    let stored = vault.find(&arguments.id)?;
    let recorded = vault.recorded_camera_data(stored.id)?;
    if arguments.json {
        let mut object = json!(DescribedPhotoObject::new(&stored, recorded.as_ref()));
        object["position"] = json!(recorded.and_then(|data| data.position).map(PositionObject::new));
        object["older_copy"] = output::older_copy(&vault);
        output::json(&object)?;
        return Ok(Exit::Success);
    }
    let line = |label: &str, text: &str| format!("{label:<12}  {text}\n");
    let lines = [
        line("id", &stored.id.to_string()),
        line("name", &inert(&stored.name)),
        line("taken", &inert(stored.captured.as_deref().unwrap_or("unknown"))),
        line("changed", &stored.modified.map_or_else(|| "unknown".to_owned(), output::instant)),
        line("size", &format!("{} ({} bytes)", output::size(stored.bytes), stored.bytes)),
        line("pixels", &format!("{} x {}", stored.width, stored.height)),
    ];
    output::text(&lines.concat())?;
    let graphics = preview::detect(&options).graphics;
    // A photo that was added before camera data was recorded is read for it.
    let is_read = graphics.is_some() || recorded.is_none();
    let original = if is_read { Some(vault.original(stored.id)?) } else { None };
    let camera_data = recorded.or_else(|| Some(exif::read(&original.as_ref()?.bytes)));
    let shown = camera_data.iter().flat_map(CameraData::shown);
    output::text(&shown.map(|(label, value)| line(&label, &inert(&value))).collect::<String>())?;
    if let (Some(graphics), Some(original)) = (graphics, original) {
        let photo = photo::decode(&original.bytes, Some(original.extension.as_ref()))?;
        let picture = DynamicImage::ImageRgb8(photo.reduced(PICTURE_PIXELS).map_err(Error::from)?);
        preview::print(&graphics, vec![Panel { picture, caption: String::new() }], ROWS)?;
    }
    Ok(Exit::Success)
}
