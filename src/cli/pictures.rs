//! Thumbnails from the vault, decrypted in memory and drawn in terminals that can show them.

use std::collections::HashMap;

use clap::ValueEnum;

use super::failure::Failure;
use super::output;
use super::session::Session;
use crate::error::Error;
use crate::preview::{self, Choice, Link, Memory, Panel, Question};
use crate::services::decoys::{Fetch, with_decoys};
use crate::services::library::PhotoId;
use crate::services::open_vault::OpenVault;

/// Up to this many pictures share one row of the terminal.
const FEW: usize = 4;
/// Height of that row, in lines.
const ROWS_OF_FEW: u16 = 12;
/// Width of a picture among many, including the gap, in columns.
const COLUMNS_OF_MANY: u16 = 20;
/// Height of each of their rows, in lines.
const ROWS_OF_MANY: u16 = 6;

/// How pictures are shown: the flag, else the settings, else what the terminal can do.
pub(super) fn choice(session: &Session, flag: Option<Choice>) -> Result<Choice, Failure> {
    if let Some(choice) = flag {
        return Ok(choice);
    }
    match session.settings()?.preview {
        Some(name) => Choice::from_str(&name, true).map_err(|_| {
            Failure::Usage(format!(
                "the settings' preview {name:?} is none of auto, kitty, sixel, iterm2, halfblocks, off"
            ))
        }),
        None => Ok(Choice::Auto),
    }
}

/// The question for a probe of the terminal, with what is known beforehand.
pub(super) fn question(session: &Session, flag: Option<Choice>) -> Result<Question, Failure> {
    Ok(Question {
        choice: choice(session, flag)?,
        remembered: Memory::new(session.dirs()?).recall(),
        link: Link::of_environment(),
        cells: session.settings()?.cell_size,
    })
}

/// A line of text before the image at this position, separating two sections.
pub(super) struct Divider {
    pub(super) place: usize,
    pub(super) text: String,
}

/// Draws the thumbnails of `images` with their captions, in as many rows as needed, fetching `decoys` other thumbnails
/// with each. Draws nothing without a terminal.
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
    let Some(graphics) = preview::detect(&question(session, flag)?).graphics else { return Ok(()) };
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
        if images.len() <= FEW {
            preview::print(&graphics, panels, ROWS_OF_FEW)
        } else {
            preview::print_sheet(&graphics, panels, COLUMNS_OF_MANY, ROWS_OF_MANY)
        }
    };
    print(first)?;
    if let Some(divider) = divider {
        output::text(&format!("{}\n", divider.text))?;
    }
    Ok(print(second)?)
}
