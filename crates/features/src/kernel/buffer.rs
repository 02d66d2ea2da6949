//! Memory for weights and feature maps: anonymous pages (huge pages where the system has them), pooled, so that a photo
//! causes no page faults.
//!
//! Buffers are not wiped when they return to the pool; their pages are unmapped when the pool is dropped.
#![expect(unsafe_code, reason = "bytes reinterpreted as numbers")]

use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use memmap2::MmapMut;

use super::simd::Element;

/// Smaller buffers do not request huge pages.
const HUGE_PAGE_BYTES: usize = 2 << 20;
/// The pool hands out buffers up to this many times larger than needed.
const MAX_OVERSIZE: usize = 4;

/// Pages that start as zeros.
pub(crate) struct PageBuffer(MmapMut);

impl PageBuffer {
    /// For at least `count` elements.
    pub(crate) fn for_numbers<T: Element>(count: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon((count * size_of::<T>()).max(1))?;
        #[cfg(target_os = "linux")]
        if map.len() >= HUGE_PAGE_BYTES {
            // Ignore errors: without huge pages, small ones work too.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        Ok(Self(map))
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }

    /// All of its elements, at least as many as requested.
    pub(crate) fn numbers<T: Element>(&self) -> &[T] {
        // SAFETY: any bits are a valid `Element`, and pages are aligned for all element types.
        unsafe { self.0.align_to().1 }
    }

    /// As [`Self::numbers`].
    pub(crate) fn numbers_mut<T: Element>(&mut self) -> &mut [T] {
        // SAFETY: as in `numbers`.
        unsafe { self.0.align_to_mut().1 }
    }
}

/// Free buffers for reuse.
#[derive(Default)]
pub(crate) struct BufferPool(Mutex<Vec<PageBuffer>>);

impl BufferPool {
    /// A buffer of `count` elements with undefined content.
    pub(crate) fn take<T: Element>(&self, count: usize) -> io::Result<PooledBuffer<'_, T>> {
        let needed = (count * size_of::<T>()).max(1);
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |pages: &PageBuffer| (needed..=MAX_OVERSIZE * needed).contains(&pages.bytes());
        let best = (0..free.len()).filter(|at| fits(&free[*at])).min_by_key(|at| free[*at].bytes());
        let reused = best.map(|at| free.swap_remove(at));
        drop(free);
        let pages = reused.map_or_else(|| PageBuffer::for_numbers::<T>(count), Ok)?;
        Ok(PooledBuffer { pages: Some(pages), count, pool: self, numbers: PhantomData })
    }
}

/// A buffer that returns to its pool on drop.
pub(crate) struct PooledBuffer<'a, T> {
    /// `None` only while being dropped.
    pages: Option<PageBuffer>,
    count: usize,
    pool: &'a BufferPool,
    numbers: PhantomData<T>,
}

impl<T: Element> Deref for PooledBuffer<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.pages.as_ref().map_or(&[], |pages| &pages.numbers()[..self.count])
    }
}

impl<T: Element> DerefMut for PooledBuffer<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.pages.as_mut().map_or(&mut [], |pages| &mut pages.numbers_mut()[..self.count])
    }
}

impl<T> Drop for PooledBuffer<'_, T> {
    fn drop(&mut self) {
        self.pool.0.lock().unwrap_or_else(PoisonError::into_inner).extend(self.pages.take());
    }
}
