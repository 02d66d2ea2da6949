//! `cipherlens man`: the manual, one page for the program and one for each command.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use super::Exit;
use super::failure::Failure;
use super::output;
use crate::services::privacy;

/// Arguments of `man`.
#[derive(Args)]
#[command(after_help = "Example:\n  cipherlens man | man -l -\n  cipherlens man --out ~/.local/share/man/man1")]
pub(super) struct Arguments {
    /// Write all pages into FOLDER instead of the main page to standard output
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Writes the manual of `program`.
pub(super) fn run(arguments: &Arguments, program: Command) -> Result<Exit, Failure> {
    let Some(folder) = &arguments.out else {
        let mut page = Vec::new();
        Man::new(program).render(&mut page)?;
        output::text(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Success);
    };
    // The manual is meant for every user of the machine.
    privacy::share_new_files();
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(program, folder)?;
    let written = std::fs::read_dir(folder)?.count();
    output::say(&format!(
        "Wrote {} to {}. Read one with: man -l {}",
        output::count(written, "page"),
        folder.display(),
        folder.join("cipherlens.1").display()
    ));
    Ok(Exit::Success)
}
