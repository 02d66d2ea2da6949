//! Hands the process's arguments to the command line or the terminal application, and returns the exit code.

use std::io::Write;
use std::process::ExitCode;

use cipherlens::cli::{self, Application, Exit, Invocation};
use cipherlens::services::privacy;
use cipherlens::tui;

fn main() -> ExitCode {
    // Before anything secret is read.
    privacy::harden_process();
    match cli::main() {
        Invocation::Command(exit) => exit.into(),
        Invocation::Application(application) => {
            let Application { options, preview, log: _log } = *application;
            match tui::run(options, preview) {
                Ok(()) => Exit::Success.into(),
                Err(error) => {
                    // Ignored: standard error may be closed, and there is nowhere else to report it.
                    let _ = writeln!(std::io::stderr(), "cipherlens: {error}");
                    Exit::Failure.into()
                }
            }
        }
    }
}
