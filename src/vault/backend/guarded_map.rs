//! A memory-mapped file. If it is truncated, one search fails instead of the process.
//!
//! Reading a mapped page that the file no longer has raises SIGBUS, which by default ends the process: a terminal would
//! stay in raw mode, and a host would drop its clients. Here a handler maps zeros from the faulting page to the end of
//! the map and sets a flag. Readers must check [`GuardedMap::is_whole`] before using anything computed from the
//! content. Any other SIGBUS goes to the previous handler, so a stack overflow is still reported.
//!
//! Must never: map a file that this program changes after naming it, or do anything in the handler that is not
//! async-signal-safe (POSIX.1-2024, 2.4.3): it only touches atomics and makes one system call.
#![expect(unsafe_code, reason = "mapping a file and handling SIGBUS are unsafe")]

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::Mmap;

/// A file mapped read-only.
pub struct GuardedMap {
    /// Declared before the map, so that the guard is dropped before the range is unmapped.
    #[cfg(unix)]
    guard: signal::Guard,
    map: Mmap,
}

impl GuardedMap {
    /// Maps `file`. `None` when no more maps can be guarded; the caller must then read the file instead.
    ///
    /// # Errors
    /// What the system reports.
    pub(in crate::vault) fn new(file: &File) -> io::Result<Option<Self>> {
        // SAFETY: the files of segments and groups are immutable: each is created under a new random name, never
        // written again, only unlinked, and an unlinked file stays mapped. Another process with write access could
        // change the bytes under us: the scan reduces them to its own range, pages of tags are copied before they are
        // verified, and every value is a valid `u8`. The guard handles truncation.
        let map = unsafe { Mmap::map(file)? };
        #[cfg(unix)]
        {
            Ok(signal::Guard::new(&map)?.map(|guard| Self { guard, map }))
        }
        // Other systems refuse to truncate a mapped file.
        #[cfg(not(unix))]
        Ok(Some(Self { map }))
    }

    /// Whether everything read so far came from the file.
    pub(in crate::vault) fn is_whole(&self) -> bool {
        #[cfg(unix)]
        let is_whole = self.guard.is_whole();
        #[cfg(not(unix))]
        let is_whole = true;
        is_whole
    }
}

impl Deref for GuardedMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

#[cfg(unix)]
mod signal {
    use std::io;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

    /// Maps alive at once. Enough for 4 million photos.
    const SLOTS: usize = 4096;

    /// The range of a map, and whether part of it was replaced by zeros.
    struct Slot {
        /// 0: free. 1: taken but not guarded yet.
        start: AtomicUsize,
        end: AtomicUsize,
        is_cut: AtomicBool,
    }

    static TABLE: [Slot; SLOTS] =
        [const { Slot { start: AtomicUsize::new(0), end: AtomicUsize::new(0), is_cut: AtomicBool::new(false) } };
            SLOTS];

