//! Indexes photos into a vault: a pipeline of three stages with bounded queues between them, so that memory does not
//! grow with the number of photos.
//!
//! ```text
//! readers (read, hash, decode, EXIF) --queue--> embedding (batches) --queue--> sealing (encrypt, write, commit)
//! ```
//!
//! A stopped run ends between photos and commits those it has sealed. Running it again skips photos that the vault has.
//! It commits after a number of photos or some seconds, whichever comes first, so that a crash loses little work.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::durable::IfLocked;
use crate::error::Error;
use crate::services::camera_data::CameraData;
use crate::services::embedding::{Embedding, EmbeddingModel, PreparedPhoto};
use crate::services::exif;
use crate::services::open_vault::OpenVault;
use crate::services::photo;
use crate::services::progress::{Control, Event, Observer, Outcome, Stage};
use crate::services::thumbnail;
use crate::vault;
use crate::vault::{
    Appended, Committed, Digest, Extension, Found, Hex, Id, LOCK_PATIENCE, Modified, NewImage, Pixels, Snapshot,
    Transaction, Vault,
};

/// Photos in a commit: a power cut costs at most the work on this many.
const COMMIT_EVERY: usize = 256;
/// A sealed photo waits at most this long for its commit, even when no other photo follows.
const COMMIT_AFTER: Duration = Duration::from_secs(10);

/// A photo as it was found: its exact bytes and what the file system says about it.
pub struct Original {
    /// The file's content.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Its file name, as the system has it.
    pub name: OsString,
    /// When the file was last changed.
    pub modified: Option<SystemTime>,
}

/// What a run did.
#[derive(Debug, Default)]
#[must_use]
pub struct Summary {
    /// Photos added and committed.
    pub added: usize,
    /// Photos whose content the vault had already.
    pub already_present: usize,
    /// Photos that were removed from the vault before, and were not added again.
    pub removed_before: Vec<PathBuf>,
    /// Photos that could not be used, each with the reason.
    pub failed: Vec<(PathBuf, String)>,
    /// Photos that are not in the vault because the run was stopped or failed; the next run adds them.
    pub left: usize,
    /// The error that ended the run early. Photos counted in `added` are committed and stay.
    pub ended_by: Option<Error>,
}

/// What becomes of a photo that was removed from the vault before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum IfRemoved {
    /// It is left out, and named.
    #[default]
    LeaveOut,
    /// It is added again.
    AddAgain,
}

/// The photos to index.
#[derive(Clone, Copy, Debug, Default)]
pub struct Photos<'a> {
    /// Folders that are added: of a photo below one of them the vault records the folder as its source and the path
    /// below it; of another one its file name.
    pub folders: &'a [PathBuf],
    /// The files.
    pub paths: &'a [PathBuf],
    /// See [`IfRemoved`].
    pub if_removed: IfRemoved,
}

/// Reads a file from disk as an original.
///
/// # Errors
/// When the file cannot be read, with a message for the user.
pub fn read_file(path: &Path) -> Result<Original, String> {
    let read = || -> std::io::Result<Original> {
        let metadata = std::fs::metadata(path)?;
        let bytes = photo::read(path)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_owned();
        Ok(Original { bytes, name, modified: metadata.modified().ok() })
    };
    read().map_err(|error| error.to_string())
}

/// A photo after the readers.
enum Read {
    /// To be added.
    Photo(Box<Decoded>),
    /// Its content is in the vault, or was read before in this run.
    Known { path: PathBuf, content: Digest, found: Found },
}

/// A photo after the readers, with everything that is derived from its bytes or pixels.
struct Decoded {
    path: PathBuf,
    found: Found,
    original: Original,
    /// The vault's keyed digest of the original.
    content: Digest,
    media_type: Option<&'static str>,
    camera_data: CameraData,
    thumbnail: Zeroizing<Vec<u8>>,
    width: u32,
    height: u32,
    prepared: PreparedPhoto,
}

/// A photo after the embedding stage.
enum Embedded {
    /// To be added.
    Photo { decoded: Box<Decoded>, embedding: Embedding },
    /// As [`Read::Known`].
    Known { path: PathBuf, content: Digest, found: Found },
}

