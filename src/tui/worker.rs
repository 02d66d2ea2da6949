//! Worker threads, so that the event loop never waits. Each kind of work has its own thread: a slow picture does not
//! delay a listing, and indexing does not delay either of them.

mod decoded;
mod download;
mod events;
mod export;
mod folders;
mod indexing;
mod lockable;
mod marks;
mod pictures;
mod records;
mod surveys;
#[cfg(test)]
mod tests;
mod tmux;
mod vault;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::event::AppEvent;
use super::preview::{PictureRequest, Subject};
use super::request::{Reply, Request};
use super::state::surveys::SurveyRequest;
use super::state::text_field::PassphraseField as TypedPassphrase;
use crate::preview::tmux::Tmux;
use crate::preview::{Encoder, ProbeOptions};
use crate::services::app_dirs::AppDirs;
use crate::services::copies;
use crate::services::embedding::Workload;
use crate::services::external_viewer;
use crate::services::library::PhotoId;
use crate::services::progress::Control;
use crate::services::session::{self, Passphrase, Trust};
pub(super) use download::terminal_stores_files;
use events::Asking;
use pictures::PictureQueue;
use records::{Change, RecordChange};
pub(super) use vault::IsNew;
use vault::Shared;

/// Reports a panic of its thread to the event loop when dropped.
struct PanicReporter(Sender<AppEvent>);

impl Drop for PanicReporter {
    fn drop(&mut self) {
        if thread::panicking() {
            // Fails only when the event loop has ended too.
            let _ = self.0.send(AppEvent::WorkerDied);
        }
    }
}

/// Starts a thread that reports a panic to the event loop.
fn start(
    name: &str,
    events: &Sender<AppEvent>,
    work: impl FnOnce() + Send + 'static,
) -> Option<thread::JoinHandle<()>> {
    let reporter = PanicReporter(events.clone());
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _reporter = reporter;
        work();
    });
    if started.is_err() {
        let _ = events.send(AppEvent::WorkerDied);
    }
    started.ok()
}

/// A vault to open.
struct Opening {
    vault: PathBuf,
    passphrase: Result<Passphrase, String>,
    is_new: IsNew,
    trust: Trust,
}

/// The workers.
pub(super) struct Workers {
    shared: Arc<Shared>,
    events: Sender<AppEvent>,
    folders: Sender<PathBuf>,
    pictures: Arc<PictureQueue>,
    openings: Sender<Opening>,
    /// Listings of the vault.
    reads: Sender<Request>,
    /// EXIF fields of photos.
    details: Sender<Request>,
    searches: Sender<Request>,
    /// Long operations: removal, checking.
    tasks: Sender<Request>,
    indexing: Option<Arc<Control>>,
    indexing_thread: Option<thread::JoinHandle<()>>,
    export: Option<Arc<Control>>,
    export_thread: Option<thread::JoinHandle<()>>,
    /// Changes the record of runs; joined at the end, or the next start would offer what was forgotten.
    records: Option<Sender<RecordChange>>,
    records_thread: Option<thread::JoinHandle<()>>,
    /// Wipe decoded photos; joined at the end.
    wiping_threads: Vec<thread::JoinHandle<()>>,
    surveys: Sender<surveys::Wanted>,
    asked_survey: Option<(SurveyRequest, Arc<Control>)>,
    asked: Vec<PictureRequest>,
    asked_views: Vec<Subject>,
    marks: Sender<Vec<PathBuf>>,
    asked_marks: Vec<PathBuf>,
    questions: Sender<ProbeOptions>,
    asking: Asking,
    /// `None` outside of tmux.
    tmux: Option<Sender<tmux::TmuxRequest>>,
}

