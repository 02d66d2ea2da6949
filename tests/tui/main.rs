//! The terminal application from outside: keys in, screen text out; and the real binary in a pseudo-terminal.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "tests print measurements, and what they could not test")]

#[cfg(target_os = "linux")]
mod full_disk;
mod hints;
mod hostile;
mod intake;
mod interrupted;
mod keys;
mod locale;
mod locking;
mod not_there;
mod older_copies;
mod outside;
mod pace;
mod pseudo_terminal;
mod restoring;
mod screens;
mod stage;
mod states;
mod terminals;
mod tmux;
mod user;
