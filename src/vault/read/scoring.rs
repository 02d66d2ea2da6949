//! Searching a snapshot: the encrypted scores of all its images, verified with its check vectors and decrypted.
//!
//! Must never: fetch blocks from another machine, or decrypt a score of an answer that was not verified.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::segment::Segment;
use super::snapshot::Snapshot;
use crate::ckks;
use crate::ckks::{EncryptedQuery, Evaluator, QuerySecret, ScannedBlock, ScannedGroup};
use crate::vault::backend::BlocksFile;
use crate::vault::error::Error;
use crate::vault::format::hints::Hints;
use crate::vault::format::layout::Part;

impl Snapshot {
    /// Maps the blocks and reads the hints and check vectors of all segments, so that the next search only computes.
    /// Remote blocks stay on their host.
    ///
    /// # Errors
    /// The first file that is missing or damaged.
    pub fn prepare_search(&self) -> Result<(), Error> {
        if self.source.backend.scanner().is_none() {
            self.shared_segments()?.par_iter().try_for_each(|segment| segment.blocks().map(|_| ()))?;
            self.was_scanned.store(true, Ordering::Relaxed);
        }
        self.prepare_decryption()
    }

    /// Reads the hints and check vectors of all segments.
    fn prepare_decryption(&self) -> Result<(), Error> {
        self.source.search()?;
        self.prefetch(self.shared_segments()?, &[Part::Hints]);
        self.prefetch(self.ungrouped(), &[Part::Checks]);
        self.prefetch_checks();
        self.shared_segments()?.par_iter().try_for_each(|segment| segment.hints().map(|_| ()))?;
        self.groups().par_iter().try_for_each(|group| group.checks().map(|_| ()))?;
        self.ungrouped().par_iter().try_for_each(|segment| segment.checks().map(|_| ()))
    }

    /// The encrypted scores of all blocks in order, 4 bytes per image of full blocks: computed here if the blocks are
    /// local, otherwise on their host.
    ///
    /// The first search of a process reads the blocks, which takes less time than mapping them; later ones map them
    /// once and keep the maps.
    ///
    /// # Errors
    /// When blocks are missing or have another length; when the host cannot scan them.
    pub fn score(&self, query: &EncryptedQuery) -> Result<Vec<u8>, Error> {
        let space = self.mapping().space()?;
        if let Some(scanner) = self.source.backend.scanner() {
            let file = |segment: &Segment| {
                Ok(BlocksFile { file: segment.expected(Part::Blocks)?, blocks: segment.entry().blocks() })
            };
            let files = self.segments()?.map(file);
            let files = files.collect::<Result<Vec<_>, Error>>()?;
            let answer = scanner.scan(space.context_bytes(), &files, query);
            return self.source.map_superseded(self.mapping().generation, answer);
        }
        let evaluator = Evaluator::new(&space.public_context()?)?;
        let is_first = !self.was_scanned.swap(true, Ordering::Relaxed);
        let segments = self.shared_segments()?;
        let answers = if is_first {
            let read = |buffer: &mut Vec<u8>, segment: &Arc<Segment>| {
                segment.read_blocks(buffer)?;
                Ok(evaluator.score(buffer, query)?)
            };
            segments.par_iter().map_init(Vec::new, read).collect::<Result<Vec<_>, Error>>()?
        } else {
            let mapped = |segment: &Arc<Segment>| {
                let answer = evaluator.score(segment.blocks()?, query)?;
                segment.require_whole_blocks()?;
                Ok(answer)
            };
            segments.par_iter().map(mapped).collect::<Result<Vec<_>, Error>>()?
        };
        Ok(answers.concat())
    }

    /// The scores in `answer`, which is verified first: the cosines of all images in scan order. An image without a
    /// vector scores about 0.
    ///
    /// # Errors
    /// When hints or check vectors are missing or damaged. For an answer that does not verify: the first segment whose
    /// blocks are damaged, and [`Error::FalseAnswer`] if none is.
    pub fn decrypt(&self, secret: QuerySecret, answer: &[u8]) -> Result<Vec<f32>, Error> {
        self.prepare_decryption()?;
        let holder = &self.source.search()?.holder;
        let mut covered = Vec::new();
        for group in self.groups() {
            let segments = group.segments()?;
            let hints = segments.iter().map(|segment| segment.hints()).collect::<Result<Vec<_>, _>>()?;
            let blocks: Vec<ScannedBlock<'_>> = hints.into_iter().flat_map(Hints::blocks).collect();
            covered.push((group.checks()?, blocks));
        }
        for segment in self.ungrouped() {
            covered.push((segment.checks()?, segment.hints()?.blocks().collect()));
        }
        let groups: Vec<ScannedGroup<'_>> =
            covered.iter().map(|(checks, blocks)| ScannedGroup { checks, blocks }).collect();
        match secret.verify(holder, &groups, answer).and_then(ckks::VerifiedAnswer::decrypt) {
            Ok(scores) => Ok(scores),
            Err(ckks::Error::AnswerRefused) => Err(self.explain_refusal()),
            Err(error) => Err(error.into()),
        }
    }

    /// Why an answer was refused: blocks are damaged, or whoever computed it did it wrong.
    fn explain_refusal(&self) -> Error {
        let damaged = || {
            let files =
                self.segments()?.map(|segment| segment.expected(Part::Blocks)).collect::<Result<Vec<_>, _>>()?;
            let objects: Vec<_> = files.iter().map(|file| file.object.clone()).collect();
            let found = self.source.backend.digests(&objects)?;
            match files.iter().zip(found).find(|(file, found)| *found != Some(file.digest)) {
                Some((file, Some(_))) => Err(file.differs()),
                Some((file, None)) => Err(Error::Missing { object: file.object.clone() }),
                None => Err(Error::FalseAnswer),
            }
        };
        let outcome: Result<(), Error> = damaged();
        self.source.map_superseded(self.mapping().generation, outcome).err().unwrap_or(Error::FalseAnswer)
    }
}
