//! `cipherlens config`: the files with settings, keys and colours.

use clap::{Args, Subcommand};

use super::Exit;
use super::failure::Failure;
use super::output;
use super::session::Session;
use crate::preview::Choice;
use crate::services::settings::{Was, write_templates};

/// Arguments of `config`.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens config init")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Write files that explain every setting, key and colour, all commented out
    Init,
    /// Print the path of the settings file
    Path,
}

/// Writes the templates, or prints the path of the settings.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let path = session.dirs()?.settings_file();
    match arguments.action {
        Action::Init => {
            let mut text = String::new();
            for file in write_templates(&path, &Choice::values())? {
                text += &match file.was {
                    Was::Missing => format!("Wrote {}. Every line in it shows a default.\n", file.path.display()),
                    Was::There => format!("{} exists already and is left as it is.\n", file.path.display()),
                };
            }
            output::text(&text)?;
        }
        Action::Path => output::line(&path.display().to_string())?,
    }
    Ok(Exit::Success)
}
