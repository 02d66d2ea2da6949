//! The workers with a real vault, the real model and real photos.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::event::AppEvent;
use super::super::preview::Subject;
use super::super::request::{Ending, IndexingUpdate, Reply, Request};
use super::super::state::surveys::SurveyRequest;
use super::lockable::LockableVault;
use super::{IsNew, Workers};
use crate::services::app_dirs::AppDirs;
use crate::services::embedding::{EmbeddingModel, Precision, Workload};
use crate::services::open_vault::CopyAge;
use crate::services::photo;
use crate::services::progress::{Event, Outcome, Stage};
use crate::services::recognise::Lockable;
use crate::services::session::{self, Cost, FoundVault, Passphrase, Prompts, Trust};
use crate::services::survey::{Survey, Thoroughness};

/// A folder of ten photos.
fn photos() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join("photos").join("watch")
}

/// The longest that any step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

struct Scene {
    folder: tempfile::TempDir,
    dirs: AppDirs,
}

impl Scene {
    /// An empty vault.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dirs = AppDirs::within(folder.path());
        let model = EmbeddingModel::load(None, Precision::F32, Workload::Many, &dirs).unwrap();
        let scene = Self { folder, dirs };
        session::create_vault(&scene.vault(), &passphrase(), Cost::FLOOR, &model, &scene.dirs, Prompts::Refused)
            .unwrap();
        scene
    }

    fn vault(&self) -> PathBuf {
        self.folder.path().join("vault")
    }

    /// Workers that have opened the vault.
    fn open(&self) -> (Workers, Receiver<AppEvent>) {
        let (events, inbox) = channel();
        let workers = Workers::start(&events, self.dirs.clone());
        workers.open_with(self.vault(), passphrase(), IsNew::No);
        let opened = reply(&inbox, |reply| match reply {
            Reply::Opened { result, .. } => Some(result),
            _ => None,
        });
        assert_eq!(opened, Ok(CopyAge::Newest));
        (workers, inbox)
    }

    fn photos_in_vault(&self) -> usize {
        let found = FoundVault::at(&self.vault(), &self.dirs, Prompts::Refused, &Trust::Known).unwrap();
        found.unlock(&passphrase(), &self.dirs).unwrap().photo_count().unwrap()
    }
}

fn passphrase() -> Passphrase {
    session::passphrase(&Zeroizing::new(b"correct horse".to_vec())).unwrap()
}

/// Waits for the first reply that `wanted` accepts.
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

fn progress(inbox: &Receiver<AppEvent>, mut is_it: impl FnMut(&IndexingUpdate) -> bool) {
    reply(inbox, |reply| matches!(&reply, Reply::Indexing(update) if is_it(update)).then_some(()));
}

#[test]
fn an_interrupted_run_keeps_its_photos_and_the_next_run_resumes_there() {
    let scene = Scene::new();
    let photos = photos();
    // Quit while a photo is being sealed: at least that one is committed.
    let (mut workers, inbox) = scene.open();
    workers.ask(Request::Index(vec![photos.clone()]));
    let mut sealed = None;
    progress(&inbox, |update| match update {
        IndexingUpdate::Event(Event::Entered { path, stage: Stage::Sealing }) => {
            sealed = Some(path.clone());
            true
        }
        _ => false,
    });
    workers.finish();
    let kept = scene.photos_in_vault();
    assert!(kept >= 1, "nothing was committed");

    // The next run skips what is there and adds the rest.
    let (mut workers, inbox) = scene.open();
    let path = sealed.unwrap();
    workers.ask(Request::Recognise(vec![path.clone(), photos.join("missing.jpg")]));
    let mark = |reply| match reply {
        Reply::Recognised { path, is_stored } => Some((path, is_stored)),
        _ => None,
    };
    assert_eq!(reply(&inbox, mark), (path, true), "a file is recognised by its content");
    workers.ask(Request::Index(vec![photos]));
    let (mut total, mut passed, mut added) = (0, 0, 0);
    progress(&inbox, |update| {
        match update {
            IndexingUpdate::Found { total: photos, .. } => total = *photos,
            IndexingUpdate::Event(Event::Finished { outcome: Outcome::AlreadyPresent, .. }) => passed += 1,
            IndexingUpdate::Event(Event::Finished { outcome: Outcome::Added, .. }) => added += 1,
            _ => {}
        }
        matches!(update, IndexingUpdate::Ended(Ending::Done))
    });
    assert_eq!((passed, added), (kept, total - kept));
    workers.finish();
    assert_eq!(scene.photos_in_vault(), total);
}

#[test]
fn a_paused_run_is_stopped_and_says_so() {
    let scene = Scene::new();
    let (mut workers, inbox) = scene.open();
    workers.ask(Request::Index(vec![photos()]));
    workers.ask(Request::PauseIndexing);
    progress(&inbox, |update| matches!(update, IndexingUpdate::Found { .. }));
    workers.ask(Request::StopIndexing);
    progress(&inbox, |update| matches!(update, IndexingUpdate::Ended(Ending::Stopped)));
    workers.finish();
}

#[test]
fn a_paused_run_commits_what_is_sealed_without_waiting_for_the_next_photo() {
    let scene = Scene::new();
    let (mut workers, inbox) = scene.open();
    workers.ask(Request::Index(vec![photos()]));
    progress(&inbox, |update| matches!(update, IndexingUpdate::Event(Event::Entered { stage: Stage::Sealing, .. })));
    workers.ask(Request::PauseIndexing);
    progress(&inbox, |update| match update {
        IndexingUpdate::Event(Event::Committed { photos }) => *photos > 0,
        IndexingUpdate::Ended(_) => panic!("it is paused"),
        _ => false,
    });
    assert!(scene.photos_in_vault() > 0);
    workers.finish();
}

