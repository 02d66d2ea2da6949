//! Ctrl-C during a run: the first asks it to finish what is in hand, the second ends the process.

use std::process;
use std::sync::{Arc, Mutex};

use crate::services::progress::Control;

/// The run that an interrupt stops, if one is under way. A process has one handler, set once.
static RUNNING: Mutex<Option<Arc<Control>>> = Mutex::new(None);

/// While it lives, an interrupt stops the run instead of the process.
pub(super) struct Interruptible(());

/// Lets SIGINT, SIGTERM and SIGHUP stop the run behind `control`; `notice` says so once on standard error.
pub(super) fn stops(control: &Arc<Control>, notice: &'static str) -> Interruptible {
    *running() = Some(Arc::clone(control));
    // An error means that the handler is set already, by an earlier run of this process.
    let _ = ctrlc::set_handler(move || match &*running() {
        Some(control) if !control.is_stopped() => {
            control.stop();
            eprintln!("\n{notice}");
        }
        _ => process::exit(130),
    });
    Interruptible(())
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        *running() = None;
    }
}

fn running() -> std::sync::MutexGuard<'static, Option<Arc<Control>>> {
    RUNNING.lock().expect("no holder of this lock panics")
}