impl Workers {
    /// Starts the workers, which send their replies to `events`.
    #[must_use]
    pub(super) fn start(events: &Sender<AppEvent>, dirs: AppDirs) -> Self {
        let shared = Arc::new(Shared::new(dirs));
        let (folders, wanted_folders) = channel();
        let answers = events.clone();
        start("folders", events, move || folders::work(&wanted_folders, &answers));
        let pictures = Arc::new(PictureQueue::default());
        for _ in 0..PictureQueue::threads() {
            let (answers, vault, queue) = (events.clone(), Arc::clone(&shared), Arc::clone(&pictures));
            start("pictures", events, move || pictures::work(&queue, &vault, &answers));
        }
        let (openings, wanted) = channel();
        let (answers, vault) = (events.clone(), Arc::clone(&shared));
        start("opening", events, move || open_vaults(&wanted, &vault, &answers));
        let answering = |name: &str| {
            let (requests, wanted) = channel();
            let (answers, vault) = (events.clone(), Arc::clone(&shared));
            start(name, events, move || {
                let tell = |reply| drop(answers.send(AppEvent::Reply(reply)));
                while let Ok(request) = wanted.recv() {
                    if let Some(reply) = vault.answer(request, &tell)
                        && answers.send(AppEvent::Reply(reply)).is_err()
                    {
                        return;
                    }
                }
            });
            requests
        };
        let (reads, searches, tasks) = (answering("reads"), answering("searches"), answering("tasks"));
        let (details, wanted_details) = channel();
        let (answers, vault) = (events.clone(), Arc::clone(&shared));
        start("details", events, move || describe(&wanted_details, &vault, &answers));
        let (marks, wanted_marks) = channel();
        let (answers, vault) = (events.clone(), Arc::clone(&shared));
        start("marks", events, move || marks::work(&wanted_marks, &vault, &answers));
        let (records, wanted_records) = channel();
        let vault = Arc::clone(&shared);
        let records_thread = start("records", events, move || records::work(&wanted_records, &vault));
        let (surveys, wanted_surveys) = channel();
        let (answers, vault) = (events.clone(), Arc::clone(&shared));
        start("surveys", events, move || surveys::work(&wanted_surveys, &vault, &answers));
        let (questions, wanted_questions) = channel();
        let (answers, asking) = (events.clone(), Asking::default());
        let held = asking.clone();
        start("events", events, move || events::work(&wanted_questions, &held, &answers));
        start("cleanup", events, external_viewer::sweep);
        let tmux = Tmux::of_environment().map(|tmux| {
            let (requests, wanted) = channel();
            let answers = events.clone();
            start("tmux", events, move || tmux::work(&tmux, &wanted, &answers));
            requests
        });
        let events = events.clone();
        Self {
            shared,
            events,
            folders,
            pictures,
            openings,
            reads,
            details,
            searches,
            tasks,
            indexing: None,
            indexing_thread: None,
            export: None,
            export_thread: None,
            records: Some(records),
            records_thread,
            wiping_threads: Vec::new(),
            surveys,
            asked_survey: None,
            asked: vec![],
            asked_views: vec![],
            marks,
            asked_marks: vec![],
            questions,
            asking,
            tmux,
        }
    }

    /// Sends a request; its reply comes as an [`AppEvent`].
    pub(super) fn ask(&mut self, request: Request) {
        // Send errors are ignored: a dead worker has already reported itself.
        let _ = match request {
            Request::List(folder) => self.folders.send(folder).map_err(drop),
            Request::Open { vault, trusted, passphrase } => self.open(vault, &passphrase, IsNew::No, trusted.into()),
            Request::Create { vault, passphrase } => self.open(vault, &passphrase, IsNew::Yes, Trust::Known),
            Request::OpenTrusted { vault, found, passphrase } => {
                let trust = Trust::Vaults(vec![found]);
                let opening = Opening { vault, passphrase: Ok(passphrase), is_new: IsNew::No, trust };
                self.openings.send(opening).map_err(drop)
            }
            Request::Look { vault, trusted } => {
                self.look(vault, trusted.into());
                Ok(())
            }
            Request::KnownVaults => {
                self.list_known_vaults();
                Ok(())
            }
            Request::Close => {
                self.close();
                Ok(())
            }
            Request::Index(paths) => {
                self.index(paths);
                Ok(())
            }
            Request::Queue(paths) => self.change_record(Change::Note(paths)),
            Request::Dequeue(paths) => self.change_record(Change::Drop(paths)),
            Request::ForgetUnfinished => self.change_record(Change::Forget),
            Request::AcceptOlder => {
                self.accept_older();
                Ok(())
            }
            Request::PauseIndexing => self.brake(Control::pause),
            Request::ResumeIndexing => self.brake(Control::resume),
            Request::StopIndexing => self.brake(Control::stop),
            Request::Search(_) => self.searches.send(request).map_err(drop),
            Request::Collection => self.reads.send(request).map_err(drop),
            Request::Exif(_) | Request::RecordedExif(_) => self.details.send(request).map_err(drop),
            Request::Export { photos, folder } => {
                self.export(photos, folder);
                Ok(())
            }
            Request::StopExport => {
                self.stop_export();
                Ok(())
            }
            Request::Remove(_) | Request::Check | Request::OpenOutside(_) | Request::Download(_) => {
                self.tasks.send(request).map_err(drop)
            }
            Request::Recognise(paths) => self.marks.send(paths).map_err(drop),
        };
    }