    /// The SIGBUS action before ours.
    static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();
    static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);

    /// Guards the range of one map until it is dropped.
    pub(super) struct Guard(&'static Slot);

    impl Guard {
        /// Guards `map`; `None` when the table is full.
        pub(super) fn new(map: &[u8]) -> io::Result<Option<Self>> {
            install()?;
            let start = map.as_ptr().addr();
            let end = start + map.len().next_multiple_of(PAGE_BYTES.load(Ordering::Relaxed));
            let is_free = |slot: &&Slot| slot.start.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed).is_ok();
            let Some(slot) = TABLE.iter().find(is_free) else { return Ok(None) };
            slot.is_cut.store(false, Ordering::Relaxed);
            slot.end.store(end, Ordering::Relaxed);
            slot.start.store(start, Ordering::Release);
            Ok(Some(Self(slot)))
        }

        pub(super) fn is_whole(&self) -> bool {
            !self.0.is_cut.load(Ordering::SeqCst)
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.start.store(0, Ordering::Release);
        }
    }

    /// Installs the handler in front of the existing one, once.
    fn install() -> io::Result<()> {
        static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
        let installed = INSTALLED.get_or_init(|| {
            PAGE_BYTES.store(rustix::param::page_size(), Ordering::Relaxed);
            let last_error = || Err(io::Error::last_os_error().raw_os_error().unwrap_or_default());
            // SAFETY: all zeros is a valid `sigaction`: a default handler, no flags, an empty mask.
            let (mut previous, mut ours) = unsafe { (std::mem::zeroed(), std::mem::zeroed::<libc::sigaction>()) };
            // SAFETY: the pointers are null or to live values, and the signal exists.
            if unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut previous) } != 0 {
                return last_error();
            }
            // Must be set before the handler can run.
            let _ = PREVIOUS.set(previous);
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_sigbus;
            ours.sa_sigaction = handler as libc::sighandler_t;
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // SAFETY: as above; the handler has the signature that SA_SIGINFO asks for.
            if unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, std::ptr::null_mut()) } != 0 {
                return last_error();
            }
            Ok(())
        });
        installed.map_err(io::Error::from_raw_os_error)
    }

    extern "C" fn on_sigbus(signal: libc::c_int, information: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: the system hands a handler under SA_SIGINFO a valid `siginfo_t`, and SIGBUS has an address in it.
        let address = unsafe { (*information).si_addr() }.addr();
        for slot in &TABLE {
            let start = slot.start.load(Ordering::Acquire);
            let end = slot.end.load(Ordering::Relaxed);
            if start > 1 && (start..end).contains(&address) {
                slot.is_cut.store(true, Ordering::SeqCst);
                if put_zeros(address, end) {
                    return;
                }
            }
        }
        // SAFETY: called in the handler, with its arguments.
        unsafe { forward(signal, information, context) };
    }

    /// Maps zeros from the page of `address` to `end`. Returns whether it succeeded.
    fn put_zeros(address: usize, end: usize) -> bool {
        let page = address & !(PAGE_BYTES.load(Ordering::Relaxed) - 1);
        let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
        let place = std::ptr::with_exposed_provenance_mut(page);
        // SAFETY: the range lies in a map that its guard keeps alive, since the faulting thread is reading it.
        // Unreadable pages become zeros, and readers accept any byte.
        unsafe { mmap_anonymous(place, end - page, ProtFlags::READ, flags) }.is_ok()
    }

    /// Does what would have happened without this handler.
    ///
    /// # Safety
    /// Call this only in a handler of `signal`, with the handler's arguments.
    unsafe fn forward(signal: libc::c_int, information: *mut libc::siginfo_t, context: *mut libc::c_void) {
        match PREVIOUS.get() {
            Some(previous) if previous.sa_flags & libc::SA_SIGINFO != 0 => {
                // SAFETY: with SA_SIGINFO, `sa_sigaction` holds a function of this signature.
                let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    unsafe { std::mem::transmute(previous.sa_sigaction) };
                handler(signal, information, context);
            }
            // Once the default is restored, the faulting instruction runs again and ends the process.
            // SAFETY: resetting a signal to its default is always allowed.
            _ => _ = unsafe { libc::signal(signal, libc::SIG_DFL) },
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: usize) -> File {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &vec![7; bytes]).unwrap();
        file
    }

    #[test]
    fn a_map_of_a_truncated_file_gives_zeros_and_says_so() {
        let file = file(1 << 20);
        let map = GuardedMap::new(&file).unwrap().unwrap();
        assert!(map.iter().all(|byte| *byte == 7) && map.is_whole());
        file.set_len(100_000).unwrap();
        assert!(map[..100_000].iter().all(|byte| *byte == 7));
        assert!(map.is_whole(), "the first pages are still there");
        assert!(map[200_000..].iter().all(|byte| *byte == 0));
        assert!(!map.is_whole());
        file.set_len(0).unwrap();
        assert_eq!(map[..100_000].iter().map(|byte| u64::from(*byte)).sum::<u64>(), 0, "truncated again");
    }

    #[test]
    fn truncating_one_map_leaves_others_intact_and_its_slot_is_reused() {
        let (short, long) = (file(1 << 16), file(1 << 16));
        let kept = GuardedMap::new(&long).unwrap().unwrap();
        for _ in 0..10_000 {
            assert!(GuardedMap::new(&long).unwrap().is_some_and(|map| map[0] == 7 && map.is_whole()));
        }
        let cut = GuardedMap::new(&short).unwrap().unwrap();
        short.set_len(0).unwrap();
        assert_eq!(cut[60_000], 0);
        assert!(!cut.is_whole() && kept.is_whole());
        drop(cut);
        assert!(GuardedMap::new(&long).unwrap().unwrap().is_whole());
    }

    #[test]
    fn many_threads_may_reach_the_truncated_part_at_once() {
        let file = file(4 << 20);
        let map = GuardedMap::new(&file).unwrap().unwrap();
        file.set_len(1 << 20).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| map.iter().map(|byte| u64::from(*byte)).sum::<u64>());
            }
        });
        assert!(!map.is_whole());
    }
}
