//! `cipherlens config`: the settings file.

use clap::{Args, Subcommand};

use super::Exit;
use super::failure::Failure;
use super::session::Session;
use crate::services::settings::Settings;

/// Arguments of `config`.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens config init")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Write a settings file that explains every setting, all commented out
    Init,
    /// Print where the settings file is looked for
    Path,
}

/// Writes or finds the settings file.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let path = session.places()?.settings_file();
    match arguments.action {
        Action::Init => {
            Settings::write_template(&path)?;
            println!("Wrote {}. Every line in it shows a default.", path.display());
        }
        Action::Path => println!("{}", path.display()),
    }
    Ok(Exit::Success)
}
