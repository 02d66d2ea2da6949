//! The open vault, shared by the workers, and requests about it.
//!
//! Must never: answer for a vault that has been locked meanwhile, or keep a key after that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::delivery::Delivery;
use super::super::request::{Contents, Download, Reply, Request};
use super::super::state::results::{LARGEST_TOP, Query};
use super::decoded::{Decoded, DecodedPhotos};
use super::download;
use crate::error::Error;
use crate::services::app_dirs::AppDirs;
use crate::services::camera_data::CameraData;
use crate::services::embedding::{EmbeddingModel, Precision, Workload};
use crate::services::external_viewer::ExternalViewer;
use crate::services::library::PhotoId;
use crate::services::open_vault::{CopyAge, OpenVault};
use crate::services::recognise::Recogniser;
use crate::services::search::{Listing, SearchResult};
use crate::services::session::{self, FoundVault, Passphrase, Prompts, Trust};
use crate::services::{check, interrupted_runs, library, photo, search};

/// Prompts of ssh would be drawn over the screen.
const PROMPTS: Prompts = Prompts::Refused;

/// An open vault and what belongs to it.
pub(super) struct Opened {
    /// Shared with an indexing run, whose keys outlive a lock until the run ends.
    pub(super) vault: Arc<OpenVault>,
    pub(super) recogniser: Recogniser,
}

/// The model in memory, and how many photos it was loaded for.
struct LoadedModel {
    model: Arc<EmbeddingModel>,
    workload: Workload,
}

/// What the workers share.
pub(super) struct Shared {
    dirs: AppDirs,
    opened: Mutex<Option<Arc<Opened>>>,
    /// Loaded when it is first needed, which takes a fraction of a second.
    model: Mutex<Option<LoadedModel>>,
    viewer: Mutex<ExternalViewer>,
    decoded: DecodedPhotos,
}

impl Shared {
    pub(super) fn new(dirs: AppDirs) -> Self {
        Self {
            dirs,
            opened: Mutex::default(),
            model: Mutex::default(),
            viewer: Mutex::default(),
            decoded: DecodedPhotos::default(),
        }
    }

    /// The open vault.
    pub(super) fn opened(&self) -> Option<Arc<Opened>> {
        self.opened.lock().clone()
    }

    /// Whether `vault` is still the open one.
    pub(super) fn is_open(&self, vault: &Arc<Opened>) -> bool {
        self.opened.lock().as_ref().is_some_and(|opened| Arc::ptr_eq(opened, vault))
    }

    /// Wipes keys, everything that was read from the vault, and photos given to other programs. Work under way keeps
    /// the keys it needs until it ends. Returns the decoded photos, which the caller must have wiped by dropping them.
    #[must_use]
    pub(super) fn close(&self) -> Vec<Decoded> {
        if let Some(opened) = self.opened.lock().take() {
            opened.vault.forget_contents();
        }
        *self.viewer.lock() = ExternalViewer::default();
        self.decoded.take_all()
    }

    /// The decoded photos on the screen.
    pub(super) fn decoded(&self) -> &DecodedPhotos {
        &self.decoded
    }

    /// The program's own folders.
    pub(super) fn dirs(&self) -> &AppDirs {
        &self.dirs
    }

    /// The paths of an interrupted indexing run of the open vault.
    pub(super) fn interrupted_run(&self) -> Option<Vec<PathBuf>> {
        interrupted_runs::interrupted(&self.opened()?.vault, &self.dirs)
    }

    /// The model that made the vectors of `vault`, which may have been locked meanwhile. For many photos it is packed
    /// to be faster, which takes half as much memory again.
    pub(super) fn model_for(&self, vault: &OpenVault, workload: Workload) -> Result<Arc<EmbeddingModel>, Error> {
        let mut kept = self.model.lock();
        if let Some(loaded) = &*kept
            && loaded.model.suits(vault)?
            && (loaded.workload == Workload::Many || workload == Workload::One)
        {
            return Ok(Arc::clone(&loaded.model));
        }
        // Two at once would need the memory of both.
        *kept = None;
        let model = Arc::new(EmbeddingModel::load_for(vault, None, workload, &self.dirs)?);
        Ok(kept.insert(LoadedModel { model, workload }).model.clone())
    }

    /// Frees the model for many photos. The next search loads a smaller one.
    pub(super) fn free_packed_model(&self) {
        let mut kept = self.model.lock();
        if kept.as_ref().is_some_and(|loaded| loaded.workload == Workload::Many) {
            *kept = None;
        }
    }

    /// The model of new vaults.
    fn default_model(&self) -> Result<Arc<EmbeddingModel>, Error> {
        let mut kept = self.model.lock();
        match &*kept {
            Some(loaded) if loaded.model.precision() == Precision::default() => Ok(Arc::clone(&loaded.model)),
            _ => {
                let model = EmbeddingModel::load(None, Precision::default(), Workload::One, &self.dirs)?;
                let loaded = LoadedModel { model: Arc::new(model), workload: Workload::One };
                Ok(kept.insert(loaded).model.clone())
            }
        }
    }

    /// Finds out what is at the path of a vault, and whether it is the vault that is known there.
    pub(super) fn look(&self, root: PathBuf, trust: &Trust) -> Reply {
        match session::look(&root, &self.dirs, PROMPTS, trust) {
            Err(Error::OtherVault { found, .. }) => Reply::OtherVault { vault: root, found, passphrase: None },
            found => Reply::Looked { vault: root, found: shown(found) },
        }
    }

