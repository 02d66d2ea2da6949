//! Threads that do what takes time, so that the event loop never waits. Each kind of work has its own: a slow picture
//! holds up no listing, and indexing holds up neither.

mod camera;
mod download;
mod events;
mod export;
mod folders;
mod indexing;
mod marks;
mod pictures;
#[cfg(test)]
mod tests;
mod tmux;
mod vault;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::event::AppEvent;
use super::preview::Wish;
use super::request::{Reply, Request};
use super::state::PhotoId;
use super::state::text_field::PassphraseField as TypedPassphrase;
use crate::cipher::Passphrase;
use crate::preview::tmux::Tmux;
use crate::preview::{Encoder, Question};
use crate::services::outside;
use crate::services::places::Places;
use crate::services::progress::Control;
use crate::services::session;
use crate::services::unfinished;
use events::Asking;
pub(super) use vault::IsNew;
use vault::Shared;

/// Tells the event loop when its thread dies.
struct PanicReporter(Sender<AppEvent>);

impl Drop for PanicReporter {
    fn drop(&mut self) {
        if thread::panicking() {
            // When the loop is gone too, nobody needs to be told.
            let _ = self.0.send(AppEvent::WorkerDied);
        }
    }
}

/// Starts a thread whose death the event loop hears of.
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
}

/// The workers.
pub(super) struct Workers {
    shared: Arc<Shared>,
    events: Sender<AppEvent>,
    folders: Sender<PathBuf>,
    pictures: Sender<pictures::Wanted>,
    openings: Sender<Opening>,
    /// What is answered soon: listing the vault, what a camera wrote.
    looks: Sender<Request>,
    searches: Sender<Request>,
    /// What takes its time: removal, checking.
    tasks: Sender<Request>,
    indexing: Option<Arc<Control>>,
    indexing_thread: Option<thread::JoinHandle<()>>,
    export: Option<Arc<Control>>,
    export_thread: Option<thread::JoinHandle<()>>,
    /// Forgets an interrupted run; waited for at the end, or the next start would offer it again.
    forgetting_thread: Option<thread::JoinHandle<()>>,
    asked: Vec<Wish>,
    marks: Sender<Vec<PathBuf>>,
    asked_marks: Vec<PathBuf>,
    questions: Sender<Question>,
    asking: Asking,
    /// `None` outside of tmux.
    tmux: Option<Sender<tmux::TmuxRequest>>,
}

