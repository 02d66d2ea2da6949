//! Signals during a run: the first one lets it finish the photos it has begun, a second Ctrl-C ends the process.

use std::process;
use std::sync::Arc;

use parking_lot::Mutex;

use super::output;
use crate::services::progress::Control;

/// The notice on the first signal.
pub(super) const FINISHING: &str = "Finishing the photos in progress; interrupt again to stop at once.";

/// The run that a signal stops, if there is one. The process has one handler, installed once.
static RUNNING: Mutex<Option<Arc<Control>>> = Mutex::new(None);

/// While this exists, a signal stops the run instead of the process.
pub(super) struct Interruptible(());

/// The meaning of a signal.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Intent {
    /// Terminate: at once when repeated.
    Terminate,
    /// The terminal was closed. The shell and the kernel both signal this, so a second signal means nothing new.
    HangUp,
}

/// Lets SIGINT, SIGTERM and SIGHUP stop the run behind `control`; `notice` says so once on standard error.
pub(super) fn stops(control: &Arc<Control>, notice: &'static str) -> Interruptible {
    *running() = Some(Arc::clone(control));
    // An error means that an earlier run of this process has installed the handler.
    let _ = listen(move |intent| {
        // Cloned, so that the lock is not held while writing: a hanging terminal must not block the end of the run.
        let control = running().clone();
        match control {
            Some(control) if !control.is_stopped() => {
                control.stop();
                output::say(&format!("\n{notice}"));
            }
            Some(_) if intent == Intent::HangUp => {}
            _ => process::exit(130),
        }
    });
    Interruptible(())
}

#[cfg(unix)]
fn listen(handle: impl Fn(Intent) + Send + 'static) -> std::io::Result<()> {
    use std::sync::atomic::{AtomicBool, Ordering};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    static LISTENING: AtomicBool = AtomicBool::new(false);
    if LISTENING.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let intent_of = |signal| if signal == SIGHUP { Intent::HangUp } else { Intent::Terminate };
    let work = move || signals.forever().for_each(|signal| handle(intent_of(signal)));
    std::thread::Builder::new().name("signals".to_owned()).spawn(work).map(drop)
}

#[cfg(not(unix))]
fn listen(handle: impl Fn(Intent) + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || handle(Intent::Terminate))
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        *running() = None;
    }
}

fn running() -> parking_lot::MutexGuard<'static, Option<Arc<Control>>> {
    RUNNING.lock()
}
