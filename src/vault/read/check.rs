//! Checking a vault: reads every file and reports each one that is damaged or missing.
//!
//! Must never: change anything, or stop at the first damaged file.

use rayon::prelude::*;

use super::group::Group;
use super::image::Image;
use super::segment::Segment;
use super::snapshot::Snapshot;
use crate::vault::backend::Leftovers;
use crate::vault::error::Error;
use crate::vault::format::hex::Id;
use crate::vault::format::layout::{GroupPart, Object, Part};
use crate::vault::format::sealed::VaultKeys;

/// What a repair can do about a damaged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Rebuild it from intact files: nothing is lost.
    Rebuild,
    /// Regenerate it from the photos, with the original network.
    Regenerate,
    /// Rebuild it without names and dates, which are lost; the photos are not.
    Rename,
    /// None: the photo is lost. It can be dropped, or restored from a copy of the vault.
    Lost,
}

/// One damaged or missing file.
#[derive(Debug)]
pub struct Damage {
    /// Which file.
    pub object: Object,
    /// The image that it belongs to, if exactly one.
    pub image: Option<Id>,
    /// What is wrong.
    pub cause: Error,
    /// What can be done about it.
    pub remedy: Remedy,
}

/// What a check found.
#[derive(Debug, Default)]
#[must_use]
pub struct Report {
    /// The generation that was read.
    pub generation: u64,
    /// Images that the mapping counts.
    pub images: usize,
    /// All damage, in the order of the files.
    pub damages: Vec<Damage>,
    /// Files that the mapping does not reference, except those of running writers.
    pub leftovers: Leftovers,
}

impl Report {
    /// Whether every file is intact.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty()
    }
}

/// What was read since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Images.
    pub images: usize,
    /// Damaged files found.
    pub damages: usize,
}

/// Reads and verifies every file of one generation. `read` receives progress, on any thread.
///
/// # Errors
/// When the files that no mapping references cannot be listed.
pub fn check(snapshot: &Snapshot, read: &(dyn Fn(Progress) + Sync)) -> Result<Report, Error> {
    let keys = &snapshot.source.keys;
    let leftovers = snapshot.source.backend.leftovers(&snapshot.signed)?;
    let mut damages = Vec::new();
    for group in snapshot.groups() {
        let of_group = check_group(group);
        read(Progress { images: 0, damages: of_group.len() });
        damages.extend(of_group);
        match group.segments() {
            Ok(segments) => damages.extend(segments.iter().flat_map(|segment| check_segment(keys, segment, read))),
            // The affected segments are unknown.
            Err(_) => read(Progress { images: group.entry().images, damages: 0 }),
        }
    }
    damages.extend(snapshot.ungrouped().iter().flat_map(|segment| check_segment(keys, segment, read)));
    Ok(Report { generation: snapshot.mapping().generation, images: snapshot.len(), damages, leftovers })
}

fn check_group(group: &Group) -> Vec<Damage> {
    let (list, copy) = group.check_list();
    // The deduplication index holds a copy of the list, and can itself be rebuilt from the segments' catalogues.
    let of_list = if copy.is_ok() { Remedy::Rebuild } else { Remedy::Lost };
    let of_tags = if list.is_ok() || copy.is_ok() { Remedy::Rebuild } else { Remedy::Lost };
    let damage = |part, remedy, outcome: Result<(), Error>| {
        outcome.err().map(|cause| Damage { object: Object::Group(group.entry().id, part), image: None, cause, remedy })
    };
    [damage(GroupPart::List, of_list, list), damage(GroupPart::Tags, of_tags, group.check_tags())]
        .into_iter()
        .flatten()
        .collect()
}

fn check_segment(keys: &VaultKeys, segment: &Segment, read: &(dyn Fn(Progress) + Sync)) -> Vec<Damage> {
    let id = segment.entry().id;
    let part = |part, remedy, outcome: Result<(), Error>| {
        outcome.err().map(|cause| Damage { object: Object::Segment(id, part), image: None, cause, remedy })
    };
    let mut damages: Vec<Damage> = [
        part(Part::Blocks, Remedy::Rebuild, segment.blocks().map(|_| ())),
        part(Part::Hints, Remedy::Rebuild, segment.hints().map(|_| ())),
        part(Part::Vectors, Remedy::Regenerate, segment.vectors().map(|_| ())),
        part(Part::Catalogue, Remedy::Rename, segment.catalogue().map(|_| ())),
    ]
    .into_iter()
    .flatten()
    .collect();
    read(Progress { images: 0, damages: damages.len() });
    match segment.images() {
        Err(cause) => {
            // The catalogue lists the images too. If both are lost, the affected photos are unknown.
            let remedy = if segment.catalogue().is_ok() { Remedy::Rebuild } else { Remedy::Lost };
            damages.push(Damage { object: Object::Segment(id, Part::Images), image: None, cause, remedy });
            read(Progress { images: segment.len(), damages: 1 });
        }
        Ok(images) => {
            let of_images = (0..images.len()).into_par_iter().flat_map_iter(|slot| {
                let damages = check_image(keys, segment, slot);
                read(Progress { images: 1, damages: damages.len() });
                damages
            });
            damages.extend(of_images.collect::<Vec<_>>());
        }
    }
    damages
}

fn check_image(keys: &VaultKeys, segment: &Segment, slot: usize) -> Vec<Damage> {
    let image = match Image::of(segment, slot) {
        Ok(image) => image,
        Err(cause) => {
            let object = Object::Segment(segment.entry().id, Part::Images);
            return vec![Damage { object, image: None, cause, remedy: Remedy::Lost }];
        }
    };
    let damage = |object, cause, remedy| Damage { object, image: Some(image.id()), cause, remedy };
    let mut damages = Vec::new();
    let photo = Object::Photo(image.id(), image.listed().extension.clone());
    match (image.photo(), segment.catalogue()) {
        (Err(cause), _) => damages.push(damage(photo, cause, Remedy::Lost)),
        (Ok(bytes), Ok(_)) => {
            // A readable catalogue must describe this photo and no other.
            let described = image.entry().is_ok_and(|entry| entry.content == keys.content_tag(&bytes));
            if !described {
                let object = Object::Segment(segment.entry().id, Part::Catalogue);
                let cause = Error::Damaged { object: object.clone(), what: "it describes another photo" };
                damages.push(damage(object, cause, Remedy::Rename));
            }
        }
        (Ok(_), Err(_)) => {}
    }
    if let Some(thumbnail) = &image.listed().thumbnail
        && let Err(cause) = image.thumbnail()
    {
        damages.push(damage(Object::Thumbnail(thumbnail.id), cause, Remedy::Regenerate));
    }
    damages
}
