//! The security table, row by row: each property of a vault as a test of the real program that can fail.
//!
//! What cannot be tested here, and why, stands in the README's threat model.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod crash;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod power;
#[path = "../cli/scene.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod scene;
mod states;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;
