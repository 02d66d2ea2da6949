//! The open vault, shared by the workers, and what is done with it.
//!
//! Must never: answer for a vault that has been locked since, or keep a key after that.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::super::delivery::Delivery;
use super::super::request::{Download, Reply, Request};
use super::super::state::results::{Found, LARGEST_TOP, Query, Scored, Timing};
use super::super::state::vault::{Health, Statistics};
use super::super::state::{PhotoId, StoredPhoto};
use super::{camera, download};
use crate::cipher::{Cost, Passphrase};
use crate::error::{Error, with_causes};
use crate::features::{Embedder, Precision, Workload};
use crate::remote::{Address, Prompts};
use crate::services::library;
use crate::services::outside::Outside;
use crate::services::places::Places;
use crate::services::session::Standing;
use crate::services::settings::DEFAULT_THRESHOLD;
use crate::services::{index, original, search, session, unfinished};
use crate::vault;
use crate::vault::{Details, Digest, Id, Snapshot, Vault, check};

/// An open vault and what was read of it so far.
pub(super) struct Opened {
    /// An indexing run shares it: its keys outlive a lock until the run ends.
    pub(super) vault: Arc<Vault>,
    snapshot: Mutex<Arc<Snapshot>>,
    /// Contents of files by this vault's key, so that each is read once; they go with the vault.
    contents: Mutex<HashMap<PathBuf, FileContent>>,
}

/// The content of a file, as long as the file stays as it was.
struct FileContent {
    bytes: u64,
    modified: Option<SystemTime>,
    content: Digest,
}

impl Opened {
    fn new(vault: Vault) -> Result<Self, Error> {
        let snapshot = Mutex::new(Arc::new(vault.snapshot()?));
        Ok(Self { vault: Arc::new(vault), snapshot, contents: Mutex::default() })
    }

    /// The content of a file of this size and time, as the vault names contents; `None` when it cannot be read.
    pub(super) fn content_of(&self, path: &Path, bytes: u64, modified: Option<SystemTime>) -> Option<Digest> {
        let known = locked(&self.contents).get(path).map(|known| (known.bytes, known.modified, known.content));
        if let Some((_, _, content)) = known.filter(|known| (known.0, known.1) == (bytes, modified)) {
            return Some(content);
        }
        let content = self.vault.content_tag(&original::read(path).ok()?);
        locked(&self.contents).insert(path.to_owned(), FileContent { bytes, modified, content });
        Some(content)
    }

