//! Comparing files with their recorded digests where they are stored: of the files themselves nothing travels, and no
//! key is needed.
//!
//! A mapping that is not authenticated says only whether a copy is what it was written as. Whether it is the owner's,
//! and the newest, takes a key; and a host that computes the digests may lie about them.
//!
//! Must never: call a copy authentic, or read an original to hash it here.

use std::collections::HashSet;

use super::Backend;
use super::generation;
use super::generation::ReadableFiles;
use crate::vault::error::Error;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::Object;
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::mapping::SignedMapping;

/// Files whose digests are requested at once: few enough for progress to move, as each may be an original.
const BATCH: usize = 32;
/// How often a check starts again because the mapping was replaced meanwhile.
const TRIES: usize = 4;

/// A file that is not as recorded.
#[derive(Debug)]
pub struct Difference {
    /// The file as recorded.
    pub file: Expected,
    /// What was found instead.
    pub cause: Error,
}

/// How far a comparison is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Files that were compared.
    pub files: usize,
    /// Of so many.
    pub of: usize,
    /// Differences since the last report.
    pub differences: usize,
}

/// What a check without a key found.
#[derive(Debug)]
#[must_use]
pub struct KeylessReport {
    /// The id of the vault, as its mapping says.
    pub vault: Id,
    /// The generation.
    pub generation: u64,
    /// Images that the mapping counts.
    pub images: usize,
    /// Files that were compared, the header included.
    pub files: usize,
    /// Images in lists that cannot be read, whose originals are not known.
    pub unlisted_images: usize,
    /// All differences, in the order of the files.
    pub differences: Vec<Difference>,
}

/// Compares every file that the mapping of a copy names with its digest, and the header too. In formats 1 and 2 the
/// mapping does not name the header.
///
/// # Errors
/// [`Error::NotAVault`]; when the mapping cannot be read; when the place cannot be reached.
pub fn keyless_check(backend: &dyn Backend, compared: &dyn Fn(Compared)) -> Result<KeylessReport, Error> {
    backend.require_vault()?;
    let mut signed = backend.mapping()?;
    for _ in 1..TRIES {
        let report = check_generation(backend, &signed, compared)?;
        let now = if report.differences.is_empty() { None } else { Some(backend.mapping()?) };
        match now {
            // A writer has removed files of the generation that was being checked.
            Some(now) if now.tag != signed.tag => signed = now,
            _ => return Ok(report),
        }
    }
    check_generation(backend, &signed, compared)
}

fn check_generation(
    backend: &dyn Backend,
    signed: &SignedMapping,
    compared: &dyn Fn(Compared),
) -> Result<KeylessReport, Error> {
    let mapping = &signed.mapping;
    let header = if mapping.is_old() { None } else { Some(compare_header(backend, &mapping.header)?) };
    let ReadableFiles { mut files, unlisted_images } = generation::readable_files(backend, mapping)?;
    // Files are named by their content, so that two tables can have one.
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert((file.object.clone(), file.digest)));
    let checked = files.len() + usize::from(header.is_some());
    let mut differences: Vec<_> = header.into_iter().flatten().collect();
    differences.extend(differing(backend, files, compared)?);
    Ok(KeylessReport {
        vault: mapping.vault,
        generation: mapping.generation,
        images: mapping.images(),
        files: checked,
        unlisted_images,
        differences,
    })
}

fn compare_header(backend: &dyn Backend, named: &Digest) -> Result<Option<Difference>, Error> {
    let header = backend.header(named)?;
    let file = Expected { object: Object::Header, limit: largest_bytes(&Object::Header), digest: *named };
    let what = "it is not the one that mapping.json, the list of the files of the vault, names";
    let differs = |file| Difference { file, cause: Error::Damaged { object: Object::Header, what } };
    Ok(if file.is(&header) { None } else { Some(differs(file)) })
}

/// Those of `files` that are missing at `backend`, or have another digest there.
///
/// # Errors
/// When the place cannot be reached.
pub(in crate::vault) fn differing(
    backend: &dyn Backend,
    files: Vec<Expected>,
    compared: &dyn Fn(Compared),
) -> Result<Vec<Difference>, Error> {
    let (of, mut done) = (files.len(), 0);
    let mut differences = Vec::new();
    let mut files = files.into_iter();
    while done < of {
        let batch: Vec<_> = files.by_ref().take(BATCH).collect();
        let causes = compare(backend, &batch)?;
        done += batch.len();
        let before = differences.len();
        let pairs = batch.into_iter().zip(causes);
        differences.extend(pairs.filter_map(|(file, cause)| Some(Difference { file, cause: cause? })));
        compared(Compared { files: done, of, differences: differences.len() - before });
    }
    Ok(differences)
}

/// For each file, why it is not as recorded.
fn compare(backend: &dyn Backend, batch: &[Expected]) -> Result<Vec<Option<Error>>, Error> {
    let objects: Vec<_> = batch.iter().map(|file| file.object.clone()).collect();
    let digests = match backend.digests(&objects) {
        // One of them cannot be read: find out which.
        Err(Error::Io { .. } | Error::Damaged { .. } | Error::ForeignDirectory { .. }) if batch.len() > 1 => {
            let one_by_one = batch.chunks(1).map(|one| compare(backend, one)).collect::<Result<Vec<_>, _>>()?;
            return Ok(one_by_one.into_iter().flatten().collect());
        }
        Err(error @ (Error::Io { .. } | Error::Damaged { .. } | Error::ForeignDirectory { .. })) => {
            return Ok(vec![Some(error)]);
        }
        digests => digests?,
    };
    let cause = |(file, digest): (&Expected, Option<Digest>)| match digest {
        Some(digest) if digest == file.digest => Ok(None),
        Some(_) => Ok(Some(file.differs())),
        None => without_digest(backend, file).map(Some),
    };
    batch.iter().zip(digests).map(cause).collect()
}

/// Why a file has no digest: it is missing, or else it cannot be read or is larger than it may be.
fn without_digest(backend: &dyn Backend, file: &Expected) -> Result<Error, Error> {
    let object = file.object.clone();
    match backend.read_at(&object, 0, 1) {
        Ok(_) => Ok(Error::Damaged { object, what: "it cannot be read, or is larger than it may be" }),
        Err(error @ (Error::Missing { .. } | Error::Io { .. } | Error::Damaged { .. })) => Ok(error),
        Err(error) => Err(error),
    }
}
