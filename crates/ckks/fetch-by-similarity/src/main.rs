//! An entry for the fetch-by-similarity workload of the FHE benchmarking suite
//! (<https://github.com/fhe-benchmarking/fetch-by-similarity>).
//!
//! The suite's harness starts one program for each stage. All of them are this program under different names: it takes
//! the stage from the name it is started by. `README.md` says what is computed where and what the server learns.

mod arguments;
mod client;
mod error;
mod files;
mod instance;
mod map;
mod payloads;
mod reply;
mod server;
mod timings;

use std::env;
use std::io::Write;
use std::process::ExitCode;

use arguments::{Run, Stage};
use error::Error;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error leaves no way to report anything.
            let _ = writeln!(std::io::stderr(), "fetch-by-similarity: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let (stage, run) = Run::from_arguments(env::args_os())?;
    match stage {
        Stage::GenerateKeys => client::keys::generate(&run),
        Stage::EncryptDatabase => client::database::encrypt(&run),
        Stage::EncryptQuery => client::query::encrypt(&run),
        Stage::Compute => server::compute(&run),
        Stage::Decrypt => client::result::decrypt(&run),
    }
}
