//! Memory for weights and activations: on pages of its own, large ones where the system has them, and lent again and
//! again, so that a photo costs no page faults.
//!
//! Memory that is given back keeps what was in it until it is lent again or its pool ends; then its pages leave the
//! process.
#![expect(unsafe_code, reason = "bytes read as numbers")]

use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use memmap2::MmapMut;

use super::arithmetic::Number;

/// Below this size large pages are not asked for.
const LARGE_PAGE_BYTES: usize = 2 << 20;
/// Memory up to this many times larger than needed is lent.
const MOST_TOO_LARGE: usize = 4;

/// Pages, zero at first.
pub(super) struct Memory(MmapMut);

impl Memory {
    /// Room for `count` numbers.
    pub(super) fn for_numbers<T: Number>(count: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon((count * size_of::<T>()).max(1))?;
        #[cfg(target_os = "linux")]
        if map.len() >= LARGE_PAGE_BYTES {
            // A kernel without them says so: smaller pages serve too.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        Ok(Self(map))
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }

    /// All of it as numbers; at least as many as it was made for.
    pub(super) fn numbers<T: Number>(&self) -> &[T] {
        // SAFETY: any bits are a number (`Number`), and pages are aligned for all of them.
        unsafe { self.0.align_to().1 }
    }

    /// As [`Self::numbers`].
    pub(super) fn numbers_mut<T: Number>(&mut self) -> &mut [T] {
        // SAFETY: as in `numbers`.
        unsafe { self.0.align_to_mut().1 }
    }
}

/// Memory that was used before.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Memory>>);

impl Pool {
    /// `count` numbers of any value.
    pub(super) fn lend<T: Number>(&self, count: usize) -> io::Result<Lent<'_, T>> {
        let needed = (count * size_of::<T>()).max(1);
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = |memory: &Memory| (needed..=MOST_TOO_LARGE * needed).contains(&memory.bytes());
        let best = (0..free.len()).filter(|at| fitting(&free[*at])).min_by_key(|at| free[*at].bytes());
        let kept = best.map(|at| free.swap_remove(at));
        drop(free);
        let memory = kept.map_or_else(|| Memory::for_numbers::<T>(count), Ok)?;
        Ok(Lent { memory: Some(memory), count, pool: self, numbers: PhantomData })
    }
}

/// Numbers whose memory returns to its pool.
pub(super) struct Lent<'a, T> {
    /// Some until it is dropped.
    memory: Option<Memory>,
    count: usize,
    pool: &'a Pool,
    numbers: PhantomData<T>,
}

impl<T: Number> Deref for Lent<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.memory.as_ref().map_or(&[], |memory| &memory.numbers()[..self.count])
    }
}

impl<T: Number> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.memory.as_mut().map_or(&mut [], |memory| &mut memory.numbers_mut()[..self.count])
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        self.pool.0.lock().unwrap_or_else(PoisonError::into_inner).extend(self.memory.take());
    }
}
