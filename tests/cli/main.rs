//! Black-box tests: the real binary on real photos, as a user runs it from a shell.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

mod add;
mod bench;
mod broken_output;
mod damage;
mod ended_by_error;
mod export;
mod features;
#[cfg(target_os = "linux")]
#[path = "../tui/full_disk.rs"]
mod full_disk;
mod interrupt;
mod legacy;
mod older_copies;
mod passed_over;
mod privacy;
mod program;
#[path = "../tui/pseudo_terminal.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod pseudo_terminal;
mod scene;
mod search;
mod terminal;
mod vault;
