//! What an unfinished upgrade has written so far, kept outside the vault, so that an interrupted one goes on.
//!
//! A draft is a mapping of the generation that the upgrade makes, which lists the files written so far. It is sealed:
//! somebody who got hold of it could put it in the place of the vault's mapping. Without a draft, or with one that does
//! not fit any more, an upgrade starts anew.
//!
//! Must never: be used before its tag and the digests of all files that it lists were compared.

use std::fs;
use std::io;
use std::path::Path;

use crate::cipher::Purpose;
use crate::durable;
use crate::vault::backend::generation;
use crate::vault::error::Error;
use crate::vault::format::expected::Expected;
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::SignedMapping;
use crate::vault::format::space::FeatureSpace;
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;
use crate::vault::unlocked::Vault;

/// The file of a draft, which need not exist.
pub(super) struct DraftFile<'a>(pub(super) &'a Path);

impl DraftFile<'_> {
    /// The draft of an upgrade of `old` to vectors of `features`; `None` unless it is of exactly that.
    pub(super) fn read(&self, vault: &Vault, old: &SignedMapping, features: &FeatureSpace) -> Option<SignedMapping> {
        let opened = vault.open_record(Purpose::UnfinishedRun, &fs::read(self.0).ok()?).ok()?;
        let draft = SignedMapping::parse(&opened).ok()?;
        let fits = vault.authenticates(&draft)
            && draft.mapping.parents == [old.tag]
            && draft.mapping.feature_space().is_ok_and(|space| space == *features);
        fits.then_some(draft)
    }

    /// Replaces the draft. Returns whether that worked.
    pub(super) fn write(&self, vault: &Vault, draft: &SignedMapping) -> bool {
        let sealed = vault.seal_record(Purpose::UnfinishedRun, draft.text().as_bytes()).map_err(io::Error::other);
        let written = sealed.and_then(|sealed| {
            durable::create_private_directories(durable::parent(self.0))?;
            durable::replace(self.0, &sealed)
        });
        if let Err(error) = &written {
            log::warn!("what an upgrade has written is not remembered: {}", error.kind());
        }
        written.is_ok()
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

/// The names of all files that a draft lists, if each of them is what the draft says.
///
/// # Errors
/// When they cannot be compared now, for instance over a lost connection.
pub(super) fn intact(source: &Source, draft: &Snapshot) -> Result<Option<Vec<Object>>, Error> {
    let compared = files(source, draft).and_then(|files| {
        let objects: Vec<Object> = files.iter().map(|file| file.object.clone()).collect();
        let found = source.backend.digests(&objects)?;
        let is_intact = files.iter().zip(found).all(|(file, found)| found == Some(file.digest));
        Ok(is_intact.then_some(objects))
    });
    match compared {
        Err(error) if error.is_unreadable() => Ok(None),
        compared => compared,
    }
}
