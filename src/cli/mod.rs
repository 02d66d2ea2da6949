//! The command line: one file a command. Parses arguments, calls the layers below, prints, and chooses the exit code.
//!
//! Results go to standard output; progress and errors to standard error. With `--json` standard output holds JSON only.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod demo;
mod exit;
mod features;
mod terminal_text;

pub use exit::Exit;

/// Keep photos encrypted on any machine and still search them by similarity.
#[derive(Parser)]
#[command(name = "cipherlens", version, after_help = exit::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bench(bench::Bench),
    Demo(demo::Arguments),
    Features(features::Arguments),
}

/// Runs the command named by the process's arguments.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            // A closed pipe is the only way this fails, and then nobody reads the text.
            let _ = error.print();
            return exit.into();
        }
    };
    let exit = match &arguments.command {
        Command::Bench(arguments) => bench::run(arguments),
        Command::Demo(demo::Arguments {}) => demo::run(),
        Command::Features(arguments) => features::run(arguments),
    };
    exit.into()
}