    /// Opens a vault, or creates one and opens it.
    pub(super) fn open(&self, root: PathBuf, passphrase: Passphrase, is_new: IsNew, trust: &Trust) -> Reply {
        match self.try_open(&root, &passphrase, is_new, trust) {
            Err(Error::OtherVault { found, .. }) => {
                Reply::OtherVault { vault: root, found, passphrase: Some(passphrase) }
            }
            opened => Reply::Opened { vault: root, result: opened.map_err(|error| error.with_advice()) },
        }
    }

    fn try_open(&self, root: &Path, passphrase: &Passphrase, is_new: IsNew, trust: &Trust) -> Result<CopyAge, Error> {
        let vault = match is_new {
            IsNew::Yes => {
                session::create_or_unlock_vault(root, passphrase, || self.default_model(), &self.dirs, PROMPTS, trust)?
            }
            // An older copy, such as a backup, is opened too; the user decides afterwards whether to accept it.
            IsNew::No => FoundVault::at(root, &self.dirs, PROMPTS, trust)?.unlock(passphrase, &self.dirs)?,
        };
        let age = vault.copy_age();
        *self.opened.lock() = Some(Arc::new(Opened { vault: Arc::new(vault), recogniser: Recogniser::default() }));
        Ok(age)
    }

    /// Answers a request about the open vault; `None` when it was locked meanwhile. `tell` is given news before that.
    pub(super) fn answer(&self, request: Request, tell: &(dyn Fn(Reply) + Sync)) -> Option<Reply> {
        let opened = self.opened()?;
        let vault = &*opened.vault;
        let reply = match request {
            Request::Collection => Reply::Collection(shown(contents(&opened))),
            Request::Search(query) => {
                let result = self.search(vault, &query).map(Box::new);
                Reply::Searched { query, result }
            }
            Request::Remove(photos) => Reply::Removed(shown(library::remove(vault, &photos).map(|()| photos.len()))),
            Request::Check => Reply::Checked(shown(check::check(vault, &|progress| tell(Reply::Checking(progress))))),
            Request::OpenOutside(photo) => Reply::OpenedOutside(self.open_outside(vault, photo)),
            Request::Download(photos) => Reply::Downloaded(download_all(vault, &photos)),
            Request::Exif(photo) => Reply::Exif { photo, fields: shown(vault.camera_data(photo)).map(fields) },
            Request::RecordedExif(photo) => {
                let recorded = shown(vault.recorded_camera_data(photo)).map(Option::unwrap_or_default);
                Reply::Exif { photo, fields: recorded.map(fields) }
            }
            Request::List(_)
            | Request::Look { .. }
            | Request::ForgetUnfinished
            | Request::Open { .. }
            | Request::Create { .. }
            | Request::OpenTrusted { .. }
            | Request::KnownVaults
            | Request::AcceptOlder
            | Request::Close
            | Request::Index(_)
            | Request::Queue(_)
            | Request::Dequeue(_)
            | Request::Export { .. }
            | Request::StopExport
            | Request::PauseIndexing
            | Request::ResumeIndexing
            | Request::StopIndexing
            | Request::Recognise(_) => return None,
        };
        self.is_open(&opened).then_some(reply)
    }

    /// Returns the best photos even below the threshold, which can then be changed without searching again.
    fn search(&self, vault: &OpenVault, query: &Query) -> Result<SearchResult, String> {
        let search = |query: &search::Query<'_>| {
            shown(vault.refresh().and_then(|()| search::search(vault, query, Listing::Best(LARGEST_TOP))))
        };
        match query {
            Query::File(path) => {
                let bytes = photo::read(path).map_err(|error| error.to_string())?;
                let model = shown(self.model_for(vault, Workload::One))?;
                search(&search::Query::Photo { bytes: &bytes, extension: path.extension(), model: &model })
            }
            Query::Stored(photo) => search(&search::Query::Stored(photo.id)),
        }
    }

    fn open_outside(&self, vault: &OpenVault, photo: PhotoId) -> Result<(), String> {
        let original = shown(vault.original(photo))?;
        self.viewer.lock().show(&original.bytes, &original.name).map_err(|error| error.to_string())
    }
}

/// Whether to create the vault or open an existing one.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(in crate::tui) enum IsNew {
    Yes,
    No,
}

/// Labels and values of camera data, with the time, of which the list shows only the minute.
fn fields(data: CameraData) -> Vec<(String, String)> {
    let taken = data.captured.as_ref().map(|time| ("taken".to_owned(), time.as_str().to_owned()));
    taken.into_iter().chain(data.shown()).collect()
}

/// Makes an older copy the newest one from now on.
pub(super) fn accept_older(opened: &Opened) -> Reply {
    Reply::AcceptedOlder(shown(opened.vault.accept_older_copy()))
}

/// The text of an error with its advice.
fn shown<T>(result: Result<T, Error>) -> Result<T, String> {
    result.map_err(|error| error.with_advice())
}

fn contents(opened: &Opened) -> Result<Contents, Error> {
    let vault = &*opened.vault;
    vault.refresh()?;
    Ok(Contents {
        photos: opened.recogniser.list(vault)?,
        statistics: library::statistics(vault)?,
        copies: vault.copies()?,
        advice: vault.advice(),
    })
}

fn download_all(vault: &OpenVault, photos: &[PhotoId]) -> Result<Download, String> {
    let ids: Vec<String> = photos.iter().map(ToString::to_string).collect();
    let by_hand = || Download::ByHand { command: download::by_hand(&ids) };
    let Some(route) = download::route() else { return Ok(by_hand()) };
    let mut originals = Vec::new();
    for photo in photos {
        let original = shown(vault.original(*photo))?;
        if original.bytes.len() as u64 > download::LARGEST_BYTES {
            return Ok(by_hand());
        }
        originals.push((original.name, original.bytes));
    }
    let id = download::random_id().map_err(|error| error.to_string())?;
    Ok(Download::Through(Delivery::new(route, id, originals)))
}
