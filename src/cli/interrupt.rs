//! Signals during a run: the first asks it to finish what is in hand, a second Ctrl-C ends the process.

use std::process;
use std::sync::{Arc, Mutex};

use super::output;
use crate::services::progress::Control;

/// What is said when photos are in hand.
pub(super) const FINISHING: &str = "Finishing the photos in hand; interrupt again to stop at once.";

/// The run that a signal stops, if one is under way. A process has one handler, set once.
static RUNNING: Mutex<Option<Arc<Control>>> = Mutex::new(None);

/// While it lives, a signal stops the run instead of the process.
pub(super) struct Interruptible(());

/// What a signal wants.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Wish {
    /// The user, or the system, wants the program to end, and wants it at once when it is said twice.
    End,
    /// The terminal is gone. The shell and the kernel both say so, which is no second wish.
    Gone,
}

/// Lets SIGINT, SIGTERM and SIGHUP stop the run behind `control`; `notice` says so once on standard error.
pub(super) fn stops(control: &Arc<Control>, notice: &'static str) -> Interruptible {
    *running() = Some(Arc::clone(control));
    // An error means that the handler is set already, by an earlier run of this process.
    let _ = listen(move |wish| {
        // Not held while something is written: a terminal that hangs must not hold up the run's end.
        let control = running().clone();
        match control {
            Some(control) if !control.is_stopped() => {
                control.stop();
                output::say(&format!("\n{notice}"));
            }
            Some(_) if wish == Wish::Gone => {}
            _ => process::exit(130),
        }
    });
    Interruptible(())
}

#[cfg(unix)]
fn listen(hear: impl Fn(Wish) + Send + 'static) -> std::io::Result<()> {
    use std::sync::atomic::{AtomicBool, Ordering};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    static LISTENING: AtomicBool = AtomicBool::new(false);
    if LISTENING.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let work = move || signals.forever().for_each(|signal| hear(if signal == SIGHUP { Wish::Gone } else { Wish::End }));
    std::thread::Builder::new().name("signals".to_owned()).spawn(work).map(drop)
}

#[cfg(not(unix))]
fn listen(hear: impl Fn(Wish) + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || hear(Wish::End))
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        *running() = None;
    }
}

fn running() -> std::sync::MutexGuard<'static, Option<Arc<Control>>> {
    RUNNING.lock().expect("no holder of this lock panics")
}
