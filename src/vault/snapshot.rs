//! One generation of a vault, for reading: segments, images by position and by id, photos and thumbnails.
//!
//! Nothing is read before it is asked for, and then once: opening 100,000 photos costs the mapping alone, a search reads
//! the lists of groups, blocks and hints, and catalogues are opened for the segments whose matches are shown. Files are immutable, so a
//! snapshot stays whole while others write; what a newer generation removed gives [`Error::Superseded`].
//!
//! Must never: write, or hand out bytes that the mapping does not authenticate.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::catalogue::{CatalogueEntry, Details};
use super::error::Error;
use super::group;
use super::group::Group;
use super::hex::{Digest, Id};
use super::layout::{GroupPart, Object, Part};
use super::mapping::{Mapping, SegmentEntry, SignedMapping};
use super::objects;
use super::objects::{LARGEST_PHOTO_BYTES, Sealed};
use super::segment;
use super::segment::{Hints, ListedImage, Sealer};
use super::storage::{Blocks, Expected};
use crate::ckks::{EncryptedQuery, Evaluator};

/// A generation of the vault.
pub struct Snapshot {
    pub(super) signed: SignedMapping,
    sealer: Arc<Sealer>,
    groups: Vec<Arc<Group>>,
    /// The segments in no group.
    loose: Vec<Arc<Segment>>,
    /// All segments.
    segments: OnceLock<Vec<Arc<Segment>>>,
    positions: OnceLock<Vec<Position>>,
    /// Of the segments in no group.
    contents: OnceLock<HashMap<Digest, Id>>,
}

/// Where an image is.
struct Position {
    id: Id,
    segment: Arc<Segment>,
    slot: usize,
}

/// A segment whose files are read when they are first asked for.
pub struct Segment {
    sealer: Arc<Sealer>,
    entry: SegmentEntry,
    generation: u64,
    blocks: OnceLock<Blocks>,
    hints: OnceLock<Hints>,
    images: OnceLock<Vec<ListedImage>>,
    catalogue: OnceLock<Vec<CatalogueEntry>>,
}

/// One image of a snapshot.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    segment: &'a Segment,
    slot: usize,
    listed: &'a ListedImage,
}

impl Snapshot {
    /// The generation that `signed`, already authenticated, describes. Segments that `previous` has read are kept.
    pub(super) fn new(sealer: &Arc<Sealer>, signed: SignedMapping, previous: Option<&Self>) -> Self {
        let generation = signed.mapping.generation;
        let known = previous.map(Self::known_segments).unwrap_or_default();
        let loose = &signed.mapping.segments;
        let loose = loose.iter().map(|entry| Segment::of(sealer, entry, generation, &known)).collect();
        let group = |entry| {
            let known_group = previous.into_iter().flat_map(|previous| &previous.groups);
            let mut whole_group = known_group.filter(|known| known.known_segments().iter().all(|one| one.is_whole()));
            match whole_group.find(|known| known.entry() == entry) {
                Some(known) => Arc::clone(known),
                None => Arc::new(Group::new(sealer, entry, generation, &known)),
            }
        };
        let groups = signed.mapping.groups.iter().map(group).collect();
        let (segments, positions, contents) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { signed, sealer: Arc::clone(sealer), groups, loose, segments, positions, contents }
    }

    /// What was read of segments so far, but for those whose blocks were cut off since: they are mapped anew.
    fn known_segments(&self) -> HashMap<Id, Arc<Segment>> {
        let of_groups = self.groups.iter().flat_map(|group| group.known_segments());
        let whole = of_groups.chain(&self.loose).filter(|known| known.is_whole());
        whole.map(|known| (known.entry.id, Arc::clone(known))).collect()
    }

    /// What the mapping says.
    pub fn mapping(&self) -> &Mapping {
        &self.signed.mapping
    }

    /// The mapping as it was authenticated.
    pub fn signed(&self) -> &SignedMapping {
        &self.signed
    }

