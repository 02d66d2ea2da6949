//! A vault on another machine, from outside: the real binary at both ends of the connection, and what happens when the
//! host or the connection fails or is dishonest.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "what a test measured or could not test is said")]

mod application;
mod copies;
mod dishonest;
mod exporting;
mod garbage;
mod host;
mod interruption;
mod limits;
mod opening;
#[path = "../tui/pseudo_terminal.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod pseudo_terminal;
mod relay;
mod requests;
#[path = "../cli/scene.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod scene;
mod ssh;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "../hardening/tracer.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod tracer;
mod traces;
mod truncation;
mod use_cases;
#[path = "../vault/fixture.rs"]
mod vault_fixture;
