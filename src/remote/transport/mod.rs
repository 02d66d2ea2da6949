//! How to reach a host: the process whose standard input and output carry the protocol.
//!
//! Must never: let a part of an address become an option of a program, or a second word in a shell.

mod command;
mod ssh;

use std::process::Command;

use super::address::{Address, Prompts};

/// The command that connects to `address`; `None` for a local directory.
pub(super) fn connector(address: &Address, prompts: Prompts) -> Option<Command> {
    match address {
        Address::Directory(_) => None,
        Address::Ssh { destination, port, path } => Some(ssh::connector(destination, *port, path, prompts)),
        Address::Command(line) => Some(command::connector(line)),
    }
}
