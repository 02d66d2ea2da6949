//! Arguments to the command line or the terminal application, and exit codes; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    cipherlens::cli::main()
}
