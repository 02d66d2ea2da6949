//! What the application asks of the rest of the program, and what comes back: the one interface to the services.

use std::path::PathBuf;

use super::delivery::Delivery;
use super::state::browser::Entry;
use super::state::results::{Found, Query};
use super::state::text_field::PassphraseField;
use super::state::vault::{Health, Statistics};
use super::state::{PhotoId, StoredPhoto};
use crate::services::export;
use crate::services::passed_over::Tally;
use crate::services::session::{Presence, Standing};

/// Something asked of the workers.
pub enum Request {
    /// List a folder of the file system.
    List(PathBuf),
    /// Look whether there is a vault at this path.
    Look(PathBuf),
    /// Open a vault.
    Open {
        /// The vault.
        vault: PathBuf,
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
    /// Use this copy of the vault from now on, although this machine has seen a newer one.
    AcceptOlder,
    /// Wipe the keys of the open vault.
    Close,
    /// List the photos of the vault, and count them.
    Collection,
    /// Put the photos below these paths into the vault.
    Index(Vec<PathBuf>),
    /// Hold the run.
    PauseIndexing,
    /// Let it go on.
    ResumeIndexing,
    /// End it; what is done is kept.
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
    /// End the export; what is written stays.
    StopExport,
    /// Remove photos from the vault.
    Remove(Vec<PhotoId>),
    /// Check every byte of the vault.
    Check,
    /// Give a photo to another program of this machine.
    OpenOutside(PhotoId),
    /// Send photos through the terminal.
    Download(Vec<PhotoId>),
    /// Read what the camera wrote into a photo.
    Exif(PhotoId),
    /// Say whether the vault holds these files; what was asked before and not answered is not wanted any more.
    Recognise(Vec<PathBuf>),
}

/// What is to be done after a change of the state.
pub enum Effect {
    /// Ask this of the workers.
    Ask(Request),
    /// Put text on the clipboard of the machine in front of the user.
    Copy(String),
    /// Send these photos to the terminal, which stores them.
    Deliver(Delivery),
    /// Draw pictures the next way.
    CyclePictures,
    /// Ask the terminal again what it understands.
    AskTerminal,
    /// Forget every picture, here and in the terminal.
    ForgetPictures,
    /// Draw everything again.
    Redraw,
    /// Back to the shell until `fg`.
    Suspend,
    /// End.
    Quit,
}

/// Something about an indexing run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Progress {
    /// The files were found.
    Started {
        /// Photos to go through.
        total: usize,
    },
    /// Files in folders that are not taken.
    PassedOver(Tally),
    /// Another process writes to the vault; the run waits for it.
    WaitingForWriter,
    /// A photo is being read.
    Reading(PathBuf),
    /// A photo is in the network.
    Features(PathBuf),
    /// A photo is being encrypted and written.
    Sealing(PathBuf),
    /// A photo was added.
    Added {
        /// The file.
        path: PathBuf,
    },
    /// The vault held a photo already.
    AlreadyPresent,
    /// A photo could not be used.
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// All photos so far are durable.
    Committed {
        /// How many.
        photos: usize,
    },
    /// The run is over.
    Ended(Ending),
}

/// How an indexing run ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ending {
    /// All photos are through.
    Done,
    /// It was stopped.
    Stopped,
    /// It failed.
    Failed(String),
}

/// What an export did, however it ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Exported {
    /// Photos that were written.
    pub exported: usize,
    /// Photos that were in the folder before.
    pub already_there: usize,
    /// Why other photos could not be exported, one line each.
    pub failed: Vec<String>,
    /// Photos that it did not come to.
    pub left: usize,
    /// What ended it before its time, unless it was stopped.
    pub error: Option<String>,
}

/// A way for photos to the machine in front of the user.
pub enum Download {
    /// Through the terminal.
    Through(Delivery),
    /// By a command that the user runs there, where the terminal stores no files.
    ByHand {
        /// The command.
        command: String,
    },
}

/// What comes back from the workers.
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
        /// What is there.
        found: Presence,
    },
    /// A vault was opened or created.
    Opened {
        /// The vault.
        vault: PathBuf,
        /// How this copy relates to what this machine has seen, or why it was not opened.
        result: Result<Standing, String>,
    },
    /// An older copy of the vault is the one that counts from now on.
    AcceptedOlder(Result<(), String>),
    /// The photos of the vault.
    Collection(Result<(Vec<StoredPhoto>, Statistics), String>),
    /// News of the indexing run.
    Indexing(Progress),
    /// An indexing run of the open vault was interrupted; these paths it was given.
    Unfinished(Vec<PathBuf>),
    /// A search is over.
    Searched {
        /// What was looked for.
        query: Query,
        /// What was found.
        result: Result<Found, String>,
    },
    /// How far the export is.
    Exporting(export::Progress),
    /// The export is over.
    Exported {
        /// The folder.
        folder: PathBuf,
        /// What was done.
        outcome: Exported,
    },
    /// Photos were removed.
    Removed(Result<usize, String>),
    /// The vault was checked.
    Checked(Result<Health, String>),
    /// A photo was given to another program, and taken back.
    OpenedOutside(Result<(), String>),
    /// How photos come through the terminal, or why not.
    Downloaded(Result<Download, String>),
    /// A file was compared with what the vault holds.
    Recognised {
        /// The file.
        path: PathBuf,
        /// Whether the vault holds its content.
        is_stored: bool,
    },
    /// What the camera wrote into a photo.
    Exif {
        /// The photo.
        photo: PhotoId,
        /// Names and values.
        fields: Result<Vec<(String, String)>, String>,
    },
}
