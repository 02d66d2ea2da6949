//! `cipherlens` without a command: what the flags and settings decide about the terminal application.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use flexi_logger::LoggerHandle;

use super::failure::Failure;
use super::pictures;
use super::session::Session;
use crate::cipher::Passphrase;
use crate::preview::Choice;
use crate::services::places::Places;

/// Flags of the terminal application.
#[derive(Args)]
pub(super) struct Arguments {
    /// How pictures are shown: auto, kitty, sixel, iterm2, halfblocks, off
    #[arg(long, value_name = "HOW", env = "CIPHERLENS_PREVIEW", hide_possible_values = true)]
    preview: Option<Choice>,
    /// The folder to show first [default: the current one]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Leave the mouse to the terminal
    #[arg(long)]
    no_mouse: bool,
    /// Nothing moves by itself
    #[arg(long, env = "NO_MOTION", value_parser = clap::builder::FalseyValueParser::new())]
    reduced_motion: bool,
    /// Lock after so many minutes without a key; 0: never
    #[arg(long, value_name = "MINUTES", default_value_t = 15)]
    lock_after: u64,
}

/// What was decided about the terminal application.
pub struct Application {
    /// The vault to open or propose.
    pub vault: Option<PathBuf>,
    /// The passphrase, where a flag says where it is.
    pub passphrase: Option<Passphrase>,
    /// The folder to show first.
    pub folder: PathBuf,
    /// Similarity from which a photo matches.
    pub threshold: f32,
    /// How pictures are shown.
    pub preview: Choice,
    /// Whether the mouse is left to the terminal.
    pub leaves_mouse: bool,
    /// Whether nothing may move by itself.
    pub stands_still: bool,
    /// Locks after this long without a key.
    pub lock_after: Option<Duration>,
    /// The user's folders.
    pub places: Places,
    /// Writes the log's last lines when it is dropped.
    pub log: Option<LoggerHandle>,
}

/// Decides.
pub(super) fn decide(
    arguments: Arguments,
    session: &Session,
    log: Option<LoggerHandle>,
) -> Result<Application, Failure> {
    Ok(Application {
        // That none is known is no failure here: the first run names or creates one.
        vault: session.vault_path().ok(),
        passphrase: session.given_passphrase()?,
        folder: match arguments.folder {
            Some(folder) => std::path::absolute(folder)?,
            None => std::env::current_dir()?,
        },
        threshold: session.threshold(None)?,
        preview: pictures::choice(session, arguments.preview)?,
        leaves_mouse: arguments.no_mouse,
        stands_still: arguments.reduced_motion,
        lock_after: (arguments.lock_after > 0).then(|| Duration::from_secs(60 * arguments.lock_after)),
        places: session.places()?.clone(),
        log,
    })
}
