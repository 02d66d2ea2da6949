//! `cipherlens stats`: the size of the vault, and what an observer could learn from it.

use clap::Args;
use serde_json::json;

use super::Exit;
use super::copies;
use super::failure::Failure;
use super::output;
use super::session::Session;
use crate::services::library::{self, SEGMENT_PHOTOS};

/// Arguments of `stats`.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens stats --json")]
pub(super) struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints counts and sizes.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let vault = session.open_vault()?;
    let statistics = library::statistics(&vault)?;
    if arguments.json {
        let mut object = json!(statistics);
        object["older_copy"] = output::older_copy(&vault);
        object["copies"] = copies::as_json(&vault.copies()?);
        output::json(&object)?;
        return Ok(Exit::Success);
    }
    let line = |label: &str, text: String| format!("{label:<28}  {text}\n");
    let mut text = [
        line("photos", statistics.photos.to_string()),
        line("originals", output::size(statistics.original_bytes)),
        line("originals, encrypted", output::size(statistics.sealed_photo_bytes)),
        line("thumbnails, encrypted", output::size(statistics.sealed_thumbnail_bytes)),
        line("features, encrypted", output::size(statistics.feature_bytes)),
        line("generation", statistics.generation.to_string()),
    ]
    .concat();
    text += &format!("\nKnown copies:\n{}", copies::in_words(&vault.copies()?));
    let of_thumbnails = if vault.is_old() { "of its thumbnail" } else { "of all thumbnails of a commit together" };
    text += &format!(
        "
An observer who has the files, and no passphrase, learns:
  - how many photos there are ({}), in groups of up to {SEGMENT_PHOTOS};
  - the size of each and {of_thumbnails}, rounded up by at most 12 %, and the kind of file its extension names;
  - how often the vault was changed ({} times), what files each change touched, and which photos came together;
  - which network and precision made the features, and what one try of a passphrase costs.
An observer who also watches searches learns when one runs, and which photos are opened afterwards.
Not: any photo, thumbnail, name, date, place, feature or query.
",
        statistics.photos, statistics.generation
    );
    output::text(&text)?;
    Ok(Exit::Success)
}