    /// Every file that it names, but header, mapping and public context.
    ///
    /// # Errors
    /// The first image list that is missing or damaged.
    pub fn files(&self) -> Result<Vec<Expected>, Error> {
        self.prefetch(self.shared_segments()?, &[Part::Images]);
        segment::named_files(&*self.sealer.store, self.mapping())
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.mapping().images()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The groups; their segments come first in the order of the scan.
    pub(super) fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// The segments in no group.
    pub(super) fn loose(&self) -> &[Arc<Segment>] {
        &self.loose
    }

    /// The segments in the order of the scan.
    ///
    /// # Errors
    /// The first list of a group that is missing or damaged, and so is its copy.
    pub fn segments(&self) -> Result<impl ExactSizeIterator<Item = &Segment>, Error> {
        Ok(self.shared_segments()?.iter().map(Arc::as_ref))
    }

    fn shared_segments(&self) -> Result<&[Arc<Segment>], Error> {
        let segments = once(&self.segments, || {
            self.prefetch_groups(GroupPart::List);
            let mut segments = Vec::new();
            for group in &self.groups {
                segments.extend_from_slice(group.segments()?);
            }
            segments.extend_from_slice(&self.loose);
            Ok(segments)
        })?;
        Ok(segments)
    }

    /// The segments of the groups whose list can be read, and those in no group.
    pub(super) fn readable_segments(&self) -> Vec<&Arc<Segment>> {
        let of_groups = self.groups.iter().flat_map(|group| group.segments().unwrap_or_default());
        of_groups.chain(&self.loose).collect()
    }

    /// Maps and verifies the blocks and hints of all segments, in parallel, so that a search that follows only computes.
    /// Blocks that are elsewhere stay there.
    ///
    /// # Errors
    /// The first file that is missing or damaged.
    pub fn prepare_search(&self) -> Result<(), Error> {
        self.prefetch(self.shared_segments()?, &[Part::Hints]);
        let blocks_are_here = self.sealer.store.scanner().is_none();
        self.shared_segments()?.par_iter().try_for_each(|segment| {
            if blocks_are_here {
                segment.blocks()?;
            }
            segment.hints().map(|_| ())
        })
    }

    /// The encrypted scores of all blocks in order, 5 bytes an image of full blocks: computed here when the blocks are
    /// here, else by whoever has them.
    ///
    /// # Errors
    /// As [`Self::prepare_search`]; when the host that has the blocks cannot scan them.
    pub fn score(&self, query: &EncryptedQuery) -> Result<Vec<u8>, Error> {
        self.prepare_search()?;
        let context = &self.mapping().public_context;
        if let Some(scanner) = self.sealer.store.scanner() {
            let entries: Vec<_> = self.segments()?.map(|segment| segment.entry.clone()).collect();
            return explained(&self.sealer, self.mapping().generation, scanner.scan(context, &entries, query));
        }
        let evaluator = Evaluator::new(&self.sealer.store.public_context(context)?)?;
        let mut answer = Vec::new();
        for segment in self.segments()? {
            answer.extend(evaluator.score(segment.blocks()?, query)?);
            segment.require_whole_blocks()?;
        }
        Ok(answer)
    }

    /// Says that these files of `segments` will be read, unless they were read already.
    fn prefetch<'a>(&self, segments: impl IntoIterator<Item = &'a Arc<Segment>>, parts: &[Part]) {
        let is_read = |segment: &Segment, part| match part {
            Part::Blocks => segment.blocks.get().is_some(),
            Part::Hints => segment.hints.get().is_some(),
            Part::Images => segment.images.get().is_some(),
            Part::Catalogue => segment.catalogue.get().is_some(),
            Part::Vectors => false,
        };
        let wanted = segments.into_iter().flat_map(|segment| {
            let missing = parts.iter().filter(|part| !is_read(segment, **part));
            missing.map(|part| segment::expected(segment.entry(), *part)).collect::<Vec<_>>()
        });
        let wanted: Vec<_> = wanted.collect();
        if !wanted.is_empty() {
            self.sealer.store.prefetch(&wanted);
        }
    }

    fn prefetch_groups(&self, part: GroupPart) {
        let wanted: Vec<_> = self.groups.iter().map(|group| group::expected(group.entry(), part)).collect();
        if !wanted.is_empty() {
            self.sealer.store.prefetch(&wanted);
        }
    }

    /// Says that every image will be looked at: a distant place is asked for all lists and catalogues at once.
    pub fn prefetch_listing(&self) {
        self.prefetch(self.readable_segments(), &[Part::Images, Part::Catalogue]);
    }