    /// The generation that was read last.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&locked(&self.snapshot))
    }

    /// Reads the newest generation with `read`, and again on the next one when a writer removed what was being read.
    fn read_newest<T>(&self, read: impl Fn(&Snapshot) -> Result<T, Error>) -> Result<T, Error> {
        let mut tries = 1;
        loop {
            let newest = Arc::new(self.vault.snapshot_after(&self.snapshot())?);
            *locked(&self.snapshot) = Arc::clone(&newest);
            match read(&newest) {
                Err(Error::Vault(vault::Error::Superseded { .. })) if tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }
}

/// How often a reader starts again when writers overtake it; each time they must have committed once more.
const TRIES: usize = 8;

/// Letters of the number that tells a delivery from others in the same terminal.
const DELIVERY_ID: usize = 12;

/// What the workers share.
pub(super) struct Shared {
    places: Places,
    opened: Mutex<Option<Arc<Opened>>>,
    /// Loaded when it is first needed: it takes a part of a second.
    embedder: Mutex<Option<Arc<dyn Embedder>>>,
    /// Photos that other programs were given.
    outside: Mutex<Outside>,
}

/// A mutex's content, whatever became of its last holder: what it guards is replaced whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(places: Places) -> Self {
        Self { places, opened: Mutex::default(), embedder: Mutex::default(), outside: Mutex::default() }
    }

    /// The open vault.
    pub(super) fn opened(&self) -> Option<Arc<Opened>> {
        locked(&self.opened).clone()
    }

    /// Whether `vault` is still the open one.
    pub(super) fn is_open(&self, vault: &Arc<Opened>) -> bool {
        locked(&self.opened).as_ref().is_some_and(|opened| Arc::ptr_eq(opened, vault))
    }

    /// Wipes keys, what was read of the vault, and photos given to other programs. Work under way keeps what it needs
    /// until it ends.
    pub(super) fn close(&self) {
        locked(&self.opened).take();
        *locked(&self.outside) = Outside::default();
    }

    /// The user's folders.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// What an interrupted indexing run of the open vault was given.
    pub(super) fn unfinished(&self) -> Option<Vec<PathBuf>> {
        unfinished::interrupted(&self.opened()?.vault, &self.places)
    }

    /// The network in the open vault's precision, loaded once.
    pub(super) fn embedder(&self) -> Result<Arc<dyn Embedder>, Error> {
        match self.opened() {
            Some(opened) => self.embedder_of(&opened.vault),
            None => self.embedder_in(Precision::F32),
        }
    }

    /// The network in the precision of `vault`, which may have been locked since.
    pub(super) fn embedder_of(&self, vault: &Vault) -> Result<Arc<dyn Embedder>, Error> {
        self.embedder_in(session::precision_of(vault)?)
    }

    fn embedder_in(&self, precision: Precision) -> Result<Arc<dyn Embedder>, Error> {
        let mut embedder = locked(&self.embedder);
        match &*embedder {
            Some(loaded) if loaded.precision() == precision => Ok(Arc::clone(loaded)),
            _ => {
                let loaded = Arc::from(session::load_network(None, precision, Workload::Many, &self.places)?);
                Ok(Arc::clone(embedder.insert(loaded)))
            }
        }
    }

    /// Opens a vault, or creates one and opens it.
    pub(super) fn open(&self, root: PathBuf, passphrase: &Passphrase, is_new: IsNew) -> Reply {
        let result = self.try_open(&root, passphrase, is_new).map_err(|error| with_causes(&error));
        Reply::Opened { vault: root, result }
    }

    fn try_open(&self, root: &Path, passphrase: &Passphrase, is_new: IsNew) -> Result<Standing, Error> {
        // An older copy, such as a backup, can be read; whether it is to be used from now on is asked afterwards.
        let open_existing =
            || session::FoundVault::at(root, &self.places, Prompts::Refused)?.open(passphrase, &self.places);
        let vault = match is_new {
            // A folder that is a vault already is opened with this passphrase rather than written over.
            IsNew::Yes if !Address::is_remote(root) && session::is_vault(root) => open_existing()?,
            IsNew::Yes => {
                let embedder = self.embedder()?;
                match session::create_vault(root, passphrase, Cost::DEFAULT, &*embedder, &self.places) {
                    // Whether there is a vault elsewhere was not known when its address was typed.
                    Err(Error::Vault(vault::Error::Occupied { .. })) if Address::is_remote(root) => open_existing()?,
                    created => created?,
                }
            }
            IsNew::No => {
                // A question of ssh on the terminal would go into the screen.
                open_existing()?
            }
        };
        let standing = vault.standing();
        *locked(&self.opened) = Some(Arc::new(Opened::new(vault)?));
        if let Err(error) = self.places.remember_vault(root) {
            log::warn!("the vault used last was not remembered: {}", error.kind());
        }
        Ok(standing)
    }

    /// Answers a request about the open vault; nothing when it was locked meanwhile.
    pub(super) fn answer(&self, request: Request) -> Option<Reply> {
        let opened = self.opened()?;
        let reply = match request {
            Request::Collection => Reply::Collection(said(collection(&opened))),
            Request::Search(query) => {
                let result = self.search(&opened, &query);
                Reply::Searched { query, result }
            }
            Request::Remove(photos) => {
                let ids: Vec<Id> = photos.iter().map(|photo| Id::from(*photo)).collect();
                Reply::Removed(said(library::remove(&opened.vault, &ids).map(|()| ids.len())))
            }
            Request::Check => Reply::Checked(said(checked(&opened))),
            Request::OpenOutside(photo) => Reply::OpenedOutside(self.open_outside(&opened, photo)),
            Request::Download(photos) => Reply::Downloaded(download_all(&opened.snapshot(), &photos)),
            Request::Exif(photo) => {
                let fields = said(original(&opened.snapshot(), photo)).map(|(bytes, _)| camera::fields(&bytes));
                Reply::Exif { photo, fields }
            }
            Request::List(_)
            | Request::Look(_)
            | Request::ForgetUnfinished
            | Request::Open { .. }
            | Request::Create { .. }
            | Request::AcceptOlder
            | Request::Close
            | Request::Index(_)
            | Request::Export { .. }
            | Request::StopExport
            | Request::PauseIndexing
            | Request::ResumeIndexing
            | Request::StopIndexing
            | Request::Recognise(_) => return None,
        };
        self.is_open(&opened).then_some(reply)
    }

    fn search(&self, opened: &Opened, query: &Query) -> Result<Found, String> {
        // The best ones whatever they score: the threshold is then moved without searching again.
        let wanted = search::Wanted { threshold: DEFAULT_THRESHOLD, listing: search::Listing::Best(LARGEST_TOP) };
        let search_for = |query: &search::Query<'_>| {
            said(opened.read_newest(|snapshot| search::search(&opened.vault, snapshot, query, wanted)))
        };
        let found = match query {
            Query::File(path) => {
                let original = index::read_file(path)?;
                let embedder = said(self.embedder())?;
                search_for(&search::Query::Photo {
                    bytes: &original.bytes,
                    extension: path.extension(),
                    embedder: &*embedder,
                })?
            }
            Query::Stored(photo) => search_for(&search::Query::Image(photo.id.into()))?,
        };
        let ranked = found
            .ranked
            .into_iter()
            .map(|found| Scored { photo: stored_photo(found.id, &found.details), score: found.score })
            .collect();
        let search::Timing { features, encrypt, scan, decrypt } = found.timing;
        let timing = Timing { features, encrypt, scan, decrypt };
        Ok(Found { ranked, query_is_stored: found.query.is_some(), compared: found.compared, timing })
    }

    fn open_outside(&self, opened: &Opened, photo: PhotoId) -> Result<(), String> {
        let (bytes, name) = said(original(&opened.snapshot(), photo))?;
        locked(&self.outside).show(&bytes, &name).map_err(|error| error.to_string())
    }
}

