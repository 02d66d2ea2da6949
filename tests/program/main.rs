//! The program from outside: the command line, the terminal application, vaults on other machines, the security table.
//!
//! One binary, because each test binary links the whole program once more.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "tests report what they measured or could not test")]

mod cli;
// The table is tested on systems with `/proc` and `ptrace`; the program's own tests run everywhere.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod hardening;
#[cfg(unix)]
mod remote;
mod support;
mod tui;
mod upgrade;
mod vault;