/// What the stages of one run share.
struct Run<'a, R> {
    vault: &'a Vault,
    /// A generation that the vault had: photos in it need not be decoded.
    before: Mutex<Arc<Snapshot>>,
    model: &'a EmbeddingModel,
    /// The contents that were removed before and are to be left out.
    removed: HashSet<Digest>,
    /// The folders that are added, with the ids of their sources in the vault.
    sources: Vec<(PathBuf, Id)>,
    read: R,
    observer: &'a dyn Observer,
    control: &'a Control,
    /// Digests of the photos that this run has seen, so that of two copies only one is decoded.
    taken: Mutex<HashSet<Digest>>,
    summary: Mutex<Summary>,
}

/// Interval between attempts to lock a vault to which another process commits.
const LOCK_POLL: Duration = Duration::from_millis(50);
/// A wait for another process that is longer than this is reported.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

/// Indexes `photos`, each read by `read`, into `vault`. Others may write at the same time: a commit waits while another
/// process commits, until `control` stops it.
///
/// # Errors
/// When it cannot begin: the vault cannot be read or locked, or another model made its vectors. A later error, such as
/// a full disk, is in [`Summary::ended_by`]; photos that cannot be used are in [`Summary::failed`].
///
/// ```no_run
/// use cipherlens::services::progress::Control;
/// use cipherlens::services::index::{self, Photos};
/// use cipherlens::services::find;
/// # fn example(
/// #     vault: &cipherlens::services::open_vault::OpenVault,
/// #     model: &cipherlens::services::embedding::EmbeddingModel,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let folders = ["/home/me/Pictures".into()];
/// let found = find::photos_below(&folders);
/// let photos = Photos { folders: &folders, paths: &found.photos, ..Photos::default() };
/// let summary = index::run(vault, model, photos, index::read_file, &|_event| {}, &Control::default())?;
/// assert!(summary.failed.is_empty() && summary.left == 0);
/// # Ok(())
/// # }
/// ```
pub fn run<R>(
    vault: &OpenVault,
    model: &EmbeddingModel,
    photos: Photos<'_>,
    read: R,
    observer: &dyn Observer,
    control: &Control,
) -> Result<Summary, Error>
where
    R: Fn(&Path) -> Result<Original, String> + Sync,
{
    let mut transaction = Transaction::begin(vault.vault(), IfLocked::Wait)?;
    let Photos { folders, paths, if_removed } = photos;
    let sources = sources(&mut transaction, folders)?;
    let removed = match if_removed {
        IfRemoved::LeaveOut => transaction.base().tombstones()?.iter().map(|tombstone| tombstone.content).collect(),
        IfRemoved::AddAgain => HashSet::new(),
    };
    let before = Mutex::new(Arc::clone(transaction.base()));
    model.require_space_of(vault.vault())?;
    let (taken, summary) = (Mutex::default(), Mutex::default());
    let run = Run { vault: vault.vault(), before, model, removed, sources, read, observer, control, taken, summary };
    let next = AtomicUsize::new(0);
    let readers = thread::available_parallelism().map_or(1, usize::from);
    // Photos that may wait in each queue.
    let queue = 2 * EmbeddingModel::batch_size();
    let ended = thread::scope(|scope| {
        let (to_embedding, from_readers) = sync_channel(queue);
        let (to_sealing, from_embedding) = sync_channel(queue);
        for _ in 0..readers {
            let (run, next, to_embedding) = (&run, &next, to_embedding.clone());
            scope.spawn(move || run.read_all(paths, next, &to_embedding));
        }
        drop(to_embedding);
        let embedding = scope.spawn(|| run.embed(from_readers, to_sealing));
        // A stage that fails drops its end of the queue, which ends the stages before it.
        let sealed = run.seal(transaction, from_embedding);
        let embedded = embedding.join().unwrap_or_else(|panic| resume_unwind(panic));
        sealed.and(embedded)
    });
    // Commits before an error stay.
    vault.mark_changed();
    let mut summary = run.summary.into_inner();
    summary.ended_by = ended.err();
    let done = summary.added + summary.already_present + summary.removed_before.len() + summary.failed.len();
    summary.left = paths.len() - done;
    Ok(summary)
}

