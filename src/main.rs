//! Arguments to the command line or the terminal application, and exit codes; nothing else.

use std::process::ExitCode;

use cipherlens::cli::{self, Asked, Exit};
use cipherlens::tui;

fn main() -> ExitCode {
    match cli::main() {
        Asked::Command(exit) => exit.into(),
        Asked::Application(asked) => {
            let options = tui::Options {
                vault: asked.vault,
                passphrase: asked.passphrase,
                folder: asked.folder,
                threshold: asked.threshold,
                preview: asked.preview,
                mouse: if asked.leaves_mouse { tui::Mouse::Left } else { tui::Mouse::Taken },
                motion: if asked.stands_still { tui::Motion::Reduced } else { tui::Motion::Full },
                lock_after: asked.lock_after,
                places: asked.places,
            };
            match tui::run(options) {
                Ok(()) => Exit::Success.into(),
                Err(error) => {
                    eprintln!("cipherlens: {error}");
                    Exit::Failure.into()
                }
            }
        }
    }
}