#[test]
fn a_run_continues_behind_the_lock_and_a_stopped_one_is_offered_after_unlocking() {
    let scene = Scene::new();
    let (mut workers, inbox) = scene.open();
    workers.ask(Request::Index(vec![photos()]));
    workers.ask(Request::Close);
    progress(&inbox, |update| matches!(update, IndexingUpdate::Ended(Ending::Done)));
    assert_eq!(scene.photos_in_vault(), 10);

    // Whether the vault is opened again before or after the run has ended, the run is offered once.
    let folder = scene.folder.path().join("more");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("photo.jpg"), "never looked at").unwrap();
    workers.open_with(scene.vault(), passphrase(), IsNew::No);
    reply(&inbox, |reply| matches!(reply, Reply::Opened { .. }).then_some(()));
    workers.ask(Request::Index(vec![folder.clone()]));
    workers.ask(Request::StopIndexing);
    workers.ask(Request::Close);
    workers.open_with(scene.vault(), passphrase(), IsNew::No);
    let offered = reply(&inbox, |reply| match reply {
        Reply::Unfinished(roots) => Some(roots),
        _ => None,
    });
    assert_eq!(offered, [folder]);
    workers.finish();
}

#[test]
fn what_waits_for_files_keeps_no_key_of_a_vault_that_was_locked() {
    let scene = Scene::new();
    let (mut workers, inbox) = scene.open();
    let shared = Arc::clone(&workers.shared);
    let vault = LockableVault::of(&shared).unwrap();
    assert_eq!(vault.with(|vault, _| vault.photo_count().unwrap()), Some(0));
    let keys = Arc::downgrade(&shared.opened().unwrap());
    workers.ask(Request::Close);
    assert_eq!(vault.with(|_, _| ()), None);
    // Until the model for the first search is loaded, the thread that opens vaults holds it.
    let started = std::time::Instant::now();
    while keys.strong_count() > 0 {
        assert!(started.elapsed() < PATIENCE, "its keys are kept");
        std::thread::sleep(Duration::from_millis(5));
    }
    workers.open_with(scene.vault(), passphrase(), IsNew::No);
    reply(&inbox, |reply| matches!(reply, Reply::Opened { .. }).then_some(()));
    assert!(!vault.is_open() && LockableVault::of(&shared).is_some(), "another one");
    workers.finish();
}

/// Waits for the end of a survey of this version.
fn survey(inbox: &Receiver<AppEvent>, wanted: u64) -> Survey {
    reply(inbox, |reply| match reply {
        Reply::Surveyed { request, survey } if request.version == wanted && survey.is_over => Some(survey),
        _ => None,
    })
}

#[test]
fn a_survey_says_what_the_vault_holds_and_a_newer_one_takes_its_place() {
    let scene = Scene::new();
    let (mut workers, inbox) = scene.open();
    let request = |paths, version| SurveyRequest { paths, thoroughness: Thoroughness::Whole, version };
    // Replaced before it can have ended.
    workers.survey(Some(request(vec![PathBuf::from("/")], 1)));
    workers.survey(Some(request(vec![photos()], 2)));
    let found = survey(&inbox, 2);
    assert_eq!((found.photos, found.stored), (10, 0));
    workers.ask(Request::Index(vec![photos()]));
    progress(&inbox, |update| matches!(update, IndexingUpdate::Ended(Ending::Done)));
    workers.ask(Request::Collection);
    reply(&inbox, |reply| matches!(reply, Reply::Collection(_)).then_some(()));
    workers.survey(Some(request(vec![photos()], 3)));
    assert!(survey(&inbox, 3).has_nothing_new());
    workers.finish();
}

#[test]
fn a_run_that_waits_is_offered_after_a_lock_and_one_that_was_dropped_is_not() {
    let scene = Scene::new();
    let (mut workers, _inbox) = scene.open();
    let (kept, dropped) = (PathBuf::from("/kept"), PathBuf::from("/dropped"));
    workers.ask(Request::Queue(vec![kept.clone()]));
    workers.ask(Request::Queue(vec![dropped.clone()]));
    workers.ask(Request::Dequeue(vec![dropped]));
    workers.finish();
    let (mut workers, inbox) = scene.open();
    let offered = reply(&inbox, |reply| match reply {
        Reply::Unfinished(roots) => Some(roots),
        _ => None,
    });
    assert_eq!(offered, [kept]);
    workers.ask(Request::ForgetUnfinished);
    workers.finish();
}

#[test]
fn a_photo_decoded_across_a_lock_is_not_kept_and_what_was_kept_is_wiped() {
    let scene = Scene::new();
    let (mut workers, _inbox) = scene.open();
    let subject = Subject::File(photos().join("a.jpg"));
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(40, 20).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let photo = Arc::new(Zeroizing::new(photo::decode(png.get_ref(), None).unwrap()));
    let keep = |workers: &Workers| {
        workers.shared.decoded().keep(&subject, &photo, || workers.pictures.is_viewed(&subject));
        workers.shared.decoded().get(&subject, 1).is_some()
    };
    workers.want(None, &[], std::slice::from_ref(&subject));
    assert!(keep(&workers));
    workers.ask(Request::Close);
    assert!(!keep(&workers), "no frame was drawn since the lock");
    workers.finish();
    assert_eq!(Arc::strong_count(&photo), 1, "the end waits for the wiping");
}
