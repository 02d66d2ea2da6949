//! Writing a group: its segments, the deduplication entries of their images and the sum of their check vectors.
//!
//! Must never: keep the id of a group whose deduplication entries change (see `format::dedup`).

use crate::ckks::CheckVectors;
use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::dedup;
use crate::vault::format::dedup::DedupEntry;
use crate::vault::format::entries::{GroupEntry, SegmentEntry};
use crate::vault::format::group;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{GroupPart, Object, Part};
use crate::vault::format::sealed::{SealedObject, VaultKeys};
use crate::vault::format::segment::Search;
use crate::vault::read::group::Group;
use crate::vault::read::segment::Segment;
use crate::vault::read::source::Source;

/// The content of a group that is to be written.
pub(super) struct Members {
    pub(super) segments: Vec<SegmentEntry>,
    pub(super) dedup: Vec<DedupEntry>,
    pub(super) checks: CheckVectors,
}

impl Members {
    /// No segments yet.
    pub(super) fn empty(source: &Source) -> Result<Self, Error> {
        let checks = CheckVectors::empty(source.search()?.holder.parameters(), 0);
        Ok(Self { segments: Vec::new(), dedup: Vec::new(), checks })
    }

    /// Adds a segment with the contents of its images.
    pub(super) fn add_segment(
        &mut self,
        entry: &SegmentEntry,
        contents: impl IntoIterator<Item = (Digest, Id)>,
        checks: &CheckVectors,
    ) -> Result<(), Error> {
        let segment = self.segments.len() as u32;
        self.checks.merge(checks)?;
        self.segments.push(entry.grouped());
        self.dedup.extend(contents.into_iter().map(|(content, id)| DedupEntry { content, id, segment }));
        Ok(())
    }

    /// Adds the members of another group.
    pub(super) fn add_members(
        &mut self,
        segments: &[SegmentEntry],
        dedup: &[DedupEntry],
        checks: &CheckVectors,
    ) -> Result<(), Error> {
        let first = self.segments.len() as u32;
        self.checks.merge(checks)?;
        self.segments.extend_from_slice(segments);
        self.dedup.extend(dedup.iter().map(|entry| DedupEntry { segment: first + entry.segment, ..entry.clone() }));
        Ok(())
    }

    /// The members of `group` except the segments numbered `without`, whose blocks are subtracted from the check
    /// vectors. `entries` are the entries of all its segments.
    ///
    /// # Errors
    /// When a file of the group, or the blocks or hints of such a segment, are damaged.
    pub(super) fn of_group(
        source: &Source,
        group: &Group,
        entries: &[SegmentEntry],
        without: &[usize],
    ) -> Result<Self, Error> {
        let stays: Vec<bool> = (0..entries.len()).map(|number| !without.contains(&number)).collect();
        let kept = entries.iter().zip(&stays).filter(|(_, stays)| **stays);
        let segments = kept.map(|(entry, _)| entry.grouped()).collect();
        let mut numbers = 0..;
        let renumbered: Vec<Option<u32>> =
            stays.iter().map(|stays| if *stays { numbers.next() } else { None }).collect();
        let kept = |entry: DedupEntry| {
            let segment = (*renumbered.get(entry.segment as usize)?)?;
            Some(DedupEntry { segment, ..entry })
        };
        let dedup = group.dedup_entries()?.into_iter().filter_map(kept).collect();
        let mut checks = source.checks(group.entry().id, &group.checks_file()?)?;
        let search = source.search()?;
        for &number in without {
            for_each_block(&group.segments()?[number], |nonce, block| {
                Ok(checks.subtract(&search.holder, nonce, block)?)
            })?;
        }
        Ok(Self { segments, dedup, checks })
    }

    /// The group, made anew from the files of its segments.
    ///
    /// # Errors
    /// When the records, blocks or hints of a segment are damaged.
    pub(super) fn rebuilt(source: &Source, group: &Group, entries: &[SegmentEntry]) -> Result<Self, Error> {
        let mut members = Self::empty(source)?;
        for (segment, entry) in group.segments()?.iter().zip(entries) {
            let contents: Vec<_> = segment.records()?.iter().map(|record| (record.content, record.id)).collect();
            members.add_segment(entry, contents, &checks_of(source.search()?, segment)?)?;
        }
        Ok(members)
    }

    /// Writes the group under a new id.
    pub(super) fn write(&mut self, source: &Source, writer: &dyn Writer) -> Result<GroupEntry, Error> {
        let (keys, search) = (&source.keys, source.search()?);
        let id = Id::random()?;
        self.dedup.sort_unstable_by_key(|entry| entry.content.0);
        let tags = dedup::seal(keys, id, &self.dedup)?;
        let sealed = keys.seal(&SealedObject::Checks(id, search.space), &self.checks.to_bytes())?;
        let (tags_digest, checks_digest) = (Digest::of(&[&tags]), Digest::of(&sealed.parts()));
        let (tags_file, checks_file) =
            (Object::Group(tags_digest.name(), GroupPart::Tags), Object::Segment(checks_digest.name(), Part::Checks));
        writer.announce(&[tags_file.clone(), checks_file.clone()])?;
        writer.stage(&tags_file, &[&tags])?;
        writer.stage(&checks_file, &sealed.parts())?;
        let lists = write_lists(keys, writer, id, &self.segments)?;
        Ok(GroupEntry {
            id,
            segments: self.segments.len(),
            images: self.segments.iter().map(|segment| segment.images).sum(),
            list: lists.list,
            copy: lists.copy,
            tags: tags_digest,
            checks: vec![Some(checks_digest)],
        })
    }
}

/// Writes the lists of a group whose segments have other records now. The group keeps its id and its other files.
pub(super) fn write_amended(
    keys: &VaultKeys,
    writer: &dyn Writer,
    group: &GroupEntry,
    segments: &[SegmentEntry],
) -> Result<GroupEntry, Error> {
    let Lists { list, copy } = write_lists(keys, writer, group.id, segments)?;
    Ok(GroupEntry { list, copy, ..group.clone() })
}

struct Lists {
    list: Digest,
    copy: Digest,
}

fn write_lists(keys: &VaultKeys, writer: &dyn Writer, id: Id, segments: &[SegmentEntry]) -> Result<Lists, Error> {
    let list = group::encode_list(id, segments);
    let copy = keys.seal(&SealedObject::GroupCopy(id), &list)?;
    let digests = Lists { list: Digest::of(&[&list]), copy: Digest::of(&copy.parts()) };
    let files =
        [Object::Group(digests.list.name(), GroupPart::List), Object::Group(digests.copy.name(), GroupPart::Copy)];
    writer.announce(&files)?;
    writer.stage(&files[0], &[&list])?;
    writer.stage(&files[1], &copy.parts())?;
    Ok(digests)
}

/// The check vectors of a segment, made anew from its verified blocks.
pub(super) fn checks_of(search: &Search, segment: &Segment) -> Result<CheckVectors, Error> {
    let mut checks = CheckVectors::empty(search.holder.parameters(), 0);
    for_each_block(segment, |nonce, block| Ok(checks.add(&search.holder, nonce, block)?))?;
    Ok(checks)
}

fn for_each_block(
    segment: &Segment,
    mut receive: impl FnMut(&[u8; crate::ckks::NONCE_BYTES], &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let blocks = segment.verified_blocks()?;
    let count = segment.entry().blocks();
    let each = blocks.len() / count;
    for (hint, block) in segment.hints()?.blocks().zip(blocks.chunks_exact(each)) {
        receive(hint.nonce, block)?;
    }
    Ok(())
}