impl<R: Fn(&Path) -> Result<Original, String> + Sync> Run<'_, R> {
    /// The first stage, run by several threads: takes paths until there are none left or the next stage has ended.
    fn read_all(&self, paths: &[PathBuf], next: &AtomicUsize, to_embedding: &SyncSender<Read>) {
        while self.control.may_continue() {
            let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            self.enter(path, Stage::Reading);
            // Damaged files may make a decoder panic; that must cost the photo, not the run.
            match catch_unwind(AssertUnwindSafe(|| self.read_and_decode(path))) {
                Ok(Ok(None)) => self.finish(path.clone(), Outcome::RemovedBefore),
                Ok(Ok(Some(read))) => {
                    if to_embedding.send(read).is_err() {
                        return;
                    }
                }
                Ok(Err(reason)) => self.finish(path.clone(), Outcome::Failed { reason }),
                Err(_panic) => {
                    self.finish(path.clone(), Outcome::Failed { reason: "its decoder failed".to_owned() });
                }
            }
        }
    }

    /// `None` for a photo that was removed from the vault before.
    fn read_and_decode(&self, path: &Path) -> Result<Option<Read>, String> {
        let original = (self.read)(path)?;
        if original.bytes.is_empty() {
            return Err("the file is empty".to_owned());
        }
        let content = self.vault.content_tag(&original.bytes);
        let present = self.find_committed(&content).map_err(|error| error.to_string())?;
        if present.is_none() && self.removed.contains(&content) {
            return Ok(None);
        }
        let found = self.found(path, &original);
        if present.is_some() || !self.taken.lock().insert(content) {
            return Ok(Some(Read::Known { path: path.to_owned(), content, found }));
        }
        let decoded = self.decode(path, found, original, content).map_err(|error| error.to_string())?;
        Ok(Some(Read::Photo(Box::new(decoded))))
    }

    /// What the vault records about where a photo is.
    fn found(&self, path: &Path, original: &Original) -> Found {
        let modified = original.modified.and_then(since_1970);
        let below = |(folder, id): &(PathBuf, Id)| Some((*id, path_bytes(path.strip_prefix(folder).ok()?)?));
        // The innermost of several nested folders.
        let innermost = self.sources.iter().filter_map(below).min_by_key(|(_, below)| below.len());
        let (source, path) = innermost.unwrap_or_else(|| (Hex([0; 16]), original.name.as_encoded_bytes().to_vec()));
        Found { source, path, modified }
    }

    /// The photo with this content, if it was committed a while ago.
    fn find_committed(&self, content: &Digest) -> Result<Option<Id>, vault::Error> {
        let before = Arc::clone(&self.before.lock());
        match before.find_content(content) {
            // A commit has removed what was about to be read. The next one may do so too, and then it is decided later.
            Err(vault::Error::Superseded { .. }) => {
                let newer = Arc::new(self.vault.snapshot_after(&before)?);
                *self.before.lock() = Arc::clone(&newer);
                match newer.find_content(content) {
                    Err(vault::Error::Superseded { .. }) => Ok(None),
                    found => found,
                }
            }
            found => found,
        }
    }

    fn decode(&self, path: &Path, found: Found, original: Original, content: Digest) -> Result<Decoded, Error> {
        let photo = photo::decode(&original.bytes, path.extension())?;
        let (width, height) = photo.dimensions();
        Ok(Decoded {
            path: path.to_owned(),
            found,
            content,
            media_type: photo::media_type_of(&original.bytes, path.extension()),
            camera_data: exif::read(&original.bytes),
            thumbnail: thumbnail::of(&photo)?,
            width,
            height,
            prepared: self.model.prepare(&photo)?,
            original,
        })
    }

    /// The second stage: turns photos into vectors, in batches of those that are waiting.
    fn embed(&self, from_readers: Receiver<Read>, to_sealing: SyncSender<Embedded>) -> Result<(), Error> {
        let (started, mut waited) = (Instant::now(), Duration::ZERO);
        loop {
            let before = Instant::now();
            let Ok(first) = from_readers.recv() else { break };
            waited += before.elapsed();
            // Decoded photos are dropped: the next run decodes them again quickly.
            if !self.control.may_continue() {
                return Ok(());
            }
            let (mut photos, mut known) = (Vec::new(), Vec::new());
            for read in std::iter::once(first).chain(from_readers.try_iter().take(EmbeddingModel::batch_size() - 1)) {
                match read {
                    Read::Photo(decoded) => photos.push(decoded),
                    Read::Known { path, content, found } => known.push(Embedded::Known { path, content, found }),
                }
            }
            for photo in &photos {
                self.enter(&photo.path, Stage::Features);
            }
            let prepared: Vec<_> = photos.iter().map(|photo| &photo.prepared).collect();
            let embeddings = self.model.embed(&prepared)?;
            let embedded = photos.into_iter().zip(embeddings);
            let embedded = embedded.map(|(decoded, embedding)| Embedded::Photo { decoded, embedding });
            // Last, since they may be copies of photos in this batch.
            for embedded in embedded.chain(known) {
                if to_sealing.send(embedded).is_err() {
                    return Ok(());
                }
            }
        }
        log::info!("embedding ran for {:?}, {waited:?} of it waiting for photos", started.elapsed());
        Ok(())
    }

    /// The third stage: encrypts, writes, and commits from time to time.
    fn seal(&self, mut transaction: Transaction, from_embedding: Receiver<Embedded>) -> Result<(), Error> {
        let mut uncommitted = Vec::new();
        // Copies that were read faster than the photo that this run adds was decoded.
        let mut waiting: HashMap<Digest, Vec<(PathBuf, Found)>> = HashMap::new();
        // When the oldest uncommitted photo must be committed.
        let mut due = None;
        loop {
            match next_before(&from_embedding, due) {
                Ok(Embedded::Known { path, content, found }) => {
                    if let Some(id) = transaction.find_content(&content)? {
                        transaction.add_place(id, found)?;
                        due.get_or_insert_with(|| Instant::now() + COMMIT_AFTER);
                        self.finish(path, Outcome::AlreadyPresent);
                    } else {
                        waiting.entry(content).or_default().push((path, found));
                    }
                }
                Ok(Embedded::Photo { decoded, embedding }) => {
                    self.enter(&decoded.path, Stage::Sealing);
                    let (path, content) = (decoded.path.clone(), decoded.content);
                    let stored = store(&mut transaction, *decoded, &embedding)?;
                    let (Appended::New(id) | Appended::AlreadyPresent(id)) = stored;
                    for (path, found) in waiting.remove(&content).unwrap_or_default() {
                        transaction.add_place(id, found)?;
                        self.finish(path, Outcome::AlreadyPresent);
                    }
                    match stored {
                        Appended::New(id) => {
                            uncommitted.push((id, path));
                            due.get_or_insert_with(|| Instant::now() + COMMIT_AFTER);
                        }
                        // Another process was faster.
                        Appended::AlreadyPresent(_) => self.finish(path, Outcome::AlreadyPresent),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if uncommitted.len() >= COMMIT_EVERY || due.is_some_and(|due| due <= Instant::now()) {
                let Some(next) = self.commit(transaction, &mut uncommitted)? else { return Ok(()) };
                transaction = next;
                due = None;
            }
        }
        // Of a run that was stopped they are left, as is the photo.
        if !self.control.is_stopped() {
            for (path, _) in waiting.into_values().flatten() {
                self.finish(path, Outcome::Failed { reason: "a file with the same content could not be used".into() });
            }
        }
        self.commit(transaction, &mut uncommitted).map(drop)
    }

    /// `None` if the run was stopped while it waited for another process.
    fn commit(
        &self,
        transaction: Transaction,
        uncommitted: &mut Vec<(Id, PathBuf)>,
    ) -> Result<Option<Transaction>, Error> {
        if !uncommitted.is_empty() && !self.wait_for_lock(&transaction)? {
            return Ok(None);
        }
        let Committed { next, already_present } = transaction.commit()?;
        let already_present: HashSet<Id> = already_present.into_iter().map(|(ours, _)| ours).collect();
        // Reported only now: "added" promises that a power cut does not lose the photo.
        for (id, path) in uncommitted.drain(..) {
            let is_present = already_present.contains(&id);
            self.finish(path, if is_present { Outcome::AlreadyPresent } else { Outcome::Added });
        }
        self.observer.observe(Event::Committed { photos: self.summary.lock().added });
        Ok(Some(next))
    }

    /// Waits until no other process commits, and reports a long wait. Returns whether the lock was given: not if the
    /// run is stopped meanwhile, and if it was stopped before, only within the usual time. Polls, because a blocking
    /// wait for the kernel's lock could not be interrupted.
    fn wait_for_lock(&self, transaction: &Transaction) -> Result<bool, Error> {
        let (since, mut is_reported) = (Instant::now(), false);
        let was_stopped = self.control.stopped_within(Duration::ZERO);
        loop {
            match transaction.lock(IfLocked::Refuse) {
                Err(vault::Error::Locked) => {}
                locked => return Ok(locked.map(|()| true)?),
            }
            if !is_reported && since.elapsed() > NOTICE_AFTER {
                self.observer.observe(Event::WaitingForWriter);
                is_reported = true;
            }
            if was_stopped {
                if since.elapsed() > LOCK_PATIENCE {
                    return Ok(false);
                }
                thread::sleep(LOCK_POLL);
            } else if self.control.stopped_within(LOCK_POLL) {
                return Ok(false);
            }
        }
    }

    fn enter(&self, path: &Path, stage: Stage) {
        self.observer.observe(Event::Entered { path: path.to_owned(), stage });
    }

    fn finish(&self, path: PathBuf, outcome: Outcome) {
        let mut summary = self.summary.lock();
        match &outcome {
            Outcome::Added => summary.added += 1,
            Outcome::AlreadyPresent => summary.already_present += 1,
            Outcome::RemovedBefore => summary.removed_before.push(path.clone()),
            Outcome::Failed { reason } => summary.failed.push((path.clone(), reason.clone())),
        }
        drop(summary);
        self.observer.observe(Event::Finished { path, outcome });
    }
}

/// Waits for the next item, at most until `due`.
fn next_before<T>(items: &Receiver<T>, due: Option<Instant>) -> Result<T, RecvTimeoutError> {
    match due {
        Some(due) => items.recv_timeout(due.saturating_duration_since(Instant::now())),
        None => items.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

fn store(transaction: &mut Transaction, decoded: Decoded, embedding: &Embedding) -> Result<Appended, Error> {
    let Decoded { found, original, content, media_type, camera_data, thumbnail, width, height, .. } = decoded;
    let extension = Extension::of(Path::new(&original.name));
    let mut photo = transaction.store_photo_with_tag(&original.bytes, content, &extension)?;
    transaction.store_thumbnail(&mut photo, &thumbnail)?;
    let mut record = photo.record(found);
    record.pixels = Some(Pixels { width, height });
    record.media_type = media_type.map(str::to_owned);
    camera_data.write_to(&mut record);
    Ok(transaction.append(NewImage { photo, record, vector: Some(embedding.to_vec()) })?)
}

/// The sources of the folders that are added. A folder that cannot be resolved gets none; its photos fail to be read.
fn sources(transaction: &mut Transaction, folders: &[PathBuf]) -> Result<Vec<(PathBuf, Id)>, Error> {
    let mut sources = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        if let Ok(root) = folder.canonicalize() {
            let label = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned();
            sources.push((folder.clone(), transaction.source_of(&root, &label)?));
        }
    }
    Ok(sources)
}

/// The path as a record keeps it, with `/` between names; `None` for one that is not below its source.
fn path_bytes(path: &Path) -> Option<Vec<u8>> {
    let names = path.components().map(|component| match component {
        Component::Normal(name) => Some(name.as_encoded_bytes()),
        _ => None,
    });
    let names = names.collect::<Option<Vec<_>>>()?;
    (!names.is_empty()).then(|| names.join(&b'/'))
}

/// Whole seconds since 1970, rounded down, and the nanoseconds after them.
fn since_1970(time: SystemTime) -> Option<Modified> {
    let (seconds, nanoseconds) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).ok()?, after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let seconds = -i64::try_from(before.as_secs()).ok()?;
            match before.subsec_nanos() {
                0 => (seconds, 0),
                nanoseconds => (seconds - 1, 1_000_000_000 - nanoseconds),
            }
        }
    };
    Some(Modified { seconds, nanoseconds })
}
