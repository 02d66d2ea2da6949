//! Memory that starts on a cache line, so that no load of a scan crosses two lines because of where a buffer lies.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// Numbers in memory of fixed length that starts on a cache line.
pub(super) struct Aligned<T> {
    allocation: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// `length` zeros.
    pub(super) fn zeroed(length: usize) -> Self {
        let most_skipped = LINE_BYTES / size_of::<T>() - 1;
        let allocation = vec![T::default(); length + most_skipped];
        // `align_offset` may fail; then scans are slower but still correct.
        let start = Some(allocation.as_ptr().align_offset(LINE_BYTES)).filter(|start| *start <= most_skipped);
        Self { allocation, start: start.unwrap_or(0), length }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.allocation[self.start..][..self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.allocation[self.start..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_starts_on_a_cache_line_and_is_zero() {
        for length in [0, 1, 16, 1000, 1 << 20] {
            let (bytes, numbers) = (Aligned::<u8>::zeroed(length), Aligned::<f32>::zeroed(length));
            assert_eq!((bytes.len(), numbers.len()), (length, length));
            assert_eq!((bytes.as_ptr().addr() % 64, numbers.as_ptr().addr() % 64), (0, 0));
            assert!(bytes.iter().all(|byte| *byte == 0) && numbers.iter().all(|number| *number == 0.0));
        }
    }
}
