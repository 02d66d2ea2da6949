//! Thumbnails of photos of the vault, decrypted in memory and drawn in the terminal where it can show them.

use std::collections::HashMap;

use clap::ValueEnum;

use super::failure::Failure;
use super::output;
use super::session::Session;
use crate::error::Error;
use crate::preview::{self, Choice, Link, Memory, Panel, Question};
use crate::services::decoys::{Fetch, mixed};
use crate::vault::{Id, Snapshot};

/// So many pictures or fewer stand in one row and share the width of the terminal.
const FEW: usize = 4;
/// Height of that row, in lines.
const ROWS_OF_FEW: u16 = 12;
/// Width of a picture among many, in columns with the gap beside it.
const COLUMNS_OF_MANY: u16 = 20;
/// Height of each of their rows, in lines.
const ROWS_OF_MANY: u16 = 6;

/// How pictures are shown: the flag, else the settings, else what the terminal can do.
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

/// What is asked of the terminal, and what is known beforehand.
pub(super) fn question(session: &Session, flag: Option<Choice>) -> Result<Question, Failure> {
    Ok(Question {
        choice: choice(session, flag)?,
        remembered: Memory::new(session.places()?).recall(),
        link: Link::of_environment(),
        cells: session.settings()?.cell_size,
    })
}

/// A line of text before the image at this place: those after it are of another kind.
pub(super) struct Divider {
    pub(super) place: usize,
    pub(super) text: String,
}

/// Draws the thumbnails of `images`, each with its caption, in as many rows as they need; with each, as many others as
/// `decoys` says are fetched. Draws nothing where there is no terminal.
pub(super) fn show(
    session: &Session,
    flag: Option<Choice>,
    snapshot: &Snapshot,
    images: &[(Id, String)],
    divider: Option<&Divider>,
    decoys: usize,
) -> Result<(), Failure> {
    if images.is_empty() {
        return Ok(());
    }
    let Some(graphics) = preview::detect(&question(session, flag)?).graphics else { return Ok(()) };
    let wanted: Vec<Id> = images.iter().map(|(id, _)| *id).collect();
    let mut thumbnails = HashMap::new();
    for fetch in mixed(snapshot, &wanted, decoys)? {
        let (Fetch::Wanted(id) | Fetch::Decoy(id)) = fetch;
        // A missing thumbnail leaves a gap in the row, not the matches without a table.
        thumbnails.insert(id, snapshot.image(id).and_then(|image| image.thumbnail()));
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
