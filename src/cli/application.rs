//! `cipherlens` without a command: flags and settings for the terminal application.

use std::path::PathBuf;

use clap::Args;
use flexi_logger::LoggerHandle;

use super::failure::Failure;
use super::pictures;
use super::session::{IfOlder, Session};
use crate::preview::Choice;
use crate::services::application_options::{ApplicationOptions, Start};
use crate::services::session::Trust;
use crate::services::settings::theme::{BuiltInTheme, ThemeChoice};
use crate::services::settings::{CellSize, Motion, Mouse, OnLock, lock_after};

/// Flags of the terminal application.
#[derive(Args)]
pub(super) struct Arguments {
    #[arg(
        long,
        help = format!("How pictures are shown: {}", Choice::values()),
        value_name = "HOW",
        env = "CIPHERLENS_PREVIEW",
        hide_possible_values = true,
    )]
    preview: Option<Choice>,
    /// Show the files of this folder first [default: the photos of the vault, and the files of the current folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Do not use the mouse; the terminal keeps it for selecting text
    #[arg(long)]
    no_mouse: bool,
    /// Turn off animations
    #[arg(long, env = "NO_MOTION", value_parser = clap::builder::FalseyValueParser::new())]
    reduced_motion: bool,
    /// Lock after this many minutes without a key; 0: never [default: 15]
    #[arg(long, value_name = "MINUTES")]
    lock_after: Option<u64>,
    /// What locking does to an indexing run: continue, pause [default: continue]
    #[arg(long, value_name = "HOW")]
    lock: Option<OnLock>,
    /// Width and height of a character in pixels, such as 9x19, if the terminal does not report it
    #[arg(long, value_name = "PIXELS")]
    cell_size: Option<CellSize>,
    /// The file with your keys [default: keymap.toml beside the settings]
    #[arg(long, value_name = "FILE")]
    keymap: Option<PathBuf>,
    #[arg(
        long,
        help = format!("{}, or the file with your colours [default: theme.toml beside the settings]",
            BuiltInTheme::names()),
        value_name = "THEME",
    )]
    theme: Option<PathBuf>,
}

/// The terminal application, ready to start.
pub struct Application {
    /// Options from flags and settings.
    pub options: ApplicationOptions,
    /// How pictures are drawn.
    pub preview: Choice,
    /// Flushes the log when dropped.
    pub log: Option<LoggerHandle>,
}

/// Merges flags over settings over defaults.
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
    if *session.trust() == Trust::Any {
        return Err(Failure::Usage(
            "--trust-new-vault needs a command, such as: cipherlens list --trust-new-vault".to_owned(),
        ));
    }
    let vault = match session.vault_path() {
        Ok(vault) => Some(vault),
        // Not a failure: without a vault, the application offers to create one.
        Err(Failure::NoVault) => None,
        Err(failure) => return Err(failure),
    };
    let settings = session.settings()?;
    let dirs = session.dirs()?.clone();
    let settings_file = dirs.settings_file();
    let options = ApplicationOptions {
        vault,
        passphrase: session.given_passphrase()?,
        start: if arguments.folder.is_some() { Start::Files } else { Start::Vault },
        folder: match arguments.folder {
            Some(folder) => std::path::absolute(folder)?,
            None => std::env::current_dir()?,
        },
        threshold: session.threshold(None)?,
        cell_size: arguments.cell_size.or(settings.cell_size),
        mouse: if arguments.no_mouse { Mouse::Left } else { settings.mouse },
        motion: if arguments.reduced_motion { Motion::Reduced } else { settings.motion },
        lock_after: arguments.lock_after.map_or_else(|| settings.lock_after(), lock_after),
        on_lock: arguments.lock.unwrap_or(settings.on_lock),
        keymap: arguments.keymap.unwrap_or_else(|| settings.keymap(&settings_file)),
        theme: match arguments.theme {
            Some(theme) => {
                let folder = std::env::current_dir()?;
                ThemeChoice::of(&theme, &folder).map_err(|error| Failure::Usage(error.to_string()))?
            }
            None => settings.theme(&settings_file)?,
        },
        dirs,
    };
    Ok(Application { options, preview: pictures::choice(session, arguments.preview)?, log })
}
