//! `upgrade`: a vault of format 1 or 2 becomes one of format 3, whatever happens meanwhile.

mod command;
mod damaged;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod interrupted;
mod outcome;
#[cfg(unix)]
mod over_a_connection;
mod resumed;
