//! What an unfinished upgrade has written so far, kept outside the vault, so that an interrupted one goes on.
//!
//! A draft is a mapping of the generation that the upgrade makes, which lists the files written so far and is signed as
//! any mapping. Without it, or with one that does not fit any more, an upgrade starts anew.
//!
//! Must never: fail an upgrade, or be used before its tag and the digests of all files that it lists were compared.

use std::fs;
use std::io;
use std::path::Path;

use crate::durable;
use crate::vault::backend::generation;
use crate::vault::error::Error;
use crate::vault::format::expected::Expected;
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::SignedMapping;
use crate::vault::format::sealed::VaultKeys;
use crate::vault::format::space::FeatureSpace;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;

/// The file of a draft, which need not exist.
pub(super) struct DraftFile<'a>(pub(super) &'a Path);

impl DraftFile<'_> {
    /// The draft of an upgrade of `old` to vectors of `features`; `None` unless it is of exactly that.
    pub(super) fn read(&self, old: &SignedMapping, keys: &VaultKeys, features: &FeatureSpace) -> Option<SignedMapping> {
        let draft = SignedMapping::parse(&fs::read(self.0).ok()?).ok()?;
        let fits = draft.is_authentic(keys)
            && draft.mapping.parents == [old.tag]
            && draft.mapping.feature_space().is_ok_and(|space| space == *features);
        fits.then_some(draft)
    }

    /// Replaces the draft.
    pub(super) fn write(&self, draft: &SignedMapping) {
        let written = durable::create_private_directories(durable::parent(self.0))
            .and_then(|()| durable::replace(self.0, draft.text().as_bytes()));
        if let Err(error) = written {
            log::warn!("an interrupted upgrade would start anew: {}", error.kind());
        }
    }

    /// Forgets the draft.
    pub(super) fn remove(&self) {
        match fs::remove_file(self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                log::warn!("the draft of an upgrade is still there: {}", error.kind());
            }
            _ => {}
        }
    }
}

/// All files that a draft lists, apart from originals.
///
/// # Errors
/// When the list of a group is missing or damaged, and so is its copy.
pub(super) fn files(source: &Source, draft: &Snapshot) -> Result<Vec<Expected>, Error> {
    let mut files = generation::entry_files(draft.mapping())?;
    for group in draft.groups() {
        files.extend(group.segments()?.iter().flat_map(|segment| source.shape.segment_files(segment.entry())));
    }
    Ok(files)
}

/// The names of these files if each of them is what the draft says.
///
/// # Errors
/// What the backend reports.
pub(super) fn intact(source: &Source, files: &[Expected]) -> Result<Option<Vec<Object>>, Error> {
    let objects: Vec<Object> = files.iter().map(|file| file.object.clone()).collect();
    let found = source.backend.digests(&objects)?;
    let is_intact = files.iter().zip(found).all(|(file, found)| found == Some(file.digest));
    Ok(is_intact.then_some(objects))
}