/// Whether a vault is created or exists.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(in crate::tui) enum IsNew {
    Yes,
    No,
}

/// Takes an older copy for the newest one from now on.
pub(super) fn accept_older(opened: &Opened) -> Reply {
    Reply::AcceptedOlder(said(opened.vault.accept_older_copy().map_err(Error::from)))
}

fn said<T>(result: Result<T, Error>) -> Result<T, String> {
    result.map_err(|error| with_causes(&error))
}

impl From<PhotoId> for Id {
    fn from(photo: PhotoId) -> Self {
        Self(photo.0)
    }
}

fn stored_photo(id: Id, details: &Details) -> StoredPhoto {
    let changed = |seconds| chrono::DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc());
    let date = details
        .captured
        .clone()
        .or_else(|| details.modified.and_then(changed).map(|time| time.format("%Y-%m-%dT%H:%M:%S").to_string()));
    StoredPhoto {
        id: PhotoId(id.0),
        name: details.name.clone(),
        bytes: details.bytes,
        width: details.width,
        height: details.height,
        date,
    }
}

fn collection(opened: &Opened) -> Result<(Vec<StoredPhoto>, Statistics), Error> {
    let (photos, statistics) = opened.read_newest(|snapshot| {
        snapshot.prefetch_listing();
        let mut photos = Vec::with_capacity(snapshot.len());
        for segment in snapshot.segments()? {
            photos.extend(segment.catalogue()?.iter().map(|entry| stored_photo(entry.id, &entry.details)));
        }
        Ok((photos, library::statistics(&opened.vault, snapshot)?))
    })?;
    let stored_bytes = statistics.sealed_photo_bytes + statistics.sealed_thumbnail_bytes + statistics.feature_bytes;
    Ok((photos, Statistics { photos: statistics.photos, original_bytes: statistics.original_bytes, stored_bytes }))
}

fn checked(opened: &Opened) -> Result<Health, Error> {
    let report = check::check(&opened.vault, &|_| {})?;
    if report.is_whole() {
        return Ok(Health::Whole { checked: report.images });
    }
    Ok(Health::Damaged(report.damages.iter().map(|damage| damage.cause.to_string()).collect()))
}

/// The original bytes of a photo and its name.
fn original(snapshot: &Snapshot, photo: PhotoId) -> Result<(Zeroizing<Vec<u8>>, String), Error> {
    let image = snapshot.image(photo.into())?;
    Ok((image.photo()?, image.details()?.name.clone()))
}

fn download_all(snapshot: &Snapshot, photos: &[PhotoId]) -> Result<Download, String> {
    let ids: Vec<String> = photos.iter().map(|photo| Id::from(*photo).to_string()).collect();
    let by_hand = || Download::ByHand { command: download::by_hand(&ids) };
    let Some(route) = download::route() else { return Ok(by_hand()) };
    let mut originals = Vec::new();
    for photo in photos {
        let (bytes, name) = said(original(snapshot, *photo))?;
        if bytes.len() as u64 > download::LARGEST_BYTES {
            return Ok(by_hand());
        }
        originals.push((name, bytes));
    }
    let id = Id::random().map_err(|error| error.to_string())?.to_string();
    Ok(Download::Through(Delivery::new(route, id[..DELIVERY_ID].to_owned(), originals)))
}
