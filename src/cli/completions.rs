//! `cipherlens completions SHELL`: the completion script of a shell, on standard output.

use clap::{Args, Command};
use clap_complete::Shell;

use super::Exit;
use super::failure::Failure;
use super::output;

/// Arguments of `completions`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens completions bash > ~/.local/share/bash-completion/completions/cipherlens"
)]
pub(super) struct Arguments {
    /// The shell to write the script for
    shell: Shell,
}

/// Prints the script for `program`.
pub(super) fn run(arguments: &Arguments, mut program: Command) -> Result<Exit, Failure> {
    // Generated in memory, because clap panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "cipherlens", &mut script);
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
