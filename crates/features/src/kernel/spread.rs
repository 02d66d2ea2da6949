//! Whether a layer's work is spread over threads: photos of a batch run side by side, a photo alone is spread itself.

use std::io;

use rayon::prelude::*;

/// Where a layer's work is done.
#[derive(Clone, Copy)]
pub(super) enum Spread {
    /// On the calling thread.
    Nowhere,
    /// On all threads of the calling thread's rayon pool.
    Threads,
}

impl Spread {
    fn threads(self) -> usize {
        match self {
            Self::Nowhere => 1,
            Self::Threads => rayon::current_num_threads(),
        }
    }

    /// How many of `all` rows a task takes: a multiple of `unit`, at most `most`, and so few that no thread is idle.
    pub(super) fn share(self, all: usize, most: usize, unit: usize) -> usize {
        all.div_ceil(self.threads()).next_multiple_of(unit).min(most)
    }

    /// Calls `body` with number and content of each chunk of `length` numbers; the last may be shorter.
    pub(super) fn for_each_chunk<T: Send>(
        self,
        numbers: &mut [T],
        length: usize,
        body: impl Fn(usize, &mut [T]) -> io::Result<()> + Sync,
    ) -> io::Result<()> {
        match self {
            Self::Nowhere => numbers.chunks_mut(length).enumerate().try_for_each(|(at, chunk)| body(at, chunk)),
            Self::Threads => numbers.par_chunks_mut(length).enumerate().try_for_each(|(at, chunk)| body(at, chunk)),
        }
    }
}
