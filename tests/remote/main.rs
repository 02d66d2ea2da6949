//! A vault on another machine, from outside: the real binary at both ends of the line, and what happens when the host or
//! the line is not what it should be.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

mod copies;
mod dishonest;
mod garbage;
mod host;
mod interruption;
mod relay;
#[path = "../cli/scene.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod scene;
mod ssh;
mod traces;
mod use_cases;
#[path = "../vault_fixture/mod.rs"]
mod vault_fixture;