    /// Locks the vault. Decoded photos are wiped on a thread of their own, because that takes longer than a frame.
    fn close(&mut self) {
        // First, so that no photo that is being decoded is kept afterwards.
        self.pictures.forget();
        self.asked.clear();
        self.asked_views.clear();
        let photos = self.shared.close();
        self.wiping_threads.retain(|thread| !thread.is_finished());
        if !photos.is_empty() {
            self.wiping_threads.extend(start("wiping", &self.events, move || drop(photos)));
        }
    }

    /// Finds out what is at the path of a vault, on a thread of its own: a dead network disk may block forever.
    fn look(&self, root: PathBuf, trust: Trust) {
        let (answers, vault) = (self.events.clone(), Arc::clone(&self.shared));
        start("look", &self.events, move || {
            let _ = answers.send(AppEvent::Reply(vault.look(root, &trust)));
        });
    }

    /// Lists the known vaults. Without a list nothing is offered; opening a vault says what is wrong with it.
    fn list_known_vaults(&self) {
        let (answers, shared) = (self.events.clone(), Arc::clone(&self.shared));
        start("known vaults", &self.events, move || {
            let addresses = copies::addresses(shared.dirs()).unwrap_or_default();
            let _ = answers.send(AppEvent::Reply(Reply::KnownVaults(addresses)));
        });
    }

    fn open(&self, vault: PathBuf, typed: &TypedPassphrase, is_new: IsNew, trust: Trust) -> Result<(), ()> {
        let passphrase = session::passphrase(typed.bytes()).map_err(|error| error.with_advice());
        self.openings.send(Opening { vault, passphrase, is_new, trust }).map_err(drop)
    }

    /// Opens or creates a vault with a passphrase that was not typed here.
    pub(super) fn open_with(&self, vault: PathBuf, passphrase: Passphrase, is_new: IsNew) {
        let opening = Opening { vault, passphrase: Ok(passphrase), is_new, trust: Trust::Known };
        let _ = self.openings.send(opening);
    }

    fn index(&mut self, roots: Vec<PathBuf>) {
        let Some(opened) = self.shared.opened() else { return };
        let vault = Arc::clone(&opened.vault);
        let control = Arc::new(Control::default());
        self.indexing = Some(Arc::clone(&control));
        let (answers, shared) = (self.events.clone(), Arc::clone(&self.shared));
        self.indexing_thread =
            start("indexing", &self.events, move || indexing::work(&shared, vault, &roots, &control, &answers));
    }

    fn change_record(&self, change: Change) -> Result<(), ()> {
        let opened = self.shared.opened().ok_or(())?;
        self.records.as_ref().ok_or(())?.send(RecordChange { opened, change }).map_err(drop)
    }

    /// Makes the open copy of the vault the newest one. Not queued behind other requests: by the time they are done, a
    /// different vault may be open, which the user has not accepted.
    fn accept_older(&self) {
        let Some(opened) = self.shared.opened() else { return };
        let (answers, shared) = (self.events.clone(), Arc::clone(&self.shared));
        start("accepting", &self.events, move || {
            let reply = vault::accept_older(&opened);
            if shared.is_open(&opened) {
                let _ = answers.send(AppEvent::Reply(reply));
            }
        });
    }

