//! Photos into a vault: reading, the network and sealing overlap, joined by bounded queues, so that memory stays flat
//! with the number of photos.
//!
//! ```text
//! readers (read, recognise, decode) --queue--> network (batches) --queue--> sealing (encrypt, write, commit)
//! ```
//!
//! A run is interrupted between photos; what is sealed by then is committed. Running it again skips what is there.
//! Sealed photos are committed by number and by time, so that a crash costs little of either.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use crate::durable::IfLocked;
use crate::error::Error;
use crate::features;
use crate::features::photo::{ImageInput, Limits, Photo, PreparedPhoto};
use crate::features::{Embedder, FeatureVector};
use crate::services::capture;
use crate::services::original;
use crate::services::progress::{Control, Event, Observer, Outcome, Stage};
use crate::services::session;
use crate::services::thumbnail;
use crate::vault;
use crate::vault::{Appended, Details, Digest, Extension, NewImage, Snapshot, Transaction, Vault};

/// Photos committed at once: a power cut costs at most this many photos' work.
const COMMIT_EVERY: usize = 256;
/// A sealed photo waits at most this long for its commit, also when no other photo follows it.
const COMMIT_AFTER: Duration = Duration::from_secs(10);
/// A photo as it was found: its exact bytes and what the file system said of it.
pub struct Original {
    /// The file's content.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The name it has for the user.
    pub name: String,
    /// When the file was changed last.
    pub modified: Option<SystemTime>,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Summary {
    /// Photos added and committed.
    pub added: usize,
    /// Photos whose content the vault held already.
    pub already_present: usize,
    /// Photos that could not be used, each with the reason.
    pub failed: Vec<(PathBuf, String)>,
    /// Photos that are not in the vault because the run was stopped or failed; the next run takes them on.
    pub left: usize,
    /// What ended the run before all photos were through. What it had committed is in `added`, and stays.
    pub ended_by: Option<Error>,
}

/// Reads a file from disk as an original.
///
/// # Errors
/// In words for the user, when the file cannot be read.
pub fn read_file(path: &Path) -> Result<Original, String> {
    let read = || -> std::io::Result<Original> {
        let metadata = std::fs::metadata(path)?;
        let bytes = original::read(path)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Original { bytes, name, modified: metadata.modified().ok() })
    };
    read().map_err(|error| error.to_string())
}

/// A photo after the readers: decoded once, for the network and for the thumbnail.
struct Decoded {
    path: PathBuf,
    original: Original,
    thumbnail: Zeroizing<Vec<u8>>,
    width: u32,
    height: u32,
    prepared: PreparedPhoto,
}

/// A photo after the network.
struct Described {
    decoded: Decoded,
    vector: FeatureVector,
}

/// What the stages of one run share.
struct Run<'a, R> {
    vault: &'a Vault,
    /// The generation at the start of the run: what is in it need not be decoded.
    before: Snapshot,
    embedder: &'a dyn Embedder,
    read: R,
    observer: &'a dyn Observer,
    control: &'a Control,
    /// Contents this run has taken on, so that of two copies only one is decoded.
    taken: Mutex<HashSet<Digest>>,
    summary: Mutex<Summary>,
}

