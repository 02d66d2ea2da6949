//! The command line, one file per command: parses arguments, calls the services, prints, and chooses the exit code.
//!
//! Results go to standard output; progress and errors to standard error. With `--json` standard output holds JSON only.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

mod add;
mod application;
mod bench;
mod check;
mod check_copy;
mod completions;
mod config;
mod copies;
mod demo;
mod doctor;
mod exit;
mod export;
mod failure;
mod features;
mod import_legacy;
mod init;
mod interrupt;
mod key;
mod list;
mod log;
mod man;
mod merge;
mod meter;
mod output;
mod passphrase;
mod passwd;
mod photo_object;
mod pictures;
mod pull;
mod push;
mod remove;
mod search;
mod serve;
mod session;
mod show;
mod stats;
mod synthesize;
mod table;
mod upgrade;

pub use application::Application;
pub use exit::Exit;

use crate::services::app_dirs::AppDirs;
use crate::services::privacy;
use crate::services::session::{Address, Trust};
use passphrase::PassphraseSource;
use session::{IfOlder, Session};

/// Keep photos encrypted on any machine and still search them by similarity.
#[derive(Parser)]
#[command(name = "cipherlens", version, after_help = exit::HELP)]
struct Arguments {
    /// The vault: a folder, or ssh://[user@]host[:port]/path [default: the settings', else the one used last]
    #[arg(long, global = true, value_name = "VAULT", env = "CIPHERLENS_VAULT", hide_env_values = true)]
    vault: Option<PathBuf>,
    /// Reach the vault through COMMAND, which runs `cipherlens serve --stdio PATH` on some machine
    #[arg(long, global = true, value_name = "COMMAND")]
    via: Option<String>,
    /// If this copy is older than one this machine has seen, such as a restored backup: use it from now on
    #[arg(long, global = true)]
    accept_older: bool,
    /// If another vault is at an address than before, or for push none any more: trust what is there from now on
    #[arg(long, global = true)]
    trust_new_vault: bool,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    application: application::Arguments,
}

#[derive(Subcommand)]
enum Command {
    /// Create a vault
    Init(init::Arguments),
    /// Add photos and folders of photos
    Add(add::Arguments),
    /// Find photos that look like one
    Search(search::Arguments),
    /// List what is in the vault
    List(list::Arguments),
    /// Show one photo of the vault in the terminal
    Show(show::Arguments),
    /// Decrypt photos into a folder
    Export(export::Arguments),
    /// Remove photos from the vault
    Remove(remove::Arguments),
    /// Read everything in the vault and report all damage
    Check(check::Arguments),
    /// Show how large the vault is, and what an observer could learn from it
    Stats(stats::Arguments),
    /// List the known copies of the vault, and how old each is
    Copies(copies::Arguments),
    /// Change the passphrase
    Passwd(passwd::Arguments),
    /// List, add and remove passphrases
    Key(key::Arguments),
    /// Bring a vault of an older format to the current one
    Upgrade(upgrade::Arguments),
    /// Bring a copy of the vault up to date
    Push(push::Arguments),
    /// Bring the vault up to date with a copy
    Pull(pull::Arguments),
    /// Make two copies of the vault that were changed separately the same
    Merge(merge::Arguments),
    /// Serve a vault to cipherlens on another machine, without any key
    Serve(serve::Arguments),
    /// Import a folder of AES-128-CBC encrypted images
    ImportLegacy(import_legacy::Arguments),
    /// Show how it works on sample photos
    Demo(demo::Arguments),
    Bench(bench::Arguments),
    Features(features::Arguments),
    /// Explain how pictures are drawn in this terminal
    Doctor(doctor::Arguments),
    /// Write or locate the settings file
    Config(config::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
    /// Print or write the manual
    Man(man::Arguments),
    /// Fill the vault with synthetic vectors, to measure it
    #[command(hide = true)]
    Synthesize(synthesize::Arguments),
}

/// What the process's arguments request.
pub enum Invocation {
    /// A command was run; this is its outcome.
    Command(Exit),
    /// The terminal application is to be started.
    Application(Box<Application>),
}

/// Runs the command named by the process's arguments, if they name one.
#[must_use]
pub fn main() -> Invocation {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let ended = failure::reported(exit, output::help(&error));
            return Invocation::Command(ended.unwrap_or_else(|failure| failure.report()));
        }
    };
    let dirs = AppDirs::for_user();
    let log = dirs.as_ref().and_then(|dirs| {
        privacy::tighten(dirs);
        log::start(dirs)
    });
    let vault = arguments.via.as_deref().map(Address::via).or(arguments.vault);
    let if_older = if arguments.accept_older { IfOlder::Accept } else { IfOlder::Ask };
    let trust = if arguments.trust_new_vault { Trust::Any } else { Trust::Known };
    let session = Session::new(dirs, vault, arguments.passphrase, if_older, trust);
    let Some(command) = arguments.command else {
        return match application::decide(arguments.application, &session, log) {
            Ok(application) => Invocation::Application(Box::new(application)),
            Err(failure) => Invocation::Command(failure.report()),
        };
    };
    let ended = match command {
        Command::Init(arguments) => init::run(&arguments, &session),
        Command::Add(arguments) => add::run(&arguments, &session),
        Command::Search(arguments) => search::run(&arguments, &session),
        Command::List(arguments) => list::run(&arguments, &session),
        Command::Show(arguments) => show::run(&arguments, &session),
        Command::Export(arguments) => export::run(&arguments, &session),
        Command::Remove(arguments) => remove::run(&arguments, &session),
        Command::Check(arguments) => check::run(&arguments, &session),
        Command::Stats(arguments) => stats::run(&arguments, &session),
        Command::Copies(arguments) => copies::run(&arguments, &session),
        Command::Passwd(arguments) => passwd::run(&arguments, &session),
        Command::Key(arguments) => key::run(&arguments, &session),
        Command::Upgrade(arguments) => upgrade::run(&arguments, &session),
        Command::Push(arguments) => push::run(&arguments, &session),
        Command::Pull(arguments) => pull::run(&arguments, &session),
        Command::Merge(arguments) => merge::run(&arguments, &session),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::ImportLegacy(arguments) => import_legacy::run(&arguments, &session),
        Command::Demo(arguments) => demo::run(&arguments, &session),
        Command::Bench(arguments) => bench::run(&arguments, &session),
        Command::Features(arguments) => features::run(&arguments, &session),
        Command::Doctor(arguments) => doctor::run(&arguments, &session),
        Command::Config(arguments) => config::run(&arguments, &session),
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        Command::Man(arguments) => man::run(&arguments, Arguments::command()),
        Command::Synthesize(arguments) => synthesize::run(&arguments, &session),
    };
    Invocation::Command(ended.unwrap_or_else(|failure| failure.report()))
}