    /// Says that the images at these positions will be described: a distant place is asked for their segments' lists and
    /// catalogues at once.
    ///
    /// # Errors
    /// As [`Self::segments`].
    pub fn prefetch_details(&self, positions: &[usize]) -> Result<(), Error> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        let mut rest = sorted.as_slice();
        let mut end = 0;
        let holds_one = |segment: &&Arc<Segment>| {
            end += segment.len();
            let inside = rest.partition_point(|position| *position < end);
            rest = &rest[inside..];
            inside > 0
        };
        let segments: Vec<_> = self.shared_segments()?.iter().filter(holds_one).collect();
        self.prefetch(segments, &[Part::Images, Part::Catalogue]);
        Ok(())
    }

    /// The image at a position in the order of the scan: the order of scores.
    ///
    /// # Errors
    /// When there is none, or the image list of its segment cannot be read.
    pub fn image_at(&self, position: usize) -> Result<Image<'_>, Error> {
        let mut slot = position;
        for segment in self.segments()? {
            if slot < segment.len() {
                return segment.image(slot);
            }
            slot -= segment.len();
        }
        Err(Error::UnknownImage { id: format!("at position {position}") })
    }

    /// The image whose id begins with `prefix`, one or more hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::UnknownImage`], [`Error::AmbiguousId`]; a damaged image list when the image may be in it.
    pub fn find(&self, prefix: &str) -> Result<Image<'_>, Error> {
        let unknown = || Error::UnknownImage { id: prefix.to_owned() };
        let bound = |fill: &str| -> Option<Id> {
            let missing = (2 * 16usize).checked_sub(prefix.len())?;
            format!("{prefix}{}", fill.repeat(missing)).parse().ok()
        };
        let (Some(first), Some(last), false) = (bound("0"), bound("f"), prefix.is_empty()) else {
            return Err(unknown());
        };
        let positions = self.positions();
        let from = positions.partition_point(|position| position.id < first);
        let until = positions.partition_point(|position| position.id <= last);
        match &positions[from..until] {
            [] => {
                self.segments()?.try_for_each(|segment| segment.images().map(|_| ()))?;
                Err(unknown())
            }
            [position] => position.segment.image(position.slot),
            several => Err(Error::AmbiguousId { prefix: prefix.to_owned(), images: several.len() }),
        }
    }

    /// The image with this id.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn image(&self, id: Id) -> Result<Image<'_>, Error> {
        self.find(&id.to_string())
    }

    /// The image that holds this content, which [`content_tag`](super::Vault::content_tag) named.
    ///
    /// # Errors
    /// When the tags of a group or the catalogue of a segment in none cannot be read: the content may be in it.
    pub fn find_content(&self, content: &Digest) -> Result<Option<Id>, Error> {
        let contents = once(&self.contents, || {
            self.prefetch_groups(GroupPart::Tags);
            self.prefetch(&self.loose, &[Part::Catalogue]);
            self.loose.par_iter().try_for_each(|segment| segment.catalogue().map(|_| ()))?;
            let mut contents = HashMap::new();
            for segment in &self.loose {
                contents.extend(segment.catalogue()?.iter().map(|entry| (entry.content, entry.id)));
            }
            Ok(contents)
        })?;
        if let Some(id) = contents.get(content) {
            return Ok(Some(*id));
        }
        for group in &self.groups {
            if let Some(id) = group.find(content)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The position of every image whose list can be read, sorted by id.
    fn positions(&self) -> &[Position] {
        self.positions.get_or_init(|| {
            let segments = self.readable_segments();
            self.prefetch(segments.iter().copied(), &[Part::Images]);
            let of_segment = |segment: &&Arc<Segment>| {
                let images = segment.images().unwrap_or_default().iter().enumerate();
                let position = |(slot, image): (usize, &ListedImage)| Position {
                    id: image.id,
                    segment: Arc::clone(segment),
                    slot,
                };
                images.map(position).collect::<Vec<_>>()
            };
            let mut positions: Vec<_> = segments.par_iter().flat_map_iter(of_segment).collect();
            positions.par_sort_unstable_by_key(|position| position.id);
            positions
        })
    }
}

/// What `cell` holds, read on first use. Two threads may read at once; the first to finish is kept.
pub(super) fn once<T>(cell: &OnceLock<T>, read: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    match cell.get() {
        Some(value) => Ok(value),
        None => read().map(|value| cell.get_or_init(|| value)),
    }
}

/// Tells a file that a newer generation removed from one that is lost. Whether the mapping on disk is newer is only asked
/// to choose a message, so its tag does not matter.
pub(super) fn explained<T>(sealer: &Sealer, generation: u64, outcome: Result<T, Error>) -> Result<T, Error> {
    let is_superseded = || sealer.store.mapping().is_ok_and(|current| current.mapping.generation > generation);
    outcome.map_err(|error| match error {
        Error::Missing { .. } if is_superseded() => Error::Superseded { generation },
        error => error,
    })
}

impl Segment {
    /// The segment of an entry: the one in `known`, when it has been read.
    pub(super) fn of(
        sealer: &Arc<Sealer>,
        entry: &SegmentEntry,
        generation: u64,
        known: &HashMap<Id, Arc<Self>>,
    ) -> Arc<Self> {
        if let Some(known) = known.get(&entry.id).filter(|known| known.entry == *entry) {
            return Arc::clone(known);
        }
        Arc::new(Self {
            sealer: Arc::clone(sealer),
            entry: entry.clone(),
            generation,
            blocks: OnceLock::new(),
            hints: OnceLock::new(),
            images: OnceLock::new(),
            catalogue: OnceLock::new(),
        })
    }

    /// How many images it has: at least one.
    #[expect(clippy::len_without_is_empty, reason = "a segment is never empty")]
    pub fn len(&self) -> usize {
        self.entry.images
    }

    /// What the mapping says about it.
    pub fn entry(&self) -> &SegmentEntry {
        &self.entry
    }

    /// Its encrypted blocks, mapped and verified.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn blocks(&self) -> Result<&[u8], Error> {
        let blocks = once(&self.blocks, || self.explained(self.sealer.store.blocks(&self.entry)))?;
        Ok(blocks)
    }

    /// To be asked before anything computed from [`Self::blocks`] is used.
    ///
    /// # Errors
    /// When the file was cut off since it was mapped.
    pub fn require_whole_blocks(&self) -> Result<(), Error> {
        let object = Object::Segment(self.entry.id, Part::Blocks);
        self.blocks.get().map_or(Ok(()), |blocks| blocks.require_whole(&object))
    }

    fn is_whole(&self) -> bool {
        self.blocks.get().is_none_or(Blocks::is_whole)
    }

    /// What decryption of its scores needs.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn hints(&self) -> Result<&Hints, Error> {
        once(&self.hints, || self.explained(segment::read_hints(&*self.sealer.store, &self.entry)))
    }

    /// Its images in slot order.
    ///
    /// # Errors
    /// When the list is missing or damaged.
    pub fn images(&self) -> Result<&[ListedImage], Error> {
        let images = once(&self.images, || self.explained(segment::read_images(&*self.sealer.store, &self.entry)))?;
        Ok(images)
    }

    /// Names, dates and sizes in slot order.
    ///
    /// # Errors
    /// When the catalogue is missing or damaged.
    pub fn catalogue(&self) -> Result<&[CatalogueEntry], Error> {
        let entries = once(&self.catalogue, || self.explained(self.sealer.catalogue(&self.entry)))?;
        Ok(entries)
    }

    /// The exact vectors in slot order; they are not kept.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn vectors(&self) -> Result<Vec<Vec<f32>>, Error> {
        self.explained(self.sealer.vectors(&self.entry))
    }

    /// The image in a slot.
    ///
    /// # Errors
    /// When the image list cannot be read or has no such slot.
    pub fn image(&self, slot: usize) -> Result<Image<'_>, Error> {
        let unknown = || Error::UnknownImage { id: format!("in slot {slot} of segment {}", self.entry.id) };
        let listed = self.images()?.get(slot).ok_or_else(unknown)?;
        Ok(Image { segment: self, slot, listed })
    }

    fn explained<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        explained(&self.sealer, self.generation, outcome)
    }
}

