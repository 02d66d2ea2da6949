//! The security table, row by row: each security property has tests, run against the real program where possible.
//!
//! What cannot be tested here, and why, is in docs/threat-model.md.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "tests report what they measured or had to skip")]
// These tests need `/proc` and `ptrace`; the other test binaries run everywhere.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod bombs;
mod broken_locks;
mod concurrency;
mod crash;
mod exported_names;
mod exporting;
mod known_answers;
mod links;
mod malformed;
mod memory;
mod plaintext;
mod power;
#[path = "../tui/pseudo_terminal.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
mod pseudo_terminal;
#[path = "../remote/requests.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod requests;
#[path = "../cli/scene.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod scene;
mod secrets;
mod states;
mod supply_chain;
mod tamper;
#[path = "../../fuzz/targets.rs"]
mod targets;
mod tracer;
mod truncation;
#[path = "../vault/fixture.rs"]
mod vault_fixture;
