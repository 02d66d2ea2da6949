//! Finding an image of a snapshot by its position in the scan, its id or its content.
//!
//! Must never: report an image as unknown while an unreadable list might contain it.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::image::Image;
use super::segment::Segment;
use super::snapshot::{Position, Snapshot};
use super::source::read_once;
use crate::vault::error::Error;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{GroupPart, Part};
use crate::vault::format::list::ListedImage;

impl Snapshot {
    /// The image at a position in scan order, which is the order of scores.
    ///
    /// # Errors
    /// When there is none, or the image list of its segment cannot be read.
    pub fn image_at(&self, position: usize) -> Result<Image<'_>, Error> {
        let mut slot = position;
        for segment in self.segments()? {
            if slot < segment.len() {
                return Image::of(self.packs(), segment, slot);
            }
            slot -= segment.len();
        }
        Err(Error::UnknownImage { id: format!("at position {position}") })
    }

    /// The image whose id begins with `prefix` (at least one hexadecimal digit).
    ///
    /// # Errors
    /// [`Error::UnknownImage`], [`Error::AmbiguousId`]; a damaged image list that might contain the image.
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
            [position] => Image::of(self.packs(), &position.segment, position.slot),
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

    /// The image with this content, as computed by [`content_tag`](crate::vault::Vault::content_tag).
    ///
    /// # Errors
    /// When a deduplication index, or the records of a segment in no group, cannot be read and might hold the
    /// content.
    pub fn find_content(&self, content: &Digest) -> Result<Option<Id>, Error> {
        let contents = read_once(&self.contents, || {
            self.prefetch_groups(GroupPart::Tags);
            self.prefetch(self.ungrouped(), &[Part::Records]);
            self.ungrouped().par_iter().try_for_each(|segment| segment.records().map(|_| ()))?;
            let mut contents = HashMap::new();
            for segment in self.ungrouped() {
                contents.extend(segment.records()?.iter().map(|entry| (entry.content, entry.id)));
            }
            Ok(contents)
        })?;
        if let Some(id) = contents.get(content) {
            return Ok(Some(*id));
        }
        for group in self.groups() {
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
            self.prefetch(segments.iter().copied(), &[Part::List]);
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
