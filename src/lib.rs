//! Keeps photos encrypted on any machine and still searches them by similarity.
//!
//! # The map
//!
//! A room may use rooms of lower layers only; `tests/architecture.rs` reads the `use crate::` lines and fails
//! otherwise. `cli` and `tui` use `services`, `preview` and `error` only.
//!
//! | layer | rooms | what lives there |
//! |---|---|---|
//! | 0 | [`durable`] | crash-safe file replacement, the exclusive lock |
//! | 0 | [`secret`] | secret bytes: wiped, never printed, compared in constant time |
//! | 1 | [`ckks`] | encrypted search: similarity scores between encrypted vectors |
//! | 1 | [`cipher`] | AES-256-CBC + HMAC-SHA-512, Argon2id, one key per object |
//! | 1 | [`features`] | pixels to a unit vector: decoding under limits, ResNet-50 |
//! | 2 | [`vault`] | photos and encrypted features at rest: generations, transactions, check and repair |
//! | 3 | [`remote`] | a vault on another machine: protocol, client, host, local cache |
//! | 4 | [`error`] | why a use case failed, and what to do about it |
//! | 5 | [`services`] | the use cases and all policy: unlock, index, search, export, check |
//! | 6 | [`preview`] | pictures in the terminal |
//! | 7 | [`cli`] | one file a command |
//! | 7 | [`tui`] | the terminal application |
//!
//! The rooms of layer 1 do not know each other. Start with [`services`], whose page lists the use cases.

pub mod cipher;
pub mod ckks;
pub mod cli;
pub mod durable;
pub mod error;
pub mod features;
pub mod preview;
pub mod remote;
pub mod secret;
pub mod services;
pub mod tui;
pub mod vault;
