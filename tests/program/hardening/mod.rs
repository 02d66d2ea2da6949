//! The security table, row by row: each property of a vault as a test of the real program that can fail.
//!
//! What cannot be tested here, and why, is in docs/threat-model.md.

mod bombs;
mod broken_locks;
mod check_vectors;
mod chunks;
mod concurrency;
mod crash;
mod exported_names;
mod exporting;
mod header_and_mapping;
mod header_commit;
mod history;
mod known_answers;
mod links;
mod malformed;
mod memory;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod overlapping_headers;
mod packs;
mod plaintext;
pub(crate) mod power;
mod restoring;
mod secrets;
mod states;
mod supply_chain;
mod tamper;
#[path = "../../../fuzz/targets.rs"]
mod targets;
mod truncation;
mod unknown_fields;
mod vectors;
