//! Checking a vault: reads every file and reports each one that is damaged or missing.
//!
//! Must never: change anything, or stop at the first damaged file.

use std::collections::HashSet;

use rayon::prelude::*;

use super::group::Group;
use super::image::Image;
use super::packs::{Pack, Packs, PartPlace};
use super::segment::Segment;
use super::snapshot::Snapshot;
use crate::vault::backend::Leftovers;
use crate::vault::error::Error;
use crate::vault::format::entries::TableEntry;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::{Digest, Hex, Id};
use crate::vault::format::layout::{GroupPart, Object, PackPart, Part};
use crate::vault::format::shape::Shape;
use crate::vault::format::table::Table;

/// What a repair can do about a damaged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Rebuild it from intact files: nothing is lost.
    Rebuild,
    /// Regenerate it from the photos, with the original network.
    Regenerate,
    /// Rebuild it without names and dates, which are lost; the photos are not.
    Rename,
    /// Leave it out: the names of folders are lost, the photos are not.
    Omit,
    /// Leave out what it has and what came before: the history then begins later, and the photos are not affected.
    Forget,
    /// Leave it out: photos that were removed may come back, and no photo is lost.
    ForgetRemovals,
    /// None: the photo is lost. It can be dropped, or restored from a copy of the vault.
    Lost,
    /// None yet: the system could not read the file, which may pass. A repair without it would lose something, so it
    /// leaves the file as it is.
    ReadAgain,
    /// In formats 1 and 2, which cannot be repaired: an upgrade makes it anew, and nothing is lost.
    Upgrade,
    /// In formats 1 and 2: none. An upgrade needs the file, which must come from a copy of the vault.
    Restore,
}

impl Remedy {
    /// Whether a repair gives up something that the file has if it is whole.
    #[must_use]
    pub fn gives_up_content(self) -> bool {
        matches!(self, Self::Rename | Self::Omit | Self::Forget | Self::ForgetRemovals | Self::Lost)
    }
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

/// Which files a check reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::vault) enum Originals {
    /// All of them.
    Read,
    /// All but the originals.
    Skip,
}

/// Reads and verifies the files of one generation. `read` receives progress, on any thread.
///
/// # Errors
/// [`Error::Newer`]; when the files that no mapping references cannot be listed.
pub(in crate::vault) fn check(
    snapshot: &Snapshot,
    originals: Originals,
    read: &(dyn Fn(Progress) + Sync),
) -> Result<Report, Error> {
    let leftovers = snapshot.source.backend.leftovers(&snapshot.signed)?;
    let mut damages = Vec::new();
    for group in snapshot.groups() {
        let of_group = check_group(group);
        read(Progress { images: 0, damages: of_group.len() });
        damages.extend(of_group);
        let Ok(segments) = group.segments() else {
            // The affected segments are unknown.
            read(Progress { images: group.entry().images, damages: 0 });
            continue;
        };
        damages.extend(segments.iter().flat_map(|segment| check_segment(snapshot, segment, originals, read)));
    }
    damages.extend(snapshot.ungrouped().iter().flat_map(|segment| check_segment(snapshot, segment, originals, read)));
    let of_vault: Vec<_> = check_packs(snapshot.packs()).into_iter().chain(check_tables(snapshot)).collect();
    read(Progress { images: 0, damages: of_vault.len() });
    damages.extend(of_vault);
    // What only a newer version understands is no damage, and a repair would discard it.
    if let Some(newer) = damages.iter().position(|damage| matches!(damage.cause, Error::Newer { .. })) {
        return Err(damages.swap_remove(newer).cause);
    }
    let is_doubtful = |damage: &&mut Damage| damage.remedy.gives_up_content() && !damage.cause.is_proof_of_damage();
    damages.iter_mut().filter(is_doubtful).for_each(|damage| damage.remedy = Remedy::ReadAgain);
    if snapshot.mapping().is_old() {
        damages.iter_mut().for_each(|damage| damage.remedy = old_remedy(damage));
    }
    Ok(Report { generation: snapshot.mapping().generation, images: snapshot.len(), damages, leftovers })
}

