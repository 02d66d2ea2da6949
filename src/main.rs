//! Arguments to the command line or the terminal application, and exit codes; nothing else.

use std::io::Write;
use std::process::ExitCode;

use cipherlens::cli::{self, Asked, Exit};
use cipherlens::services::privacy;
use cipherlens::tui;

fn main() -> ExitCode {
    // Before anything secret is read. A system that refuses this still gets the user's work done.
    let _ = privacy::shield_process();
    privacy::keep_new_files_private();
    match cli::main() {
        Asked::Command(exit) => exit.into(),
        Asked::Application(asked) => {
            let options = tui::Options {
                vault: asked.vault,
                passphrase: asked.passphrase,
                folder: asked.folder,
                threshold: asked.threshold,
                preview: asked.preview,
                cell_size: asked.cell_size,
                mouse: asked.mouse,
                motion: asked.motion,
                lock_after: asked.lock_after,
                on_lock: asked.on_lock,
                keymap: asked.keymap,
                theme: asked.theme,
                places: asked.places,
            };
            match tui::run(options) {
                Ok(()) => Exit::Success.into(),
                Err(error) => {
                    // The terminal may be gone: that nobody reads this is no reason to panic.
                    let _ = writeln!(std::io::stderr(), "cipherlens: {error}");
                    Exit::Failure.into()
                }
            }
        }
    }
}