impl<'a> Image<'a> {
    /// Its id.
    pub fn id(&self) -> Id {
        self.listed.id
    }

    /// What its segment's image list says about it.
    pub fn listed(&self) -> &'a ListedImage {
        self.listed
    }

    /// Its name, dates and sizes.
    ///
    /// # Errors
    /// When the catalogue of its segment is missing or damaged.
    pub fn details(&self) -> Result<&'a Details, Error> {
        Ok(&self.entry()?.details)
    }

    /// The keyed hash of its original, as [`content_tag`](super::Vault::content_tag) names contents.
    ///
    /// # Errors
    /// As [`Self::details`].
    pub fn content(&self) -> Result<&'a Digest, Error> {
        Ok(&self.entry()?.content)
    }

    /// Its line of the catalogue.
    pub(super) fn entry(&self) -> Result<&'a CatalogueEntry, Error> {
        let entry = self.segment.catalogue()?.get(self.slot).filter(|entry| entry.id == self.listed.id);
        let object = Object::Segment(self.segment.entry.id, Part::Catalogue);
        entry.ok_or(Error::Damaged { object, what: "it does not belong to its image list" })
    }

    /// The original, byte for byte: verified whole before any of it is handed out.
    ///
    /// # Errors
    /// When the object is missing or damaged.
    pub fn photo(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let sealed = Sealed::Photo(self.listed.id, self.listed.extension.clone());
        self.open(&sealed, &self.listed.photo)
    }

    /// The thumbnail, as it was stored.
    ///
    /// # Errors
    /// [`Error::NoThumbnail`]; when the object is missing or damaged.
    pub fn thumbnail(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let thumbnail = self.listed.thumbnail.as_ref().ok_or(Error::NoThumbnail { id: self.listed.id })?;
        self.open(&Sealed::Thumbnail(thumbnail.id), &thumbnail.digest)
    }

    /// The exact feature vector. Opens the vectors of the whole segment.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn vector(&self) -> Result<Vec<f32>, Error> {
        Ok(self.segment.vectors()?.swap_remove(self.slot))
    }

    fn open(&self, sealed: &Sealed, digest: &Digest) -> Result<Zeroizing<Vec<u8>>, Error> {
        let limit = objects::file_bytes(LARGEST_PHOTO_BYTES) as u64;
        self.segment.explained(self.segment.sealer.open(sealed, limit, digest))
    }
}
