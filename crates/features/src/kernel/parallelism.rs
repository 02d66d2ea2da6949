//! Whether a layer runs on one thread or many: the photos of a batch run in parallel, a single photo is split.

use std::io;

use rayon::prelude::*;

/// Where a layer runs.
#[derive(Clone, Copy)]
pub(crate) enum Parallelism {
    /// On the calling thread.
    Sequential,
    /// On all threads of the calling thread's rayon pool.
    Threads,
}

impl Parallelism {
    fn threads(self) -> usize {
        match self {
            Self::Sequential => 1,
            Self::Threads => rayon::current_num_threads(),
        }
    }

    /// Rows of a task out of `all`: a multiple of `unit`, at most `max`, and few enough to keep all threads busy.
    pub(crate) fn task_rows(self, all: usize, max: usize, unit: usize) -> usize {
        all.div_ceil(self.threads()).next_multiple_of(unit).min(max)
    }

    /// Calls `body` with the index and content of each chunk of `length` elements; the last may be shorter.
    pub(crate) fn for_each_chunk<T: Send>(
        self,
        numbers: &mut [T],
        length: usize,
        body: impl Fn(usize, &mut [T]) -> io::Result<()> + Sync,
    ) -> io::Result<()> {
        match self {
            Self::Sequential => numbers.chunks_mut(length).enumerate().try_for_each(|(at, chunk)| body(at, chunk)),
            Self::Threads => numbers.par_chunks_mut(length).enumerate().try_for_each(|(at, chunk)| body(at, chunk)),
        }
    }
}
