//! The workers with a real vault, the real network and real photos.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::event::AppEvent;
use super::super::request::{Ending, Progress, Reply, Request};
use super::{IsNew, Workers};
use crate::cipher::{Cost, Passphrase};
use crate::features::{Precision, Workload};
use crate::remote::Prompts;
use crate::services::places::Places;
use crate::services::session;

/// A folder of ten photos.
fn photos() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join("photos").join("watch")
}

/// The longest that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

struct Office {
    folder: tempfile::TempDir,
    places: Places,
}

impl Office {
    /// An empty vault.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::within(folder.path());
        let network = session::load_network(None, Precision::F32, Workload::Many, &places).unwrap();
        let office = Self { folder, places };
        session::create_vault(&office.vault(), &passphrase(), Cost::FLOOR, &network, &office.places).unwrap();
        office
    }

    fn vault(&self) -> PathBuf {
        self.folder.path().join("vault")
    }

    /// Workers that have opened the vault.
    fn open(&self) -> (Workers, Receiver<AppEvent>) {
        let (events, inbox) = channel();
        let workers = Workers::start(&events, self.places.clone());
        workers.open_with(self.vault(), passphrase(), IsNew::No);
        let opened = reply(&inbox, |reply| match reply {
            Reply::Opened { result, .. } => Some(result),
            _ => None,
        });
        assert_eq!(opened, Ok(session::Standing::Newest));
        (workers, inbox)
    }

    fn photos_in_vault(&self) -> usize {
        let found = session::FoundVault::at(&self.vault(), &self.places, Prompts::Refused).unwrap();
        found.open(&passphrase(), &self.places).unwrap().snapshot().unwrap().len()
    }
}

fn passphrase() -> Passphrase {
    Passphrase::new(&Zeroizing::new(b"correct horse".to_vec())).unwrap()
}

/// Waits for the first reply of which `wanted` makes something.
fn reply<T>(inbox: &Receiver<AppEvent>, mut wanted: impl FnMut(Reply) -> Option<T>) -> T {
    loop {
        match inbox.recv_timeout(PATIENCE).unwrap() {
            AppEvent::Reply(reply) => {
                if let Some(found) = wanted(reply) {
                    return found;
                }
            }
            AppEvent::WorkerDied => panic!("a worker died"),
            _ => {}
        }
    }
}

fn progress(inbox: &Receiver<AppEvent>, mut is_it: impl FnMut(&Progress) -> bool) {
    reply(inbox, |reply| matches!(&reply, Reply::Indexing(progress) if is_it(progress)).then_some(()));
}

#[test]
fn indexing_that_is_cut_short_keeps_what_is_done_and_goes_on_from_there() {
    let office = Office::new();
    let photos = photos();
    // Quitting while a photo is being sealed: that one at least is kept.
    let (mut workers, inbox) = office.open();
    workers.ask(Request::Index(vec![photos.clone()]));
    let mut sealed = None;
    progress(&inbox, |progress| match progress {
        Progress::Sealing(path) => {
            sealed = Some(path.clone());
            true
        }
        _ => false,
    });
    workers.finish();
    let kept = office.photos_in_vault();
    assert!(kept >= 1, "nothing was committed");

    // The next run passes over what is there, says so before the first new photo, and a stop ends it.
    let (mut workers, inbox) = office.open();
    let path = sealed.unwrap();
    workers.ask(Request::Recognise(vec![path.clone(), photos.join("missing.jpg")]));
    let mark = |reply| match reply {
        Reply::Recognised { path, is_stored } => Some((path, is_stored)),
        _ => None,
    };
    assert_eq!(reply(&inbox, mark), (path, true), "a file is recognised by its content");
    workers.ask(Request::Index(vec![photos]));
    let (mut total, mut passed, mut added) = (0, 0, 0);
    progress(&inbox, |progress| {
        match progress {
            Progress::Started { total: photos } => total = *photos,
            Progress::AlreadyPresent => passed += 1,
            Progress::Added { .. } => added += 1,
            _ => {}
        }
        matches!(progress, Progress::Ended(Ending::Done))
    });
    assert_eq!((passed, added), (kept, total - kept));
    workers.finish();
    assert_eq!(office.photos_in_vault(), total);
}

#[test]
fn a_paused_run_is_stopped_and_says_so() {
    let office = Office::new();
    let (mut workers, inbox) = office.open();
    workers.ask(Request::Index(vec![photos()]));
    workers.ask(Request::PauseIndexing);
    progress(&inbox, |progress| matches!(progress, Progress::Started { .. }));
    workers.ask(Request::StopIndexing);
    progress(&inbox, |progress| matches!(progress, Progress::Ended(Ending::Stopped)));
    workers.finish();
}

#[test]
fn a_paused_run_commits_what_is_sealed_without_waiting_for_the_next_photo() {
    let office = Office::new();
    let (mut workers, inbox) = office.open();
    workers.ask(Request::Index(vec![photos()]));
    progress(&inbox, |progress| matches!(progress, Progress::Sealing(_)));
    workers.ask(Request::PauseIndexing);
    progress(&inbox, |progress| match progress {
        Progress::Committed { photos } => *photos > 0,
        Progress::Ended(_) => panic!("it is paused"),
        _ => false,
    });
    assert!(office.photos_in_vault() > 0);
    workers.finish();
}

#[test]
fn locking_lets_a_run_go_on_and_a_stopped_one_is_offered_after_unlocking() {
    let office = Office::new();
    let (mut workers, inbox) = office.open();
    workers.ask(Request::Index(vec![photos()]));
    workers.ask(Request::Close);
    progress(&inbox, |progress| matches!(progress, Progress::Ended(Ending::Done)));
    assert_eq!(office.photos_in_vault(), 10);

    // Whether it is opened again before the run has ended or after: it is offered once.
    let folder = office.folder.path().join("more");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("photo.jpg"), "never looked at").unwrap();
    workers.open_with(office.vault(), passphrase(), IsNew::No);
    reply(&inbox, |reply| matches!(reply, Reply::Opened { .. }).then_some(()));
    workers.ask(Request::Index(vec![folder.clone()]));
    workers.ask(Request::StopIndexing);
    workers.ask(Request::Close);
    workers.open_with(office.vault(), passphrase(), IsNew::No);
    let offered = reply(&inbox, |reply| match reply {
        Reply::Unfinished(roots) => Some(roots),
        _ => None,
    });
    assert_eq!(offered, [folder]);
    workers.finish();
}