    /// Whether an indexing run is under way or still committing.
    pub(super) fn is_indexing(&self) -> bool {
        self.indexing_thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    fn export(&mut self, photos: Vec<PhotoId>, folder: PathBuf) {
        let control = Arc::new(Control::default());
        self.export = Some(Arc::clone(&control));
        let (answers, vault) = (self.events.clone(), Arc::clone(&self.shared));
        self.export_thread =
            start("export", &self.events, move || export::work(&vault, &photos, folder, &control, &answers));
    }

    fn stop_export(&self) {
        if let Some(export) = &self.export {
            export.stop();
        }
    }

    fn brake(&self, act: fn(&Control)) -> Result<(), ()> {
        self.indexing.as_deref().map(act).ok_or(())
    }

    /// Tells an indexing run to commit its progress and end. Does not wait for it.
    pub(super) fn stop_indexing(&self) {
        // Fails only when there is no run.
        let _ = self.brake(Control::stop);
    }

    /// Wipes keys and photos, those given to other programs too, and waits until an indexing run has committed its
    /// progress and an export has finished its current photo.
    pub(super) fn finish(&mut self) {
        self.stop_indexing();
        self.stop_export();
        self.close();
        self.survey(None);
        self.records = None;
        let threads = [self.indexing_thread.take(), self.export_thread.take(), self.records_thread.take()];
        for thread in threads.into_iter().flatten().chain(self.wiping_threads.drain(..)) {
            // A panicked thread has reported itself.
            let _ = thread.join();
        }
    }

    /// Requests the pictures that the last frame needs, unless they are requested already, and says which photos it
    /// shows in a view that may change.
    pub(super) fn want(&mut self, encoder: Option<&Encoder>, requests: &[PictureRequest], viewed: &[Subject]) {
        if self.asked != requests || self.asked_views != viewed {
            self.asked = requests.to_vec();
            self.asked_views = viewed.to_vec();
            self.pictures.replace(encoder, requests, viewed);
        }
    }

    /// Asks which of these files the vault holds, unless the last request was the same.
    pub(super) fn recognise(&mut self, paths: Vec<PathBuf>) {
        if self.asked_marks != paths {
            self.asked_marks.clone_from(&paths);
            if !paths.is_empty() {
                self.ask(Request::Recognise(paths));
            }
        }
    }

    /// Asks what is below some paths, and stops an earlier survey; not if the last request was the same.
    pub(super) fn survey(&mut self, request: Option<SurveyRequest>) {
        if self.asked_survey.as_ref().map(|(asked, _)| asked) == request.as_ref() {
            return;
        }
        if let Some((_, control)) = self.asked_survey.take() {
            control.stop();
        }
        if let Some(request) = request {
            let control = Arc::new(Control::default());
            self.asked_survey = Some((request.clone(), Arc::clone(&control)));
            let _ = self.surveys.send(surveys::Wanted { request, control });
        }
    }

    /// Probes the terminal.
    pub(super) fn ask_terminal(&self, question: ProbeOptions) {
        let _ = self.questions.send(question);
    }

    /// Whether the program runs in a tmux that can be queried.
    pub(super) fn has_tmux(&self) -> bool {
        self.tmux.is_some()
    }

    /// Asks tmux to describe this pane.
    pub(super) fn view_pane(&self, number: u64) {
        self.ask_tmux(tmux::TmuxRequest::PaneView(number));
    }

    /// Has tmux repaint the terminal after it was sent the sequence that erases it.
    pub(super) fn repaint_terminal(&self) {
        self.ask_tmux(tmux::TmuxRequest::Repaint);
    }

    fn ask_tmux(&self, request: tmux::TmuxRequest) {
        if let Some(tmux) = &self.tmux {
            let _ = tmux.send(request);
        }
    }

    /// Waits until no probe of the terminal is running, and prevents one while the guard lives.
    pub(super) fn leave_terminal(&self) -> parking_lot::MutexGuard<'_, ()> {
        self.asking.pause()
    }

    /// A requested picture is ready.
    pub(super) fn picture_received(&mut self, request: &PictureRequest) {
        self.asked.retain(|asked| asked != request);
    }
}

impl Drop for Workers {
    /// Also when the event loop panics, so that sealed photos are committed.
    fn drop(&mut self) {
        self.finish();
        self.pictures.close();
    }
}

/// Reads the EXIF fields of photos; the latest request wins.
fn describe(wanted: &Receiver<Request>, vault: &Shared, answers: &Sender<AppEvent>) {
    while let Ok(mut request) = wanted.recv() {
        while let Ok(newer) = wanted.try_recv() {
            request = newer;
        }
        if let Some(reply) = vault.answer(request, &|_news| {})
            && answers.send(AppEvent::Reply(reply)).is_err()
        {
            return;
        }
    }
}

fn open_vaults(wanted: &Receiver<Opening>, vault: &Shared, answers: &Sender<AppEvent>) {
    while let Ok(Opening { vault: root, passphrase, is_new, trust }) = wanted.recv() {
        let reply = match passphrase {
            Ok(passphrase) => vault.open(root, passphrase, is_new, &trust),
            Err(reason) => Reply::Opened { vault: root, result: Err(reason) },
        };
        if answers.send(AppEvent::Reply(reply)).is_err() {
            return;
        }
        if let Some(roots) = vault.interrupted_run() {
            let _ = answers.send(AppEvent::Reply(Reply::Unfinished(roots)));
        }
        // Preloads the model for the first search. An error is reported when the model is needed.
        if let Some(opened) = vault.opened() {
            drop(vault.model_for(&opened.vault, Workload::One));
        }
    }
}

/// Forwards the signals that end, stop and continue a program.
///
/// # Errors
/// When the system refuses to deliver signals.
#[cfg(unix)]
pub(super) fn read_signals(events: &Sender<AppEvent>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT])?;
    let sender = events.clone();
    start("signals", events, move || {
        for signal in signals.forever() {
            if sender.send(AppEvent::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}