impl Workers {
    /// Starts them; they answer to `events`.
    #[must_use]
    pub(super) fn start(events: &Sender<AppEvent>, places: Places) -> Self {
        let shared = Arc::new(Shared::new(places));
        let (folders, wanted_folders) = channel();
        let answers = events.clone();
        start("folders", events, move || folders::work(&wanted_folders, &answers));
        let (pictures, wanted_pictures) = channel();
        let (answers, vault) = (events.clone(), Arc::clone(&shared));
        start("pictures", events, move || pictures::work(&wanted_pictures, &vault, &answers));
        let (openings, wanted) = channel();
        let (answers, vault) = (events.clone(), Arc::clone(&shared));
        start("opening", events, move || open_vaults(&wanted, &vault, &answers));
        let answering = |name: &str| {
            let (requests, wanted) = channel();
            let (answers, vault) = (events.clone(), Arc::clone(&shared));
            start(name, events, move || {
                while let Ok(request) = wanted.recv() {
                    if let Some(reply) = vault.answer(request)
                        && answers.send(AppEvent::Reply(reply)).is_err()
                    {
                        return;
                    }
                }
            });
            requests
        };
        let (looks, searches, tasks) = (answering("looks"), answering("searches"), answering("tasks"));
        let (marks, wanted_marks) = channel();
        let (answers, vault) = (events.clone(), Arc::clone(&shared));
        start("marks", events, move || marks::work(&wanted_marks, &vault, &answers));
        let (questions, wanted_questions) = channel();
        let (answers, asking) = (events.clone(), Asking::default());
        let held = asking.clone();
        start("events", events, move || events::work(&wanted_questions, &held, &answers));
        start("sweeper", events, outside::sweep);
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
            looks,
            searches,
            tasks,
            indexing: None,
            indexing_thread: None,
            export: None,
            export_thread: None,
            forgetting_thread: None,
            asked: vec![],
            marks,
            asked_marks: vec![],
            questions,
            asking,
            tmux,
        }
    }

    /// Asks for something; the answer comes as a [`AppEvent`].
    pub(super) fn ask(&mut self, request: Request) {
        // Ignore send errors: a dead worker has already reported itself.
        let _ = match request {
            Request::List(folder) => self.folders.send(folder).map_err(drop),
            Request::Open { vault, passphrase } => self.open(vault, &passphrase, IsNew::No),
            Request::Create { vault, passphrase } => self.open(vault, &passphrase, IsNew::Yes),
            Request::Look(vault) => {
                self.look(vault);
                Ok(())
            }
            Request::Close => {
                self.shared.close();
                Ok(())
            }
            Request::Index(paths) => {
                self.index(paths);
                Ok(())
            }
            Request::ForgetUnfinished => {
                self.forget_unfinished();
                Ok(())
            }
            Request::AcceptOlder => {
                self.accept_older();
                Ok(())
            }
            Request::PauseIndexing => self.brake(Control::pause),
            Request::ResumeIndexing => self.brake(Control::resume),
            Request::StopIndexing => self.brake(Control::stop),
            Request::Search(_) => self.searches.send(request).map_err(drop),
            Request::Collection | Request::Exif(_) => self.looks.send(request).map_err(drop),
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

    /// Looks whether there is a vault at a path. Each look has its own thread: one at a network disk that is gone may
    /// never end.
    fn look(&self, vault: PathBuf) {
        let answers = self.events.clone();
        start("look", &self.events, move || {
            let found = session::look(&vault);
            let _ = answers.send(AppEvent::Reply(Reply::Looked { vault, found }));
        });
    }

    fn open(&self, vault: PathBuf, typed: &TypedPassphrase, is_new: IsNew) -> Result<(), ()> {
        let passphrase = Passphrase::new(typed.bytes()).map_err(|error| error.to_string());
        self.openings.send(Opening { vault, passphrase, is_new }).map_err(drop)
    }

    /// Opens or creates a vault with a passphrase that was not typed here.
    pub(super) fn open_with(&self, vault: PathBuf, passphrase: Passphrase, is_new: IsNew) {
        let _ = self.openings.send(Opening { vault, passphrase: Ok(passphrase), is_new });
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

    fn forget_unfinished(&mut self) {
        let Some(opened) = self.shared.opened() else { return };
        let shared = Arc::clone(&self.shared);
        self.forgetting_thread =
            start("forgetting", &self.events, move || unfinished::forget(&opened.vault, shared.places()));
    }

    /// Has the vault that is open now taken for the newest copy. No queue: by the time another request is done, another vault
    /// may be open, about which nobody was asked.
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

    /// Whether a run is under way, or is still keeping what it has done.
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

    /// Tells an indexing run to keep what it has done and end. Does not wait for it.
    pub(super) fn stop_indexing(&self) {
        // Without a run there is nothing to stop.
        let _ = self.brake(Control::stop);
    }

    /// Ends: keys and photos given to other programs are wiped; an indexing run commits what it has done first, and an
    /// export finishes the photo in hand.
    pub(super) fn finish(&mut self) {
        self.stop_indexing();
        self.stop_export();
        self.shared.close();
        let threads = [self.indexing_thread.take(), self.export_thread.take(), self.forgetting_thread.take()];
        for thread in threads.into_iter().flatten() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }

    /// Asks for the pictures that the last frame wanted, unless they are asked for already.
    pub(super) fn want(&mut self, encoder: Option<&Encoder>, wishes: &[Wish]) {
        if self.asked != wishes {
            self.asked = wishes.to_vec();
            if let Some(encoder) = encoder {
                let _ = self.pictures.send(pictures::Wanted { encoder: encoder.clone(), wishes: wishes.to_vec() });
            }
        }
    }

    /// Asks which of these files the vault holds, unless that is asked already.
    pub(super) fn recognise(&mut self, paths: Vec<PathBuf>) {
        if self.asked_marks != paths {
            self.asked_marks.clone_from(&paths);
            if !paths.is_empty() {
                self.ask(Request::Recognise(paths));
            }
        }
    }

    /// Has the terminal asked what it understands.
    pub(super) fn ask_terminal(&self, question: Question) {
        let _ = self.questions.send(question);
    }

    /// Whether the program runs in a tmux that can be asked.
    pub(super) fn has_tmux(&self) -> bool {
        self.tmux.is_some()
    }

    /// Has tmux asked how the own pane stands.
    pub(super) fn view_pane(&self, number: u64) {
        self.ask_tmux(tmux::TmuxRequest::View(number));
    }

    /// Has tmux paint the terminal again, which was sent the sequence that erases it.
    pub(super) fn repaint_terminal(&self) {
        self.ask_tmux(tmux::TmuxRequest::Repaint);
    }

    fn ask_tmux(&self, request: tmux::TmuxRequest) {
        if let Some(tmux) = &self.tmux {
            let _ = tmux.send(request);
        }
    }

    /// Waits until the terminal is not being asked, and keeps it so.
    pub(super) fn leave_terminal(&self) -> std::sync::MutexGuard<'_, ()> {
        self.asking.pause()
    }

    /// A wished-for picture came.
    pub(super) fn fulfilled(&mut self, wish: &Wish) {
        self.asked.retain(|asked| asked != wish);
    }
}

impl Drop for Workers {
    /// Also when the event loop panics: sealed photos are not lost with it.
    fn drop(&mut self) {
        self.finish();
    }
}

fn open_vaults(wanted: &std::sync::mpsc::Receiver<Opening>, vault: &Shared, answers: &Sender<AppEvent>) {
    while let Ok(Opening { vault: root, passphrase, is_new }) = wanted.recv() {
        let reply = match passphrase {
            Ok(passphrase) => vault.open(root, &passphrase, is_new),
            Err(reason) => Reply::Opened { vault: root, result: Err(reason) },
        };
        if answers.send(AppEvent::Reply(reply)).is_err() {
            return;
        }
        if let Some(roots) = vault.unfinished() {
            let _ = answers.send(AppEvent::Reply(Reply::Unfinished(roots)));
        }
        // The first search should not wait for the network; that there is none is told when one is needed.
        drop(vault.extractor());
    }
}

/// Receives the signals that end, stop and continue a program.
///
/// # Errors
/// When the system lets none be received.
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
