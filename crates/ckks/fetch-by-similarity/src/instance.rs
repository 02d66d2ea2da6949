//! Sizes of the workload's instances, as the harness defines them.

use cipherlens_ckks::BLOCK_IMAGES;

use crate::error::Error;

/// 16-bit integers of a payload.
pub(crate) const PAYLOAD_NUMBERS: usize = 7;
/// Bytes of a payload.
pub(crate) const PAYLOAD_BYTES: usize = PAYLOAD_NUMBERS * size_of::<i16>();

/// A record matches when its cosine with the query is above this. The harness promises a gap around it that is far
/// wider than the error of a score.
pub(crate) const THRESHOLD: f32 = 0.8;

/// An instance of the workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance {
    /// The folder of its files.
    pub(crate) name: &'static str,
    /// Numbers of a record.
    pub(crate) dimension: usize,
    /// Records of the database.
    pub(crate) records: usize,
}

impl Instance {
    const ALL: [Self; 4] = [
        Self { name: "toy", dimension: 128, records: 1_000 },
        Self { name: "small", dimension: 128, records: 50_000 },
        Self { name: "medium", dimension: 256, records: 1_000_000 },
        Self { name: "large", dimension: 512, records: 20_000_000 },
    ];

    /// The instance that the harness gives this number.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub(crate) fn numbered(number: &str) -> Result<Self, Error> {
        let known = number.parse().ok().and_then(|number: usize| Self::ALL.get(number));
        known.copied().ok_or_else(|| Error::Usage(format!("no instance {number:?}; expected 0, 1, 2 or 3")))
    }

    /// Bytes of a record.
    pub(crate) fn record_bytes(&self) -> usize {
        self.dimension * size_of::<f32>()
    }

    /// Blocks of the encrypted database.
    pub(crate) fn blocks(&self) -> usize {
        self.records.div_ceil(BLOCK_IMAGES)
    }

    /// Records of each block in order. All blocks are full but the last.
    pub(crate) fn block_records(&self) -> impl Iterator<Item = usize> {
        let records = self.records;
        (0..self.blocks()).map(move |block| BLOCK_IMAGES.min(records - block * BLOCK_IMAGES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_holds_the_rest() {
        let small = Instance::numbered("1").ok().unwrap();
        assert_eq!(small.blocks(), 98);
        assert_eq!(small.block_records().last(), Some(336));
        for instance in Instance::ALL {
            assert_eq!(instance.block_records().sum::<usize>(), instance.records);
        }
    }
}