/// How often a run that waits for another writer looks whether that one has finished.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Indexes `paths`, each read by `read`, into `vault`. While another process writes to it, the run waits, until `control`
/// stops it.
///
/// # Errors
/// When it cannot begin: the vault cannot be read or locked, or its vectors were made by another network. An error in the
/// middle, such as a full disk, is in [`Summary::ended_by`], and a photo that cannot be used in [`Summary::failed`].
pub fn run<R>(
    vault: &Vault,
    embedder: &dyn Embedder,
    paths: &[PathBuf],
    read: R,
    observer: &dyn Observer,
    control: &Control,
) -> Result<Summary, Error>
where
    R: Fn(&Path) -> Result<Original, String> + Sync,
{
    let Some(transaction) = begin(vault, observer, control)? else {
        return Ok(Summary { left: paths.len(), ..Summary::default() });
    };
    let before = vault.snapshot()?;
    session::require_same_space(before.mapping(), embedder)?;
    let (taken, summary) = (Mutex::default(), Mutex::default());
    let run = Run { vault, before, embedder, read, observer, control, taken, summary };
    let next = AtomicUsize::new(0);
    let readers = thread::available_parallelism().map_or(1, usize::from);
    // Decoded photos that may wait for the network, and vectors that may wait for sealing.
    let queue = 2 * features::batch_size();
    let ended = thread::scope(|scope| {
        let (to_network, from_readers) = sync_channel(queue);
        let (to_sealing, from_network) = sync_channel(queue);
        for _ in 0..readers {
            let (run, next, to_network) = (&run, &next, to_network.clone());
            scope.spawn(move || run.read_all(paths, next, &to_network));
        }
        drop(to_network);
        let network = scope.spawn(|| run.describe(from_readers, to_sealing));
        // When one stage fails it hangs up, and the stages before it end too.
        let sealed = run.seal(transaction, from_network);
        let described = network.join().unwrap_or_else(|panic| resume_unwind(panic));
        sealed.and(described)
    });
    let mut summary = run.summary.into_inner().expect("no holder of this lock panics");
    summary.ended_by = ended.err();
    summary.left = paths.len() - summary.added - summary.already_present - summary.failed.len();
    Ok(summary)
}

/// Becomes the vault's writer, and says so when that takes waiting. `None` when the run was stopped while it waited: the
/// kernel's own waiting for a lock could not be ended.
fn begin(vault: &Vault, observer: &dyn Observer, control: &Control) -> Result<Option<Transaction>, Error> {
    let mut is_waiting = false;
    loop {
        match Transaction::begin(vault, IfLocked::Refuse) {
            Err(vault::Error::Locked) => {}
            begun => return Ok(Some(begun?)),
        }
        if !is_waiting {
            observer.observe(Event::WaitingForWriter);
            is_waiting = true;
        }
        if control.stopped_within(LOCK_POLL) {
            return Ok(None);
        }
    }
}

