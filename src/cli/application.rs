//! `cipherlens` without a command: what the flags and settings decide about the terminal application.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use flexi_logger::LoggerHandle;

use super::failure::Failure;
use super::pictures;
use super::session::{IfOlder, Session};
use crate::cipher::Passphrase;
use crate::preview::Choice;
use crate::services::places::Places;
use crate::services::settings::{CellSize, Motion, Mouse, OnLock, lock_after};

/// Flags of the terminal application.
#[derive(Args)]
pub(super) struct Arguments {
    #[arg(long, help = format!("How pictures are shown: {}", Choice::values()), value_name = "HOW", env = "CIPHERLENS_PREVIEW", hide_possible_values = true)]
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
    /// Lock after so many minutes without a key; 0: never [default: 15]
    #[arg(long, value_name = "MINUTES")]
    lock_after: Option<u64>,
    /// What locking does to an indexing run: continue, pause [default: continue]
    #[arg(long, value_name = "HOW")]
    lock: Option<OnLock>,
    /// Width and height of a character in pixels, such as 9x19, where the terminal does not say
    #[arg(long, value_name = "PIXELS")]
    cell_size: Option<CellSize>,
    /// The file with your keys [default: keymap.toml beside the settings]
    #[arg(long, value_name = "FILE")]
    keymap: Option<PathBuf>,
    /// The file with your colours [default: theme.toml beside the settings]
    #[arg(long, value_name = "FILE")]
    theme: Option<PathBuf>,
}

/// What was decided about the terminal application.
pub struct Application {
    /// The vault to open, if one is known.
    pub vault: Option<PathBuf>,
    /// The passphrase, where a flag says where it is.
    pub passphrase: Option<Passphrase>,
    /// The folder to show first.
    pub folder: PathBuf,
    /// Similarity from which a photo matches.
    pub threshold: f32,
    /// How pictures are shown.
    pub preview: Choice,
    /// Width and height of a character, whatever the terminal says.
    pub cell_size: Option<CellSize>,
    /// Whether the mouse is taken.
    pub mouse: Mouse,
    /// Whether anything moves by itself.
    pub motion: Motion,
    /// Locks after this long without a key.
    pub lock_after: Option<Duration>,
    /// What locking does to an indexing run.
    pub on_lock: OnLock,
    /// The file with the user's keys; it need not exist.
    pub keymap: PathBuf,
    /// The file with the user's colours; it need not exist.
    pub theme: PathBuf,
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
    if session.if_older() == IfOlder::Accept {
        return Err(Failure::Usage(
            "--accept-older needs a command, such as: cipherlens list --accept-older".to_owned(),
        ));
    }
    let vault = match session.vault_path() {
        Ok(vault) => Some(vault),
        // No failure here: the first run names or creates one.
        Err(Failure::NoVault) => None,
        Err(failure) => return Err(failure),
    };
    let settings = session.settings()?;
    let places = session.places()?.clone();
    let settings_file = places.settings_file();
    Ok(Application {
        vault,
        passphrase: session.given_passphrase()?,
        folder: match arguments.folder {
            Some(folder) => std::path::absolute(folder)?,
            None => std::env::current_dir()?,
        },
        threshold: session.threshold(None)?,
        preview: pictures::choice(session, arguments.preview)?,
        cell_size: arguments.cell_size.or(settings.cell_size),
        mouse: if arguments.no_mouse { Mouse::Left } else { settings.mouse },
        motion: if arguments.reduced_motion { Motion::Reduced } else { settings.motion },
        lock_after: arguments.lock_after.map_or_else(|| settings.lock_after(), lock_after),
        on_lock: arguments.lock.unwrap_or(settings.on_lock),
        keymap: arguments.keymap.unwrap_or_else(|| settings.keymap(&settings_file)),
        theme: arguments.theme.unwrap_or_else(|| settings.theme(&settings_file)),
        places,
        log,
    })
}