/// What can be done in formats 1 and 2 about a damage for which format 3 has this remedy.
fn old_remedy(damage: &Damage) -> Remedy {
    match (damage.remedy, &damage.object) {
        (Remedy::Lost, Object::Photo(..)) => Remedy::Lost,
        (Remedy::ReadAgain, _) => Remedy::ReadAgain,
        (Remedy::Rebuild, Object::Segment(_, Part::Blocks | Part::Hints) | Object::Group(..)) => Remedy::Upgrade,
        _ => Remedy::Restore,
    }
}

fn check_group(group: &Group) -> Vec<Damage> {
    let (list, copy) = group.check_list();
    // Either list can be rebuilt from the other, and the deduplication index from the records of the segments.
    let of_list = if copy.is_ok() { Remedy::Rebuild } else { Remedy::Lost };
    let of_copy = if list.is_ok() { Remedy::Rebuild } else { Remedy::Lost };
    let of_tags = if list.is_ok() || copy.is_ok() { Remedy::Rebuild } else { Remedy::Lost };
    let object = |part| group.expected(part).map(|file| file.object);
    let damage = |object, remedy, outcome: Result<(), Error>| {
        outcome.err().map(|cause| Damage { object, image: None, cause, remedy })
    };
    let mut damages = Vec::new();
    if let Ok(object) = object(GroupPart::List) {
        damages.extend(damage(object, of_list, list));
    }
    if let Ok(object) = object(GroupPart::Copy) {
        damages.extend(damage(object, of_copy, copy));
    }
    if let Ok(object) = object(GroupPart::Tags) {
        damages.extend(damage(object, of_tags, group.check_tags()));
    }
    if let Ok(file) = group.checks_file() {
        damages.extend(damage(file.object, Remedy::Rebuild, group.checks().map(|_| ())));
    }
    damages
}

fn check_segment(
    snapshot: &Snapshot,
    segment: &Segment,
    originals: Originals,
    read: &(dyn Fn(Progress) + Sync),
) -> Vec<Damage> {
    let part = |part, remedy, check: &dyn Fn() -> Result<(), Error>| {
        // A file that the segment does not have cannot be damaged.
        let file = segment.expected(part).ok()?;
        check().err().map(|cause| Damage { object: file.object, image: None, cause, remedy })
    };
    let is_old = snapshot.mapping().is_old();
    let hints = || if is_old { segment.verify(Part::Hints) } else { segment.hints().map(|_| ()) };
    let checks = || if is_old { Ok(()) } else { segment.checks().map(|_| ()) };
    let mut damages: Vec<Damage> = [
        part(Part::Blocks, Remedy::Rebuild, &|| segment.verify(Part::Blocks)),
        part(Part::Hints, Remedy::Rebuild, &hints),
        part(Part::Checks, Remedy::Rebuild, &checks),
        part(Part::Vectors, Remedy::Regenerate, &|| segment.vectors().map(|_| ())),
        part(Part::Records, Remedy::Rename, &|| segment.records().map(|_| ())),
    ]
    .into_iter()
    .flatten()
    .collect();
    read(Progress { images: 0, damages: damages.len() });
    match segment.images() {
        Err(cause) => {
            // The records list the images too. If both are lost, the affected photos are unknown.
            let remedy = if segment.records().is_ok() { Remedy::Rebuild } else { Remedy::Lost };
            let object = segment.expected(Part::List).map_or(Object::Mapping, |file| file.object);
            damages.push(Damage { object, image: None, cause, remedy });
            read(Progress { images: segment.len(), damages: 1 });
        }
        Ok(images) => {
            let of_images = (0..images.len()).into_par_iter().flat_map_iter(|slot| {
                let damages = check_image(snapshot, segment, slot, originals);
                read(Progress { images: 1, damages: damages.len() });
                damages
            });
            damages.extend(of_images.collect::<Vec<_>>());
        }
    }
    damages
}

fn check_image(snapshot: &Snapshot, segment: &Segment, slot: usize, originals: Originals) -> Vec<Damage> {
    let Ok(image) = Image::of(snapshot.packs(), segment, slot) else { return Vec::new() };
    let damage = |object, cause, remedy| Damage { object, image: Some(image.id()), cause, remedy };
    let mut damages = Vec::new();
    if originals == Originals::Read {
        damages.extend(check_original(snapshot, segment, &image));
    }
    if image.has_thumbnail().unwrap_or(false)
        && let Err(cause) = image.thumbnail()
    {
        let object = match &cause {
            Error::Damaged { object, .. } | Error::Missing { object } | Error::TooLarge { object, .. } => {
                object.clone()
            }
            _ => Object::Photo(image.id(), image.listed().extension),
        };
        damages.push(damage(object, cause, Remedy::Regenerate));
    }
    damages
}