impl<R: Fn(&Path) -> Result<Original, String> + Sync> Run<'_, R> {
    /// The first stage, run by several threads: takes paths until there are no more, or nobody wants their photos.
    fn read_all(&self, paths: &[PathBuf], next: &AtomicUsize, to_network: &SyncSender<Decoded>) {
        while self.control.may_continue() {
            let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            self.enter(path, Stage::Reading);
            // Decoders are given damaged files; one that panics must cost its photo, not the run.
            match catch_unwind(AssertUnwindSafe(|| self.read_and_decode(path))) {
                Ok(Ok(Some(decoded))) => {
                    if to_network.send(decoded).is_err() {
                        return;
                    }
                }
                Ok(Ok(None)) => self.finish(path.clone(), Outcome::AlreadyPresent),
                Ok(Err(reason)) => self.finish(path.clone(), Outcome::Failed { reason }),
                Err(_panic) => {
                    self.finish(path.clone(), Outcome::Failed { reason: "its decoder failed".to_owned() });
                }
            }
        }
    }

    /// `None` for a photo whose content the vault, or this run, has already.
    fn read_and_decode(&self, path: &Path) -> Result<Option<Decoded>, String> {
        let original = (self.read)(path)?;
        if original.bytes.is_empty() {
            return Err("the file is empty".to_owned());
        }
        let content = self.vault.content_tag(&original.bytes);
        let present = self.before.find_content(&content).map_err(|error| error.to_string())?;
        if present.is_some() || !lock(&self.taken).insert(content) {
            return Ok(None);
        }
        decode(path, original, self.embedder.input()).map(Some).map_err(|error| error.to_string())
    }

    /// The second stage: photos to vectors, as many at once as are waiting.
    fn describe(&self, from_readers: Receiver<Decoded>, to_sealing: SyncSender<Described>) -> Result<(), Error> {
        let (started, mut waited) = (Instant::now(), Duration::ZERO);
        loop {
            let before = Instant::now();
            let Ok(first) = from_readers.recv() else { break };
            waited += before.elapsed();
            // Decoded photos that wait are not worth waiting for: the next run decodes them again in no time.
            if !self.control.may_continue() {
                return Ok(());
            }
            let mut photos = vec![first];
            photos.extend(from_readers.try_iter().take(features::batch_size() - 1));
            for photo in &photos {
                self.enter(&photo.path, Stage::Features);
            }
            let prepared: Vec<_> = photos.iter().map(|photo| &photo.prepared).collect();
            let vectors = self.embedder.embed(&prepared)?;
            for (decoded, vector) in photos.into_iter().zip(vectors) {
                if to_sealing.send(Described { decoded, vector }).is_err() {
                    return Ok(());
                }
            }
        }
        log::info!("the network ran for {:?}, {waited:?} of it waiting for photos", started.elapsed());
        Ok(())
    }

    /// The third stage: encrypts and writes, and commits from time to time.
    fn seal(&self, mut transaction: Transaction, from_network: Receiver<Described>) -> Result<(), Error> {
        let mut uncommitted = Vec::new();
        // When the oldest of them must be committed.
        let mut due = None;
        loop {
            match next_before(&from_network, due) {
                Ok(Described { decoded, vector }) => {
                    self.enter(&decoded.path, Stage::Sealing);
                    let path = decoded.path.clone();
                    match store(&mut transaction, decoded, &vector)? {
                        Appended::New(_) => {
                            uncommitted.push(path);
                            due.get_or_insert_with(|| Instant::now() + COMMIT_AFTER);
                        }
                        Appended::AlreadyPresent(_) => self.finish(path, Outcome::AlreadyPresent),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if uncommitted.len() >= COMMIT_EVERY || due.is_some_and(|due| due <= Instant::now()) {
                transaction = self.commit(transaction, &mut uncommitted)?;
                due = None;
            }
        }
        self.commit(transaction, &mut uncommitted).map(drop)
    }

    fn commit(&self, transaction: Transaction, uncommitted: &mut Vec<PathBuf>) -> Result<Transaction, Error> {
        let transaction = transaction.commit()?;
        // Only now are they added: the word promises that a power cut does not lose them.
        for path in uncommitted.drain(..) {
            self.finish(path, Outcome::Added);
        }
        self.observer.observe(Event::Committed { photos: lock(&self.summary).added });
        Ok(transaction)
    }

    fn enter(&self, path: &Path, stage: Stage) {
        self.observer.observe(Event::Entered { path: path.to_owned(), stage });
    }

    fn finish(&self, path: PathBuf, outcome: Outcome) {
        let mut summary = lock(&self.summary);
        match &outcome {
            Outcome::Added => summary.added += 1,
            Outcome::AlreadyPresent => summary.already_present += 1,
            Outcome::Failed { reason } => summary.failed.push((path.clone(), reason.clone())),
        }
        drop(summary);
        self.observer.observe(Event::Finished { path, outcome });
    }
}

/// The next item, waited for until `due` at most.
fn next_before<T>(items: &Receiver<T>, due: Option<Instant>) -> Result<T, RecvTimeoutError> {
    match due {
        Some(due) => items.recv_timeout(due.saturating_duration_since(Instant::now())),
        None => items.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

fn decode(path: &Path, original: Original, input: ImageInput) -> Result<Decoded, features::Error> {
    let photo = Photo::decode(&original.bytes, path.extension(), Limits::default())?;
    let (width, height) = photo.dimensions();
    let thumbnail = thumbnail::of(&photo)?;
    let prepared = photo.prepare(input)?;
    Ok(Decoded { path: path.to_owned(), original, thumbnail, width, height, prepared })
}

fn store(transaction: &mut Transaction, decoded: Decoded, vector: &FeatureVector) -> Result<Appended, Error> {
    let Decoded { original, thumbnail, width, height, .. } = decoded;
    let mut photo = transaction.store_photo(&original.bytes, &Extension::of(Path::new(&original.name)))?;
    transaction.store_thumbnail(&mut photo, &thumbnail)?;
    let details = Details {
        captured: capture::time(&original.bytes),
        name: original.name,
        bytes: original.bytes.len() as u64,
        modified: original.modified.and_then(seconds_since_1970),
        width,
        height,
    };
    Ok(transaction.append(NewImage { photo, details, vector: vector.as_slice().to_vec() })?)
}

fn seconds_since_1970(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok(),
        Err(before) => i64::try_from(before.duration().as_secs()).ok().map(|seconds| -seconds),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}
