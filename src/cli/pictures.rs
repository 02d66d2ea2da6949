//! Prints thumbnails of photos of the vault, which are decrypted in memory only.

use std::collections::HashMap;

use clap::ValueEnum;

use super::failure::Failure;
use super::output;
use super::session::Session;
use crate::error::Error;
use crate::preview::{self, Choice, Link, Panel, ProbeOptions, RememberedChoices};
use crate::services::decoys::{Fetch, with_decoys};
use crate::services::library::PhotoId;
use crate::services::open_vault::OpenVault;

/// Up to this many pictures share one row of the terminal.
const STRIP_PICTURES: usize = 4;
/// Height of that row in lines.
const STRIP_ROWS: u16 = 12;
/// Width of a picture of a sheet in columns, with the gap beside it.
const SHEET_COLUMNS: u16 = 20;
/// Height of a row of a sheet in lines.
const SHEET_ROWS: u16 = 6;

/// How pictures are drawn: from the flag, else the settings, else what the terminal supports.
pub(super) fn choice(session: &Session, flag: Option<Choice>) -> Result<Choice, Failure> {
    if let Some(choice) = flag {
        return Ok(choice);
    }
    match session.settings()?.preview {
        Some(name) => Choice::from_str(&name, true)
            .map_err(|_| Failure::Usage(format!("the settings' preview {name:?} is none of {}", Choice::values()))),
        None => Ok(Choice::Auto),
    }
}

/// Evidence that is known before the terminal is probed.
pub(super) fn probe_options(session: &Session, flag: Option<Choice>) -> Result<ProbeOptions, Failure> {
    Ok(ProbeOptions {
        choice: choice(session, flag)?,
        remembered: RememberedChoices::new(session.dirs()?).recall(),
        link: Link::of_environment(),
        cells: session.settings()?.cell_size,
    })
}

/// A line of text before the image at this place, where the images of another kind begin.
pub(super) struct Divider {
    pub(super) place: usize,
    pub(super) text: String,
}

/// Prints the thumbnails of `images`, each with its caption, in as many rows as they need. Fetches `decoys` others with
/// each. Prints nothing without a terminal.
pub(super) fn show(
    session: &Session,
    flag: Option<Choice>,
    vault: &OpenVault,
    images: &[(PhotoId, String)],
    divider: Option<&Divider>,
    decoys: usize,
) -> Result<(), Failure> {
    if images.is_empty() {
        return Ok(());
    }
    let Some(graphics) = preview::detect(&probe_options(session, flag)?).graphics else { return Ok(()) };
    let wanted: Vec<PhotoId> = images.iter().map(|(id, _)| *id).collect();
    let mut thumbnails = HashMap::new();
    for fetch in with_decoys(vault, &wanted, decoys)? {
        let (Fetch::Wanted(id) | Fetch::Decoy(id)) = fetch;
        // A damaged thumbnail must not fail the search.
        thumbnails.insert(id, vault.thumbnail(id));
    }
    let second_section = divider.map_or(images.len(), |divider| divider.place);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (place, (id, caption)) in images.iter().enumerate() {
        let Some(Ok(thumbnail)) = thumbnails.remove(id) else { continue };
        let picture = image::load_from_memory_with_format(&thumbnail, image::ImageFormat::Jpeg)
            .map_err(|error| Error::Features(error.into()))?;
        let section = if place < second_section { &mut first } else { &mut second };
        section.push(Panel { picture, caption: caption.clone() });
    }
    let print = |panels| {
        if images.len() <= STRIP_PICTURES {
            preview::print(&graphics, panels, STRIP_ROWS)
        } else {
            preview::print_sheet(&graphics, panels, SHEET_COLUMNS, SHEET_ROWS)
        }
    };
    print(first)?;
    if let Some(divider) = divider {
        output::text(&format!("{}\n", divider.text))?;
    }
    Ok(print(second)?)
}