fn check_original(snapshot: &Snapshot, segment: &Segment, image: &Image<'_>) -> Option<Damage> {
    let damage = |object, cause, remedy| Some(Damage { object, image: Some(image.id()), cause, remedy });
    let mut content = snapshot.source.keys.content_tag_in_pieces();
    if let Err(cause) = image.verify_photo(&mut |piece| content.update(piece)) {
        return damage(Object::Photo(image.id(), image.listed().extension), cause, Remedy::Lost);
    }
    // Readable records must describe this photo and no other.
    let content = content.finish();
    if segment.records().is_ok() && !image.record().is_ok_and(|record| record.content == content) {
        let object = segment.expected(Part::Records).ok()?.object;
        let cause = Error::Damaged { object: object.clone(), what: "it describes another photo" };
        return damage(object, cause, Remedy::Rename);
    }
    None
}

/// Lists, and the parts whose bytes are not those that were written.
fn check_packs(packs: &Packs) -> Vec<Damage> {
    let of_pack = |pack| match packs.parts(pack) {
        Err(cause) => {
            let object = Shape::pack(&pack.entry, PackPart::List).object;
            vec![Damage { object, image: None, cause, remedy: Remedy::Regenerate }]
        }
        Ok(parts) => {
            let mut whole = blake3::Hasher::new();
            let damages: Vec<Damage> = parts.iter().filter_map(|place| check_part(packs, place, &mut whole)).collect();
            if damages.is_empty() { check_pack(packs, pack, &whole).into_iter().collect() } else { damages }
        }
    };
    packs.all().iter().flat_map(|pack| of_pack(pack)).collect()
}

/// Compares the digest of a part, and adds the part to that of the pack.
fn check_part(packs: &Packs, place: &PartPlace, whole: &mut blake3::Hasher) -> Option<Damage> {
    let compared = packs.read_part(place).and_then(|bytes| {
        whole.update(&bytes);
        let differs = Error::Damaged { object: place.object.clone(), what: "the digest of a part differs" };
        if Digest::of(&[&bytes]) == place.part.digest { Ok(()) } else { Err(differs) }
    });
    compared.err().map(|cause| Damage { object: place.object.clone(), image: None, cause, remedy: Remedy::Regenerate })
}

/// What the parts do not show: that a pack goes on after the last, or that the mapping has another digest, which a host
/// has computed when it put the pack together.
fn check_pack(packs: &Packs, pack: &Pack, whole: &blake3::Hasher) -> Option<Damage> {
    let what = if packs.is_too_long(pack).unwrap_or(false) {
        "it has bytes after its last part"
    } else if Hex(whole.finalize().into()) != pack.entry.pack {
        "its digest differs from the recorded one"
    } else {
        return None;
    };
    let object = Shape::pack(&pack.entry, PackPart::Content).object;
    let cause = Error::Damaged { object: object.clone(), what };
    Some(Damage { object, image: None, cause, remedy: Remedy::Regenerate })
}

fn check_tables(snapshot: &Snapshot) -> Vec<Damage> {
    let damages = |table: &TableEntry| {
        let remedy = match Table::named(&table.name) {
            Some(Table::Sources) => Remedy::Omit,
            Some(Table::History) => Remedy::Forget,
            Some(Table::Tombstones) => Remedy::ForgetRemovals,
            // What a newer version keeps in a table cannot be judged here.
            None => Remedy::Lost,
        };
        let damage = move |file: Expected| {
            let cause = snapshot.source.backend.read_verified(&file).err()?;
            Some(Damage { object: file.object, image: None, cause, remedy })
        };
        Shape::table_files(table).filter_map(damage).collect::<Vec<_>>()
    };
    let mut of_tables: Vec<Damage> = snapshot.mapping().tables.iter().flat_map(damages).collect();
    // Files are named by their content, so that two tables can have one.
    let mut seen = HashSet::new();
    of_tables.retain(|damage| seen.insert(damage.object.clone()));
    of_tables
}
