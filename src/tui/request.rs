//! Requests to the workers and their replies: the application's one interface to the services.

use std::path::PathBuf;

use super::attention::Run;
use super::delivery::Delivery;
use super::state::browser::Entry;
use super::state::results::Query;
use super::state::surveys::SurveyRequest;
use super::state::text_field::PassphraseField;
use crate::services::copies::{Advice, KnownCopy};
use crate::services::library::Statistics;
use crate::services::library::{PhotoId, StoredPhoto};
use crate::services::open_vault::CopyAge;
use crate::services::progress::Event;
use crate::services::search::SearchResult;
use crate::services::session::{Passphrase, Presence, VaultId};
use crate::services::skipped::SkippedCounts;
use crate::services::survey::Survey;
use crate::services::{check, export};

/// A request to the workers.
pub enum Request {
    /// List a folder of the file system.
    List(PathBuf),
    /// Find out whether there is a vault at a path, and whether it is the one that is known there.
    Look {
        /// The path.
        vault: PathBuf,
        /// Another vault than the known one that the user trusts.
        trusted: Option<VaultId>,
    },
    /// Open a vault.
    Open {
        /// The vault.
        vault: PathBuf,
        /// Another vault than the known one that the user trusts.
        trusted: Option<VaultId>,
        /// Its passphrase.
        passphrase: PassphraseField,
    },
    /// Create a vault and open it.
    Create {
        /// Where.
        vault: PathBuf,
        /// Its passphrase.
        passphrase: PassphraseField,
    },
    /// Open a vault that is at the address of another one, with a passphrase that was given before the question.
    OpenTrusted {
        /// The vault.
        vault: PathBuf,
        /// What it must be.
        found: VaultId,
        /// Its passphrase.
        passphrase: Passphrase,
    },
    /// List the addresses of known vaults.
    KnownVaults,
    /// Use this older copy of the vault from now on.
    AcceptOlder,
    /// Wipe the keys of the open vault.
    Close,
    /// List the photos of the vault, and count them.
    Collection,
    /// Add the photos below these paths to the vault.
    Index(Vec<PathBuf>),
    /// Remember a run over these paths, which waits for the one under way.
    Queue(Vec<PathBuf>),
    /// Forget runs over these paths, which waited.
    Dequeue(Vec<PathBuf>),
    /// Pause the run.
    PauseIndexing,
    /// Resume it.
    ResumeIndexing,
    /// Stop it; progress is saved.
    StopIndexing,
    /// Do not offer an interrupted run again.
    ForgetUnfinished,
    /// Search the vault.
    Search(Query),
    /// Write photos to a folder.
    Export {
        /// The photos.
        photos: Vec<PhotoId>,
        /// The folder.
        folder: PathBuf,
    },
    /// Stop the export; photos already written stay.
    StopExport,
    /// Remove photos from the vault.
    Remove(Vec<PhotoId>),
    /// Check every byte of the vault.
    Check,
    /// Open a photo in another program on this machine.
    OpenOutside(PhotoId),
    /// Send photos through the terminal.
    Download(Vec<PhotoId>),
    /// Read the EXIF fields of a photo.
    Exif(PhotoId),
    /// The same, but without fetching the photo: only what its record has.
    RecordedExif(PhotoId),
    /// Find out which of these files the vault holds; replaces an unanswered request of this kind.
    Recognise(Vec<PathBuf>),
}

/// What to do after a change of the state.
pub enum Effect {
    /// Ask this of the workers.
    Ask(Request),
    /// Put text on the clipboard of the user's own machine.
    Copy(String),
    /// Send these photos to the terminal, which stores them.
    Deliver(Delivery),
    /// Draw pictures by the next protocol.
    CyclePictures,
    /// Probe the terminal again.
    AskTerminal,
    /// Forget every picture, here and in the terminal.
    ForgetPictures,
    /// Tell a user who looks elsewhere that this run has ended. The text holds counts and no names.
    Announce(Run, String),
    /// Draw everything again.
    Redraw,
    /// Back to the shell until `fg`.
    Suspend,
    /// End.
    Quit,
}

