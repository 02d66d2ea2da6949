//! The encrypted scores of a query against all images of a snapshot.
//!
//! Must never: fetch blocks from another machine, or decrypt a score.

use rayon::prelude::*;

use super::snapshot::Snapshot;
use crate::ckks_v1::{EncryptedQuery, Evaluator};
use crate::vault::error::Error;
use crate::vault::format::layout::Part;

impl Snapshot {
    /// Maps and verifies the blocks and hints of all segments, in parallel, so that the next search only computes.
    /// Remote blocks stay on their host.
    ///
    /// # Errors
    /// The first file that is missing or damaged.
    pub fn prepare_search(&self) -> Result<(), Error> {
        self.prefetch(self.shared_segments()?, &[Part::Hints]);
        let blocks_are_here = self.source.backend.scanner().is_none();
        self.shared_segments()?.par_iter().try_for_each(|segment| {
            if blocks_are_here {
                segment.blocks()?;
            }
            segment.hints().map(|_| ())
        })
    }

    /// The encrypted scores of all blocks in order, 5 bytes per image of full blocks: computed here if the blocks are
    /// local, otherwise on their host.
    ///
    /// # Errors
    /// As [`Self::prepare_search`]; when the host cannot scan the blocks.
    pub fn score(&self, query: &EncryptedQuery) -> Result<Vec<u8>, Error> {
        self.prepare_search()?;
        let context = &self.mapping().public_context;
        if let Some(scanner) = self.source.backend.scanner() {
            let entries: Vec<_> = self.segments()?.map(|segment| segment.entry().clone()).collect();
            return self.source.map_superseded(self.mapping().generation, scanner.scan(context, &entries, query));
        }
        let evaluator = Evaluator::new(&self.source.backend.public_context(context)?)?;
        let mut answer = Vec::new();
        for segment in self.segments()? {
            answer.extend(evaluator.score(segment.blocks()?, query)?);
            segment.require_whole_blocks()?;
        }
        Ok(answer)
    }
}
