//! New files on their way to the disk. Threads that compute nothing wait for the disk while their writer goes on.
//!
//! Must never: report files as durable when one of them is not.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::Dir;

/// Threads that wait for the disk at once: the more files wait together, the more of them a journaling file system
/// makes durable in one step.
const THREADS: usize = 32;
/// How many files wait for a thread, at most. They are open meanwhile.
const MOST_WAITING: usize = 32;
/// Enough for a system call.
const STACK_BYTES: usize = 64 << 10;

/// Immutable files that were written and are not yet durable. Files can be added from any thread.
#[derive(Default)]
pub struct Unsynced(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// A file is waiting, or the end has come.
    work: Condvar,
    /// A thread is done with a file.
    progress: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<File>,
    /// Files that a thread has taken and that are not durable yet.
    busy: usize,
    /// Started as they are needed. They stay until the end.
    threads: Vec<JoinHandle<()>>,
    idle: usize,
    /// The first error. The system reports a lost write only once, so it holds for everything that follows.
    failure: Option<io::Error>,
    is_over: bool,
}

impl State {
    fn check(&self) -> io::Result<()> {
        match &self.failure {
            None => Ok(()),
            Some(error) => Err(error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)),
        }
    }
}

impl Unsynced {
    /// Writes a new file. It is durable only after [`Self::sync`] and [`Dir::sync`].
    ///
    /// # Errors
    /// What the system reports, also about earlier files. There is no such file then.
    pub fn write(&self, dir: &Dir, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = dir.create_file(name)?;
        let written = parts.iter().try_for_each(|part| file.write_all(part)).and_then(|()| self.add(file));
        written.inspect_err(|_| {
            // Best effort: the error matters more.
            let _ = dir.remove(name);
        })
    }

    /// Takes over a file that was written elsewhere. It is durable as one of [`Self::write`].
    ///
    /// # Errors
    /// As [`Self::sync`], for earlier files.
    pub fn add(&self, file: File) -> io::Result<()> {
        let mut state = self.0.state.lock();
        while state.waiting.len() >= MOST_WAITING {
            self.0.progress.wait(&mut state);
        }
        state.check()?;
        if state.idle <= state.waiting.len() && state.threads.len() < THREADS {
            let shared = Arc::clone(&self.0);
            match thread::Builder::new().stack_size(STACK_BYTES).spawn(move || shared.work()) {
                Ok(thread) => state.threads.push(thread),
                // The system gives no thread at all.
                Err(_) if state.threads.is_empty() => return self.0.make_durable(&mut state, file),
                Err(_) => {}
            }
        }
        state.waiting.push_back(file);
        self.0.work.notify_one();
        Ok(())
    }

    /// Waits until the content of every file written so far is on the disk.
    ///
    /// # Errors
    /// When one of them did not get there; it is then unknown which files are durable.
    pub fn sync(&self) -> io::Result<()> {
        let mut state = self.0.state.lock();
        while state.busy > 0 || !state.waiting.is_empty() {
            self.0.progress.wait(&mut state);
        }
        state.check()
    }
}

impl Shared {
    /// What a thread does.
    fn work(&self) {
        let mut state = self.state.lock();
        while !state.is_over {
            if let Some(file) = state.waiting.pop_front() {
                // The error stays in the state.
                let _ = self.make_durable(&mut state, file);
            } else {
                state.idle += 1;
                self.work.wait(&mut state);
                state.idle -= 1;
            }
        }
    }

    fn make_durable(&self, state: &mut MutexGuard<'_, State>, file: File) -> io::Result<()> {
        state.busy += 1;
        let outcome = MutexGuard::unlocked(state, move || file.sync_all());
        state.busy -= 1;
        if let Err(error) = outcome {
            state.failure.get_or_insert(error);
        }
        self.progress.notify_all();
        state.check()
    }
}

impl Drop for Unsynced {
    /// Forgets the files that no thread has taken: their writer ended without a commit.
    fn drop(&mut self) {
        let threads = {
            let mut state = self.0.state.lock();
            state.is_over = true;
            state.waiting.clear();
            std::mem::take(&mut state.threads)
        };
        self.0.work.notify_all();
        for thread in threads {
            // They only make system calls, so none of them panics.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn immutable_files_are_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let (dir, unsynced) = (Dir::open(directory.path()).unwrap(), Unsynced::default());
        unsynced.write(&dir, "object", &[b"fi", b"rst"]).unwrap();
        assert_eq!(unsynced.write(&dir, "object", &[b"second"]).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        unsynced.sync().unwrap();
        assert_eq!(fs::read(directory.path().join("object")).unwrap(), b"first");
    }

    #[test]
    fn more_files_than_can_wait_are_all_made_durable() {
        let directory = tempfile::tempdir().unwrap();
        let (dir, unsynced) = (Dir::open(directory.path()).unwrap(), Unsynced::default());
        let files = 4 * (MOST_WAITING + THREADS);
        thread::scope(|scope| {
            for part in 0..4 {
                let (dir, unsynced) = (&dir, &unsynced);
                scope.spawn(move || {
                    (part..files).step_by(4).for_each(|at| unsynced.write(dir, &at.to_string(), &[b"x"]).unwrap());
                });
            }
        });
        unsynced.sync().unwrap();
        let state = unsynced.0.state.lock();
        assert_eq!((state.waiting.len(), state.busy), (0, 0));
        assert!((1..=THREADS).contains(&state.threads.len()));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), files);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn after_an_error_nothing_is_reported_as_durable() {
        let directory = tempfile::tempdir().unwrap();
        let (dir, unsynced) = (Dir::open(directory.path()).unwrap(), Unsynced::default());
        // A pipe cannot be fsynced.
        let (_reader, writer) = io::pipe().unwrap();
        unsynced.add(File::from(std::os::fd::OwnedFd::from(writer))).unwrap();
        let invalid = io::ErrorKind::InvalidInput;
        assert_eq!(unsynced.sync().unwrap_err().kind(), invalid);
        assert_eq!(unsynced.write(&dir, "object", &[b"x"]).unwrap_err().kind(), invalid);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert_eq!(unsynced.sync().unwrap_err().kind(), invalid);
    }
}