/// News of an indexing run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IndexingUpdate {
    /// The files were found.
    Found {
        /// Files to index.
        total: usize,
        /// Files in folders that are skipped.
        skipped: SkippedCounts,
    },
    /// Something happened to the run.
    Event(Event),
    /// The run is over.
    Ended(Ending),
}

/// What a vault holds, and where its copies are.
#[derive(Clone, Default)]
pub struct Contents {
    /// Its photos.
    pub photos: Vec<StoredPhoto>,
    /// Counts and sizes.
    pub statistics: Statistics,
    /// Its known copies.
    pub copies: Vec<KnownCopy>,
    /// What to do if this copy is not the newest, and another one is known.
    pub advice: Option<Advice>,
}

/// How an indexing run ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ending {
    /// All photos are processed.
    Done,
    /// It was stopped.
    Stopped,
    /// It failed.
    Failed(String),
}

/// The outcome of an export, as numbers and messages: unlike the services' report it names no photo, so it may outlive
/// a lock.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Exported {
    /// Photos that were written.
    pub exported: usize,
    /// Photos that were in the folder before.
    pub already_there: usize,
    /// Why other photos could not be exported, one line each.
    pub failed: Vec<String>,
    /// Photos that it did not reach.
    pub left: usize,
    /// The error that ended it early, unless it was stopped.
    pub error: Option<String>,
}

/// How photos get to the user's own machine.
pub enum Download {
    /// Through the terminal.
    Through(Delivery),
    /// By a command that the user runs there, when the terminal does not store files.
    ByHand {
        /// The command.
        command: String,
    },
}

/// A reply of the workers.
pub enum Reply {
    /// A folder's listing.
    Listed {
        /// The folder.
        folder: PathBuf,
        /// Its folders and photos, and how many other files there are.
        listing: Result<(Vec<Entry>, usize), String>,
    },
    /// What is at the path of a vault.
    Looked {
        /// The path.
        vault: PathBuf,
        /// What is there, or why that is not known.
        found: Result<Presence, String>,
    },
    /// The addresses of known vaults.
    KnownVaults(Vec<String>),
    /// A vault was opened or created.
    Opened {
        /// The vault.
        vault: PathBuf,
        /// How this copy relates to what this machine has seen, or why it was not opened.
        result: Result<CopyAge, String>,
    },
    /// Another vault is at an address than before; it was not opened.
    OtherVault {
        /// The vault.
        vault: PathBuf,
        /// What it claims to be.
        found: VaultId,
        /// The passphrase that was to open it, if one was given already.
        passphrase: Option<Passphrase>,
    },
    /// The older copy of the vault is used from now on.
    AcceptedOlder(Result<(), String>),
    /// The photos of the vault.
    Collection(Result<Contents, String>),
    /// News of the indexing run.
    Indexing(IndexingUpdate),
    /// The paths of an interrupted indexing run of the open vault.
    Unfinished(Vec<PathBuf>),
    /// A search is over.
    Searched {
        /// The query.
        query: Query,
        /// The results, or why the search failed.
        result: Result<Box<SearchResult>, String>,
    },
    /// Progress of the export.
    Exporting(export::Progress),
    /// The export is over.
    Exported {
        /// The folder.
        folder: PathBuf,
        /// The outcome.
        outcome: Exported,
    },
    /// Photos were removed.
    Removed(Result<usize, String>),
    /// A check has read more of the vault.
    Checking(check::Progress),
    /// The vault was checked.
    Checked(Result<check::Report, String>),
    /// A photo was opened in another program.
    OpenedOutside(Result<(), String>),
    /// How photos are downloaded, or why not.
    Downloaded(Result<Download, String>),
    /// Whether the vault holds a file.
    Recognised {
        /// The file.
        path: PathBuf,
        /// Whether the vault holds its content.
        is_stored: bool,
    },
    /// What is below some paths, so far or in the end.
    Surveyed {
        /// The request.
        request: SurveyRequest,
        /// What was found.
        survey: Survey,
    },
    /// The EXIF fields of a photo.
    Exif {
        /// The photo.
        photo: PhotoId,
        /// Names and values.
        fields: Result<Vec<(String, String)>, String>,
    },
}
